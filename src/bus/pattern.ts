import { EventError } from './errors.ts'
import { findNameFault, quoteName } from './event-name.ts'

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
    hint: 'A star stands for a whole segment: "order.*", "order.**", "*.failed", or "*" for everything.',
  })
}

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
