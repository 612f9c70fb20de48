import { reasonOf } from './errors.ts'

/** The name of an event is no longer; an id may be. */
const LONGEST = 256

/** Controls, the characters that turn the direction of writing, halves of pairs, and the separators of lines. */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}]/gu
const UNSAFE_BUT_SPACE = /(?![\t\n])[\p{C}\p{Zl}\p{Zp}]/gu

/**
 * A name or an id as it stands in a message: in quotes, on one line, cut where it is long, and without anything that
 * acts on a terminal. What is no text stands as the text that it makes.
 */
export function quote(value: unknown, mostCharacters = LONGEST): string {
  const text = reasonOf(value)
  const short = text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text
  return JSON.stringify(short).replace(UNSAFE, codeOf)
}

/**
 * A text of somebody else as it stands in a message, such as the reason of an error: what acts on a terminal is written
 * out, as `\u{1b}`. Tabs and newlines stay.
 */
export function writeOut(text: string): string {
  return text.replace(UNSAFE_BUT_SPACE, codeOf)
}

function codeOf(character: string): string {
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`
}
