import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Histogram } from '../../src/bus/histogram.ts'
import {
  type BusBackend,
  type BusMetrics,
  DURATION_BOUNDS_MS,
  EventBus,
  type EventMetrics,
  formatMetricsReport,
  HANDLER_FAILED,
  type HandlerMetrics,
  memoryBackend,
  prometheusText,
} from '../../src/bus/index.ts'
import { ValidationError } from '../../src/core/errors.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'

const eventOf = ({ byEvent }: BusMetrics, name: string): EventMetrics | undefined =>
  byEvent.find((event) => event.name === name)

const handlerOf = ({ byHandler }: BusMetrics, name: string): HandlerMetrics | undefined =>
  byHandler.find((handler) => handler.name === name)

describe('the metrics of events', () => {
  it('tell what was emitted and how it ended, per name and together', async () => {
    const bus = new EventBus()
    bus.on('order.*', (event) => {
      if (event.data === 'bad') throw new Error('no')
    })

    await bus.emit('order.paid', 'good')
    await bus.emit('order.paid', 'bad')
    await bus.emit('order.sent', 'good')

    const metrics = await bus.metrics()
    expect(eventOf(metrics, 'order.paid')).toEqual({
      name: 'order.paid',
      published: 2,
      delivered: 0,
      handled: 1,
      failed: 1,
      successRate: 0.5,
    })
    expect(eventOf(metrics, 'order.sent')).toMatchObject({ published: 1, handled: 1, successRate: 1 })
    // That the failure was told as an event of its own makes nothing better.
    expect(eventOf(metrics, HANDLER_FAILED)).toMatchObject({ handled: 1 })
    expect(metrics.events).toEqual({
      published: 3,
      delivered: 0,
      handled: 2,
      failed: 1,
      successRate: 2 / 3,
    })
  })

  it('tell what was published here and what was handed over here apart', async () => {
    const backend = memoryBackend()
    const web = new EventBus({ backend, source: 'web' })
    const worker = new EventBus({ backend, source: 'worker' })
    worker.on('order.*', () => {})
    await worker.start()

    await web.publish('order.paid', 1)
    await web.publishAll([
      { name: 'order.paid', data: 2 },
      { name: 'order.sent', data: 3 },
    ])
    await web.transaction(async (tx) => tx.publish('order.sent', 4))
    await worker.idle()

    expect((await web.metrics()).events).toEqual({ published: 4, delivered: 0, handled: 0, failed: 0 })
    expect((await worker.metrics()).events).toEqual({
      published: 0,
      delivered: 4,
      handled: 4,
      failed: 0,
      successRate: 1,
    })
  })

  it('count what was written to an outbox as published, and nothing that was not', async () => {
    await using bus = new EventBus()
    const outbox = {
      write(isThere: boolean) {
        if (!isThere) throw new Error('no such table')
      },
    }
    const publish = (isThere: boolean) =>
      bus.transaction((tx) => tx.publish('order.paid', 1), { outbox, handle: isThere })

    await publish(true)
    await expect(publish(false)).rejects.toMatchObject({ code: 'EVENTSETS_PUBLISH' })

    const metrics = await bus.metrics()
    expect(metrics.events.published).toBe(1)
    expect(prometheusText(metrics)).toContain('events_published_total{event="order.paid"} 1')
  })

  it('count an event once that is tried again', async () => {
    const clock = fakeClock()
    const bus = new EventBus({ clock })
    let calls = 0
    bus.on(
      'order.paid',
      () => {
        if (++calls < 3) throw new Error('not yet')
      },
      { retry: { maxAttempts: 3, baseDelayMs: 10, jitter: 'none' } },
    )

    await bus.publish('order.paid', {})
    await clock.advance(1000)

    expect(calls).toBe(3)
    expect(eventOf(await bus.metrics(), 'order.paid')).toMatchObject({
      published: 1,
      delivered: 1,
      handled: 1,
      failed: 0,
    })
  })

  it('do not count what the backend has not taken', async () => {
    const full: BusBackend = { ...memoryBackend(), publish: () => Promise.reject(new Error('full')) }
    const bus = new EventBus({ backend: full })

    await expect(bus.publish('order.paid', 1)).rejects.toThrow('full')

    expect((await bus.metrics()).events.published).toBe(0)
  })

  it('have no success rate before anything has ended', async () => {
    const { events } = await new EventBus().metrics()

    expect(events).toEqual({ published: 0, delivered: 0, handled: 0, failed: 0 })
  })

  it('equal a plain count for any sequence of events', async () => {
    const names = ['a', 'a.b', 'c'] as const
    const sequence = fc.array(fc.record({ name: fc.constantFrom(...names), isBad: fc.boolean() }))
    await fc.assert(
      fc.asyncProperty(sequence, async (events) => {
        const bus = new EventBus()
        for (const name of names)
          bus.on(name, (event) => {
            if (event.data === true) throw new Error('no')
          })

        for (const { name, isBad } of events) await bus.emit(name, isBad)

        const metrics = await bus.metrics()
        for (const name of names) {
          const own = events.filter((event) => event.name === name)
          const failed = own.filter(({ isBad }) => isBad).length
          const counted = eventOf(metrics, name) ?? { published: 0, handled: 0, failed: 0 }
          expect(counted).toMatchObject({ published: own.length, handled: own.length - failed, failed })
        }
      }),
    )
  })
})

describe('the metrics of handlers', () => {
  it('tell calls, failures, retries and timeouts', async () => {
    const clock = fakeClock()
    const bus = new EventBus({ clock, onError: () => {} })
    let calls = 0
    const slowThenFine = () => (++calls === 1 ? new Promise(() => {}) : undefined)
    bus.on('order.paid', slowThenFine, {
      timeoutMs: 50,
      retry: { maxAttempts: 2, baseDelayMs: 10, jitter: 'none' },
    })

    const done = bus.emit('order.paid', {})
    await clock.advance(1000)
    await done

    expect(handlerOf(await bus.metrics(), 'slowThenFine')).toMatchObject({
      pattern: 'order.paid',
      calls: 2,
      failures: 1,
      retries: 1,
      timeouts: 1,
      successRate: 0.5,
    })
  })

  it('keep the handlers of one function apart by what they listen to', async () => {
    const bus = new EventBus()
    const note = () => {}
    bus.on('order.*', note)
    bus.on('user.created', note)

    await bus.emit('order.paid', 1)
    await bus.emit('order.sent', 1)
    await bus.emit('user.created', 1)

    const { byHandler } = await bus.metrics()
    expect(byHandler.map(({ name, pattern, calls }) => ({ name, pattern, calls }))).toEqual([
      { name: 'note', pattern: 'order.*', calls: 2 },
      { name: 'note', pattern: 'user.created', calls: 1 },
    ])
  })

  it('count handlers together that nothing tells apart, and never forget what was counted', async () => {
    const bus = new EventBus()
    const off = bus.on('order.paid', () => {})
    bus.on('order.paid', () => {})
    await bus.emit('order.paid', 1)

    off()
    await bus.emit('order.paid', 1)

    const { byHandler, listening } = await bus.metrics()
    expect(byHandler).toHaveLength(1)
    expect(byHandler[0]).toMatchObject({ name: 'anonymous', calls: 3 })
    expect(listening).toBe(1)
  })

  it('do not grow with the names of events, however their handlers mix', async () => {
    const bus = new EventBus()
    bus.on('**', () => {})
    bus.on('order.**', () => {})

    for (let round = 0; round < 50; round++) {
      await bus.emit(`order.n${round}`, 1)
      await bus.emit(`user.n${round}`, 1)
    }

    const { byHandler } = await bus.metrics()
    expect(byHandler.map(({ pattern, calls }) => ({ pattern, calls }))).toEqual([
      { pattern: '**', calls: 100 },
      { pattern: 'order.**', calls: 50 },
    ])
  })
})

describe('the number of names', () => {
  it('is limited: those that come late are told together, and nothing is missing in the sum', async () => {
    const bus = new EventBus()
    for (const name of ['a', 'b', 'c', 'd']) bus.on(name, () => {}, { name })
    for (const name of ['a', 'b', 'c', 'c', 'd']) await bus.emit(name, 1)

    const { byEvent, byHandler, events } = await bus.metrics({ maxNames: 2 })

    expect(byEvent.map(({ name, published }) => [name, published])).toEqual([
      ['a', 1],
      ['b', 1],
      ['*', 3],
    ])
    expect(byHandler.map(({ name, pattern, calls }) => [name, pattern, calls])).toEqual([
      ['a', 'a', 1],
      ['b', 'b', 1],
      ['*', '*', 3],
    ])
    expect(byHandler[2]?.duration.count).toBe(3)
    expect(events.published).toBe(5)
  })

  it('is bounded in memory too, with names that never end', async () => {
    const bus = new EventBus()

    for (let at = 0; at < 10_100; at++) await bus.emit(`visitor.n${at}`, at)

    const { byEvent, events } = await bus.metrics({ maxNames: 1_000_000 })
    expect(byEvent).toHaveLength(10_001)
    expect(byEvent.at(-1)).toMatchObject({ name: '*', published: 100 })
    expect(events.published).toBe(10_100)
  })
})

describe('durations', () => {
  it('are taken of ever fewer calls where reading the clock would take longer than the handler', async () => {
    const bus = new EventBus()
    bus.on('tick', function plain() {})
    bus.on('tock', function withOptions() {}, { name: 'withOptions' })

    const counts: (number | undefined)[] = []
    for (let calls = 1; calls <= 4096; calls++) {
      await bus.emit('tick', calls)
      if (calls <= 64) await bus.emit('tock', calls)
      if ([8, 64, 4096].includes(calls)) counts.push(handlerOf(await bus.metrics(), 'plain')?.duration.count)
    }

    expect(counts).toEqual([8, 20, 48])
    const metrics = await bus.metrics()
    expect(handlerOf(metrics, 'plain')).toMatchObject({ calls: 4096 })
    expect(handlerOf(metrics, 'withOptions')).toMatchObject({ calls: 64, duration: { count: 64 } })
  })

  it('are taken of failed calls too: a limit of time would look fast otherwise', async () => {
    const bus = new EventBus()
    const fail = () => {
      throw new Error('no')
    }
    bus.on('sync', fail)
    bus.on('async', async () => fail(), { name: 'rejecting' })
    bus.on('plain', async function plainRejecting() {
      fail()
    })

    for (const name of ['sync', 'async', 'plain']) await bus.emit(name, 1)

    const metrics = await bus.metrics()
    for (const name of ['fail', 'rejecting', 'plainRejecting'])
      expect(handlerOf(metrics, name)).toMatchObject({ failures: 1, duration: { count: 1 } })
  })

  it('have percentiles that are off by a sixteenth at most, and a true sum and maximum', () => {
    const someMs = fc.array(fc.double({ min: 0.002, max: 60_000, noNaN: true }), { minLength: 1 })
    fc.assert(
      fc.property(someMs, fc.constantFrom(50, 95, 99), (all, percent) => {
        const histogram = new Histogram()
        for (const ms of all) histogram.record(ms)
        const sorted = [...all].sort((a, b) => a - b)
        const exact = sorted[Math.ceil((all.length * percent) / 100) - 1] as number

        expect(Math.abs(histogram.percentile(percent) / exact - 1)).toBeLessThanOrEqual(1 / 16)
        expect(histogram.max).toBe(sorted.at(-1))
        expect(histogram.sum).toBeCloseTo(
          all.reduce((sum, ms) => sum + ms, 0),
          3,
        )
      }),
    )
  })

  it('add up: two histograms in one are one of everything', () => {
    const someMs = fc.array(fc.double({ min: 0, max: 60_000, noNaN: true }))
    fc.assert(
      fc.property(someMs, someMs, (some, more) => {
        const [one, other, both] = [new Histogram(), new Histogram(), new Histogram()]
        for (const ms of some) one.record(ms)
        for (const ms of more) other.record(ms)
        for (const ms of [...some, ...more]) both.record(ms)

        one.add(other)

        expect(one.count).toBe(both.count)
        expect(one.max).toBe(both.max)
        for (const percent of [1, 50, 99]) expect(one.percentile(percent)).toBe(both.percentile(percent))
        for (const bound of DURATION_BOUNDS_MS) expect(one.countUpTo(bound)).toBe(both.countUpTo(bound))
      }),
    )
  })

  it('are counted in buckets that never become less from one to the next', () => {
    const someMs = fc.array(fc.double({ min: 0, max: 60_000, noNaN: true }))
    fc.assert(
      fc.property(someMs, (all) => {
        const histogram = new Histogram()
        for (const ms of all) histogram.record(ms)

        const counts = DURATION_BOUNDS_MS.map((bound) => histogram.countUpTo(bound))

        expect(counts).toEqual([...counts].sort((a, b) => a - b))
        expect(counts.at(-1)).toBeLessThanOrEqual(all.length)
        for (const [at, bound] of DURATION_BOUNDS_MS.entries()) {
          expect(counts[at]).toBeGreaterThanOrEqual(all.filter((ms) => ms < bound * 0.93).length)
          expect(counts[at]).toBeLessThanOrEqual(all.filter((ms) => ms < bound * 1.07).length)
        }
      }),
    )
  })
})

describe('the metrics of what waits', () => {
  it('tell depth, lag and dead letters of the backend', async () => {
    const clock = fakeClock()
    const bus = new EventBus({ clock, onError: () => {} })
    bus.on('order.paid', () => {
      throw new Error('always')
    })
    await bus.publish('order.paid', 1)
    await bus.idle()
    await bus.pause()
    await bus.publish('order.paid', 2)
    await bus.publish('order.paid', 3)
    await clock.advance(1500)

    const { backend, since, time, uptimeMs } = await bus.metrics()

    expect(backend).toEqual({
      name: 'memory',
      queueDepth: 2,
      inFlight: 0,
      lagMs: 1500,
      deadLetters: 1,
      groups: [{ name: bus.group, queueDepth: 2, inFlight: 0, lagMs: 1500 }],
    })
    expect({ since, time, uptimeMs }).toEqual({
      since: clock.now() - 1500,
      time: clock.now(),
      uptimeMs: 1500,
    })
  })

  it('leave a backend out that does not answer in time', async () => {
    const clock = fakeClock()
    const silent: BusBackend = { ...memoryBackend(), health: () => new Promise(() => {}) }
    const bus = new EventBus({ backend: silent, clock })
    await bus.emit('order.paid', 1)

    const asked = bus.metrics({ timeoutMs: 200 })
    await clock.advance(200)

    const metrics = await asked
    expect(metrics.backend).toBeUndefined()
    expect(metrics.events.published).toBe(1)
  })

  it('leave a backend out that fails', async () => {
    const broken: BusBackend = { ...memoryBackend(), health: () => Promise.reject(new Error('gone')) }

    expect((await new EventBus({ backend: broken }).metrics()).backend).toBeUndefined()
  })

  it('tell what is in hand', async () => {
    const bus = new EventBus()
    let finish = () => {}
    bus.on('order.paid', () => new Promise<void>((resolve) => (finish = resolve)))

    const done = bus.emit('order.paid', 1)
    const during = await bus.metrics()
    finish()
    await done

    expect([during.inFlight, (await bus.metrics()).inFlight]).toEqual([1, 0])
  })

  it('tell what streams have left out', async () => {
    const bus = new EventBus()
    const slow = bus.stream('tick', { bufferSize: 1 })
    const other = bus.stream('tick', { bufferSize: 2, overflow: 'drop-newest' })

    for (let at = 0; at < 4; at++) await bus.emit('tick', at)
    await slow.return()
    await bus.emit('tick', 4)

    expect((await bus.metrics()).droppedByStreams).toBe(3 + 3)
    await other.return()
  })
})

it('wrong options are told, all at once', async () => {
  const metrics = new EventBus().metrics({ timeoutMs: 0, maxNames: -1, maxName: 5 } as never)

  await expect(metrics).rejects.toThrow(ValidationError)
  await expect(metrics).rejects.toThrow(/timeoutMs: .*\n.*maxNames: .*\n.*maxName: .*did you mean "maxNames"/)
})

it('metrics are plain data', async () => {
  const bus = new EventBus()
  bus.on('order.paid', () => {})
  await bus.emit('order.paid', 1)

  const metrics = await bus.metrics()

  expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics)
})

describe('the report', () => {
  const since = Date.UTC(2026, 0, 1, 12)
  const noDuration = { count: 0, sumMs: 0, meanMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0, buckets: [] }
  const metrics: BusMetrics = {
    source: 'shop',
    since,
    time: since + 5_400_000,
    uptimeMs: 5_400_000,
    events: { published: 1204, delivered: 1200, handled: 1196, failed: 4, successRate: 1196 / 1200 },
    byEvent: [
      { name: 'order.sent', published: 4, delivered: 0, handled: 0, failed: 0 },
      {
        name: 'order.paid',
        published: 1200,
        delivered: 1200,
        handled: 1196,
        failed: 4,
        successRate: 1196 / 1200,
      },
    ],
    byHandler: [
      {
        name: 'charge',
        pattern: 'order.*',
        calls: 1210,
        failures: 14,
        retries: 10,
        timeouts: 2,
        successRate: 1196 / 1210,
        duration: {
          count: 1210,
          sumMs: 2420,
          meanMs: 2,
          p50Ms: 1.25,
          p95Ms: 12.34567,
          p99Ms: 250,
          maxMs: 1500,
          buckets: [],
        },
      },
      {
        name: 'audit',
        pattern: '**',
        calls: 0,
        failures: 0,
        retries: 0,
        timeouts: 0,
        duration: noDuration,
      },
    ],
    listening: 2,
    inFlight: 1,
    backend: { name: 'memory', queueDepth: 3, inFlight: 1, lagMs: 1200, deadLetters: 4, groups: [] },
    droppedByStreams: 0,
  }

  it('shows the sums, and tables with the busiest first', () => {
    expect(formatMetricsReport(metrics)).toBe(`The bus "shop", 1.5 h since 2026-01-01T12:00:00.000Z
Events    1,204 published, 1,200 delivered, 1,196 handled, 4 failed; success 99.6 %
Queue     3 waiting, the oldest for 1.2 s; dead letters: 4
Handlers  2 listening; events in hand: 1, dropped by streams: 0

event       published  delivered  handled  failed  success
order.paid      1,200      1,200    1,196       4   99.6 %
order.sent          4          0        0       0        -

handler  pattern  calls  failures  retries  timeouts  success  timed  mean      p50      p95     p99    max
charge   order.*  1,210        14       10         2   98.8 %  1,210  2 ms  1.25 ms  12.3 ms  250 ms  1.5 s
audit    **           0         0        0         0        -      0     -        -        -       -      -
`)
  })

  it('says how many rows it has left out', () => {
    const report = formatMetricsReport(metrics, { maxRows: 1 })

    expect(report).toContain('order.paid')
    expect(report).not.toContain('order.sent')
    expect(report.match(/… and 1 more/g)).toHaveLength(2)
  })

  it('says that the backend has not answered, and leaves out tables without rows', () => {
    const { backend: _, ...rest } = metrics
    const report = formatMetricsReport({ ...rest, byEvent: [], byHandler: [] })

    expect(report).toContain('Queue     the backend has not answered')
    expect(report.split('\n')).toHaveLength(5)
  })

  it('refuses wrong options', () => {
    expect(() => formatMetricsReport(metrics, { maxRows: 1.5, rows: 3 } as never)).toThrow(
      /maxRows: .*\n.*rows: .*/,
    )
  })

  it('lets nothing of a name act on a terminal', () => {
    const [handler] = metrics.byHandler as [HandlerMetrics]
    const hostile = { ...handler, name: 'evil\u001b[31m\u202e\n' }

    const report = formatMetricsReport({ ...metrics, byHandler: [hostile] })

    expect(report.replaceAll('\n', '')).not.toMatch(/\p{C}/u)
    expect(report).toContain('evil�[31m��')
  })
})
