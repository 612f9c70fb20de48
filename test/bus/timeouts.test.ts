import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createSystemClock, EventBus, type HandlerContext } from '../../src/bus/index.ts'
import { fakeClock } from '../../src/testing/index.ts'

describe.each(['emit', 'publish'] as const)(
  'a handler with a time, of an event handed over by %s',
  (method) => {
    it('has failed when it takes longer, and its signal is aborted', async () => {
      const clock = fakeClock()
      const told: string[] = []
      await using bus = new EventBus({ clock, onError: ({ message }) => void told.push(message) })
      let signal: AbortSignal | undefined
      bus.on(
        'order.paid',
        (_, context) => {
          signal = context.signal
          return new Promise(() => {})
        },
        { name: 'slow', timeoutMs: 5000 },
      )

      const handed = bus[method]('order.paid', 17)
      await clock.advance(4999)
      expect([signal?.aborted, told]).toEqual([false, []])
      await clock.advance(1)
      await handed

      expect(signal?.aborted).toBe(true)
      expect(signal?.reason).toMatchObject({ code: 'EVENTSETS_HANDLER_TIMEOUT' })
      expect(told).toEqual(['The handler "slow" of "order.paid" has failed: It took longer than 5000 ms.'])
    })

    it('is left alone when it ends in time', async () => {
      const clock = fakeClock()
      await using bus = new EventBus({ clock, onError: () => expect.fail('has failed') })
      let signal: AbortSignal | undefined
      const keepSignal = (_: unknown, context: HandlerContext) => {
        signal = context.signal
      }
      bus.on('order.paid', keepSignal, { timeoutMs: 5000 })

      await bus[method]('order.paid', 17)
      await clock.advance(60_000)

      expect(signal?.aborted).toBe(false)
    })

    it('is tried again when its policy says so, each try with a time of its own', async () => {
      const clock = fakeClock()
      await using bus = new EventBus({ clock, onError: () => {} })
      const signals: AbortSignal[] = []
      bus.on(
        'order.paid',
        async (_, { signal, attempt }) => {
          signals.push(signal)
          if (attempt < 3) await new Promise(() => {})
        },
        { timeoutMs: 5000, retry: { maxAttempts: 3, baseDelayMs: 0 } },
      )

      const handed = bus[method]('order.paid', 17)
      await clock.advance(60_000)
      await handed

      expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false])
      expect(new Set(signals).size).toBe(3)
      expect(await bus.deadLetters.list()).toEqual([])
    })

    it('may end after its time, well or badly: that concerns nobody any more', async () => {
      const clock = fakeClock()
      const told: string[] = []
      await using bus = new EventBus({ clock, onError: ({ message }) => void told.push(message) })
      const ends: (() => void)[] = []
      bus.on('order.paid', () => new Promise<void>((resolve) => ends.push(resolve)), { timeoutMs: 10 })
      bus.on('order.paid', () => new Promise((_, reject) => ends.push(() => reject(new Error('late')))), {
        timeoutMs: 10,
      })

      const handed = bus[method]('order.paid', 17)
      await clock.advance(10)
      await handed
      for (const end of ends) end()
      await clock.advance(10)

      expect(told).toHaveLength(2)
      expect(told.join()).not.toContain('late')
    })
  },
)

describe('the time of a handler', () => {
  it('is that of the bus unless it has its own', async () => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock, timeoutMs: 1000, onError: () => {} })
    const signals: AbortSignal[] = []
    const wait = (_: unknown, { signal }: { signal: AbortSignal }) => {
      signals.push(signal)
      return new Promise(() => {})
    }
    bus.on('order.paid', wait)
    bus.on('order.paid', wait, { timeoutMs: 9000 })

    const emitted = bus.emit('order.paid', 17)
    await clock.advance(1000)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
    await clock.advance(8000)
    expect((await emitted).failures).toHaveLength(2)
  })

  it('does not hold up a handler of another priority for longer', async () => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock, onError: () => {} })
    const seen: string[] = []
    bus.on('order.paid', () => new Promise(() => {}), { priority: 100, timeoutMs: 500 })
    bus.on('order.paid', () => seen.push('low'), { priority: 1 })

    const emitted = bus.emit('order.paid', 17)
    await clock.advance(500)
    await emitted

    expect(seen).toEqual(['low'])
  })

  it('costs no warning, however many wait at once', async () => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock, onError: () => {} })
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    bus.on('order.paid', () => new Promise(() => {}), { timeoutMs: 100 })

    const emitted = Promise.all(Array.from({ length: 100 }, (_, n) => bus.emit('order.paid', n)))
    await clock.advance(100)
    await emitted
    process.off('warning', note)

    expect(warnings).toEqual([])
  })

  it.each([0, -1, Number.NaN, Number.NEGATIVE_INFINITY, '5', null])('cannot be %s', (timeoutMs) => {
    const given = timeoutMs as number
    const bus = new EventBus()

    expect(() => new EventBus({ timeoutMs: given })).toThrow(/timeoutMs: expected milliseconds/)
    expect(() => bus.on('order.paid', () => {}, { timeoutMs: given })).toThrow(
      /timeoutMs: expected milliseconds/,
    )
  })
})

describe('a handler without a time', () => {
  it('has the signal of the bus: aborted when that closes without waiting any longer', async () => {
    const clock = fakeClock()
    const bus = new EventBus({ clock, onError: () => {} })
    let signal: AbortSignal | undefined
    bus.on('order.paid', (_, context) => {
      signal = context.signal
      return new Promise(() => {})
    })

    void bus.emit('order.paid', 17)
    const closing = bus.close({ deadlineMs: 1000 })
    await clock.advance(999)
    expect(signal?.aborted).toBe(false)
    await clock.advance(1)
    await closing

    expect(signal?.aborted).toBe(true)
  })
})

describe('the clock of the system', () => {
  it('waits for longer than a timer can', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const dayMs = 24 * 3_600_000
    let calls = 0
    const clock = createSystemClock()
    clock.delay(60 * dayMs, () => void calls++)
    const cancel = clock.delay(60 * dayMs, () => expect.fail('was called'))

    vi.advanceTimersByTime(59 * dayMs)
    expect(calls).toBe(0)
    cancel()
    vi.advanceTimersByTime(dayMs)
    expect(calls).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is never early, and calls back once what was not taken back', async () => {
    const clock = createSystemClock()
    const early: number[] = []
    let calls = 0
    const all = Array.from({ length: 200 }, (_, n) => {
      const end = performance.now() + (n % 40)
      return new Promise<void>((resolve) => {
        clock.delay(n % 40, () => {
          calls++
          if (performance.now() < end) early.push(end - performance.now())
          resolve()
        })
        clock.delay(n % 40, () => expect.fail('was called'))()
      })
    })
    await Promise.all(all)

    expect(early).toEqual([])
    expect(calls).toBe(200)
  })
})
