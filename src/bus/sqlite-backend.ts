import { NotFoundError } from '../core/errors.ts'
import { object, oneOf, optional } from '../core/shape.ts'
import type { BackendHealth, BusBackend, DeadLetterStore, GroupHealth } from './backend.ts'
import { type Clock, createSystemClock } from './clock.ts'
import { ConnectionError, PublishError, reasonOf } from './errors.ts'
import { assertOptions, expected, isText, maybeCount, maybeMilliseconds } from './option-shape.ts'
import { compilePattern } from './pattern.ts'
import { quote, writeOut } from './quote.ts'
import { type Consumers, createConsumers, type GroupRow, type NewGroups } from './sqlite-consumers.ts'
import { beginConsumption, type SqliteConsumption } from './sqlite-consumption.ts'
import {
  type Database,
  isSqliteHandle,
  type SqliteDriver,
  type SqliteHandle,
  wrapHandle,
} from './sqlite-database.ts'
import { createFileGuard } from './sqlite-file.ts'
import { createLetters, type Letters } from './sqlite-letters.ts'
import { createEventLog, type EventLog } from './sqlite-log.ts'
import { createOwnOutbox } from './sqlite-own-outbox.ts'
import { createTables, giveRoomBack, tablesOf, takeRoom } from './sqlite-schema.ts'
import { createTrimmer, type Trimmer } from './sqlite-trim.ts'
import { createTurns } from './sqlite-turns.ts'
import { createPoll, enterFile } from './sqlite-wake.ts'
import { createWorkQueue, type WorkQueue } from './sqlite-work.ts'
import { readBody, type StoredEntry, toEntry } from './stored-body.ts'
import type { Outbox } from './transaction.ts'

export interface SqliteBackendOptions {
  /**
   * An open database of better-sqlite3, libsql or node:sqlite; or the path of a file, which is opened with `driver`.
   * A handle that is given stays open when the backend closes. It may be used for more than the bus.
   */
  readonly database: SqliteHandle | string
  /** Opens `database` where that is a path. `DatabaseSync` of node:sqlite unless given, where Node has it. */
  readonly driver?: SqliteDriver | undefined
  /**
   * `full`: what is stored survives a power failure. `normal`: it survives the end of the process, and a power failure
   * may take the last moments; several times as fast where events are published one by one. `full` unless given.
   */
  readonly synchronous?: 'full' | 'normal' | undefined
  /** For how long a lock of somebody else is waited for, in milliseconds. 5000 unless given. */
  readonly busyTimeoutMs?: number | undefined
  /** What a process had in hand is given to another one when it has not been heard of for so long, in milliseconds. 10000 unless given. */
  readonly leaseMs?: number | undefined
  /** How often to look for what other processes have published, in milliseconds. 20 unless given. */
  readonly pollMs?: number | undefined
  /** After so many deliveries whose process has died, an event becomes a dead letter with the reason `crashed`. 3 unless given. */
  readonly maxCrashes?: number | undefined
  /** How many events are kept that have been handled, the latest ones. 100000 unless given. What waits is always kept. */
  readonly historySize?: number | undefined
  /** For how long events are kept that have been handled, in milliseconds. 7 days unless given. */
  readonly historyMs?: number | undefined
  /** How many events may wait for a group: with more, publishing is rejected with `PublishError`. No limit unless given. */
  readonly maxQueueDepth?: number | undefined
  /**
   * Where a group begins that is new: with what is published from `now` on, or at the `beginning` of what is kept. `now`
   * unless given; what was published before there was any group at all waits for the first one.
   */
  readonly newGroups?: NewGroups | undefined
  /** What the names of the tables begin with. `eventsets_` unless given. */
  readonly tablePrefix?: string | undefined
  readonly clock?: Clock | undefined
}

/** A group of consumers, for people and programs that look. */
export interface SqliteGroup extends GroupHealth {
  /** How many consumers are at work. */
  readonly consumers: number
}

export interface SqliteBackend extends BusBackend {
  /**
   * Writes events into the tables of the backend itself, in a transaction of the caller's: no relay is needed. The
   * handle may be the backend's own or another one that has the same file open.
   */
  readonly outbox: Outbox<SqliteHandle>
  /** The groups there are, those without a consumer included. */
  groups(): Promise<SqliteGroup[]>
  /** Forgets a group, and what waits for it. What nobody will ever handle would be kept for it for ever. Gives whether there was one. */
  removeGroup(name: string): Promise<boolean>
}

const WEEK_MS = 7 * 24 * 60 * 60 * 1000
/** What is stored as the end: what has been asked for so far is still done. */
const CLOSE_MS = 900

/**
 * Keeps events in a SQLite database: what was published survives the end of the process at any moment, and is handled
 * at least once. Several processes of one machine may publish and consume.
 *
 * @throws ValidationError for wrong options, ConnectionError when the file cannot be opened.
 */
export function sqliteBackend(options: SqliteBackendOptions): SqliteBackend {
  const settings = resolveOptions(options)
  const { clock, tables, maxQueueDepth } = settings
  const { database, isOwn } = openDatabase(options)
  const guard = createFileGuard(database)
  guard.begin('file')
  const turns = createTurns(database, settings.busyTimeoutMs, guard.findFault)
  const consumptions = new Set<SqliteConsumption>()
  const wake = (group?: string) => {
    for (const consumption of consumptions) consumption.wake(group)
  }
  const neighbours = enterFile(database.file, wake)
  const poll = createPoll(database, clock, settings.pollMs, consumptions)
  let opening: Promise<Parts> | undefined
  let closing: Promise<void> | undefined
  /** Whether the tables are there for good. */
  let isOpen = false

  const open = (): Promise<Parts> => {
    opening ??= begin().catch((error) => {
      opening = undefined
      throw error
    })
    return opening
  }
  const begin = async (): Promise<Parts> => {
    await turns.read(() => {
      guard.assertWhole()
      // Readers and a writer at once, and the file is whole whenever a process ends.
      database.prepare('PRAGMA journal_mode = WAL').all()
      database.exec(`PRAGMA synchronous = ${settings.synchronous}`)
    })
    await turns.write(() => createTables(database, tables))
    guard.begin('file and log')
    isOpen = true
    const log = createEventLog(database, tables)
    const letters = createLetters(database, tables)
    const { historySize, historyMs } = settings
    return {
      log,
      letters,
      queue: createWorkQueue(database, tables, letters, settings.maxCrashes),
      consumers: createConsumers(database, tables, log),
      trimmer: createTrimmer({ turns, log, clock, historySize, historyMs }),
    }
  }
  /** Whatever was wrong may be over, and nobody may publish before that is said. */
  const tryToWrite = async () => {
    try {
      await turns.write(() => takeRoom(database, tables))
      await turns.write(() => giveRoomBack(database, tables))
    } catch {
      // It is known already.
    }
  }
  /** Why no more events are taken, if so. */
  const findRefusal = (
    { log, consumers, queue }: Parts,
    entries: readonly StoredEntry[],
  ): PublishError | undefined => {
    if (maxQueueDepth === Number.POSITIVE_INFINITY) return undefined
    const added = entries.length
    // A handler that could not publish what follows would fail, and what waits would become more.
    const isFollowUp = entries.some(({ event }) => (event.depth ?? 0) > 0)
    const most = isFollowUp ? maxQueueDepth * 2 : maxQueueDepth
    const groups = consumers.groups()
    const last = log.last()
    if (last + added > most && !consumers.hasBegun()) return fullError('the first group', last)
    for (const { id, name, position, taken } of groups) {
      // Nearly always the count cannot be too large, and need not be made.
      if (last - position + taken + added <= most) continue
      const { waiting } = queue.counts(id)
      if (waiting + added > most) return fullError(`the group ${quote(name)}`, waiting)
    }
    return undefined
  }

  const deadLetters: DeadLetterStore = {
    async list({ limit = Number.POSITIVE_INFINITY, pattern = '*' } = {}) {
      const { letters } = await open()
      return await turns.read(() => letters.list(limit, pattern))
    },
    async get(id) {
      const { letters } = await open()
      return await turns.read(() => letters.get(id)?.letter)
    },
    async add(added) {
      const { letters } = await open()
      await turns.write(() => added.forEach(letters.add), added.length)
    },
    async replay(ids) {
      const { letters, consumers, queue, log } = await open()
      const count = await turns.write(() => {
        let replayed = 0
        for (const id of new Set(ids)) {
          const filed = letters.get(id)
          if (!filed) continue
          const { group } = filed.letter
          const all = () => consumers.groups().map((each) => each.id)
          const targets = group === undefined ? all() : [consumers.openGroup(group, 'now').id]
          // A letter that nobody would get stays.
          if (targets.length === 0) continue
          for (const target of targets) queue.add(target, filed, log.last(), clock.now())
          letters.drop(id)
          replayed++
        }
        return replayed
      }, ids.length)
      neighbours.wake()
      return count
    },
    async drop(id) {
      const { letters } = await open()
      return await turns.write(() => letters.drop(id))
    },
  }

  return {
    name: 'sqlite',
    features: {
      durable: database.file !== undefined,
      ordered: true,
      consumerGroups: true,
      takeover: database.file !== undefined,
      replay: true,
      delay: true,
      deduplication: true,
      atomic: true,
    },
    async publish(events) {
      const entries = events.map(toEntry)
      if (entries.length === 0) return
      const parts = await open()
      const refusal = await turns.write(() => {
        const found = findRefusal(parts, entries)
        if (!found) parts.log.add(entries, clock.now())
        return found
      }, entries.length)
      if (refusal) throw refusal
      neighbours.wake()
      parts.trimmer.added(entries.length)
    },
    async consume(consumer) {
      const { queue, consumers, trimmer } = await open()
      const { leaseMs, newGroups } = settings
      const consumption: SqliteConsumption = await beginConsumption({
        turns,
        queue,
        consumers,
        clock,
        openGroup: () => consumers.openGroup(consumer.group, newGroups),
        consumer,
        leaseMs,
        wakeOthers: neighbours.wake,
        onBeat: trimmer.tick,
        onEnd: () => consumptions.delete(consumption),
      })
      consumptions.add(consumption)
      poll.begin()
      return consumption
    },
    async *replay({
      from = Number.NEGATIVE_INFINITY,
      to = Number.POSITIVE_INFINITY,
      afterId,
      pattern = '*',
      signal,
    }) {
      const matches = compilePattern(pattern)
      const { log } = await open()
      // What is published while somebody reads is not part of what they asked for.
      const { start, toSeq } = await turns.read(() => ({
        start: afterId === undefined ? 0 : log.find(afterId),
        toSeq: log.last(),
      }))
      // Everything from the beginning is not what was asked for, and what is missing must not go unnoticed.
      if (start === undefined) throw unknownEvent(afterId as string)
      let afterSeq = start
      for (;;) {
        const { bodies, nextSeq } = await turns.read(() => log.page({ afterSeq, toSeq, matches }))
        for (const body of bodies) {
          if (signal?.aborted) return
          const { event } = readBody(body)
          // What cannot be read is told when it is to be handled.
          if (event && event.time >= from && event.time <= to) yield event
        }
        if (nextSeq === undefined || signal?.aborted) return
        afterSeq = nextSeq
      }
    },
    deadLetters,
    outbox: createOwnOutbox({
      database,
      tables,
      clock,
      isOpen: () => isOpen,
      findFault: guard.findFault,
      onWrite: () => wake(),
    }),
    async groups() {
      const { consumers, queue } = await open()
      return await turns.read(() =>
        consumers.groups().map((group) => ({
          ...groupHealth(group, queue, clock.now()),
          consumers: group.consumers,
        })),
      )
    },
    async removeGroup(name) {
      const { consumers } = await open()
      return await turns.write(() => {
        const id = consumers.find(name)
        if (id !== undefined) consumers.removeGroup(id)
        return id !== undefined
      })
    },
    async health() {
      if (closing) return unhealthy('The backend is closed.')
      try {
        const parts = await open()
        const fault = guard.look()
        if (fault) throw fault
        if (turns.failure()) await tryToWrite()
        const failure = turns.failure()
        const health = await turns.read(() => healthOf(parts, clock.now(), maxQueueDepth))
        return failure
          ? { ...health, status: 'unhealthy', reasons: [adviceOf(failure), ...health.reasons] }
          : health
      } catch (error) {
        return unhealthy(adviceOf(error))
      }
    },
    close() {
      closing ??= (async () => {
        poll.end()
        neighbours.leave()
        const abandoned = [...consumptions].map((consumption) => consumption.abandon())
        await turns.close(CLOSE_MS)
        await Promise.all(abandoned)
        if (isOwn) database.handle.close()
      })()
      return closing
    },
  }
}

function openDatabase({ database, driver }: SqliteBackendOptions): { database: Database; isOwn: boolean } {
  if (typeof database !== 'string') return { database: wrapHandle(database), isOwn: false }
  const Driver = driver ?? findDriver()
  if (!Driver) {
    throw new ConnectionError('This version of Node has no SQLite of its own.', {
      code: 'EVENTSETS_CONNECTION',
      hint: 'Install better-sqlite3 or libsql, and give it as "driver": import Database from \'better-sqlite3\'.',
    })
  }
  let handle: SqliteHandle
  try {
    handle = new Driver(database)
  } catch (error) {
    throw new ConnectionError(
      `The SQLite database ${quote(database)} cannot be opened: ${writeOut(reasonOf(error))}`,
      {
        code: 'EVENTSETS_CONNECTION',
        hint: 'Its folder must exist, and the process must be allowed to write there.',
        cause: error,
      },
    )
  }
  // Locks are waited for without blocking the event loop.
  handle.exec('PRAGMA busy_timeout = 0')
  return { database: wrapHandle(handle), isOwn: true }
}

/** What Node has since version 22.5, where it is switched on. */
function findDriver(): SqliteDriver | undefined {
  // Node names it nowhere else where it has not got it, and importing it would fail.
  const sqlite = process.getBuiltinModule?.('node:sqlite') as
    | { readonly DatabaseSync?: SqliteDriver }
    | undefined
  return sqlite?.DatabaseSync
}

function healthOf(
  { consumers, queue, letters, log }: Parts,
  now: number,
  maxQueueDepth: number,
): BackendHealth {
  const groups = consumers.groups().map((group) => groupHealth(group, queue, now))
  const full = groups.filter(({ queueDepth }) => queueDepth >= maxQueueDepth)
  return {
    status: full.length > 0 ? 'degraded' : 'healthy',
    reasons: full.map(
      ({ name, queueDepth }) =>
        `${wordWaiting(queueDepth)} for the group ${quote(name)}, and no more are taken.`,
    ),
    queueDepth: consumers.hasBegun()
      ? groups.reduce((sum, { queueDepth }) => sum + queueDepth, 0)
      : log.count(),
    inFlight: groups.reduce((sum, { inFlight }) => sum + inFlight, 0),
    lagMs: Math.max(0, ...groups.map(({ lagMs }) => lagMs)),
    deadLetters: letters.count(),
    groups,
  }
}

function groupHealth({ id, name }: GroupRow, queue: WorkQueue, now: number): GroupHealth {
  const { waiting, inFlight, oldest } = queue.counts(id)
  return { name, queueDepth: waiting, inFlight, lagMs: oldest === null ? 0 : Math.max(0, now - oldest) }
}

/** What is wrong, and what to do. */
function adviceOf(error: unknown): string {
  const hint = error instanceof ConnectionError ? error.hint : undefined
  const reason = writeOut(reasonOf(error))
  if (hint === undefined) return reason
  // What a driver says ends without a full stop.
  return `${reason.replace(/\.?$/, '.')} ${hint}`
}

function unknownEvent(id: string): NotFoundError {
  return new NotFoundError(`The event ${quote(id)} is not in the history, or not any more.`, {
    missing: id,
    nearest: [],
    hint: 'Read the history from its beginning, or keep more of it: the options "historySize" and "historyMs" of the SQLite backend.',
  })
}

function unhealthy(reason: string): BackendHealth {
  return {
    status: 'unhealthy',
    reasons: [reason],
    queueDepth: 0,
    inFlight: 0,
    lagMs: 0,
    deadLetters: 0,
    groups: [],
  }
}

function wordWaiting(count: number): string {
  return count === 1 ? '1 event waits' : `${count} events wait`
}

function fullError(whom: string, waiting: number): PublishError {
  return new PublishError(`${wordWaiting(waiting)} for ${whom}, and no more are taken.`, {
    code: 'EVENTSETS_PUBLISH',
    hint: 'Handlers are slower than publishers, or nobody consumes: see groups() and removeGroup(name). Or raise "maxQueueDepth".',
  })
}

const PREFIX = /^[A-Za-z_][A-Za-z0-9_]{0,60}$/

const shape = object({
  database: expected(
    'an open database of better-sqlite3, libsql or node:sqlite, or the path of a file, without NUL characters',
    // libsql ends the process over a NUL.
    (input) => (isText(input) && !input.includes('\0')) || isSqliteHandle(input),
  ),
  driver: optional(expected('a class of databases', (input) => typeof input === 'function')),
  synchronous: optional(oneOf('full', 'normal')),
  busyTimeoutMs: maybeMilliseconds,
  leaseMs: maybeMilliseconds,
  pollMs: maybeMilliseconds,
  maxCrashes: optional(
    expected('a whole number of at least 1', (input) => Number.isInteger(input) && (input as number) >= 1),
  ),
  historySize: maybeCount,
  historyMs: maybeMilliseconds,
  maxQueueDepth: maybeCount,
  newGroups: optional(oneOf('now', 'beginning')),
  tablePrefix: optional(
    expected(
      'letters, digits and underscores, and no digit first',
      (input) => isText(input) && PREFIX.test(input),
    ),
  ),
  clock: optional(expected('a clock', (input) => typeof (input as Clock | null)?.now === 'function')),
})

function resolveOptions(options: SqliteBackendOptions) {
  assertOptions('The options of the SQLite backend are', shape, options)
  const {
    synchronous = 'full',
    busyTimeoutMs = 5000,
    leaseMs = 10_000,
    pollMs = 20,
    maxCrashes = 3,
    historySize = 100_000,
    historyMs = WEEK_MS,
    maxQueueDepth = Number.POSITIVE_INFINITY,
    newGroups = 'now',
    tablePrefix = 'eventsets_',
    clock = createSystemClock(),
  } = options
  const tables = tablesOf(tablePrefix)
  const times = { busyTimeoutMs, leaseMs, pollMs, historyMs }
  return { ...times, synchronous, maxCrashes, historySize, maxQueueDepth, newGroups, tables, clock }
}

/** What the backend consists of once its tables are there. */
interface Parts {
  readonly log: EventLog
  readonly letters: Letters
  readonly queue: WorkQueue
  readonly consumers: Consumers
  readonly trimmer: Trimmer
}
