import { EventsetsError } from './errors.ts'
import type { EventSet } from './event-set.ts'
import type { EventSetRegistry, RegisterOptions } from './registry.ts'

/**
 * Registers sets that may link to each other, in whatever order they come. Gives those that could not be
 * registered, with the reason; the others are in force.
 */
export function registerEventSets(
  registry: EventSetRegistry,
  sets: readonly EventSet[],
  options?: RegisterOptions | ((set: EventSet) => RegisterOptions),
): Map<EventSet, EventsetsError> {
  let waiting = sets
  for (;;) {
    const failures = new Map<EventSet, EventsetsError>()
    for (const set of waiting) {
      try {
        registry.registerEventSet(set, typeof options === 'function' ? options(set) : options)
      } catch (error) {
        if (!(error instanceof EventsetsError)) throw error
        failures.set(set, error)
      }
    }
    // Each set that got in may be the one that another links to.
    if (failures.size === 0 || failures.size === waiting.length) return failures
    waiting = [...failures.keys()]
  }
}
