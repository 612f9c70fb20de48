import { type MarkerStyle, prefixMessage } from '../core/message.ts'
import { splitPath } from './field-path.ts'
import { type AnyRecord, copyRecord } from './filter.ts'
import { LOGGER_KEYS } from './object-text.ts'
import { type PrettyOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { toEol } from './parts.ts'
import { compileRecord } from './pretty-factory.ts'
import { indentContinuation, toSafeRecord, toSafeText } from './safe-text.ts'

/** pino-pretty's own options, with its defaults; an option that is `undefined` says nothing. */
export type PinoPrettyOptions = Omit<PrettyOptions, 'minimumLevel'>

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
export function createRenderer({ markerStyle = 'brackets', ...given }: RendererOptions = {}): Render {
  const options = resolveOptions(withoutUndefined(given))
  // Functions are found by key, and a key such as "constructor" must find none that the user has not given.
  const customPrettifiers = Object.assign(Object.create(null), options.customPrettifiers)
  const write = compileRecord({ ...options, customPrettifiers })
  const eol = toEol(options)
  const { messageKey } = options
  const isReadElsewhere = readsMessageElsewhere(options) || Object.keys(customPrettifiers).length > 0
  const isolate = callsFunctions(options) ? (record: AnyRecord) => copyRecord(record) : toItself
  return (record, markers) => {
    let safe = toSafeRecord(record) as AnyRecord
    let message: string | undefined
    if (markers.length > 0) {
      message = prefixMessage(safe[messageKey], markers.map(toSafeText), markerStyle)
      if (message !== undefined && (isReadElsewhere || safe[messageKey] === null)) {
        safe = { ...safe, [messageKey]: message }
        message = undefined
      }
    }
    return indentContinuation(endLine(write(isolate(safe), false, message) as string, eol))
  }
}

/** Whether the message of a record is read for anything but the message. */
function readsMessageElsewhere({
  messageKey,
  messageFormat,
  levelKey,
  timestampKey,
}: ResolvedOptions): boolean {
  const others = [...LOGGER_KEYS, 'type', 'stack', splitPath(levelKey)[0], timestampKey]
  return Boolean(messageFormat) || others.includes(messageKey)
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}

/** Functions of the user may change what they are given. */
function callsFunctions({ customPrettifiers, messageFormat }: ResolvedOptions): boolean {
  return typeof messageFormat === 'function' || Object.keys(customPrettifiers).length > 0
}

const toItself = (record: AnyRecord): AnyRecord => record

/** With `singleLine` and `hideObject` together pino-pretty leaves the newline out, and two records share a line. */
function endLine(text: string, eol: string): string {
  return text === '' || text.endsWith('\n') ? text : text + eol
}
