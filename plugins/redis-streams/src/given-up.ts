import { randomUUID } from 'node:crypto'
import { type DeadLetter, EventError } from 'eventsets/bus'
import { quote } from './safe-text.ts'
import { unreadableEvent } from './stored-body.ts'
import type { Work } from './work.ts'

/** The reason of a dead letter whose processes have died. */
const CRASHED = 'crashed'

/** A letter of an event that the bus itself cannot handle. */
export function refusedLetter(work: Work, group: string, reason: string): DeadLetter {
  return letterOf(work, group, reason, undefined)
}

/** A letter of an event whose processes have died too often. */
export function crashedLetter(work: Work, group: string): DeadLetter {
  const { handlers } = work
  return letterOf(work, group, CRASHED, handlers?.length === 1 ? handlers[0] : undefined)
}

export interface Unreadable {
  /** In its stream. */
  readonly id: string
  /** What was found. */
  readonly body: string | undefined
  /** What is wrong with it. */
  readonly fault: string
  readonly attempts: number
}

/** A letter of something that is no event. */
export function unreadableLetter({ id, body, fault, attempts }: Unreadable, group: string): DeadLetter {
  const letterId = randomUUID()
  return {
    id: letterId,
    event: unreadableEvent(body, letterId, Number(id.split('-')[0])),
    group,
    handler: undefined,
    reason: `The stored event ${fault}.`,
    attempts,
    time: Date.now(),
  }
}

export function crashedError(letter: DeadLetter): EventError {
  return givenUpError(letter, 'the processes that handled it have died.', 'EVENTSETS_CRASHED')
}

export function unreadableError(letter: DeadLetter): EventError {
  return givenUpError(letter, letter.reason, 'EVENTSETS_UNREADABLE')
}

function letterOf(
  { event, attempt }: Work,
  group: string,
  reason: string,
  handler: string | undefined,
): DeadLetter {
  return { id: randomUUID(), event, group, handler, reason, attempts: attempt, time: Date.now() }
}

function givenUpError(
  { id, event }: DeadLetter,
  reason: string,
  code: 'EVENTSETS_CRASHED' | 'EVENTSETS_UNREADABLE',
): EventError {
  const message = `The event ${quote(event.name)} (${quote(event.id)}) was given up: ${reason}`
  return new EventError(message, { code, hint: `It is the dead letter ${id}.` })
}
