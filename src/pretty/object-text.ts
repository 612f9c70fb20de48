import { stripControlCharacters } from './control-characters.ts'
import { indentLines, writeError } from './error-text.ts'
import type { AnyRecord, Filter } from './filter.ts'
import { toJsonLine } from './json-line.ts'
import { toJsonLines } from './json-lines.ts'
import { quoteReadably, toJson, unescapeBackslashes } from './json-text.ts'
import type { PrettifierExtras, ResolvedOptions } from './options.ts'
import { getPaints } from './paint.ts'
import type { Parts } from './parts.ts'

/** Keys that loggers such as pino and bunyan write, and that stand in the message line or nowhere. */
export const LOGGER_KEYS = ['pid', 'hostname', 'name', 'level', 'time', 'timestamp', 'caller']

export interface ObjectLayout {
  readonly indent: string
  /** The keys that stand elsewhere, or are left out. An object inside a record has none: there "pid" is just a key. */
  readonly hidden: HiddenKeys
  readonly filter: Filter
}

export interface HiddenKeys {
  readonly always: ReadonlySet<string>
  /** Shown only when they hold an object, which the message line cannot have. */
  readonly asText: ReadonlySet<string>
}

/** What becomes of a key. Settled when it is first seen: the records of a log mostly have the same few. */
interface Field {
  readonly isHidden: boolean
  readonly isHiddenAsText: boolean
  readonly isError: boolean
  readonly isCustom: boolean
  readonly trim: ((value: unknown) => unknown) | undefined
  /** What stands before the value. */
  readonly head: string
}

/** The fields of a record below its message line; or behind it, without the space between. */
export function compileObject(options: ResolvedOptions, parts: Parts, layout: ObjectLayout) {
  const { eol } = parts
  const { indent } = layout
  const { singleLine, customPrettifiers } = options
  const newline = eol + indent
  const extras = { colors: getPaints(options.colorize) } as PrettifierExtras
  const hasCustom = Object.keys(customPrettifiers).length > 0
  const findField = compileFields(options, parts, layout)
  const writeLine = compileLine(parts)

  return (record: AnyRecord): string => {
    const keys = Object.keys(record)
    // A function of the user may change the record while it is written; what is written is what there was before.
    const values = hasCustom ? Object.values(record) : undefined
    let lines = ''
    let errors = ''
    // What cannot be put together field by field is written as one object.
    let object: Record<string, unknown> | undefined = hasCustom ? {} : undefined
    let isEmpty = true

    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] as string
      const field = findField(key)
      if (field.isHidden) continue
      let value = values === undefined ? record[key] : values[index]
      if (field.isHiddenAsText && isText(value)) continue
      if (field.trim !== undefined) value = field.trim(value)
      if (field.isCustom) value = customPrettifiers[key]?.(value, key, record, extras)
      if (field.isError) {
        const text = field.isCustom ? toText(value) : toJson(value, 2)
        if (text !== undefined) errors += writeError(key, text, { eol, indent, isOwnText: field.isCustom })
      } else if (singleLine) {
        isEmpty = false
        if (object !== undefined) {
          object[key] = value
          continue
        }
        const json = toJsonLine(value)
        if (json === false) {
          object = {}
          errors = ''
          index = -1
        } else if (json !== undefined) lines += (lines === '' ? '' : ',') + field.head + json
      } else if (field.isCustom) {
        const text = toText(value)
        if (text === undefined) continue
        const indented = indentLines(unescapeBackslashes(text), newline)
        lines += field.head + (indented.startsWith(eol) ? '' : ' ') + indented + eol
      } else {
        const json = toJsonLines(value, newline)
        if (json !== undefined) lines += `${field.head} ${json}${eol}`
      }
    }
    if (!singleLine) return lines + errors
    return writeLine(isEmpty ? '' : object === undefined ? `{${lines}}` : writeWhole(object)) + errors
  }
}

function compileLine({ eol, grey: [open, close] }: Parts): (json: string) => string {
  return (json) => (json === '' ? eol : open + json + close + eol)
}

function writeWhole(object: object): string {
  return unescapeBackslashes(toJson(object) as string)
}

/** Keys that are made up for every record must not fill the memory. */
const MAX_FIELDS = 1000

function compileFields(
  { errorLikeObjectKeys, customPrettifiers, singleLine }: ResolvedOptions,
  { property: [open, close] }: Parts,
  { hidden, filter, indent }: ObjectLayout,
): (key: string) => Field {
  const describe = (key: string): Field => {
    const name = stripControlCharacters(key)
    return {
      // pino-pretty gathers the fields in an object, and of this one it makes the object's prototype.
      isHidden: hidden.always.has(key) || filter.ignored.has(key) || key === '__proto__',
      isHiddenAsText: hidden.asText.has(key),
      // A text with commas, as pino-pretty's command has it, says the same but for parts of the names in it.
      isError: errorLikeObjectKeys.includes(key),
      isCustom: typeof customPrettifiers[key] === 'function',
      trim: filter.trims.get(key),
      head: singleLine ? `${quoteReadably(key)}:` : `${indent}${name === '' ? '' : open + name + close}:`,
    }
  }
  const fields = new Map<string, Field>()
  return (key) => {
    let field = fields.get(key)
    if (field === undefined) {
      field = describe(key)
      if (fields.size < MAX_FIELDS) fields.set(key, field)
    }
    return field
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

const toText = (value: unknown): string | undefined => (value === undefined ? undefined : String(value))
