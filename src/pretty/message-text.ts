import { stripControlCharacters } from './control-characters.ts'
import type { AnyRecord } from './filter.ts'
import { compileMessageFormat } from './message-format.ts'
import type { ResolvedOptions } from './options.ts'
import { getPaints, paint } from './paint.ts'
import type { Palette } from './palette.ts'

/** Writes a text as a message, in its colour and without what does not belong into a line. */
export function compileMessageText({ message: colour }: Palette): (text: unknown) => string {
  return colour ? (text) => paint(stripControlCharacters(text), colour) : stripControlCharacters
}

/** The message of a record in its colour; `undefined` where it has none, or one that is no text. */
export function compileMessage(
  options: ResolvedOptions,
  palette: Palette,
): (record: AnyRecord) => string | undefined {
  const { messageFormat, messageKey, levelLabel } = options
  const write = compileMessageText(palette)
  if (typeof messageFormat === 'function') {
    const { message: colour, isColoured } = palette
    const extras = { colors: getPaints(isColoured) }
    return (record) => {
      const text = messageFormat(record, messageKey, levelLabel, extras)
      return colour ? paint(text, colour) : text
    }
  }
  if (messageFormat && typeof messageFormat === 'string') {
    const format = compileMessageFormat(messageFormat, options)
    return (record) => write(format(record))
  }
  return (record) => {
    const message = record[messageKey]
    return typeof message === 'string' || typeof message === 'number' || typeof message === 'boolean'
      ? write(message)
      : undefined
  }
}
