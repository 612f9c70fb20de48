import type { StoredEvent } from 'eventsets/bus'
import { queueOf } from './queues.ts'
import { writeBody } from './stored-body.ts'

/** An event as the server is to have it. */
export interface Written {
  readonly id: string
  readonly queue: string
  readonly name: string
  /** From when on it may be handed out, in milliseconds since 1970. */
  readonly due: number | undefined
  readonly body: string
}

/** What the server is to know beside the events. */
export interface Bounds {
  readonly rememberedIds: number
  /** No limit if 0. */
  readonly maxLen: number
  readonly step: number
  readonly marks: number
  /** Where there is a limit: all there are. */
  readonly queues: readonly string[]
}

/** @throws SerializationError */
export function writeEvent(event: StoredEvent, partitions: number): Written {
  const { id, name, deliverAt } = event
  return {
    id: wellFormed(id),
    queue: queueOf(event, partitions),
    name: wellFormed(name),
    due: deliverAt === undefined ? undefined : Math.ceil(deliverAt),
    body: writeBody(event),
  }
}

/** Characters, about. */
export function sizeOf({ id, name, body }: Written): number {
  return id.length + name.length + body.length
}

/**
 * What is published in one call, as the script wants it: two arguments, since each takes the client and the server its
 * time, and one for the id, the name and the body of each event takes longer than all the rest.
 */
export function writePublication(events: readonly Written[], bounds: Bounds): [set: string, bodies: string] {
  const numbers = new Map<string, number>()
  const heads: (readonly [queue: string, name: string, due?: number])[] = []
  const of = events.map(({ queue, name, due }) => {
    const head = `${queue} ${due ?? ''} ${name}`
    const known = numbers.get(head)
    if (known !== undefined) return known
    const number = heads.push(due === undefined ? [queue, name] : [queue, name, due])
    numbers.set(head, number)
    return number
  })
  const ids = events.map(({ id }) => id)
  return [
    JSON.stringify({ ...bounds, ids, heads, of }),
    // JSON has no line break in it unless it is asked for.
    events.map(({ body }) => body).join('\n'),
  ]
}

/** Half a character would be written as an escape, which the server refuses to read. */
function wellFormed(text: string): string {
  return /\p{Surrogate}/u.test(text) ? text.replaceAll(/\p{Surrogate}/gu, '\ufffd') : text
}
