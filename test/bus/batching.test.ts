import { describe, expect, it } from 'vitest'
import { type BusEvent, EventBus } from '../../src/bus/index.ts'
import { fakeClock } from '../../src/testing/index.ts'

describe.each(['emit', 'publish'] as const)('a batch of events that come by %s', (method) => {
  it('is handled when it is full', async () => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock })
    const batches: unknown[][] = []
    bus.batch('metric.*', { maxSize: 3, maxWaitMs: 1000 }, (events) => {
      batches.push(events.map(({ data }) => data))
    })

    const handed = Array.from({ length: 7 }, (_, n) => bus[method]('metric.cpu', n))
    await clock.advance(0)
    expect(batches).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ])
    await clock.advance(999)
    expect(batches).toHaveLength(2)
    await clock.advance(1)
    expect(batches[2]).toEqual([6])
    await Promise.all(handed)
  })

  it('begins its time with its first event', async () => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock })
    const batches: number[] = []
    bus.batch('metric.*', { maxSize: 100, maxWaitMs: 1000 }, (events) => void batches.push(events.length))

    const handed: Promise<unknown>[] = []
    for (let n = 0; n < 4; n++) {
      handed.push(bus[method]('metric.cpu', n))
      await clock.advance(300)
    }
    expect(batches).toEqual([4])
    await Promise.all(handed)
  })

  it('has only events of one kind where that is asked for', async () => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock })
    const batches: unknown[][] = []
    bus.batch(
      'metric.*',
      { maxSize: 2, maxWaitMs: 1000, by: ({ data }) => (data as { host: string }).host },
      (events) => void batches.push(events.map(({ data }) => (data as { n: number }).n)),
    )

    const handed = ['a', 'b', 'a', 'c', 'b'].map((host, n) => bus[method]('metric.cpu', { host, n }))
    await clock.advance(0)
    expect(batches).toEqual([
      [0, 2],
      [1, 4],
    ])
    await clock.advance(1000)
    expect(batches[2]).toEqual([3])
    await Promise.all(handed)
  })

  it('fails all its events when it fails, and each is tried again', async () => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock, onError: () => {} })
    const batches: unknown[][] = []
    bus.batch(
      'metric.*',
      { maxSize: 2, name: 'store', retry: { maxAttempts: 2, baseDelayMs: 100, jitter: 'none' } },
      (events) => {
        batches.push(events.map(({ data }) => data))
        if (batches.length === 1) throw new Error('database is away')
      },
    )

    const handed = [bus[method]('metric.cpu', 1), bus[method]('metric.cpu', 2)]
    await clock.advance(100)
    await Promise.all(handed)

    expect(batches).toEqual([
      [1, 2],
      [1, 2],
    ])
    expect(await bus.deadLetters.list()).toEqual([])
  })

  it('becomes a failure of each of its events', async () => {
    const told: string[] = []
    await using bus = new EventBus({ onError: ({ message }) => void told.push(message) })
    bus.batch('metric.*', { maxSize: 2 }, async function store() {
      throw new Error('database is away')
    })

    await Promise.all([bus[method]('metric.cpu', 1), bus[method]('metric.cpu', 2)])
    await bus.idle()

    expect(told).toEqual(Array(2).fill('The handler "store" of "metric.cpu" has failed: database is away'))
    expect(await bus.deadLetters.list()).toHaveLength(method === 'publish' ? 2 : 0)
  })
})

describe('a batch', () => {
  it('that is not full is handled when the bus closes', async () => {
    const batches: unknown[][] = []
    const bus = new EventBus({ clock: fakeClock() })
    bus.batch('metric.*', { maxSize: 50 }, (events) => void batches.push(events.map(({ data }) => data)))
    for (let n = 0; n < 120; n++) await bus.publish('metric.cpu', n)

    await bus.close()

    expect(batches.flat()).toHaveLength(120)
    expect(batches.every(({ length }) => length <= 50)).toBe(true)
  })

  it('that is not full is handled when it is ended, or its signal is aborted', async () => {
    await using bus = new EventBus({ clock: fakeClock() })
    const batches: unknown[][] = []
    const note = (events: readonly { readonly data: unknown }[]) =>
      void batches.push(events.map(({ data }) => data))
    const end = bus.batch('metric.*', { maxSize: 50 }, note)
    const controller = new AbortController()
    bus.batch('metric.*', { maxSize: 50, signal: controller.signal }, note)
    const handed = bus.emit('metric.cpu', 1)

    end()
    controller.abort()
    await handed

    expect(batches).toEqual([[1], [1]])
    expect(bus.handlers()).toEqual([])
    await bus.emit('metric.cpu', 2)
    expect(batches).toHaveLength(2)
  })

  it('is handled by idle, too', async () => {
    await using bus = new EventBus({ clock: fakeClock() })
    const batches: number[] = []
    bus.batch('metric.*', { maxSize: 50 }, (events) => void batches.push(events.length))
    bus.on('metric.*', () => new Promise((resolve) => setImmediate(resolve)))
    for (let n = 0; n < 3; n++) await bus.publish('metric.cpu', n)

    await bus.idle()

    expect(batches.reduce((sum, size) => sum + size)).toBe(3)
  })

  it('is never larger than what the bus handles at once, since it would never be full', async () => {
    await using bus = new EventBus({ clock: fakeClock(), concurrency: 10 })
    const batches: number[] = []
    bus.batch('metric.*', { maxSize: 1000, maxWaitMs: 60_000 }, (events) => void batches.push(events.length))

    await bus.publishAll(Array.from({ length: 40 }, (_, n) => ({ name: 'metric.cpu', data: n })))
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))

    expect(batches).toEqual([10, 10, 10, 10])
  })

  it.each([
    [{ maxSize: 0 }, /maxSize: expected a whole number of at least 1/],
    [{}, /maxSize: expected a whole number of at least 1/],
    [{ maxSize: 1.5 }, /maxSize/],
    [{ maxSize: 5, maxWaitMs: -1 }, /maxWaitMs: expected milliseconds/],
    [{ maxSize: 5, maxWaitMs: Number.NaN }, /maxWaitMs/],
    [{ maxSize: 5, by: 'key' }, /by: expected a function/],
    [{ maxSize: 5, maxWait: 100 }, /maxWait: .* did you mean "maxWaitMs"\?/],
    [
      { maxSize: 0, maxWaitMs: '5', nam: 'x', priority: 0.5 },
      /4 issues.*maxSize: .* got 0.*maxWaitMs: .* got "5".*priority: .* got 0\.5.*nam: .* did you mean "name"\?/s,
    ],
  ])('cannot have the options %j', async (options, problem) => {
    await using bus = new EventBus()

    expect(() => bus.batch('metric.*', options as never, () => {})).toThrow(problem)
    expect(bus.handlers()).toEqual([])
  })

  it('needs a function to handle it', async () => {
    await using bus = new EventBus()

    expect(() => bus.batch('metric.*', { maxSize: 5 }, undefined as never)).toThrow(
      /handler: expected a function/,
    )
  })
})

it.each([
  ['throws', () => JSON.parse('{'), 'SyntaxError'],
  ['gives a promise', () => Promise.reject(new Error('away')), 'EventError'],
])('an event has failed whose "by" %s, and the others are handled', async (_, fail, name) => {
  await using bus = new EventBus({ onError: () => {} })
  const seen: unknown[] = []
  const by = ({ data }: BusEvent) => (data === 2 ? fail() : 'all')
  bus.batch('metric.*', { maxSize: 2, by }, (events) => void seen.push(events.map(({ data }) => data)))

  const reports = await Promise.all([1, 2, 3].map((n) => bus.emit('metric.cpu', n)))

  expect(seen).toEqual([[1, 3]])
  expect(reports.map(({ failures }) => (failures[0]?.error.cause as Error | undefined)?.name)).toEqual([
    undefined,
    name,
    undefined,
  ])
})
