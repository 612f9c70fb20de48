import type { EventsetsError } from '../core/errors.ts'
import { reasonOf } from './errors.ts'
import { writeOut } from './quote.ts'

/** For what goes wrong in the background where nobody has asked to be told: it must not end the process, nor be lost. */
export function warnAbout(what: string, error: unknown): void {
  warn(`${what}: ${reasonOf(error)}`, { type: 'EventsetsWarning' })
}

/** The same for an error that says itself what has gone wrong. */
export function warnOf({
  name,
  code,
  message,
  hint,
}: Pick<EventsetsError, 'name' | 'code' | 'message' | 'hint'>): void {
  warn(message, { type: name, code, ...(hint === undefined ? {} : { detail: safe(hint) }) })
}

/** Node writes a warning to the terminal as it is. */
function warn(message: string, options: NodeJS.EmitWarningOptions): void {
  process.emitWarning(safe(message), options)
}

/** No line of it begins where a warning of somebody else would. */
function safe(text: string): string {
  return writeOut(text).replaceAll('\n', '\n    ')
}
