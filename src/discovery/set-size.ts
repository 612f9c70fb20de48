import type { EventSet } from '../core/event-set.ts'
import { MOST_OF_SET } from '../core/limits.ts'
import { isPlainObject } from '../core/shape.ts'

/** What to do about a set that is too large. */
export const SPLIT = 'Split the set into several, or leave out what no log carries.'

/** What a parsed JSON file has more of than is read, as a clause: `5000 mappings, and at most 500 are read`. */
export function findExcess(value: unknown): string | undefined {
  if (!isPlainObject(value)) return undefined
  const { mappings, fieldMappings } = value
  const ranges = Array.isArray(mappings)
    ? mappings.map((mapping: { ranges?: unknown } | null) => countOf(mapping?.ranges))
    : []
  const counts = [
    [countOf(mappings), MOST_OF_SET.mappings, 'mappings'],
    [countOf(fieldMappings), MOST_OF_SET.fieldMappings, 'fieldMappings'],
    [ranges.reduce((most, count) => Math.max(most, count), 0), MOST_OF_SET.ranges, 'ranges in a mapping'],
  ] as const
  return wordExcess(counts)
}

/** The same for what can only be counted in a valid set. */
export function findInnerExcess(set: EventSet): string | undefined {
  return wordExcess([
    [countGlobs(set), MOST_OF_SET.globs, 'globs in "when"'],
    [countSegments(set), MOST_OF_SET.segments, 'segments in its names of fields'],
  ])
}

/** How many segments all different names of fields have together: log keys, aliases, conditions and metadata. */
export function countSegments({ mappings = [], fieldMappings = [] }: EventSet): number {
  const names = new Set<string>()
  for (const { logKey, aliases = [], when = {} } of fieldMappings)
    for (const name of [logKey, ...aliases, ...Object.keys(when)]) names.add(name)
  for (const { metadataFields = {} } of mappings)
    for (const fields of Object.values(metadataFields))
      for (const name of Object.keys(fields)) names.add(name)
  let segments = 0
  for (const name of names) segments += name.split('.').length
  return segments
}

/** How many globs all `when` have together. One with `?` behind a `*` takes so much longer that it counts once a character. */
export function countGlobs({ fieldMappings = [] }: EventSet): number {
  return fieldMappings
    .flatMap(({ when = {} }) => Object.values(when).flat())
    .reduce((sum, glob) => sum + (/\*[^?]*\?/.test(glob) ? glob.length : 1), 0)
}

function countOf(list: unknown): number {
  return typeof list === 'object' && list !== null ? Object.keys(list).length : 0
}

function wordExcess(
  counts: readonly (readonly [count: number, most: number, what: string])[],
): string | undefined {
  const excess = counts.find(([count, most]) => count > most)
  return excess && `${excess[0]} ${excess[2]}, and at most ${excess[1]} are read`
}
