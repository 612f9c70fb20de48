import { EventError } from './errors.ts'
import type { BusEvent, PublishEventOptions, StoredEvent } from './event.ts'
import type { EventMap, EventName } from './event-map.ts'

/** Publishes inside a transaction: what it is given is published when the transaction succeeds, or not at all. */
export interface TransactionPublisher<Events extends object = EventMap> {
  /**
   * Checks the event now, and publishes it with all the others of the transaction, in the order of these calls.
   *
   * @throws What `bus.publish` throws for an event that is wrong, and EventError once the transaction has ended.
   */
  publish<Name extends EventName<Events>>(
    name: Name,
    data: Events[Name],
    options?: PublishEventOptions,
  ): Promise<BusEvent<Name, Events[Name]>>
}

/** A place in the caller's own database, written in the caller's own transaction. */
export interface Outbox<Handle = unknown> {
  /**
   * Keeps events, in their order, with the rows of the transaction that `handle` stands for: a connection, or what a
   * driver hands to the function that it runs in a transaction.
   */
  write(handle: Handle, events: readonly StoredEvent[]): void | Promise<void>
}

/** Where the events of a transaction are written. */
export interface OutboxTarget<Handle = unknown> {
  readonly outbox: Outbox<Handle>
  readonly handle: Handle
}

/** What has been made of something that is published: what is to be kept, and what its publisher gets. */
export interface Made<T> {
  readonly events: readonly StoredEvent[]
  readonly result: T
}

/** One run of `bus.transaction`: the events that wait for its end. */
export class Transaction {
  readonly target: OutboxTarget | undefined
  /** For each publish the place it has in the order, from the moment it was begun. */
  readonly #places: { events: readonly StoredEvent[] }[] = []
  #pending = 0
  #onSettled: (() => void)[] = []
  #isOpen = true

  constructor(target: OutboxTarget | undefined) {
    this.target = target
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Keeps what `make` gives. When that throws, nothing is kept. */
  async add<T>(make: () => Promise<Made<T>>): Promise<T> {
    if (!this.#isOpen) throw endedError()
    const place: { events: readonly StoredEvent[] } = { events: [] }
    this.#places.push(place)
    this.#pending++
    try {
      const { events, result } = await make()
      // It has failed while the event was being checked.
      if (!this.#isOpen) throw endedError()
      place.events = events
      return result
    } finally {
      this.#pending--
      for (const settled of this.#onSettled.splice(0)) settled()
    }
  }

  /** Waits for what is being published, even if its publisher does not, and gives all that was published. */
  async end(): Promise<readonly StoredEvent[]> {
    while (this.#pending > 0) await new Promise<void>((resolve) => this.#onSettled.push(resolve))
    this.#isOpen = false
    return this.#places.flatMap(({ events }) => events)
  }

  /** Takes no more. */
  fail(): void {
    this.#isOpen = false
  }

  /**
   * Checks that a transaction may be a part of this one.
   *
   * @throws EventError when it would be written to another place.
   */
  assertJoins(target: OutboxTarget | undefined): void {
    const { outbox, handle } = this.target ?? {}
    if (!target || (target.outbox === outbox && target.handle === handle)) return
    throw new EventError('A transaction with an outbox is inside one that is not written there.', {
      code: 'EVENTSETS_TRANSACTION',
      hint: 'Give the outer one the same "outbox" and "handle", or begin the inner one after it.',
    })
  }
}

function endedError(): EventError {
  return new EventError('The transaction has ended, and publishes nothing any more.', {
    code: 'EVENTSETS_TRANSACTION',
    hint: 'Wait for all that the function of a transaction does before it ends, or publish on the bus.',
  })
}
