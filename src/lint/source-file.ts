import type { EventSet } from '../core/event-set.ts'
import { MAX_SET_FILE_BYTES, readJsonFile, readSetFile, reasonOf } from '../discovery/set-file.ts'
import { type Document, readDocument } from './document.ts'
import { readFileBytes } from './file-bytes.ts'
import { notUtf8 } from './rules/json-text.ts'
import { overLimit, unreadableFile } from './rules/set-files.ts'
import type { KnownRule } from './rules.ts'

/** A JSON file, or why nothing can be said about what is in it. */
export type SourceFile =
  | { readonly document: Document; readonly failure?: undefined }
  | { readonly document?: undefined; readonly failure: FileFailure }

export type SetSource = SourceFile & {
  /** The set, where it is a valid one. */
  readonly set?: EventSet | undefined
  /** How much was read. */
  readonly bytes: number
}

export interface FileFailure {
  readonly rule: KnownRule
  readonly message: string
  readonly hint: string | undefined
}

/** The file of an event set, within the limits that discovery has. `name` is what it is called in messages. */
export function readSetSource(file: string, name: string): SetSource {
  const { failure, set, bytes } = readSetFile(file, name)
  if (failure?.code === 'EVENTSETS_PLUGIN_LIMIT')
    return { failure: { rule: overLimit, message: failure.reason, hint: failure.hint }, bytes }
  return { ...readSourceFile(file, name), set, bytes }
}

/** Reads a JSON file as discovery does, and keeps its text. Never throws. */
export function readSourceFile(file: string, name: string): SourceFile {
  const { failure } = readJsonFile(file, name, { maxBytes: MAX_SET_FILE_BYTES })
  if (failure !== undefined && failure.step === 'read') {
    const rule = failure.code === 'EVENTSETS_PLUGIN_LIMIT' ? overLimit : unreadableFile
    return { failure: { rule, message: failure.reason, hint: failure.hint } }
  }
  let bytes: Buffer | undefined
  try {
    bytes = readFileBytes(file, MAX_SET_FILE_BYTES)
  } catch (error) {
    const message = `${name} cannot be read: ${reasonOf(error)}`
    return { failure: { rule: unreadableFile, message, hint: undefined } }
  }
  if (bytes === undefined) {
    const message = `${name} has more than the ${MAX_SET_FILE_BYTES} bytes that are read`
    return { failure: { rule: overLimit, message, hint: undefined } }
  }
  try {
    return { document: readDocument(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) }
  } catch {
    const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
    const encoding = isUtf16 ? 'UTF-16' : 'another encoding'
    return {
      failure: {
        rule: notUtf8,
        message: `${name} is not in UTF-8 but in ${encoding}`,
        hint: 'Save it as UTF-8.',
      },
    }
  }
}
