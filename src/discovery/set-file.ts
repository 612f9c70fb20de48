import { readFileSync, statSync } from 'node:fs'
import { type EventSet, parseEventSet } from '../core/event-set.ts'
import { isPlainObject } from '../core/shape.ts'
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
  const excess = findExcess(read.value)
  if (excess !== undefined) {
    const reason = `${name} has ${excess}, and at most ${MAX_ENTRIES} are read`
    return { failure: { code: 'EVENTSETS_PLUGIN_LIMIT', step: 'validate', file, reason, hint: SPLIT } }
  }
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

/** Each link is compared with each mapping, and each range with each other one: many would keep an application waiting. */
const MAX_ENTRIES = 500

const SPLIT = 'Split the set into several, or leave out what no log carries.'

function findExcess(value: unknown): string | undefined {
  if (!isPlainObject(value)) return undefined
  const { mappings, fieldMappings } = value
  const ranges = Array.isArray(mappings)
    ? mappings.map((mapping: { ranges?: unknown } | null) => mapping?.ranges)
    : []
  const lists = [
    ['mappings', mappings],
    ['fieldMappings', fieldMappings],
    ...ranges.map((list) => ['ranges in a mapping', list]),
  ]
  for (const [what, list] of lists) {
    const count = typeof list === 'object' && list !== null ? Object.keys(list).length : 0
    if (count > MAX_ENTRIES) return `${count} ${what}`
  }
  return undefined
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
export function readJsonFile(file: string, name: string, limits: ReadLimits): ReadJsonFile {
  const read = readTextFile(file, name, limits)
  return read.failure ? read : parseJson(read.text, file, name)
}

export type ReadTextFile =
  | { readonly text: string; readonly failure?: undefined }
  | { readonly text?: undefined; readonly failure: ProblemDetail }

/** The text of a file that is no larger than it may be. */
export function readTextFile(
  file: string,
  name: string,
  { maxBytes, isPipeAllowed = false }: ReadLimits,
): ReadTextFile {
  const fail = (detail: Omit<ProblemDetail, 'file'>) => ({ failure: { ...detail, file } })
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
        hint: SPLIT,
      })
    }
    return { text: readFileSync(file, 'utf8') }
  } catch (error) {
    return fail({
      code: 'EVENTSETS_PLUGIN_READ',
      step: 'read',
      reason: `${name} cannot be read: ${reasonOf(error)}`,
    })
  }
}

/** The value of the text of a JSON file. */
export function parseJson(given: string, file: string, name: string): ReadJsonFile {
  // Some editors put a byte order mark in front, which is no JSON.
  const text = given.replace(/^\ufeff/, '')
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    const { message } = error as Error
    return {
      failure: {
        code: 'EVENTSETS_PLUGIN_READ',
        step: 'parse',
        file,
        reason: `${name} is not valid JSON: ${message}${locateJsonError(text, message)}`,
        hint: 'JSON has no comments and no commas at the end of a list; "eventsets lint" shows the place.',
      },
    }
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
