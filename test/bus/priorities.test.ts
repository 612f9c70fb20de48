import { describe, expect, it } from 'vitest'
import { EventBus, Priority } from '../../src/bus/index.ts'
import { fakeClock } from '../../src/testing/index.ts'

describe.each(['emit', 'publish'] as const)('handlers of an event that is handed over by %s', (method) => {
  async function run(bus: EventBus, name = 'order.paid'): Promise<void> {
    await bus[method](name, 17)
    await bus.idle()
  }

  it('have finished before those of lower priority begin', async () => {
    await using bus = new EventBus()
    const log: string[] = []
    const add = (title: string, priority: number) =>
      bus.on(
        'order.*',
        async () => {
          log.push(`${title} begins`)
          await new Promise((resolve) => setImmediate(resolve))
          log.push(`${title} ends`)
        },
        { priority },
      )
    add('low', Priority.LOW)
    add('normal', Priority.NORMAL)
    add('critical', Priority.CRITICAL)
    add('high', Priority.HIGH)
    add('negative', -3)

    await run(bus)

    expect(log).toEqual(
      ['critical', 'high', 'normal', 'low', 'negative'].flatMap((title) => [
        `${title} begins`,
        `${title} ends`,
      ]),
    )
  })

  it('begin in the order they came within a priority, and run together', async () => {
    await using bus = new EventBus()
    const log: string[] = []
    for (const title of ['one', 'two', 'three'])
      bus.on('order.paid', async () => {
        log.push(`${title} begins`)
        await new Promise((resolve) => setImmediate(resolve))
        log.push(`${title} ends`)
      })

    await run(bus)

    expect(log.slice(0, 3)).toEqual(['one begins', 'two begins', 'three begins'])
    expect(log.slice(3).sort()).toEqual(['one ends', 'three ends', 'two ends'])
  })

  it('have NORMAL priority unless something else is said', async () => {
    await using bus = new EventBus()
    const log: string[] = []
    bus.on('order.paid', () => log.push('bare'))
    bus.on('order.paid', () => log.push('high'), { priority: 51 })
    bus.on('order.paid', () => log.push('low'), { priority: 49 })
    bus.on('order.paid', () => log.push('named'), { name: 'normal' })

    await run(bus)

    expect(log).toEqual(['high', 'bare', 'named', 'low'])
  })

  it('of lower priority wait for the retries of those before them, and count their own attempts from 1', async () => {
    const clock = fakeClock()
    await using bus = new EventBus({ clock })
    const log: string[] = []
    const retry = { maxAttempts: 3, baseDelayMs: 1000, jitter: 'none' } as const
    bus.on(
      'order.paid',
      (_, { attempt }) => {
        log.push(`critical ${attempt}`)
        if (attempt < 3) throw new Error('not yet')
      },
      { priority: Priority.CRITICAL, retry },
    )
    bus.on('order.paid', (_, { attempt }) => void log.push(`critical, too ${attempt}`), {
      priority: Priority.CRITICAL,
    })
    bus.on(
      'order.paid',
      (_, { attempt }) => {
        log.push(`low ${attempt}`)
        if (attempt < 2) throw new Error('not yet')
      },
      { priority: Priority.LOW, retry },
    )

    const done = bus[method]('order.paid', 17)
    await clock.advance(999)
    expect(log).toEqual(['critical 1', 'critical, too 1'])
    await clock.advance(1)
    await clock.advance(1999)
    expect(log.slice(2)).toEqual(['critical 2'])
    await clock.advance(1)
    expect(log.slice(3)).toEqual(['critical 3', 'low 1'])
    await clock.advance(1000)
    await done
    await bus.idle()
    expect(log.slice(5)).toEqual(['low 2'])
    expect(await bus.deadLetters.list()).toEqual([])
  })

  it('of lower priority run when those before them have failed for good', async () => {
    await using bus = new EventBus({ onError: () => {} })
    const log: string[] = []
    const fail = () => {
      log.push('critical')
      throw new Error('never')
    }
    bus.on('order.paid', fail, { priority: Priority.CRITICAL, retry: { maxAttempts: 2, baseDelayMs: 0 } })
    bus.on('order.paid', () => log.push('low'), { priority: Priority.LOW })

    await run(bus)

    expect(log).toEqual(['critical', 'critical', 'low'])
  })

  it('are as many at once within a priority as the bus is told', async () => {
    await using bus = new EventBus({ handlersAtOnce: 2 })
    let inHand = 0
    let most = 0
    let calls = 0
    for (let n = 0; n < 7; n++)
      bus.on('order.paid', async () => {
        most = Math.max(most, ++inHand)
        await new Promise((resolve) => setImmediate(resolve))
        inHand--
        calls++
      })

    await run(bus)

    expect([most, calls]).toEqual([2, 7])
  })

  it('that wait for others have been chosen: their filters are not asked twice', async () => {
    await using bus = new EventBus()
    let isOpen = true
    let asked = 0
    const log: string[] = []
    bus.on(
      'order.paid',
      (_, { attempt }) => {
        isOpen = attempt === 1
        if (attempt === 1) throw new Error('not yet')
      },
      { priority: Priority.HIGH, retry: { maxAttempts: 2, baseDelayMs: 0 } },
    )
    bus.on('order.paid', () => void log.push('low'), {
      priority: Priority.LOW,
      filter: () => {
        asked++
        return method === 'emit' || isOpen
      },
    })

    await run(bus)

    expect([log, asked]).toEqual([['low'], 1])
  })
})

describe('events of higher priority', () => {
  it('overtake others that wait', async () => {
    await using bus = new EventBus({ concurrency: 1 })
    const seen: unknown[] = []
    bus.on('order.*', async ({ data }) => {
      seen.push(data)
      await new Promise((resolve) => setImmediate(resolve))
    })

    await bus.publish('order.a', 'first')
    for (const [data, priority] of [
      ['low', Priority.LOW],
      ['normal', Priority.NORMAL],
      ['critical', Priority.CRITICAL],
      ['normal, too', Priority.NORMAL],
      ['lowest', -1000],
    ] as const)
      await bus.publish('order.b', data, { priority })
    await bus.idle()

    expect(seen).toEqual(['first', 'critical', 'normal', 'normal, too', 'low', 'lowest'])
  })

  it('do not overtake others of their key', async () => {
    await using bus = new EventBus({ concurrency: 1 })
    const seen: unknown[] = []
    bus.on('order.*', ({ data }) => seen.push(data))

    await bus.pause()
    await bus.publish('order.a', 1, { key: 'k', priority: Priority.LOW })
    await bus.publish('order.a', 2, { key: 'k', priority: Priority.CRITICAL })
    await bus.resume()
    await bus.idle()

    expect(seen).toEqual([1, 2])
  })
})

it.each([1.5, Number.NaN, '50', null])('a priority cannot be %s', async (priority) => {
  await using bus = new EventBus()
  const given = priority as number

  expect(() => bus.on('order.paid', () => {}, { priority: given })).toThrow(
    /priority: expected a whole number/,
  )
  await expect(bus.publish('order.paid', 1, { priority: given })).rejects.toThrow(
    /priority: expected a whole number/,
  )
})
