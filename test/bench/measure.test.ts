import { describe, expect, it } from 'vitest'
import { load } from './load.ts'

const { findShare, inTurn, median, ratio, spread } = await load('measure.mjs')

describe('median', () => {
  it.each([
    [[3], 3],
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[10, 9, 100], 10],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected)
  })

  it('leaves the order of what it is given', () => {
    const values = [3, 1, 2]
    median(values)

    expect(values).toEqual([3, 1, 2])
  })
})

describe('spread', () => {
  it('gives median, lowest and highest of what is picked', () => {
    const runs = [{ wallMs: 5 }, { wallMs: 1 }, { wallMs: 2 }]

    expect(spread(runs, (run: { wallMs: number }) => run.wallMs)).toEqual({ median: 2, min: 1, max: 5 })
  })
})

describe('ratio', () => {
  it('is taken round by round, not of the medians', () => {
    // The machine was ten times slower in the second round: for both.
    const result = ratio([2, 20, 6], [1, 10, 2], (value: number) => value)

    expect(result).toEqual({ median: 2, min: 2, max: 3 })
  })
})

describe('inTurn', () => {
  it('runs every peer once a round, in reverse order every second round', async () => {
    const order: string[] = []
    const results = await inTurn([{ name: 'a' }, { name: 'b' }], 3, async (peer: { name: string }) => {
      order.push(peer.name)
      return order.length
    })

    expect(order).toEqual(['a', 'b', 'b', 'a', 'a', 'b'])
    expect(results).toEqual(
      new Map([
        ['a', [1, 4, 5]],
        ['b', [2, 3, 6]],
      ]),
    )
  })
})

describe('findShare', () => {
  const shares = [0.1, 0.5, 1, 4, 12]

  /** A peer that starts in 100 ms and reads the corpus in so many more. */
  const find = async (corpusMs: number) => {
    const tried: number[] = []
    const measureMs = (share: number) => {
      tried.push(share)
      return 100 + share * corpusMs
    }
    return { found: await findShare({ shares, leastMs: 1000, measureMs }), tried }
  }

  it('stays with the first share where that takes long enough', async () => {
    expect(await find(20_000)).toEqual({ found: 0.1, tried: [0.1] })
  })

  it('takes the least share that takes long enough', async () => {
    expect(await find(2000)).toMatchObject({ found: 0.5 })
  })

  it('leaves out shares that cannot take long enough', async () => {
    expect(await find(300)).toEqual({ found: 4, tried: [0.1, 1, 4] })
  })

  it('gives the last share to the fastest, without trying it', async () => {
    const { found, tried } = await find(10)

    expect(found).toBe(12)
    expect(tried).not.toContain(12)
  })
})
