// The enricher: what a record costs, and that it does not cost more with a hundred times the sets.
import { inTurn, isAvailable, peerPath, runReport, spread } from './measure.mjs'
import { formatNumber, formatSpread } from './report.mjs'
import { perScanner, reachedPerScanner, SCANNERS, scannerName, scannerNotes } from './scanners.mjs'

const SET_COUNTS = [3, 300]

/** A tenth more or less is what this is about: it takes more rounds than the other subjects to see it. */
const ROUNDS_FACTOR = 2

export async function run({ corpus, rounds, onProgress }) {
  const title = 'Enricher: records and lines in memory'
  if (!isAvailable({ needs: 'dist/index.js' }))
    return {
      name: 'enricher',
      title,
      notes: ['Not measured: the package is not built.'],
      tables: [],
      reached: {},
      raw: {},
    }

  const recordPeers = SET_COUNTS.map((sets) => ({ name: setsName(sets), sets, script: 'enrich-records.mjs' }))
  const linePeers = SET_COUNTS.flatMap((sets) =>
    perScanner({ name: setsName(sets), sets, script: 'enrich-lines.mjs' }),
  )
  const measure = ({ script, sets, env }) => runReport([peerPath(script), corpus.path, String(sets)], { env })
  const processes = rounds * ROUNDS_FACTOR
  const results = await inTurn([...recordPeers, ...linePeers], processes, measure, onProgress)

  // More sets on other log keys must not change what a record gets, or the comparison is of different work.
  for (const [what, peers] of [
    ['markersPerRecord', recordPeers],
    ['bytesPerLine', linePeers],
  ]) {
    const values = new Set(peers.flatMap(({ name }) => results.get(name)).map((run) => run[what]))
    if (values.size !== 1) throw new Error(`${what} differs: ${[...values].join(', ')}`)
  }

  const rows = recordPeers.map(({ name }) => {
    const runs = results.get(name)
    return [
      name,
      formatSpread(spread(runs, (run) => run.enrichNs)),
      formatNumber(spread(runs, (run) => run.parseNs).median),
      formatSpread(spread(runs, (run) => run.parseAndEnrichNs)),
      formatNumber(spread(runs, (run) => run.markersPerRecord).median),
      formatNumber(spread(runs, (run) => run.registerMs).median),
    ]
  })
  const lineRows = linePeers.map(({ name }) => [
    name,
    formatSpread(spread(results.get(name), (run) => run.lineNs)),
  ])

  return {
    name: 'enricher',
    title,
    notes: [
      'The three built-in sets, and synthetic ones on log keys of their own.',
      `A process runs 4,000 records of the corpus many times over, in batches of 200, and takes the fastest time of each batch; the table gives the median (lowest - highest) of ${processes} fresh processes.`,
      'Records are objects given to the enricher, where the line scanner has no part. Lines are bytes given to the stream with JSON output, which scans, enriches and splices them and writes nowhere.',
      'Register is the time to check and register the sets and to compile them, once.',
      ...scannerNotes(),
    ],
    tables: [
      {
        columns: [
          'sets',
          'enrich, ns',
          'JSON.parse, ns',
          'JSON.parse + enrich, ns',
          'markers a record',
          'register, ms',
        ],
        rows,
      },
      { columns: ['lines with', 'ns a line'], rows: lineRows },
      {
        columns: ['300 sets / 3 sets', 'of medians', 'of lowest'],
        rows: [
          ['records, enrich', ...formatCost(costOf(results, setsName, (run) => run.enrichNs))],
          [
            'records, JSON.parse + enrich',
            ...formatCost(costOf(results, setsName, (run) => run.parseAndEnrichNs)),
          ],
          ...SCANNERS.map(({ name }) => [
            scannerName('lines', name),
            ...formatCost(costOf(results, lineName(name), lineNs)),
          ]),
        ],
      },
    ],
    reached: {
      records: reachedPerScanner(() => costOf(results, setsName, (run) => run.enrichNs)),
      lines: reachedPerScanner((scanner) => costOf(results, lineName(scanner), lineNs)),
    },
    raw: Object.fromEntries(results),
  }
}

const setsName = (sets) => `${sets} sets`
const lineName = (scanner) => (sets) => scannerName(setsName(sets), scanner)
const lineNs = (run) => run.lineNs

/**
 * Many sets to few, of medians and of the lowest values, not round by round: the times in a process are its fastest
 * already, and what remains is now and then a process that was disturbed from beginning to end.
 */
function costOf(results, nameFor, pick) {
  const [few, many] = SET_COUNTS.map((sets) => spread(results.get(nameFor(sets)), pick))
  return { median: many.median / few.median, lowest: many.min / few.min }
}

const formatCost = ({ median, lowest }) => [formatNumber(median), formatNumber(lowest)]
