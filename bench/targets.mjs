// What eventsets is to reach, as ratios in one run, and what a run reached.
import { formatNumber } from './report.mjs'
import { SCANNERS } from './scanners.mjs'

/**
 * `key` is that of a subject's `reached`. `least` and `most` are what is asked of each scanner. The median decides,
 * or what `decides` names.
 */
export const TARGETS = [
  { key: 'text', what: '`eventsets` against `pino-pretty`, lines/s', least: { js: 10, wasm: 40 } },
  {
    key: 'singleLine',
    what: '`eventsets --single-line` against `pino-pretty -S`, lines/s',
    least: { js: 12, wasm: 40 },
  },
  {
    key: 'colour',
    what: '`eventsets --colorize` against `pino-pretty -c`, lines/s',
    least: { js: 10, wasm: 30 },
  },
  {
    key: 'colourSingleLine',
    what: '`eventsets --colorize --single-line` against `pino-pretty -c -S`, lines/s',
    least: { js: 10, wasm: 30 },
  },
  {
    key: 'json',
    what: '`eventsets --json` against `JSON.parse` + `JSON.stringify` line by line, lines/s',
    least: { js: 5, wasm: 15 },
  },
  {
    key: 'jsonOfSplit',
    what: '`eventsets --json` against only splitting lines, lines/s',
    least: { js: 0.1, wasm: 0.35 },
  },
  {
    key: 'transportText',
    what: 'worker transport, text, against pino-pretty as transport, lines/s',
    least: { js: 8, wasm: 10 },
  },
  {
    key: 'transportJson',
    what: 'worker transport, JSON, against pino-pretty as transport, lines/s',
    least: { js: 8, wasm: 10 },
  },
  {
    key: 'callText',
    what: "main thread's CPU a log call, text, against an identity transport",
    most: { js: 1.05, wasm: 1.05 },
  },
  {
    key: 'callJson',
    what: "main thread's CPU a log call, JSON, against an identity transport",
    most: { js: 1.05, wasm: 1.05 },
  },
  {
    key: 'version',
    what: 'start of `eventsets --version` against `node -e 0`',
    most: { js: 1.2, wasm: 1.2 },
  },
  {
    key: 'startText',
    what: 'start of `eventsets`, one line, against `node -e 0`',
    most: { js: 1.6, wasm: 1.6 },
  },
  {
    key: 'startJson',
    what: 'start of `eventsets --json`, one line, against `node -e 0`',
    most: { js: 1.6, wasm: 1.6 },
  },
  { key: 'records', what: 'enricher on records, 300 sets against 3, time', most: { js: 1.1, wasm: 1.1 } },
  { key: 'lines', what: 'lines to JSON in memory, 300 sets against 3, time', most: { js: 1.1, wasm: 1.1 } },
  {
    key: 'memory',
    what: 'peak memory of the largest input through the CLI, MB',
    most: { js: 80, wasm: 80 },
    decides: 'max',
  },
  {
    key: 'discovery',
    what: 'discovery among 32 direct dependencies, 1,000 packages installed, ms',
    most: { js: 30, wasm: 30 },
  },
  {
    key: 'discoveryReads',
    what: 'reads of the package.json of a direct dependency',
    most: { js: 1, wasm: 1 },
  },
  {
    key: 'discoveryGrowth',
    what: 'files that discovery reads, 10,000 packages installed against 1,000',
    most: { js: 1, wasm: 1 },
  },
  {
    key: 'busEmit',
    what: 'bus: emit to one listener against eventemitter3, events/s',
    least: { js: 0.7, wasm: 0.7 },
  },
  {
    key: 'busAsyncOne',
    what: 'bus: emit to one async listener against emittery, events/s',
    least: { js: 5, wasm: 5 },
  },
  {
    key: 'busAsyncTen',
    what: 'bus: emit to ten async listeners against emittery, events/s',
    least: { js: 3, wasm: 3 },
  },
  {
    key: 'busRepeatedNames',
    what: 'bus: one match among 10,000 patterns against 10, repeated names, events/s',
    least: { js: 0.8, wasm: 0.8 },
  },
  {
    key: 'busNewNames',
    what: 'bus: one match among 10,000 patterns against 10, names never seen, events/s',
    least: { js: 0.5, wasm: 0.5 },
  },
  {
    key: 'busMemoryOneName',
    what: 'bus: memory of a subscription against emittery, 100,000 on one name',
    most: { js: 2, wasm: 2 },
  },
  {
    key: 'busMemoryNames',
    what: 'bus: memory of a subscription against emittery, 100,000 on as many names',
    most: { js: 2, wasm: 2 },
  },
  {
    key: 'busStoring',
    what: 'bus: SQLite, a hundred events a transaction, against the same inserts by hand, events/s',
    least: { js: 0.6, wasm: 0.6 },
  },
  {
    key: 'busValidation',
    what: 'bus: what a zod schema adds to publishing an order, times its `parse`',
    most: { js: 1.3, wasm: 1.3 },
  },
  {
    key: 'brokerPublish',
    what: 'Redis: publish, 100 in flight, against pipelined `XADD` of the same bytes, events/s',
    least: { js: 0.7, wasm: 0.7 },
  },
  {
    key: 'brokerConsume',
    what: 'Redis: consume against `XREADGROUP COUNT 100` and an `XACK` a batch, events/s',
    least: { js: 0.6, wasm: 0.6 },
  },
  {
    key: 'brokerConsumeKeys',
    what: 'Redis: consume events of 100 keys against the same commands, events/s',
    least: { js: 0.6, wasm: 0.6 },
  },
  {
    key: 'brokerPublishBullmq',
    what: "Redis: publish, 100 in flight, against BullMQ's `addBulk`, events/s",
    least: { js: 4, wasm: 4 },
  },
  {
    key: 'brokerConsumeBullmq',
    what: "Redis: consume, 50 at once, against BullMQ's `Worker`, events/s",
    least: { js: 4, wasm: 4 },
  },
  {
    key: 'brokerMemory',
    what: 'Redis: peak memory of an idle consumer, 1,000,000 events pending, MB',
    most: { js: 120, wasm: 120 },
    decides: 'max',
  },
  {
    key: 'brokerTakeover',
    what: 'Redis: until events of a killed consumer are handled, `leaseMs` 2000, ms',
    most: { js: 3000, wasm: 3000 },
    decides: 'max',
  },
]

/** The targets as a table of `report.mjs`. What no subject has measured is left empty. */
export function targetsTable(reports) {
  const reached = Object.assign({}, ...reports.map((report) => report.reached))
  return {
    columns: ['target', ...SCANNERS.flatMap(({ title }) => [`${title}: asked`, 'reached'])],
    rows: TARGETS.map((target) => [
      target.what,
      ...SCANNERS.flatMap(({ name }) => [
        asked(target, name),
        outcome(target, name, reached[target.key]?.[name]),
      ]),
    ]),
  }
}

/** The targets as a report, to be shown like those of the subjects. */
export function targetsReport(reports) {
  return {
    title: 'Targets',
    notes: [
      'Ratios within this run, unless a unit is named: the median of the rounds (lowest - highest). ✓ reached, ✗ missed.',
      'The costs of 300 sets are ratios of medians, without a spread; of memory, the highest peak decides. Discovery and the bus have no part in which the scanners differ. The longest takeover decides. Of patterns, the slower of emit and publish counts.',
    ],
    tables: [targetsTable(reports)],
  }
}

function asked({ least, most }, scanner) {
  return least === undefined ? `at most ${most[scanner]}` : `at least ${least[scanner]}`
}

function outcome({ least, most, decides = 'median' }, scanner, value) {
  if (value === undefined) return ''
  const isMet = least === undefined ? value[decides] <= most[scanner] : value[decides] >= least[scanner]
  const range = value.min === undefined ? '' : ` (${formatNumber(value.min)} - ${formatNumber(value.max)})`
  return `${isMet ? '✓' : '✗'} ${formatNumber(value[decides])}${range}`
}
