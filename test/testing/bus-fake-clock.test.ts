import { describe, expect, it } from 'vitest'
import { EventBus } from '../../src/bus/index.ts'
import { fakeClock } from '../../src/testing/index.ts'

describe('the fake clock', () => {
  it('stands still until it is turned', async () => {
    const clock = fakeClock({ now: 1000 })
    await new Promise((resolve) => setTimeout(resolve, 2))
    expect(clock.now()).toBe(1000)

    await clock.advance(250)
    expect(clock.now()).toBe(1250)
  })

  it('begins in 2026 unless told otherwise', () => {
    expect(new Date(fakeClock().now()).toISOString()).toBe('2026-01-01T00:00:00.000Z')
  })

  it('calls back what is due, in order, at its time', async () => {
    const clock = fakeClock({ now: 0 })
    const calls: [string, number][] = []
    const note = (title: string) => () => void calls.push([title, clock.now()])
    clock.delay(300, note('300'))
    clock.delay(100, note('100'))
    clock.delay(100, note('100, too'))
    clock.delay(0, note('0'))
    clock.delay(-5, note('-5'))
    clock.delay(301, note('301'))

    await clock.advance(300)

    expect(calls).toEqual([
      ['0', 0],
      ['-5', 0],
      ['100', 100],
      ['100, too', 100],
      ['300', 300],
    ])
  })

  it('lets happen what follows from a callback, as far as it is due', async () => {
    const clock = fakeClock({ now: 0 })
    const calls: number[] = []
    const again = async () => {
      calls.push(clock.now())
      await null
      clock.delay(100, again)
    }
    clock.delay(100, again)

    await clock.advance(350)

    expect(calls).toEqual([100, 200, 300])
  })

  it('lets promises settle before it is turned, too', async () => {
    const clock = fakeClock({ now: 0 })
    const calls: number[] = []
    void Promise.resolve()
      .then(() => null)
      .then(() => clock.delay(100, () => void calls.push(clock.now())))

    await clock.advance(100)

    expect(calls).toEqual([100])
  })

  it('takes back what is not to happen', async () => {
    const clock = fakeClock()
    const cancel = clock.delay(100, () => expect.fail('was called'))
    const cancelLater = clock.delay(200, () => expect.fail('was called'))
    clock.delay(100, () => cancelLater())

    cancel()
    cancel()
    await clock.advance(1000)
  })

  it('is turned twice when it is turned while it is being turned', async () => {
    const clock = fakeClock({ now: 0 })
    const times: number[] = []
    clock.delay(50, () => void times.push(clock.now()))
    clock.delay(150, () => void times.push(clock.now()))

    await Promise.all([clock.advance(100), clock.advance(100)])

    expect(times).toEqual([50, 150])
    expect(clock.now()).toBe(200)
  })

  it('tells the time of events', async () => {
    const clock = fakeClock({ now: 5 })
    await using bus = new EventBus({ clock })

    const { time } = await bus.publish('order.paid', 1)

    expect(time).toBe(5)
  })

  it('gives the same result each time', async () => {
    const results = new Set<string>()
    for (let round = 0; round < 5; round++) {
      const clock = fakeClock({ now: 0 })
      await using bus = new EventBus({ clock, concurrency: 3, onError: () => {} })
      const log: string[] = []
      bus.on(
        'job.*',
        async ({ data }, { attempt }) => {
          log.push(`${data} ${attempt} ${clock.now()}`)
          await new Promise<void>((resolve) => clock.delay((data as number) * 7, resolve))
          if ((data as number) % 3 === attempt - 1) throw new Error('once more')
        },
        { retry: { maxAttempts: 3, baseDelayMs: 10, jitter: 'none' }, timeoutMs: 30 },
      )
      for (let n = 0; n < 10; n++) await bus.publish('job.do', n, { key: `${n % 4}` })
      await clock.advance(10_000)
      results.add(log.join('\n'))
    }

    expect(results.size).toBe(1)
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, '5'])('cannot be turned by %s', (ms) => {
    expect(() => fakeClock().advance(ms as number)).toThrow(/ms: expected milliseconds/)
    expect(() => fakeClock({ now: ms as number })).toThrow(/now: expected milliseconds/)
  })
})
