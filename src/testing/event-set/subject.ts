import { createEnricher, type Enrichment, type LogRecord } from '../../core/enricher.ts'
import type { EventMapping, EventSet, FieldMapping } from '../../core/event-set.ts'
import { registerEventSets } from '../../core/register-sets.ts'
import { EventSetRegistry } from '../../core/registry.ts'
import { builtInSets } from '../../discovery/built-in-sets.ts'
import { quote } from '../conformance-case.ts'
import { samplesOf } from './glob-samples.ts'

/** A valid set that is looked at, and what it is registered beside. */
export interface Subject {
  readonly set: EventSet
  /** The built-in sets and those it links to, without one of its own name. */
  readonly others: readonly EventSet[]
  readonly fields: readonly SubjectField[]
  /** The set alone. Which field mapping a marker is of, `fieldOf` tells. */
  readonly enrich: (record: LogRecord) => Enrichment
  /** The same in the company of the others. */
  readonly enrichBeside: (record: LogRecord) => Enrichment
  /** What the mapping of a marker is called in both, for each field mapping. */
  readonly mappingOf: (field: SubjectField) => string
}

export interface SubjectField {
  readonly index: number
  readonly field: FieldMapping
  /** What it leads to, in this set or another. */
  readonly mapping: EventMapping
  /** The log key and the aliases, in the order in which they count. */
  readonly names: readonly string[]
  /** Its `when`, with values that meet it. */
  readonly conditions: readonly FieldCondition[]
}

export interface FieldCondition {
  readonly logKey: string
  readonly samples: readonly string[]
}

/** @throws EventsetsError when the set cannot be registered, whatever it stands beside. */
export function examine(set: EventSet, linkedSets: readonly EventSet[] = []): Subject {
  const others = [...builtInSets, ...linkedSets].filter(({ name }) => name !== set.name)
  const registry = registryOf([...others, set])
  const links = registry.resolveLinks(set)
  const fields = (set.fieldMappings ?? []).map((field, index): SubjectField => {
    // A set with a link that leads nowhere could not be registered.
    const mapping = links[index] as EventMapping
    const names = [...new Set([field.logKey, ...(field.aliases ?? [])])]
    const conditions = Object.entries(field.when ?? {}).map(([logKey, globs]) => ({
      logKey,
      samples: [globs].flat().flatMap(samplesOf),
    }))
    return { index, field, mapping, names, conditions }
  })
  const prefix = freePrefix(set)
  const mappingOf = ({ index }: SubjectField) => `${prefix}${index}`
  const traced = traceFields(set, fields, mappingOf)
  return {
    set,
    others,
    fields,
    enrich: createEnricher(registryOf([traced])).enrich,
    enrichBeside: createEnricher(registryOf([...others, traced])).enrich,
    mappingOf,
  }
}

/**
 * A registry of these sets, which may link to each other.
 *
 * @throws EventsetsError with the reason why one cannot be registered.
 */
export function registryOf(sets: readonly EventSet[]): EventSetRegistry {
  const registry = new EventSetRegistry()
  for (const error of registerEventSets(registry, sets).values()) throw error
  return registry
}

export function isBuiltIn(set: EventSet): boolean {
  return builtInSets.includes(set)
}

/** `fieldMappings[2] ("order.status")` */
export function titleOf({ index, field }: SubjectField): string {
  return `fieldMappings[${index}] (${quote(field.logKey)})`
}

/**
 * The same set with a copy of its mapping for each field mapping. A marker tells its mapping, and so which of several
 * field mappings has shown it.
 */
function traceFields(
  set: EventSet,
  fields: readonly SubjectField[],
  mappingOf: (field: SubjectField) => string,
): EventSet {
  const copies = fields.map((field) => ({ ...field.mapping, name: mappingOf(field) }))
  const fieldMappings = fields.map((field) => {
    const { eventSetName: _, ...rest } = field.field
    return { ...rest, mapping: mappingOf(field) }
  })
  return { ...set, mappings: [...(set.mappings ?? []), ...copies], fieldMappings }
}

function freePrefix({ mappings = [] }: EventSet): string {
  let prefix = 'field '
  while (mappings.some(({ name }) => name.startsWith(prefix))) prefix += ' '
  return prefix
}
