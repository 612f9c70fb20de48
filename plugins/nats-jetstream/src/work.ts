import type { StoredEvent } from 'eventsets/bus'
import type { StoredNote } from './notes.ts'

/** An event in the hands of a consumer. */
export interface Work {
  /** Its place in the log. */
  readonly seq: number
  /** Where it is told what has become of it; another address each time that it is handed out. */
  reply: string
  /** How often the server has handed it out. */
  deliveries: number
  /** Known once it has been read. */
  event: StoredEvent
  attempt: number
  crashes: number
  isRedelivered: boolean
  handlers: readonly string[] | undefined
  note: StoredNote | undefined
  /** Whether its handlers have begun, and whether they have ended. */
  state: 'read' | 'begun' | 'ended'
  /** Whether it was given back meanwhile: what becomes of it here counts no more. */
  isLost: boolean
}

/**
 * What is known of an event by how often it was handed out, and by the note that was left.
 *
 * A process that dies takes with it whatever it holds, and which event was to blame nobody knows. So by being handed out
 * an event comes no further than to be a suspect. A suspect is noted before it is begun, one at a time, and only what
 * was noted counts from then on.
 */
export function withNote(work: Work, note: StoredNote | undefined, maxCrashes: number): void {
  const before = note?.crashes ?? 0
  const wasSuspect = isSuspect(before, maxCrashes)
  // Handed out, and neither handled nor given back: its process has died, or was not heard of for too long. What was
  // noted was given back with that, except for what was about to be tried.
  const lost = Math.max(0, work.deliveries - 1 - (note?.deliveries ?? 0))
  const died = wasSuspect ? Number(note?.isTrying === true) : lost
  const most = wasSuspect || maxCrashes === 1 ? Number.POSITIVE_INFINITY : maxCrashes - 1
  work.note = note
  work.attempt = (note?.attempt ?? 1) + died
  work.crashes = Math.min(most, before + died)
  work.isRedelivered ||= died > 0 || note?.isRedelivered === true
  work.handlers = note?.handlers ?? work.handlers
}

/** Whether an event is the only one to be tried, since one crash more would be its last. */
export function isSuspect(crashes: number, maxCrashes: number): boolean {
  return crashes > 0 && crashes >= maxCrashes - 1
}
