import pinoPretty from 'pino-pretty'
import { type MarkerStyle, prefixMessage } from '../core/message.ts'
import { indentContinuation, toSafeRecord, toSafeText } from './safe-text.ts'

type PrettyOptions = pinoPretty.PrettyOptions

/** pino-pretty's own options, handed on to it. Where they say nothing, its defaults hold. */
export type PinoPrettyOptions = {
  readonly [Option in keyof Omit<
    PrettyOptions,
    'append' | 'destination' | 'minimumLevel' | 'mkdir' | 'sync'
  >]?: PrettyOptions[Option] | undefined
}

export interface RendererOptions extends PinoPrettyOptions {
  readonly markerStyle?: MarkerStyle | undefined
}

/** The text of a record, ending with a newline. The record is left as it is. */
export type Render = (record: { readonly [key: string]: unknown }, markers: readonly string[]) => string

/**
 * Renders records as text for people: pino-pretty's layout, with the markers before the message.
 *
 * Nothing in a record can act on the terminal or look like another record.
 */
export function createRenderer({ markerStyle = 'brackets', ...options }: RendererOptions = {}): Render {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const messageKey = options.messageKey ?? 'msg'
  const eol = options.crlf ? '\r\n' : '\n'
  const format = pinoPretty.prettyFactory(given as PrettyOptions)
  return (record, markers) => {
    const safe = toSafeRecord(record)
    if (markers.length > 0) {
      const message = prefixMessage(safe[messageKey], markers.map(toSafeText), markerStyle)
      if (message !== undefined) safe[messageKey] = message
    }
    return indentContinuation(endLine(format(safe), eol))
  }
}

/** With `singleLine` and `hideObject` together pino-pretty leaves the newline out, and two records share a line. */
function endLine(text: string, eol: string): string {
  return text === '' || text.endsWith('\n') ? text : text + eol
}
