// Enriches parsed records in memory with as many sets as asked for, and prints nanoseconds a record.
// Usage: node enrich-records.mjs <log file> <number of sets>
import { readFileSync } from 'node:fs'
import { createEnricher, EventSetRegistry, parseEventSet } from 'eventsets'

const RECORDS = 4000
const BATCH = 200
const WARM_UP_MS = 400
const MEASURE_MS = 800

const [file, setCount] = process.argv.slice(2)
const lines = readFileSync(file, 'latin1').split('\n', RECORDS).filter(Boolean)
const texts = lines.map((line) => Buffer.from(line, 'latin1').toString())
const records = texts.map((text) => JSON.parse(text))

const registerStart = process.hrtime.bigint()
const registry = new EventSetRegistry()
for (const set of [...builtInSets(), ...syntheticSets(Number(setCount) - 3)]) registry.registerEventSet(set)
const enricher = createEnricher(registry)
enricher.enrich(records[0])
const registerMs = Number(process.hrtime.bigint() - registerStart) / 1e6

const batches = Array.from({ length: RECORDS / BATCH }, (_, index) => {
  const range = [index * BATCH, (index + 1) * BATCH]
  return { texts: texts.slice(...range), records: records.slice(...range) }
}).filter((batch) => batch.records.length > 0)

let markers = 0
const enrichOnly = (batch) => {
  for (const record of batch.records) markers += enricher.enrich(record).markers.length
}
const parseOnly = (batch) => {
  for (const text of batch.texts) markers += JSON.parse(text).level
}
const parseAndEnrich = (batch) => {
  for (const text of batch.texts) markers += enricher.enrich(JSON.parse(text)).markers.length
}

for (const batch of batches) enrichOnly(batch)
const markersPerRecord = markers / records.length
const report = {
  enrichNs: nanosecondsPerRecord(enrichOnly),
  parseNs: nanosecondsPerRecord(parseOnly),
  parseAndEnrichNs: nanosecondsPerRecord(parseAndEnrich),
  registerMs,
  markersPerRecord,
}
process.stdout.write(JSON.stringify(report))

/**
 * The fastest time of each batch, over warm code. What else the machine does can only slow a batch down, and the
 * question here is how one figure differs from another by a tenth.
 */
function nanosecondsPerRecord(run) {
  const warmUntil = performance.now() + WARM_UP_MS
  while (performance.now() < warmUntil) for (const batch of batches) run(batch)
  const fastest = batches.map(() => Number.POSITIVE_INFINITY)
  const measureUntil = performance.now() + MEASURE_MS
  while (performance.now() < measureUntil) {
    for (const [index, batch] of batches.entries()) {
      const start = process.hrtime.bigint()
      run(batch)
      fastest[index] = Math.min(fastest[index], Number(process.hrtime.bigint() - start))
    }
  }
  return fastest.reduce((sum, ns) => sum + ns, 0) / records.length
}

function builtInSets() {
  return ['http', 'database', 'system'].map((name) => {
    const url = new URL(`../../sets/${name}.json`, import.meta.url)
    const { set, issues } = parseEventSet(JSON.parse(readFileSync(url, 'utf8')))
    if (!set) throw new Error(`${url} is not an event set: ${JSON.stringify(issues)}`)
    return set
  })
}

/** Sets as a plugin would bring them, on log keys of their own: flat and nested ones, aliases, ranges, globs. */
function syntheticSets(count) {
  return Array.from({ length: count }, (_, index) => {
    const name = `plugin_${String(index).padStart(3, '0')}`
    const mappings = [
      {
        name: 'state',
        visualMarkers: { started: '🚀', finished: '✅', failed: '❌', default: '❓' },
        metadataFields: { failed: { [`${name}.failed`]: true } },
      },
      {
        name: 'latency',
        ranges: { slow: [1000, 4999], very_slow: [5000, null] },
        visualMarkers: { slow: '🐢', very_slow: '🐌' },
      },
      { name: 'kind', visualMarkers: { batch: '📦', stream: '🌊' } },
    ]
    const fieldMappings = [
      { logKey: `${name}.state`, aliases: [`${name}_state`, `${name}.status`], mapping: 'state' },
      { logKey: `${name}.latency_ms`, mapping: 'latency', valueType: 'number' },
      { logKey: `${name}.job.kind`, aliases: [`${name}.kind`], mapping: 'kind' },
      { logKey: `${name}.job.state`, mapping: 'state', when: { msg: `${name}_*` } },
      { logKey: `${name}.step`, mapping: 'state', defaultValue: 'started' },
    ]
    return { name, description: `Synthetic set ${index}`, priority: index % 100, mappings, fieldMappings }
  })
}
