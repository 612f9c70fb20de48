import type { Issue } from './issue.ts'
import { countIssues, formatIssue } from './issue.ts'

/** Permanent names of what can go wrong. A code never changes its meaning, so tests and tools may rely on it. */
export type ErrorCode =
  | 'EVENTSETS_ALREADY_EXISTS'
  | 'EVENTSETS_NOT_FOUND'
  | 'EVENTSETS_INVALID_EVENT_SET'
  | 'EVENTSETS_INVALID_OPTIONS'
  | 'EVENTSETS_DESTINATION'
  | 'EVENTSETS_INPUT'
  | 'EVENTSETS_LOG_STREAM'
  | 'EVENTSETS_BUS_CLOSED'
  | 'EVENTSETS_CONNECTION'
  | 'EVENTSETS_CRASHED'
  | 'EVENTSETS_DATA_TOO_LARGE'
  | 'EVENTSETS_DEAD_LETTERS_FULL'
  | 'EVENTSETS_DEPTH'
  | 'EVENTSETS_EVENT_NAME'
  | 'EVENTSETS_FINAL'
  | 'EVENTSETS_HANDLER'
  | 'EVENTSETS_HANDLER_TIMEOUT'
  | 'EVENTSETS_INVALID_EVENT'
  | 'EVENTSETS_NOT_REPLICATED'
  | 'EVENTSETS_NOT_STARTED'
  | 'EVENTSETS_NOTIFICATION'
  | 'EVENTSETS_PATTERN'
  | 'EVENTSETS_PRIVATE_ADDRESS'
  | 'EVENTSETS_PUBLISH'
  | 'EVENTSETS_SERIALIZATION'
  | 'EVENTSETS_STREAM_OVERFLOW'
  | 'EVENTSETS_TELEMETRY'
  | 'EVENTSETS_TRANSACTION'
  | 'EVENTSETS_UNREADABLE'
  | 'EVENTSETS_UNSUPPORTED'
  | 'EVENTSETS_WEBHOOK_SIGNATURE'

export interface EventsetsErrorOptions {
  readonly code: ErrorCode
  /** What to do next, as a sentence. */
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/** The base of every error that eventsets raises on purpose. */
export class EventsetsError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(message: string, { code, hint, cause }: EventsetsErrorOptions) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.code = code
    this.hint = hint
  }
}

/** A name is taken: registering a second event set under it would hide the first. */
export class AlreadyExistsError extends EventsetsError {
  /** The name that is taken. */
  readonly existing: string

  constructor(message: string, { existing, hint }: { existing: string; hint?: string }) {
    super(message, { code: 'EVENTSETS_ALREADY_EXISTS', hint })
    this.existing = existing
  }
}

/** Something was asked for by a name that nothing has. */
export class NotFoundError extends EventsetsError {
  /** The name that was asked for. */
  readonly missing: string
  /** The known names that look most like it, best first. */
  readonly nearest: readonly string[]

  constructor(message: string, options: { missing: string; nearest: readonly string[]; hint?: string }) {
    super(message, { code: 'EVENTSETS_NOT_FOUND', hint: options.hint })
    this.missing = options.missing
    this.nearest = options.nearest
  }
}

/**
 * An input is wrong. The message lists every issue on a line of its own, since a pino worker hands over little
 * more than the message; `issues` has the same as data.
 */
export class ValidationError extends EventsetsError {
  readonly issues: readonly Issue[]

  constructor(
    /** The input and its verb: `Event set "http" is`. */
    subject: string,
    issues: readonly Issue[],
    options: { code: ErrorCode; hint?: string; cause?: unknown },
  ) {
    const count = countIssues(issues)
    super(
      `${subject} not valid (${count === 1 ? '1 issue' : `${count} issues`}):\n${issues.map((issue) => `  ${formatIssue(issue)}`).join('\n')}`,
      options,
    )
    this.issues = issues
  }
}
