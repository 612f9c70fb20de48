import { SerializationError, type StoredEvent } from 'eventsets/bus'

/** @throws SerializationError */
export function writeBody(event: StoredEvent): string {
  try {
    return JSON.stringify(event)
  } catch (cause) {
    throw new SerializationError(`The event ${JSON.stringify(event.name)} cannot be written as JSON.`, {
      path: 'data',
      cause,
    })
  }
}

/** A letter that is replayed, as it stands in the log: for one group, or for all. */
export interface Again {
  readonly group: string | undefined
  readonly handlers: readonly string[] | undefined
  readonly event: StoredEvent
}

/** What was found, or why it cannot be read. */
export type Read<T> =
  | { readonly value: T; readonly fault?: undefined }
  | { readonly value?: undefined; readonly fault: string }

/** Whoever can write to the server can write anything into a stream. */
export function readEvent(body: Uint8Array): Read<StoredEvent> {
  const { value, fault } = readJson(body)
  if (fault !== undefined) return { fault }
  return isEvent(value) ? { value } : { fault: 'lacks a part of an event' }
}

export function readAgain(body: Uint8Array): Read<Again> {
  const { value, fault } = readJson(body)
  if (fault !== undefined) return { fault }
  const { group, handlers, event } = (value ?? {}) as Partial<Again>
  if (!isEvent(event)) return { fault: 'lacks a part of an event' }
  if (group !== undefined && typeof group !== 'string') return { fault: 'has a group that is no text' }
  return { value: { group, handlers: readHandlers(handlers), event } }
}

/** A list of names, or nothing. */
export function readHandlers(names: unknown): readonly string[] | undefined {
  return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : undefined
}

export function readJson(body: Uint8Array): Read<unknown> {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    return { fault: 'is not UTF-8' }
  }
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    return { fault: `is not JSON: ${error instanceof Error ? error.message : 'unreadable'}` }
  }
}

export function isEvent(value: unknown): value is StoredEvent {
  if (typeof value !== 'object' || value === null) return false
  const { id, name, source, correlationId, key = '', time, priority } = value as Partial<StoredEvent>
  const texts = [id, name, source, correlationId, key]
  return (
    texts.every((text) => typeof text === 'string') && Number.isFinite(time) && Number.isInteger(priority)
  )
}

/** So much of what cannot be read goes into its dead letter: all of it may be more than a message can hold. */
const MAX_UNREADABLE = 32_768

/** What stands for an event that cannot be read, among the dead letters: its data is what was found. */
export function unreadableEvent(body: Uint8Array, id: string, time: number): StoredEvent {
  const data = new TextDecoder().decode(body.subarray(0, MAX_UNREADABLE))
  return { id, name: 'unreadable', data, source: '', time, correlationId: id, priority: 50 }
}
