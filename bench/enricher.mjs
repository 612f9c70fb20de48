// The enricher alone: what a record costs, and that it does not cost more with a hundred times the sets.
import { inTurn, isAvailable, peerPath, runReport, spread } from './measure.mjs'
import { formatNumber, formatSpread } from './report.mjs'

const SET_COUNTS = [3, 30, 300]

/** A tenth more or less is what this is about: it takes more rounds than the other subjects to see it. */
const ROUNDS_FACTOR = 2

export async function run({ corpus, rounds, onProgress }) {
  const title = 'Enricher alone: parsed records in memory'
  if (!isAvailable({ needs: 'dist/index.js' }))
    return {
      name: 'enricher',
      title,
      notes: ['Not measured: the package is not built.'],
      tables: [],
      raw: {},
    }

  const peers = SET_COUNTS.map((sets) => ({ name: `${sets} sets`, sets }))
  const measure = ({ sets }) => runReport([peerPath('enrich-records.mjs'), corpus.path, String(sets)])
  const processes = rounds * ROUNDS_FACTOR
  const results = await inTurn(peers, processes, measure, onProgress)

  // More sets on other log keys must not change what a record gets, or the comparison is of different work.
  const markerCounts = new Set([...results.values()].flat().map((run) => run.markersPerRecord))
  if (markerCounts.size !== 1)
    throw new Error(`the markers of a record differ: ${[...markerCounts].join(', ')}`)

  const rows = peers.map(({ name }) => {
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
  // Of medians and of the lowest values, not round by round: the times in a process are its fastest already, and
  // what remains is now and then a process that was disturbed from beginning to end.
  const cost = (name, pick) => {
    const [many, few] = [name, '3 sets'].map((subject) => spread(results.get(subject), pick))
    return [many.median / few.median, many.min / few.min].map(formatNumber)
  }
  const ratios = ['30 sets', '300 sets'].map((name) => [
    `${name} / 3 sets`,
    ...cost(name, (run) => run.enrichNs),
    ...cost(name, (run) => run.parseAndEnrichNs),
  ])

  return {
    name: 'enricher',
    title,
    notes: [
      'The three built-in sets, and synthetic ones on log keys of their own.',
      `A process runs 4,000 records of the corpus many times over, in batches of 200, and takes the fastest time of each batch; the table gives the median (lowest - highest) of ${processes} fresh processes.`,
      'The last column is the time to check and register the sets and to compile them, once.',
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
      {
        columns: ['cost', 'enrich, medians', 'lowest', 'JSON.parse + enrich, medians', 'lowest'],
        rows: ratios,
      },
    ],
    raw: Object.fromEntries(results),
  }
}
