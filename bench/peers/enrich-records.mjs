// Enriches parsed records in memory with as many sets as asked for, and prints nanoseconds a record.
// Usage: node enrich-records.mjs <log file> <number of sets>
import { readFileSync } from 'node:fs'
import { createEnricher } from 'eventsets'
import { fastestNsPerItem } from './fastest.mjs'
import { registerManySets } from './many-sets.mjs'

const RECORDS = 4000
const BATCH = 200

const [file, setCount] = process.argv.slice(2)
const lines = readFileSync(file, 'latin1').split('\n', RECORDS).filter(Boolean)
const texts = lines.map((line) => Buffer.from(line, 'latin1').toString())
const records = texts.map((text) => JSON.parse(text))

const registerStart = process.hrtime.bigint()
const enricher = createEnricher(registerManySets(Number(setCount)))
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
  enrichNs: fastestNsPerItem(batches, records.length, enrichOnly),
  parseNs: fastestNsPerItem(batches, records.length, parseOnly),
  parseAndEnrichNs: fastestNsPerItem(batches, records.length, parseAndEnrich),
  registerMs,
  markersPerRecord,
}
process.stdout.write(JSON.stringify(report))
