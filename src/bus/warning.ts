import type { EventsetsError } from '../core/errors.ts'
import { reasonOf } from './errors.ts'
import { writeOut } from './quote.ts'

/** For what goes wrong in the background where nobody has asked to be told: it must not end the process, nor be lost. */
export function warnAbout(what: string, error: unknown): void {
  warn(`${what}: ${reasonOf(error)}`, { type: 'EventsetsWarning' })
}

/**
 * The same for an error that says itself what has gone wrong.
 *
 * @param thrown What somebody's code has thrown: where that was is told, too.
 */
export function warnOf(
  { name, code, message, hint }: Pick<EventsetsError, 'name' | 'code' | 'message' | 'hint'>,
  thrown?: unknown,
): void {
  const details = [hint, stackOf(thrown)].filter((detail) => detail !== undefined)
  warn(message, { type: name, code, ...(details.length === 0 ? {} : { detail: safe(details.join('\n')) }) })
}

/** Anything may have been thrown, even what defends itself against being looked at. */
function stackOf(thrown: unknown): string | undefined {
  try {
    const stack = thrown instanceof Error ? thrown.stack : undefined
    return typeof stack === 'string' ? reasonOf(stack) : undefined
  } catch {
    return undefined
  }
}

/** Node writes a warning to the terminal as it is. */
function warn(message: string, options: NodeJS.EmitWarningOptions): void {
  process.emitWarning(safe(message), options)
}

/** No line of it begins where a warning of somebody else would. */
function safe(text: string): string {
  return writeOut(text).replaceAll('\n', '\n    ')
}
