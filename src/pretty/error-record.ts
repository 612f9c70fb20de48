import { stripControlCharacters } from './control-characters.ts'
import { indentLines } from './error-text.ts'
import { type AnyRecord, NO_FILTER } from './filter.ts'
import { compileObject, LOGGER_KEYS } from './object-text.ts'
import type { ResolvedOptions } from './options.ts'
import type { Parts } from './parts.ts'

const INDENT = '    '

/**
 * A record that is an error itself, as loggers before pino 7 wrote them, below its message line: its stack, and the
 * fields that the option `errorProps` asks for.
 */
export function compileErrorRecord(options: ResolvedOptions, parts: Parts): (record: AnyRecord) => string {
  const { eol } = parts
  const hidden = new Set([...LOGGER_KEYS, options.messageKey, 'type', 'stack'])
  const wanted = options.errorProps.split(',').filter((key) => !hidden.has(key))
  const isAllWanted = options.errorProps.split(',')[0] === '*'
  const writeInner = compileObject(options, parts, {
    indent: INDENT + INDENT,
    hidden: { always: new Set(), asText: new Set() },
    filter: NO_FILTER,
  })
  const writeField = (key: string, value: unknown): string => {
    const head = `${INDENT}${stripControlCharacters(key)}: `
    return isObject(value)
      ? `${head}{${eol}${writeInner(value as AnyRecord)}${INDENT}}${eol}`
      : head + stripControlCharacters(value) + eol
  }
  return (record) => {
    const keys = isAllWanted ? Object.keys(record).filter((key) => !hidden.has(key)) : wanted
    const stack = indentLines(stripControlCharacters(record['stack']), eol + INDENT)
    return keys
      .filter((key) => key in record)
      .reduce((text, key) => text + writeField(key, record[key]), INDENT + stack + eol)
  }
}

export function isObject(value: unknown): value is object {
  return Object.prototype.toString.call(value) === '[object Object]'
}
