import type { BusEvent, EventOptions, PublishEventOptions } from './event.ts'

/** What a bus is to a handler: a place to publish what follows from an event. */
export interface Publisher {
  publish(name: string, data: unknown, options?: PublishEventOptions): Promise<unknown>
  emit(name: string, data: unknown, options?: EventOptions): Promise<unknown>
}

/** What a handler gets beside its event. */
export interface HandlerContext {
  /** Aborted when its time is over, and when the bus closes without waiting any longer. */
  readonly signal: AbortSignal
  /** Which try this is, from 1. */
  readonly attempt: number
  /** Whether the event was published, and so is known to the backend, or emitted in this process only. */
  readonly isPublished: boolean
  /** Whether the event may have been handed out before: after a crash, say. */
  readonly isRedelivered: boolean
  /** Publishes an event that follows from this one: it has its correlation id, and knows its cause. */
  publish(name: string, data: unknown, options?: PublishEventOptions): Promise<unknown>
  /** The same in this process. */
  emit(name: string, data: unknown, options?: EventOptions): Promise<unknown>
}

/** Which try of handling an event it is. */
export interface Try {
  readonly attempt: number
  readonly isPublished: boolean
  readonly isRedelivered: boolean
}

/** What is the same for many calls of handlers. */
export interface Circumstances extends Try {
  readonly publisher: Publisher
  readonly signal: AbortSignal
}

export class Context implements HandlerContext {
  readonly #circumstances: Circumstances
  readonly #event: BusEvent

  constructor(circumstances: Circumstances, event: BusEvent) {
    this.#circumstances = circumstances
    this.#event = event
  }

  get signal(): AbortSignal {
    return this.#circumstances.signal
  }

  get attempt(): number {
    return this.#circumstances.attempt
  }

  get isPublished(): boolean {
    return this.#circumstances.isPublished
  }

  get isRedelivered(): boolean {
    return this.#circumstances.isRedelivered
  }

  publish(name: string, data: unknown, options?: PublishEventOptions): Promise<unknown> {
    return this.#circumstances.publisher.publish(name, data, follow(this.#event, options))
  }

  emit(name: string, data: unknown, options?: EventOptions): Promise<unknown> {
    return this.#circumstances.publisher.emit(name, data, follow(this.#event, options))
  }
}

function follow<Options extends EventOptions>(event: BusEvent, options?: Options): Options | EventOptions {
  return {
    correlationId: event.correlationId,
    causationId: event.id,
    traceparent: event.traceparent,
    ...options,
    depth: event.depth + 1,
  }
}
