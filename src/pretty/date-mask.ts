import { nameDay, nameZone, ordinalSuffix, weekOfYear } from './date-words.ts'

/** A moment, in milliseconds since 1970, as text. */
export type FormatDate = (ms: number) => string

/** The masks that have names; those of the npm package dateformat 4, as is the meaning of every token. */
const NAMED: ReadonlyMap<string, string> = new Map([
  ['', 'ddd mmm dd yyyy HH:MM:ss'],
  ['default', 'ddd mmm dd yyyy HH:MM:ss'],
  ['shortDate', 'm/d/yy'],
  ['paddedShortDate', 'mm/dd/yyyy'],
  ['mediumDate', 'mmm d, yyyy'],
  ['longDate', 'mmmm d, yyyy'],
  ['fullDate', 'dddd, mmmm d, yyyy'],
  ['shortTime', 'h:MM TT'],
  ['mediumTime', 'h:MM:ss TT'],
  ['longTime', 'h:MM:ss TT Z'],
  ['isoDate', 'yyyy-mm-dd'],
  ['isoTime', 'HH:MM:ss'],
  ['isoDateTime', "yyyy-mm-dd'T'HH:MM:sso"],
  ['isoUtcDateTime', "UTC:yyyy-mm-dd'T'HH:MM:ss'Z'"],
  ['expiresHeaderFormat', 'ddd, dd mmm yyyy HH:MM:ss Z'],
])

const TOKEN = /d{1,4}|D{3,4}|m{1,4}|yy(?:yy)?|([HhMsTt])\1?|W{1,2}|[LlopSZN]|"[^"]*"|'[^']*'/g

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** The fields of a date in a zone. */
export interface Clock {
  /** UTC and GMT are two names for the same time. */
  readonly zone: 'UTC' | 'GMT' | 'local'
  readonly year: (date: Date) => number
  readonly month: (date: Date) => number
  readonly day: (date: Date) => number
  readonly weekday: (date: Date) => number
  readonly hours: (date: Date) => number
  readonly minutes: (date: Date) => number
  readonly seconds: (date: Date) => number
  /** Minutes west of Greenwich. */
  readonly offset: (date: Date) => number
}

const LOCAL: Clock = {
  zone: 'local',
  year: (date) => date.getFullYear(),
  month: (date) => date.getMonth(),
  day: (date) => date.getDate(),
  weekday: (date) => date.getDay(),
  hours: (date) => date.getHours(),
  minutes: (date) => date.getMinutes(),
  seconds: (date) => date.getSeconds(),
  offset: (date) => date.getTimezoneOffset(),
}

const UTC: Clock = {
  zone: 'UTC',
  year: (date) => date.getUTCFullYear(),
  month: (date) => date.getUTCMonth(),
  day: (date) => date.getUTCDate(),
  weekday: (date) => date.getUTCDay(),
  hours: (date) => date.getUTCHours(),
  minutes: (date) => date.getUTCMinutes(),
  seconds: (date) => date.getUTCSeconds(),
  offset: () => 0,
}

type Write = (date: Date, clock: Clock) => string

const TOKENS: { readonly [token: string]: Write } = {
  d: (date, { day }) => String(day(date)),
  dd: (date, { day }) => pad(day(date), 2),
  ddd: (date, { weekday }) => nameOf(DAYS, weekday(date)).slice(0, 3),
  dddd: (date, { weekday }) => nameOf(DAYS, weekday(date)),
  DDD: (date, clock) => nameDay(date, clock)?.short ?? nameOf(DAYS, clock.weekday(date)).slice(0, 3),
  DDDD: (date, clock) => nameDay(date, clock)?.long ?? nameOf(DAYS, clock.weekday(date)),
  m: (date, { month }) => String(month(date) + 1),
  mm: (date, { month }) => pad(month(date) + 1, 2),
  mmm: (date, { month }) => nameOf(MONTHS, month(date)).slice(0, 3),
  mmmm: (date, { month }) => nameOf(MONTHS, month(date)),
  yy: (date, { year }) => String(year(date)).slice(2),
  yyyy: (date, { year }) => pad(year(date), 4),
  h: (date, { hours }) => String(hours(date) % 12 || 12),
  hh: (date, { hours }) => pad(hours(date) % 12 || 12, 2),
  H: (date, { hours }) => String(hours(date)),
  HH: (date, { hours }) => pad(hours(date), 2),
  M: (date, { minutes }) => String(minutes(date)),
  MM: (date, { minutes }) => pad(minutes(date), 2),
  s: (date, { seconds }) => String(seconds(date)),
  ss: (date, { seconds }) => pad(seconds(date), 2),
  t: (date, { hours }) => (hours(date) < 12 ? 'a' : 'p'),
  tt: (date, { hours }) => (hours(date) < 12 ? 'am' : 'pm'),
  T: (date, { hours }) => (hours(date) < 12 ? 'A' : 'P'),
  TT: (date, { hours }) => (hours(date) < 12 ? 'AM' : 'PM'),
  // The week and its days are those of the local time, whatever the zone.
  W: (date) => String(weekOfYear(date)),
  WW: (date) => pad(weekOfYear(date), 2),
  N: (date) => String(date.getDay() || 7),
  S: (date, { day }) => ordinalSuffix(day(date)),
  Z: (date, { zone }) => (zone === 'local' ? nameZone(date) : zone),
  o: (date, { offset }) => formatOffset(offset(date), ''),
  p: (date, { offset }) => formatOffset(offset(date), ':'),
}

const nameOf = (names: readonly string[], index: number) => names[index] as string
const pad = (value: number, width: number) => String(value).padStart(width, '0')

function formatOffset(offset: number, separator: string): string {
  const minutes = Math.abs(offset)
  return (
    (offset > 0 ? '-' : '+') + pad(Math.floor(minutes / 60), 2) + separator + pad(Math.floor(minutes % 60), 2)
  )
}

/**
 * Compiles a mask of dateformat, with its prefix `UTC:` or `GMT:` where it has one.
 *
 * All but the milliseconds of a text stays the same for a second, and log lines come in the order of time.
 */
export function compileDateMask(name: string): FormatDate {
  const named = NAMED.get(name) ?? name
  const [, zone, mask = ''] = /^(?:(UTC|GMT):)?([\s\S]*)$/.exec(named) as RegExpExecArray
  const clock = zone === undefined ? LOCAL : { ...UTC, zone: zone as 'UTC' | 'GMT' }
  const pieces = splitMask(mask)
  const firstMs = pieces.findIndex(isMilliseconds)
  const piecesBefore = firstMs === -1 ? pieces : pieces.slice(0, firstMs)
  const piecesAfter = firstMs === -1 ? [] : pieces.slice(firstMs)

  let second = Number.NaN
  let before = ''
  let after: readonly (string | Milliseconds)[] = []
  return (ms) => {
    const thisSecond = Math.floor(ms / 1000)
    if (thisSecond !== second) {
      const date = new Date(ms)
      const settle = (piece: Piece) => (typeof piece === 'function' ? piece(date, clock) : piece)
      before = piecesBefore.map(settle).join('')
      after = piecesAfter.map(settle)
      second = thisSecond
    }
    let text = before
    for (const piece of after) text += typeof piece === 'string' ? piece : piece.write(ms - thisSecond * 1000)
    return text
  }
}

interface Milliseconds {
  readonly write: (ms: number) => string
}

const MILLISECONDS: { readonly [token: string]: Milliseconds } = {
  l: { write: (ms) => pad(ms, 3) },
  L: { write: (ms) => pad(Math.floor(ms / 10), 2) },
}

type Piece = string | Milliseconds | Write

const isMilliseconds = (piece: Piece): piece is Milliseconds => typeof piece === 'object'

function splitMask(mask: string): Piece[] {
  const pieces: Piece[] = []
  let from = 0
  for (const { 0: token, index } of mask.matchAll(TOKEN)) {
    pieces.push(mask.slice(from, index))
    from = index + token.length
    pieces.push(TOKENS[token] ?? MILLISECONDS[token] ?? token.slice(1, -1))
  }
  pieces.push(mask.slice(from))
  return pieces.filter((piece) => piece !== '')
}
