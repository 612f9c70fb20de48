// What a combination of values comes to: the bytes that a line gets. The host tells it once, by the rules of the
// enricher; lines with the same combination get the same.

const MOST_OUTCOMES: i32 = 6000
const LONGEST_COMBINATION: i32 = 60

let combinationLength: i32 = 0
let outcomesRemembered: i32 = 0
let outcomePoolNext: i32 = 0

function forgetOutcomes(): void {
  clear(outcomes, (outcomeMask + 1) * 16)
  outcomesRemembered = 0
  outcomePoolNext = outcomePool
}

/** Reserves bytes for an outcome; the host asks for them while it decides. Gives 0 when there are not as many. */
export function reserve(length: i32): i32 {
  if (outcomePoolNext + length > outcomePoolEnd) return 0
  const at = outcomePoolNext
  outcomePoolNext = (outcomePoolNext + length + 7) & ~7
  return at
}

/** The address of the outcome of the combination at hand, 0 when the line has to go the long way. */
function outcomeOf(lineStart: i32, lineEnd: i32): i32 {
  const bytes = combinationLength * 4
  const hash = hashBytes(combination, bytes, combinationLength)
  let slot = outcomes + (hash & outcomeMask) * 16
  while (true) {
    const found = word(slot + 12)
    if (found === 0) break
    if (word(slot) === hash && word(slot + 4) === bytes && isSame(word(slot + 8), combination, bytes))
      return found
    slot += 16
    if (slot > outcomes + outcomeMask * 16) slot = outcomes
  }
  if (outcomesRemembered >= MOST_OUTCOMES || outcomePoolNext + 16384 > outcomePoolEnd) {
    forgetOutcomes()
    slot = outcomes + (hash & outcomeMask) * 16
  }
  const found = decide(lineStart, lineEnd)
  if (found === 0) return 0
  const kept = reserve(bytes)
  if (kept === 0) return found
  copy(kept, combination, bytes)
  setWord(slot, hash)
  setWord(slot + 4, bytes)
  setWord(slot + 8, kept)
  setWord(slot + 12, found)
  outcomesRemembered++
  return found
}

function note(place: i32, found: i32): bool {
  if (combinationLength >= LONGEST_COMBINATION) return false
  setWord(combination + combinationLength * 4, (place << 16) | found)
  combinationLength++
  return true
}
