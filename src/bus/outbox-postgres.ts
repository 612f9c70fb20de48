import { object, optional } from '../core/shape.ts'
import { ConnectionError, reasonOf } from './errors.ts'
import { assertOptions, expected, expectedPrivate } from './option-shape.ts'
import type { OutboxEntry, RelayedOutbox } from './outbox.ts'
import { toEntry } from './stored-body.ts'

/** What runs a query: a client, a pool or a transaction of pg, PGlite, or anything that works like them. */
export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

export interface PostgresOutboxOptions {
  /** What the relay reads with: a pool, or a client that nobody else begins transactions on. */
  readonly client: PostgresClient
  /** Its table, with a schema before a dot where it has one. `eventsets_outbox` unless given. */
  readonly table?: string | undefined
}

export interface PostgresOutbox extends RelayedOutbox<PostgresClient> {
  /** What makes the tables, for migrations: two statements. */
  readonly ddl: readonly string[]
  /** Makes the tables where they are missing. */
  createTables(): Promise<void>
}

/** So many events are written by one statement: each takes two of the values it may have. */
const ROWS_A_STATEMENT = 1000
/** Codes of PostgreSQL for what somebody else has made at the same time. */
const EXISTS = ['42P07', '23505']

/**
 * An outbox in a PostgreSQL database. Its tables are made by `createTables()`, or by a migration with its `ddl`.
 *
 * @throws ValidationError for wrong options.
 */
export function postgresOutbox(options: PostgresOutboxOptions): PostgresOutbox {
  assertOptions('The options of postgresOutbox are', shape, options)
  const { client, table = 'eventsets_outbox' } = options
  const events = quote(table)
  const relays = quote(`${table}_relay`)
  const ddl = [
    `CREATE TABLE IF NOT EXISTS ${events} (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  body text NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now()
)`,
    `CREATE TABLE IF NOT EXISTS ${relays} (
  id integer PRIMARY KEY CHECK (id = 1),
  relay text NOT NULL,
  until timestamptz NOT NULL
)`,
  ]

  return {
    name: table,
    ddl,
    async createTables() {
      for (const statement of ddl) {
        try {
          await client.query(statement)
        } catch (error) {
          if (!EXISTS.includes(String((error as { readonly code?: unknown }).code))) throw toError(error)
        }
      }
    },
    async write(handle, written) {
      const values = written.flatMap((event) => [event.name, toEntry(event).body])
      for (let at = 0; at < written.length; at += ROWS_A_STATEMENT) {
        const part = values.slice(at * 2, (at + ROWS_A_STATEMENT) * 2)
        const rows = Array.from({ length: part.length / 2 }, (_, row) => `($${row * 2 + 1}, $${row * 2 + 2})`)
        // Numbers are given in the order of the rows.
        await run(handle, `INSERT INTO ${events} (name, body) VALUES ${rows.join(', ')}`, part)
      }
    },
    async claim(relay, leaseMs) {
      // By the clock of the server, which all relays share.
      const rows = await run(
        client,
        `INSERT INTO ${relays} AS held (id, relay, until)
         VALUES (1, $1, now() + $2::double precision * interval '1 millisecond')
         ON CONFLICT (id) DO UPDATE SET relay = excluded.relay, until = excluded.until
         WHERE held.relay = excluded.relay OR held.until < now()
         RETURNING relay`,
        [relay, leaseMs],
      )
      return rows.length > 0
    },
    async release(relay) {
      await run(client, `DELETE FROM ${relays} WHERE relay = $1`, [relay])
    },
    async read(limit) {
      // Not by the last number that was read: what has a lower one may be committed later.
      const rows = await run(
        client,
        `SELECT seq::text AS seq, name, body FROM ${events} ORDER BY ${events}.seq LIMIT $1`,
        [limit],
      )
      return rows as readonly OutboxEntry[]
    },
    async remove(entries) {
      if (entries.length === 0) return
      const values = entries.map(({ seq }) => seq)
      const list = values.map((_, index) => `$${index + 1}::bigint`).join(', ')
      await run(client, `DELETE FROM ${events} WHERE seq IN (${list})`, values)
    },
  }
}

async function run(client: PostgresClient, text: string, values: unknown[]): Promise<readonly unknown[]> {
  try {
    return (await client.query(text, values)).rows
  } catch (error) {
    throw toError(error)
  }
}

/** Codes of PostgreSQL with what to do about them. */
const HINTS: { readonly [code: string]: string } = {
  '42P01': 'Make the tables of the outbox: await outbox.createTables(), or run its "ddl" in a migration.',
  '25P02': 'A statement before has failed: roll the transaction back.',
}

function toError(error: unknown): ConnectionError {
  const code = String((error as { readonly code?: unknown }).code)
  return new ConnectionError(`The outbox in PostgreSQL has failed: ${reasonOf(error)}`, {
    code: 'EVENTSETS_CONNECTION',
    hint: HINTS[code],
    cause: error,
  })
}

const TABLE = /^[a-z_][a-z0-9_]{0,50}(?:\.[a-z_][a-z0-9_]{0,50})?$/

/** A schema and a table are names of their own. */
function quote(table: string): string {
  return table
    .split('.')
    .map((part) => `"${part}"`)
    .join('.')
}

const shape = object({
  client: expectedPrivate(
    'a client, a pool or a database with a method "query"',
    (input) => typeof (input as PostgresClient | null | undefined)?.query === 'function',
  ),
  table: optional(
    expected(
      'the name of a table in small letters, with a schema before a dot or without',
      (input) => typeof input === 'string' && TABLE.test(input),
    ),
  ),
})
