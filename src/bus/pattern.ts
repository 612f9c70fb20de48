import { EventError } from './errors.ts'
import { findNameFault, MAX_SEGMENTS, quoteName } from './event-name.ts'

const SEGMENT = /^(?:\*{1,2}|[^\s.*\p{C}]+)$/u

/**
 * Checks a pattern: a name whose segments may be `*` for exactly one segment or `**` for any number, none included.
 * A lone `*` stands for every event.
 *
 * @throws EventError
 */
export function assertPattern(pattern: unknown): asserts pattern is string {
  const reason = findNameFault(pattern, SEGMENT)
  if (reason === undefined) return
  throw new EventError(`${quoteName(pattern)} is not a pattern of events: ${reason}.`, {
    code: 'EVENTSETS_PATTERN',
    hint: Array.isArray(pattern) ? 'Give one pattern at a time: call on() for each.' : STARS,
  })
}

const STARS = 'A star stands for a whole segment: "order.*", "order.**", "*.failed", or "*" for everything.'

/** Whether a pattern is the name of one event. */
export function isExact(pattern: string): boolean {
  return !pattern.includes('*')
}

/** The segments to match, where a lone `*` has become what it means. */
export function segmentsOf(pattern: string): string[] {
  return pattern === '*' ? ['**'] : pattern.split('.')
}

/** Compiles a pattern into a function from names to whether they match. For a few patterns; the trie is for many. */
export function compilePattern(pattern: string): (name: string) => boolean {
  assertPattern(pattern)
  if (isExact(pattern)) return (name) => name === pattern
  const wanted = segmentsOf(pattern)
  if (wanted.every((segment) => segment === '**')) return () => true
  return (name) => matches(wanted, name.split('.'))
}

/** Row by row of a table "the first i of the pattern match the first j of the name": no input makes it take long. */
function matches(wanted: readonly string[], segments: readonly string[]): boolean {
  let row = segments.map(() => false)
  let isEmpty = true
  for (const want of wanted) {
    const next: boolean[] = []
    // Whether what stands before the segment is matched, by the pattern with and without this part of it.
    let left: boolean = want === '**' && isEmpty
    let diagonal: boolean = isEmpty
    isEmpty = left
    for (const [index, segment] of segments.entries()) {
      const above = row[index] as boolean
      left = want === '**' ? left || above : diagonal && (want === '*' || want === segment)
      diagonal = above
      next.push(left)
    }
    row = next
  }
  return row.at(-1) as boolean
}

/** Whether there is a name that both patterns match. */
export function overlaps(one: string, other: string): boolean {
  return shortestOf(segmentsOf(one), segmentsOf(other)) <= MAX_SEGMENTS
}

/**
 * How many segments the shortest name has that both match; Infinity where there is none. Row by row of a table "what
 * the rest of the one from i and the rest of the other from j have in common", from its end.
 */
function shortestOf(one: readonly string[], other: readonly string[]): number {
  const never = Number.POSITIVE_INFINITY
  // Below the last part of the one only an end, or parts that stand for nothing, may be left.
  let below = Array.from({ length: other.length + 1 }, (_, j) =>
    other.slice(j).every((part) => part === '**') ? 0 : never,
  )
  for (const want of [...one].reverse()) {
    const row = [...below].fill(never)
    for (let j = other.length; j >= 0; j--) {
      const part = other[j]
      const after = below[j + 1] ?? never
      const skipOne = want === '**' ? (below[j] as number) : never
      const skipOther = part === '**' ? (row[j + 1] as number) : never
      let both = never
      if (part === undefined) both = never
      else if (want === '**') both = part === '**' ? never : (row[j + 1] as number) + 1
      else if (part === '**') both = (below[j] as number) + 1
      else if (want === '*' || part === '*' || want === part) both = after + 1
      row[j] = Math.min(skipOne, skipOther, both)
    }
    below = row
  }
  return Math.max(1, below[0] as number)
}
