import { realpathSync, type Stats, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { ConnectionError } from './errors.ts'
import { quote } from './quote.ts'
import type { Database } from './sqlite-database.ts'

/**
 * Whether the file of a database is still the one that was opened. The system keeps a file that is removed or replaced
 * for whoever has it open, so that SQLite goes on without an error, and what it stores is gone with the process.
 */
export interface FileGuard {
  /** @throws ConnectionError when what is there cannot be opened without making it worse. */
  assertWhole(): void
  /**
   * Takes what is there now for the right one. The log beside it is looked at only where the database has begun to write
   * one: what others have left there may go.
   */
  begin(watched: 'file' | 'file and log'): void
  /** What has become of the file since; undefined as long as it is as it was. It is looked at every tenth of a second. */
  findFault(): ConnectionError | undefined
  /** The same, and it is looked at now. */
  look(): ConnectionError | undefined
}

/** So often is looked at the file at most. */
const INTERVAL_MS = 100
/** SQLite has no smaller pages, and a database has one at least. */
const SMALLEST_BYTES = 512

/** What the file was, and the log that SQLite writes beside it. */
interface Identity {
  readonly file: Stats
  readonly log: Stats | undefined
}

/** A guard of the file of a database; of one in memory it has nothing to say. */
export function createFileGuard(database: Database): FileGuard {
  const { file } = database
  if (file === undefined) {
    return { assertWhole() {}, begin() {}, findFault: () => undefined, look: () => undefined }
  }
  const log = `${file}-wal`
  let identity: Identity | undefined
  let bytes = 0
  let fault: ConnectionError | undefined
  let lookAt = 0

  /** Whether there must be more of it than there is, even if all of the log is what is missing. */
  const isShort = (): boolean => {
    const pages = database.prepare<{ readonly page_count: number }>('PRAGMA page_count').get()
    const page = database.prepare<{ readonly page_size: number }>('PRAGMA page_size').get()
    // In this order, since what is in the log comes into the file.
    const logBytes = statOf(log)?.size ?? 0
    const fileBytes = statOf(file)?.size ?? 0
    return fileBytes + logBytes < (pages?.page_count ?? 0) * (page?.page_size ?? 0)
  }
  /** Others write meanwhile: what is found once may be half old and half new. */
  const isCutShort = () => isShort() && isShort()

  const find = ({ file: first, log: firstLog }: Identity): ConnectionError | undefined => {
    const found = statOf(file)
    if (!found) return faultOf(file, 'has been removed', RESTART)
    if (!isSame(found, first)) return faultOf(file, 'has been replaced', RESTART)
    // A new one has nothing in it at first.
    if (found.size < SMALLEST_BYTES && bytes >= SMALLEST_BYTES)
      return faultOf(file, 'has been emptied', RESTORE)
    const foundLog = firstLog && statOf(log)
    if (firstLog && !foundLog) return faultOf(log, 'has been removed', RESTART)
    if (firstLog && foundLog && !isSame(foundLog, firstLog)) return faultOf(log, 'has been replaced', RESTART)
    // It becomes smaller when somebody vacuums it, too. What a transaction adds is not there yet.
    if (found.size < bytes && !database.isInTransaction() && isCutShort())
      return faultOf(file, 'has been cut short', RESTORE)
    bytes = found.size
    return undefined
  }
  const look = () => {
    if (!identity) return undefined
    lookAt = performance.now() + INTERVAL_MS
    try {
      fault = find(identity)
    } catch {
      // What SQLite cannot read, it tells itself.
    }
    return fault
  }

  return {
    assertWhole() {
      const found = statOf(file)
      const foundLog = statOf(log)
      // SQLite would take it for a new one, and remove the log with all that is only there.
      if (found?.size === 0 && foundLog && foundLog.size > 0)
        throw faultOf(file, 'is empty, and its log is not: somebody has emptied it', RESTORE)
      if (found && found.size >= SMALLEST_BYTES && isCutShort())
        throw faultOf(file, 'is shorter than it says: somebody has cut it short', RESTORE)
    },
    begin(watched) {
      const found = statOf(file)
      // A file system of the driver's own has nothing to look at.
      if (!found) return
      identity = { file: found, log: watched === 'file' ? undefined : statOf(log) }
      bytes = found.size
    },
    // What is wrong may be put right: a file can be moved back.
    findFault: () => (fault || performance.now() >= lookAt ? look() : undefined),
    look,
  }
}

/**
 * Whether two paths lead to the same database. Two names of one file in a folder are two databases: each has a log of
 * its own.
 */
export function isSameDatabase(a: string | undefined, b: string | undefined): boolean {
  // What has no file is seen by nobody else.
  if (a === undefined || b === undefined) return false
  const [first, second] = [followLinks(a), followLinks(b)]
  if (first === second) return true
  // One folder may be mounted in two places.
  const [folder, other] = [statOf(dirname(first)), statOf(dirname(second))]
  return basename(first) === basename(second) && !!folder && !!other && isSame(folder, other)
}

const RESTART =
  'Put it back where it was, or begin a new one by starting all processes again that have it open. What they store until then is lost.'
const RESTORE = 'End all processes that have it open, and restore it, or move it away to begin anew.'

function faultOf(path: string, what: string, hint: string): ConnectionError {
  return new ConnectionError(`The file ${quote(path, path.length)} of the SQLite database ${what}.`, {
    code: 'EVENTSETS_CONNECTION',
    hint,
  })
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    // Nobody may look there any more; it is not known to be there.
    return undefined
  }
}

function followLinks(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function isSame(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev
}
