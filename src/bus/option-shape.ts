import { ValidationError } from '../core/errors.ts'
import type { Issue } from '../core/issue.ts'
import { custom, findShapeIssues, optional, type Shape } from '../core/shape.ts'
import { wordGiven } from './given.ts'
import { helpWith } from './option-words.ts'

/**
 * Checks options against a shape, and whatever more there is to say about them.
 *
 * @param subject The options and their verb: `The options of webhook are`.
 * @throws ValidationError with everything that is wrong with them.
 */
export function assertOptions(
  subject: string,
  shape: Shape<unknown>,
  options: unknown,
  more: readonly Issue[] = [],
): void {
  const issues = [...findShapeIssues(shape, options).map((issue) => withHelp(issue, shape)), ...more]
  if (issues.length > 0) throw new ValidationError(subject, issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
}

/** What is wrong with a bus of which this method is needed. */
export function findBusIssues(bus: unknown, method: string): readonly Issue[] {
  const isBus =
    typeof (bus as { readonly [name: string]: unknown } | null | undefined)?.[method] === 'function'
  return isBus ? [] : [{ path: 'bus', code: 'type', message: `expected an event bus, got ${wordGiven(bus)}` }]
}

/** An unknown option, with the one that may have been meant. */
function withHelp(issue: Issue, shape: Shape<unknown>): Issue {
  const { path, code } = issue
  // Only the options themselves, not what is in them.
  if (code !== 'unknown_key' || !('entries' in shape) || !/^\w+$/.test(path)) return issue
  return { ...issue, message: `is not a known key${helpWith(path, Object.keys(shape.entries as object))}` }
}

/** An option that is a function, where it is given. */
export const maybeFunction = optional(expected('a function', (input) => typeof input === 'function'))

/** An option that is an AbortSignal, where it is given. */
export const maybeSignal = optional(expected('an AbortSignal', isSignal))

/** An option that is an AbortSignal or a function that gives one, where it is given. */
export const maybeSignalOrFunction = optional(
  expected(
    'an AbortSignal or a function that gives one',
    (input) => typeof input === 'function' || isSignal(input),
  ),
)

/** More than 0. */
export const maybeMilliseconds = optional(
  expected('milliseconds, more than 0', (input) => isNumber(input) && input > 0),
)

/** 0 or more. */
export const maybeCount = optional(
  expected('a whole number, 0 or more', (input) => Number.isInteger(input) && (input as number) >= 0),
)

export const maybeWholeNumber = optional(expected('a whole number', (input) => Number.isInteger(input)))

export const maybeText = optional(expected('a text', isText))

/** Whatever `isRight` accepts. What it does not is told. */
export function expected(what: string, isRight: (input: unknown) => boolean): Shape<unknown> {
  return custom(isRight, (input) => `expected ${what}, got ${wordGiven(input)}`, {})
}

/** The same for what is nobody else's business, wrong or not: a secret, an address. */
export function expectedPrivate(what: string, isRight: (input: unknown) => boolean): Shape<unknown> {
  return custom(isRight, () => `expected ${what}`, {})
}

export function isText(input: unknown): input is string {
  return typeof input === 'string' && input !== ''
}

function isNumber(input: unknown): input is number {
  return typeof input === 'number' && Number.isFinite(input)
}

function isSignal(input: unknown): boolean {
  return typeof (input as AbortSignal | undefined)?.addEventListener === 'function'
}
