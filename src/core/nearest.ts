import { distance } from 'fastest-levenshtein'

/** The known names that look most like `name`, best first, at most three. Empty when none is close. */
export function nearestNames(name: string, known: Iterable<string>): string[] {
  const wanted = name.toLowerCase()
  // A third of the letters may be wrong: enough for a typo or a plural, too little for a different word.
  const limit = Math.max(2, Math.floor(wanted.length / 3))
  return [...new Set(known)]
    .map((candidate) => ({
      candidate,
      off: distance(wanted.slice(0, 100), candidate.toLowerCase().slice(0, 100)),
    }))
    .filter(({ off }) => off <= limit)
    .sort((a, b) => a.off - b.off || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, 3)
    .map(({ candidate }) => candidate)
}

/** `; did you mean "status"?`, or nothing when no known name is close. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const [best] = nearestNames(name, known)
  return best === undefined ? '' : `; did you mean ${JSON.stringify(best)}?`
}
