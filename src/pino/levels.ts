import type { Issue } from '../core/issue.ts'
import { didYouMean } from '../core/nearest.ts'
import { isPlainObject } from '../core/shape.ts'

/** pino's own levels. */
export const STANDARD_LEVELS: { readonly [label: string]: number } = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
}

/** Labels and numbers of a logger's levels, standard ones included. */
export type Levels = ReadonlyMap<string, number>

/**
 * The levels in force: pino's, with those a logger adds. `custom` is an object (`{ audit: 35 }`) or pino-pretty's
 * text form (`audit:35,trace2:11`).
 */
export function resolveLevels(custom: string | { readonly [label: string]: number } | undefined): Levels {
  const levels = new Map(Object.entries(STANDARD_LEVELS))
  for (const [label, number] of listLevels(custom)) levels.set(label.toLowerCase(), number)
  return levels
}

/** Levels in either form, as labels and numbers. */
export function listLevels(
  custom: string | { readonly [label: string]: number } | undefined,
): (readonly [label: string, number: number])[] {
  if (typeof custom !== 'string') return Object.entries(custom ?? {})
  return custom.split(',').map((pair, index) => {
    const [label = '', number = String(index)] = pair.split(':')
    return [label, Number(number)]
  })
}

/** The number of a level given as number, numeric text or label; `undefined` when no level is called that. */
export function levelNumber(level: unknown, levels: Levels): number | undefined {
  if (typeof level === 'number') return level
  if (typeof level !== 'string') return undefined
  const byLabel = levels.get(level.toLowerCase())
  if (byLabel !== undefined) return byLabel
  return /^\d+$/.test(level) ? Number(level) : undefined
}

/** Whether a logger has levels that pino itself has not. */
export function hasOwnLevels(values: { readonly [label: string]: number }): boolean {
  const labels = Object.keys(values)
  return (
    labels.length !== Object.keys(STANDARD_LEVELS).length ||
    labels.some((label) => STANDARD_LEVELS[label] !== values[label])
  )
}

/** A `minimumLevel` that no level is called. */
export function findLevelIssues({
  minimumLevel,
  customLevels,
}: {
  readonly minimumLevel?: unknown
  readonly customLevels?: string | { readonly [label: string]: number } | undefined
}): Issue[] {
  if (typeof minimumLevel !== 'string') return []
  const levels = resolveLevels(
    typeof customLevels === 'string' || isPlainObject(customLevels) ? customLevels : undefined,
  )
  if (levelNumber(minimumLevel, levels) !== undefined) return []
  const help = didYouMean(minimumLevel, levels.keys()) || `; known are ${[...levels.keys()].join(', ')}`
  return [
    {
      path: 'minimumLevel',
      code: 'format',
      message: `no level is called ${JSON.stringify(minimumLevel)}${help}`,
    },
  ]
}
