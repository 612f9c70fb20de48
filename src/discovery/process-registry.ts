import { EventSetRegistry } from '../core/registry.ts'
import { builtInSets } from './built-in-sets.ts'

/** A registry of its own that holds the built-in sets. */
export function createRegistry(): EventSetRegistry {
  const registry = new EventSetRegistry()
  for (const set of builtInSets) registry.registerEventSet(set, { source: { kind: 'built-in' } })
  return registry
}

let processRegistry: EventSetRegistry | undefined
let onMade: ((registry: EventSetRegistry) => void) | undefined

/**
 * The registry of this process, with the built-in sets in it. What is registered here is seen by the in-process
 * stream at the next line, by the transport of a logger that is made later at its first line, and by running
 * transports shortly after. A set with functions as transformations stays in this thread: functions cannot travel
 * to a worker.
 *
 * Everything else takes a registry as a parameter; this one is for the application's entry.
 */
export function getRegistry(): EventSetRegistry {
  if (processRegistry) return processRegistry
  processRegistry = createRegistry()
  onMade?.(processRegistry)
  return processRegistry
}

/** Calls `listener` with the registry of this process as soon as there is one: a transport's worker never asks for it. */
export function whenRegistryIsMade(listener: (registry: EventSetRegistry) => void): void {
  onMade = listener
  if (processRegistry) listener(processRegistry)
}
