import type { DeadLetter, StoredEvent } from 'eventsets/bus'
import type { Link } from './link.ts'
import { noteSubject } from './names.ts'
import { readHandlers, readJson } from './stored-body.ts'

/**
 * What is known of an event that a group has not handled yet, beside that it has not: the server keeps how often it was
 * handed out, and nothing else.
 *
 * A note is one message, and so it is there or not: once it is, what it says has happened, even if the process ends
 * before it has been done.
 */
export interface Note {
  /** Of which event: numbers begin anew when a stream is deleted. */
  readonly eventId: string
  /** How often the server had handed it out by then. */
  readonly deliveries: number
  /** The `attempt` of its next delivery. */
  readonly attempt: number
  /** How often a process has died with it. */
  readonly crashes: number
  readonly isRedelivered: boolean
  /** Whether it was about to be begun, all alone, since it may kill processes. */
  readonly isTrying?: boolean | undefined
  readonly handlers?: readonly string[] | undefined
  /** Not to be handed out before, by the clock of the server. */
  readonly dueMs?: number | undefined
  /** Still to be put to the dead letters; without the event, which is this one. */
  readonly letters?: readonly Omit<DeadLetter, 'event'>[] | undefined
  /** Whether nothing is left to be done but that. */
  readonly isDone?: boolean | undefined
}

export interface StoredNote extends Note {
  /** Its place in the stream of notes. */
  readonly place: number
}

export async function findNote(
  link: Link,
  group: string,
  seq: number,
  event: StoredEvent,
): Promise<StoredNote | undefined> {
  const subject = noteSubject(link.names, group, seq)
  const found = await link.insist(({ manager }) =>
    manager.streams.getMessage(link.names.notes, { last_by_subj: subject }),
  )
  if (!found) return undefined
  const note = readNote(readJson(found.data).value)
  return note?.eventId === event.id ? { ...note, place: found.seq } : undefined
}

export async function putNote(link: Link, group: string, seq: number, note: Note): Promise<StoredNote> {
  const subject = noteSubject(link.names, group, seq)
  const body = JSON.stringify(note)
  const { seq: place } = await link.insist(({ client }) => client.publish(subject, body))
  return { ...note, place }
}

/** Whether a note of that is not too large for the server. */
export function fitsNote(note: Note, maxPayload: number): boolean {
  return Buffer.byteLength(JSON.stringify(note)) < maxPayload - 1024
}

export async function dropNote(link: Link, { place }: StoredNote): Promise<void> {
  await link.insist(({ manager }) => manager.streams.deleteMessage(link.names.notes, place, false))
}

function readNote(value: unknown): Note | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { eventId, deliveries, attempt, crashes, isRedelivered, isTrying, handlers, dueMs, letters, isDone } =
    value as Partial<Note>
  const counts = [deliveries, attempt, crashes]
  if (typeof eventId !== 'string' || !counts.every(Number.isInteger)) return undefined
  return {
    eventId,
    deliveries: deliveries as number,
    attempt: attempt as number,
    crashes: crashes as number,
    isRedelivered: isRedelivered === true,
    isTrying: isTrying === true,
    handlers: readHandlers(handlers),
    dueMs: Number.isFinite(dueMs) ? dueMs : undefined,
    letters: Array.isArray(letters) ? letters : undefined,
    isDone: isDone === true,
  }
}
