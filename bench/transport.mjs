// The worker transport: what a log call costs the application, and how many lines the worker gets through.
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir, corpusShare } from './corpus.mjs'
import {
  findShare,
  inTurn,
  isAvailable,
  peerPath,
  projectPath,
  ratio,
  runNode,
  runReport,
  spread,
} from './measure.mjs'
import { formatCount, formatNumber, formatSpread } from './report.mjs'
import { perScanner, reachedPerScanner, scannerName, scannerNotes } from './scanners.mjs'

const CALLS = 100_000

/** A worker compiles its code while it works; after this long that is over. */
const LEAST_FED_MS = 1200

/** How many lines a transport may be given, as shares of the corpus. They are the first third of it, over and over. */
const FED_SHARES = [1 / 30, 1 / 15, 1 / 6, 1 / 3, 2 / 3, 4 / 3, 8 / 3]

const needs = 'dist/pino/index.js'
const main = projectPath('dist/cli/main.js')

const OURS = ['eventsets text', 'eventsets json']
const PEERS = [
  { name: 'none', subject: 'none' },
  ...['identity', 'pino/file'].map((name) => ({ name, subject: name })),
  ...OURS.flatMap((name) => perScanner({ name, needs })),
  { name: 'pino-pretty', subject: 'pino-pretty' },
]

/** What a log call costs is compared with what it costs with this one; itself, to show how far chance goes. */
const CONTROL = 'identity'
const COMPARED = [CONTROL, ...OURS]

/** What the transports of ours must write: the same as the command. */
const COMMANDS = { 'eventsets text': [main], 'eventsets json': [main, '--json'] }

const feedArguments = ({ subject }, path, lines, ...destination) => [
  peerPath('feed-transport.mjs'),
  subject,
  path,
  String(lines),
  ...destination,
]

export async function run({ corpus, rounds, onProgress }) {
  const peers = PEERS.filter(isAvailable)
  const fed = peers.filter(({ name }) => name !== 'none')
  await checkOutput(fed, corpusShare(corpus, Math.min(1, 1000 / corpus.lines)), onProgress)

  const calls = Math.min(CALLS, corpus.lines)
  const logCalls = await inTurn(
    peers,
    rounds,
    ({ subject, env }) => runReport([peerPath('log-calls.mjs'), subject, String(calls)], { env }),
    (step) => onProgress(`log calls, ${step}`),
  )

  const compared = peers.filter(({ subject }) => COMPARED.includes(subject))
  const comparisons = await inTurn(
    compared,
    rounds,
    ({ subject, env }) => runReport([peerPath('log-calls-compared.mjs'), subject, CONTROL], { env }),
    (step) => onProgress(`log calls compared, ${step}`),
  )

  const input = corpusShare(corpus, 1 / 3)
  const feed = (peer, lines) => runReport(feedArguments(peer, input.path, lines), { env: peer.env })
  const fedPeers = []
  for (const peer of fed) {
    onProgress(`how much to feed: ${peer.name}`)
    const linesOf = (share) => Math.round(corpus.lines * share)
    const measureMs = async (share) => (await feed(peer, linesOf(share))).wallMs
    const lines = linesOf(await findShare({ shares: FED_SHARES, leastMs: LEAST_FED_MS, measureMs }))
    fedPeers.push({ ...peer, lines, bytes: (input.bytes / input.lines) * lines })
  }
  const throughput = await inTurn(
    fedPeers,
    rounds,
    (peer) => feed(peer, peer.lines),
    (step) => onProgress(`throughput, ${step}`),
  )

  const callRows = peers.map(({ name }) => {
    const runs = logCalls.get(name)
    return [
      name,
      formatSpread(spread(runs, cpuUsPerCall)),
      formatNumber(spread(runs, (run) => run.wallUsPerCall).median),
      formatNumber(spread(runs, (run) => run.backlogMs / 1000).median),
      formatNumber(spread(runs, (run) => run.peakRssMb).median),
    ]
  })
  const linesPerSecond =
    ({ lines }) =>
    (run) =>
      lines / (run.wallMs / 1000)
  const throughputRows = fedPeers.map((peer) => {
    const runs = throughput.get(peer.name)
    return [
      peer.name,
      formatCount(peer.lines),
      formatSpread(spread(runs, (run) => run.wallMs / 1000)),
      formatCount(spread(runs, linesPerSecond(peer)).median),
      formatNumber(spread(runs, (run) => peer.bytes / 1e3 / run.wallMs).median),
      formatNumber(spread(runs, (run) => (run.cpuMs * 1e3) / peer.lines).median),
      formatNumber(spread(runs, (run) => run.peakRssMb).median),
    ]
  })
  const speeds = new Map(
    fedPeers.map((peer) => [peer.name, throughput.get(peer.name).map(linesPerSecond(peer))]),
  )
  const callRatio = (ours) =>
    comparisons.has(ours) ? spread(comparisons.get(ours), (run) => run.ratio) : undefined
  const speedRatio = (ours, theirs) =>
    speeds.has(ours) ? ratio(speeds.get(ours), speeds.get(theirs), (speed) => speed) : undefined
  const ratioRows = peers
    .filter(({ subject }) => OURS.includes(subject))
    .flatMap(({ name }) =>
      ['pino-pretty', 'identity'].map((other) => [
        `${name} / ${other}`,
        formatSpread(speedRatio(name, other)),
      ]),
    )
  const comparedRows = compared.map(({ name }) => {
    const medianOf = (pick) => formatNumber(spread(comparisons.get(name), pick).median)
    return [
      name,
      medianOf(cpuUsPerCall),
      medianOf((run) => run.otherCpuUsPerCall),
      formatSpread(callRatio(name)),
    ]
  })
  const reached = (ours, compare, theirs) =>
    reachedPerScanner((scanner) => compare(scannerName(ours, scanner), theirs))

  return {
    name: 'transport',
    title: 'Worker transport',
    notes: [
      `Log call: ${formatCount(calls)} calls of log.info({ 9 fields }, 'msg') in bursts of 50, after a warm-up; CPU time of the main thread alone.`,
      'Log call compared: the two transports in one process, 1,000 calls in turn, the worker given time to catch up in between. The first row compares identity with itself: so far goes chance.',
      'Backlog: how long the worker still writes after the last call.',
      'Throughput: lines of the corpus written to the transport one by one, until it has closed; the start of the worker is not in it. "identity" only writes what it gets: no transport can be faster.',
      ...scannerNotes(),
    ],
    tables: [
      { columns: ['log call', 'main thread CPU us', 'wall us', 'backlog s', 'peak RSS MB'], rows: callRows },
      {
        columns: ['log call compared', 'main thread CPU us', 'identity us', 'ratio'],
        rows: comparedRows,
      },
      {
        columns: ['throughput', 'lines', 'wall s', 'lines/s', 'MB/s', 'CPU us a line', 'peak RSS MB'],
        rows: throughputRows,
      },
      { columns: ['throughput, ratio', 'lines/s'], rows: ratioRows },
    ].filter(({ rows }) => rows.length > 0),
    reached: {
      transportText: reached('eventsets text', speedRatio, 'pino-pretty'),
      transportJson: reached('eventsets json', speedRatio, 'pino-pretty'),
      callText: reached('eventsets text', callRatio),
      callJson: reached('eventsets json', callRatio),
    },
    raw: {
      logCalls: Object.fromEntries(logCalls),
      comparisons: Object.fromEntries(comparisons),
      throughput: Object.fromEntries(throughput),
    },
  }
}

const cpuUsPerCall = (run) => run.cpuUsPerCall

/** Every transport writes all it is fed, and ours what the command writes. */
async function checkOutput(peers, sample, onProgress) {
  const destination = join(cacheDir, 'transport-output')
  for (const peer of peers) {
    onProgress(`check: ${peer.name}`)
    await runReport(feedArguments(peer, sample.path, sample.lines, destination), { env: peer.env })
    const written = readFileSync(destination, 'utf8')
    rmSync(destination)
    if (written.split('\n').length <= sample.lines)
      throw new Error(`the transport ${peer.name} wrote fewer lines than it was fed`)
    const command = COMMANDS[peer.subject]
    if (command === undefined) continue
    const { stdout } = await runNode(command, { stdin: sample.path, capture: true, env: peer.env })
    if (written !== stdout) throw new Error(`the transport ${peer.name} does not write what the command does`)
  }
}
