import { object, optional } from '../core/shape.ts'
import type { Clock } from './clock.ts'
import { createSystemClock } from './clock.ts'
import { assertOptions, expected, isText, maybeMilliseconds } from './option-shape.ts'
import type { OutboxEntry, RelayedOutbox } from './outbox.ts'
import {
  type Blob,
  type Database,
  fromBlob,
  isSqliteHandle,
  type SqliteHandle,
  toConnectionError,
  wrapHandle,
} from './sqlite-database.ts'
import { createFileGuard } from './sqlite-file.ts'
import { assertTransaction, openTarget } from './sqlite-own-outbox.ts'
import { createTurns } from './sqlite-turns.ts'
import { toEntry } from './stored-body.ts'

export interface SqliteOutboxOptions {
  /** What the relay reads with: an open database of better-sqlite3, libsql or node:sqlite. */
  readonly database: SqliteHandle
  /** Its table. It is made when it is missing. `eventsets_outbox` unless given. */
  readonly table?: string | undefined
  /** For how long a lock of somebody else is waited for, in milliseconds. 5000 unless given. */
  readonly busyTimeoutMs?: number | undefined
  readonly clock?: Clock | undefined
}

/**
 * An outbox in a SQLite database, for a bus whose backend is another one. A SQLite backend on the same file has an
 * outbox of its own, which needs no relay.
 *
 * @throws ValidationError for wrong options, ConnectionError for a database that is closed.
 */
export function sqliteOutbox(options: SqliteOutboxOptions): RelayedOutbox<SqliteHandle> {
  assertOptions('The options of sqliteOutbox are', shape, options)
  const { table = 'eventsets_outbox', busyTimeoutMs = 5000, clock = createSystemClock() } = options
  const database = wrapHandle(options.database)
  const guard = createFileGuard(database)
  // What is written beside it is up to whoever owns the database.
  guard.begin('file')
  const turns = createTurns(database, busyTimeoutMs, guard.findFault)
  const relays = `${table}_relay`
  const write = <T>(task: () => T) =>
    turns.write(() => {
      createTables(database, table)
      return task()
    })

  return {
    name: table,
    write(handle, events) {
      const target = openTarget(
        handle,
        database,
        'sqliteOutbox()',
        'Give sqliteOutbox() the file of the handle.',
      )
      const entries = events.map(toEntry)
      assertTransaction(target)
      const fault = guard.findFault()
      if (fault) throw fault
      try {
        // In the same transaction: who holds the database cannot wait for somebody else to do it.
        createTables(target, table)
        const insert = target.prepare(`INSERT INTO ${table} (name, body) VALUES (?, ?)`)
        for (const { event, body } of entries) insert.run(event.name, body)
      } catch (error) {
        throw toConnectionError(error)
      }
    },
    claim: (relay, leaseMs) =>
      write(() => {
        const now = clock.now()
        // A clock that was set back does not make a lease longer.
        const claim = database.prepare(`
          INSERT INTO ${relays} VALUES (1, ?, ?)
          ON CONFLICT (id) DO UPDATE SET relay = excluded.relay, until = excluded.until
          WHERE relay = excluded.relay OR until < ? OR until > ?`)
        return claim.run(relay, now + leaseMs, now, now + leaseMs).changes > 0
      }),
    release: (relay) =>
      write(() => void database.prepare(`DELETE FROM ${relays} WHERE relay = ?`).run(relay)),
    read: (limit) =>
      turns.read(() => {
        if (!hasTable(database, table)) return []
        const rows = database.prepare<{ readonly seq: number; readonly name: Blob; readonly body: Blob }>(
          `SELECT seq, CAST(name AS BLOB) AS name, CAST(body AS BLOB) AS body FROM ${table} ORDER BY seq LIMIT ?`,
        )
        return rows
          .all(limit)
          .map(({ seq, name, body }): OutboxEntry => ({ seq: String(seq), name: fromBlob(name), body }))
      }),
    async remove(entries) {
      const list = JSON.stringify(entries.map(({ seq }) => Number(seq)))
      await write(() => {
        database.prepare(`DELETE FROM ${table} WHERE seq IN (SELECT value FROM json_each(?))`).run(list)
      })
    },
  }
}

function createTables(database: Database, table: string): void {
  if (hasTable(database, table)) return
  database.exec(`
    CREATE TABLE IF NOT EXISTS ${table}_relay (id INTEGER PRIMARY KEY, relay TEXT NOT NULL, until INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS ${table} (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL,
      body TEXT NOT NULL
    );
  `)
}

function hasTable(database: Database, table: string): boolean {
  return database.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(table) !== undefined
}

const TABLE = /^[A-Za-z_][A-Za-z0-9_]{0,60}$/

const shape = object({
  database: expected('an open database of better-sqlite3, libsql or node:sqlite', isSqliteHandle),
  table: optional(
    expected(
      'the name of a table: letters, digits and underscores',
      (input) => isText(input) && TABLE.test(input),
    ),
  ),
  busyTimeoutMs: maybeMilliseconds,
  clock: optional(expected('a clock', (input) => typeof (input as Clock | null)?.now === 'function')),
})
