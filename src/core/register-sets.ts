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
  const failures = new Map<EventSet, EventsetsError>()
  const tryToRegister = (set: EventSet): boolean => {
    try {
      registry.registerEventSet(set, typeof options === 'function' ? options(set) : options)
      failures.delete(set)
      return true
    } catch (error) {
      if (!(error instanceof EventsetsError)) throw error
      failures.set(set, error)
      return false
    }
  }
  let waiting = sets
  while (waiting.length > 0) {
    const registered = new Set(waiting.filter(tryToRegister).map(({ name }) => name))
    // Each set that got in may be the one that another links to.
    waiting = [...failures.keys()].filter((set) => linkedSets(set).some((name) => registered.has(name)))
  }
  // What they say about names that are nearly right is only true now that all others are there.
  for (const set of [...failures.keys()]) tryToRegister(set)
  return failures
}

function linkedSets({ fieldMappings = [] }: EventSet): string[] {
  return fieldMappings.flatMap(({ eventSetName }) => (eventSetName === undefined ? [] : [eventSetName]))
}
