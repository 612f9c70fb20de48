import { EventError } from '../errors.ts'
import type { RetryAdvice } from '../retry-advice.ts'

export interface NotificationErrorOptions extends RetryAdvice {
  readonly code?: 'EVENTSETS_NOTIFICATION' | 'EVENTSETS_PRIVATE_ADDRESS' | undefined
  readonly status?: number | undefined
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/**
 * A webhook, a chat or a mail server has not taken a notification. It says itself whether another try is worth it, and
 * policies heed that.
 */
export class NotificationError extends EventError implements RetryAdvice {
  /** What the server has answered: the status of HTTP, or the code of SMTP. Undefined when it has not. */
  readonly status: number | undefined
  readonly isRetryable: boolean
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: NotificationErrorOptions = {}) {
    const { code = 'EVENTSETS_NOTIFICATION', status, isRetryable = true, retryAfterMs, hint, cause } = options
    super(message, { code, hint, cause })
    this.status = status
    this.isRetryable = isRetryable
    this.retryAfterMs = retryAfterMs
  }
}
