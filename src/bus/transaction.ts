import { object, optional } from '../core/shape.ts'
import { EventError } from './errors.ts'
import type { BusEvent, PublishEventOptions, StoredEvent } from './event.ts'
import type { EventMap, EventName, InputMap } from './event-map.ts'
import { assertOptions, expected } from './option-shape.ts'

/** Publishes inside a transaction: what it is given is published when the transaction succeeds, or not at all. */
export interface TransactionPublisher<
  Events extends object = EventMap,
  Inputs extends InputMap<Events> = Events,
> {
  /**
   * Checks the event now, and publishes it with all the others of the transaction, in the order of these calls.
   *
   * @throws What `bus.publish` throws for an event that is wrong, and EventError once the transaction has ended.
   */
  publish<Name extends EventName<Events>>(
    name: Name,
    data: Inputs[Name],
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

/**
 * Checks what `bus.transaction` is given.
 *
 * @throws ValidationError with everything that is wrong with it.
 */
export function assertTransaction(run: unknown, target: unknown): void {
  const isFunction = typeof run === 'function'
  assertOptions(
    'What is given to transaction is',
    TARGET,
    target,
    isFunction ? [] : [{ path: 'run', code: 'type', message: 'expected a function' }],
  )
}

const TARGET = optional(
  object({
    outbox: expected(
      'an outbox, such as postgresOutbox()',
      (input) => typeof (input as Outbox | null | undefined)?.write === 'function',
    ),
    handle: expected('what your transaction runs on', (input) => input !== undefined && input !== null),
  }),
)

/** One run of `bus.transaction`: the events that wait for its end. */
export class Transaction {
  readonly target: OutboxTarget | undefined
  /** For each publish the place it has in the order, from the moment it was begun. */
  readonly #places: { events: readonly StoredEvent[] }[] = []
  #pending = 0
  #onSettled: (() => void)[] = []
  #isOpen = true
  #refusal: { readonly error: unknown } | undefined

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

  /** Fails as a whole when this is refused: then its publisher need neither wait for it nor catch it. */
  watch(publishing: Promise<unknown>): void {
    this.#pending++
    const settle = () => {
      this.#pending--
      for (const settled of this.#onSettled.splice(0)) settled()
    }
    publishing.then(settle, (error) => {
      this.#refusal ??= { error }
      settle()
    })
  }

  /**
   * Waits for what is being published, even if its publisher does not, and gives all that was published.
   *
   * @throws The first error of a publish that was refused.
   */
  async end(): Promise<readonly StoredEvent[]> {
    while (this.#pending > 0) await new Promise<void>((resolve) => this.#onSettled.push(resolve))
    this.#isOpen = false
    if (this.#refusal) throw this.#refusal.error
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
