import type { AnyRecord } from './filter.ts'
import { type CustomLevels, parseCustomLevels, STANDARD_LEVELS } from './level-label.ts'
import type { ResolvedOptions } from './options.ts'

/** Whether a record is below the option `minimumLevel`. One without a level is not. */
export function compileMinimumLevel(options: ResolvedOptions): ((record: AnyRecord) => boolean) | undefined {
  const { minimumLevel, levelKey } = options
  if (!minimumLevel) return undefined
  const minimum = findMinimum(minimumLevel, options) as number
  // Levels may be texts on both sides, and are then compared as such.
  return (record) => (record[levelKey] as number) < minimum
}

function findMinimum(
  minimumLevel: string | number,
  { customLevels, useOnlyCustomProps }: ResolvedOptions,
): number | string | undefined {
  const { numbers } = parseCustomLevels(customLevels as CustomLevels)
  const custom = numbers[minimumLevel]
  const found = useOnlyCustomProps || custom !== undefined ? custom : STANDARD_LEVELS.numbers[minimumLevel]
  if (found) return found
  // A number that no standard level has makes pino-pretty fail at every record; here it is what it says.
  return typeof minimumLevel === 'string' ? STANDARD_LEVELS.numbers[minimumLevel] : minimumLevel
}
