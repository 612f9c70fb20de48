import { describe, expect, it } from 'vitest'
import { load } from './load.ts'

const { TARGETS, targetsReport, targetsTable } = await load('targets.mjs')

/** Every target that eventsets was given: what it says, and what it asks of the two scanners. */
const GIVEN = [
  [/^`eventsets` against `pino-pretty`/, 'at least 10', 'at least 40'],
  [/^`eventsets --single-line` against `pino-pretty -S`/, 'at least 12', 'at least 40'],
  [/^`eventsets --colorize` against `pino-pretty -c`/, 'at least 10', 'at least 30'],
  [/^`eventsets --colorize --single-line` against `pino-pretty -c -S`/, 'at least 10', 'at least 30'],
  [/^`eventsets --json` against `JSON.parse` \+ `JSON.stringify`/, 'at least 5', 'at least 15'],
  [/^`eventsets --json` against only splitting/, 'at least 0.1', 'at least 0.35'],
  [/^worker transport, text/, 'at least 8', 'at least 10'],
  [/^worker transport, JSON/, 'at least 8', 'at least 10'],
  [/^main thread's CPU a log call, text/, 'at most 1.05', 'at most 1.05'],
  [/^main thread's CPU a log call, JSON/, 'at most 1.05', 'at most 1.05'],
  [/^start of `eventsets --version`/, 'at most 1.2', 'at most 1.2'],
  [/^start of `eventsets`, one line/, 'at most 1.6', 'at most 1.6'],
  [/^start of `eventsets --json`, one line/, 'at most 1.6', 'at most 1.6'],
  [/^enricher on records, 300 sets against 3/, 'at most 1.1', 'at most 1.1'],
  [/^lines to JSON in memory, 300 sets against 3/, 'at most 1.1', 'at most 1.1'],
  [/^peak memory/, 'at most 80', 'at most 80'],
  [/^discovery among 32 direct dependencies, 1,000 packages installed, ms/, 'at most 30', 'at most 30'],
  [/^reads of the package.json of a direct dependency/, 'at most 1', 'at most 1'],
  [/^files that discovery reads, 10,000 packages installed against 1,000/, 'at most 1', 'at most 1'],
  [/^bus: emit to one listener against eventemitter3/, 'at least 0.7', 'at least 0.7'],
  [/^bus: emit to one async listener against emittery/, 'at least 5', 'at least 5'],
  [/^bus: emit to ten async listeners against emittery/, 'at least 3', 'at least 3'],
  [/^bus: one match among 10,000 patterns against 10, repeated/, 'at least 0.8', 'at least 0.8'],
  [/^bus: one match among 10,000 patterns against 10, names never seen/, 'at least 0.5', 'at least 0.5'],
  [/^bus: memory of a subscription against emittery, 100,000 on one name/, 'at most 2', 'at most 2'],
  [/^bus: memory of a subscription against emittery, 100,000 on as many/, 'at most 2', 'at most 2'],
  [/^bus: SQLite, a hundred events a transaction, .* by hand/, 'at least 0.6', 'at least 0.6'],
  [/^bus: what a zod schema adds to publishing/, 'at most 1.3', 'at most 1.3'],
  [
    /^Redis: publish, 100 in flight, against pipelined `XADD` of the same bytes/,
    'at least 0.7',
    'at least 0.7',
  ],
  [/^Redis: consume against `XREADGROUP COUNT 100` and an `XACK` a batch/, 'at least 0.6', 'at least 0.6'],
  [/^Redis: consume events of 100 keys/, 'at least 0.6', 'at least 0.6'],
  [/^Redis: publish, 100 in flight, against BullMQ's `addBulk`/, 'at least 4', 'at least 4'],
  [/^Redis: consume, .* against BullMQ's `Worker`/, 'at least 4', 'at least 4'],
  [/^Redis: peak memory of an idle consumer, 1,000,000 events pending, MB/, 'at most 120', 'at most 120'],
  [/^Redis: until events of a killed consumer are handled/, 'at most 3000', 'at most 3000'],
] as const

const both = (value: object) => ({ js: value, wasm: value })
const rowOf = (key: string, reports: readonly object[]) =>
  targetsTable(reports).rows[TARGETS.findIndex((target: { key: string }) => target.key === key)]

describe('the table of targets', () => {
  it('names every target, with what is asked of each scanner', () => {
    const rows: string[][] = targetsTable([]).rows

    expect(rows).toHaveLength(GIVEN.length)
    for (const [index, [what, js, wasm]] of GIVEN.entries()) {
      expect(rows[index]?.[0]).toMatch(what)
      expect([rows[index]?.[1], rows[index]?.[3]]).toEqual([js, wasm])
    }
  })

  it('has as many cells in each row as columns', () => {
    const { columns, rows } = targetsTable([])

    for (const row of rows) expect(row).toHaveLength(columns.length)
  })

  it('tells for each scanner by itself whether a target is reached', () => {
    const text = { js: { median: 10, min: 8, max: 12 }, wasm: { median: 39.9, min: 39, max: 50 } }

    expect(rowOf('text', [{ reached: { text } }]).slice(1)).toEqual([
      'at least 10',
      '✓ 10.0 (8.00 - 12.0)',
      'at least 40',
      '✗ 39.9 (39.0 - 50.0)',
    ])
  })

  it('takes less as better where a most is asked', () => {
    const start = { js: { median: 1.2, min: 1, max: 2 }, wasm: { median: 1.21, min: 1, max: 2 } }
    const row = rowOf('version', [{ reached: { version: start } }])

    expect([row[2][0], row[4][0]]).toEqual(['✓', '✗'])
  })

  it('judges memory by the highest peak, not by the median', () => {
    const memory = both({ median: 60, min: 50, max: 81 })

    expect(rowOf('memory', [{ reached: { memory } }])[2]).toBe('✗ 81.0 (50.0 - 81.0)')
  })

  it('shows a ratio of medians without a spread', () => {
    expect(rowOf('records', [{ reached: { records: both({ median: 1.05, lowest: 1.01 }) } }])[2]).toBe(
      '✓ 1.05',
    )
  })

  it('takes what each of several subjects has reached, and leaves empty what none has', () => {
    const json = both({ median: 20, min: 20, max: 20 })
    const version = both({ median: 1, min: 1, max: 1 })
    const [report] = targetsReport([{ reached: { json } }, { reached: { version } }]).tables
    const filled = report.rows.filter((row: string[]) => row[2] !== '').map((row: string[]) => row[0])

    expect(filled).toHaveLength(2)
  })
})

describe('the subjects', () => {
  it.each(['cli', 'memory', 'enricher', 'transport', 'start', 'discovery', 'bus', 'brokers'])(
    '%s can be loaded',
    async (name) => {
      expect((await load(`${name}.mjs`)).run).toBeTypeOf('function')
    },
  )
})
