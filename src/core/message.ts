/** Markers and their text forms are at most this long: what is longer is a message, not a marker. */
export const MAX_MARKER_LENGTH = 64

/** How markers stand before a message: `[📥][✅] text` or `📥 ✅ text`. */
export type MarkerStyle = 'brackets' | 'plain'

/** The markers as they stand before a message, without the space that follows them. */
export function formatMarkers(markers: readonly string[], style: MarkerStyle = 'brackets'): string {
  return style === 'plain' ? markers.join(' ') : `[${markers.join('][')}]`
}

/**
 * The message with its markers: `[📥][✅] request completed`.
 *
 * The markers alone when there is no message, and the message untouched when there are no markers.
 * `undefined` for a message that is no text (an object, a list): it is the application's data, not ours to change.
 */
export function prefixMessage(
  message: unknown,
  markers: readonly string[],
  style: MarkerStyle = 'brackets',
): string | undefined {
  const isAbsent = message === undefined || message === null || message === ''
  if (
    !isAbsent &&
    typeof message !== 'string' &&
    typeof message !== 'number' &&
    typeof message !== 'boolean'
  ) {
    return undefined
  }
  if (markers.length === 0) return message === undefined || message === null ? undefined : String(message)
  const prefix = formatMarkers(markers, style)
  if (isAbsent) return prefix
  const text = String(message)
  return text === prefix || text.startsWith(`${prefix} `) ? text : `${prefix} ${text}`
}

/**
 * Whether a message already begins with markers: a run of brackets that all hold known markers, or in the plain
 * style a known marker as its first word. Enriching such a record again would double them.
 */
export function carriesMarkers(message: string, known: ReadonlySet<string>): boolean {
  if (message.charCodeAt(0) !== OPENING_BRACKET) {
    const code = message.charCodeAt(0)
    // Most messages begin with a letter or digit of ASCII, and no marker of the plain style is worth a look then.
    if (code < 128) return false
    const end = message.indexOf(' ')
    return known.has(end === -1 ? message : message.slice(0, end))
  }
  let at = 0
  while (message.charCodeAt(at) === OPENING_BRACKET) {
    const end = message.indexOf(']', at + 1)
    if (end === -1 || end - at - 1 > MAX_MARKER_LENGTH || !known.has(message.slice(at + 1, end))) return false
    at = end + 1
  }
  return at === message.length || message.charCodeAt(at) === SPACE
}

/**
 * The prefixes of a message that is a single event name, longest first: for `payment_card_declined`
 * `payment_card_declined`, `payment_card`, `payment`. Empty for a message of several words.
 */
export function eventNamePrefixes(message: string): string[] {
  if (message.length > 128 || !EVENT_NAME.test(message)) return []
  const name = message.toLowerCase()
  const prefixes = [name]
  for (let at = name.length - 1; at > 0; at--) {
    if (SEPARATORS.includes(name[at] as string)) prefixes.push(name.slice(0, at))
  }
  return prefixes
}

const OPENING_BRACKET = 91
const SPACE = 32
const SEPARATORS = '._:-'
const EVENT_NAME = /^[A-Za-z][A-Za-z0-9._:-]*$/
