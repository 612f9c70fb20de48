import { describe, expect, it } from 'vitest'
import { type BusBackend, EventBus, memoryBackend, Priority } from '../../src/bus/index.ts'
import { fakeClock } from '../../src/testing/index.ts'

describe('pause', () => {
  it('keeps what is published for later, and lets what is emitted reach nobody', async () => {
    await using bus = new EventBus()
    const seen: unknown[] = []
    bus.on('order.*', ({ data }) => void seen.push(data))

    await bus.pause()
    expect(bus.isPaused).toBe(true)
    await bus.publish('order.paid', 'published')
    expect(await bus.emit('order.paid', 'emitted')).toEqual({ handlers: 0, failures: [] })
    await bus.idle()
    expect(seen).toEqual([])

    await bus.resume()
    expect(bus.isPaused).toBe(false)
    await bus.idle()
    expect(seen).toEqual(['published'])
    await bus.emit('order.paid', 'emitted')
    expect(seen).toEqual(['published', 'emitted'])
  })

  it('hands out nothing more, whatever waits', async () => {
    await using bus = new EventBus({ concurrency: 1, clock: fakeClock(), onError: () => {} })
    const seen: unknown[] = []
    let end = () => {}
    bus.on('order.*', ({ data }) => {
      seen.push(data)
      return new Promise<void>((resolve) => {
        end = resolve
      })
    })
    for (let n = 0; n < 5; n++) await bus.publish('order.paid', n)
    await new Promise((resolve) => setImmediate(resolve))

    await bus.pause()
    end()
    await new Promise((resolve) => setImmediate(resolve))

    expect(seen).toEqual([0])
    expect((await bus.backend.health()).queueDepth).toBe(4)
  })

  it('lets retries wait, too', async () => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock })
    const attempts: number[] = []
    bus.on(
      'order.paid',
      (_, { attempt }) => {
        attempts.push(attempt)
        if (attempt < 2) throw new Error('no route')
      },
      { retry: { maxAttempts: 2, baseDelayMs: 1000, jitter: 'none' } },
    )
    await bus.publish('order.paid', 1)
    await clock.advance(0)

    await bus.pause()
    await clock.advance(60_000)
    expect(attempts).toEqual([1])
    await bus.resume()
    await bus.idle()
    expect(attempts).toEqual([1, 2])
  })

  it('keeps the order of a key', async () => {
    await using bus = new EventBus()
    const seen: unknown[] = []
    bus.on('order.*', async ({ data }) => {
      seen.push(data)
      await new Promise((resolve) => setImmediate(resolve))
    })

    for (let n = 0; n < 20; n++) {
      await bus.publish('order.paid', n, { key: 'k' })
      if (n % 3 === 0) await bus.pause()
      if (n % 3 === 1) await bus.resume()
    }
    await bus.resume()
    await bus.idle()

    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n))
  })

  it('twice is once, and so is resume', async () => {
    await using bus = new EventBus()
    let calls = 0
    bus.on('order.paid', () => void calls++)

    await Promise.all([bus.pause(), bus.pause()])
    await bus.publish('order.paid', 1)
    await Promise.all([bus.resume(), bus.resume()])
    await bus.idle()

    expect(calls).toBe(1)
  })

  it.each([
    ['ends with resume', 9],
    ['ends with pause', 10],
  ])('and resume may follow each other at once: it %s', async (_, times) => {
    await using bus = new EventBus({ onError: () => {} })
    let calls = 0
    bus.on('order.paid', () => void calls++)

    const changes = Array.from({ length: times + 1 }, (_, n) => (n % 2 === 0 ? bus.pause() : bus.resume()))
    await Promise.all(changes)
    for (let n = 0; n < 10; n++) await bus.publish('order.paid', n)
    await bus.idle()

    expect(calls).toBe(times % 2 === 1 ? 10 : 0)
    expect(bus.isPaused).toBe(times % 2 === 0)
  })

  it('before anybody listens keeps nothing back later', async () => {
    await using bus = new EventBus()
    await bus.pause()
    const seen: unknown[] = []
    bus.on('order.paid', ({ data }) => void seen.push(data))
    await bus.resume()

    await bus.publish('order.paid', 1)
    await bus.idle()

    expect(seen).toEqual([1])
  })

  it('and resume do not start what has not been started', async () => {
    const memory = memoryBackend()
    let consumers = 0
    const backend = {
      ...memory,
      features: { ...memory.features, durable: true },
      consume: (...args: Parameters<typeof memory.consume>) => {
        consumers++
        return memory.consume(...args)
      },
    }
    await using bus = new EventBus({ backend })
    bus.on('order.paid', () => {})

    await bus.pause()
    await bus.resume()
    expect(consumers).toBe(0)

    await bus.pause()
    await bus.start()
    expect(consumers).toBe(0)
    await bus.resume()
    expect(consumers).toBe(1)
  })
})

describe('handlers', () => {
  it('tells who listens to what', async () => {
    await using bus = new EventBus()
    bus.on('order.paid', function sendMail() {})
    bus.on('order.*', () => {}, {
      name: 'audit',
      priority: Priority.HIGH,
      filter: { path: 'data.id', exists: true },
    })
    bus.once('order.sent', () => {}, { name: 'first' })
    bus.on('user.**', () => {})

    expect(bus.handlers()).toEqual([
      { pattern: 'order.paid', name: 'sendMail', priority: 50, hasFilter: false, once: false },
      { pattern: 'order.sent', name: 'first', priority: 50, hasFilter: false, once: true },
      { pattern: 'order.*', name: 'audit', priority: 75, hasFilter: true, once: false },
      { pattern: 'user.**', name: 'anonymous', priority: 50, hasFilter: false, once: false },
    ])
  })

  it('tells who gets an event of a name, or listens to something of a pattern', async () => {
    await using bus = new EventBus()
    for (const pattern of ['order.paid', 'order.*', '**', 'user.created', 'user.**', '**.created'])
      bus.on(pattern, () => {}, { name: pattern })
    const names = (pattern: string) =>
      bus
        .handlers(pattern)
        .map(({ name }) => name)
        .sort()

    expect(names('order.paid')).toEqual(['**', 'order.*', 'order.paid'])
    expect(names('order.*')).toEqual(['**', '**.created', 'order.*', 'order.paid'])
    expect(names('order.*.late')).toEqual(['**'])
    expect(names('user.created')).toEqual(['**', '**.created', 'user.**', 'user.created'])
    expect(names('nobody')).toEqual(['**'])
    expect(names('*')).toHaveLength(6)
  })
})

describe('idle', () => {
  it('waits for a backend that is away and knows of nothing', async () => {
    const memory = memoryBackend()
    let isAway = true
    let asked = 0
    const health: BusBackend['health'] = async () => {
      asked++
      const known = await memory.health()
      return isAway ? { ...known, status: 'unhealthy', reasons: ['It is away.'], groups: [] } : known
    }
    await using bus = new EventBus({ backend: { ...memory, health } })
    bus.on('order.paid', () => {})
    let isIdle = false
    const idle = bus.idle().then(() => {
      isIdle = true
    })
    while (asked < 3) await new Promise((resolve) => setImmediate(resolve))
    expect(isIdle).toBe(false)

    isAway = false

    await idle
  })

  it('resolves at once when nothing has happened', async () => {
    await using bus = new EventBus()

    await bus.idle()
  })

  it('waits for chains of events, and for retries', async () => {
    await using bus = new EventBus()
    const seen: number[] = []
    bus.on(
      'chain.link',
      async ({ data }, context) => {
        const n = data as number
        await new Promise((resolve) => setImmediate(resolve))
        if (n === 3 && context.attempt === 1) throw new Error('once more')
        seen.push(n)
        if (n < 10) await context.publish('chain.link', n + 1)
      },
      { retry: { maxAttempts: 2, baseDelayMs: 15, jitter: 'none' } },
    )

    await bus.publish('chain.link', 1)
    await bus.idle()

    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('waits for what is published for later, and for a clock that is turned', async () => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock })
    let calls = 0
    bus.on('order.late', () => void calls++)
    await bus.publish('order.late', 1, { deliverAt: clock.now() + 1000 })

    let isIdle = false
    const idle = bus.idle().then(() => {
      isIdle = true
    })
    await clock.advance(999)
    expect(isIdle).toBe(false)
    await clock.advance(1)
    await idle

    expect(calls).toBe(1)
  })

  it('waits for handlers of events that were emitted', async () => {
    await using bus = new EventBus()
    let isDone = false
    bus.on('order.paid', async () => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      isDone = true
    })

    void bus.emit('order.paid', 1)
    await bus.idle()

    expect(isDone).toBe(true)
  })

  it('waits for what other buses on the backend make of it', async () => {
    const backend = memoryBackend()
    await using shop = new EventBus({ source: 'shop', backend })
    await using mails = new EventBus({ source: 'mails', backend })
    const seen: string[] = []
    mails.on('order.paid', async (_, { publish }) => void (await publish('mail.sent', 1)))
    shop.on('mail.sent', ({ name }) => void seen.push(name))

    await shop.publish('order.paid', 1)
    await shop.idle()

    expect(seen).toEqual(['mail.sent'])
  })

  it('does not wait for groups that nobody serves', async () => {
    const backend = memoryBackend()
    await using shop = new EventBus({ source: 'shop', backend })
    await using mails = new EventBus({ source: 'mails', backend })
    const seen: unknown[] = []
    shop.on('order.paid', ({ data }) => void seen.push(data))
    mails.on('order.paid', ({ data }) => void seen.push(`mail ${data}`))
    await mails.pause()

    await shop.publish('order.paid', 1)
    await shop.idle()
    expect(seen).toEqual([1])

    await mails.resume()
    await shop.idle()
    expect(seen).toEqual([1, 'mail 1'])
  })

  it('does not wait for a bus that is closed, whatever was left', async () => {
    const bus = new EventBus({ onError: () => {} })
    bus.on('order.paid', () => new Promise(() => {}))
    for (let n = 0; n < 200; n++) await bus.publish('order.paid', n)
    const idle = bus.idle()

    await bus.close({ deadlineMs: 0 })

    await idle
    await bus.idle()
  })
})

describe('what is left of a bus', () => {
  it('that was subscribed to and left again is nothing', async () => {
    await using bus = new EventBus()
    for (let n = 0; n < 1000; n++) {
      bus.on(`order.${n}`, () => {})()
      bus.on(`*.${n}.**`, () => {}, { name: 'x' })()
      bus.once(`order.${n}.*`, () => {})()
    }

    expect(bus.handlers()).toEqual([])
    expect(bus.dispatcher.size).toBe(0)
  })
})
