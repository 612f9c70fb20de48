import type { DeadLetter, Outcome } from './backend.ts'
import type { StoredEvent } from './event.ts'
import { type Blob, type Database, fromBlob, toColumn } from './sqlite-database.ts'
import type { Envelope, FiledLetter, Letters } from './sqlite-letters.ts'
import type { Tables } from './sqlite-schema.ts'
import {
  type BodyRow,
  type CountsRow,
  DELAYED,
  IN_HAND,
  type LogRow,
  MAX_COUNT,
  MAX_DUE,
  PARKED,
  prepareWorkStatements,
  READY,
  RETRYING,
  type Stored,
  SUSPECT,
} from './sqlite-work-statements.ts'
import { readBody, unreadableEvent } from './stored-body.ts'
import { createUuid } from './uuid.ts'

/** A group of consumers. */
export interface Group {
  readonly id: number
  readonly name: string
}

/** An event that a consumer has in hand. */
export interface Work {
  readonly id: number
  /** The consumer. Whoever is not the owner any more has no say about it. */
  readonly owner: number
  readonly event: StoredEvent
  readonly handlers: readonly string[] | undefined
  readonly attempt: number
  readonly isRedelivered: boolean
  /** Whether it is handed out for the last time before it is given up as deadly. */
  readonly isSuspect: boolean
  /** Characters. */
  readonly size: number
}

export interface Claim {
  readonly group: Group
  readonly owner: number
  readonly count: number
  /** Characters that the events may have together; one event is always claimed. */
  readonly maxSize: number
  /** Which names somebody wants; undefined for all. The others are passed over. */
  readonly wants: ((name: string) => boolean) | undefined
  /** Whether one that is handed out for the last time may be among them. */
  readonly mayTakeSuspect: boolean
  readonly now: number
}

export interface Claimed {
  readonly work: readonly Work[]
  /** Whether another claim might find more. */
  readonly hasMore: boolean
  /** What could not be read, and is among the dead letters now. */
  readonly unreadable: readonly DeadLetter[]
}

export interface Takeover {
  readonly count: number
  /** What has been given up. */
  readonly deadly: readonly DeadLetter[]
}

/** What groups have taken from the log and not yet handled. Everything here is to be called in a transaction. */
export interface WorkQueue {
  claim(claim: Claim): Claimed
  /** Notes that works have been handled. What is in other hands by now is not theirs to end. */
  finish(works: readonly Work[]): void
  /** Keeps what else has become of something in hand, if it still is. */
  settle(group: Group, work: Work, outcome: Outcome, now: number): void
  /** Gives back what nobody has begun to handle. */
  handBack(works: readonly Work[]): void
  /** Gives back all that a consumer has in hand, as if it had not been begun: it goes, and has not failed. */
  release(group: Group, owner: number): void
  /** Takes from a consumer that has died what it had in hand. */
  takeOver(group: Group, owner: number, now: number): Takeover
  /** Hands the event of a letter to a group once more, behind what it has of the same key. */
  add(groupId: number, filed: FiledLetter, position: number, now: number): void
  /** Consumers in whose hands something is, and who are not there. */
  lost(group: Group): number[]
  /** Whether a claim would find something. Reads only. */
  hasWork(claim: Pick<Claim, 'group' | 'mayTakeSuspect' | 'now'>): boolean
  /** When the next event is due that waits for its time, in milliseconds since 1970. Reads only. */
  nextDue(group: Group): number | undefined
  /**
   * Shortens the waits for a next try that a clock has prolonged by being set back. Gives whether there were any.
   *
   * @param awaited What the clock would say, by a timer that nobody sets: what was due then is due now.
   */
  shortenWaits(group: Group, now: number, awaited?: number): boolean
  /** Reads only. */
  counts(groupId: number): WorkCounts
}

export interface WorkCounts {
  readonly waiting: number
  readonly inFlight: number
  /** Since when the oldest one waits that could be handled, in milliseconds since 1970. */
  readonly oldest: number | null
}

/** An event of higher priority overtakes so many at most. */
const LOOKAHEAD = 500
/** So much of the log is looked at in one transaction. */
const MAX_PULL = 1000

/** Something that is being claimed. */
interface Picked {
  readonly id: number
  readonly attempt: number
  readonly isRedelivered: boolean
  readonly isSuspect: boolean
  readonly handlers: readonly string[] | undefined
  readonly size: number
  /** Its event, if that was read along with it. */
  readonly stored: Stored | null
}

/** A row of the log, and what it becomes. */
interface PulledRow {
  readonly row: LogRow
  readonly state: number
}

/** @param maxCrashes After so many deliveries whose process has died, an event is given up. */
export function createWorkQueue(
  database: Database,
  tables: Tables,
  letters: Letters,
  maxCrashes: number,
): WorkQueue {
  const sql = prepareWorkStatements(database, tables)
  /** What something becomes that can be handed out, by how often its process has died. */
  const stateAfter = (crashes: number) => (crashes > 0 && crashes >= maxCrashes - 1 ? SUSPECT : READY)

  /** Makes what is due ready to be handed out. Gives whether there may be more. */
  const wake = (groupId: number, now: number): boolean => {
    const rows = sql.due.all(groupId, now)
    for (const { id, state, crashes, key } of rows) {
      const isBehind =
        state === DELAYED && key !== null && sql.holder.get(groupId, fromBlob(key)) !== undefined
      sql.wake.run(isBehind ? PARKED : stateAfter(crashes), id)
    }
    return rows.length === MAX_DUE
  }

  /** Takes events from the log. With an owner they are in hand at once; gives those. */
  const pull = (
    { group, count, maxSize, wants, now }: Pick<Claim, 'group' | 'count' | 'maxSize' | 'wants' | 'now'>,
    owner: number | null,
  ): { readonly picked: Picked[]; readonly isEnd: boolean; readonly isFull: boolean } => {
    const held = new Set<string>()
    const rows: PulledRow[] = []
    let position = sql.position.get(group.id)?.position ?? 0
    const start = position
    // The events of names that nobody wants would be read for nothing.
    const page = wants ? sql.pullHeads : sql.pull
    let left = count
    let size = 0
    let seen = 0
    let isEnd = false
    let isFull = false
    while (left > 0 && seen < MAX_PULL && !isEnd && !isFull) {
      const limit = Math.min(wants ? MAX_PULL : left, MAX_PULL - seen)
      const found = page.all(group.id, position, limit)
      for (const row of found) {
        if (left === 0) break
        seen++
        if (wants && row.deliver_at === null && !wants(fromBlob(row.name))) {
          position = row.seq
          continue
        }
        const key = row.key === null ? null : fromBlob(row.key)
        const isDelayed = row.deliver_at !== null && row.deliver_at > now
        const isParked = !isDelayed && key !== null && (row.is_held !== 0 || held.has(key))
        const isTaken = owner !== null && !isDelayed && !isParked
        if (isTaken && size > 0 && size + row.size > maxSize) {
          isFull = true
          break
        }
        rows.push({ row, state: isDelayed ? DELAYED : isParked ? PARKED : isTaken ? IN_HAND : READY })
        position = row.seq
        if (key !== null && !isDelayed) held.add(key)
        if (isTaken) size += row.size
        if (!isDelayed && !isParked) left--
      }
      isEnd = found.length < limit && position === (found.at(-1)?.seq ?? position)
    }
    if (position !== start) sql.moveTo.run(position, group.id)
    if (rows.length === 0) return { picked: [], isEnd, isFull }
    const list = rows.map(({ row, state }) => [row.seq, state, state === DELAYED ? row.deliver_at : null])
    const ids = new Map(sql.insert.all(group.id, owner, JSON.stringify(list)).map(({ id, seq }) => [seq, id]))
    const picked = rows
      .filter(({ state }) => state === IN_HAND)
      .map(({ row: { seq, size, name, body, stored_at } }): Picked => {
        const id = ids.get(seq) as number
        const stored = body && { name, body, since: stored_at }
        return { id, attempt: 1, isRedelivered: false, isSuspect: false, handlers: undefined, size, stored }
      })
    return { picked, isEnd, isFull }
  }

  /** Whether something that waits has another priority than most. */
  const isMixed = (groupId: number) => sql.isMixed.get(groupId, groupId, groupId)?.is_mixed === 1

  /** Takes what is ready. */
  const take = (groupId: number, owner: number, state: number, count: number, maxSize: number): Picked[] => {
    const picked: Picked[] = []
    let size = 0
    for (const row of sql.ready.all(groupId, state, count)) {
      if (size > 0 && size + row.size > maxSize) break
      size += row.size
      sql.take.run(owner, row.id)
      picked.push({
        id: row.id,
        attempt: row.attempt,
        isRedelivered: row.is_redelivered !== 0,
        isSuspect: state === SUSPECT,
        handlers: handlersOf(row.handlers),
        size: row.size,
        stored: null,
      })
    }
    return picked
  }

  /** Reads the events of what is in hand, and files those that cannot be read. */
  const read = (group: Group, owner: number, picked: readonly Picked[], now: number) => {
    const missing = picked.filter(({ stored }) => stored === null).map(({ id }) => id)
    const rows = missing.length === 0 ? [] : sql.bodies.all(JSON.stringify(missing))
    const bodies = new Map(rows.map((row) => [row.id, row]))
    const found: Work[] = []
    const unreadable: DeadLetter[] = []
    for (const each of picked) {
      const stored = each.stored ?? (bodies.get(each.id) as BodyRow)
      const { event, fault } = readBody(stored.body)
      if (event) found.push(workOf(each, owner, event))
      else unreadable.push(giveUp(group, each, stored, `The stored event ${fault}.`, undefined, now))
    }
    return { found, unreadable }
  }

  const giveUp = (
    group: Group,
    { id, attempt, handlers }: Pick<Picked, 'id' | 'attempt' | 'handlers'>,
    { name, body, since }: Stored,
    reason: string,
    event: StoredEvent | undefined,
    now: number,
  ): DeadLetter => {
    const handler = handlers?.length === 1 ? handlers[0] : undefined
    const envelope: Envelope = {
      id: createUuid(now, 0),
      group: group.name,
      handler,
      reason,
      attempts: attempt,
      time: now,
      ...(handlers === undefined ? {} : { handlers }),
    }
    const known =
      event ?? unreadableEvent(body, { id: envelope.id, name: fromBlob(name) || UNKNOWN_NAME, time: since })
    letters.addWork(id, envelope, known)
    remove(id)
    const { handlers: _, ...letter } = envelope
    return { ...letter, event: known }
  }

  /** Lets the next one of its key follow. */
  const remove = (id: number) => {
    sql.promote.run(id)
    sql.remove.run(id)
  }

  return {
    claim({ group, owner, count, maxSize, wants, mayTakeSuspect, now }) {
      const hasMoreDue = wake(group.id, now)
      const picked = mayTakeSuspect ? take(group.id, owner, SUSPECT, 1, maxSize) : []
      let hasMore = hasMoreDue
      const left = () => count - picked.length
      const room = () => Math.max(1, maxSize - picked.reduce((sum, { size }) => sum + size, 0))
      if (isMixed(group.id)) {
        // What waits is brought together, so that the most urgent of it comes first.
        const ready = sql.countOf.get(group.id, READY)?.count ?? 0
        const missing = LOOKAHEAD + count - ready
        if (missing > 0) hasMore ||= !pull({ group, count: missing, maxSize, wants, now }, null).isEnd
        picked.push(...take(group.id, owner, READY, left(), room()))
      } else {
        picked.push(...take(group.id, owner, READY, left(), room()))
        if (left() > 0) {
          const pulled = pull({ group, count: left(), maxSize: room(), wants, now }, owner)
          picked.push(...pulled.picked)
          hasMore ||= left() > 0 && !pulled.isEnd && !pulled.isFull
        }
      }
      if (picked.length === 0) return { work: [], hasMore, unreadable: [] }
      const { found, unreadable } = read(group, owner, picked, now)
      return { work: found, hasMore: hasMore || unreadable.length > 0, unreadable }
    },
    finish(works) {
      for (const owner of new Set(works.map((each) => each.owner))) {
        const own = works.filter((each) => each.owner === owner)
        const list = JSON.stringify(own.map(({ id }) => id))
        if (own.some(({ event }) => event.key !== undefined)) sql.promoteAll.run(owner, list)
        sql.removeAll.run(owner, list)
      }
    },
    settle(group, { id, owner }, { retry, deadLetters }, now) {
      if (sql.isOwner.get(id, owner) === undefined) return
      for (const letter of deadLetters) letters.add({ ...letter, group: letter.group ?? group.name })
      if (retry) {
        const due = Math.ceil(now + retry.delayMs)
        const delay = Math.ceil(retry.delayMs)
        const redelivered = retry.isRedelivered ? 1 : 0
        sql.retry.run(
          RETRYING,
          redelivered,
          due,
          due,
          delay,
          retry.attempt,
          JSON.stringify(retry.handlers),
          id,
        )
      } else remove(id)
    },
    release(group, owner) {
      for (const { id, crashes } of sql.inHandOf.all(group.id, owner))
        sql.giveBack.run(stateAfter(crashes), 0, 0, id)
    },
    takeOver(group, owner, now) {
      const rows = sql.inHandOf.all(group.id, owner)
      const deadly: DeadLetter[] = []
      for (const { id, attempt, crashes, handlers } of rows) {
        if (crashes + 1 < maxCrashes) {
          sql.giveBack.run(stateAfter(crashes + 1), 1, 1, id)
          continue
        }
        const [row] = sql.bodies.all(JSON.stringify([id]))
        const { event } = readBody((row as BodyRow).body)
        const known = { id, attempt, handlers: handlersOf(handlers) }
        deadly.push(giveUp(group, known, row as BodyRow, CRASHED, event, now))
      }
      return { count: rows.length, deadly }
    },
    add(groupId, { seq, letter: { event }, handlers }, position, now) {
      const key = event.key === undefined ? null : toColumn(event.key)
      const isHeld = key !== null && sql.holder.get(groupId, key) !== undefined
      const list = handlers === undefined ? null : JSON.stringify(handlers)
      sql.insertLetter.run(groupId, isHeld ? PARKED : READY, position, key, event.priority, now, list, seq)
    },
    lost: ({ id }) => sql.lost.all(id).map(({ owner }) => owner),
    handBack(works) {
      for (const { id, owner, isSuspect } of works) sql.handBack.run(isSuspect ? SUSPECT : READY, id, owner)
    },
    hasWork({ group: { id }, mayTakeSuspect, now }) {
      return sql.hasWork.get(id, id, mayTakeSuspect ? SUSPECT : READY, id, now)?.has === 1
    },
    nextDue: ({ id }) => sql.nextDue.get(id)?.due ?? undefined,
    shortenWaits({ id }, now, awaited = now) {
      return sql.shortenWaits.run(awaited - now, now, id, RETRYING, awaited, now).changes > 0
    },
    counts(groupId) {
      const { log, behind, kept, in_hand, oldest_log, oldest_kept } = sql.counts.get(groupId) as CountsRow
      const since = [oldest_log, oldest_kept].filter((time) => time !== null)
      return {
        waiting: (log > MAX_COUNT ? behind : log) + kept,
        inFlight: in_hand,
        oldest: since.length === 0 ? null : Math.min(...since),
      }
    },
  }
}

function workOf({ stored: _, ...picked }: Picked, owner: number, event: StoredEvent): Work {
  return { ...picked, owner, event }
}

/** The reason of a dead letter whose processes have died. */
export const CRASHED = 'crashed'
/** What an event is called of which not even the name can be read. */
const UNKNOWN_NAME = 'unreadable'

function handlersOf(list: Blob): readonly string[] | undefined {
  return list === null ? undefined : JSON.parse(fromBlob(list))
}
