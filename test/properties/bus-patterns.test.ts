import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compilePattern } from '../../src/bus/index.ts'
import { isExact, segmentsOf } from '../../src/bus/pattern.ts'
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
