// The command line as users run it: a log file in, /dev/null out, Node's start included.
import { corpusShare } from './corpus.mjs'
import { inTurn, isAvailable, peerPath, projectPath, ratio, runNode, spread } from './measure.mjs'
import { formatCount, formatNumber, formatSpread } from './report.mjs'

const main = projectPath('dist/cli/main.js')
const pinoPretty = projectPath('node_modules/pino-pretty/bin.js')

/** `share`: how much of the corpus a peer reads, so that none takes much longer than the others. */
const PEERS = [
  { name: 'split only', share: 4, args: [peerPath('split-only.mjs')], check: sameText },
  {
    name: 'JSON.parse + JSON.stringify',
    share: 0.5,
    args: [peerPath('parse-stringify.mjs')],
    check: sameText,
  },
  {
    name: 'eventsets --json',
    share: 1,
    args: [main, '--json'],
    check: markedJson,
    needs: 'dist/cli/main.js',
  },
  { name: 'eventsets', share: 1 / 6, args: [main], check: markedText, needs: 'dist/cli/main.js' },
  {
    name: 'eventsets --single-line',
    share: 1 / 6,
    args: [main, '--single-line'],
    check: markedText,
    needs: 'dist/cli/main.js',
  },
  {
    name: 'eventsets --colorize',
    share: 1 / 6,
    args: [main, '--colorize'],
    check: markedText,
    needs: 'dist/cli/main.js',
  },
  { name: 'pino-pretty', share: 1 / 6, args: [pinoPretty], check: someText },
  { name: 'pino-pretty --singleLine', share: 1 / 6, args: [pinoPretty, '--singleLine'], check: someText },
  { name: 'pino-pretty --colorize', share: 1 / 6, args: [pinoPretty, '--colorize'], check: someText },
]

const RATIOS = [
  ['eventsets --json', 'pino-pretty'],
  ['eventsets --json', 'JSON.parse + JSON.stringify'],
  ['eventsets --json', 'split only'],
  ['eventsets', 'pino-pretty'],
  ['eventsets --single-line', 'pino-pretty --singleLine'],
  ['eventsets --colorize', 'pino-pretty --colorize'],
]

export async function run({ corpus, rounds, onProgress }) {
  const sample = corpusShare(corpus, Math.min(1, 1000 / corpus.lines))
  const peers = PEERS.filter(isAvailable).map((peer) => ({
    ...peer,
    input: corpusShare(corpus, peer.share),
  }))
  for (const peer of peers) {
    onProgress(`check: ${peer.name}`)
    const { stdout } = await runNode(peer.args, { stdin: sample.path, capture: true })
    peer.check(stdout, sample, peer.name)
  }

  const results = await inTurn(
    peers,
    rounds,
    (peer) => runNode(peer.args, { stdin: peer.input.path }),
    onProgress,
  )

  const rows = peers.map((peer) => {
    const runs = results.get(peer.name)
    const wallMs = spread(runs, (run) => run.wallMs)
    const megabytesPer = (time) => (run) => peer.input.bytes / 1e3 / run[time]
    return [
      peer.name,
      formatCount(peer.input.lines),
      formatSpread(spread(runs, (run) => run.wallMs / 1000)),
      formatCount(peer.input.lines / (wallMs.median / 1000)),
      formatNumber(spread(runs, megabytesPer('wallMs')).median),
      formatNumber(spread(runs, megabytesPer('cpuMs')).median),
      formatNumber(spread(runs, (run) => run.peakRssMb).median),
    ]
  })
  const ratios = RATIOS.filter((names) => names.every((name) => results.has(name))).map(([ours, theirs]) => {
    const compare = (pick) => {
      const [ourSpeeds, theirSpeeds] = [ours, theirs].map((name) => {
        const { input } = peers.find((peer) => peer.name === name)
        return results.get(name).map((run) => input.bytes / pick(run))
      })
      return formatSpread(ratio(ourSpeeds, theirSpeeds, (speed) => speed))
    }
    return [`${ours} / ${theirs}`, compare((run) => run.wallMs), compare((run) => run.cpuMs)]
  })

  return {
    name: 'cli',
    title: 'Command line: log file in, /dev/null out',
    notes: [
      "Each peer reads as many lines of the corpus as the table says, the slow ones its beginning, the fast ones the whole several times; Node's start is included.",
      'Wall time is the median (lowest - highest).',
    ],
    tables: [
      { columns: ['command', 'lines', 'wall s', 'lines/s', 'MB/s', 'MB/s of CPU', 'peak RSS MB'], rows },
      { columns: ['speed', 'by wall time', 'by CPU time'], rows: ratios },
    ],
    raw: Object.fromEntries(results),
  }
}

function sameText(output, { lines }, name) {
  expectLines(output, lines, name)
}

function markedJson(output, { lines }, name) {
  expectLines(output, lines, name)
  const marked = output
    .trimEnd()
    .split('\n')
    .filter((line) => JSON.parse(line).markers !== undefined)
  if (marked.length === 0) throw new Error(`${name} marked none of ${lines} lines`)
}

function markedText(output, sample, name) {
  someText(output, sample, name)
  if (!output.includes('[✅] ')) throw new Error(`${name} shows no marker`)
}

function someText(output, { lines }, name) {
  if (output.split('\n').length < lines) throw new Error(`${name} wrote fewer lines than it read`)
}

function expectLines(output, expected, name) {
  const lines = output.split('\n').length - 1
  if (lines !== expected) throw new Error(`${name} wrote ${lines} lines for ${expected}`)
}
