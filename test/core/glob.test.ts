import { describe, expect, it } from 'vitest'
import { matchesGlob } from '../../src/core/glob.ts'

describe('matchesGlob', () => {
  it.each([
    ['abc', 'abc'],
    ['*', ''],
    ['*', 'anything at all'],
    ['**', 'x'],
    ['a*', 'a'],
    ['a*', 'abc'],
    ['*c', 'abc'],
    ['a*c', 'ac'],
    ['a*c', 'abcbc'],
    ['*b*', 'abc'],
    ['?', 'x'],
    ['a?c', 'abc'],
    ['*?', 'x'],
    ['?*?', 'xy'],
    ['a*b?d*', 'a--bcd--'],
    ['*aab', 'aaaaab'],
    ['', ''],
    ['a.b', 'a.b'],
    ['[a]', '[a]'],
    ['a\\b', 'a\\b'],
    ['*\n*', 'a\nb'],
    ['payment_*', 'payment_processed'],
    ['📥*', '📥 in'],
  ])('finds that %o matches %o', (pattern, text) => {
    expect(matchesGlob(pattern, text)).toBe(true)
  })

  it.each([
    ['abc', 'ab'],
    ['abc', 'abcd'],
    ['ab', 'abc'],
    ['', 'a'],
    ['?', ''],
    ['?', 'xy'],
    ['a*', 'ba'],
    ['*c', 'cb'],
    ['a*c', 'ab'],
    ['*b*', 'ac'],
    ['??', 'x'],
    ['?*?', 'x'],
    ['a.b', 'axb'],
    ['[ab]', 'a'],
    ['a|b', 'a'],
    ['^a$', 'a'],
    ['*a*b*c', 'abcd'],
    ['*a?c*d', 'abbacd'],
    ['ab*ba', 'aba'],
    ['a*b?*c', 'abc'],
  ])('finds that %o does not match %o', (pattern, text) => {
    expect(matchesGlob(pattern, text)).toBe(false)
  })

  it.each([
    [`${'*a'.repeat(100)}b`, 'a'.repeat(1000)],
    [`${'*'.repeat(10_000)}x`, 'a'.repeat(1000)],
    [`${'?*'.repeat(400)}b`, 'a'.repeat(1000)],
    [`*${'a'.repeat(500)}b`, 'a'.repeat(1000)],
  ])('is done with a pattern made to hang it', (pattern, text) => {
    const start = performance.now()

    expect(matchesGlob(pattern, text)).toBe(false)
    expect(performance.now() - start).toBeLessThan(200)
  })
})
