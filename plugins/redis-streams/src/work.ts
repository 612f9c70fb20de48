import type { StoredEvent } from 'eventsets/bus'
import type { Partition } from './partitions.ts'

/** An event that a consumer holds. */
export interface Work {
  readonly queue: string
  /** In its stream. */
  readonly id: string
  readonly event: StoredEvent
  /** As it was stored. */
  readonly body: string
  readonly partition: Partition | undefined
  /** Its key, for the chain of those who have the same. */
  readonly chain: string
  /** Whether whoever had its partition before has died, and may have been at work on it. */
  readonly isInherited: boolean
  attempt: number
  isRedelivered: boolean
  crashes: number
  handlers: readonly string[] | undefined
  /** Whether the server has a note of how often it was tried. */
  hasTries: boolean
  /** Whether it was taken away meanwhile: what becomes of it here counts no more. */
  isLost: boolean
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
  if (note === '') return undefined
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

export function readFields(list: readonly string[] | string): Fields {
  if (typeof list === 'string')
    return { body: list, group: undefined, handlers: undefined, isReplayed: false }
  let body: string | undefined
  let group: string | undefined
  let handlers: string | undefined
  let isReplayed = false
  for (let at = 0; at + 1 < list.length; at += 2) {
    const value = list[at + 1]
    switch (list[at]) {
      case 'e':
        body = value
        break
      case 'g':
        group = value
        break
      case 'h':
        handlers = value
        break
      case 'r':
        isReplayed = true
    }
  }
  return { body, group, handlers, isReplayed }
}

/** An entry as the server hands it out, with its note of tries. */
export type Found = readonly [
  queue: string,
  id: string,
  tries: string,
  /** Names and values in turn, or the body alone. */
  content: readonly string[] | string | null,
]

/** The same, that may have been handled before. */
export function asRedelivered(found: Found): Found {
  const [queue, id, tries, content] = found
  return tries === '' ? [queue, id, '1|1|0|0|', content] : found
}
