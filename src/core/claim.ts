import type { EventSet, FieldMapping } from './event-set.ts'
import type { EventSetRegistry } from './registry.ts'

/** A field mapping that wants the values of a log key. */
export interface Claim {
  readonly set: EventSet
  readonly field: FieldMapping
  /** Its place among the field mappings of the set. */
  readonly index: number
  /** Whether the log key is one of its aliases. */
  readonly isAlias: boolean
  /**
   * What it gets. The first claim of all `owns` the log key. One that comes after claims that take only some values or
   * records (`valueType`, `when`) gets the `rest`; one that comes after a claim for everything gets `nothing`.
   */
  readonly gets: 'owns' | 'rest' | 'nothing'
}

/** Who wants which log key, in the order in which they are asked. Sets of higher priority come first. */
export function listClaims(registry: EventSetRegistry): Map<string, readonly Claim[]> {
  const claims = new Map<string, Claim[]>()
  /** The log keys of which nothing is left. */
  const taken = new Set<string>()
  for (const set of registry.listEventSets()) {
    for (const [index, field] of (set.fieldMappings ?? []).entries()) {
      for (const logKey of new Set([field.logKey, ...(field.aliases ?? [])])) {
        const known = claims.get(logKey) ?? []
        const gets = known.length === 0 ? 'owns' : taken.has(logKey) ? 'nothing' : 'rest'
        known.push({ set, field, index, isAlias: logKey !== field.logKey, gets })
        claims.set(logKey, known)
        if (!isPartial(field)) taken.add(logKey)
      }
    }
  }
  return claims
}

/** Whether a field mapping leaves something for others. */
function isPartial({ valueType, when }: FieldMapping): boolean {
  return valueType !== undefined || (when !== undefined && Object.keys(when).length > 0)
}
