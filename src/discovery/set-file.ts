import { readFileSync } from 'node:fs'
import { type EventSet, parseEventSet } from '../core/event-set.ts'
import { type FileIdentity, NOT_UTF_8, readFileText } from './file-text.ts'
import type { ProblemDetail } from './origin.ts'
import { findExcess, findInnerExcess, SPLIT } from './set-size.ts'

/** No set that a person has written comes near it; what is larger is something else. */
export const MAX_SET_FILE_BYTES = 1024 * 1024

export type ReadSetFile =
  | { readonly set: EventSet; readonly bytes: number; readonly failure?: undefined }
  | { readonly set?: undefined; readonly bytes: number; readonly failure: ProblemDetail }

/**
 * Reads and checks the one event set in a file; `name` is what the file is called in messages. Never throws.
 * `bytes` is how much has been read, whatever it was.
 */
export function readSetFile(file: string, name: string): ReadSetFile {
  const read = readTextFile(file, name, { maxBytes: MAX_SET_FILE_BYTES })
  if (read.failure) return { ...read, bytes: 0 }
  return { ...parseSet(read.text, file, name), bytes: Buffer.byteLength(read.text) }
}

function parseSet(
  text: string,
  file: string,
  name: string,
): { readonly set: EventSet } | { readonly failure: ProblemDetail } {
  const { value, failure } = parseJson(text, file, name)
  if (failure) return { failure }
  const tooLarge = (excess: string): { readonly failure: ProblemDetail } => {
    const reason = `${name} has ${excess}`
    return { failure: { code: 'EVENTSETS_PLUGIN_LIMIT', step: 'validate', file, reason, hint: SPLIT } }
  }
  const excess = findExcess(value)
  if (excess !== undefined) return tooLarge(excess)
  const parsed = parseEventSet(value)
  if (parsed.success) {
    const innerExcess = findInnerExcess(parsed.set)
    return innerExcess === undefined ? { set: parsed.set } : tooLarge(innerExcess)
  }
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
export function readJsonFile(file: string, name: string, limits: ReadLimits): ReadJsonFile {
  const read = readTextFile(file, name, limits)
  return read.failure ? read : parseJson(read.text, file, name)
}

export type ReadTextFile =
  | { readonly text: string; readonly identity?: FileIdentity; readonly failure?: undefined }
  | { readonly text?: undefined; readonly identity?: undefined; readonly failure: ProblemDetail }

/** The text of a file that is no larger than it may be. */
export function readTextFile(
  file: string,
  name: string,
  { maxBytes, isPipeAllowed = false }: ReadLimits,
): ReadTextFile {
  const fail = (detail: Omit<ProblemDetail, 'file'>) => ({ failure: { ...detail, file } })
  const refuse = (reason: string) => fail({ code: 'EVENTSETS_PLUGIN_READ', step: 'read', reason })
  try {
    if (isPipeAllowed) return { text: readFileSync(file, 'utf8') }
    const read = readFileText(file, maxBytes)
    switch (read.kind) {
      case 'text':
        return read
      case 'missing':
        return refuse(`${name} cannot be read: there is no such file`)
      case 'directory':
        return refuse(`${name} is a directory`)
      case 'special':
        return refuse(`${name} is not a regular file`)
      case 'utf-16':
        return fail({ code: 'EVENTSETS_PLUGIN_READ', step: 'parse', reason: `${name} is ${NOT_UTF_8}` })
      case 'large': {
        const size = read.bytes === undefined ? 'more' : `${read.bytes} bytes`
        const reason = `${name} has ${size}, and at most ${maxBytes}${read.bytes === undefined ? ' bytes' : ''} are read`
        return fail({ code: 'EVENTSETS_PLUGIN_LIMIT', step: 'read', reason, hint: SPLIT })
      }
    }
  } catch (error) {
    return refuse(`${name} cannot be read: ${reasonOf(error)}`)
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
