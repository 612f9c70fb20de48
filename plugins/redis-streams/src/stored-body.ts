import { SerializationError, type StoredEvent } from 'eventsets/bus'
import { quote, toSafeText } from './safe-text.ts'

/** @throws SerializationError */
export function writeBody(event: StoredEvent): string {
  try {
    return JSON.stringify(event)
  } catch (cause) {
    throw new SerializationError(`The event ${quote(event.name)} cannot be written as JSON.`, {
      path: 'data',
      cause,
    })
  }
}

/** What was stored of an event, or why it cannot be read. */
export type ReadBody =
  | { readonly event: StoredEvent; readonly fault?: undefined }
  | { readonly event?: undefined; readonly fault: string }

/** Whoever can write to the server can write anything into a stream. */
export function readBody(body: string | undefined): ReadBody {
  if (body === undefined) return { fault: 'is not there' }
  try {
    return toStoredEvent(JSON.parse(body))
  } catch (error) {
    return { fault: `is not JSON: ${error instanceof Error ? toSafeText(error.message) : 'unreadable'}` }
  }
}

/** The same of what was written as JSON. */
export function toStoredEvent(value: unknown): ReadBody {
  if (typeof value !== 'object' || value === null) return { fault: 'is not an object' }
  const event: Partial<StoredEvent> = value
  const { id, name, source, correlationId, key = '', time, priority } = event
  const texts = [id, name, source, correlationId, key]
  const isWhole =
    texts.every((text) => typeof text === 'string') && Number.isFinite(time) && Number.isInteger(priority)
  return isWhole ? { event: event as StoredEvent } : { fault: 'lacks a part of an event' }
}

/** What stands for an event that cannot be read, among the dead letters: its data is what was found. */
export function unreadableEvent(body: string | undefined, id: string, time: number): StoredEvent {
  const data = body ?? null
  return { id, name: 'unreadable', data, source: '', time, correlationId: id, priority: 50 }
}
