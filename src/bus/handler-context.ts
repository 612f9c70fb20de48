import type { EmitReport } from './emit-report.ts'
import type { BusEvent, EventOptions, PublishEventOptions } from './event.ts'
import type { EventMap, EventName } from './event-map.ts'
import type { OutboxTarget, TransactionPublisher } from './transaction.ts'

/** What a bus is to a handler: a place to publish what follows from an event. */
export interface Publisher {
  publish(name: string, data: unknown, options?: PublishEventOptions): Promise<unknown>
  emit(name: string, data: unknown, options?: EventOptions): Promise<unknown>
}

/**
 * What a handler gets beside its event. It can be taken apart: `(event, { signal, publish }) => …`.
 *
 * Its events are those that it may publish, with the data as publishers give them.
 */
export interface HandlerContext<Inputs extends object = EventMap> {
  /** Aborted when its time is over, and when the bus closes without waiting any longer. */
  readonly signal: AbortSignal
  /** Which try this is, from 1. */
  readonly attempt: number
  /** Whether the event was published, and so is known to the backend, or emitted in this process only. */
  readonly isPublished: boolean
  /** Whether the event may have been handed out before: after a crash, say. */
  readonly isRedelivered: boolean
  /** Publishes an event that follows from this one: it has its correlation id, and knows its cause. */
  publish(...event: FollowUp<Inputs, PublishEventOptions>): Promise<BusEvent>
  /** The same in this process. */
  emit(...event: FollowUp<Inputs, EventOptions>): Promise<EmitReport>
  /** `bus.transaction`, with events that follow from this one. */
  transaction<T, Handle = unknown>(
    run: (publisher: Pick<HandlerContext<Inputs>, 'publish'>) => T | Promise<T>,
    target?: OutboxTarget<Handle>,
  ): Promise<T>
}

/** The name of an event, its data and options: not a type parameter, so that a handler of any events fits every bus. */
type FollowUp<Inputs extends object, Options> = {
  [Name in EventName<Inputs>]: [name: Name, data: Inputs[Name], options?: Options]
}[EventName<Inputs>]

/** What a bus has to have for the context of its handlers. */
export interface HandlingBus extends Publisher {
  transaction<T>(run: (publisher: TransactionPublisher) => T | Promise<T>, target?: OutboxTarget): Promise<T>
}

/** Which try of handling an event it is. */
export interface Try {
  readonly attempt: number
  readonly isPublished: boolean
  readonly isRedelivered: boolean
}

/** What is the same for many calls of handlers. */
export interface Circumstances extends Try {
  readonly publisher: HandlingBus
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

  // Functions that know where they belong, and made only for those who ask: most handlers do not.
  get publish(): HandlerContext['publish'] {
    const publish: Publisher['publish'] = (name, data, options) =>
      this.#circumstances.publisher.publish(name, data, follow(this.#event, options))
    return publish as HandlerContext['publish']
  }

  get emit(): HandlerContext['emit'] {
    const emit: Publisher['emit'] = (name, data, options) =>
      this.#circumstances.publisher.emit(name, data, follow(this.#event, options))
    return emit as HandlerContext['emit']
  }

  get transaction(): HandlerContext['transaction'] {
    return (run, target) =>
      this.#circumstances.publisher.transaction(
        ({ publish }) =>
          run({ publish: (name, data, options) => publish(name, data, follow(this.#event, options)) }),
        target as OutboxTarget | undefined,
      )
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
