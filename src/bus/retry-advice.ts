import { EventError } from './errors.ts'

/**
 * What an error may say about another try. Whatever is thrown may have these properties: handlers' policies and
 * `withRetry` heed them, whoever has thrown it.
 */
export interface RetryAdvice {
  /** False: another try would end the same way. */
  readonly isRetryable?: boolean | undefined
  /** Not before so many milliseconds: what a server has asked for, say. */
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

/** Whether an error leaves another try open. This is what a policy without a `retryIf` asks; one of your own may too. */
export function isRetryable(error: unknown): boolean {
  return adviceOf(error)?.isRetryable !== false
}

/** How long an error asks to wait before the next try, in milliseconds; 0 when it does not. */
export function retryAfterOf(error: unknown): number {
  const ms = adviceOf(error)?.retryAfterMs
  return typeof ms === 'number' && ms > 0 && Number.isFinite(ms) ? ms : 0
}

function adviceOf(error: unknown): RetryAdvice | undefined {
  return typeof error === 'object' && error !== null ? (error as RetryAdvice) : undefined
}
