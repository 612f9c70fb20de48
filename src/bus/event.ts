import type { Moment } from './clock.ts'
import { createUuid } from './uuid.ts'

/** How urgent an event is, and how early a handler runs. Any integer will do. */
export const Priority = { CRITICAL: 100, HIGH: 75, NORMAL: 50, LOW: 25 } as const

/** Something that has happened: a name and its data. It never changes. */
export interface BusEvent<Name extends string = string, Data = unknown> {
  /** A UUID of version 7: sorts by time. Two deliveries of one event have one id. */
  readonly id: string
  /** Words joined by dots: `order.paid`. */
  readonly name: Name
  readonly data: Data
  /** What published it: a service, or a part of one. */
  readonly source: string
  /** Milliseconds since 1970. */
  readonly time: number
  /** What belongs together has one; the id of the first event of a chain. */
  readonly correlationId: string
  /** The id of the event that led to this one. */
  readonly causationId: string | undefined
  /** Events of one key are handled one after another. */
  readonly key: string | undefined
  readonly priority: number
  /** W3C trace context, when traces are recorded. */
  readonly traceparent: string | undefined
  /** How many events led to this one. */
  readonly depth: number
  /** Not to be handled before, in milliseconds since 1970. */
  readonly deliverAt: number | undefined
  toJSON(): StoredEvent<Name, Data>
}

/** An event as backends keep it: plain data. */
export interface StoredEvent<Name extends string = string, Data = unknown> {
  readonly id: string
  readonly name: Name
  readonly data: Data
  readonly source: string
  readonly time: number
  readonly correlationId: string
  readonly causationId?: string | undefined
  readonly key?: string | undefined
  readonly priority: number
  readonly traceparent?: string | undefined
  readonly depth?: number | undefined
  /** Milliseconds since 1970: not to be handed out before. */
  readonly deliverAt?: number | undefined
}

/** What a publisher may say about an event beside its name and data. */
export interface EventOptions {
  /** An id of the publisher's own: publishing it again is publishing the same event. */
  readonly id?: string | undefined
  /** The bus's own unless given. */
  readonly source?: string | undefined
  readonly correlationId?: string | undefined
  readonly causationId?: string | undefined
  readonly key?: string | undefined
  /** `Priority.NORMAL` unless given. */
  readonly priority?: number | undefined
  /** Milliseconds since 1970. Now unless given. */
  readonly time?: number | undefined
  readonly traceparent?: string | undefined
  readonly depth?: number | undefined
}

export interface PublishEventOptions extends EventOptions {
  /** Not to be handled before: milliseconds since 1970, or a Date. */
  readonly deliverAt?: number | Date | undefined
}

/** What is said about an event beside its name, data and time. */
export interface EventOrigin extends Omit<EventOptions, 'time'> {
  readonly source: string
  readonly deliverAt?: number | undefined
}

/**
 * An event that is published in this process.
 *
 * Accessors without setters make it immutable at no cost, where freezing an object takes longer than calling its
 * handlers. Its id is made when somebody asks for it: most events in a process are handled and forgotten.
 */
export class PublishedEvent<Name extends string = string, Data = unknown> implements BusEvent<Name, Data> {
  readonly #name: Name
  readonly #data: Data
  readonly #moment: Moment
  readonly #origin: EventOrigin
  /** Until somebody asks for it, its place in the moment. */
  #id: string | number

  constructor(name: Name, data: Data, moment: Moment, origin: EventOrigin) {
    this.#name = name
    this.#data = data
    this.#moment = moment
    this.#origin = origin
    this.#id = moment.next++
  }

  get id(): string {
    if (typeof this.#id === 'string') return this.#id
    this.#id = this.#origin.id ?? createUuid(this.#moment.time, this.#id)
    return this.#id
  }

  get name(): Name {
    return this.#name
  }

  get data(): Data {
    return this.#data
  }

  get source(): string {
    return this.#origin.source
  }

  get time(): number {
    return this.#moment.time
  }

  get correlationId(): string {
    return this.#origin.correlationId ?? this.id
  }

  get causationId(): string | undefined {
    return this.#origin.causationId
  }

  get key(): string | undefined {
    return this.#origin.key
  }

  get priority(): number {
    return this.#origin.priority ?? Priority.NORMAL
  }

  get traceparent(): string | undefined {
    return this.#origin.traceparent
  }

  get depth(): number {
    return this.#origin.depth ?? 0
  }

  get deliverAt(): number | undefined {
    return this.#origin.deliverAt
  }

  toJSON(): StoredEvent<Name, Data> {
    const { id, name, data, source, time, correlationId, causationId, key, priority, traceparent } = this
    const { depth, deliverAt } = this
    return {
      id,
      name,
      data,
      source,
      time,
      correlationId,
      ...(causationId === undefined ? {} : { causationId }),
      ...(key === undefined ? {} : { key }),
      priority,
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(depth === 0 ? {} : { depth }),
      ...(deliverAt === undefined ? {} : { deliverAt }),
    }
  }

  /** What `console.log` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): StoredEvent<Name, Data> {
    return this.toJSON()
  }
}

/** An event that a backend has kept. */
export function reviveEvent(stored: StoredEvent): PublishedEvent {
  const { name, data, time, ...origin } = stored
  // Its id is known, so that no place is needed for it.
  return new PublishedEvent(name, data, { time, next: 0, end: 1 }, origin)
}
