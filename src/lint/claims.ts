import type { EventMapping, EventSet, FieldMapping } from '../core/event-set.ts'
import type { FieldClaim } from './rule.ts'

/** The field mappings of a set by the names they go by, in order of precedence. */
export function collectClaims(
  { fieldMappings = [] }: EventSet,
  links: readonly (EventMapping | undefined)[],
): ReadonlyMap<string, readonly FieldClaim[]> {
  const claims = new Map<string, FieldClaim[]>()
  for (const [index, field] of fieldMappings.entries()) {
    for (const { name, path } of namesOf(field, index)) {
      const sameName = claims.get(name) ?? []
      claims.set(name, sameName)
      // An alias may stand twice; that is another finding.
      if (sameName.at(-1)?.index !== index) sameName.push({ field, index, path, mapping: links[index] })
    }
  }
  return claims
}

/** Every name of a field mapping, with its place in the set. */
export function namesOf({ logKey, aliases = [] }: FieldMapping, index: number) {
  const at = ['fieldMappings', index] as const
  return [
    { name: logKey, path: [...at, 'logKey'] },
    ...aliases.map((name, place) => ({ name, path: [...at, 'aliases', place] })),
  ]
}

/** Whether one field mapping takes every value of a name that another would take. */
export function takesAll(taker: FieldMapping, other: FieldMapping): boolean {
  return takesRecords(taker, other) && takesType(taker.valueType, other.valueType)
}

/** Whether one field mapping counts in every record in which another does. */
export function takesRecords(taker: FieldMapping, other: FieldMapping): boolean {
  return !hasCondition(taker) || conditionOf(taker) === conditionOf(other)
}

/** The conditions as a text that is the same for the same conditions. */
export function conditionOf(field: FieldMapping): string {
  let condition = conditions.get(field)
  if (condition === undefined) {
    const entries = Object.entries(field.when ?? {}).map(
      ([logKey, globs]) => [logKey, [globs].flat().sort()] as const,
    )
    condition = JSON.stringify(entries.sort(([one], [other]) => (one < other ? -1 : 1)))
    conditions.set(field, condition)
  }
  return condition
}

/** Field mappings are compared with many others. */
const conditions = new WeakMap<FieldMapping, string>()

export function hasCondition({ when = {} }: FieldMapping): boolean {
  return Object.keys(when).length > 0
}

function takesType(taker: FieldMapping['valueType'], other: FieldMapping['valueType']): boolean {
  return taker === undefined || taker === other || (taker === 'number' && other === 'integer')
}
