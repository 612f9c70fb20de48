import { describe, expect, it } from 'vitest'
import { type BusEvent, EventBus, type EventStream, Priority } from '../../src/bus/index.ts'
import { fakeClock } from '../../src/testing/index.ts'

async function take(stream: EventStream, count: number): Promise<unknown[]> {
  const taken: unknown[] = []
  for (let n = 0; n < count; n++) taken.push((await stream.next()).value?.data)
  return taken
}

async function rest(stream: EventStream): Promise<unknown[]> {
  const taken: unknown[] = []
  for await (const { data } of stream) taken.push(data)
  return taken
}

describe('a stream', () => {
  it('gives events as they come, until its loop is left', async () => {
    await using bus = new EventBus()
    const stream = bus.stream('order.*')
    const seen: unknown[] = []

    await bus.publish('order.paid', 1)
    await bus.emit('order.sent', 2)
    await bus.emit('user.created', 3)
    for await (const event of stream) {
      seen.push(event.data)
      if (seen.length === 2) break
    }

    expect(seen.sort()).toEqual([1, 2])
    expect(bus.handlers()).toEqual([])
    expect(await stream.next()).toEqual({ value: undefined, done: true })
  })

  it('gives what comes while somebody waits', async () => {
    await using bus = new EventBus()
    const stream = bus.stream('order.*')

    const next = [stream.next(), stream.next()]
    await bus.emit('order.paid', 1)
    await bus.emit('order.paid', 2)

    expect((await Promise.all(next)).map(({ value }) => (value as BusEvent).data)).toEqual([1, 2])
  })

  it('ends when its loop throws', async () => {
    await using bus = new EventBus()
    const stream = bus.stream('order.*')
    await bus.emit('order.paid', 1)

    const reading = (async () => {
      for await (const _ of stream) throw new Error('broken reader')
    })()

    await expect(reading).rejects.toThrow('broken reader')
    expect(bus.handlers()).toEqual([])
  })

  it('ends at once when its signal is aborted', async () => {
    await using bus = new EventBus()
    const controller = new AbortController()
    const stream = bus.stream('order.*', { signal: controller.signal })
    const waiting = bus.stream('order.*', { signal: controller.signal })
    const next = waiting.next()
    await bus.emit('order.paid', 1)
    expect((await next).done).toBe(false)
    const last = waiting.next()

    controller.abort()

    expect(await last).toEqual({ value: undefined, done: true })
    expect(await rest(stream)).toEqual([])
    expect(await rest(bus.stream('order.*', { signal: controller.signal }))).toEqual([])
    expect(bus.handlers()).toEqual([])
  })

  it('ends when the bus closes, and gives what was there by then', async () => {
    const bus = new EventBus()
    const stream = bus.stream('order.*')
    await bus.publish('order.paid', 1)
    await bus.publish('order.paid', 2)

    await bus.close()

    expect(await rest(stream)).toEqual([1, 2])
  })

  it('ends a reader that waits when the bus closes', async () => {
    const bus = new EventBus()
    const reading = rest(bus.stream('order.*'))

    await bus.close()

    expect(await reading).toEqual([])
  })

  it('can be put away with await using', async () => {
    await using bus = new EventBus()
    {
      await using _ = bus.stream('order.*')
      expect(bus.handlers()).toHaveLength(1)
    }
    expect(bus.handlers()).toEqual([])
  })

  it('leaves nothing in the bus, however many there were', async () => {
    await using bus = new EventBus()
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)

    const streams = Array.from({ length: 100 }, () => bus.stream('order.*'))
    await Promise.all(streams.map((stream) => stream.return()))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', note)

    expect(bus.handlers()).toEqual([])
    expect(warnings).toEqual([])
  })
})

describe('a stream with a priority', () => {
  it('gives an event before handlers below it are called, and does not wait for their retries', async () => {
    const bus = new EventBus({ clock: fakeClock(), onError: () => {} })
    const retry = { maxAttempts: 2, baseDelayMs: 1000, jitter: 'none' } as const
    bus.on('order.*', () => Promise.reject(new Error('no route')), { retry })
    const above = bus.stream('order.*', { priority: Priority.HIGH })
    const below = bus.stream('order.*', { priority: Priority.LOW })
    let isBelow = false
    void below.next().then(() => {
      isBelow = true
    })

    await bus.publish('order.paid', 1)

    expect((await above.next()).value?.data).toBe(1)
    expect(isBelow).toBe(false)
    await below.return()
  })
})

describe('a stream whose reader is slow', () => {
  async function fill(bus: EventBus, count: number): Promise<void> {
    for (let n = 1; n <= count; n++) await bus.emit('order.paid', n)
  }

  it('leaves out the oldest, and counts them', async () => {
    await using bus = new EventBus()
    const stream = bus.stream('order.*', { bufferSize: 3 })

    await fill(bus, 5)

    expect(stream.dropped).toBe(2)
    expect(await take(stream, 3)).toEqual([3, 4, 5])
    expect((await bus.metrics()).droppedByStreams).toBe(2)
  })

  it('leaves out the newest where that is asked for', async () => {
    await using bus = new EventBus()
    const stream = bus.stream('order.*', { bufferSize: 3, overflow: 'drop-newest' })

    await fill(bus, 5)

    expect(stream.dropped).toBe(2)
    expect(await take(stream, 3)).toEqual([1, 2, 3])
  })

  it('ends with an error where that is asked for, after what it has', async () => {
    await using bus = new EventBus()
    const stream = bus.stream('order.*', { bufferSize: 3, overflow: 'error' })

    await fill(bus, 5)

    expect(await take(stream, 3)).toEqual([1, 2, 3])
    await expect(stream.next()).rejects.toMatchObject({ code: 'EVENTSETS_STREAM_OVERFLOW' })
    expect(await stream.next()).toEqual({ value: undefined, done: true })
    expect(bus.handlers()).toEqual([])
  })

  it('keeps whoever emits waiting where that is asked for', async () => {
    await using bus = new EventBus()
    const stream = bus.stream('order.*', { bufferSize: 2, overflow: 'wait' })
    const done: number[] = []
    const emitted = [1, 2, 3, 4].map((n) => bus.emit('order.paid', n).then(() => done.push(n)))

    await new Promise((resolve) => setImmediate(resolve))
    expect(done).toEqual([1, 2])
    expect(await take(stream, 1)).toEqual([1])
    await emitted[2]
    expect(done).toEqual([1, 2, 3])
    expect(await take(stream, 3)).toEqual([2, 3, 4])
    await Promise.all(emitted)
  })

  it('may take longer than the bus gives its handlers', async () => {
    const clock = fakeClock()
    const errors: Error[] = []
    await using bus = new EventBus({
      clock,
      timeoutMs: 100,
      retry: { maxAttempts: 3, baseDelayMs: 10 },
      onError: (error) => errors.push(error),
    })
    const stream = bus.stream('order.*', { bufferSize: 1, overflow: 'wait' })
    for (const n of [1, 2, 3]) await bus.publish('order.paid', n)

    await clock.advance(10_000)

    for (const n of [1, 2, 3]) expect((await stream.next()).value?.data).toBe(n)
    await stream.return()
    await bus.idle()
    expect(errors).toEqual([])
    expect(await bus.deadLetters.list()).toEqual([])
  })

  it('lets nobody wait any longer when it ends', async () => {
    await using bus = new EventBus()
    const stream = bus.stream('order.*', { bufferSize: 1, overflow: 'wait' })
    const emitted = [1, 2, 3].map((n) => bus.emit('order.paid', n))

    await stream.return()
    await Promise.all(emitted)

    expect(await rest(stream)).toEqual([])
  })

  it('gives all that has waited, in order, when the bus closes meanwhile', async () => {
    const bus = new EventBus({ onError: () => {} })
    const stream = bus.stream('order.*', { bufferSize: 1, overflow: 'wait' })
    const emitted = [1, 2, 3].map((n) => bus.emit('order.paid', n))

    await bus.close({ deadlineMs: 0 })
    await Promise.all(emitted)

    expect(await rest(stream)).toEqual([1, 2, 3])
  })

  it('keeps events of a backend waiting, in their order, and no more of them than can be handled at once', async () => {
    await using bus = new EventBus({ concurrency: 2 })
    const stream = bus.stream('order.*', { bufferSize: 1, overflow: 'wait' })
    for (let n = 1; n <= 10; n++) await bus.publish('order.paid', n)
    await new Promise((resolve) => setImmediate(resolve))

    const { queueDepth, inFlight } = await bus.backend.health()
    expect({ queueDepth, inFlight }).toEqual({ queueDepth: 7, inFlight: 2 })
    expect(await take(stream, 10)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('holds a great many events, too', async () => {
    await using bus = new EventBus()
    const stream = bus.stream('order.*', { bufferSize: 100_000 })

    await fill(bus, 50_000)

    const taken = await take(stream, 50_000)
    expect(taken.at(-1)).toBe(50_000)
    expect(stream.dropped).toBe(0)
  })
})

it.each([
  [{ bufferSize: 0 }, /bufferSize: expected a whole number/],
  [{ bufferSize: 1.5 }, /bufferSize/],
  [{ overflow: 'drop' }, /overflow: expected "drop-oldest" or/],
  [{ buffersize: 10 }, /buffersize: is not a known key; did you mean "bufferSize"/],
  [{ bufferSize: -1, overflow: 'x' }, /2 issues/],
])('a stream cannot have the options %j', async (options, problem) => {
  await using bus = new EventBus()

  expect(() => bus.stream('order.*', options as never)).toThrow(problem)
  expect(bus.handlers()).toEqual([])
})
