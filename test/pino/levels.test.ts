import { expect, test } from 'vitest'
import { hasOwnLevels, levelNumber, resolveLevels, STANDARD_LEVELS } from '../../src/pino/levels.ts'

test('it knows a level by number, by numeric text and by label in any case', () => {
  const levels = resolveLevels(undefined)

  expect(
    [35, '35', 'warn', 'WARN', 'nope', undefined, null, {}].map((level) => levelNumber(level, levels)),
  ).toEqual([35, 35, 40, 40, undefined, undefined, undefined, undefined])
})

test('it adds custom levels, as an object or as pino-pretty writes them', () => {
  expect(levelNumber('audit', resolveLevels({ Audit: 35 }))).toBe(35)
  expect(levelNumber('audit', resolveLevels('audit:35,info:31'))).toBe(35)
  expect(levelNumber('info', resolveLevels('audit:35,info:31'))).toBe(31)
})

test('it tells whether a logger has levels of its own', () => {
  expect(hasOwnLevels(STANDARD_LEVELS)).toBe(false)
  expect(hasOwnLevels({ ...STANDARD_LEVELS, audit: 35 })).toBe(true)
  expect(hasOwnLevels({ audit: 35 })).toBe(true)
  expect(hasOwnLevels({ ...STANDARD_LEVELS, info: 31 })).toBe(true)
})
