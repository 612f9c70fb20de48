import { type EventSet, trustEventSet } from '../core/event-set.ts'
import { builtInSetData } from './built-in-sets.generated.ts'

/** The sets that come with eventsets: `http`, `database`, `system`. Frozen. */
export const builtInSets: readonly EventSet[] = Object.freeze(
  (JSON.parse(builtInSetData) as EventSet[]).map(trustEventSet),
)
