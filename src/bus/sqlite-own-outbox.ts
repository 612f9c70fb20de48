import type { Clock } from './clock.ts'
import { EventError } from './errors.ts'
import { type Database, type SqliteHandle, toConnectionError, wrapHandle } from './sqlite-database.ts'
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
  /** Called when something was written by the backend's own handle: nobody is told of that otherwise. */
  readonly onWrite: () => void
}

/** Publishes into the tables of a SQLite backend in somebody's transaction. */
export function createOwnOutbox({
  database,
  tables,
  clock,
  isOpen,
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
      const target = isOwn ? database : wrapHandle(handle)
      const entries = events.map(toEntry)
      assertTransaction(target)
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

/** @throws EventError when a handle says that it has no transaction open. */
export function assertTransaction({ handle, isInTransaction }: Database): void {
  const isKnown = 'inTransaction' in handle || 'isTransaction' in handle
  if (!isKnown || isInTransaction()) return
  throw new EventError('No transaction is open on the handle of the outbox.', {
    code: 'EVENTSETS_TRANSACTION',
    hint: 'Begin one, change your rows and call bus.transaction() in it, and commit: otherwise rows and events would not be stored together.',
  })
}
