// Peak memory: a gigabyte through the command line, from a file and through a pipe.
import { corpusShare } from './corpus.mjs'
import { inTurn, isAvailable, projectPath, runNode, runNodeInPipe, spread } from './measure.mjs'
import { formatNumber } from './report.mjs'
import { perScanner, reachedPerScanner, scannerNotes } from './scanners.mjs'

/** A gigabyte takes long, and a peak hardly varies. */
const ROUNDS_FACTOR = 1 / 5

const main = projectPath('dist/cli/main.js')
const needs = 'dist/cli/main.js'

const OUTPUTS = [
  { name: 'eventsets', args: [main] },
  { name: 'eventsets --json', args: [main, '--json'] },
]

const PEERS = OUTPUTS.flatMap(({ name, args }) =>
  ['file', 'pipe'].flatMap((from) => perScanner({ name: `${name}, ${from}`, args, from, needs })),
)

export async function run({ corpus, rounds, largestShare, onProgress }) {
  const peers = PEERS.filter(isAvailable)
  const memoryRounds = Math.max(1, Math.round(rounds * ROUNDS_FACTOR))
  const input = corpusShare(corpus, largestShare)
  const results = await inTurn(
    peers,
    memoryRounds,
    ({ args, env, from }) =>
      from === 'file'
        ? runNode(args, { stdin: input.path, env })
        : runNodeInPipe(args, { file: corpus.path, times: largestShare, env }),
    onProgress,
  )

  const peak = (names) =>
    spread(
      names.flatMap((name) => results.get(name)),
      (run) => run.peakRssMb,
    )
  const namesFor = (scanner) => peers.filter((peer) => peer.scanner === scanner).map(({ name }) => name)
  return {
    name: 'memory',
    title: `Peak memory: ${formatNumber(input.bytes / 2 ** 30)} GiB through the command line`,
    notes: [
      `${largestShare === 1 ? 'The corpus' : `The corpus ${largestShare} times over`}, from a file or through a pipe that another process writes to, to /dev/null.`,
      `Highest of ${memoryRounds === 1 ? 'one fresh process' : `${memoryRounds} fresh processes`}; the kernel's own count of the most memory the process had (VmHWM), in MB of a million bytes.`,
      ...scannerNotes(),
    ],
    tables: [
      {
        columns: ['command', 'peak RSS MB', 'wall s', 'MB/s'],
        rows: peers.map(({ name }) => {
          const wallMs = spread(results.get(name), (run) => run.wallMs).median
          return [
            name,
            formatNumber(peak([name]).max),
            formatNumber(wallMs / 1000),
            formatNumber(input.bytes / 1e3 / wallMs),
          ]
        }),
      },
    ],
    reached: {
      memory: reachedPerScanner((scanner) => {
        const names = namesFor(scanner)
        return names.length === 0 ? undefined : peak(names)
      }),
    },
    raw: Object.fromEntries(results),
  }
}
