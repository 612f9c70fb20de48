import { describe, expect, it } from 'vitest'
import { EventBus, memoryBackend } from '../../src/bus/index.ts'
import { fakeClock, recordingBackend } from '../../src/testing/index.ts'

const INVALID = 'EVENTSETS_INVALID_OPTIONS'

/** What a call rejects with or throws. */
async function failureOf(call: () => unknown): Promise<{ code: string; message: string }> {
  try {
    await call()
  } catch (error) {
    return error as { code: string; message: string }
  }
  return expect.fail('has not failed')
}

/** What somebody gives who has no compiler. */
type Given = never

describe('nothing happens, and everything that is wrong is told, when options are wrong of', () => {
  it.each<[string, (bus: EventBus) => unknown, RegExp]>([
    ['list', (bus) => bus.deadLetters.list({ limit: -2 }), /limit: expected a whole number, 0 or more/],
    ['list', (bus) => bus.deadLetters.list({ limit: 'x' } as Given), /limit: expected/],
    ['list', (bus) => bus.deadLetters.list({ patern: 'a' } as Given), /patern: .* did you mean "pattern"\?/],
    ['list', (bus) => bus.deadLetters.list(null as Given), /expected an object/],
    ['replayAll', (bus) => bus.deadLetters.replayAll({ patern: 'b' } as Given), /did you mean "pattern"\?/],
    ['replayAll', (bus) => bus.deadLetters.replayAll('a.*' as Given), /expected an object/],
    ['replay', (bus) => bus.replay({ patern: 'a' } as Given).next(), /did you mean "pattern"\?/],
    [
      'replay',
      (bus) => bus.replay({ from: 'yesterday', to: Number.NaN } as Given).next(),
      /2 issues.*from: expected milliseconds since 1970/s,
    ],
    ['replay', (bus) => bus.replay({ signal: {} } as Given).next(), /signal: expected an AbortSignal/],
    ['replay', (bus) => bus.replay(null as Given).next(), /expected an object/],
    ['close', (bus) => bus.close({ deadline: 1 } as Given), /deadline: .* did you mean "deadlineMs"\?/],
    ['close', (bus) => bus.close({ deadlineMs: -1 }), /deadlineMs: expected milliseconds, 0 or more/],
    ['close', (bus) => bus.close(null as Given), /expected an object/],
    ['once', (bus) => bus.once('q', { filter: () => false } as Given), /filter: is not a known key/],
    ['once', (bus) => bus.once('q', { signl: 1 } as Given), /did you mean "signal"\?/],
    ['once', (bus) => bus.once('q', { signal: 'x' } as Given), /signal: expected an AbortSignal/],
    ['once', (bus) => bus.once('q', null as Given), /expected an object/],
    ['once', (bus) => bus.once('q', () => {}, null as Given), /expected an object/],
    ['stream', (bus) => bus.stream('a', null as Given), /expected an object/],
    ['stream', (bus) => bus.stream('a', { signal: {} } as Given), /signal: expected an AbortSignal/],
    ['stream', (bus) => bus.stream('a', { priority: 1.5 }), /priority: expected a whole number/],
    ['batch', (bus) => bus.batch('q', undefined as Given, () => {}), /expected an object with "maxSize"/],
    ['publishAll', (bus) => bus.publishAll(undefined as Given), /expected a list/],
    ['publishAll', (bus) => bus.publishAll([null] as Given), /\[0\]: expected \{ name, data, options \}/],
    [
      'publishAll',
      (bus) =>
        bus.publishAll([
          { name: 'a', data: 1 },
          { name: 'b', data: 1, option: { key: 'k' } },
          { name: 'b', data: 1, options: { keys: 'k' } },
        ] as Given),
      /2 issues.*\[1\]\.option: .* did you mean "options"\?.*\[2\]\.options\.keys: .* did you mean "key"\?/s,
    ],
    ['publish', (bus) => bus.publish('a', 1, [] as Given), /expected an object/],
    ['transaction', (bus) => bus.transaction(undefined as Given), /run: expected a function/],
    [
      'transaction',
      (bus) => bus.transaction((tx) => tx.publish('a', 1), {} as Given),
      /outbox: is required.*handle: is required/s,
    ],
    [
      'transaction',
      (bus) => bus.transaction((tx) => tx.publish('a', 1), { outbox: {}, handel: 1, handle: null } as Given),
      /3 issues.*outbox: expected an outbox.*handle: expected/s,
    ],
    ['on', (bus) => bus.on('a', () => {}, { retry: false } as Given), /\{ maxAttempts: 1 \} is no retry/],
    ['on', (bus) => bus.on('a', () => {}, { signal: {} } as Given), /signal: expected an AbortSignal/],
  ])('%s, %#', async (_, call, problem) => {
    const backend = recordingBackend()
    await using bus = new EventBus({ backend })

    const failure = await failureOf(() => call(bus))

    expect(failure).toMatchObject({ code: INVALID, message: expect.stringMatching(problem) })
    expect(bus.handlers()).toEqual([])
    expect(bus.isClosed).toBe(false)
    expect(backend.publishedEvents).toEqual([])
  })

  it.each([
    [null, /expected an object/],
    [{ clock: {} }, /clock: expected a clock/],
    [{ clock: null, overflow: 'x' }, /2 issues/],
  ])('a memory backend: %j', async (options, problem) => {
    const failure = await failureOf(() => memoryBackend(options as Given))

    expect(failure).toMatchObject({ code: INVALID, message: expect.stringMatching(problem) })
  })
})

it('a typo in a query replays no letter', async () => {
  await using bus = new EventBus({ onError: () => {} })
  let calls = 0
  bus.on('order.paid', () => {
    calls++
    throw new Error('no route')
  })
  await bus.publish('order.paid', 1)
  await bus.idle()

  await failureOf(() => bus.deadLetters.replayAll({ patern: 'user.*' } as Given))
  await bus.idle()

  expect(calls).toBe(1)
  expect(await bus.deadLetters.list()).toHaveLength(1)
})

describe('a handler', () => {
  it('has no limit of time with Infinity, whatever that of the bus is', async () => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock, timeoutMs: 10, onError: () => {} })
    const end: (() => void)[] = []
    const work = () => new Promise<void>((resolve) => end.push(resolve))
    bus.on('order.paid', work, { name: 'patient', timeoutMs: Number.POSITIVE_INFINITY })
    bus.on('order.paid', work, { name: 'hasty' })

    const emitted = bus.emit('order.paid', 1)
    await clock.advance(1000)
    for (const each of end) each()

    expect((await emitted).failures.map(({ handler }) => handler)).toEqual(['hasty'])
  })

  it('is tried once with one attempt, whatever the policy of the bus is', async () => {
    await using bus = new EventBus({ retry: { maxAttempts: 5, baseDelayMs: 0 }, onError: () => {} })
    bus.on('order.paid', () => Promise.reject(new Error('no route')), { retry: { maxAttempts: 1 } })

    expect((await bus.emit('order.paid', 1)).failures[0]?.attempts).toBe(1)
  })
})
