// Cold start: how long until a transport is ready, until an application has logged its first line and ended,
// and until the command line has shown one line.
import { corpusShare } from './corpus.mjs'
import { inTurn, isAvailable, peerPath, projectPath, ratio, runNode, runReport, spread } from './measure.mjs'
import { formatNumber, formatSpread } from './report.mjs'
import { perScanner, reachedPerScanner, scannerName, scannerNotes } from './scanners.mjs'

/** Starts are short and jumpy: more rounds than for the other subjects. */
const ROUNDS_FACTOR = 4

const app = peerPath('one-line-app.mjs')
const main = projectPath('dist/cli/main.js')
const pinoPretty = projectPath('node_modules/pino-pretty/bin.js')

const TRANSPORTS = [
  { name: 'identity' },
  { name: 'pino/file' },
  { name: 'eventsets text', needs: 'dist/pino/index.js' },
  { name: 'eventsets json', needs: 'dist/pino/index.js' },
  { name: 'pino-pretty' },
]

const COMMANDS = [
  { name: 'node -e 0', args: ['-e', '0'] },
  ...perScanner({ name: 'eventsets --version', args: [main, '--version'], needs: 'dist/cli/main.js' }),
  ...perScanner({ name: 'eventsets, one line', args: [main], needs: 'dist/cli/main.js' }),
  ...perScanner({ name: 'eventsets --json, one line', args: [main, '--json'], needs: 'dist/cli/main.js' }),
  { name: 'pino-pretty, one line', args: [pinoPretty] },
]

/** The keys of the targets. */
const REACHED = {
  version: 'eventsets --version',
  startText: 'eventsets, one line',
  startJson: 'eventsets --json, one line',
}

export async function run({ corpus, rounds, onProgress }) {
  const startRounds = rounds * ROUNDS_FACTOR
  const transports = TRANSPORTS.filter(isAvailable)
  const apps = [{ name: 'none' }, ...transports]
  const commands = COMMANDS.filter(isAvailable)
  const stdin = corpusShare(corpus, 1 / corpus.lines).path

  const ready = await inTurn(
    transports,
    startRounds,
    ({ name }) => runReport([app, name]),
    (step) => onProgress(`transport, ${step}`),
  )
  const wholeApp = await inTurn(
    apps,
    startRounds,
    ({ name }) => runNode([app, name, 'quiet'], { usage: false }),
    (step) => onProgress(`application, ${step}`),
  )
  const commandLine = await inTurn(
    commands,
    startRounds,
    ({ args, env }) => runNode(args, { stdin, usage: false, env }),
    (step) => onProgress(`command, ${step}`),
  )

  const wallMs = (run) => run.wallMs
  const transportRows = apps.map(({ name }) => [
    name,
    ready.has(name) ? formatSpread(spread(ready.get(name), (run) => run.readyMs)) : '',
    formatSpread(spread(wholeApp.get(name), wallMs)),
  ])
  const againstNode = (name) =>
    commandLine.has(name) ? ratio(commandLine.get(name), commandLine.get('node -e 0'), wallMs) : undefined
  const bare = spread(commandLine.get('node -e 0'), wallMs).median
  const commandRows = commands.map(({ name }) => {
    const wall = spread(commandLine.get(name), wallMs)
    if (name === 'node -e 0') return [name, formatSpread(wall), '', '']
    return [name, formatSpread(wall), formatNumber(wall.median - bare), formatSpread(againstNode(name))]
  })
  const ratioRows = ['eventsets text', 'eventsets json']
    .filter((name) => ready.has(name))
    .map((name) => [
      `${name} / pino-pretty`,
      formatSpread(ratio(ready.get(name), ready.get('pino-pretty'), (run) => run.readyMs)),
      formatSpread(ratio(wholeApp.get(name), wholeApp.get('pino-pretty'), wallMs)),
    ])

  return {
    name: 'start',
    title: 'Cold start',
    notes: [
      `Median (lowest - highest) of ${startRounds} fresh processes.`,
      "Ready: from pino.transport() to its 'ready' event. Application: a process that loads pino, logs one line through the transport and ends.",
      ...scannerNotes(),
    ],
    tables: [
      { columns: ['transport', 'ready ms', 'application ms'], rows: transportRows },
      { columns: ['command', 'wall ms', 'above node -e 0, ms', 'times node -e 0'], rows: commandRows },
      { columns: ['time', 'ready', 'application'], rows: ratioRows },
    ].filter(({ rows }) => rows.length > 0),
    reached: Object.fromEntries(
      Object.entries(REACHED).map(([key, name]) => [
        key,
        reachedPerScanner((scanner) => againstNode(scannerName(name, scanner))),
      ]),
    ),
    raw: {
      ready: Object.fromEntries(ready),
      application: Object.fromEntries(wholeApp),
      command: Object.fromEntries(commandLine),
    },
  }
}
