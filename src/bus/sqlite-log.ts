import {
  type Blob,
  type Database,
  fromBlob,
  type SqliteValue,
  type Statement,
  toColumn,
} from './sqlite-database.ts'
import { BEGUN, type Tables } from './sqlite-schema.ts'
import type { StoredEntry } from './stored-body.ts'

/** What was published, in its order. */
export interface EventLog {
  /** Adds what is not there yet, all in one statement a few. */
  add(entries: readonly StoredEntry[], now: number): void
  /** The number of the last event; 0 when there is none. */
  last(): number
  /** How many are kept. */
  count(): number
  /** The number of an event, if it is still kept. */
  find(id: string): number | undefined
  page(query: PageQuery): LogPage
  /** Removes what is beyond the bounds, but nothing that a group has still to handle. Gives whether there may be more. */
  trim(bounds: LogBounds): boolean
}

export interface PageQuery {
  readonly afterSeq: number
  readonly toSeq: number
  readonly matches: (name: string) => boolean
}

export interface LogPage {
  readonly bodies: readonly Blob[]
  /** Where the next page begins; undefined on the last one. */
  readonly nextSeq: number | undefined
}

export interface LogBounds {
  readonly maxEvents: number
  /** What was stored before is not kept. */
  readonly storedSince: number
}

/** So many events are added by one statement: fewer calls of the driver for an event. */
const ROWS_A_STATEMENT = 20
const COLUMNS = 8
const ROWS_A_PAGE = 500
/** A page with large events ends earlier. */
const CHARACTERS_A_PAGE = 4_000_000
/** So many are removed in one transaction. */
const ROWS_A_TRIM = 1000

export function createEventLog(database: Database, { meta, events, groups, work }: Tables): EventLog {
  const insert = (rows: number) =>
    database.prepare(`
      INSERT INTO ${events} (id, name, key, priority, deliver_at, stored_at, size, body)
      VALUES ${new Array(rows).fill('(?, ?, ?, ?, ?, ?, ?, ?)').join(', ')} ON CONFLICT (id) DO NOTHING`)
  const insertOne = insert(1)
  const insertMany = insert(ROWS_A_STATEMENT)
  const last = database.prepare<{ readonly seq: number | null }>(`SELECT max(seq) AS seq FROM ${events}`)
  const count = database.prepare<{ readonly count: number }>(`SELECT count(*) AS count FROM ${events}`)
  const find = database.prepare<{ readonly seq: number }>(`SELECT seq FROM ${events} WHERE id = ?`)
  const heads = database.prepare<{ readonly seq: number; readonly name: Blob; readonly size: number }>(
    `SELECT seq, CAST(name AS BLOB) AS name, size FROM ${events} WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ${ROWS_A_PAGE}`,
  )
  const bodies = database.prepare<{ readonly body: Blob }>(
    `SELECT CAST(body AS BLOB) AS body FROM ${events} WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq`,
  )
  // Before there was a group, nothing has been handled.
  const removable = database.prepare<{ readonly seq: number; readonly stored_at: number }>(`
    SELECT seq, stored_at FROM ${events}
    WHERE EXISTS (SELECT 1 FROM ${meta} WHERE key = '${BEGUN}')
      AND seq <= coalesce((SELECT min(position) FROM ${groups}), seq)
      AND seq NOT IN (SELECT seq FROM ${work} WHERE seq IS NOT NULL)
    ORDER BY seq LIMIT ${ROWS_A_TRIM}`)
  const remove = database.prepare(`DELETE FROM ${events} WHERE seq IN (SELECT value FROM json_each(?))`)

  return {
    add(entries, now) {
      let at = 0
      for (; at + ROWS_A_STATEMENT <= entries.length; at += ROWS_A_STATEMENT)
        addRows(insertMany, entries, at, ROWS_A_STATEMENT, now)
      for (; at < entries.length; at++) addRows(insertOne, entries, at, 1, now)
    },
    last: () => last.get()?.seq ?? 0,
    count: () => count.get()?.count ?? 0,
    find: (id) => find.get(toColumn(id))?.seq,
    page({ afterSeq, toSeq, matches }) {
      const rows = heads.all(afterSeq, toSeq)
      const wanted: (typeof rows)[number][] = []
      let characters = 0
      let count = 0
      while (count < rows.length && characters < CHARACTERS_A_PAGE) {
        const row = rows[count++] as (typeof rows)[number]
        if (!matches(fromBlob(row.name))) continue
        wanted.push(row)
        characters += row.size
      }
      const isLast = count === rows.length && rows.length < ROWS_A_PAGE
      return {
        bodies: wanted.length === 0 ? [] : bodies.all(listOf(wanted)).map(({ body }) => body),
        nextSeq: isLast ? undefined : rows[count - 1]?.seq,
      }
    },
    trim({ maxEvents, storedSince }) {
      // By number and not by count, which would mean to visit all of them. Numbers of duplicates are left out, so that
      // there may be fewer.
      const oldest = (last.get()?.seq ?? 0) - maxEvents
      const rows = removable.all()
      const old = rows.filter(({ seq, stored_at }) => seq <= oldest || stored_at < storedSince)
      if (old.length > 0) remove.run(listOf(old))
      return old.length === ROWS_A_TRIM
    },
  }
}

function addRows(
  statement: Statement<unknown>,
  entries: readonly StoredEntry[],
  from: number,
  count: number,
  now: number,
): void {
  const values: SqliteValue[] = new Array(count * COLUMNS)
  for (let row = 0, at = 0; row < count; row++) {
    const { event, body } = entries[from + row] as StoredEntry
    values[at++] = toColumn(event.id)
    values[at++] = event.name
    values[at++] = event.key === undefined ? null : toColumn(event.key)
    values[at++] = event.priority
    values[at++] = event.deliverAt ?? null
    values[at++] = now
    values[at++] = body.length
    values[at++] = body
  }
  statement.run(...values)
}

function listOf(rows: readonly { readonly seq: number }[]): string {
  return JSON.stringify(rows.map(({ seq }) => seq))
}
