import { describe, expect, it } from 'vitest'
import { didYouMean, nearestNames } from '../../src/core/nearest.ts'

describe('nearestNames', () => {
  const known = ['status', 'method', 'http', 'https', 'database']

  it.each([
    ['stauts', ['status']],
    ['Status', ['status']],
    ['htp', ['http', 'https']],
    ['databse', ['database']],
    ['databases', ['database']],
    ['kubernetes', []],
    ['', []],
    ['htpt', ['http', 'https']],
  ])('finds for %o %o', (name, nearest) => {
    expect(nearestNames(name, known)).toEqual(nearest)
  })

  it('gives at most three, the best first, equals by name', () => {
    expect(nearestNames('abcdef', ['abcdez', 'abcdeg', 'abcdefg', 'abcdxx', 'abcdef'])).toEqual([
      'abcdef',
      'abcdefg',
      'abcdeg',
    ])
  })

  it('takes two letters that are swapped for one mistake', () => {
    expect(nearestNames('lsit', ['init', 'list'])[0]).toBe('list')
  })

  it('gives a name once', () => {
    expect(nearestNames('htp', ['http', 'http'])).toEqual(['http'])
  })

  it('does not offer a name of which every letter is another', () => {
    expect(nearestNames('db', ['ai', 'x', 'DB', 'dbs'])).toEqual(['DB', 'dbs'])
    expect(nearestNames('x', ['a', 'ab'])).toEqual([])
  })

  it('does not call everything near a very long name', () => {
    expect(nearestNames('x'.repeat(100_000), known)).toEqual([])
  })
})

describe('didYouMean', () => {
  it('asks about the best name', () => {
    expect(didYouMean('stauts', ['status', 'method'])).toBe('; did you mean "status"?')
  })

  it('is nothing when no name is near', () => {
    expect(didYouMean('kubernetes', ['status', 'method'])).toBe('')
    expect(didYouMean('status', [])).toBe('')
  })
})
