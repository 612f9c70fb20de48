import { describe, expect, it, onTestFinished } from 'vitest'
import {
  EventBus,
  FinalError,
  memoryBackend,
  type OutboxEntry,
  type RelayedOutbox,
  type RelayOptions,
  type StoredEvent,
  startRelay,
} from '../../src/bus/index.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { gate, until } from './sqlite-files.ts'

/** An outbox in memory, which can be broken. */
function makeOutbox(): RelayedOutbox<undefined> & {
  entries: OutboxEntry[]
  holder: string | undefined
  failure: Error | undefined
  add(...events: (string | Partial<StoredEvent>)[]): void
} {
  let seq = 0
  const check = () => {
    if (outbox.failure) throw outbox.failure
  }
  const outbox = {
    name: 'test_outbox',
    entries: [] as OutboxEntry[],
    holder: undefined as string | undefined,
    failure: undefined as Error | undefined,
    add(...events: (string | Partial<StoredEvent>)[]) {
      for (const event of events) {
        const body = typeof event === 'string' ? event : JSON.stringify({ ...plain(`e${seq}`), ...event })
        outbox.entries.push({ seq: String(seq++), name: 'order.placed', body })
      }
    },
    async write() {},
    async claim(relay: string) {
      check()
      outbox.holder ??= relay
      return outbox.holder === relay
    },
    async release(relay: string) {
      if (outbox.holder === relay) outbox.holder = undefined
    },
    async read(limit: number) {
      check()
      return outbox.entries.slice(0, limit)
    },
    async remove(entries: readonly OutboxEntry[]) {
      check()
      outbox.entries = outbox.entries.filter((each) => !entries.includes(each))
    },
  }
  return outbox
}

function plain(id: string): StoredEvent {
  return { id, name: 'order.placed', data: {}, source: 'shop', time: 1, correlationId: id, priority: 50 }
}

/** A backend that notes what it is given, call by call, and may refuse. */
function makeBackend(refuse: (event: StoredEvent) => Error | undefined = () => undefined) {
  const backend = memoryBackend()
  const calls: string[][] = []
  return {
    ...backend,
    calls,
    get ids() {
      return calls.flat()
    },
    async publish(events: readonly StoredEvent[]) {
      for (const event of events) {
        const error = refuse(event)
        if (error) throw error
      }
      calls.push(events.map(({ id }) => id))
      await backend.publish(events)
    },
  }
}

function start(options: RelayOptions) {
  const errors: Error[] = []
  const relay = startRelay({ pollMs: 2, onError: (error) => errors.push(error), ...options })
  onTestFinished(() => relay.stop())
  return { relay, errors }
}

describe('a relay', () => {
  it('publishes in the order of the outbox, so many at once', async () => {
    const outbox = makeOutbox()
    const backend = makeBackend()
    outbox.add({}, {}, {}, {}, {})
    const { relay } = start({ outbox, backend, batchSize: 2 })
    await until(() => outbox.entries.length === 0)
    outbox.add({})
    await until(() => outbox.entries.length === 0)

    expect(backend.calls).toEqual([['e0', 'e1'], ['e2', 'e3'], ['e4'], ['e5']])
    expect(relay.health()).toEqual({
      status: 'healthy',
      reasons: [],
      details: { isActive: true, published: 6 },
    })
  })

  it('looks at once when it is woken', async () => {
    const clock = fakeClock()
    const outbox = makeOutbox()
    const backend = makeBackend()
    const { relay } = start({ outbox, backend, clock, pollMs: 60_000 })
    await clock.advance(0)
    outbox.add({})
    relay.wake()
    await until(() => backend.ids.length === 1)

    expect(backend.ids).toEqual(['e0'])
  })

  it('tries again while the backend is away, tells it once, and lets nothing overtake', async () => {
    const outbox = makeOutbox()
    let isAway = true
    const clock = fakeClock()
    const backend = makeBackend(() => (isAway ? new Error('connection refused') : undefined))
    outbox.add({}, {})
    const { relay, errors } = start({ outbox, backend, clock })
    await clock.advance(0)
    outbox.add({})
    for (let times = 0; times < 5; times++) await clock.advance(5000)

    expect(errors).toMatchObject([{ message: expect.stringContaining('connection refused') }])
    expect(relay.health()).toMatchObject({
      status: 'degraded',
      reasons: ['The outbox "test_outbox" waits: connection refused'],
    })
    isAway = false
    await clock.advance(30_000)
    expect(backend.ids).toEqual(['e0', 'e1', 'e2'])
    expect(relay.health().status).toBe('healthy')
  })

  it('tries again while the outbox is away', async () => {
    const outbox = makeOutbox()
    const clock = fakeClock()
    const backend = makeBackend()
    outbox.add({})
    outbox.failure = new Error('the database is starting up')
    const { errors } = start({ outbox, backend, clock })
    await clock.advance(1000)
    expect(errors).toHaveLength(1)
    outbox.failure = undefined
    await clock.advance(30_000)

    expect(backend.ids).toEqual(['e0'])
  })

  it('makes a dead letter of what cannot be read, and publishes the rest in order', async () => {
    const outbox = makeOutbox()
    const backend = makeBackend()
    outbox.add({}, '{"id":', {})
    const { errors } = start({ outbox, backend })
    await until(() => outbox.entries.length === 0)

    expect(backend.ids).toEqual(['e0', 'e2'])
    const letters = await backend.deadLetters.list()
    expect(letters).toMatchObject([
      {
        id: 'test_outbox-1',
        reason: expect.stringContaining('is not JSON'),
        event: { name: 'order.placed', data: '{"id":' },
      },
    ])
    expect(errors).toMatchObject([
      { code: 'EVENTSETS_UNREADABLE', hint: expect.stringContaining('test_outbox-1') },
    ])
  })

  it('makes a dead letter of what the backend will never take, and publishes the rest in order', async () => {
    const outbox = makeOutbox()
    const backend = makeBackend(({ id }) =>
      id === 'e1' ? new FinalError('too large for the broker') : undefined,
    )
    outbox.add({}, {}, {})
    start({ outbox, backend })
    await until(() => outbox.entries.length === 0)

    expect(backend.ids).toEqual(['e0', 'e2'])
    expect(await backend.deadLetters.list()).toMatchObject([
      { id: 'e1', reason: 'too large for the broker', handler: undefined },
    ])
  })

  it('leaves the work to another one that has it, and takes over when that stops', async () => {
    const outbox = makeOutbox()
    const [one, two] = [makeBackend(), makeBackend()]
    const first = start({ outbox, backend: one })
    outbox.add({})
    await until(() => one.ids.length === 1)
    const second = start({ outbox, backend: two })
    outbox.add({})
    await until(() => one.ids.length === 2)
    expect(second.relay.health().details).toEqual({ isActive: false, published: 0 })

    await first.relay.stop()
    outbox.add({})
    await until(() => two.ids.length === 1)
    expect(one.ids).toEqual(['e0', 'e1'])
    expect(two.ids).toEqual(['e2'])
  })

  it('stops when what it is publishing is published, or at its deadline', async () => {
    const outbox = makeOutbox()
    const end = gate()
    const begun = gate()
    const backend = makeBackend()
    const slow = {
      ...backend,
      async publish(events: readonly StoredEvent[]) {
        begun.open()
        await end.opened
        await backend.publish(events)
      },
    }
    outbox.add({})
    const { relay } = start({ outbox, backend: slow })
    await begun.opened
    await relay.stop(10)
    const stopped = relay.stop()
    end.open()
    await stopped

    expect(backend.ids).toEqual(['e0'])
    expect(outbox.entries).toEqual([])
    expect(outbox.holder).toBe(undefined)
  })

  it('is a check of the health of a bus', async () => {
    const outbox = makeOutbox()
    outbox.failure = new Error('away')
    const bus = new EventBus()
    onTestFinished(() => bus.close())
    const { relay, errors } = start({ outbox, bus })
    bus.addHealthCheck('outbox', () => relay.health())
    await until(() => errors.length === 1)

    expect((await bus.health()).checks['outbox']).toMatchObject({
      status: 'degraded',
      reasons: ['The outbox "test_outbox" waits: away'],
    })
  })

  it('tells everything that is wrong with its options at once', () => {
    const bus = new EventBus()
    onTestFinished(() => bus.close())

    expect(() => startRelay({ outbox: {}, bus, backend: memoryBackend(), batchSize: 0 } as never)).toThrow(
      expect.objectContaining({
        code: 'EVENTSETS_INVALID_OPTIONS',
        issues: [
          expect.objectContaining({ path: 'outbox' }),
          expect.objectContaining({ path: 'batchSize' }),
          expect.objectContaining({
            path: 'backend',
            message: expect.stringContaining('either "bus" or "backend"'),
          }),
        ],
      }),
    )
  })
})
