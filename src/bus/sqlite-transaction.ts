import { object, optional } from '../core/shape.ts'
import { assertOptions, expected, maybeMilliseconds } from './option-shape.ts'
import { isSqliteHandle, type SqliteHandle, toConnectionError, wrapHandle } from './sqlite-database.ts'
import { createBegin, lockedError, nextPause, rollBack } from './sqlite-turns.ts'

export interface SqliteTransactionOptions {
  /** For how long other transactions are waited for, in milliseconds. 5000 unless given. */
  readonly busyTimeoutMs?: number | undefined
}

/**
 * Runs a function in a transaction of a SQLite handle, which ends with it: it is committed when the function succeeds,
 * and rolled back when it throws.
 *
 * What drivers have for this takes no function that waits for anything, as `bus.transaction` does. A handle has one
 * transaction at a time; this waits for its turn, and for locks of others, without blocking the event loop. Whatever
 * else is done with the handle meanwhile is done in the transaction: keep it short, and begin none inside it.
 *
 * ```js
 * await sqliteTransaction(database, () => bus.transaction(run, { outbox, handle: database }))
 * ```
 *
 * @throws ValidationError for arguments that are none, ConnectionError when it is not its turn in time, and what the
 * function throws.
 */
export async function sqliteTransaction<T>(
  handle: SqliteHandle,
  run: () => T | Promise<T>,
  options: SqliteTransactionOptions = {},
): Promise<T> {
  assertOptions('The arguments of sqliteTransaction are', ARGUMENTS, { handle, run, options })
  const { busyTimeoutMs = 5000 } = options
  const database = wrapHandle(handle)
  const begin = createBegin(database)
  const latest = performance.now() + busyTimeoutMs
  try {
    for (let waitMs = nextPause(0); !begin(); waitMs = nextPause(waitMs)) {
      if (performance.now() > latest) throw lockedError(database, busyTimeoutMs)
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  } catch (error) {
    throw toConnectionError(error)
  }
  try {
    const result = await run()
    database.exec('COMMIT')
    return result
  } catch (error) {
    rollBack(database)
    throw error
  }
}

const ARGUMENTS = object({
  handle: expected('an open database of better-sqlite3, libsql or node:sqlite', isSqliteHandle),
  run: expected('a function', (input) => typeof input === 'function'),
  options: optional(object({ busyTimeoutMs: maybeMilliseconds })),
})
