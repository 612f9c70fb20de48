import { hostname } from 'node:os'
import { type Blob, type Database, fromBlob, toColumn } from './sqlite-database.ts'
import type { EventLog } from './sqlite-log.ts'
import { BEGUN, type Tables } from './sqlite-schema.ts'
import type { Group } from './sqlite-work.ts'

/** Where a group begins that has not been there before. */
export type NewGroups = 'now' | 'beginning'

/** The groups of a database, and who is at work in them. */
export interface Consumers {
  /** The group of a name; made if there is none. */
  openGroup(name: string, newGroups: NewGroups): Group
  /** Whether there has ever been a group. Until then, everything that is published waits for the first one. */
  hasBegun(): boolean
  /** The number of a group, if there is one of that name. */
  find(name: string): number | undefined
  groups(): GroupRow[]
  removeGroup(id: number): void
  /** Gives the number of a new consumer. Numbers are never given twice. */
  enter(groupId: number): number
  leave(consumer: number): void
  /** Tells that a consumer lives. Gives false when others have taken it for dead, or its group is not there any more. */
  beat(consumer: number): boolean
  /** How often a consumer has told that it lives; undefined when it is not there. */
  beatOf(consumer: number): number | undefined
  /** The others of a group, and how often they have told that they live. */
  others(groupId: number, consumer: number): Beat[]
}

export interface GroupRow {
  readonly id: number
  readonly name: string
  readonly position: number
  readonly consumers: number
  /** How much it has taken from the log and not yet handled. */
  readonly taken: number
}

export interface Beat {
  readonly id: number
  readonly beat: number
}

export function createConsumers(
  database: Database,
  { meta, groups, consumers, work }: Tables,
  log: EventLog,
): Consumers {
  const find = database.prepare<{ readonly id: number }>(`SELECT id FROM ${groups} WHERE name = ?`)
  const hasBegun = database.prepare(`SELECT 1 FROM ${meta} WHERE key = '${BEGUN}'`)
  const begin = database.prepare(`INSERT INTO ${meta} VALUES ('${BEGUN}', 1) ON CONFLICT DO NOTHING`)
  const insertGroup = database.prepare(`INSERT INTO ${groups} (name, position) VALUES (?, ?)`)
  const list = database.prepare<Omit<GroupRow, 'name'> & { readonly name: Blob }>(`
    SELECT id, CAST(name AS BLOB) AS name, position,
      (SELECT count(*) FROM ${consumers} WHERE group_id = g.id) AS consumers,
      (SELECT count(*) FROM ${work} WHERE group_id = g.id) AS taken
    FROM ${groups} g ORDER BY id`)
  const removals = [
    `DELETE FROM ${work} WHERE group_id = ?`,
    `DELETE FROM ${consumers} WHERE group_id = ?`,
    `DELETE FROM ${groups} WHERE id = ?`,
  ].map((sql) => database.prepare(sql))
  const enter = database.prepare(`INSERT INTO ${consumers} (group_id, process, beat) VALUES (?, ?, 0)`)
  const leave = database.prepare(`DELETE FROM ${consumers} WHERE id = ?`)
  // Somebody may have written to the tables who knows no better: a group that is not there gets nothing.
  const beat = database.prepare(`
    UPDATE ${consumers} SET beat = beat + 1
    WHERE id = ? AND EXISTS (SELECT 1 FROM ${groups} g WHERE g.id = group_id)`)
  const others = database.prepare<Beat>(`SELECT id, beat FROM ${consumers} WHERE group_id = ? AND id <> ?`)
  const beatOf = database.prepare<Beat>(`SELECT id, beat FROM ${consumers} WHERE id = ?`)

  return {
    openGroup(name, newGroups) {
      const known = find.get(toColumn(name))
      if (known) return { id: known.id, name }
      const isFirst = hasBegun.get() === undefined
      if (isFirst) begin.run()
      const position = isFirst || newGroups === 'beginning' ? 0 : log.last()
      return { id: Number(insertGroup.run(toColumn(name), position).lastInsertRowid), name }
    },
    hasBegun: () => hasBegun.get() !== undefined,
    groups: () => list.all().map((row) => ({ ...row, name: fromBlob(row.name) })),
    removeGroup(id) {
      for (const removal of removals) removal.run(id)
    },
    enter: (groupId) => Number(enter.run(groupId, `${process.pid}@${hostname()}`).lastInsertRowid),
    leave: (consumer) => void leave.run(consumer),
    beat: (consumer) => beat.run(consumer).changes > 0,
    others: (groupId, consumer) => others.all(groupId, consumer),
    beatOf: (consumer) => beatOf.get(consumer)?.beat,
    find: (name) => find.get(toColumn(name))?.id,
  }
}
