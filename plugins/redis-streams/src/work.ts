import type { StoredEvent } from 'eventsets/bus'

/** An event that a consumer holds. */
export interface Work {
  readonly queue: string
  /** In its stream. */
  readonly id: string
  readonly event: StoredEvent
  /** As it was stored. */
  readonly body: string
  readonly partition: Partition | undefined
  attempt: number
  isRedelivered: boolean
  crashes: number
  handlers: readonly string[] | undefined
  /** Whether the server has a note of how often it was tried. */
  hasTries: boolean
  /** Whether it was taken away meanwhile: what becomes of it here counts no more. */
  isLost: boolean
}

/** One of the streams of events with a key, as long as this consumer has the lease of it. */
export interface Partition {
  readonly queue: string
  /** `loading`: what was left of it is being taken over. `leaving`: nothing more of it is begun. */
  state: 'loading' | 'reading' | 'leaving' | 'gone'
  /** How far what was left has been taken over. */
  cursor: string
  /** Whether whoever had it before has died with some of it in hand. */
  readonly hasCrashed: boolean
  /** What is held of it here, in any state. */
  held: number
  /** How many of them are being handled. */
  inHand: number
  /** Characters of what is held. */
  size: number
  readonly timers: Set<NodeJS.Timeout>
}

export function createPartition(queue: string, hasCrashed: boolean): Partition {
  return { queue, state: 'loading', cursor: '', hasCrashed, held: 0, inHand: 0, size: 0, timers: new Set() }
}

/** How often an event was tried, as the server notes it. */
export interface Tries {
  readonly attempt: number
  readonly isRedelivered: boolean
  /** Whether whoever had it had begun with it, for certain: that is noted of what has seen a process die. */
  readonly wasBegun: boolean
  readonly crashes: number
  /** By the clock of the server, in milliseconds since 1970. */
  readonly dueMs: number
  readonly handlers: readonly string[] | undefined
}

const TRIES = /^(\d+)\|(\d)\|(\d+)\|(\d+)\|(.*)$/s

export function readTries(note: string): Tries | undefined {
  const [, attempt, redelivered, crashes, due, handlers = ''] = TRIES.exec(note) ?? []
  if (attempt === undefined) return undefined
  return {
    attempt: Number(attempt),
    isRedelivered: redelivered !== '0',
    wasBegun: redelivered === '2',
    crashes: Number(crashes),
    dueMs: Number(due),
    handlers: readHandlers(handlers),
  }
}

export function readHandlers(list: string | undefined): readonly string[] | undefined {
  if (!list) return undefined
  try {
    const names: unknown = JSON.parse(list)
    return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : undefined
  } catch {
    return undefined
  }
}

/** What stands in an entry of a log stream. */
export interface Fields {
  /** The event as JSON. */
  readonly body: string | undefined
  /** The only group that it is meant for. */
  readonly group: string | undefined
  /** The only handlers that it is meant for, as JSON. */
  readonly handlers: string | undefined
  /** Whether it was published before: a letter that was replayed. */
  readonly isReplayed: boolean
}

export function readFields(list: readonly string[]): Fields {
  const fields = new Map<string, string>()
  for (let at = 0; at + 1 < list.length; at += 2) fields.set(list[at] as string, list[at + 1] as string)
  return {
    body: fields.get('e'),
    group: fields.get('g'),
    handlers: fields.get('h'),
    isReplayed: fields.has('r'),
  }
}
