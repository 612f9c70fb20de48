import type { Blob, Database } from './sqlite-database.ts'
import type { Tables } from './sqlite-schema.ts'

/**
 * Those of a key that could be handled, and what is before them: as long as one of these is there, all others of its
 * key are parked.
 */
export const READY = 0
/** Like ready, but handed out one at a time: its processes have died, and it is to be seen which event does that. */
export const SUSPECT = 1
export const IN_HAND = 2
export const RETRYING = 3
/** Behind another one of its key. */
export const PARKED = 4
/** Published for later: it does not hold up what comes after it. */
export const DELAYED = 5

const NORMAL = 50
/** Events of so many characters are read along with their rows; larger ones are read when there is room for them. */
const SMALL = 16_384
/** So many events are counted that wait; of more it is only known about how many there are. */
export const MAX_COUNT = 100_000
/** So many become due in one transaction. */
export const MAX_DUE = 1000

export interface WorkRow {
  readonly id: number
  readonly attempt: number
  readonly is_redelivered: number
  readonly handlers: Blob
  readonly size: number
}

export interface LogRow {
  readonly seq: number
  readonly key: Blob
  readonly size: number
  readonly deliver_at: number | null
  readonly stored_at: number
  readonly is_held: number
  readonly name: Blob
  /** Only of small events. */
  readonly body: Blob
}

export interface BodyRow extends Stored {
  readonly id: number
}

/** An event as it is stored. */
export interface Stored {
  readonly name: Blob
  readonly body: Blob
  readonly since: number
}

export interface CountsRow {
  readonly log: number
  /** How far the group is behind, in numbers of events, of which a few may never have been given. */
  readonly behind: number
  readonly kept: number
  readonly in_hand: number
  readonly oldest_log: number | null
  readonly oldest_kept: number | null
}

/** What is asked of the work of groups. */
export function prepareWorkStatements(
  database: Database,
  { work, events, groups, consumers, letters }: Tables,
) {
  const pull = (body: string) =>
    database.prepare<LogRow>(`
      SELECT e.seq, CAST(e.key AS BLOB) AS key, e.size, e.deliver_at, e.stored_at, CAST(e.name AS BLOB) AS name,
        ${body} AS body,
        e.key IS NOT NULL AND EXISTS (
          SELECT 1 FROM ${work} w WHERE w.group_id = ? AND w.key = e.key AND w.state <= ${PARKED}
        ) AS is_held
      FROM ${events} e WHERE e.seq > ? ORDER BY e.seq LIMIT ?`)
  return {
    pull: pull(`CASE WHEN e.size <= ${SMALL} THEN CAST(e.body AS BLOB) END`),
    pullHeads: pull('NULL'),
    due: database.prepare<{
      readonly id: number
      readonly state: number
      readonly crashes: number
      readonly key: Blob
    }>(`
      SELECT id, state, crashes, CAST(key AS BLOB) AS key FROM ${work}
      WHERE group_id = ? AND due <= ? ORDER BY due, position, id LIMIT ${MAX_DUE}`),
    wake: database.prepare(`UPDATE ${work} SET state = ?, due = NULL WHERE id = ?`),
    holder: database.prepare(
      `SELECT 1 FROM ${work} WHERE group_id = ? AND key = ? AND state <= ${PARKED} LIMIT 1`,
    ),
    position: database.prepare<{ readonly position: number }>(`SELECT position FROM ${groups} WHERE id = ?`),
    moveTo: database.prepare(`UPDATE ${groups} SET position = ? WHERE id = ?`),
    insert: database.prepare<{ readonly id: number; readonly seq: number }>(`
      INSERT INTO ${work} (group_id, owner, state, due, seq, position, key, priority, size, since)
      SELECT ?, CASE value ->> 1 WHEN ${IN_HAND} THEN ? END, value ->> 1, value ->> 2,
        e.seq, e.seq, e.key, e.priority, e.size, coalesce(value ->> 2, e.stored_at)
      FROM json_each(?) CROSS JOIN ${events} e WHERE e.seq = value ->> 0
      RETURNING id, seq`),
    countOf: database.prepare<{ readonly count: number }>(
      `SELECT count(*) AS count FROM ${work} WHERE group_id = ? AND state = ?`,
    ),
    isMixed: database.prepare<{ readonly is_mixed: number }>(`
      SELECT EXISTS (SELECT 1 FROM ${work} WHERE group_id = ? AND state = ${READY} AND priority > ${NORMAL})
        OR EXISTS (SELECT 1 FROM ${work} WHERE group_id = ? AND state = ${READY} AND priority < ${NORMAL})
        OR EXISTS (
          SELECT 1 FROM ${events}
          WHERE priority <> 50 AND seq > (SELECT position FROM ${groups} WHERE id = ?)
        ) AS is_mixed`),
    ready: database.prepare<WorkRow>(`
      SELECT id, attempt, is_redelivered, CAST(handlers AS BLOB) AS handlers, size FROM ${work}
      WHERE group_id = ? AND state = ? ORDER BY priority DESC, position, id LIMIT ?`),
    take: database.prepare(`UPDATE ${work} SET state = ${IN_HAND}, owner = ? WHERE id = ?`),
    bodies: database.prepare<BodyRow>(`
      SELECT w.id, w.since, CAST(e.name AS BLOB) AS name, CAST(coalesce(w.body, e.body) AS BLOB) AS body
      FROM ${work} w LEFT JOIN ${events} e ON e.seq = w.seq
      WHERE w.id IN (SELECT value FROM json_each(?))`),
    isOwner: database.prepare(`SELECT 1 FROM ${work} WHERE id = ? AND owner = ?`),
    promote: database.prepare(`
      UPDATE ${work} SET state = ${READY} WHERE id = (
        SELECT next.id FROM ${work} done JOIN ${work} next
          ON next.group_id = done.group_id AND next.key = done.key AND next.state = ${PARKED}
        WHERE done.id = ? ORDER BY next.position, next.id LIMIT 1)`),
    remove: database.prepare(`DELETE FROM ${work} WHERE id = ?`),
    removeAll: database.prepare(
      `DELETE FROM ${work} WHERE owner = ? AND id IN (SELECT value FROM json_each(?))`,
    ),
    promoteAll: database.prepare(`
      UPDATE ${work} SET state = ${READY} WHERE id IN (
        SELECT (
          SELECT next.id FROM ${work} next
          WHERE next.group_id = done.group_id AND next.key = done.key AND next.state = ${PARKED}
          ORDER BY next.position, next.id LIMIT 1
        ) FROM ${work} done
        WHERE done.owner = ? AND done.id IN (SELECT value FROM json_each(?)) AND done.key IS NOT NULL
      )`),
    retry: database.prepare(`
      UPDATE ${work} SET state = ?, owner = NULL, is_redelivered = ?, since = ?, due = ?, delay = ?, attempt = ?, handlers = ?
      WHERE id = ?`),
    inHandOf: database.prepare<{
      readonly id: number
      readonly attempt: number
      readonly crashes: number
      readonly handlers: Blob
    }>(`
      SELECT id, attempt, crashes, CAST(handlers AS BLOB) AS handlers FROM ${work}
      WHERE group_id = ? AND state = ${IN_HAND} AND owner = ?`),
    giveBack: database.prepare(`
      UPDATE ${work} SET state = ?, crashes = crashes + ?, owner = NULL, attempt = attempt + ?, is_redelivered = 1
      WHERE id = ?`),
    insertLetter: database.prepare(`
      INSERT INTO ${work} (group_id, state, position, key, priority, size, since, handlers, body)
      SELECT ?, ?, ?, ?, ?, length(body), ?, ?, body FROM ${letters} WHERE seq = ?`),
    lost: database.prepare<{ readonly owner: number }>(`
      SELECT DISTINCT owner FROM ${work}
      WHERE group_id = ? AND state = ${IN_HAND} AND owner NOT IN (SELECT id FROM ${consumers})`),
    handBack: database.prepare(`UPDATE ${work} SET state = ?, owner = NULL WHERE id = ? AND owner = ?`),
    hasWork: database.prepare<{ readonly has: number }>(`
      SELECT EXISTS (SELECT 1 FROM ${events} WHERE seq > (SELECT position FROM ${groups} WHERE id = ?))
        OR EXISTS (SELECT 1 FROM ${work} WHERE group_id = ? AND state <= ?)
        OR EXISTS (SELECT 1 FROM ${work} WHERE group_id = ? AND due <= ?) AS has`),
    nextDue: database.prepare<{ readonly due: number | null }>(
      `SELECT min(due) AS due FROM ${work} WHERE group_id = ? AND due IS NOT NULL`,
    ),
    // What waits for longer than its delay was given its time before the clock was set back. By how much that was, is
    // known where a timer has been waiting.
    shortenWaits: database.prepare(`
      UPDATE ${work} SET due = min(due - ?, ? + delay)
      WHERE group_id = ? AND state = ? AND (due = ? OR due > ? + delay)`),
    counts: database.prepare<CountsRow>(`
      SELECT
        (SELECT count(*) FROM (SELECT 1 FROM ${events} WHERE seq > g.position LIMIT ${MAX_COUNT + 1})) AS log,
        coalesce((SELECT max(seq) FROM ${events}), 0) - g.position AS behind,
        (SELECT count(*) FROM ${work} WHERE group_id = g.id AND state <> ${IN_HAND}) AS kept,
        (SELECT count(*) FROM ${work} WHERE group_id = g.id AND state = ${IN_HAND}) AS in_hand,
        (SELECT max(stored_at, coalesce(deliver_at, 0)) FROM ${events} WHERE seq > g.position ORDER BY seq LIMIT 1) AS oldest_log,
        (SELECT min(since) FROM ${work} WHERE group_id = g.id AND state IN (${READY}, ${SUSPECT}, ${PARKED})) AS oldest_kept
      FROM ${groups} g WHERE g.id = ?`),
  }
}
