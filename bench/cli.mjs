// The command line as users run it: a log file in, /dev/null out, Node's start included.
import { readFileSync } from 'node:fs'
import { corpusShare } from './corpus.mjs'
import { findShare, inTurn, isAvailable, peerPath, projectPath, ratio, runNode, spread } from './measure.mjs'
import { formatCount, formatNumber, formatSpread } from './report.mjs'
import { perScanner, reachedPerScanner, scannerName, scannerNotes } from './scanners.mjs'

const main = projectPath('dist/cli/main.js')
const pinoPretty = projectPath('node_modules/pino-pretty/bin.js')
const needs = 'dist/cli/main.js'

/** Long enough that Node's start, about a twentieth of a second, does not decide. */
const LEAST_MS = 1800

/** How much of the corpus a peer may be given to read; behind these comes the largest input. */
const SHARES = [1 / 30, 1 / 6, 1 / 2, 4 / 3, 4]

/** Peers of ours by the key of their target, each with the one of theirs that it is compared with. */
const TEXT_PAIRS = {
  text: { ours: [], theirs: [] },
  singleLine: { ours: ['--single-line'], theirs: ['-S'] },
  colour: { ours: ['--colorize'], theirs: ['-c'] },
  colourSingleLine: { ours: ['--colorize', '--single-line'], theirs: ['-c', '-S'] },
}

const SPLIT = 'split only'
const PARSE = 'JSON.parse + JSON.stringify'
const JSON_OUTPUT = 'eventsets --json'
const ourName = (options) => ['eventsets', ...options].join(' ')
const theirName = (options) => ['pino-pretty', ...options].join(' ')

const PEERS = [
  { name: SPLIT, args: [peerPath('split-only.mjs')], check: checkSame },
  { name: PARSE, args: [peerPath('parse-stringify.mjs')], check: checkLineCount },
  ...perScanner({ name: JSON_OUTPUT, args: [main, '--json'], check: checkSpliced, needs }),
  ...Object.values(TEXT_PAIRS).flatMap(({ ours, theirs }) => [
    ...perScanner({
      name: ourName(ours),
      args: [main, ...ours],
      check: checkMarked,
      twin: [pinoPretty, ...theirs],
      needs,
    }),
    { name: theirName(theirs), args: [pinoPretty, ...theirs], check: checkLineCountAtLeast },
  ]),
]

/** The key of a target, and the two peers whose speeds it compares. */
const RATIOS = [
  ['json', JSON_OUTPUT, PARSE],
  ['jsonOfSplit', JSON_OUTPUT, SPLIT],
  ...Object.entries(TEXT_PAIRS).map(([key, { ours, theirs }]) => [key, ourName(ours), theirName(theirs)]),
]

/** The bars of the chart, most work at the top. */
const CHART = [
  { title: 'Text', theirs: theirName([]), ours: ourName([]) },
  { title: 'Text in colour', theirs: theirName(['-c']), ours: ourName(['--colorize']) },
  { title: 'One line a record', theirs: theirName(['-S']), ours: ourName(['--single-line']) },
  { title: 'JSON', theirs: PARSE, ours: JSON_OUTPUT },
  { title: 'Nothing but finding the lines', theirs: SPLIT },
]

export async function run({ corpus, rounds, largestShare, onProgress }) {
  const available = PEERS.filter(isAvailable)
  const sample = corpusShare(corpus, Math.min(1, 1000 / corpus.lines))
  for (const peer of available) {
    onProgress(`check: ${peer.name}`)
    await peer.check(peer, { lines: sample.lines, stdin: sample.path })
  }
  await checkScannersAgree(available, sample)

  const shares = [...SHARES.filter((share) => share < largestShare), largestShare]
  const peers = []
  for (const peer of available) {
    onProgress(`how much to read: ${peer.name}`)
    // Of CPU time, since a machine with other work to do must not make a peer look slow and its input small.
    const measureMs = async (share) => (await runPeer(peer, corpusShare(corpus, share).path)).cpuMs
    peers.push({
      ...peer,
      input: corpusShare(corpus, await findShare({ shares, leastMs: LEAST_MS, measureMs })),
    })
  }
  const results = await inTurn(peers, rounds, (peer) => runPeer(peer, peer.input.path), onProgress)

  const rows = peers.map((peer) => {
    const runs = results.get(peer.name)
    const megabytesPer = (time) => (run) => peer.input.bytes / 1e3 / run[time]
    return [
      peer.name,
      formatCount(peer.input.lines),
      formatSpread(spread(runs, (run) => run.wallMs / 1000)),
      formatCount(linesPerSecond(peer, runs)),
      formatNumber(spread(runs, megabytesPer('wallMs')).median),
      formatNumber(spread(runs, megabytesPer('cpuMs')).median),
      formatNumber(spread(runs, (run) => run.peakRssMb).median),
    ]
  })
  const peerCalled = (name) => peers.find((peer) => peer.name === name)
  const compare = (ours, theirs, pick) => {
    if (!results.has(ours) || !results.has(theirs)) return undefined
    const [ourSpeeds, theirSpeeds] = [ours, theirs].map((name) =>
      results.get(name).map((run) => peerCalled(name).input.lines / pick(run)),
    )
    return ratio(ourSpeeds, theirSpeeds, (speed) => speed)
  }
  const wall = (run) => run.wallMs
  const ratioRows = RATIOS.flatMap(([, ours, theirs]) =>
    ['js', 'wasm']
      .map((scanner) => scannerName(ours, scanner))
      .filter((name) => results.has(name))
      .map((name) => [
        `${name} / ${theirs}`,
        formatSpread(compare(name, theirs, wall)),
        formatSpread(compare(name, theirs, (run) => run.cpuMs)),
      ]),
  )
  const bar = (label, name, kind) =>
    results.has(name)
      ? [{ label, kind, linesPerSecond: linesPerSecond(peerCalled(name), results.get(name)) }]
      : []

  return {
    name: 'cli',
    title: 'Command line: log file in, /dev/null out',
    notes: [
      "Each peer reads as many lines of the corpus as the table says, slow ones its beginning, fast ones the whole several times over, so that none is measured for much less than two seconds; Node's start is included.",
      'Wall time is the median (lowest - highest).',
      ...scannerNotes(),
    ],
    tables: [
      { columns: ['command', 'lines', 'wall s', 'lines/s', 'MB/s', 'MB/s of CPU', 'peak RSS MB'], rows },
      { columns: ['speed', 'by wall time', 'by CPU time'], rows: ratioRows },
    ],
    reached: Object.fromEntries(
      RATIOS.map(([key, ours, theirs]) => [
        key,
        reachedPerScanner((scanner) => compare(scannerName(ours, scanner), theirs, wall)),
      ]),
    ),
    chart: CHART.map(({ title, theirs, ours }) => ({
      title,
      bars: [
        ...bar(theirs, theirs, 'peer'),
        ...(ours === undefined
          ? []
          : [
              ...bar(`${ours}, JavaScript`, scannerName(ours, 'js'), 'js'),
              ...bar(`${ours}, WebAssembly`, scannerName(ours, 'wasm'), 'wasm'),
            ]),
      ],
    })),
    raw: Object.fromEntries(results),
  }
}

const linesPerSecond = ({ input }, runs) => input.lines / spread(runs, (run) => run.wallMs / 1000).median

const runPeer = ({ args, env }, path) => runNode(args, { stdin: path, env })

const outputOf = async ({ args, env }, { stdin }, extra = []) =>
  (await runNode([...args, ...extra], { stdin, env, capture: true })).stdout

async function checkSame(peer, sample) {
  if ((await outputOf(peer, sample)) !== readFileSync(sample.stdin, 'utf8'))
    throw new Error(`${peer.name} does not write what it reads`)
}

async function checkLineCount(peer, sample) {
  const lines = (await outputOf(peer, sample)).split('\n').length - 1
  if (lines !== sample.lines) throw new Error(`${peer.name} wrote ${lines} lines for ${sample.lines}`)
}

async function checkLineCountAtLeast(peer, sample) {
  if ((await outputOf(peer, sample)).split('\n').length < sample.lines)
    throw new Error(`${peer.name} wrote fewer lines than it read`)
}

/** The bytes of the record stay, additions stand before its closing brace, and there are some. */
async function checkSpliced(peer, sample) {
  const lines = (await outputOf(peer, sample)).split('\n')
  const originals = readFileSync(sample.stdin, 'utf8').split('\n')
  const wrong = originals.findIndex((original, index) => !lines[index]?.startsWith(original.slice(0, -1)))
  if (wrong !== -1 || lines.length !== originals.length)
    throw new Error(`${peer.name} changed the record of line ${wrong + 1}`)
  const marked = lines.filter((line) => line !== '' && JSON.parse(line).markers !== undefined)
  if (marked.length === 0) throw new Error(`${peer.name} marked none of ${sample.lines} lines`)
}

/** Markers are shown, and without them every byte is pino-pretty's. */
async function checkMarked(peer, sample) {
  if (!(await outputOf(peer, sample)).includes('[✅] ')) throw new Error(`${peer.name} shows no marker`)
  const bare = await outputOf(peer, sample, ['--markers', 'none'])
  const twin = await outputOf({ args: peer.twin }, sample)
  // The joiners inside some emoji are invisible, and what is invisible in a record is not shown.
  if (bare !== twin.replaceAll('\u200d', ''))
    throw new Error(
      `${peer.name} without markers is not what ${peer.twin.slice(1).join(' ')} pino-pretty shows`,
    )
}

async function checkScannersAgree(peers, sample) {
  const outputs = new Map()
  for (const peer of peers.filter(({ scanner }) => scanner !== undefined)) {
    const output = await outputOf(peer, { stdin: sample.path })
    if ((outputs.get(peer.subject) ?? output) !== output)
      throw new Error(`the scanners give different output for ${peer.subject}`)
    outputs.set(peer.subject, output)
  }
}
