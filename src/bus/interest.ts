import { isExact, segmentsOf } from './pattern.ts'
import { SubscriptionTrie } from './subscription-trie.ts'

/** So many names have the answer remembered. */
const MAX_NAMES = 10_000

/**
 * Tells which names somebody wants who listens to patterns, for backends that need not hand out the rest. Undefined
 * where it is all of them.
 *
 * @param patterns Gives the same list as long as nothing has changed: then nothing is compiled again.
 */
export function createInterest(
  patterns: () => readonly string[],
): () => ((name: string) => boolean) | undefined {
  let known: readonly string[] | undefined
  let wants: ((name: string) => boolean) | undefined
  return () => {
    const now = patterns()
    if (now === known) return wants
    known = now
    wants = compile(now)
    return wants
  }
}

function compile(patterns: readonly string[]): ((name: string) => boolean) | undefined {
  if (patterns.some((pattern) => pattern === '*' || pattern === '**')) return undefined
  const trie = new SubscriptionTrie<true>()
  for (const pattern of patterns) trie.add(pattern, isExact(pattern) ? undefined : segmentsOf(pattern), true)
  const answers = new Map<string, boolean>()
  return (name) => {
    const answer = answers.get(name) ?? trie.find(name).length > 0
    if (answers.size < MAX_NAMES) answers.set(name, answer)
    return answer
  }
}
