import { EventError } from './errors.ts'

/**
 * What an error may say about another try. Whatever is thrown may have these properties: handlers' policies and
 * `withRetry` heed them, whoever has thrown it.
 */
export interface RetryAdvice {
  /** False: another try would end the same way. */
  readonly isRetryable?: boolean | undefined
  /**
   * Not before so many milliseconds: what a server has asked for, say. No more than an hour is heeded, or than the
   * `maxDelayMs` of the policy where that is more: until then the event holds up those behind it.
   */
  readonly retryAfterMs?: number | undefined
}

/** Throw it where another try would end the same way: no policy tries again, unless its `retryIf` says so. */
export class FinalError extends EventError implements RetryAdvice {
  readonly isRetryable = false

  constructor(
    message: string,
    options: { readonly hint?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, { code: 'EVENTSETS_FINAL', ...options })
  }
}

/**
 * Whether an error leaves another try open. This is what a policy without a `retryIf` asks; one of your own may too.
 * One that cannot be asked does not.
 */
export function isRetryable(error: unknown): boolean {
  try {
    return adviceOf(error)?.isRetryable !== false
  } catch {
    return false
  }
}

/** Whoever throws may be told anything by a server, and some of them count in seconds. */
const MAX_ADVICE_MS = 60 * 60 * 1000

/**
 * How long an error asks to wait before the next try, in milliseconds; 0 when it does not.
 *
 * @param maxDelayMs How long the policy itself may wait.
 */
export function retryAfterOf(error: unknown, maxDelayMs: number): number {
  const ms = readAdvice(error)
  if (typeof ms !== 'number' || !(ms > 0)) return 0
  return Math.min(ms, Math.max(MAX_ADVICE_MS, maxDelayMs))
}

function readAdvice(error: unknown): unknown {
  try {
    return adviceOf(error)?.retryAfterMs
  } catch {
    // Anything can be thrown, even what throws when it is asked.
    return undefined
  }
}

function adviceOf(error: unknown): RetryAdvice | undefined {
  return typeof error === 'object' && error !== null ? (error as RetryAdvice) : undefined
}
