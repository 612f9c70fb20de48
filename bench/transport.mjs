// The worker transport: what a log call costs the application, and how many lines the worker gets through.
import { corpusShare } from './corpus.mjs'
import { inTurn, isAvailable, peerPath, ratio, runReport, spread } from './measure.mjs'
import { formatCount, formatNumber, formatSpread } from './report.mjs'

const CALLS = 200_000

/** `share`: how much of the corpus is fed; the slow one gets less. */
const PEERS = [
  { name: 'none', share: 0 },
  { name: 'identity', share: 1 / 3 },
  { name: 'pino/file', share: 1 / 3 },
  { name: 'eventsets pretty', share: 1 / 10, needs: 'dist/pino/index.js' },
  { name: 'eventsets json', share: 1 / 3, needs: 'dist/pino/index.js' },
  { name: 'pino-pretty', share: 1 / 10 },
]

export async function run({ corpus, rounds, onProgress }) {
  const peers = PEERS.filter(isAvailable)
  const calls = Math.min(CALLS, corpus.lines)
  const logCalls = await inTurn(
    peers,
    rounds,
    ({ name }) => runReport([peerPath('log-calls.mjs'), name, String(calls)]),
    (step) => onProgress(`log calls, ${step}`),
  )
  const fedPeers = peers
    .filter((peer) => peer.share > 0)
    .map((peer) => ({ ...peer, input: corpusShare(corpus, peer.share) }))
  const throughput = await inTurn(
    fedPeers,
    rounds,
    ({ name, input }) => runReport([peerPath('feed-transport.mjs'), name, input.path]),
    (step) => onProgress(`throughput, ${step}`),
  )

  const callRows = peers.map(({ name }) => {
    const runs = logCalls.get(name)
    return [
      name,
      formatSpread(spread(runs, (run) => run.cpuUsPerCall)),
      formatNumber(spread(runs, (run) => run.wallUsPerCall).median),
      formatNumber(spread(runs, (run) => run.backlogMs / 1000).median),
      formatNumber(spread(runs, (run) => run.peakRssMb).median),
    ]
  })
  const linesPerSecond =
    ({ input }) =>
    (run) =>
      input.lines / (run.wallMs / 1000)
  const throughputRows = fedPeers.map((peer) => {
    const runs = throughput.get(peer.name)
    return [
      peer.name,
      formatCount(peer.input.lines),
      formatSpread(spread(runs, (run) => run.wallMs / 1000)),
      formatCount(spread(runs, linesPerSecond(peer)).median),
      formatNumber(spread(runs, (run) => peer.input.bytes / 1e3 / run.wallMs).median),
      formatNumber(spread(runs, (run) => (run.cpuMs * 1e3) / peer.input.lines).median),
      formatNumber(spread(runs, (run) => run.peakRssMb).median),
    ]
  })
  const speeds = new Map(
    fedPeers.map((peer) => [peer.name, throughput.get(peer.name).map(linesPerSecond(peer))]),
  )
  const ratioRows = ['eventsets pretty', 'eventsets json']
    .filter((name) => logCalls.has(name))
    .flatMap((name) =>
      ['pino-pretty', 'identity'].map((other) => [
        `${name} / ${other}`,
        formatSpread(ratio(logCalls.get(name), logCalls.get(other), (run) => run.cpuUsPerCall)),
        formatSpread(ratio(speeds.get(name), speeds.get(other), (speed) => speed)),
      ]),
    )

  return {
    name: 'transport',
    title: 'Worker transport',
    notes: [
      `Log call: ${formatCount(calls)} calls of log.info({ 9 fields }, 'msg') in bursts of 50, after a warm-up; CPU time of the main thread alone.`,
      'Backlog: how long the worker still writes after the last call.',
      'Throughput: lines of the corpus written to the transport one by one, until it has closed. "identity" only writes what it gets: no transport can be faster.',
    ],
    tables: [
      { columns: ['log call', 'main thread CPU us', 'wall us', 'backlog s', 'peak RSS MB'], rows: callRows },
      {
        columns: ['throughput', 'lines', 'wall s', 'lines/s', 'MB/s', 'CPU us a line', 'peak RSS MB'],
        rows: throughputRows,
      },
      { columns: ['ratio', 'main thread CPU', 'throughput'], rows: ratioRows },
    ].filter(({ rows }) => rows.length > 0),
    raw: { logCalls: Object.fromEntries(logCalls), throughput: Object.fromEntries(throughput) },
  }
}
