import type { EventsetsError } from '../core/errors.ts'
import type { EventSet } from '../core/event-set.ts'
import type { EventSetRegistry } from '../core/registry.ts'
import { builtInSets } from './built-in-sets.ts'
import { getRegistry } from './process-registry.ts'

export interface DiscoverOptions {
  /** The registry to fill. The one of the process unless given. */
  readonly registry?: EventSetRegistry | undefined
}

export interface DiscoveredSet {
  readonly set: EventSet
  readonly source: { readonly kind: 'built-in' }
}

export interface DiscoveryProblem {
  readonly code: string
  readonly message: string
  readonly hint: string | undefined
}

export interface Discovery {
  /** The sets that were found and are now registered. */
  readonly sets: readonly DiscoveredSet[]
  /** What went wrong. A problem never keeps the other sets from loading. */
  readonly problems: readonly DiscoveryProblem[]
}

/**
 * Finds event sets and registers those that the registry does not have yet. Never rejects.
 *
 * Asking twice is harmless: a set that is registered already is left as it is.
 */
export async function discoverEventSets({
  registry = getRegistry(),
}: DiscoverOptions = {}): Promise<Discovery> {
  const sets: DiscoveredSet[] = []
  const problems: DiscoveryProblem[] = []
  for (const set of builtInSets) {
    try {
      if (!registry.hasEventSet(set.name)) registry.registerEventSet(set)
      if (registry.getEventSet(set.name) === set) sets.push({ set, source: { kind: 'built-in' } })
    } catch (error) {
      const { code, message, hint } = error as EventsetsError
      problems.push({ code, message, hint })
    }
  }
  return { sets, problems }
}
