// `npm run example:distributed`: three workers share the events of a publisher, and are killed at random. In the end it
// is counted what has become of each event. It fails when one was lost, or has overtaken another one of its key.
//
// Of the environment: REDIS_URL, a server of yours; EVENTS, how many; KILL_EVERY_MS, how often a worker dies, about.
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { redisStreams } from '@eventsets/redis-streams'
import { audit } from './audit.mjs'
import { hasEnded, startCrew } from './crew.mjs'
import { openRedis } from './redis.mjs'

const WORKERS = 3
const CUSTOMERS = 200
/** How long the workers may need for what is left when everything has been published. */
const PATIENCE_MS = 60_000

/** Aborted when the example has to end before its time. */
const end = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => end.abort(new Error(`Ended by ${signal}.`)))
/** @type {Promise<never>} */
const ended = new Promise((_, reject) => {
  end.signal.addEventListener('abort', () => reject(end.signal.reason))
})
ended.catch(() => {})

try {
  const events = numberFrom('EVENTS', 20_000)
  const killEveryMs = numberFrom('KILL_EVERY_MS', 2500)
  const report = await run(events, killEveryMs)
  show(report)
  const isAsPromised = report.lost.length === 0 && report.outOfOrder.length === 0
  process.exitCode = isAsPromised && report.published === events ? 0 : 1
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}

/**
 * @param {number} events how many
 * @param {number} killEveryMs
 */
async function run(events, killEveryMs) {
  const folder = mkdtempSync(join(tmpdir(), 'distributed-'))
  const stream = `example-${randomUUID()}`
  const ledgers = { published: join(folder, 'published'), notes: join(folder, 'notes') }
  /** What is to be undone, the last first. @type {(() => unknown)[]} */
  const undo = [() => rmSync(folder, { recursive: true, force: true })]
  try {
    const redis = await openRedis({ url: process.env.REDIS_URL, folder: join(folder, 'redis'), stream })
    undo.push(() => redis.close())
    console.log(`${WORKERS} workers, ${events} events of ${CUSTOMERS} keys, on ${redis.what}.`)
    console.log('Now and then a worker is killed with SIGKILL, and another one started.\n')

    const environment = { ...process.env, REDIS_URL: redis.url, STREAM: stream }
    const crew = startCrew({
      size: WORKERS,
      environment: { ...environment, LEDGER: ledgers.notes },
      onFailure: (error) => end.abort(error),
    })
    undo.push(() => crew.killAll())
    await Promise.race([crew.ready, ended])
    const publisher = startPublisher({
      ...environment,
      LEDGER: ledgers.published,
      EVENTS: `${events}`,
      CUSTOMERS: `${CUSTOMERS}`,
    })
    undo.push(async () => {
      publisher.kill('SIGKILL')
      await hasEnded(publisher)
    })
    const backend = redisStreams({ url: redis.url, stream })
    undo.push(() => backend.close())

    const telling = tellProgress(ledgers, crew)
    undo.push(() => telling.stop())
    await killWhile(publisher, crew, killEveryMs)
    const isDone = await untilIdle(backend)
    if (isDone) await crew.stop()
    else console.error(`\nThe workers were not done within ${PATIENCE_MS / 1000} seconds.`)
    telling.stop()
    const letters = await backend.deadLetters.list({ limit: events })
    return audit({
      published: readLedger(ledgers.published),
      notes: readLedger(ledgers.notes),
      deadLetters: letters.map(({ event }) => event),
      kills: crew.kills,
    })
  } finally {
    for (const step of undo.reverse()) await step()
  }
}

/** @param {NodeJS.ProcessEnv} environment */
function startPublisher(environment) {
  const file = fileURLToPath(new URL('publisher.mjs', import.meta.url))
  return fork(file, { env: environment, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

/**
 * The killer, at work until everything has been published.
 *
 * @param {import('node:child_process').ChildProcess} publisher
 * @param {import('./crew.mjs').Crew} crew
 * @param {number} everyMs
 */
async function killWhile(publisher, crew, everyMs) {
  const over = new AbortController()
  const killing = (async () => {
    for (;;) {
      await setTimeout(everyMs * (0.5 + Math.random()), undefined, { signal: over.signal })
      crew.killOne()
    }
  })()
  try {
    const [code] = await Promise.race([once(publisher, 'exit'), ended])
    if (code !== 0) throw new Error('The publisher has failed.')
  } finally {
    over.abort()
    await killing.catch(() => {})
  }
}

/**
 * Gives whether nothing waits any more.
 *
 * @param {import('@eventsets/redis-streams').RedisStreamsBackend} backend
 */
async function untilIdle(backend) {
  const deadlineMs = performance.now() + PATIENCE_MS
  while (performance.now() < deadlineMs) {
    end.signal.throwIfAborted()
    const { status, queueDepth, inFlight } = await backend.health()
    if (status !== 'unhealthy' && queueDepth === 0 && inFlight === 0) return true
    await setTimeout(50)
  }
  return false
}

/**
 * A line on a terminal, and a line now and then elsewhere.
 *
 * @param {{ published: string, notes: string }} ledgers
 * @param {import('./crew.mjs').Crew} crew
 */
function tellProgress(ledgers, crew) {
  const isTerminal = process.stdout.isTTY
  const tell = () => {
    const handled = readLedger(ledgers.notes).filter(({ what }) => what === 'handled')
    const ids = new Set(handled.map(({ id }) => id))
    const published = readLedger(ledgers.published).length
    const line = `published ${published}, handled ${ids.size}, killed ${crew.kills.length}`
    process.stdout.write(isTerminal ? `\r${line}   ` : `${line}\n`)
  }
  const timer = setInterval(tell, isTerminal ? 500 : 2000)
  let isOver = false
  return {
    stop() {
      if (isOver) return
      isOver = true
      clearInterval(timer)
      tell()
      if (isTerminal) process.stdout.write('\n')
    },
  }
}

/** @param {ReturnType<typeof audit>} report */
function show(report) {
  const { lost, outOfOrder } = report
  const rows = [
    ['published, and acknowledged', report.published],
    ['handled', report.handled],
    ['lost', lost.length],
    ['repeated', report.repeated],
    ['out of order within a key', outOfOrder.length],
    ['dead letters', report.deadLetters],
    ['workers killed', report.kills],
    ['longest recovery', `${(report.longestRecoveryMs / 1000).toFixed(1)} s`],
  ]
  console.log()
  for (const [what, value] of rows) console.log(`${`${what}`.padEnd(28)}${`${value}`.padStart(8)}`)
  if (lost.length > 0) console.log(`\nlost: ${lost.slice(0, 10).join(', ')}`)
  if (outOfOrder.length > 0) console.log(`\nout of order: ${outOfOrder.slice(0, 10).join(', ')}`)
}

/** @typedef {import('./audit.mjs').Note} Note */

/**
 * @param {string} path
 * @returns {Note[]} of what was published the ids alone
 */
function readLedger(path) {
  if (!existsSync(path)) return []
  // Whoever was killed while writing may have left a part of a line at the end.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line))
}

/**
 * @param {string} name of the variable
 * @param {number} otherwise
 */
function numberFrom(name, otherwise) {
  const text = process.env[name] ?? `${otherwise}`
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error(`${name} has to be a whole number from 1 to 9999999.`)
  return Number(text)
}
