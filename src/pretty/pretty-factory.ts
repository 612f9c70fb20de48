import { compileErrorRecord, isObject } from './error-record.ts'
import {
  type AnyRecord,
  applyFilter,
  compileFieldReader,
  compileFilter,
  copyRecord,
  type Filter,
  NO_FILTER,
} from './filter.ts'
import { compileHead } from './line-head.ts'
import { compileMessage, compileMessageText } from './message-text.ts'
import { compileMinimumLevel } from './minimum-level.ts'
import { compileObject, LOGGER_KEYS } from './object-text.ts'
import { type PrettyOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { parseLine } from './parse-line.ts'
import { assembleParts, compilePalettes, type Parts, toEol } from './parts.ts'

/** The text of a line or a record; nothing for one below `minimumLevel`. What is no record is given back as it is. */
export type Prettify = (input: unknown) => string | undefined

/**
 * Compiles pino-pretty's options into a function that writes log lines for people: the same text as pino-pretty's,
 * byte for byte.
 *
 * All that the options decide is decided here, once.
 */
export function prettyFactory(options?: PrettyOptions): Prettify {
  const resolved = resolveOptions(options)
  const writeRecord = compileRecord(resolved)
  const eol = toEol(resolved)
  return (input) => {
    if (isObject(input)) return writeRecord(input as AnyRecord, true)
    const record = parseLine(input)
    return isObject(record) ? writeRecord(record as AnyRecord, false) : `${input}${eol}`
  }
}

/**
 * Writes a record. Where that is shared with somebody, functions of the user get a copy. A message that is given takes
 * the place of the record's own.
 */
export type WriteRecord = (record: AnyRecord, isShared: boolean, message?: string) => string | undefined

export function compileRecord(options: ResolvedOptions): WriteRecord {
  const palettes = compilePalettes(options)
  const parts = assembleParts(options, palettes)
  const { eol } = parts
  const { singleLine } = options
  const isBelowMinimum = compileMinimumLevel(options)
  const writeMessage = compileMessage(options, palettes.line)
  const writeMessageText = compileMessageText(palettes.line)
  const { prepare, filter } = compilePreparation(options)
  const writeHead = compileHead(options, parts, filter)
  const readType = compileFieldReader('type', filter)
  const readStack = compileFieldReader('stack', filter)
  const writeErrorRecord = compileErrorRecord(options, parts)
  const writeObject = options.hideObject ? undefined : compileRecordObject(options, parts, filter)

  return (given, isShared, givenMessage) => {
    if (isBelowMinimum?.(given)) return undefined
    const message = givenMessage === undefined ? writeMessage(given) : writeMessageText(givenMessage)
    const record = prepare === undefined ? given : prepare(given, isShared)
    let line = writeHead(record)
    if (message !== undefined) line = line === '' ? message : `${line} ${message}`
    if (line !== '' && !singleLine) line += eol

    if (readType(record) === 'Error' && typeof readStack(record) === 'string')
      return line + (singleLine ? eol : '') + writeErrorRecord(applyFilter(record, filter))
    if (writeObject === undefined) return line
    const object = writeObject(record)
    // Without fields there is the newline only. (With CR LF that is more than one character, and a blank before it.)
    return line + (singleLine && object.length > 1 ? ' ' : '') + object
  }
}

/**
 * What is left out is passed over where the record is written. Only functions of the user need to see the record as
 * it is shown, and `include` brings an order of its own: then there is a record to write instead of the given one.
 */
function compilePreparation({ ignore, include, customPrettifiers }: ResolvedOptions): {
  readonly prepare: ((record: AnyRecord, isShared: boolean) => AnyRecord) | undefined
  readonly filter: Filter
} {
  const filter = compileFilter(ignore, include)
  const isSeen = Object.keys(customPrettifiers).length > 0
  const isCopied = filter.inside.length > 0 || (isSeen && Boolean(ignore || filter.select))
  const copy = (record: AnyRecord, isShared: boolean) =>
    isShared && isCopied ? copyRecord(record, filter) : record
  if (!isSeen && filter.select === undefined) return { prepare: isCopied ? copy : undefined, filter }
  return { prepare: (record, isShared) => applyFilter(copy(record, isShared), filter), filter: NO_FILTER }
}

function compileRecordObject(options: ResolvedOptions, parts: Parts, filter: Filter) {
  const { messageKey, levelKey, timestampKey } = options
  return compileObject(options, parts, {
    indent: '    ',
    hidden: {
      always: new Set(LOGGER_KEYS),
      asText: new Set([messageKey, levelKey, timestampKey].map((key) => key.replaceAll('\\', ''))),
    },
    filter,
  })
}
