import type { Clock } from './clock.ts'
import { type ConnectionError, EventError } from './errors.ts'
import { quote } from './quote.ts'
import {
  type Database,
  isSqliteHandle,
  type SqliteHandle,
  toConnectionError,
  wrapHandle,
} from './sqlite-database.ts'
import { isSameDatabase } from './sqlite-file.ts'
import { createEventLog, type EventLog } from './sqlite-log.ts'
import { createTables, hasTables, type Tables } from './sqlite-schema.ts'
import { toEntry } from './stored-body.ts'
import type { Outbox } from './transaction.ts'

export interface OwnOutboxSetting {
  /** The backend's own. */
  readonly database: Database
  readonly tables: Tables
  readonly clock: Clock
  /** Whether the tables are there for good. */
  readonly isOpen: () => boolean
  /** Why nothing is to be written at all, if so. */
  readonly findFault: () => ConnectionError | undefined
  /** Called when something was written by the backend's own handle: nobody is told of that otherwise. */
  readonly onWrite: () => void
}

/** Publishes into the tables of a SQLite backend in somebody's transaction. */
export function createOwnOutbox({
  database,
  tables,
  clock,
  isOpen,
  findFault,
  onWrite,
}: OwnOutboxSetting): Outbox<SqliteHandle> {
  const logs = new WeakMap<SqliteHandle, EventLog>()
  const logOf = (target: Database): EventLog => {
    const known = logs.get(target.handle)
    if (known) return known
    const log = createEventLog(target, tables)
    logs.set(target.handle, log)
    return log
  }
  return {
    write(handle, events) {
      const isOwn = handle === database.handle
      const target = openTarget(handle, database, 'the SQLite backend', ELSEWHERE)
      const entries = events.map(toEntry)
      assertTransaction(target)
      const fault = findFault()
      if (fault) throw fault
      try {
        // In the same transaction: who holds the database cannot wait for somebody else to do it.
        if (!isOpen() && !hasTables(target, tables)) createTables(target, tables)
        logOf(target).add(entries, clock.now())
      } catch (error) {
        throw toConnectionError(error)
      }
      if (isOwn) onWrite()
    },
  }
}

const ELSEWHERE =
  'Give the backend the file of the handle; or use sqliteOutbox({ database }) for that file, with a relay that publishes from there.'

/**
 * The database of a handle that somebody has given, where it is the one from which the events are published: what is
 * written to another one would stay there.
 *
 * @param reader Who publishes them: `the SQLite backend`.
 * @throws EventError for another database, and for what is none; ConnectionError when it cannot be used.
 */
export function openTarget(handle: SqliteHandle, database: Database, reader: string, hint: string): Database {
  if (handle === database.handle) return database
  if (!isSqliteHandle(handle)) {
    throw new EventError(
      'The handle of the outbox is no open database of better-sqlite3, libsql or node:sqlite.',
      {
        code: 'EVENTSETS_TRANSACTION',
        hint: 'Give as "handle" the database on which your transaction runs.',
      },
    )
  }
  const target = wrapHandle(handle)
  if (isSameDatabase(target.file, database.file)) return target
  const message = `The handle of the outbox has ${nameOf(target)} open, and ${reader} has ${nameOf(database)}: the events would never be published.`
  throw new EventError(message, { code: 'EVENTSETS_TRANSACTION', hint })
}

function nameOf({ file }: Database): string {
  return file === undefined ? 'a database in memory' : quote(file, file.length)
}

/** @throws EventError when a handle says that it has no transaction open. */
export function assertTransaction({ handle, isInTransaction }: Database): void {
  const isKnown = 'inTransaction' in handle || 'isTransaction' in handle
  if (!isKnown || isInTransaction()) return
  throw new EventError('No transaction is open on the handle of the outbox.', {
    code: 'EVENTSETS_TRANSACTION',
    hint: 'Begin one, change your rows and call bus.transaction() in it, and commit: otherwise rows and events would not be stored together.',
  })
}
