import type { BusEvent } from './event.ts'
import type { BusMetrics } from './metrics.ts'

/** Watches a bus at work, and makes spans or measurements of what it sees; see `openTelemetry`. */
export interface Telemetry {
  /** Called by each bus that it is given to, before that does anything. */
  connect(bus: ObservedBus): BusObserver
}

/** What of a bus can be watched. */
export interface ObservedBus {
  readonly source: string
  readonly group: string
  metrics(): Promise<BusMetrics>
  /** Tells what has gone wrong in the background. Never throws. */
  report(error: unknown): void
}

/** Stands around what a bus does. */
export interface BusObserver {
  /** Runs what publishes events. Gives what that gives, and rejects as that does. */
  publish<T>(operation: PublishOperation, run: (publication: Publication) => Promise<T>): Promise<T>
  /** Runs one try of a handler. Gives what that gives, and throws or rejects as that does. */
  handle(call: HandlerCall, run: () => unknown): unknown
  /** The bus has closed. */
  end(): void
}

export interface PublishOperation {
  /**
   * `publish` hands events to the backend, `emit` to the handlers of this process; `create` makes an event that waits
   * for the end of its transaction, and `send` hands over what has waited.
   */
  readonly kind: 'publish' | 'emit' | 'create' | 'send'
  /** The names of the events, each once. */
  readonly names: readonly string[]
  /** How many events there are. */
  readonly count: number
  /**
   * With `send`, the trace contexts that the events carry; otherwise the one that the publisher has given, of which it
   * is to be a part. W3C `traceparent`s.
   */
  readonly traceparents: readonly string[]
}

/** What is being published, while it is. */
export interface Publication {
  /** The trace context for the events to carry, as W3C `traceparent`. */
  readonly traceparent: string | undefined
  /** Tells the event that has been made. */
  made(event: BusEvent): void
}

/** One try of a handler. */
export interface HandlerCall {
  readonly event: BusEvent
  /** The name of the handler. */
  readonly handler: string
  readonly pattern: string
  /** From 1. */
  readonly attempt: number
  /** Whether a backend has handed the event over; otherwise it was emitted. */
  readonly isPublished: boolean
}
