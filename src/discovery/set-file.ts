import { readFileSync, statSync } from 'node:fs'
import { type EventSet, parseEventSet } from '../core/event-set.ts'
import type { ProblemDetail } from './origin.ts'

/** No set that a person has written comes near it; what is larger is something else. */
export const MAX_SET_FILE_BYTES = 1024 * 1024

export type ReadSetFile =
  | { readonly set: EventSet; readonly failure?: undefined }
  | { readonly set?: undefined; readonly failure: ProblemDetail }

/** Reads and checks the one event set in a file; `name` is what the file is called in messages. Never throws. */
export function readSetFile(file: string, name: string): ReadSetFile {
  const read = readJsonFile(file, name, { maxBytes: MAX_SET_FILE_BYTES })
  if (read.failure) return read
  const parsed = parseEventSet(read.value)
  if (parsed.success) return parsed
  const { issues } = parsed
  return {
    failure: {
      code: 'EVENTSETS_INVALID_EVENT_SET',
      step: 'validate',
      file,
      reason: `${name} is not a valid event set`,
      hint: 'The format is described by eventsets/schema.json; add "$schema": "https://unpkg.com/eventsets/schema.json" and your editor completes it.',
      issues,
    },
  }
}

export type ReadJsonFile =
  | { readonly value: unknown; readonly failure?: undefined }
  | { readonly value?: undefined; readonly failure: ProblemDetail }

export interface ReadLimits {
  readonly maxBytes: number
  /** Whether it may be something else than a file. A pipe that nobody writes to keeps whoever opens it waiting for ever. */
  readonly isPipeAllowed?: boolean | undefined
}

/** The value of a JSON file that is no larger than it may be. */
export function readJsonFile(
  file: string,
  name: string,
  { maxBytes, isPipeAllowed = false }: ReadLimits,
): ReadJsonFile {
  const fail = (detail: Omit<ProblemDetail, 'file'>) => ({ failure: { ...detail, file } })
  let text: string
  try {
    const stats = statSync(file)
    if (!stats.isFile() && !(isPipeAllowed && !stats.isDirectory())) {
      const what = stats.isDirectory() ? 'a directory' : 'not a regular file'
      return fail({ code: 'EVENTSETS_PLUGIN_READ', step: 'read', reason: `${name} is ${what}` })
    }
    if (stats.size > maxBytes) {
      return fail({
        code: 'EVENTSETS_PLUGIN_LIMIT',
        step: 'read',
        reason: `${name} has ${stats.size} bytes, and at most ${maxBytes} are read`,
        hint: 'Split the set into several, or leave out what no log carries.',
      })
    }
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return fail({
      code: 'EVENTSETS_PLUGIN_READ',
      step: 'read',
      reason: `${name} cannot be read: ${reasonOf(error)}`,
    })
  }
  try {
    // Some editors put a byte order mark in front, which is no JSON.
    return { value: JSON.parse(text.replace(/^\ufeff/, '')) }
  } catch (error) {
    const { message } = error as Error
    return fail({
      code: 'EVENTSETS_PLUGIN_READ',
      step: 'parse',
      reason: `${name} is not valid JSON: ${message}${locateJsonError(text, message)}`,
      hint: 'JSON has no comments and no commas at the end of a list; "eventsets lint" shows the place.',
    })
  }
}

/** Why a file could not be read, as a clause. */
export function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such file',
    EACCES: 'permission denied',
    EISDIR: 'it is a directory',
    ELOOP: 'its symbolic links go round in a circle',
  }
  return reasons[code] ?? message
}

/** Line and column for an error of JSON.parse that only has an offset. */
export function locateJsonError(text: string, message: string): string {
  const offset = /at position (\d+)/.exec(message)?.[1]
  if (offset === undefined || message.includes('line ')) return ''
  const before = text.slice(0, Number(offset)).split('\n')
  return ` (line ${before.length}, column ${(before.at(-1) ?? '').length + 1})`
}
