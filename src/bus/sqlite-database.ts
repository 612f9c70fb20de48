import { type Bytes, toBuffer } from './bytes.ts'
import { ConnectionError, reasonOf } from './errors.ts'

/**
 * An open database of better-sqlite3, libsql or node:sqlite, or of anything that works like one of them: what of it is
 * used here. All calls are synchronous.
 */
export interface SqliteHandle {
  prepare(sql: string): SqliteStatement
  exec(sql: string): unknown
  close(): unknown
  /** better-sqlite3 and libsql say by it whether a transaction is open, */
  readonly inTransaction?: boolean | undefined
  /** and node:sqlite by this. */
  readonly isTransaction?: boolean | undefined
  /** Whether it has not been closed, where a handle says so. */
  readonly open?: unknown
}

export interface SqliteStatement {
  run(...values: unknown[]): unknown
  get(...values: unknown[]): unknown
  all(...values: unknown[]): unknown
}

/** Opens a database: the default export of better-sqlite3 or libsql, or `DatabaseSync` of node:sqlite. */
export type SqliteDriver = new (path: string) => SqliteHandle

/** What can be stored. Truth values are not among them: libsql ends the process over one. */
export type SqliteValue = string | number | null

/** A statement that gives rows of one shape. */
export interface Statement<Row> {
  run(...values: readonly SqliteValue[]): {
    readonly changes: number
    readonly lastInsertRowid: number | bigint
  }
  get(...values: readonly SqliteValue[]): Row | undefined
  all(...values: readonly SqliteValue[]): Row[]
}

/** A database as the rest of the bus uses it: the same for every driver. */
export interface Database {
  readonly handle: SqliteHandle
  /** The path of its file; undefined for a database in memory. */
  readonly file: string | undefined
  exec(sql: string): void
  prepare<Row = unknown>(sql: string): Statement<Row>
  isInTransaction(): boolean
}

/** @throws ConnectionError when the handle cannot be used, such as one that is closed. */
export function wrapHandle(handle: SqliteHandle): Database {
  const database: Database = {
    handle,
    file: undefined,
    exec: (sql) => void handle.exec(sql),
    prepare: <Row>(sql: string) => prepare<Row>(handle, sql),
    // Drivers that say neither refuse to begin a second transaction, which is the same in the end.
    // libsql ends the process when a handle is asked that is closed.
    isInTransaction: () => handle.open !== false && (handle.inTransaction ?? handle.isTransaction ?? false),
  }
  try {
    const file = database.prepare<{ readonly name: string; readonly file: string | null }>(
      'PRAGMA database_list',
    )
    return { ...database, file: file.all().find(({ name }) => name === 'main')?.file || undefined }
  } catch (error) {
    throw toConnectionError(error)
  }
}

function prepare<Row>(handle: SqliteHandle, sql: string): Statement<Row> {
  const statement = handle.prepare(sql) as SqliteStatement & {
    safeIntegers?: (isOn: boolean) => unknown
    setReadBigInts?: (isOn: boolean) => unknown
  }
  // Whoever uses the handle for more may have asked for BigInts everywhere.
  statement.safeIntegers?.(false)
  statement.setReadBigInts?.(false)
  // What a statement gives is what its SQL says, and that is written next to the type.
  return statement as unknown as Statement<Row>
}

/**
 * A text for a column that is compared. libsql reads a text up to its first NUL only, and half a surrogate pair becomes
 * a question mark, so that two such keys would be one.
 */
export function toColumn(text: string): string {
  return UNSAFE.test(text) ? JSON.stringify(text) : text
}

const UNSAFE = /[\0\p{Surrogate}]/u

/**
 * A text as it is read: `CAST(body AS BLOB)`. libsql ends the process over a text that is not valid UTF-8, which is what
 * a damaged file may have.
 */
export type Blob = Bytes | null

/** What cannot be read is replaced by question marks. */
export function fromBlob(blob: Blob): string {
  return blob === null ? '' : toBuffer(blob).toString()
}

/** Whether somebody else holds the database, so that waiting helps. */
export function isBusy(error: unknown): boolean {
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown }
  // node:sqlite has one code for everything, and the number of SQLite beside it.
  if (typeof errcode === 'number') return [5, 6].includes(errcode & 0xff)
  return typeof code === 'string' && /^SQLITE_(?:BUSY|LOCKED)/.test(code)
}

/** Whether the database or its disk is to blame, so that what else is written fails as well. */
export function isOfDatabase(error: unknown): boolean {
  return FAILURE.test(reasonOf(error))
}

const FAILURE = /disk|readonly database|malformed|not a database|unable to open|no such table|not open/i

/** Whether a transaction could not begin because the handle has one open already. */
export function isNested(error: unknown): boolean {
  return reasonOf(error).includes('within a transaction')
}

const HINTS: readonly (readonly [RegExp, string])[] = [
  [/database or disk is full/, 'Make room on the disk, or keep less: see "historySize" and "historyMs".'],
  [
    /readonly database/,
    'Let the process write to the file and to its folder: SQLite keeps two more files beside it.',
  ],
  [
    /not a database|malformed/,
    'The file is damaged or of another kind. Restore it, or move it away to begin anew.',
  ],
  [/not open/, 'Close the handle of a database after the bus.'],
  [
    /database (?:table )?is locked/,
    'Another process or handle holds a transaction open. End it earlier, or raise "busyTimeoutMs".',
  ],
]

export function isSqliteHandle(input: unknown): input is SqliteHandle {
  const { prepare, exec } = (input ?? {}) as { readonly prepare?: unknown; readonly exec?: unknown }
  return typeof prepare === 'function' && typeof exec === 'function'
}

/** What a driver has thrown, as an error of the bus. */
export function toConnectionError(error: unknown): ConnectionError {
  if (error instanceof ConnectionError) return error
  const reason = reasonOf(error)
  return new ConnectionError(`The SQLite database has failed: ${reason}`, {
    code: 'EVENTSETS_CONNECTION',
    hint: HINTS.find(([pattern]) => pattern.test(reason))?.[1],
    cause: error,
  })
}
