import { AsyncResource } from 'node:async_hooks'
import { describe, expect, it } from 'vitest'
import {
  type BusBackend,
  EventBus,
  type EventMap,
  type HandlerContext,
  memoryBackend,
  type StandardSchema,
} from '../../src/bus/index.ts'
import { fakeClock } from '../../src/testing/index.ts'

/** Lets promises settle that settle by themselves. */
async function takeTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('close', () => {
  it('waits for what is in hand, and for what waits', async () => {
    const told: string[] = []
    const bus = new EventBus({ concurrency: 2, onError: ({ message }) => void told.push(message) })
    const seen: unknown[] = []
    bus.on('order.paid', async ({ data }) => {
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(data)
    })
    for (let n = 0; n < 20; n++) await bus.publish('order.paid', n)
    const emitted = bus.emit('order.paid', 'emitted')

    await bus.close()

    expect(seen).toHaveLength(21)
    expect((await emitted).failures).toEqual([])
    expect(told).toEqual([])
  })

  it('waits for retries that are due before its deadline', async () => {
    const clock = fakeClock()
    const told: string[] = []
    const bus = new EventBus({ clock, onError: ({ message }) => void told.push(message) })
    const attempts: number[] = []
    bus.on(
      'order.paid',
      (_, { attempt }) => {
        attempts.push(attempt)
        if (attempt < 3) throw new Error('no route')
      },
      { retry: { maxAttempts: 3, baseDelayMs: 3000, factor: 1, jitter: 'none' } },
    )
    await bus.publish('order.paid', 1, { key: 'k' })
    await bus.publish('order.paid', 2, { key: 'k' })

    const closing = bus.close({ deadlineMs: 20_000 })
    await clock.advance(12_000)
    await closing

    expect(attempts).toEqual([1, 2, 3, 1, 2, 3])
    expect(told).toEqual([])
  })

  it('does not wait for what is due after its deadline, and tells that it is lost', async () => {
    const clock = fakeClock()
    const told: unknown[] = []
    const bus = new EventBus({ clock, onError: (error) => void told.push(error) })
    bus.on('order.late', () => expect.fail('was called'))
    await bus.publish('order.late', 1, { deliverAt: clock.now() + 3_600_000 })

    await bus.close()

    expect(told).toMatchObject([
      { code: 'EVENTSETS_BUS_CLOSED', message: 'The bus was closed with an event not handled.' },
    ])
  })

  it('waits no longer than its deadline, and tells how much is lost', async () => {
    const clock = fakeClock()
    const told: unknown[] = []
    const bus = new EventBus({ clock, concurrency: 2, onError: (error) => void told.push(error) })
    bus.on('order.paid', () => new Promise(() => {}))
    for (let n = 0; n < 7; n++) await bus.publish('order.paid', n)
    void bus.emit('order.paid', 7)
    await clock.advance(0)

    let hasClosed = false
    const closing = bus.close({ deadlineMs: 5000 }).then(() => {
      hasClosed = true
    })
    await clock.advance(4999)
    expect(hasClosed).toBe(false)
    await clock.advance(1)
    await closing

    expect(told).toMatchObject([
      { code: 'EVENTSETS_BUS_CLOSED', message: 'The bus was closed with 8 events not handled.' },
    ])
  })

  it('ends the signals of handlers that are still at work, and the waits between their tries', async () => {
    const clock = fakeClock()
    const bus = new EventBus({ clock, onError: () => {} })
    let signal: AbortSignal | undefined
    bus.on('order.paid', (_, context) => {
      signal = context.signal
      return new Promise(() => {})
    })
    bus.on('order.sent', () => Promise.reject(new Error('no route')), {
      retry: { maxAttempts: 2, baseDelayMs: 3_600_000, maxDelayMs: 3_600_000, jitter: 'none' },
    })
    void bus.emit('order.paid', 1)
    const sent = bus.emit('order.sent', 1)
    await clock.advance(0)

    const closing = bus.close({ deadlineMs: 100 })
    await clock.advance(100)
    await closing

    expect(signal?.reason).toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
    expect((await sent).failures).toHaveLength(1)
  })

  it('lets handlers publish and emit what follows, and handles that, too', async () => {
    const told: string[] = []
    const bus = new EventBus({ concurrency: 1, onError: ({ message }) => void told.push(message) })
    const seen: string[] = []
    bus.on('order.*', async ({ name }, context) => {
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(name)
      if (name === 'order.placed') await context.publish('order.paid', 1)
      if (name === 'order.paid') await context.emit('order.sent', 1)
    })
    await bus.publish('order.placed', 1)
    await bus.publish('order.placed', 2)

    const closing = bus.close()
    await closing

    await expect(bus.publish('order.placed', 3)).rejects.toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
    expect(seen.sort()).toEqual([
      'order.paid',
      'order.paid',
      'order.placed',
      'order.placed',
      'order.sent',
      'order.sent',
    ])
    expect(told).toEqual([])
  })

  it('lets handlers publish on the bus itself, after they have waited, too', async () => {
    const told: string[] = []
    const bus = new EventBus({ onError: ({ message }) => void told.push(message) })
    const seen: string[] = []
    bus.on('order.placed', async () => {
      await new Promise((resolve) => setImmediate(resolve))
      await bus.publish('order.paid', 1)
      await bus.transaction((tx) => tx.publish('order.sent', 1))
    })
    bus.on('order.*', ({ name }) => void seen.push(name))
    await bus.publish('order.placed', 1)

    await bus.close()

    expect(seen).toEqual(['order.placed', 'order.paid', 'order.sent'])
    expect(told).toEqual([])
  })

  it('handles what was being published when it began', async () => {
    const slow: StandardSchema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: async (value) => {
          await new Promise((resolve) => setImmediate(resolve))
          return { value }
        },
      },
    }
    const told: string[] = []
    const bus = new EventBus<EventMap>({
      schemas: { 'order.checked': slow },
      onError: ({ message }) => void told.push(message),
    })
    const seen: unknown[] = []
    bus.on('order.*', ({ data }) => void seen.push(data))

    const publishing = [
      bus.publish('order.paid', 1),
      bus.publishAll([
        { name: 'order.paid', data: 2 },
        { name: 'order.sent', data: 3 },
      ]),
      bus.transaction((tx) => tx.publish('order.paid', 4)),
      bus.publish('order.checked', 5),
    ]
    await bus.close()
    const results = await Promise.allSettled(publishing)

    // A transaction is not begun at once, and so may come too late; then it says so.
    const taken = results.map(({ status }) => status === 'fulfilled')
    expect(seen.sort()).toEqual([1, 2, 3, 4, 5].filter((n) => n !== 4 || taken[2]))
    expect([taken[0], taken[1], taken[3]]).toEqual([true, true, true])
    expect(told).toEqual([])
  })

  it('gives what was in hand at its deadline to the next consumer, as if it had not been begun', async () => {
    const clock = fakeClock()
    const backend = memoryBackend({ clock })
    const told: string[] = []
    const onError = ({ message }: Error) => void told.push(message)
    const options = { clock, backend, group: 'shop', onError }
    const first = new EventBus(options)
    const attempts: string[] = []
    const handler = (bus: string) =>
      function pay(_: unknown, { attempt, isRedelivered, signal }: HandlerContext) {
        attempts.push(`${bus} ${attempt} ${isRedelivered ? 'once more' : 'for the first time'}`)
        if (bus === 'second') return
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      }
    first.on('order.paid', handler('first'))
    await first.publish('order.paid', 1)
    await clock.advance(0)
    await using second = new EventBus(options)
    second.on('order.paid', handler('second'))

    const closing = first.close({ deadlineMs: 1000 })
    await clock.advance(1000)
    await closing
    await clock.advance(0)
    await second.idle()

    expect(attempts).toEqual(['first 1 for the first time', 'second 1 once more'])
    expect(told).toEqual([])
    expect(await second.deadLetters.list()).toEqual([])
  })

  it('tells what is lost of a bus that was paused, and leaves no group behind that would fill the memory', async () => {
    const backend = memoryBackend({ maxQueueDepth: 5 })
    const told: string[] = []
    const onError = ({ message }: Error) => void told.push(message)
    const shop = new EventBus({ source: 'shop', backend, onError })
    const mails = new EventBus({ source: 'mails', backend, onError })
    shop.on('order.paid', () => {})
    mails.on('order.paid', () => {})
    await mails.pause()
    for (let n = 0; n < 3; n++) await shop.publish('order.paid', n)

    await mails.close()
    for (let n = 0; n < 20; n++) await shop.publish('order.paid', n)
    await shop.close()

    expect(told).toEqual(['The bus was closed with 3 events not handled.'])
  })

  it('refuses what a handler publishes after the end', async () => {
    const clock = fakeClock()
    const bus = new EventBus({ clock, onError: () => {} })
    let refused: unknown
    bus.on('order.placed', async (_, context) => {
      await new Promise((resolve) => context.signal.addEventListener('abort', resolve))
      await takeTurns()
      refused = await context.publish('order.paid', 1).catch((error) => error)
    })
    await bus.publish('order.placed', 1)
    await clock.advance(0)

    const closing = bus.close({ deadlineMs: 10 })
    await clock.advance(10)
    await closing
    await takeTurns()
    await takeTurns()

    expect(refused).toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
  })

  it('tells handlers of failures what fails meanwhile', async () => {
    const bus = new EventBus({ onError: () => {} })
    const seen: unknown[] = []
    bus.on('handler.failed', ({ data }) => void seen.push(data))
    bus.on('order.paid', async () => {
      await new Promise((resolve) => setImmediate(resolve))
      throw new Error('no route')
    })
    await bus.publish('order.paid', 1)

    await bus.close()

    expect(seen).toMatchObject([{ eventName: 'order.paid', error: 'no route' }])
  })

  it('twice is once', async () => {
    const bus = new EventBus()

    const closing = bus.close()
    expect(bus.close()).toBe(closing)
    await closing
    await bus.close({ deadlineMs: 0 })
  })

  it('is what await using does', async () => {
    let closed = 0
    const memory = memoryBackend()
    const backend = {
      ...memory,
      close: async () => {
        closed++
        await memory.close()
      },
    }
    {
      await using bus = new EventBus({ backend })
      bus.on('order.paid', () => {})
    }

    expect(closed).toBe(1)
  })

  it('while somebody pauses and resumes leaves nothing open', async () => {
    for (let round = 0; round < 20; round++) {
      const bus = new EventBus({ onError: () => {} })
      bus.on('order.paid', () => {})
      await bus.publish('order.paid', 1)

      const all = [bus.pause(), bus.resume(), bus.close(), bus.pause(), bus.resume()]
      await Promise.all(all)

      await expect(bus.emit('order.paid', 2)).rejects.toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
    }
  })

  it('of a bus that is paused tells what nobody will handle', async () => {
    const told: string[] = []
    const bus = new EventBus({ onError: ({ message }) => void told.push(message) })
    bus.on('order.paid', () => expect.fail('was called'))
    await bus.pause()
    await bus.publish('order.paid', 1)
    await bus.publish('order.paid', 2)

    await bus.close()

    expect(told).toEqual(['The bus was closed with 2 events not handled.'])
  })

  it('inside a handler does not wait for itself when nobody waits for it', async () => {
    const bus = new EventBus()
    let closing: Promise<void> | undefined
    bus.on('order.last', () => {
      closing = bus.close()
    })

    await bus.publish('order.last', 1)
    await takeTurns()

    await closing
  })

  it('inside a handler that waits for it ends with its deadline', async () => {
    const clock = fakeClock()
    const bus = new EventBus({ clock, onError: () => {} })
    let hasEnded = false
    bus.on('order.last', async () => {
      await bus.close({ deadlineMs: 1000 })
      hasEnded = true
    })

    await bus.publish('order.last', 1)
    await clock.advance(1000)
    await clock.advance(0)

    expect(hasEnded).toBe(true)
  })

  it.each([-1, Number.NaN, '5', null])('does not take the deadline %s', async (deadlineMs) => {
    await using bus = new EventBus()

    await expect(bus.close({ deadlineMs: deadlineMs as number })).rejects.toMatchObject({
      code: 'EVENTSETS_INVALID_OPTIONS',
    })
    await bus.emit('order.paid', 1)
  })
})

describe('a bus that is closed', () => {
  it('takes nothing any more', async () => {
    const bus = new EventBus()
    bus.on('order.paid', () => expect.fail('was called'))
    await bus.emit('order.sent', 1)
    await bus.close()
    const closed = { name: 'EventError', code: 'EVENTSETS_BUS_CLOSED' }

    await expect(bus.publish('order.paid', 1)).rejects.toMatchObject(closed)
    await expect(bus.publishAll([{ name: 'order.paid', data: 1 }])).rejects.toMatchObject(closed)
    await expect(bus.emit('order.paid', 1)).rejects.toMatchObject(closed)
    await expect(bus.emit('order.sent', 1)).rejects.toMatchObject(closed)
    await expect(bus.once('order.paid')).rejects.toMatchObject(closed)
    await expect(bus.start()).rejects.toMatchObject(closed)
    await expect(bus.transaction((tx) => tx.publish('order.paid', 1))).rejects.toMatchObject(closed)
    for (const use of [
      () => bus.on('order.paid', () => {}),
      () => bus.stream('order.paid'),
      () => bus.batch('order.paid', { maxSize: 1 }, () => {}),
    ])
      expect(use).toThrow(expect.objectContaining(closed))
  })

  it('is closed from the moment that somebody asks', async () => {
    const bus = new EventBus()
    bus.on('order.paid', () => {})
    await bus.emit('order.paid', 1)

    const closing = bus.close()

    await expect(bus.emit('order.paid', 2)).rejects.toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
    await closing
  })
})

describe('what is left of buses that are closed', () => {
  it('is nothing that everything asynchronous would carry along', async () => {
    // Where Node keeps what goes along with a promise on the promise, it can be counted.
    const carried = () => Object.getOwnPropertySymbols(new AsyncResource('test')).length
    await using first = new EventBus()
    await first.transaction(() => {})
    const before = carried()

    for (let round = 0; round < 5; round++) {
      await using bus = new EventBus()
      await bus.transaction((tx) => tx.publish('order.paid', 1))
    }

    expect(carried()).toBe(before)
  })
})

describe('a backend', () => {
  it('is closed with the last bus that uses it', async () => {
    const backend = memoryBackend()
    const one = new EventBus({ backend, source: 'one' })
    const two = new EventBus({ backend, source: 'two' })
    const seen: unknown[] = []
    one.on('order.paid', () => {})
    two.on('order.paid', ({ data }) => void seen.push(data))

    await one.close()
    await two.publish('order.paid', 1)
    await two.idle()
    expect(seen).toEqual([1])

    await two.close()
    await expect(backend.publish([])).rejects.toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
  })

  it('keeps nothing for a bus that has left', async () => {
    const backend = memoryBackend({ maxQueueDepth: 10 })
    const one = new EventBus({ backend, source: 'one' })
    await using two = new EventBus({ backend, source: 'two' })
    one.on('order.paid', () => {})
    two.on('order.paid', () => {})
    await one.close()

    for (let n = 0; n < 50; n++) await two.publish('order.paid', n)
    await two.idle()

    expect((await backend.health()).queueDepth).toBe(0)
  })

  it.each([
    ['stop() of its consumer', { stop: () => new Promise<void>(() => {}) }, {}],
    ['close()', {}, { close: () => new Promise<void>(() => {}) }],
    [
      'health()',
      {},
      {
        health: () => new Promise<never>(() => {}),
        features: { ...memoryBackend().features, durable: true },
      },
    ],
  ] as const)('whose %s never ends does not keep a bus from closing', async (_, consumption, broken) => {
    const clock = fakeClock()
    const memory = memoryBackend({ clock })
    const backend: BusBackend = {
      ...memory,
      ...broken,
      consume: async (consumer) => ({
        ...(await memory.consume(consumer)),
        drain: undefined as never,
        ...consumption,
      }),
    }
    const bus = new EventBus({ backend, clock, onError: () => {} })
    bus.on('order.paid', () => {})
    await bus.start()

    const closing = bus.close({ deadlineMs: 1000 })
    await clock.advance(1000)
    await clock.advance(2000)

    await closing
  })

  it('that fails while it is closed is told to onError', async () => {
    const told: string[] = []
    const backend = {
      ...memoryBackend(),
      close: async () => {
        throw new Error('socket is broken')
      },
    }
    const bus = new EventBus({ backend, onError: ({ message }) => void told.push(message) })

    await bus.close()

    expect(told).toEqual(['socket is broken'])
  })
})

it('a transaction is refused that ends in the moment in which nobody is left for its events', async () => {
  const told: string[] = []
  const bus = new EventBus({ concurrency: 1, onError: ({ message }) => told.push(message) })
  const handled: unknown[] = []
  const ends: (() => void)[] = []
  bus.on('**', async ({ data }) => {
    await new Promise<void>((resolve) => ends.push(resolve))
    handled.push(data)
  })
  await bus.publish('order.paid', 1)
  await new Promise((resolve) => setImmediate(resolve))

  const second = bus.publish('order.paid', 2)
  const transaction = bus.transaction(async (tx) => {
    await tx.publish('order.paid', 3)
    await tx.publish('order.paid', 4)
  })
  const refused = expect(transaction).rejects.toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
  ends.shift()?.()
  await bus.close({ deadlineMs: 0 })

  await refused
  await second
  expect(handled).toEqual([1])
  expect(told).toEqual(['The bus was closed with an event not handled.'])
})
