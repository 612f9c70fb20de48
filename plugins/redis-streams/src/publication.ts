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
    id,
    queue: queueOf(event, partitions),
    name,
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
  const heads: (readonly [queue: string, name: string, due?: number])[] = []
  const numbers = new Map<string, number>()
  const numberOf = ({ queue, name, due }: Written): number => {
    const head = `${queue} ${due ?? ''} ${name}`
    const known = numbers.get(head)
    if (known !== undefined) return known
    const number = heads.push(due === undefined ? [queue, name] : [queue, name, due])
    numbers.set(head, number)
    return number
  }
  const of = events.map(numberOf)
  const ids = events.map(({ id }) => id)
  return [
    writeSet({ ...bounds, ids, heads, of }),
    // JSON has no line break in it unless it is asked for.
    events.map(({ body }) => body).join('\n'),
  ]
}

/** Half a character is written as an escape that the server refuses to read: there, it is to be what UTF-8 makes of it. */
function writeSet(set: object): string {
  const text = JSON.stringify(set)
  if (!/\\ud[89a-f]/.test(text)) return text
  return JSON.stringify(set, (_, value) =>
    typeof value === 'string' ? Buffer.from(value).toString() : value,
  )
}
