import { EventsetsError, type EventsetsErrorOptions } from '../core/errors.ts'

/** The base of what goes wrong on the bus. What is wrong with the data of an event is a `ValidationError`. */
export class EventError extends EventsetsError {}

/** An event could not be handed to the backend. */
export class PublishError extends EventError {}

/** A connection to a backend failed or is away. */
export class ConnectionError extends EventError {}

export interface SerializationErrorOptions {
  readonly code?: EventsetsErrorOptions['code']
  /** Where in the data: `data.user.callback`. */
  readonly path: string
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/** Data that cannot be written as JSON: a cycle, a function, a BigInt; or is too large. */
export class SerializationError extends EventError {
  readonly path: string

  constructor(message: string, { path, ...options }: SerializationErrorOptions) {
    super(message, { code: 'EVENTSETS_SERIALIZATION', ...options })
    this.path = path
  }
}

export interface HandlerErrorOptions extends Omit<EventsetsErrorOptions, 'code'> {
  readonly code?: EventsetsErrorOptions['code']
  readonly handler: string
  readonly eventName: string
  readonly attempts: number
}

/** A handler has thrown, rejected or taken too long. `cause` is what it threw. */
export class HandlerError extends EventError {
  /** The name of the handler. */
  readonly handler: string
  readonly eventName: string
  /** How often it was tried. */
  readonly attempts: number

  constructor(message: string, { handler, eventName, attempts, ...options }: HandlerErrorOptions) {
    super(message, { code: 'EVENTSETS_HANDLER', ...options })
    this.handler = handler
    this.eventName = eventName
    this.attempts = attempts
  }
}

/**
 * What somebody has thrown, in words. Anything can be thrown, even what cannot be made a text. It is kept with dead
 * letters and told in events, so that it is cut where it is long: after 4096 characters, with a mark.
 */
export function reasonOf(thrown: unknown): string {
  try {
    return cut(thrown instanceof Error ? String(thrown.message) : String(thrown))
  } catch {
    return `something of type ${typeof thrown}`
  }
}

const MAX_CHARACTERS = 4096

function cut(text: string): string {
  if (text.length <= MAX_CHARACTERS) return text
  // Not through a pair of surrogates: half of one cannot be stored everywhere.
  const isPair = /[\ud800-\udbff]/.test(text[MAX_CHARACTERS - 1] as string)
  const kept = text.slice(0, isPair ? MAX_CHARACTERS - 1 : MAX_CHARACTERS)
  return `${kept}… (${text.length} characters)`
}
