import type { StoredEvent } from './event.ts'

/** What a backend promises. The conformance suite holds it to what it says, and to no more. */
export interface BackendFeatures {
  /** What was published survives the end of the process. */
  readonly durable: boolean
  /** Events of one key are handled one after another in the order of publishing, retries included. */
  readonly ordered: boolean
  /** Several groups of consumers each get every event. */
  readonly consumerGroups: boolean
  /** Several processes may consume, and what one of them held when it died is handed to another. */
  readonly takeover: boolean
  /** What was published can be read again. */
  readonly replay: boolean
  /** An event can be published for later. */
  readonly delay: boolean
  /** An event that is published again with its id is not delivered again, within a window. */
  readonly deduplication: boolean
  /**
   * Whatever is published together is taken, all or none. Without it, a backend refuses what it cannot take so, before
   * it has taken any: some events can only be published one by one then.
   */
  readonly atomic: boolean
}

/** One event handed to a consumer. */
export interface Delivery {
  readonly event: StoredEvent
  /** Counts from 1. */
  readonly attempt: number
  /** Whether it may have been handed out before. */
  readonly isRedelivered: boolean
  /** The handlers that are still to be run; all of them unless given. */
  readonly handlers?: readonly string[] | undefined
}

/** What has become of a delivery. The backend keeps it all together or not at all. */
export interface Outcome {
  /** What is still to be done, and when. */
  readonly retry?: RetryOrder | undefined
  /** What is given up. */
  readonly deadLetters: readonly DeadLetter[]
}

/** The event is to be delivered again. */
export interface RetryOrder {
  /** The handlers that are still to be run: those that have failed, and those that wait for them. */
  readonly handlers: readonly string[]
  readonly delayMs: number
  /**
   * The `attempt` of that delivery. Not always one more than this one's: handlers of lower priority begin with their
   * first try when those before them have needed several.
   */
  readonly attempt: number
  /** `isRedelivered` of that delivery: a handler had begun with it, and what became of that is not known. */
  readonly isRedelivered?: boolean | undefined
}

/** An event that a handler could not handle. */
export interface DeadLetter<Event extends StoredEvent = StoredEvent> {
  readonly id: string
  readonly event: Event
  /** The group of the handler: a letter that is replayed goes to no other. Undefined when no group is to blame. */
  readonly group?: string | undefined
  /** The name of the handler; undefined when no handler got it. */
  readonly handler: string | undefined
  /** Why: the message of the error. */
  readonly reason: string
  readonly attempts: number
  /** Milliseconds since 1970. */
  readonly time: number
}

export interface Consumer {
  /** Each group gets every event once. */
  readonly group: string
  /** How many deliveries may be in hand at once. */
  readonly concurrency: number
  /**
   * The patterns that somebody listens to, for backends that can filter; the same list as long as that does not change.
   * What is published for later, tried again or replayed is handed over whatever they are.
   */
  patterns(): readonly string[]
  /** Handles a delivery. Never rejects. Nothing is taken for handled before it has ended. */
  deliver(delivery: Delivery): Promise<Outcome>
  /** Told of what goes wrong in the background, such as a lost connection. */
  onError(error: Error): void
}

/** A consumer at work. */
export interface Consumption {
  /**
   * Takes no more, and waits for what is in hand, but not longer than that; with 0 not at all. What its group has not
   * handled waits for the next consumer of the group.
   */
  stop(deadlineMs: number): Promise<void>
  /**
   * Goes on until its group has nothing left that is due before the deadline, and stops for good. Gives how many events
   * are lost by that. Only backends have it that would lose what waits.
   *
   * @param onLeft Called in the very moment from which on nothing would be handed out any more.
   */
  drain?(deadlineMs: number, onLeft?: () => void): Promise<number>
}

export interface ReplayQuery<Pattern extends string = string> {
  /** Milliseconds since 1970. From the first event there is unless given. */
  readonly from?: number | undefined
  /** Milliseconds since 1970, included. To the last event there is unless given. */
  readonly to?: number | undefined
  /** The id of an event: only what was published after it. An id that is not known, or not any more, is a `NotFoundError`. */
  readonly afterId?: string | undefined
  /** Every event unless given. */
  readonly pattern?: Pattern | undefined
  readonly signal?: AbortSignal | undefined
}

export interface DeadLetterStore {
  /** The oldest first. */
  list(query?: {
    readonly limit?: number | undefined
    readonly pattern?: string | undefined
  }): Promise<DeadLetter[]>
  get(id: string): Promise<DeadLetter | undefined>
  /** Keeps letters that do not come from a delivery. */
  add(letters: readonly DeadLetter[]): Promise<void>
  /**
   * Hands letters to their handlers again, in their groups, and drops them here, together. A letter without a group
   * goes to all groups there are. Gives how many there were.
   */
  replay(ids: readonly string[]): Promise<number>
  /** Gives whether there was one. */
  drop(id: string): Promise<boolean>
}

export interface BackendHealth {
  readonly status: 'healthy' | 'degraded' | 'unhealthy'
  /** Why it is not healthy, as sentences. */
  readonly reasons: readonly string[]
  /** Events that wait to be delivered, retries included. */
  readonly queueDepth: number
  /** Events in the hands of consumers. */
  readonly inFlight: number
  /** How long the oldest waiting event has waited, in milliseconds. */
  readonly lagMs: number
  readonly deadLetters: number
  /** The same of each group there is: those of the backend are sums, and the longest lag. */
  readonly groups: readonly GroupHealth[]
}

export interface GroupHealth {
  readonly name: string
  readonly queueDepth: number
  readonly inFlight: number
  readonly lagMs: number
}

/** Where the events go that are published: what the bus needs of memory, a database or a broker. */
export interface BusBackend {
  /** For people: `memory`. */
  readonly name: string
  readonly features: BackendFeatures
  /**
   * Takes events, all or none, in their order. When it resolves, they are taken: a durable backend has stored them.
   * All or none holds whatever happens to the process or the server meanwhile: sooner or later each group is handed all
   * of them, or none of them ever; not all at the same moment.
   * Only backends with the feature `delay` are given events with `deliverAt`.
   *
   * @throws PublishError, ConnectionError
   */
  publish(events: readonly StoredEvent[]): Promise<void>
  /** Begins to hand events to a consumer. */
  consume(consumer: Consumer): Promise<Consumption>
  /** Events that were published, the oldest first. Without the feature it is not there. */
  replay?(query: ReplayQuery): AsyncIterable<StoredEvent>
  readonly deadLetters: DeadLetterStore
  health(): Promise<BackendHealth>
  /** Lets go of everything. What is not handled stays where it is, if the backend is durable. */
  close(): Promise<void>
}
