import { compileDateMask, type FormatDate } from './date-mask.ts'

/** The greatest distance from 1970 that a date can have, in milliseconds. */
const MAX_MS = 8.64e15

/** `true` for the time of day, a mask, or `false` for the value as it is. */
export type TranslateTime = boolean | string | null | undefined

/** A record's time in the words of the option `translateTime`; a value that is no time stays as it is. */
export function compileTime(translateTime: TranslateTime): (value: unknown) => unknown {
  if (!translateTime) return (value) => value
  const format = compileDateMask(findMask(translateTime))
  return (value) => {
    const ms = toMilliseconds(value)
    return ms === undefined ? value : format(ms)
  }
}

function findMask(translateTime: string | true): string {
  if (translateTime === true) return 'HH:MM:ss.l'
  const upper = translateTime.toUpperCase()
  if (upper === 'SYS:STANDARD') return 'yyyy-mm-dd HH:MM:ss.l o'
  if (upper.startsWith('SYS:')) return translateTime.slice(4)
  return upper.startsWith('UTC:') ? translateTime : `UTC:${translateTime}`
}

function toMilliseconds(value: unknown): number | undefined {
  const ms = typeof value === 'number' ? value : parseDate(value)
  // Also false for what is not a number at all.
  return Math.abs(ms) <= MAX_MS ? Math.trunc(ms) : undefined
}

/** Dates in all their spellings, and numbers written as text. */
function parseDate(value: unknown): number {
  const ms = new Date(value as string).getTime()
  return Number.isNaN(ms) ? Number(value) : ms
}

export type { FormatDate }
