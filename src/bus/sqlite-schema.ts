import { ConnectionError } from './errors.ts'
import type { Database } from './sqlite-database.ts'

/** The names of the tables of a bus. */
export interface Tables {
  readonly meta: string
  readonly events: string
  readonly groups: string
  readonly consumers: string
  readonly work: string
  readonly letters: string
}

/** What keeps the tables of a later version from being written to by this one. */
const VERSION = 1

/** A key of the table `meta` that is there when there has ever been a group. */
export const BEGUN = 'begun'

export function tablesOf(prefix: string): Tables {
  return {
    meta: `${prefix}meta`,
    events: `${prefix}events`,
    groups: `${prefix}groups`,
    consumers: `${prefix}consumers`,
    work: `${prefix}work`,
    letters: `${prefix}dead_letters`,
  }
}

/** Whether the tables are there. */
export function hasTables(database: Database, { meta }: Tables): boolean {
  return database.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(meta) !== undefined
}

/** A key of the table `meta` that is there for a moment, to see whether there is room for it. */
const ROOM = 'room'
/** More than a few events take. */
const ROOM_BYTES = 64 * 1024

/** Takes some room, to see whether there is any. What is taken back at once would never come to the disk. */
export function takeRoom(database: Database, { meta }: Tables): void {
  database.exec(`INSERT OR REPLACE INTO ${meta} VALUES ('${ROOM}', zeroblob(${ROOM_BYTES}))`)
}

export function giveRoomBack(database: Database, { meta }: Tables): void {
  database.exec(`DELETE FROM ${meta} WHERE key = '${ROOM}'`)
}

/**
 * Makes what is missing. Inside a transaction it is a part of that.
 *
 * @throws ConnectionError when a later version has made the tables.
 */
export function createTables(database: Database, tables: Tables): void {
  const { meta, events, groups, consumers, work, letters } = tables
  database.exec(`CREATE TABLE IF NOT EXISTS ${meta} (key TEXT PRIMARY KEY, value INTEGER NOT NULL)`)
  database.prepare(`INSERT INTO ${meta} VALUES ('version', ?) ON CONFLICT DO NOTHING`).run(VERSION)
  const found = database
    .prepare<{ readonly value: number }>(`SELECT value FROM ${meta} WHERE key = 'version'`)
    .get()
  if (found?.value !== VERSION) {
    const message = `The tables of the bus have version ${found?.value}, and this version of eventsets knows ${VERSION}.`
    const hint = 'Update eventsets here too, or give "tablePrefix" another value.'
    throw new ConnectionError(message, { code: 'EVENTSETS_CONNECTION', hint })
  }
  database.exec(`
    -- All that was published, in its order. A number is never given twice, so that a position stays one.
    CREATE TABLE IF NOT EXISTS ${events} (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      key TEXT,
      priority INTEGER NOT NULL,
      deliver_at INTEGER,
      stored_at INTEGER NOT NULL,
      size INTEGER NOT NULL,
      body TEXT NOT NULL
    );
    -- Nearly all events have the same priority, and none of them is in here.
    CREATE INDEX IF NOT EXISTS ${events}_urgency ON ${events} (seq) WHERE priority <> 50;

    -- A group has taken everything up to its position into its work.
    CREATE TABLE IF NOT EXISTS ${groups} (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      position INTEGER NOT NULL
    );

    -- Who is at work. As long as beat grows, they live.
    CREATE TABLE IF NOT EXISTS ${consumers} (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      group_id INTEGER NOT NULL,
      process TEXT NOT NULL,
      beat INTEGER NOT NULL
    );

    -- What groups have taken and not yet handled. What has no seq has its event in itself.
    CREATE TABLE IF NOT EXISTS ${work} (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      group_id INTEGER NOT NULL,
      state INTEGER NOT NULL,
      seq INTEGER,
      position INTEGER NOT NULL,
      key TEXT,
      priority INTEGER NOT NULL,
      size INTEGER NOT NULL,
      since INTEGER NOT NULL,
      attempt INTEGER NOT NULL DEFAULT 1,
      crashes INTEGER NOT NULL DEFAULT 0,
      is_redelivered INTEGER NOT NULL DEFAULT 0,
      owner INTEGER,
      due INTEGER,
      delay INTEGER,
      handlers TEXT,
      body TEXT
    );
    CREATE INDEX IF NOT EXISTS ${work}_state ON ${work} (group_id, state, priority DESC, position);
    CREATE INDEX IF NOT EXISTS ${work}_key ON ${work} (group_id, key, state, position) WHERE key IS NOT NULL;
    CREATE INDEX IF NOT EXISTS ${work}_due ON ${work} (group_id, due) WHERE due IS NOT NULL;

    -- The letter is JSON without the event, which is kept as it was, even if it cannot be read.
    CREATE TABLE IF NOT EXISTS ${letters} (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      letter TEXT NOT NULL,
      body TEXT NOT NULL
    );
  `)
}
