// The event bus on Redis Streams and on NATS JetStream: what an event costs beside the servers' own commands and beside
// BullMQ, how soon it arrives, how much memory waits with a million of them, and how soon a dead consumer is replaced.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensurePackage } from './extra-packages.mjs'
import { inTurn, isAvailable, peerPath, projectPath, ratio, runReport, spread } from './measure.mjs'
import { formatCount, formatNumber, formatSpread } from './report.mjs'
import { reachedPerScanner } from './scanners.mjs'
import { NATS, REDIS, versionOf, withServer } from './servers.mjs'

const BULLMQ_VERSION = '6.7.0'
const PENDING = 1_000_000
const LEASE_MS = 2000
/** It hardly varies, and takes long. */
const MEMORY_ROUNDS_FACTOR = 1 / 5

/** Enough for two seconds and more, each. */
const EVENTS = { fast: 100_000, slow: 20_000 }

const OURS = 'eventsets'
const KEYS = 'eventsets, keys'
const FIFTY = 'eventsets, 50 at once'
const ALONE = 'eventsets, backend alone'
const ALONE_KEYS = 'eventsets, backend alone, keys'
const COMMANDS = 'commands'
const JSON_COMMANDS = 'commands, JSON'
const BULLMQ = 'bullmq'
const OURS_ON_NATS = 'eventsets on JetStream'
const CLIENT = 'JetStream client'

const PUBLISHERS = [OURS, KEYS, COMMANDS, JSON_COMMANDS, BULLMQ]
const CONSUMERS = [OURS, KEYS, FIFTY, ALONE, ALONE_KEYS, COMMANDS, JSON_COMMANDS, BULLMQ]
const LATENCIES = [OURS, JSON_COMMANDS, BULLMQ]
/** Who takes log lines from stream to stream. */
const LOOP = 'loop'
const WORKERS = [OURS, LOOP]
const NATS_WAYS = [OURS_ON_NATS, CLIENT]

/** What the ways are called in the tables. */
const TITLES = {
  [COMMANDS]: 'ioredis',
  [JSON_COMMANDS]: 'ioredis, writing and reading JSON',
  [BULLMQ]: 'BullMQ',
  [LOOP]: 'a loop that only copies',
  [CLIENT]: "NATS's client",
  [OURS_ON_NATS]: 'eventsets',
}

const NEEDS = 'plugins/redis-streams/dist/index.js'
const NAME = 'brokers'
const TITLE = 'Event bus on servers'

export async function run({ corpus, rounds, onProgress }) {
  const [redis, nats] = [versionOf(REDIS), versionOf(NATS)]
  const missing = [
    ...(isAvailable({ needs: NEEDS }) ? [] : ['the package is not built']),
    ...(redis === undefined ? ['redis-server is not installed'] : []),
  ]
  if (missing.length > 0) return notMeasured(missing.join(', and '))
  if (nats === undefined) warn('NATS JetStream: nats-server is not installed')
  const bullmq = ensurePackage('bullmq', { bullmq: BULLMQ_VERSION, ioredis: versionOfPackage('ioredis') })
  return await measure({ corpus, rounds, onProgress, redis, nats, bullmq })
}

function notMeasured(reason) {
  warn(reason)
  return { name: NAME, title: TITLE, notes: [`Not measured: ${reason}.`], tables: [], reached: {}, raw: {} }
}

function warn(reason) {
  process.stderr.write(`\nNOT MEASURED: ${reason}.\n`)
}

async function measure({ corpus, rounds, onProgress, redis, nats, bullmq }) {
  // Each run has a server of its own: an old one has more to look through, and memory it has already asked for.
  const runOn = (server, argumentsFor) =>
    withServer(server, ({ port, pid, folder }) =>
      runPeer(argumentsFor(port, pid, folder).map(String), bullmq),
    )
  const inTurns = (kind, ways, times, runOne) =>
    inTurn(
      ways.filter((way) => way !== BULLMQ || bullmq !== undefined).map((name) => ({ name })),
      times,
      ({ name }) => runOne(name),
      (step) => onProgress(`${kind}, ${step}`),
    )
  const speeds = (server, kind, ways) =>
    inTurns(kind, ways, rounds, (way) =>
      runOn(server, (port, pid) => [`broker-${kind}.mjs`, way, eventsOf(way), port, pid]),
    )

  const publishing = await speeds(REDIS, 'publish', PUBLISHERS)
  const consuming = await speeds(REDIS, 'consume', CONSUMERS)
  const latency = await inTurns('latency', LATENCIES, rounds, (way) =>
    runOn(REDIS, (port) => ['broker-latency.mjs', way, port]),
  )
  const takeover = await inTurns('takeover', [OURS], rounds, () =>
    runOn(REDIS, (port) => ['broker-takeover.mjs', port, LEASE_MS]),
  )
  const memoryRounds = Math.max(1, Math.round(rounds * MEMORY_ROUNDS_FACTOR))
  const memory = await inTurns('memory', [OURS], memoryRounds, () =>
    withServer(REDIS, async ({ port }) => {
      await runPeer(['broker-store.mjs', String(PENDING), String(port)])
      return await runPeer(['broker-idle.mjs', String(port)])
    }),
  )
  const workers = await inTurns('worker', WORKERS, rounds, (way) =>
    runOn(REDIS, (port, pid, folder) => [
      ...['broker-worker.mjs', way, corpus.path, EVENTS.fast, port, pid, join(folder, 'app')],
    ]),
  )
  const natsWays = nats === undefined ? [] : NATS_WAYS
  const publishingOnNats = await speeds(NATS, 'publish', natsWays)
  const consumingOnNats = await speeds(NATS, 'consume', natsWays)
  const results = {
    publishing,
    consuming,
    latency,
    takeover,
    memory,
    workers,
    publishingOnNats,
    consumingOnNats,
  }

  return {
    name: NAME,
    title: TITLE,
    notes: notes({ rounds, memoryRounds, redis, nats, bullmq }),
    tables: [
      speedTable('Redis: publish', publishing, COMMANDS),
      speedTable('Redis: consume', consuming, COMMANDS),
      latencyTable(latency),
      consumerTable(takeover, memory),
      speedTable('Redis: log lines from stream to stream', workers, LOOP),
      ...(nats === undefined
        ? []
        : [
            speedTable('JetStream: publish', publishingOnNats, CLIENT),
            speedTable('JetStream: consume', consumingOnNats, CLIENT),
          ]),
    ],
    reached: reachedTargets(results),
    raw: Object.fromEntries(Object.entries(results).map(([key, of]) => [key, Object.fromEntries(of)])),
  }
}

function runPeer([script, ...args], bullmq) {
  // In this repository the packages stand side by side, and nothing has installed them.
  const loader = pathToFileURL(projectPath('scripts/from-clone.mjs')).href
  return runReport(['--import', loader, peerPath(script), ...args], {
    env: bullmq === undefined ? {} : { BULLMQ: bullmq },
  })
}

const eventsOf = (way) => (way === BULLMQ || NATS_WAYS.includes(way) ? EVENTS.slow : EVENTS.fast)

function versionOfPackage(name) {
  return JSON.parse(readFileSync(projectPath(`node_modules/${name}/package.json`), 'utf8')).version
}

function notes({ rounds, memoryRounds, redis, nats, bullmq }) {
  return [
    `Median (lowest - highest) of ${rounds} fresh processes, each with a fresh server on this machine: redis-server ${redis} without persistence${nats === undefined ? '' : `, nats-server ${nats} with a stream in files`}. ${formatCount(EVENTS.fast)} events, of BullMQ and JetStream ${formatCount(EVENTS.slow)}, after a fifth of that to warm up. An event has about 300 bytes; there are 100 keys.`,
    'Publish: 100 in flight. ioredis sends pipelines of 100 `XADD` with the same bytes, which are there before the clock runs; BullMQ `addBulk` of 100.',
    'Consume: events wait, and a handler counts them; 100 at once unless it says otherwise. ioredis reads with `XREADGROUP COUNT 100` and acknowledges with one `XACK` a batch, and does not look at what it has read; BullMQ has a `Worker` with `concurrency: 50`. "backend alone" is what reading and acknowledging takes without the bus and its handlers.',
    `CPU is that of the process and that of the server. Server and process may work at the same time.`,
    'Latency: from the call that publishes to the handler, in one process, 300 events a second.',
    `Takeover: from the SIGKILL of a consumer that has 100 events in hand, half of them with keys, until another process has handled all of them; \`leaseMs\` is ${LEASE_MS}. Memory: a process whose handlers wait for something, 10 s after it has taken what it takes, while ${PENDING.toLocaleString('en')} events wait for its group, half of them with keys; ${memoryRounds === 1 ? 'one process' : `highest of ${memoryRounds} processes`}, the loader of this repository included.`,
    'Log lines: those of the corpus, from a stream to another one of the same server. The worker enriches them as JSON; the loop has `XREADGROUP COUNT 500`, and a pipeline of `XADD` and one `XACK`.',
    ...(bullmq === undefined
      ? ['BullMQ was not measured: it could not be installed.']
      : [`BullMQ ${BULLMQ_VERSION}.`]),
    ...(nats === undefined ? ['NATS JetStream was not measured: nats-server is not installed.'] : []),
  ]
}

const wallUs = (run) => run.wallUs

/** How many times as fast ours is, if both were measured. */
function speed(results, ours, theirs) {
  if (!results.has(ours) || !results.has(theirs)) return undefined
  return ratio(results.get(theirs), results.get(ours), wallUs)
}

const titleOf = (way) => TITLES[way] ?? way

function speedTable(title, results, base) {
  return {
    columns: [title, 'events/s', `times ${titleOf(base)}`, 'CPU us an event', "server's CPU us"],
    rows: [...results].map(([way, runs]) => [
      titleOf(way),
      formatCount(spread(runs, (run) => 1e6 / run.wallUs).median),
      way === base ? '' : formatSpread(speed(results, way, base)),
      formatNumber(spread(runs, (run) => run.cpuUs).median),
      formatServerUs(spread(runs, (run) => run.serverUs).median),
    ]),
  }
}

/** Elsewhere than on Linux it is not known. */
const formatServerUs = (value) => (Number.isFinite(value) ? formatNumber(value) : '')

function latencyTable(latency) {
  const columns = [
    ['p50, ms', (run) => run.p50Ms],
    ['p99, ms', (run) => run.p99Ms],
  ]
  return {
    columns: ['Redis: from publishing to the handler', ...columns.map(([title]) => title)],
    rows: [...latency].map(([way, runs]) => [
      titleOf(way),
      ...columns.map(([, pick]) => formatSpread(spread(runs, pick))),
    ]),
  }
}

const takeoverMs = (takeover) => spread(takeover.get(OURS), (run) => run.takeoverMs)
const peakMb = (memory) => spread(memory.get(OURS), (run) => run.peakMb)

function consumerTable(takeover, memory) {
  const waiting = spread(memory.get(OURS), (run) => run.queueDepth + run.inFlight)
  return {
    columns: ['Redis: a consumer', 'reached'],
    rows: [
      ['events of a killed one are handled by another, ms', formatSpread(takeoverMs(takeover))],
      [
        `memory with ${waiting.min.toLocaleString('en')} events pending, peak MB`,
        formatSpread(peakMb(memory)),
      ],
    ],
  }
}

/** Nothing of it has to do with the line scanner: what one reaches, both do. */
function reachedTargets({ publishing, consuming, takeover, memory }) {
  const values = {
    brokerPublish: speed(publishing, OURS, COMMANDS),
    brokerConsume: speed(consuming, OURS, COMMANDS),
    brokerConsumeKeys: speed(consuming, KEYS, COMMANDS),
    brokerPublishBullmq: speed(publishing, OURS, BULLMQ),
    brokerConsumeBullmq: speed(consuming, FIFTY, BULLMQ),
    brokerMemory: peakMb(memory),
    brokerTakeover: takeoverMs(takeover),
  }
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, reachedPerScanner(() => value)]),
  )
}
