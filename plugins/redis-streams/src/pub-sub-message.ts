import type { StoredEvent } from 'eventsets/bus'
import { toStoredEvent, writeBody } from './stored-body.ts'

/** What came over a channel. */
export interface Message {
  /** How many events there have been on the channel, those of this message included. */
  readonly number: number
  /** How many it says that it has. */
  readonly count: number
  /** What its sender knows it by. */
  readonly token: string
  readonly events: readonly StoredEvent[]
  /** What is wrong with each of the others. */
  readonly faults: readonly string[]
}

/** @throws SerializationError */
export function writeEvents(events: readonly StoredEvent[]): string {
  return `[${events.map(writeBody).join()}]`
}

const HEAD = /^(\d{1,15}) (\d{1,9}) ([\w-]{1,100}) /

/** Anybody can send anything. Gives a text where it is no message, which says why. */
export function readMessage(text: string): Message | string {
  const [head = '', number, count, token] = HEAD.exec(text) ?? []
  if (number === undefined || count === undefined || token === undefined) return 'does not begin as a message'
  let list: unknown
  try {
    list = JSON.parse(text.slice(head.length))
  } catch {
    return 'is not JSON'
  }
  if (!Array.isArray(list)) return 'is not a list of events'
  const read = list.map(toStoredEvent)
  return {
    number: Number(number),
    count: Number(count),
    token,
    events: read.flatMap(({ event }) => event ?? []),
    faults: read.flatMap(({ fault }) => fault ?? []),
  }
}
