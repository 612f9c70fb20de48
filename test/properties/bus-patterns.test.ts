import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compilePattern } from '../../src/bus/index.ts'
import { isExact, overlaps, segmentsOf } from '../../src/bus/pattern.ts'
import { SubscriptionTrie } from '../../src/bus/subscription-trie.ts'
import { isMatch, nameOf, patternOf } from './bus-model.ts'

const segmentCount = 6

test('it matches a pattern and a name when the written rule says so', () => {
  fc.assert(
    fc.property(patternOf(segmentCount), nameOf(segmentCount), (pattern, name) => {
      expect(compilePattern(pattern)(name)).toBe(isMatch(pattern, name))
    }),
    { numRuns: 5000 },
  )
})

test('it finds in the trie what the written rule finds, in the order of registration', () => {
  fc.assert(
    fc.property(
      fc.array(patternOf(4), { maxLength: 40 }),
      fc.array(fc.nat(39), { maxLength: 20 }),
      fc.array(nameOf(4), { minLength: 1, maxLength: 10 }),
      (patterns, removals, names) => {
        const trie = new SubscriptionTrie<string>()
        const present = new Map<number, string>()
        const segments = (pattern: string) => (isExact(pattern) ? undefined : segmentsOf(pattern))
        const orders = patterns.map((pattern, index) => {
          present.set(index, pattern)
          return trie.add(pattern, segments(pattern), `${index} ${pattern}`)
        })
        for (const index of removals) {
          const pattern = patterns[index]
          if (pattern === undefined) continue
          expect(trie.remove(pattern, segments(pattern), orders[index] as number)).toBe(present.delete(index))
        }

        for (const name of names) {
          const expected = [...present].filter(([, pattern]) => isMatch(pattern, name))
          expect(trie.find(name).map(({ value }) => value)).toEqual(
            expected.map(([index, pattern]) => `${index} ${pattern}`),
          )
        }
        expect(trie.size).toBe(present.size)
        expect([...trie].length).toBe(present.size)
      },
    ),
    { numRuns: 1000 },
  )
})

test('it finds that two patterns have a name in common when there is one among all short names', () => {
  // A star may stand for a word that neither has; what is longer than both together adds nothing.
  const parts = ['a', 'b', 'c', 'd']
  const names = [parts]
  for (let more = 1; more < 5; more++)
    names.push((names.at(-1) as string[]).flatMap((name) => parts.map((part) => `${name}.${part}`)))
  const all = names.flat()
  fc.assert(
    fc.property(patternOf(3), patternOf(3), (one, other) => {
      const isCommon = all.some((name) => isMatch(one, name) && isMatch(other, name))

      expect(overlaps(one, other)).toBe(isCommon)
      expect(overlaps(other, one)).toBe(isCommon)
    }),
    { numRuns: 1000 },
  )
})

test('it finds no name in common that would be longer than a name may be', () => {
  const before = `${Array(9).fill('a').join('.')}.**`
  const after = `**.${Array(9).fill('b').join('.')}`

  expect(overlaps(before, after)).toBe(false)
  expect(overlaps(before.slice(4), after.slice(0, -2))).toBe(true)
})

test('it keeps the order of many that listen to one pattern, while they come and go, and finds the last of a key', () => {
  // In bursts, so that lists become long, and are closed up.
  const step = fc.record({
    isAdding: fc.boolean(),
    count: fc.integer({ min: 1, max: 120 }),
    isFirst: fc.boolean(),
    isByKey: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.constantFrom('order.paid', 'order.*'),
      fc.array(step, { maxLength: 20 }),
      (pattern, steps) => {
        const trie = new SubscriptionTrie<string>((value) => value.slice(0, 1))
        const segments = isExact(pattern) ? undefined : segmentsOf(pattern)
        let present: { readonly value: string; readonly order: number }[] = []
        let made = 0
        for (const { isAdding, count, isFirst, isByKey } of steps) {
          for (let n = 0; n < count; n++) {
            const key = 'abc'[made % 3] as string
            if (isAdding) {
              const value = `${key}${made++}`
              present.push({ value, order: trie.add(pattern, segments, value) })
              continue
            }
            const last = present.findLast(({ value }) => value.startsWith(key))
            const found = isByKey ? trie.findLast(pattern, segments, key) : undefined
            if (isByKey) expect(found?.order).toBe(last?.order)
            const order = isByKey ? last?.order : present.at(isFirst ? 0 : -1)?.order
            if (order === undefined) continue
            expect(trie.remove(pattern, segments, order)).toBe(true)
            expect(trie.remove(pattern, segments, order)).toBe(false)
            expect(trie.has(pattern, segments, order)).toBe(false)
            present = present.filter((each) => each.order !== order)
          }
          expect(trie.find('order.paid').map(({ value }) => value)).toEqual(present.map(({ value }) => value))
          expect([...trie].length).toBe(trie.size)
          expect(trie.size).toBe(present.length)
        }
      },
    ),
    { numRuns: 200 },
  )
})

test('it takes no longer for patterns and names that are made to take long', () => {
  const pattern = Array.from({ length: 16 }, (_, n) => (n % 2 === 0 ? '**' : 'a')).join('.')
  const name = Array(16).fill('a').join('.')
  const trie = new SubscriptionTrie<string>()
  for (let n = 0; n < 16; n++) {
    const other = pattern.split('.').slice(n).join('.')
    trie.add(other, segmentsOf(other), other)
  }

  for (let n = 0; n < 1000; n++) {
    compilePattern(pattern)(name)
    trie.find(name)
  }
})
