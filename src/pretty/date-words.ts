import type { Clock } from './date-mask.ts'

const ZONE =
  /\b(?:[PMCEA][SDP]T|(?:Pacific|Mountain|Central|Eastern|Atlantic) (?:Standard|Daylight|Prevailing) Time|(?:GMT|UTC)(?:[-+]\d{4})?)\b/g

const DAY_MS = 24 * 60 * 60 * 1000

/** The local zone as the system calls it, in capitals and digits: `GMT+0100`, `EST`. */
export function nameZone(date: Date): string {
  const name = String(date).match(ZONE)?.at(-1) ?? ''
  return name.replace(/[^-+\dA-Z]/g, '').replaceAll('GMT+0000', 'UTC')
}

/** What follows the number of a day: `st`, `nd`, `rd`, `th`. */
export function ordinalSuffix(day: number): string {
  const isTeen = Math.floor(day / 10) === 1
  return (isTeen ? undefined : ['th', 'st', 'nd', 'rd'][day % 10]) ?? 'th'
}

/**
 * The ISO week: that of the year which has its Thursday.
 *
 * Where the clock differs from that of the year's first week, dateformat takes minutes for hours. South of the equator
 * that makes every week of the winter one too few; but what it writes is the measure.
 */
export function weekOfYear(date: Date): number {
  const thursday = toThursday(date.getFullYear(), date.getMonth(), date.getDate())
  const first = toThursday(thursday.getFullYear(), 0, 4)
  thursday.setHours(first.getTimezoneOffset() - thursday.getTimezoneOffset())
  return 1 + Math.floor((thursday.getTime() - first.getTime()) / (7 * DAY_MS))
}

/** The Thursday of the week that a local day is in, at midnight. */
function toThursday(year: number, month: number, day: number): Date {
  const thursday = new Date(year, month, day)
  thursday.setDate(thursday.getDate() + 3 - ((thursday.getDay() + 6) % 7))
  return thursday
}

const NEAR_DAYS = [
  { long: 'Today', short: 'Tdy', distance: 0 },
  { long: 'Yesterday', short: 'Ysd', distance: -1 },
  { long: 'Tomorrow', short: 'Tmw', distance: 1 },
]

/** The word for a day beside this one; `undefined` for any other. */
export function nameDay(date: Date, { zone, year, month, day }: Clock) {
  return NEAR_DAYS.find(({ distance }) => {
    const near = new Date()
    // As in dateformat, the number of a day in UTC moves the local date, so that some of these days are others.
    if (distance !== 0) near.setDate((zone === 'local' ? near.getDate() : near.getUTCDate()) + distance)
    return day(near) === day(date) && month(near) === month(date) && year(near) === year(date)
  })
}
