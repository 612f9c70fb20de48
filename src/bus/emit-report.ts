import type { HandlerError } from './errors.ts'

/** One handler that did not handle an event. */
export interface HandlerFailure {
  readonly handler: string
  readonly error: HandlerError
  readonly attempts: number
}

/** What has become of an event in this process. */
export interface EmitReport {
  /** How many handlers it had, those left out by their filters not counted. */
  readonly handlers: number
  readonly failures: readonly HandlerFailure[]
}

/** A report without failures. Made once for each number of handlers: that is what happens nearly always. */
export interface Success {
  readonly report: EmitReport
  readonly promise: Promise<EmitReport>
}

const MAX_SUCCESSES = 256
const successes: (Success | undefined)[] = []

export function successOf(handlers: number): Success {
  const known = successes[handlers]
  if (known) return known
  // Whoever gets it shares it with others.
  const report = Object.freeze({ handlers, failures: Object.freeze([]) })
  const success = { report, promise: Promise.resolve(report) }
  if (handlers < MAX_SUCCESSES) successes[handlers] = success
  return success
}

export const ONE_SUCCESS = successOf(1)
