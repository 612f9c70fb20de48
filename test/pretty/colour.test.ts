import { expect, test } from 'vitest'
import { decideColour } from '../../src/pretty/colour.ts'

test.each([
  [{ isTerminal: true, env: {} }, true],
  [{ isTerminal: false, env: {} }, false],
  [{ isTerminal: true, env: { NO_COLOR: '1' } }, false],
  [{ isTerminal: true, env: { NO_COLOR: '' } }, true],
  [{ isTerminal: true, env: { TERM: 'dumb' } }, false],
  [{ isTerminal: false, env: { FORCE_COLOR: '1' } }, true],
  [{ isTerminal: false, env: { FORCE_COLOR: '' } }, true],
  [{ isTerminal: true, env: { FORCE_COLOR: '0' } }, false],
  [{ isTerminal: true, env: { FORCE_COLOR: 'false' } }, false],
  [{ isTerminal: false, env: { FORCE_COLOR: '3', NO_COLOR: '1', TERM: 'dumb' } }, true],
  [{ isTerminal: false, env: { CI: 'true' } }, false],
  [{ asked: false, isTerminal: true, env: { FORCE_COLOR: '1' } }, false],
  [{ asked: true, isTerminal: false, env: { NO_COLOR: '1' } }, true],
])('it decides %j: %s', (situation, expected) => {
  expect(decideColour(situation as Parameters<typeof decideColour>[0])).toBe(expected)
})
