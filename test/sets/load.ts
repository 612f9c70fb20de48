import { readdirSync, readFileSync } from 'node:fs'
import {
  createEnricher,
  type EventSet,
  EventSetRegistry,
  type LogRecord,
  parseEventSet,
} from '../../src/index.ts'

const folder = new URL('../../sets/', import.meta.url)

/** The contents of `sets/*.json` as parsed JSON, by file name without its ending. */
export const setFiles: ReadonlyMap<string, unknown> = new Map(
  readdirSync(folder)
    .sort()
    .map((file) => [file.replace('.json', ''), JSON.parse(readFileSync(new URL(file, folder), 'utf8'))]),
)

/** The built-in sets as they stand in `sets/`, not as they were last generated into the package. */
export const sets: readonly EventSet[] = [...setFiles].map(([name, data]) => {
  const parsed = parseEventSet(data)
  if (!parsed.success) throw new Error(`sets/${name}.json: ${JSON.stringify(parsed.issues)}`)
  return parsed.set
})

const registry = new EventSetRegistry()
for (const set of sets) registry.registerEventSet(set)
const enricher = createEnricher(registry)

export function enrich(record: LogRecord) {
  return enricher.enrich(record)
}

/** The markers of a record as they stand before a message: `[📥][✅]`. */
export function markersOf(record: LogRecord): string {
  return enrich(record)
    .markers.map(({ marker }) => `[${marker}]`)
    .join('')
}

export function mappingOf(set: string, name: string) {
  const mapping = sets.find((each) => each.name === set)?.mappings?.find((each) => each.name === name)
  if (!mapping) throw new Error(`no mapping ${name} in ${set}`)
  return mapping
}
