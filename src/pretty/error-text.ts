import { stripControlCharacters } from './control-characters.ts'

const STACK_LINE = /^(\s*"stack":)\s*(".*"),?$/

/**
 * An error below the message line, from its JSON in lines or what a function of the user made of it: each stack in it,
 * one long string in JSON, becomes lines of its own.
 */
export function writeError(
  key: string,
  text: string,
  { eol, indent, isOwnText }: { eol: string; indent: string; isOwnText: boolean },
): string {
  const indented = indentLines(text, eol + indent)
  const whole = `${indent}${stripControlCharacters(key)}: ${indented}${eol}`
  if (!whole.includes('"stack"')) return whole
  return whole
    .split(eol)
    .map((line) => writeStack(line, eol, isOwnText))
    .join(eol)
}

function writeStack(line: string, eol: string, isOwnText: boolean): string {
  const [, name, json] = STACK_LINE.exec(line) ?? []
  if (name === undefined || json === undefined) return line
  const stack = JSON.parse(json) as string
  const newline = eol + ' '.repeat(line.search(/\S/) + 4)
  return name + newline + (isOwnText ? stack : stripControlCharacters(stack)).replaceAll('\n', newline)
}

/** The text with its lines after the first indented, and each begun by `newline`. */
export function indentLines(text: string, newline: string): string {
  return text.includes('\n') ? text.replace(/\r?\n/g, () => newline) : text
}
