import type { DeadLetter } from './backend.ts'
import { compilePattern } from './pattern.ts'
import { type Blob, type Database, fromBlob, toColumn } from './sqlite-database.ts'
import type { Tables } from './sqlite-schema.ts'
import { readBody, unreadableEvent } from './stored-body.ts'

/** What a letter says beside its event. */
export type Envelope = Omit<DeadLetter, 'event'> & {
  /** Those who are to get the event when it is replayed, where `handler` does not say it. */
  readonly handlers?: readonly string[] | undefined
}

/** A letter with what is needed to hand its event out again. */
export interface FiledLetter {
  readonly letter: DeadLetter
  readonly handlers: readonly string[] | undefined
  /** Its number in the file. */
  readonly seq: number
}

/** The dead letters of a database. */
export interface Letters {
  add(letter: DeadLetter): void
  /** Files the event of a piece of work as it is, even if it cannot be read. */
  addWork(workId: number, envelope: Envelope, event: { readonly name: string }): void
  get(id: string): FiledLetter | undefined
  list(limit: number, pattern: string): DeadLetter[]
  drop(id: string): boolean
  count(): number
}

const ROWS_A_PAGE = 100

interface LetterRow {
  readonly seq: number
  readonly name: Blob
  readonly letter: Blob
  readonly body: Blob
}

export function createLetters(database: Database, { letters, work, events }: Tables): Letters {
  const columns =
    'seq, CAST(name AS BLOB) AS name, CAST(letter AS BLOB) AS letter, CAST(body AS BLOB) AS body'
  const insert = database.prepare(
    `INSERT INTO ${letters} (id, name, letter, body) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
  )
  const insertWork = database.prepare(`
    INSERT INTO ${letters} (id, name, letter, body)
    SELECT ?, ?, ?, coalesce(w.body, e.body, '') FROM ${work} w LEFT JOIN ${events} e ON e.seq = w.seq WHERE w.id = ?`)
  const get = database.prepare<LetterRow>(`SELECT ${columns} FROM ${letters} WHERE id = ?`)
  const page = database.prepare<LetterRow>(
    `SELECT ${columns} FROM ${letters} WHERE seq > ? ORDER BY seq LIMIT ${ROWS_A_PAGE}`,
  )
  const drop = database.prepare(`DELETE FROM ${letters} WHERE id = ?`)
  const count = database.prepare<{ readonly count: number }>(`SELECT count(*) AS count FROM ${letters}`)

  return {
    add({ event, ...envelope }) {
      insert.run(toColumn(envelope.id), event.name, JSON.stringify(envelope), JSON.stringify(event))
    },
    addWork(workId, envelope, { name }) {
      insertWork.run(toColumn(envelope.id), name, JSON.stringify(envelope), workId)
    },
    get(id) {
      const row = get.get(toColumn(id))
      return row && fileOf(row)
    },
    list(limit, pattern) {
      const matches = compilePattern(pattern)
      const found: DeadLetter[] = []
      for (let after = 0; found.length < limit; ) {
        const rows = page.all(after)
        for (const row of rows) if (matches(fromBlob(row.name))) found.push(fileOf(row).letter)
        if (rows.length < ROWS_A_PAGE) break
        after = rows.at(-1)?.seq as number
      }
      return found.slice(0, limit)
    },
    drop: (id) => drop.run(toColumn(id)).changes > 0,
    count: () => count.get()?.count ?? 0,
  }
}

function fileOf({ seq, name, letter, body }: LetterRow): FiledLetter {
  const { handlers, ...envelope }: Envelope = JSON.parse(fromBlob(letter))
  const { id, group, handler, reason, attempts, time } = envelope
  const event = readBody(body).event ?? unreadableEvent(body, { id, name: fromBlob(name), time })
  return {
    seq,
    handlers: handlers ?? (handler === undefined ? undefined : [handler]),
    letter: { id, event, group, handler, reason, attempts, time },
  }
}
