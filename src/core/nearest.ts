/** The known names that look most like `name`, best first, at most three. Empty when none is close. */
export function nearestNames(name: string, known: Iterable<string>): string[] {
  const wanted = name.slice(0, MAX_LETTERS).toLowerCase()
  // A third of the letters may be wrong: enough for a typo or a plural, too little for a different word.
  const limit = Math.max(2, Math.floor(wanted.length / 3))
  // A name of which every letter is wrong is another name, however short.
  const isNear = (candidate: string, off: number) =>
    off <= limit && off < Math.max(wanted.length, candidate.length)
  return firstOf(MAX_CANDIDATES, known)
    .map((candidate) => ({
      candidate,
      off: distance(wanted, candidate.slice(0, MAX_LETTERS).toLowerCase(), limit),
    }))
    .filter(({ candidate, off }) => isNear(candidate, off))
    .sort((a, b) => a.off - b.off || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, 3)
    .map(({ candidate }) => candidate)
}

/** `; did you mean "status"?`, or nothing when no known name is close. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const [best] = nearestNames(name, known)
  return best === undefined ? '' : `; did you mean ${JSON.stringify(best)}?`
}

/** Names may come from strangers, hundreds at a time and each compared with hundreds of others. */
const MAX_LETTERS = 40
const MAX_CANDIDATES = 200

/** The first different names. Thousands may be known, and each wrong name asks for them anew. */
function firstOf(count: number, names: Iterable<string>): string[] {
  const first = new Set<string>()
  for (const name of names) {
    first.add(name)
    if (first.size === count) break
  }
  return [...first]
}

/** How many letters have to be put in, taken out, replaced, or swapped with their neighbour: what a finger gets wrong. Infinity for more than the limit. */
function distance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) > limit) return Number.POSITIVE_INFINITY
  // Rows of the usual table: what it takes to make the first letters of `to` of those of `from` so far.
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  let above: number[] = []
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      const swapped = isSwap ? (above[j - 2] as number) + 1 : Number.POSITIVE_INFINITY
      next.push(Math.min(replaced, swapped, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    // It only grows from here.
    if (Math.min(...next) > limit) return Number.POSITIVE_INFINITY
    above = row
    row = next
  }
  return row[to.length] as number
}
