// The event bus: what an event costs beside other emitters, with many patterns, with a schema and on a disk, and how much
// memory a subscription takes.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir } from './corpus.mjs'
import { inTurn, isAvailable, peerPath, ratio, runReport, spread } from './measure.mjs'
import { formatNumber, formatSpread } from './report.mjs'
import { reachedPerScanner } from './scanners.mjs'

/** An event takes nanoseconds, and a process may be unlucky from beginning to end: it takes more of them than elsewhere. */
const ROUNDS_FACTOR = 2
/** Memory hardly varies. */
const MEMORY_ROUNDS_FACTOR = 1 / 5

const OURS = { emitter: 'eventsets', needs: 'dist/bus/index.js' }
const THEIRS = {
  eventemitter3: { emitter: 'eventemitter3' },
  mitt: { emitter: 'mitt', needs: 'node_modules/mitt/package.json' },
  emittery: { emitter: 'emittery' },
}
const SYNC = [OURS, THEIRS.eventemitter3, THEIRS.mitt]
const ASYNC = [OURS, THEIRS.emittery]

/** What `bus-emit.mjs` knows under these names, and who takes part. */
const SCENES = {
  'one listener': SYNC,
  'twelve names': SYNC,
  'kept by the listener': SYNC,
  'ten listeners': SYNC,
  'one async listener': ASYNC,
  'ten async listeners': ASYNC,
}
const [ONE, , , TEN, ONE_ASYNC, TEN_ASYNC] = Object.keys(SCENES)
const [FEW, MANY] = [10, 10_000]
const WAYS = ['emit', 'publish']
const NAMES = ['repeated', 'new']
const SUBSCRIPTIONS = [1, 100_000]
const DATA = ['order', 'two fields']
const STORES = ['eventsets', 'by hand']

const name = (...parts) => parts.map(String).join(': ')

const EMITS = Object.entries(SCENES).flatMap(([scene, emitters]) =>
  emitters.map(({ emitter, needs }) => ({
    name: name(scene, emitter),
    args: ['bus-emit.mjs', emitter, scene],
    needs,
  })),
)
const PATTERNS = WAYS.flatMap((way) =>
  NAMES.flatMap((names) =>
    [FEW, MANY].map((patterns) => ({
      name: name(way, names, patterns),
      args: ['bus-patterns.mjs', way, patterns, names],
      needs: OURS.needs,
    })),
  ),
)
const MEMORY = SUBSCRIPTIONS.flatMap((names) =>
  [OURS, THEIRS.emittery, THEIRS.eventemitter3, THEIRS.mitt].map(({ emitter, needs }) => ({
    name: name(names, emitter),
    args: ['bus-memory.mjs', emitter, names],
    flags: ['--expose-gc'],
    needs,
  })),
)
const VALIDATION = DATA.map((data) => ({ name: data, args: ['bus-validation.mjs', data], needs: OURS.needs }))
const STORING = STORES.map((way) => ({
  name: way,
  args: ['bus-sqlite.mjs', way],
  isOnDisk: true,
  needs: OURS.needs,
}))

export async function run({ rounds, onProgress }) {
  if (!isAvailable(OURS))
    return {
      name: 'bus',
      title: 'Event bus',
      notes: ['Not measured: the package is not built.'],
      tables: [],
      reached: {},
      raw: {},
    }
  const folder = join(cacheDir, `bus-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  try {
    return await measure(folder, rounds, onProgress)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(folder, rounds, onProgress) {
  let files = 0
  const runPeer = ({ args: [script, ...args], flags = [], isOnDisk }) =>
    // Each database is a new one: an old one is larger with each.
    runReport([
      ...flags,
      peerPath(script),
      ...args.map(String),
      ...(isOnDisk ? [join(folder, `${files++}.db`)] : []),
    ])
  const runs = rounds * ROUNDS_FACTOR
  const inTurns = (peers, times) => inTurn(peers.filter(isAvailable), times, runPeer, onProgress)
  const emits = await inTurns(EMITS, runs)
  const patterns = await inTurns(PATTERNS, runs)
  const validation = await inTurns(VALIDATION, runs)
  const storing = await inTurns(STORING, runs)
  const memory = await inTurns(MEMORY, Math.max(1, Math.round(rounds * MEMORY_ROUNDS_FACTOR)))

  return {
    name: 'bus',
    title: 'Event bus',
    notes: [
      `Median (lowest - highest) of ${runs} fresh processes; of each the fastest of its batches, and of validation and storing the median of them. CPU is that of the whole process, collecting garbage included.`,
      `Emit: listeners that add a number, and are of three kinds. "${ONE}" and "${TEN}" have one name and data of one shape, "twelve names" has a listener for each and three shapes; "kept by the listener" keeps what it is given, so that nothing can be left out that others would need.`,
      'Patterns: names of three segments, and patterns that end in a star; each event matches one of them. New names have never been seen, and there is no end of them. Published events go through the memory backend, a hundred at once, and are handled.',
      'Validation: publishing to a backend that does nothing, with a zod schema and without one, and what `schema.parse` alone takes. The order has five lines.',
      'Storing: a hundred events in a transaction of a new SQLite database through libsql, each transaction on the disk before the next (WAL, synchronous=FULL). By hand, that is one prepared INSERT for each event into a table with the same columns.',
      'Memory: what the heap has grown by, the functions and the names not counted, once all are subscribed, and once each has been called.',
    ],
    tables: [
      emitTable(emits),
      speedTable(emits),
      patternTable(patterns),
      validationTable(validation),
      storingTable(storing),
      memoryTable(memory),
    ],
    reached: reachedTargets({ emits, patterns, validation, storing, memory }),
    raw: Object.fromEntries(
      Object.entries({ emits, patterns, validation, storing, memory }).map(([key, results]) => [
        key,
        Object.fromEntries(results),
      ]),
    ),
  }
}

const cpuNs = (run) => run.cpuNs
const wallUs = (run) => run.wallUs

/** How many times as fast ours is, if both were measured. */
function speed(results, ours, theirs, pick) {
  if (!results.has(ours) || !results.has(theirs)) return undefined
  return ratio(results.get(theirs), results.get(ours), pick)
}

const cell = (results, peer, pick, format = formatSpread) =>
  results.has(peer) ? format(spread(results.get(peer), pick)) : ''

const compared = (value) => (value === undefined ? '' : formatSpread(value))

function emitTable(emits) {
  const emitters = [OURS, ...Object.values(THEIRS)].map(({ emitter }) => emitter)
  return {
    columns: ['emit, ns of CPU', ...emitters],
    rows: Object.keys(SCENES).map((scene) => [
      scene,
      ...emitters.map((emitter) => cell(emits, name(scene, emitter), cpuNs)),
    ]),
  }
}

const speedOfScene = (emits, scene, emitter) =>
  speed(emits, name(scene, OURS.emitter), name(scene, emitter), cpuNs)

function speedTable(emits) {
  const emitters = Object.keys(THEIRS)
  return {
    columns: ['emit, times as fast as', ...emitters],
    rows: Object.keys(SCENES).map((scene) => [
      scene,
      ...emitters.map((emitter) => compared(speedOfScene(emits, scene, emitter))),
    ]),
  }
}

const speedOfMany = (patterns, way, names) =>
  speed(patterns, name(way, names, MANY), name(way, names, FEW), cpuNs)

function patternTable(patterns) {
  return {
    columns: [
      'one match, ns of CPU',
      `${formatPlain(FEW)} patterns`,
      `${formatPlain(MANY)} patterns`,
      'times as fast with many',
    ],
    rows: WAYS.flatMap((way) =>
      NAMES.map((names) => [
        `${way}, ${names} names`,
        ...[FEW, MANY].map((count) => cell(patterns, name(way, names, count), cpuNs)),
        compared(speedOfMany(patterns, way, names)),
      ]),
    ),
  }
}

function validationTable(validation) {
  const columns = [
    ['publish, ns', (run) => run.plainNs],
    ['with schema, ns', (run) => run.checkedNs],
    ['parse alone, ns', (run) => run.parsedNs],
    ['schema adds, ns', (run) => run.addedNs],
    ['with schema / publish + parse', (run) => run.checkedNs / (run.plainNs + run.parsedNs)],
  ]
  return {
    columns: ['validation', ...columns.map(([title]) => title)],
    rows: DATA.map((data) => [data, ...columns.map(([, pick]) => cell(validation, data, pick))]),
  }
}

const speedOfStore = (storing) => speed(storing, ...STORES, wallUs)

function storingTable(storing) {
  return {
    columns: ['storing', 'us an event', 'CPU us', 'times as fast as by hand'],
    rows: STORES.map((way, index) => [
      way,
      cell(storing, way, wallUs),
      cell(storing, way, (run) => run.cpuUs),
      index === 0 ? compared(speedOfStore(storing)) : '',
    ]),
  }
}

function memoryTable(memory) {
  const column = (pick) => (emitter, names) =>
    cell(memory, name(names, emitter), pick, ({ median }) => formatNumber(median))
  const cells = [column((run) => run.subscribedBytes), column((run) => run.calledBytes)]
  return {
    columns: [
      'bytes a subscription',
      ...SUBSCRIPTIONS.flatMap((names) => {
        const where = names === 1 ? 'on one name' : `on ${formatPlain(names)} names`
        return [`100,000 ${where}`, 'once called']
      }),
    ],
    rows: [OURS, THEIRS.emittery, THEIRS.eventemitter3, THEIRS.mitt].map(({ emitter }) => [
      emitter,
      ...SUBSCRIPTIONS.flatMap((names) => cells.map((of) => of(emitter, names))),
    ]),
  }
}

function memoryRatio(memory, names) {
  const [ours, theirs] = [OURS, THEIRS.emittery].map(({ emitter }) => memory.get(name(names, emitter)))
  return ratio(ours, theirs, (run) => run.subscribedBytes)
}

/** Nothing of it has to do with the line scanner: what one reaches, both do. */
function reachedTargets({ emits, patterns, validation, storing, memory }) {
  const slower = (names) =>
    WAYS.map((way) => speedOfMany(patterns, way, names)).sort((a, b) => a.median - b.median)[0]
  const [one, each] = SUBSCRIPTIONS
  const values = {
    busEmit: speedOfScene(emits, ONE, 'eventemitter3'),
    busAsyncOne: speedOfScene(emits, ONE_ASYNC, 'emittery'),
    busAsyncTen: speedOfScene(emits, TEN_ASYNC, 'emittery'),
    busRepeatedNames: slower('repeated'),
    busNewNames: slower('new'),
    busMemoryOneName: memoryRatio(memory, one),
    busMemoryNames: memoryRatio(memory, each),
    busStoring: speedOfStore(storing),
    busValidation: spread(validation.get(DATA[0]), (run) => run.ratio),
  }
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, reachedPerScanner(() => value)]),
  )
}

const formatPlain = (count) => count.toLocaleString('en')
