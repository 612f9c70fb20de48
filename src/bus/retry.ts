import { ValidationError } from '../core/errors.ts'
import type { Issue } from '../core/issue.ts'
import { isPlainObject } from '../core/shape.ts'
import { wordGiven } from './given.ts'
import { helpWith } from './option-words.ts'
import { isRetryable, retryAfterOf } from './retry-advice.ts'
import { isThenable } from './thenable.ts'
import { warnAbout } from './warning.ts'

/** How often something that fails is tried, and how long in between. */
export interface RetryPolicy {
  /** All tries, the first included. 1 is no retry. */
  readonly maxAttempts: number
  /** The longest wait before the second try, in milliseconds. 100 unless given. */
  readonly baseDelayMs?: number | undefined
  /** By how much it grows with each further try. 2 unless given. */
  readonly factor?: number | undefined
  /** It never grows beyond this. 30 seconds unless given. */
  readonly maxDelayMs?: number | undefined
  /**
   * `full`: anything from nothing to the longest wait, so that what failed together does not come back together;
   * `none`: the longest wait itself. `full` unless given.
   */
  readonly jitter?: 'full' | 'none' | undefined
  /**
   * Whether it is worth another try. `isRetryable` unless given: everything is that does not say otherwise of itself.
   * It says so at once: when it throws or gives a promise, there is no other try.
   */
  readonly retryIf?: ((error: unknown, attempt: number) => boolean) | undefined
}

/** A policy with nothing left open. */
export type Retry = Required<{ readonly [K in keyof RetryPolicy]: Exclude<RetryPolicy[K], undefined> }>

const MAX_DELAY_MS = 30_000
const EXPECTED = 'expected an object with "maxAttempts" ({ maxAttempts: 1 } is no retry)'

/** @throws ValidationError with everything that is wrong with it. */
export function resolveRetry(policy: RetryPolicy | undefined): Retry | undefined {
  if (policy === undefined) return undefined
  if (!isPlainObject(policy)) {
    const issue = { path: 'retry', code: 'type', message: `${EXPECTED}, got ${wordGiven(policy)}` } as const
    throw new ValidationError('The retry policy is', [issue], { code: 'EVENTSETS_INVALID_OPTIONS' })
  }
  const {
    maxAttempts,
    baseDelayMs = 100,
    factor = 2,
    maxDelayMs = MAX_DELAY_MS,
    jitter = 'full',
    retryIf = isRetryable,
  } = policy
  const issues: Issue[] = []
  const known = ['maxAttempts', 'baseDelayMs', 'factor', 'maxDelayMs', 'jitter', 'retryIf']
  const expect = (isRight: boolean, path: string, message: string) => {
    if (isRight) return
    const given = known.includes(path) ? `, got ${wordGiven((policy as Record<string, unknown>)[path])}` : ''
    issues.push({ path: `retry.${path}`, code: 'format', message: `${message}${given}` })
  }
  expect(
    Number.isInteger(maxAttempts) && maxAttempts >= 1,
    'maxAttempts',
    'expected a whole number of at least 1',
  )
  expect(isDelay(baseDelayMs), 'baseDelayMs', 'expected milliseconds, 0 or more')
  expect(isDelay(maxDelayMs), 'maxDelayMs', 'expected milliseconds, 0 or more')
  expect(Number.isFinite(factor) && factor >= 1, 'factor', 'expected a number of at least 1')
  expect(jitter === 'full' || jitter === 'none', 'jitter', 'expected "full" or "none"')
  expect(typeof retryIf === 'function', 'retryIf', 'expected a function')
  for (const key of Object.keys(policy))
    expect(known.includes(key), key, `is not a known key${helpWith(key, known)}`)
  if (issues.length > 0)
    throw new ValidationError('The retry policy is', issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
  return { maxAttempts, baseDelayMs, factor, maxDelayMs, jitter, retryIf }
}

function isDelay(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

/**
 * How long to wait after a failed try, in milliseconds.
 *
 * @param attempt The try that has failed, from 1.
 */
export function delayAfter(attempt: number, retry: Retry, random: () => number = Math.random): number {
  // Without end it would make no number of a delay of 0.
  const growth = Math.min(retry.factor ** (attempt - 1), Number.MAX_VALUE)
  const longest = Math.min(retry.baseDelayMs * growth, retry.maxDelayMs)
  return retry.jitter === 'none' ? longest : random() * longest
}

/** How long to wait after a failed try, in milliseconds: what the policy says, and no less than the error asks for, up to an hour. */
export function waitAfter(error: unknown, attempt: number, retry: Retry): number {
  return Math.max(delayAfter(attempt, retry), retryAfterOf(error, retry.maxDelayMs))
}

/** Whether a failed try is followed by another one. A `retryIf` that throws says no, and so does one that waits. */
export function isWorthRetrying(error: unknown, attempt: number, retry: Retry | undefined): retry is Retry {
  if (!retry || attempt >= retry.maxAttempts) return false
  try {
    const verdict: unknown = retry.retryIf(error, attempt)
    if (!isThenable(verdict)) return Boolean(verdict)
    Promise.resolve(verdict).catch(() => {})
    tellOfPromise(retry.retryIf)
    return false
  } catch {
    return false
  }
}

const told = new WeakSet<object>()

/** Once for each function: it will give promises every time. */
function tellOfPromise(retryIf: object): void {
  if (told.has(retryIf)) return
  told.add(retryIf)
  warnAbout(
    'Nothing is tried again',
    'a "retryIf" has given a promise, and it has to say true or false at once',
  )
}
