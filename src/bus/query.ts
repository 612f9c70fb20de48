import { object, optional } from '../core/shape.ts'
import { assertOptions, expected, maybeCount, maybeSignal } from './option-shape.ts'
import { assertPattern } from './pattern.ts'

/**
 * Checks what `deadLetters.list` and `deadLetters.replayAll` are asked for: a word too many or a typo must not become
 * "all of them".
 *
 * @throws ValidationError, and EventError for a pattern that is none.
 */
export function assertLetterQuery(query: unknown, method: 'list' | 'replayAll'): void {
  assertOptions(`The query of deadLetters.${method} is`, LETTERS[method], query)
  assertPatternOf(query)
}

/** The same for `replay`. */
export function assertReplayQuery(query: unknown): void {
  assertOptions('The query of replay is', REPLAY, query)
  assertPatternOf(query)
}

function assertPatternOf(query: unknown): void {
  const { pattern } = (query ?? {}) as { readonly pattern?: unknown }
  if (pattern !== undefined) assertPattern(pattern)
}

/** Has a check of its own. */
const pattern = optional(expected('a pattern', () => true))

const LETTERS = {
  list: optional(object({ limit: maybeCount, pattern })),
  replayAll: optional(object({ pattern })),
}

const maybeTime = optional(
  expected(
    'milliseconds since 1970, such as date.getTime()',
    (input) => typeof input === 'number' && !Number.isNaN(input),
  ),
)

const REPLAY = object({
  from: maybeTime,
  to: maybeTime,
  afterId: optional(expected('the id of an event', (input) => typeof input === 'string')),
  pattern,
  signal: maybeSignal,
})
