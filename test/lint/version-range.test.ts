import { describe, expect, it } from 'vitest'
import { isRange, satisfies } from '../../src/lint/version-range.ts'

describe('isRange', () => {
  it.each([
    '>=0.1.0',
    '^1.2.3',
    '~1.2',
    '1.x',
    '*',
    '',
    '1.0.0 - 2',
    '>= 1.0.0 < 2',
    '^1 || ^2',
    'v1.0.0',
    '1.0.0-beta.1',
    'workspace:^',
    'catalog:',
  ])('knows %j for one', (range) => {
    expect(isRange(range)).toBe(true)
  })

  it.each([
    'latest',
    'file:../eventsets',
    'npm:other@1',
    '1.2.3.4',
    '>=',
    '^^1',
    '01.2.3',
    '>=1,<2',
    `>=${'1'.repeat(300)}`,
  ])('knows %j for none', (range) => {
    expect(isRange(range)).toBe(false)
  })
})

describe('satisfies', () => {
  it.each([
    ['0.1.0', '>=0.1.0'],
    ['1.9.9', '^1.2.3'],
    ['0.1.5', '^0.1.0'],
    ['0.0.3', '^0.0.3'],
    ['1.2.9', '~1.2.3'],
    ['1.2.9', '~> 1.2'],
    ['1.5.0', '1.x'],
    ['3.0.0', '1 || 3'],
    ['2.9.0', '1.0.0 - 2'],
    ['1.5.0', '>=1 <2'],
    ['2.0.0', '>1'],
    ['1.9.9', '<=1'],
    ['1.0.0-beta.2', '>=1.0.0-beta.1'],
    ['4.5.6', ''],
    ['1.2.3', '=1.2.3+build'],
    ['0.1.0', 'workspace:*'],
  ])('has %s in %j', (version, range) => {
    expect(satisfies(version, range)).toBe(true)
  })

  it.each([
    ['0.0.9', '>=0.1.0'],
    ['2.0.0', '^1.2.3'],
    ['0.2.0', '^0.1.0'],
    ['0.0.4', '^0.0.3'],
    ['1.3.0', '~1.2.3'],
    ['2.0.0', '1.x'],
    ['2.0.0', '1 || 3'],
    ['3.0.0', '1.0.0 - 2'],
    ['1.9.0', '>1'],
    ['2.0.0', '<=1'],
    ['1.0.0-beta.1', '>=0.1.0'],
    ['1.0.0-alpha', '>=1.0.0-beta'],
    ['2.0.0-beta', '^1.0.0'],
    ['1.0.0', '<*'],
    ['not a version', '*'],
    ['1.0.0', 'latest'],
  ])('has %s not in %j', (version, range) => {
    expect(satisfies(version, range)).toBe(false)
  })
})
