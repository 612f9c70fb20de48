import { toSafeJson } from '../pretty/safe-json.ts'

/**
 * JSON lines are never parsed and written again: the original bytes stay, and additions are spliced in. Big
 * numbers, duplicate keys and odd spacing survive. Lines are byte strings here (latin1), so an index is an offset.
 */

/** A text as a byte string of its UTF-8 form. */
export function toByteString(text: string): string {
  return /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

/** A JSON value as a byte string. What could act on a terminal is written as an escape, as JSON allows. */
export function toJsonBytes(value: unknown): string {
  return toByteString(toSafeJson(value))
}

/** The line with members added before the closing brace of its object. `members` is `"a":1,"b":2`. */
export function appendMembers(line: string, members: string, isEmptyObject: boolean): string {
  const brace = line.lastIndexOf('}')
  return `${line.slice(0, brace)}${isEmptyObject ? '' : ','}${members}${line.slice(brace)}`
}

/** The line with a text put at the beginning of the string that starts at `offset`. */
export function insertAt(line: string, offset: number, bytes: string): string {
  return line.slice(0, offset) + bytes + line.slice(offset)
}

const QUOTE = 34
const BACKSLASH = 92
const COLON = 58

/**
 * The offset at which the text of a top-level string member begins, right after its opening quote, or -1.
 * Of several members with the key the last counts, as in `JSON.parse`. The line must hold a valid JSON object.
 */
export function findStringMember(line: string, key: string): number {
  let found = -1
  let depth = 0
  let at = 0
  while (at < line.length) {
    const code = line.charCodeAt(at)
    if (code === QUOTE) {
      const start = at + 1
      const end = endOfString(line, start)
      at = end + 1
      if (depth === 1) {
        const colon = skipSpace(line, at)
        if (line.charCodeAt(colon) === COLON) {
          const value = skipSpace(line, colon + 1)
          if (isKey(line.slice(start, end), key)) found = line.charCodeAt(value) === QUOTE ? value + 1 : -1
          at = line.charCodeAt(value) === QUOTE ? endOfString(line, value + 1) + 1 : value
        }
      }
      continue
    }
    // [ and { are 91 and 123, ] and } are 93 and 125.
    if (code === 123 || code === 91) depth++
    else if (code === 125 || code === 93) depth--
    at++
  }
  return found
}

function endOfString(line: string, start: number): number {
  let quote = line.indexOf('"', start)
  while (isEscaped(line, quote)) quote = line.indexOf('"', quote + 1)
  return quote
}

function isEscaped(line: string, quote: number): boolean {
  let backslashes = 0
  while (line.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++
  return backslashes % 2 === 1
}

function skipSpace(line: string, at: number): number {
  while (line.charCodeAt(at) <= 32) at++
  return at
}

function isKey(raw: string, key: string): boolean {
  if (raw === key) return true
  if (!raw.includes('\\') && !/[\x80-\xff]/.test(raw)) return false
  return JSON.parse(`"${Buffer.from(raw, 'latin1').toString('utf8')}"`) === key
}
