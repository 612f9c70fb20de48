import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type BusBackend,
  type Consumer,
  delayAfter,
  EventBus,
  memoryBackend,
  type RetryPolicy,
} from '../../src/bus/index.ts'
import { resolveRetry } from '../../src/bus/retry.ts'
import { fakeClock, recordingBackend } from '../../src/testing/index.ts'

const everySecond = { maxAttempts: 4, baseDelayMs: 1000, factor: 1, jitter: 'none' } as const

describe.each(['emit', 'publish'] as const)(
  'a handler that fails, of an event handed over by %s',
  (method) => {
    it('is tried again after each delay, as often as its policy says', async () => {
      const clock = fakeClock()
      await using bus = new EventBus({ clock, onError: () => {} })
      const attempts: [number, number][] = []
      const start = clock.now()
      bus.on(
        'order.paid',
        (_, { attempt }) => {
          attempts.push([attempt, clock.now() - start])
          throw new Error('no route')
        },
        { retry: { maxAttempts: 4, baseDelayMs: 1000, factor: 3, maxDelayMs: 5000, jitter: 'none' } },
      )

      const handed = bus[method]('order.paid', 17)
      await clock.advance(60_000)
      await handed

      expect(attempts).toEqual([
        [1, 0],
        [2, 1000],
        [3, 4000],
        [4, 9000],
      ])
    })

    it('is not tried again when it has succeeded', async () => {
      const clock = fakeClock()
      await using bus = new EventBus({ clock })
      let calls = 0
      bus.on(
        'order.paid',
        async () => {
          if (++calls < 2) throw new Error('no route')
        },
        { retry: everySecond },
      )

      const handed = bus[method]('order.paid', 17)
      await clock.advance(60_000)
      await handed

      expect(calls).toBe(2)
    })

    it('has the policy of the bus unless it has its own', async () => {
      const clock = fakeClock()
      await using bus = new EventBus({ clock, retry: everySecond, onError: () => {} })
      const calls = { bare: 0, own: 0 }
      bus.on('order.paid', () => {
        calls.bare++
        throw new Error('no route')
      })
      bus.on(
        'order.paid',
        () => {
          calls.own++
          throw new Error('no route')
        },
        { retry: { maxAttempts: 1 } },
      )

      const handed = bus[method]('order.paid', 17)
      await clock.advance(60_000)
      await handed

      expect(calls).toEqual({ bare: 4, own: 1 })
    })

    it('alone is tried again: the others have done their work', async () => {
      const clock = fakeClock()
      await using bus = new EventBus({ clock })
      const seen: string[] = []
      bus.on('order.paid', () => seen.push('one'))
      bus.on(
        'order.paid',
        function failing(_, { attempt }) {
          seen.push('failing')
          if (attempt < 3) throw new Error('no route')
        },
        { retry: everySecond },
      )
      bus.on('order.paid', () => seen.push('two'))

      const handed = bus[method]('order.paid', 17)
      await clock.advance(60_000)
      await handed

      expect(seen.sort()).toEqual(['failing', 'failing', 'failing', 'one', 'two'])
    })

    it('is tried again only if its policy finds it worth it', async () => {
      const clock = fakeClock()
      await using bus = new EventBus({ clock, onError: () => {} })
      const asked: [unknown, number][] = []
      let calls = 0
      const thrown = [new Error('busy'), new Error('gone'), new Error('never')]
      bus.on(
        'order.paid',
        () => {
          throw thrown[calls++]
        },
        {
          retry: {
            ...everySecond,
            retryIf: (error, attempt) => {
              asked.push([error, attempt])
              return (error as Error).message === 'busy'
            },
          },
        },
      )

      const handed = bus[method]('order.paid', 17)
      await clock.advance(60_000)
      await handed

      expect(calls).toBe(2)
      expect(asked).toEqual([
        [thrown[0], 1],
        [thrown[1], 2],
      ])
    })

    it('is not tried again when its policy throws', async () => {
      await using bus = new EventBus({ onError: () => {} })
      let calls = 0
      bus.on(
        'order.paid',
        () => {
          calls++
          throw new Error('no route')
        },
        {
          retry: {
            maxAttempts: 5,
            retryIf: () => {
              throw new Error('broken')
            },
          },
        },
      )

      await bus[method]('order.paid', 17)
      await bus.idle()

      expect(calls).toBe(1)
    })

    it('is not tried again once it has been taken away', async () => {
      const clock = fakeClock()
      await using bus = new EventBus({ clock, onError: () => {} })
      let calls = 0
      const off = bus.on(
        'order.paid',
        () => {
          calls++
          throw new Error('no route')
        },
        { name: 'mail', retry: everySecond },
      )

      const handed = bus[method]('order.paid', 17)
      await clock.advance(0)
      off()
      await clock.advance(60_000)
      const report = await handed

      expect(calls).toBe(1)
      // Nothing is lost without a word.
      if (method === 'emit') expect(report).toMatchObject({ failures: [{ handler: 'mail' }] })
      else
        expect(await bus.deadLetters.list()).toMatchObject([
          { handler: 'mail', reason: 'No handler of this name listens any more.' },
        ])
    })
  },
)

describe('publish', () => {
  it('tries again when the backend does not take the event', async () => {
    const clock = fakeClock()
    const memory = recordingBackend({ clock })
    let failures = 2
    const backend = {
      ...memory,
      publish: async (...args: Parameters<typeof memory.publish>) => {
        if (failures-- > 0) throw new Error('no connection')
        await memory.publish(...args)
      },
    }
    await using bus = new EventBus({ backend, clock, publishRetry: everySecond })

    const published = bus.publish('order.paid', 17)
    await clock.advance(1999)
    expect(memory.publishedEvents).toEqual([])
    await clock.advance(1)
    const event = await published

    expect(memory.publishedEvents.map(({ id }) => id)).toEqual([event.id])
  })

  it('gives up after the last try', async () => {
    const clock = fakeClock()
    let calls = 0
    const backend = {
      ...recordingBackend({ clock }),
      publish: async () => {
        calls++
        throw new Error('no connection')
      },
    }
    await using bus = new EventBus({ backend, clock, publishRetry: everySecond })

    const published = bus.publish('order.paid', 17)
    const refused = expect(published).rejects.toMatchObject({ code: 'EVENTSETS_PUBLISH' })
    await clock.advance(60_000)
    await refused

    expect(calls).toBe(4)
  })

  it('does not wait for its next try when the bus closes', async () => {
    const backend = {
      ...recordingBackend(),
      publish: async () => {
        throw new Error('no connection')
      },
    }
    const bus = new EventBus({
      backend,
      publishRetry: { maxAttempts: 9, baseDelayMs: 3_600_000, jitter: 'none', maxDelayMs: 3_600_000 },
    })

    const published = bus.publish('order.paid', 17)
    const refused = expect(published).rejects.toThrow('no connection')
    await bus.close()

    await refused
  })
})

describe('the delay after a try', () => {
  const policy = resolveRetry({ maxAttempts: 10, baseDelayMs: 100, factor: 2, maxDelayMs: 1000 })

  it('grows by the factor, up to the longest', () => {
    const longest = [1, 2, 3, 4, 5, 6].map((attempt) => delayAfter(attempt, policy as never, () => 1))

    expect(longest).toEqual([100, 200, 400, 800, 1000, 1000])
  })

  it('is anything from nothing to that, so that what failed together does not come back together', () => {
    expect(delayAfter(3, policy as never, () => 0)).toBe(0)
    expect(delayAfter(3, policy as never, () => 0.25)).toBe(100)
    const delays = Array.from({ length: 100 }, () => delayAfter(3, policy as never))
    expect(new Set(delays).size).toBeGreaterThan(50)
    expect(delays.every((delay) => delay >= 0 && delay < 400)).toBe(true)
  })

  it('does not grow beyond what a timer can wait for', () => {
    const huge = resolveRetry({ maxAttempts: 5000, factor: 10 })

    expect(delayAfter(4000, huge as never, () => 1)).toBe(30_000)
    expect(delayAfter(4000, { ...(huge as never as Required<RetryPolicy>), baseDelayMs: 0 } as never)).toBe(0)
  })
})

describe('a policy', () => {
  it.each([
    [{}, /retry\.maxAttempts: expected a whole number/],
    [{ maxAttempts: 0 }, /retry\.maxAttempts/],
    [{ maxAttempts: 2.5 }, /retry\.maxAttempts/],
    [{ maxAttempts: Number.POSITIVE_INFINITY }, /retry\.maxAttempts/],
    [{ maxAttempts: 2, baseDelayMs: -1 }, /retry\.baseDelayMs/],
    [{ maxAttempts: 2, factor: 0.5 }, /retry\.factor/],
    [{ maxAttempts: 2, maxDelayMs: Number.NaN }, /retry\.maxDelayMs/],
    [{ maxAttempts: 2, jitter: 'some' }, /retry\.jitter/],
    [{ maxAttempts: 2, retryIf: true }, /retry\.retryIf/],
    [{ maxAttempts: 2, attempts: 3 }, /retry\.attempts: is not a known key/],
    [null, /retry: expected an object/],
    [3, /retry: expected an object/],
  ])('cannot be %j', async (retry, problem) => {
    const given = retry as unknown as RetryPolicy
    await using bus = new EventBus()

    expect(() => bus.on('order.paid', () => {}, { retry: given })).toThrow(problem)
    expect(() => new EventBus({ retry: given })).toThrow(problem)
    expect(() => new EventBus({ publishRetry: given })).toThrow(/publishRetry/)
  })

  it('is told everything that is wrong with it', () => {
    const retry = { maxAttempts: 0, factor: 0, jitter: 'x' } as unknown as RetryPolicy

    expect(() => new EventBus({ retry })).toThrow(/3 issues/)
  })
})

describe('an emit that waits for the next try', () => {
  it.each<[string, (bus: EventBus, handler: () => void, off: () => void, abort: () => void) => void]>([
    ['the function that on gives', (_, __, off) => off()],
    ['off', (bus, handler) => bus.off('order.paid', handler)],
    ['the signal', (_, __, ___, abort) => abort()],
  ])('ends at once when the subscription is ended by %s', async (_, end) => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock, onError: () => {} })
    const controller = new AbortController()
    let calls = 0
    const fail = () => {
      calls++
      throw new Error('no route')
    }
    const off = bus.on('order.paid', fail, { retry: everySecond, signal: controller.signal })
    const emitted = bus.emit('order.paid', 1)
    await clock.advance(1500)

    end(bus, fail, off, () => controller.abort())
    // The clock stands still.
    const { failures } = await emitted

    expect(failures.map(({ attempts }) => attempts)).toEqual([2])
    expect(calls).toBe(2)
  })
})

describe('a retryIf', () => {
  it.each([undefined, null, 0, ''])('that gives %j says no', async (verdict) => {
    await using bus = new EventBus({ onError: () => {} })
    const retry = { maxAttempts: 3, baseDelayMs: 0, retryIf: () => verdict as never }
    bus.on('order.paid', () => Promise.reject(new Error('no route')), { retry })

    expect((await bus.emit('order.paid', 1)).failures[0]?.attempts).toBe(1)
  })

  it('that gives a promise says no, and a warning says so once', async () => {
    await using bus = new EventBus({ onError: () => {} })
    const warnings: string[] = []
    const note = ({ message }: Error) => warnings.push(message)
    process.on('warning', note)
    onTestFinished(() => void process.off('warning', note))
    const retryIf = (() => Promise.reject(new Error('away'))) as never
    bus.on('order.paid', () => Promise.reject(new Error('no route')), { retry: { maxAttempts: 3, retryIf } })

    const attempts: unknown[] = []
    for (const n of [1, 2]) attempts.push((await bus.emit('order.paid', n)).failures[0]?.attempts)
    await new Promise((resolve) => setImmediate(resolve))

    expect(attempts).toEqual([1, 1])
    expect(warnings).toEqual([expect.stringContaining('"retryIf" has given a promise')])
  })
})

describe('an error that asks for a wait', () => {
  const adviceOf = (retryAfterMs: unknown) => Object.assign(new Error('busy'), { retryAfterMs })
  const HOUR_MS = 60 * 60 * 1000

  it.each([
    ['an hour, unless it asks for less', 5000, 30_000, 5000],
    ['an hour, however much it asks for', 1e300, 30_000, HOUR_MS],
    ['an hour, where it asks for ever', Number.POSITIVE_INFINITY, 30_000, HOUR_MS],
    ['what the policy itself may wait, where that is more', 1e300, 3 * HOUR_MS, 3 * HOUR_MS],
  ])('gets no more than %s', async (_, askedMs, maxDelayMs, expectedMs) => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock, onError: () => {} })
    const start = clock.now()
    const tries: number[] = []
    bus.on(
      'order.paid',
      (_, { attempt }) => {
        tries.push(clock.now() - start)
        if (attempt === 1) throw adviceOf(askedMs)
      },
      { retry: { maxAttempts: 2, baseDelayMs: 1, maxDelayMs } },
    )

    await bus.publish('order.paid', 1)
    await clock.advance(4 * HOUR_MS)

    expect(tries[0]).toBe(0)
    expect(tries).toHaveLength(2)
    expect(Math.round(tries[1] as number)).toBe(expectedMs)
  })

  it('is heeded as if it had not, where it throws when it is asked', async () => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock, onError: () => {} })
    let tries = 0
    bus.on(
      'order.paid',
      () => {
        tries++
        throw Object.defineProperty(new Error('odd'), 'retryAfterMs', {
          get() {
            throw new Error('gotcha')
          },
        })
      },
      { retry: { maxAttempts: 3, baseDelayMs: 1, jitter: 'none' } },
    )

    await bus.publish('order.paid', 1)
    await clock.advance(1000)

    expect(tries).toBe(3)
  })
})

describe('an event that comes again after a crash', () => {
  it('is known as a repetition in all its tries', async () => {
    const memory = memoryBackend()
    let consumer: Consumer | undefined
    const backend: BusBackend = {
      ...memory,
      consume: (given) => {
        consumer = given
        return memory.consume(given)
      },
    }
    await using bus = new EventBus({ backend, onError: () => {} })
    bus.on('order.paid', () => Promise.reject(new Error('no')), { name: 'pay', retry: everySecond })
    const { id, correlationId, time } = await bus.publish('order.paid', 1)
    const event = { id, name: 'order.paid', data: 1, source: '', correlationId, time, priority: 50 }

    const first = await consumer?.deliver({ event, attempt: 1, isRedelivered: false })
    const again = await consumer?.deliver({ event, attempt: 1, isRedelivered: true })

    expect(first?.retry).toEqual({ handlers: ['pay'], delayMs: 1000, attempt: 2 })
    expect(again?.retry).toEqual({ handlers: ['pay'], delayMs: 1000, attempt: 2, isRedelivered: true })
  })
})
