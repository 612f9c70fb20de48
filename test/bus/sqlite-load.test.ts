import { describe, expect, it } from 'vitest'
import { makeFile, openBus } from './sqlite-files.ts'

describe('a SQLite database with much in it', () => {
  it('takes an event of 50 MB where the bus is told so, and it arrives as it was', async () => {
    const { bus } = openBus(makeFile(), { synchronous: 'normal' }, { maxDataBytes: 64 * 2 ** 20 })
    const text = 'ä'.repeat(25 * 2 ** 20)
    let isWhole: boolean | undefined
    bus.on('file.read', ({ data }) => {
      isWhole = (data as { text: string }).text === text
    })
    await bus.start()

    await bus.publish('file.read', { text })
    await bus.idle()

    expect(isWhole).toBe(true)
  })

  it('hands out 100,000 events that wait, each once and in the order of its key', async () => {
    const count = 100_000
    const options = { synchronous: 'normal', historySize: count } as const
    // As many transactions as there are turns.
    const { bus, backend } = openBus(makeFile(), options, { concurrency: 1000 })
    const last = new Map<string, number>()
    let handled = 0
    let disorder = 0
    bus.on('order.placed', ({ key, data }) => {
      handled++
      if (key === undefined) return
      if ((last.get(key) ?? -1) >= (data as number)) disorder++
      last.set(key, data as number)
    })
    await bus.start()
    await bus.pause()
    for (let from = 0; from < count; from += 1000)
      await bus.publishAll(
        Array.from({ length: 1000 }, (_, n) => ({
          name: 'order.placed',
          data: from + n,
          // With keys for all, it would be as many transactions as one key has events.
          options: n % 10 === 0 ? { key: `k${n % 970}` } : {},
        })),
      )
    expect(await backend.health()).toMatchObject({ queueDepth: count })

    await bus.resume()
    await bus.idle()

    expect({ handled, disorder }).toEqual({ handled: count, disorder: 0 })
    expect(await backend.health()).toMatchObject({ queueDepth: 0, inFlight: 0, deadLetters: 0 })
  }, 120_000)
})
