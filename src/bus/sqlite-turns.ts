import { ConnectionError, EventError } from './errors.ts'
import { type Database, isBusy, isNested, isOfDatabase, toConnectionError } from './sqlite-database.ts'

/** Reads and writes of a database that others use too. */
export interface Turns {
  /**
   * Runs a task in a transaction and resolves when that has been stored. All tasks of one turn of the event loop share
   * a transaction: waiting for the disk is what takes the time. A task that throws fails alone. It may be run more than
   * once, so that it must not change anything but the database.
   *
   * @param weight How much work it is; a transaction has so much of it at most that the event loop goes on. 0 for next to
   * nothing: on a disk that is full there may be room for it, and for nothing else.
   * @throws ConnectionError, and what the task throws on purpose.
   */
  write<T>(task: () => T, weight?: number): Promise<T>
  /** Runs a task that only reads. */
  read<T>(task: () => T): Promise<T>
  /** Ends all that waits, with what has been asked for so far done if that takes no longer than the deadline. */
  close(deadlineMs: number): Promise<void>
  /**
   * Why nothing can be written: what the database has failed with, and not what was written, until something of any
   * weight has been stored again.
   */
  failure(): ConnectionError | undefined
}

/** Of the work that a transaction has at most, in events. */
const MAX_WEIGHT = 1000
/** How long to wait before the next try to get a lock. */
const MAX_PAUSE_MS = 25

interface Task {
  readonly run: () => unknown
  readonly weight: number
  readonly since: number
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

/**
 * Locks are waited for without blocking the event loop: whoever holds one may be waiting for it, in this very process.
 * A transaction that somebody else has begun on the same handle is waited for in the same way, or what is written would
 * be a part of it.
 *
 * @param findFault Why nothing is to be written at all, if so.
 */
export function createTurns(
  database: Database,
  busyTimeoutMs: number,
  findFault: () => ConnectionError | undefined = () => undefined,
): Turns {
  const begin = createBegin(database)
  let queue: Task[] = []
  let pauseMs = 0
  let isPlanned = false
  let isClosed = false
  let failure: ConnectionError | undefined
  let onEmpty: (() => void) | undefined

  const plan = () => {
    if (isPlanned || queue.length === 0) return
    isPlanned = true
    if (pauseMs === 0) setImmediate(run)
    else setTimeout(run, pauseMs)
  }
  const run = () => {
    isPlanned = false
    const fault = findFault()
    if (fault) for (const { reject } of queue.splice(0)) reject(fault)
    const turn = takeTurn()
    if (turn.length === 0) {
      onEmpty?.()
      return
    }
    if (tryTurn(turn)) pauseMs = 0
    else {
      queue = [...turn, ...queue]
      pauseMs = nextPause(pauseMs)
      rejectLate()
    }
    if (queue.length === 0) onEmpty?.()
    plan()
  }
  const takeTurn = (): Task[] => {
    let weight = 0
    let count = 0
    while (count < queue.length && (count === 0 || weight + (queue[count] as Task).weight <= MAX_WEIGHT))
      weight += (queue[count++] as Task).weight
    return queue.splice(0, count)
  }
  const rejectLate = () => {
    const latest = performance.now() - busyTimeoutMs
    const late = queue.filter(({ since }) => since <= latest)
    if (late.length === 0) return
    queue = queue.filter(({ since }) => since > latest)
    for (const { reject } of late) reject(lockedError(database, busyTimeoutMs))
  }
  /** Gives false when somebody else is at it. */
  const tryTurn = (turn: readonly Task[]): boolean => {
    const values: unknown[] = []
    try {
      if (!begin()) return false
      for (const { run } of turn) values.push(run())
      database.exec('COMMIT')
      if (turn.some(({ weight }) => weight > 0)) failure = undefined
    } catch (error) {
      rollBack(database)
      if (isBusy(error)) return false
      if (isOfDatabase(error)) failure = toConnectionError(error)
      // One of them is to blame, and it alone is to fail.
      if (turn.length === 1) turn[0]?.reject(toError(error))
      else
        for (const [index, task] of turn.entries()) {
          if (tryTurn([task])) continue
          queue = [...turn.slice(index), ...queue]
          break
        }
      return true
    }
    for (const [index, { resolve }] of turn.entries()) resolve(values[index] as never)
    return true
  }

  return {
    write(task, weight = 1) {
      if (isClosed) return Promise.reject(closedError())
      return new Promise((resolve, reject) => {
        queue.push({ run: task, weight, since: performance.now(), resolve, reject })
        plan()
      })
    },
    async read(task) {
      const latest = performance.now() + busyTimeoutMs
      for (let waitMs = nextPause(0); ; waitMs = nextPause(waitMs)) {
        if (isClosed) throw closedError()
        try {
          if (!database.isInTransaction()) return task()
        } catch (error) {
          if (!isBusy(error)) throw toError(error)
        }
        if (performance.now() > latest) throw lockedError(database, busyTimeoutMs)
        await new Promise((resolve) => setTimeout(resolve, waitMs))
      }
    },
    async close(deadlineMs) {
      if (isClosed) return
      isClosed = true
      if (queue.length > 0) {
        let timer: NodeJS.Timeout | undefined
        await new Promise<void>((resolve) => {
          onEmpty = resolve
          timer = setTimeout(resolve, deadlineMs)
        })
        clearTimeout(timer)
      }
      for (const { reject } of queue.splice(0)) reject(closedError())
    },
    failure: () => failure,
  }
}

/** Begins a transaction that may write; gives false when somebody else has one. */
export function createBegin(database: Database): () => boolean {
  // The handle may have other users, who may wait for locks as they like.
  const theirs = database.prepare<{ readonly timeout: number }>('PRAGMA busy_timeout').get()?.timeout ?? 0
  return () => {
    if (database.isInTransaction()) return false
    if (theirs > 0) database.exec('PRAGMA busy_timeout = 0')
    try {
      database.exec('BEGIN IMMEDIATE')
      return true
    } catch (error) {
      if (isBusy(error) || isNested(error)) return false
      throw error
    } finally {
      if (theirs > 0) database.exec(`PRAGMA busy_timeout = ${theirs}`)
    }
  }
}

export function rollBack(database: Database): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // SQLite has done so itself, or there was none.
  }
}

/** Longer with each try, and never the same for two that try at the same time. */
export function nextPause(ms: number): number {
  return Math.min(MAX_PAUSE_MS, ms + 1 + Math.random() * (ms + 1))
}

function toError(error: unknown): EventError {
  return error instanceof EventError ? error : toConnectionError(error)
}

export function lockedError(database: Database, busyTimeoutMs: number): ConnectionError {
  const isOurs = database.isInTransaction()
  const what = isOurs
    ? 'A transaction has been open on the handle of the SQLite database'
    : 'The SQLite database has been locked'
  return new ConnectionError(`${what} for ${busyTimeoutMs} ms.`, {
    code: 'EVENTSETS_CONNECTION',
    hint: isOurs
      ? 'End it, or publish in it: bus.transaction(run, { outbox, handle }). Do not wait for a publish of another kind inside it.'
      : 'Another process or handle holds a transaction open. End it earlier, or raise "busyTimeoutMs".',
  })
}

function closedError(): EventError {
  return new EventError('The SQLite backend is closed.', { code: 'EVENTSETS_BUS_CLOSED' })
}
