import { EventSetRegistry } from '../core/registry.ts'
import { builtInSets } from './built-in-sets.ts'

/** A registry of its own that holds the built-in sets. */
export function createRegistry(): EventSetRegistry {
  const registry = new EventSetRegistry()
  for (const set of builtInSets) registry.registerEventSet(set)
  return registry
}

let processRegistry: EventSetRegistry | undefined

/**
 * The registry of this process, with the built-in sets in it. What is registered here is seen by the in-process
 * stream at the next line, and by running worker transports shortly after.
 *
 * Everything else takes a registry as a parameter; this one is for the application's entry.
 */
export function getRegistry(): EventSetRegistry {
  processRegistry ??= createRegistry()
  return processRegistry
}
