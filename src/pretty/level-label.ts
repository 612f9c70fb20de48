import { type Colour, paint } from './paint.ts'
import type { Palette } from './palette.ts'

const LABELS: Labels = {
  default: 'USERLVL',
  60: 'FATAL',
  50: 'ERROR',
  40: 'WARN',
  30: 'INFO',
  20: 'DEBUG',
  10: 'TRACE',
}

const NUMBERS: Numbers = { fatal: 60, error: 50, warn: 40, info: 30, debug: 20, trace: 10 }

/** Labels by level number, with one for all that have none. */
export type Labels = { readonly [level: string]: string }

/** Level numbers by name. They are strings where the option was one. */
export type Numbers = { readonly [name: string]: number | string }

/** Levels as `"audit:35,odd:99"` or as an object, which has the names as keys. */
export type CustomLevels = string | { readonly [name: string]: number | string } | null | undefined

export interface LevelNames {
  readonly labels: Labels
  readonly numbers: Numbers
}

export const STANDARD_LEVELS: LevelNames = { labels: LABELS, numbers: NUMBERS }

/** The levels of the option `customLevels`; neither labels nor numbers where it says nothing. */
export function parseCustomLevels(levels: CustomLevels): LevelNames {
  const pairs = listLevels(levels)
  if (pairs === undefined) return { labels: {}, numbers: {} }
  const labels: Record<string, string> = { default: 'USERLVL' }
  const numbers: Record<string, number | string> = {}
  for (const [name, number] of pairs) {
    labels[number] = name.toUpperCase()
    numbers[name.toLowerCase()] = number
  }
  return { labels, numbers }
}

function listLevels(levels: CustomLevels): [name: string, number: number | string][] | undefined {
  if (!levels) return undefined
  if (typeof levels === 'string')
    return levels.split(',').map((text, index) => {
      const [name = '', number = index] = text.split(':')
      return [name, number]
    })
  return Object.prototype.toString.call(levels) === '[object Object]' ? Object.entries(levels) : undefined
}

/** The label of a level and the key of its colour. */
export type FindLabel = (level: unknown) => readonly [label: string | undefined, key: string | number]

/** Levels of the user's own take the place of the standard ones, or stand beside them. */
export function compileLabels(
  useOnlyCustomProps: boolean,
  custom: { readonly labels?: Labels | undefined; readonly numbers?: Numbers | undefined },
): FindLabel {
  const labels = useOnlyCustomProps ? (custom.labels ?? LABELS) : { ...LABELS, ...custom.labels }
  const numbers = useOnlyCustomProps ? (custom.numbers ?? NUMBERS) : { ...NUMBERS, ...custom.numbers }
  const findKey = (level: unknown): string | number => {
    if (Number.isInteger(Number(level)))
      return Object.hasOwn(labels, String(level)) ? String(level) : 'default'
    const name = typeof level === 'string' ? level.toLowerCase() : ''
    return Object.hasOwn(numbers, name) ? (numbers[name] as string | number) : 'default'
  }
  return (level) => {
    const key = findKey(level)
    return [labels[key], key]
  }
}

/** Levels are few: a log with more different ones than this has something else in that field. */
const MAX_CACHED = 64

/** The label of a level in its colour. */
export function compileLevel(findLabel: FindLabel, { isColoured, byLevel }: Palette) {
  const colourOf = (key: string | number) =>
    (Object.hasOwn(byLevel, key) ? byLevel[key] : byLevel['default']) as Colour
  const write = (level: unknown): string | undefined => {
    const [label, key] = findLabel(level)
    return isColoured ? paint(label, colourOf(key)) : label
  }
  const cache = new Map<unknown, string | undefined>()
  return (level: unknown): string | undefined => {
    const known = cache.get(level)
    if (known !== undefined) return known
    const text = write(level)
    if (cache.size < MAX_CACHED) cache.set(level, text)
    return text
  }
}
