import { describe, expect, it } from 'vitest'
import { type BusEvent, EventBus, memoryBackend } from '../../src/bus/index.ts'
import type { EventsetsError } from '../../src/core/errors.ts'
import { fakeClock } from '../../src/testing/index.ts'

/** A bus whose handlers end when they are told to. */
function openSlowBus(options: Parameters<typeof memoryBackend>[0] = {}) {
  const backend = memoryBackend(options)
  const bus = new EventBus({ backend, concurrency: 1, onError: () => {} })
  const seen: unknown[] = []
  const ends: (() => void)[] = []
  bus.on('order.*', ({ data }) => {
    seen.push(data)
    return new Promise<void>((resolve) => ends.push(resolve))
  })
  const endNext = async () => {
    ends.shift()?.()
    await takeTurns()
  }
  return { backend, bus, seen, endNext }
}

async function takeTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('a memory backend that is full', () => {
  it('keeps publishers waiting, and takes them in their order', async () => {
    const { bus, seen, endNext } = openSlowBus({ maxQueueDepth: 2 })
    const taken: number[] = []
    const publish = (n: number) => bus.publish('order.paid', n).then(() => taken.push(n))
    const published = [publish(0)]
    await takeTurns()
    for (let n = 1; n < 8; n++) published.push(publish(n))
    await takeTurns()
    expect(taken).toEqual([0, 1, 2])

    for (let n = 0; n < 8; n++) await endNext()
    await Promise.all(published)

    expect(taken).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    await bus.close()
  })

  it('refuses events where that is asked for, and says why', async () => {
    const { bus, endNext } = openSlowBus({ maxQueueDepth: 2, overflow: 'error' })
    await bus.publish('order.paid', 0)
    await takeTurns()
    await bus.publish('order.paid', 1)
    await bus.publish('order.paid', 2)

    await expect(bus.publish('order.paid', 3)).rejects.toMatchObject({
      name: 'PublishError',
      code: 'EVENTSETS_PUBLISH',
      message: '2 events are waiting, and no more are taken.',
    })

    for (let n = 0; n < 3; n++) await endNext()
    await bus.close()
  })

  it('keeps publishers waiting no longer than they may: handlers may wait for room that only their end would make', async () => {
    const clock = fakeClock()
    const backend = memoryBackend({ clock, maxQueueDepth: 2, maxWaitMs: 5000 })
    const told: string[] = []
    await using bus = new EventBus({
      clock,
      backend,
      concurrency: 1,
      onError: ({ cause }) => void told.push((cause as Error).message),
    })
    bus.on('order.paid', async () => {
      await new Promise((resolve) => setImmediate(resolve))
      for (let n = 0; n < 3; n++) await bus.publish('order.sent', n)
    })
    await bus.publish('order.paid', 1)
    await takeTurns()

    await clock.advance(4999)
    expect(told).toEqual([])
    await clock.advance(1)
    await bus.idle()

    expect(told).toEqual(['2 events are waiting, and no more are taken. There was no room for 5000 ms.'])
  })

  it('takes more at once than it has room for when nothing waits: they would wait for ever', async () => {
    await using bus = new EventBus({ backend: memoryBackend({ maxQueueDepth: 5 }) })
    let calls = 0
    bus.on('order.paid', () => void calls++)

    await bus.publishAll(Array.from({ length: 20 }, () => ({ name: 'order.paid', data: 1 })))
    await bus.idle()

    expect(calls).toBe(20)
  })

  it('does not let handlers wait that publish what follows: there is no room before they end', async () => {
    await using bus = new EventBus({ backend: memoryBackend({ maxQueueDepth: 5 }), concurrency: 5 })
    const seen = { placed: 0, paid: 0 }
    bus.on('order.placed', async (_, context) => {
      await new Promise((resolve) => setImmediate(resolve))
      await context.publish('order.paid', 1)
      seen.placed++
    })
    bus.on('order.paid', () => void seen.paid++)

    for (let n = 0; n < 50; n++) await bus.publish('order.placed', n)
    await bus.idle()

    expect(seen).toEqual({ placed: 50, paid: 50 })
  })

  it('refuses what handlers publish without end', async () => {
    const told: string[] = []
    await using bus = new EventBus({
      backend: memoryBackend({ maxQueueDepth: 2 }),
      concurrency: 1,
      onError: ({ message }) => void told.push(message),
    })
    bus.on('flood', async ({ depth }, context) => {
      if (depth === 0) for (let n = 0; n < 9; n++) await context.publish('flood', 1)
    })

    await bus.publish('flood', 1)
    await bus.idle()

    expect(told[0]).toMatch(/4 events are waiting, and no more are taken/)
  })

  it('says so in its health, and is well again later', async () => {
    const { backend, bus, endNext } = openSlowBus({ maxQueueDepth: 1 })
    await bus.publish('order.paid', 1)
    await takeTurns()
    await bus.publish('order.paid', 2)

    expect(await backend.health()).toMatchObject({
      status: 'degraded',
      reasons: ['An event is waiting, and no more are taken.'],
      queueDepth: 1,
      inFlight: 1,
    })
    await endNext()
    await endNext()
    expect((await backend.health()).status).toBe('healthy')
    await bus.close()
  })

  it('lets nobody wait when it is closed', async () => {
    const { bus } = openSlowBus({ maxQueueDepth: 1 })
    await bus.publish('order.paid', 1)
    await takeTurns()
    await bus.publish('order.paid', 2)
    const waiting = bus.publish('order.paid', 3)
    const refused = expect(waiting).rejects.toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })

    await bus.close({ deadlineMs: 0 })

    await refused
  })
})

describe('a memory backend', () => {
  it('keeps nothing where nobody listens', async () => {
    const backend = memoryBackend()
    await using bus = new EventBus({ backend })

    for (let n = 0; n < 10; n++) await bus.publish('order.paid', n)

    expect((await backend.health()).queueDepth).toBe(0)
  })

  it('keeps a history of the latest events, for whoever comes later', async () => {
    const backend = memoryBackend({ historySize: 100 })
    await using bus = new EventBus({ backend })
    for (let n = 0; n < 350; n++) await bus.publish('order.paid', n)

    const events: unknown[] = []
    for await (const { data } of bus.replay()) events.push(data)

    expect(events).toEqual(Array.from({ length: 100 }, (_, n) => 250 + n))
  })

  it('keeps no history where that is asked for', async () => {
    await using bus = new EventBus({ backend: memoryBackend({ historySize: 0 }) })
    await bus.publish('order.paid', 1)

    expect((await bus.replay().next()).done).toBe(true)
  })

  it('remembers a bounded number of ids', async () => {
    await using bus = new EventBus({ backend: memoryBackend({ rememberedIds: 10 }) })
    let calls = 0
    bus.on('order.paid', () => void calls++)

    await bus.publish('order.paid', 1, { id: 'first' })
    for (let n = 0; n < 10; n++) await bus.publish('order.paid', n, { id: `id-${n}` })
    await bus.publish('order.paid', 1, { id: 'id-9' })
    await bus.publish('order.paid', 1, { id: 'first' })
    await bus.idle()

    expect(calls).toBe(12)
  })

  it('keeps a bounded number of dead letters, the latest ones', async () => {
    await using bus = new EventBus({ backend: memoryBackend({ maxDeadLetters: 3 }), onError: () => {} })
    bus.on('order.paid', () => Promise.reject(new Error('no route')))
    for (let n = 0; n < 10; n++) await bus.publish('order.paid', n)
    await bus.idle()

    expect((await bus.deadLetters.list()).map(({ event }) => event.data)).toEqual([7, 8, 9])
  })

  it('tells when dead letters make room for others, the first one and then each thousand', async () => {
    const errors: EventsetsError[] = []
    const backend = memoryBackend({ maxDeadLetters: 2 })
    const onError = (error: EventsetsError, event: BusEvent | undefined) => void (event ?? errors.push(error))
    await using bus = new EventBus({ backend, onError })
    bus.on('order.paid', () => Promise.reject(new Error('no route')))
    const fail = async (count: number) => {
      for (let n = 0; n < count; n++) await bus.publish('order.paid', n)
      await bus.idle()
    }

    await fail(2)
    expect(await backend.health()).toMatchObject({ status: 'healthy', reasons: [] })
    expect(errors).toEqual([])

    await fail(1)
    expect(errors.map(({ code }) => code)).toEqual(['EVENTSETS_DEAD_LETTERS_FULL'])
    expect(await backend.health()).toMatchObject({
      status: 'degraded',
      reasons: ['No more dead letters are kept: the oldest one has made room for others.'],
    })

    await fail(1500)
    expect(errors.map(({ message }) => message)).toEqual([
      'No more dead letters are kept: the oldest one has made room for others.',
      'No more dead letters are kept: the 1000 oldest have made room for others.',
    ])

    const [letter] = await bus.deadLetters.list()
    await bus.deadLetters.drop(letter?.id as string)
    expect((await backend.health()).status).toBe('healthy')
  })

  it('tells nothing of letters when none are to be kept', async () => {
    const errors: unknown[] = []
    const backend = memoryBackend({ maxDeadLetters: 0 })
    await using bus = new EventBus({ backend, onError: (_, event) => void (event ?? errors.push('told')) })
    bus.on('order.paid', () => Promise.reject(new Error('no route')))

    await bus.publish('order.paid', 1)
    await bus.idle()

    expect(errors).toEqual([])
    expect((await backend.health()).status).toBe('healthy')
  })

  it('tells how long the oldest event has waited', async () => {
    const clock = fakeClock()
    const backend = memoryBackend({ clock })
    await using bus = new EventBus({ backend, clock })
    bus.on('order.paid', () => {})
    await bus.pause()
    await bus.publish('order.paid', 1)
    await clock.advance(7000)

    expect((await backend.health()).lagMs).toBe(7000)
    await bus.resume()
    await bus.idle()
    expect((await backend.health()).lagMs).toBe(0)
  })

  it('is well served with priorities without end', async () => {
    await using bus = new EventBus({ concurrency: 1 })
    const seen: number[] = []
    bus.on('order.*', ({ priority }) => void seen.push(priority))
    await bus.pause()
    const priorities = Array.from({ length: 2000 }, (_, n) => (n * 7919) % 2003)
    for (const priority of priorities) await bus.publish('order.paid', 1, { priority })
    await bus.resume()
    await bus.idle()

    expect(seen).toEqual([...priorities].sort((one, other) => other - one))
  })

  it.each([
    [{ historySize: -1 }, /historySize: expected a whole number/],
    [{ maxQueueDepth: 1.5 }, /maxQueueDepth/],
    [{ rememberedIds: '5' }, /rememberedIds/],
    [{ maxDeadLetters: Number.POSITIVE_INFINITY }, /maxDeadLetters/],
    [{ overflow: 'drop' }, /overflow: expected "wait" or "error"/],
    [{ maxQueueDepth: 0 }, /maxQueueDepth: expected a whole number, 1 or more/],
    [{ queueDepth: 5 }, /queueDepth: is not a known option; did you mean "maxQueueDepth"/],
    [{ historySize: -1, overflow: 'x' }, /2 issues/],
  ])('cannot have the options %j', (options, problem) => {
    expect(() => memoryBackend(options as never)).toThrow(problem)
  })
})
