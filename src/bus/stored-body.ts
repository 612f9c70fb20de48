import { isUtf8 } from 'node:buffer'
import { type Bytes, toBuffer } from './bytes.ts'
import { reasonOf, SerializationError } from './errors.ts'
import type { StoredEvent } from './event.ts'
import { quote, writeOut } from './quote.ts'

/** An event and what is kept of it. */
export interface StoredEntry {
  readonly event: StoredEvent
  /** JSON. */
  readonly body: string
}

/** @throws SerializationError */
export function toEntry(event: StoredEvent): StoredEntry {
  try {
    return { event, body: JSON.stringify(event) }
  } catch (cause) {
    throw new SerializationError(`The event ${quote(event.name)} cannot be written as JSON.`, {
      path: 'data',
      cause,
    })
  }
}

/** What was kept of an event, or why it cannot be read. */
export type ReadBody =
  | { readonly event: StoredEvent; readonly fault?: undefined }
  | { readonly event?: undefined; readonly fault: string }

/** Reads what a backend or an outbox has kept. Others may have written there too, or the disk may have failed. */
export function readBody(body: string | Bytes | null): ReadBody {
  if (body === null) return { fault: 'is not there' }
  if (typeof body !== 'string' && !isUtf8(body)) return { fault: 'is not UTF-8' }
  let event: Partial<StoredEvent> | null
  try {
    event = JSON.parse(textOf(body))
  } catch (error) {
    return { fault: `is not JSON: ${writeOut(reasonOf(error))}` }
  }
  if (typeof event !== 'object' || event === null) return { fault: 'is not an object' }
  const { id, name, source, correlationId, key = '', time, priority } = event
  const texts = [id, name, source, correlationId, key]
  const isWhole =
    texts.every((text) => typeof text === 'string') && Number.isFinite(time) && Number.isInteger(priority)
  return isWhole ? { event: event as StoredEvent } : { fault: 'lacks a part of an event' }
}

/** What stands for an event that cannot be read, among the dead letters: its data is what was found. */
export function unreadableEvent(
  body: string | Bytes | null,
  { id, name, time }: Pick<StoredEvent, 'id' | 'name' | 'time'>,
): StoredEvent {
  return {
    id,
    name,
    data: body === null ? null : textOf(body),
    source: '',
    time,
    correlationId: id,
    priority: 50,
  }
}

function textOf(body: string | Bytes): string {
  return typeof body === 'string' ? body : toBuffer(body).toString()
}
