import {
  createEnricher,
  type EnricherOptions,
  type Enrichment,
  type EventMapping,
  type EventSet,
  EventSetRegistry,
  type FieldMapping,
  type LogRecord,
} from '../../src/index.ts'

/** A registry with nothing but these sets, registered in this order. */
export function registryOf(...sets: readonly EventSet[]): EventSetRegistry {
  const registry = new EventSetRegistry()
  for (const set of sets) registry.registerEventSet(set)
  return registry
}

/** What the sets say about one record. */
export function enrich(
  record: LogRecord,
  sets: EventSet | readonly EventSet[],
  options?: EnricherOptions,
): Enrichment {
  return createEnricher(registryOf(...[sets].flat()), options).enrich(record)
}

/** The markers of a record, as they would be shown. */
export function markersOf(
  record: LogRecord,
  sets: EventSet | readonly EventSet[],
  options?: EnricherOptions,
): string[] {
  return enrich(record, sets, options).markers.map(({ marker }) => marker)
}

/** A set with one mapping, `m`, and one field mapping for `logKey`. */
export function oneField(
  mapping: Omit<EventMapping, 'name'>,
  field: Omit<FieldMapping, 'logKey'> & { readonly logKey?: string } = {},
  set: Omit<EventSet, 'name' | 'mappings' | 'fieldMappings'> & { readonly name?: string } = {},
): EventSet {
  return {
    name: 'test',
    ...set,
    mappings: [{ name: 'm', ...mapping }],
    fieldMappings: [{ logKey: 'status', mapping: 'm', ...field }],
  }
}
