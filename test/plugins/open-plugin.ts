import { readFileSync } from 'node:fs'
import { createEnricher, createRegistry, EventSetRegistry, type LogRecord, parseEventSet } from 'eventsets'
import pino from 'pino'

/** A plugin of ours as its tests look at it: its set, alone and beside the built-in ones. */
export function openPlugin(name: string) {
  const read = (path: string) =>
    readFileSync(new URL(`../../plugins/${name}/${path}`, import.meta.url), 'utf8')
  const parsed = parseEventSet(JSON.parse(read(`sets/${name}.json`)))
  if (!parsed.success) throw new Error(JSON.stringify(parsed.issues))
  const { set } = parsed

  const registry = new EventSetRegistry()
  registry.registerEventSet(set)
  const allSets = createRegistry()
  allSets.registerEventSet(set)
  const beside = createEnricher(allSets)
  return {
    read,
    set,
    alone: createEnricher(registry),
    builtIn: createEnricher(createRegistry()),
    beside,
    /** The markers of a record as they stand before a message: `[📥][✅]`. */
    show: (record: LogRecord, enricher = beside) =>
      enricher
        .enrich(record)
        .markers.map(({ marker }) => `[${marker}]`)
        .join(''),
  }
}

/** The record that pino makes of what is logged. */
export function logged(...what: [object, string?]): LogRecord {
  const lines: string[] = []
  const log = pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(line) })
  log.error(...what)
  return JSON.parse(lines.join(''))
}

/** Log key, value, and the key under which the set finds it; what else the record has. */
export type Row = readonly [
  logKey: string,
  value: string | number | boolean,
  key: string,
  others?: LogRecord | undefined,
]

export function words(logKey: string, text: string, others: LogRecord = {}): Row[] {
  return text
    .trim()
    .split(/\s+/)
    .map((word): Row => [logKey, word, word.toLowerCase(), others])
}
