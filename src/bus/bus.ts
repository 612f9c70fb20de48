import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { EventsetsError, NotFoundError, ValidationError } from '../core/errors.ts'
import { onAbort } from './abort.ts'
import type {
  BackendFeatures,
  BackendHealth,
  BusBackend,
  Consumer,
  Consumption,
  DeadLetter,
  ReplayQuery,
} from './backend.ts'
import { type Batcher, type BatchOptions, createBatcher } from './batch.ts'
import { type BusLogger, checkOptions, type EventBusOptions } from './bus-options.ts'
import { type Clock, createMoment, createSystemClock, type Moment } from './clock.ts'
import { Dispatcher } from './dispatcher.ts'
import type { EmitReport, HandlerFailure } from './emit-report.ts'
import { EventError, PublishError, reasonOf } from './errors.ts'
import {
  type BusEvent,
  type EventOptions,
  type EventOrigin,
  type PublishEventOptions,
  PublishedEvent,
  reviveEvent,
  type StoredEvent,
} from './event.ts'
import type { EventMap, EventName, KnownPattern, MatchingEvent } from './event-map.ts'
import { assertEventOptions } from './event-options.ts'
import { HANDLER_FAILED } from './handler-failed.ts'
import {
  type BusHealth,
  createHealthChecks,
  type HealthCheck,
  type HealthCheckOptions,
  type HealthChecks,
  type HealthRequest,
} from './health.ts'
import { memoryBackend } from './memory-backend.ts'
import { type BusMetrics, collectMetrics, type MetricsOptions } from './metrics.ts'
import { assertPattern, compilePattern } from './pattern.ts'
import { delayAfter, isWorthRetrying, type Retry } from './retry.ts'
import { assertSerializable } from './serializable.ts'
import { type SseEnd, type SseOptions, serveEvents } from './sse.ts'
import { type StandardSchema, validate } from './standard-schema.ts'
import { createStream, type EventStream, type StreamOptions } from './stream.ts'
import { createSubscription, type Handler, type SubscriptionOptions } from './subscription.ts'
import type { BusObserver, ObservedBus, Publication, PublishOperation } from './telemetry.ts'
import { type Made, type OutboxTarget, Transaction, type TransactionPublisher } from './transaction.ts'

export interface EmitOptions extends EventOptions {
  /** Reject with an AggregateError when a handler has failed, instead of telling it in the report. */
  readonly rethrow?: boolean | undefined
}

export type { PublishEventOptions } from './event.ts'

/** A handler that listens, for people and programs that look. */
export interface HandlerInfo {
  readonly pattern: string
  readonly name: string
  readonly priority: number
  readonly hasFilter: boolean
  readonly once: boolean
}

type Unsubscribe = (() => void) & Disposable

/** The buses of this process that use a backend: the last one to close closes it. */
const users = new WeakMap<BusBackend, Set<Tenant>>()

/** A bus, as the others on its backend see it. */
interface Tenant {
  readonly group: string
  /** Whether it takes events from the backend. */
  readonly isConsuming: boolean
}

const MAX_DATA_BYTES = 2 ** 20
/** What a backend may take on top of a deadline, before nobody waits for it any longer. */
const GRACE_MS = 1000

/**
 * Publishes events and hands them to those who listen.
 *
 * `publish` resolves when the backend has taken the event; the handlers of all buses on that backend get it.
 * `emit` calls the handlers of this bus and resolves when they have ended. Whatever a handler does, the others run,
 * and the publisher goes on.
 */
export class EventBus<Events extends object = EventMap> implements AsyncDisposable {
  readonly #backend: BusBackend
  readonly #source: string
  /** What is said of an event about which nothing else is said. */
  readonly #origin: EventOrigin
  readonly #group: string
  readonly #schemas: ReadonlyMap<string, StandardSchema>
  readonly #defaults: Pick<EventBusOptions, 'retry' | 'timeoutMs'>
  readonly #publishRetry: Retry | undefined
  readonly #concurrency: number
  readonly #maxDataBytes: number
  readonly #onError: EventBusOptions['onError']
  readonly #logger: BusLogger | undefined
  readonly #clock: Clock
  readonly #since: number
  readonly #health: HealthChecks
  readonly #observer: BusObserver | undefined
  readonly #dispatcher: Dispatcher
  readonly #abort = new AbortController()
  readonly #batchers = new Set<Batcher>()
  #droppedByStreams = 0
  #transactions: AsyncLocalStorage<Transaction> | undefined
  #consumption: Promise<Consumption> | undefined
  /** Whether somebody has asked for events of the backend. */
  #isStarted = false
  #isPaused = false
  #isEnded = false
  #closed: Promise<void> | undefined
  /** Whether nothing has to be done about an event but to call its handlers. */
  #isSimple: boolean

  /** @throws ValidationError with everything that is wrong with the options. */
  constructor(options: EventBusOptions<Events> = {}) {
    const { publishRetry } = checkOptions(options as EventBusOptions)
    this.#clock = options.clock ?? createSystemClock()
    this.#backend = options.backend ?? memoryBackend({ clock: this.#clock })
    this.#source = options.source ?? 'eventsets'
    this.#origin = Object.freeze({ source: this.#source })
    this.#group = options.group ?? this.#source
    this.#schemas = new Map(Object.entries((options.schemas ?? {}) as Record<string, StandardSchema>))
    this.#defaults = { retry: options.retry, timeoutMs: options.timeoutMs }
    this.#publishRetry = publishRetry
    this.#concurrency = options.concurrency ?? 100
    this.#maxDataBytes = options.maxDataBytes ?? MAX_DATA_BYTES
    this.#onError = options.onError as EventBusOptions['onError']
    this.#logger = options.logger
    this.#since = this.#clock.now()
    this.#observer = options.telemetry?.connect(this satisfies ObservedBus)
    this.#isSimple = this.#findSimple()
    this.#dispatcher = new Dispatcher({
      clock: this.#clock,
      publisher: this as unknown as EventBus,
      group: this.#group,
      signal: this.#abort.signal,
      concurrency: options.handlersAtOnce ?? 100,
      onFailure: (failure, event) => this.#handlerFailed(failure, event),
      observer: this.#observer,
    })
    const tenants = users.get(this.#backend) ?? new Set()
    users.set(this.#backend, tenants.add(this))
    this.#health = createHealthChecks(
      {
        clock: this.#clock,
        backend: this.#backend,
        group: this.#group,
        statistics: this.#dispatcher.statistics,
        isPaused: () => this.#isPaused,
        isClosed: () => this.#closed !== undefined,
        isListening: (name, pattern) =>
          this.handlers().some((each) => each.name === name && each.pattern === pattern),
      },
      options.health,
    )
  }

  /** The source of events published here. */
  get source(): string {
    return this.#source
  }

  /** What has the same group on one backend shares its events. */
  get group(): string {
    return this.#group
  }

  /** Aborted when the bus has closed. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get backend(): BusBackend {
    return this.#backend
  }

  get clock(): Clock {
    return this.#clock
  }

  /** What counts calls and durations; `metrics` words it. */
  get dispatcher(): Dispatcher {
    return this.#dispatcher
  }

  /**
   * Calls a handler for every event of a pattern, until the returned function is called or the signal is aborted.
   *
   * @throws EventError for a pattern that is none; ValidationError for wrong options.
   */
  on<const Pattern extends string>(
    pattern: Pattern & KnownPattern<Events, Pattern>,
    handler: Handler<MatchingEvent<Events, Pattern>, Events>,
    options?: SubscriptionOptions<MatchingEvent<Events, Pattern>>,
  ): Unsubscribe {
    assertPattern(pattern)
    if (this.#closed) throw this.#closedError('listens')
    const untyped = handler as unknown as Handler
    const signal = options?.signal
    const isBare = options === undefined && !this.#defaults.retry && !this.#defaults.timeoutMs
    if (isBare && typeof handler !== 'function') createSubscription(untyped, {}, {})
    const listener = isBare
      ? untyped
      : createSubscription(
          untyped,
          (options === undefined ? {} : options) as SubscriptionOptions,
          this.#defaults,
        )
    let order = -1
    let forget: (() => void) | undefined
    const off = () => {
      if (typeof listener === 'object') listener.isSpent = true
      this.#dispatcher.remove(pattern, order)
      forget?.()
    }
    if (!signal?.aborted) {
      order = this.#dispatcher.add(pattern, listener)
      forget = signal && onAbort(signal, off)
      if (typeof listener === 'object' && listener.once) listener.end = off
      // What is kept for later must not be handed out before all handlers are there: see start().
      if (!this.#backend.features.durable) void this.start().catch((error) => this.#report(error, undefined))
    }
    return Object.assign(off, { [Symbol.dispose]: off })
  }

  /** Calls a handler for the next event of a pattern; without a handler, a promise of the event. */
  once<const Pattern extends string>(
    pattern: Pattern & KnownPattern<Events, Pattern>,
    handler: Handler<MatchingEvent<Events, Pattern>, Events>,
    options?: Omit<SubscriptionOptions<MatchingEvent<Events, Pattern>>, 'once'>,
  ): Unsubscribe
  once<const Pattern extends string>(
    pattern: Pattern & KnownPattern<Events, Pattern>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<MatchingEvent<Events, Pattern>>
  // biome-ignore lint/suspicious/noExplicitAny: what the two forms above say cannot be said in one.
  once(pattern: string, handler?: any, options: object = {}): any {
    const on = this.on.bind(this) as unknown as (
      pattern: string,
      handler: Handler,
      options: SubscriptionOptions,
    ) => Unsubscribe
    if (typeof handler === 'function') return on(pattern, handler, { ...options, once: true })
    const { signal } = handler ?? {}
    const event = new Promise((resolve, reject) => {
      if (signal?.aborted) throw signal.reason
      const end = () => {
        off()
        for (const forget of forgets) forget()
      }
      const endWith = (error: unknown) => {
        end()
        reject(error)
      }
      const onEvent = (event: BusEvent) => {
        end()
        resolve(event)
      }
      const off = on(pattern, onEvent, { name: 'once', once: true })
      const forgets = [onAbort(this.#abort.signal, () => endWith(this.#closedError('listens')))]
      if (signal) forgets.push(onAbort(signal, () => endWith(signal.reason)))
    })
    // Nobody may be waiting for it any more when the bus closes.
    event.catch(() => {})
    return event
  }

  /** Ends the subscription of a handler to a pattern, the last one if there are several. Gives whether there was one. */
  off(pattern: string, handler: Handler<never, never>): boolean {
    assertPattern(pattern)
    const found = this.#dispatcher.findListener(pattern, handler as Handler)
    if (found === undefined) return false
    if (typeof found.listener === 'object') found.listener.isSpent = true
    return this.#dispatcher.remove(pattern, found.order)
  }

  /** Events as they come, in a loop: `for await (const event of bus.stream('order.*'))`. */
  stream<const Pattern extends string>(
    pattern: Pattern & KnownPattern<Events, Pattern>,
    options: StreamOptions = {},
  ): EventStream<MatchingEvent<Events, Pattern> extends infer Event extends BusEvent ? Event : BusEvent> {
    const listen = (handler: Handler) => this.on(pattern as never, handler as never, { name: 'stream' })
    const onDrop = () => this.#droppedByStreams++
    return createStream(listen, options, onDrop, this.#abort.signal) as never
  }

  /** Handles events many at a time. The returned function ends it. */
  batch<const Pattern extends string>(
    pattern: Pattern & KnownPattern<Events, Pattern>,
    options: BatchOptions & Omit<SubscriptionOptions, 'once' | 'filter'>,
    handler: (events: readonly MatchingEvent<Events, Pattern>[]) => unknown,
  ): Unsubscribe {
    const { maxSize, maxWaitMs, by, signal, ...rest } = options
    const untyped = handler as (events: readonly BusEvent[]) => unknown
    const batcher = createBatcher({ maxSize, maxWaitMs, by }, untyped, this.#clock, this.#concurrency)
    const name = rest.name ?? (handler.name || 'batch')
    const add = (event: BusEvent) => batcher.add(event)
    const off = this.on(pattern as never, add as never, { ...rest, name, signal })
    this.#batchers.add(batcher)
    const end = () => {
      off()
      forget?.()
      this.#batchers.delete(batcher)
      void batcher.flush()
    }
    const forget = signal && onAbort(signal, end)
    if (signal?.aborted) end()
    return Object.assign(end, { [Symbol.dispose]: end })
  }

  /**
   * Hands an event to the backend and resolves when it has been taken; then it has an id. Inside `transaction` it is
   * kept until that succeeds.
   *
   * @throws EventError for a name that is none, ValidationError for data that is wrong, SerializationError for data
   * that is no JSON, PublishError when the backend does not take it. In all cases nothing has been published.
   */
  async publish<Name extends EventName<Events>>(
    name: Name,
    data: Events[Name],
    options: PublishEventOptions = {},
  ): Promise<BusEvent<Name, Events[Name]>> {
    return (await this.#publishOne(name, data, options)) as unknown as BusEvent<Name, Events[Name]>
  }

  /** Publishes several events, all or none of them. */
  async publishAll(
    events: readonly {
      [Name in EventName<Events>]: {
        readonly name: Name
        readonly data: Events[Name]
        readonly options?: EventOptions
      }
    }[EventName<Events>][],
  ): Promise<readonly BusEvent[]> {
    for (const { options = {} } of events) assertEventOptions(options, 'publishAll')
    const names = events.map(({ name }) => name)
    return await this.#publish(names, {}, async (given) => {
      const result = await Promise.all(
        events.map(({ name, data, options }) => this.#prepare(name, data, { ...given, ...options })),
      )
      return { events: result.map((event) => event.toJSON()), result }
    })
  }

  async #publishOne(
    name: string,
    data: unknown,
    options: PublishEventOptions,
    transaction?: Transaction,
  ): Promise<BusEvent> {
    assertEventOptions(options, 'publish')
    const { deliverAt, ...given } = options
    // What waits for its time is no circle, however often it comes round.
    const isLater = deliverAt !== undefined
    const rest = isLater ? { ...given, depth: Math.min(given.depth ?? this.#dispatcher.depth, 1) } : given
    if (deliverAt !== undefined && !this.#backend.features.delay) throw this.#unsupported('delay')
    const make = async (given: EventOptions, publication?: Publication): Promise<Made<BusEvent>> => {
      const event = await this.#prepare(name, data, given, publication)
      const stored = event.toJSON()
      const events = [deliverAt === undefined ? stored : { ...stored, deliverAt: Number(deliverAt) }]
      return { events, result: event }
    }
    return await this.#publish([name], rest, make, transaction)
  }

  /** Makes events and hands them over, or keeps them where a transaction is open. */
  async #publish<T>(
    names: readonly string[],
    options: EventOptions,
    make: (options: EventOptions, publication?: Publication) => Promise<Made<T>>,
    transaction = this.#openTransaction(),
  ): Promise<T> {
    if (transaction) return await transaction.add(() => this.#watch('create', names, options, make))
    return await this.#watch('publish', names, options, async (given, publication) => {
      const { events, result } = await make(given, publication)
      await this.#hand(events)
      return result
    })
  }

  /** The transaction in which this is called. What is left running when one has ended is not a part of it. */
  #openTransaction(): Transaction | undefined {
    const transaction = this.#transactions?.getStore()
    return transaction?.isOpen ? transaction : undefined
  }

  /**
   * Calls the handlers of this bus and resolves when all have ended, with a report of each that failed. Nothing is
   * given to the backend.
   */
  emit<Name extends EventName<Events>>(
    name: Name,
    data: Events[Name],
    options?: EmitOptions,
  ): Promise<EmitReport> {
    // What nearly always is the case, in as few steps as can be: an event for functions without options.
    if (this.#isSimple && options === undefined) {
      const report = this.#dispatcher.emitPlain(name, data, this.#origin)
      if (report !== undefined) return report
    }
    return this.#emitWatched(name, data, options)
  }

  // Apart from `emit`, which the engine builds into its callers only while it is short.
  #emitWatched(name: string, data: unknown, options: EmitOptions | undefined): Promise<EmitReport> {
    if (this.#observer === undefined) return this.#emitChecked(name, data, options)
    return this.#watch('emit', [name], options ?? {}, (given, publication) =>
      this.#emitChecked(name, data, given, publication),
    )
  }

  #emitChecked(
    name: string,
    data: unknown,
    options: EmitOptions | undefined,
    publication?: Publication,
  ): Promise<EmitReport> {
    try {
      const dispatcher = this.#dispatcher
      const depth = Math.max(dispatcher.depth, options?.depth ?? 0)
      this.#assertOpen('emits', depth)
      if (options !== undefined) assertEventOptions(options, 'emit')
      const route = dispatcher.route(name)
      if (this.#isPaused) return Promise.resolve(NOBODY)
      const schema = this.#schemas.size === 0 ? undefined : this.#schemas.get(name)
      const depthError = dispatcher.findDepthError(name, depth)
      if (depthError) throw depthError
      const checked = schema === undefined ? data : validate(schema, data, name)
      if (schema !== undefined && checked instanceof Promise)
        return checked.then((value) => this.#emit(name, value, options, publication))
      return this.#emit(name, checked, options, publication, route)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #emit(
    name: string,
    data: unknown,
    options: EmitOptions | undefined,
    publication?: Publication,
    route = this.#dispatcher.route(name),
  ): Promise<EmitReport> {
    const given = options ?? NO_OPTIONS
    const event = this.#make(
      name,
      data,
      given,
      given.time === undefined ? this.#dispatcher.moment() : undefined,
    )
    publication?.made(event)
    const report = this.#dispatcher.emit(route, event)
    return options?.rethrow === true ? report.then(throwFailures) : report
  }

  /**
   * Runs a function; what it publishes through its argument, or through this bus, is published when it has succeeded,
   * all together, and not at all when it throws. A transaction inside another one is a part of it: what it publishes is
   * published when the outer one succeeds.
   *
   * With `outbox` and `handle` the events are written to the caller's database in the caller's transaction, and a relay
   * publishes them: rows and events are stored together, or neither. Beginning that transaction, and ending it when
   * this has resolved or rejected, is up to the caller.
   *
   * @throws What the function throws, and what `publish` throws when the events cannot be handed over or written.
   */
  async transaction<T, Handle = unknown>(
    run: (publisher: TransactionPublisher<Events>) => T | Promise<T>,
    target?: OutboxTarget<Handle>,
  ): Promise<T> {
    if (this.#isEnded) throw this.#closedError('publishes')
    this.#transactions ??= new AsyncLocalStorage()
    const outer = this.#openTransaction()
    if (outer) {
      outer.assertJoins(target as OutboxTarget | undefined)
      return await outer.add(() => this.#runTransaction(run, outer.target))
    }
    const { events, result } = await this.#runTransaction(run, target as OutboxTarget | undefined)
    if (events.length === 0) return result
    // Each was taken at its time; what does not follow from an event in hand is too late by now.
    for (const { depth = 0 } of events) this.#assertOpen('publishes', depth)
    if (target) await this.#write(target as OutboxTarget, events)
    else await this.#transactions.exit(() => this.#send(events))
    return result
  }

  /** What a function gives, and what it has published. */
  async #runTransaction<T>(
    run: (publisher: TransactionPublisher<Events>) => T | Promise<T>,
    target: OutboxTarget | undefined,
  ): Promise<Made<T>> {
    const transaction = new Transaction(target)
    const publisher = {
      publish: (name: string, data: unknown, options: PublishEventOptions = {}) =>
        this.#publishOne(name, data, options, transaction),
    } as TransactionPublisher<Events>
    try {
      const result = await this.#transactions?.run(transaction, () => run(publisher))
      return { events: await transaction.end(), result: result as T }
    } catch (error) {
      transaction.fail()
      throw error
    }
  }

  async #write({ outbox, handle }: OutboxTarget, events: readonly StoredEvent[]): Promise<void> {
    try {
      await outbox.write(handle, events)
    } catch (error) {
      throw toPublishError(error, events)
    }
  }

  /** What could not be handled, kept by the backend. */
  readonly deadLetters = {
    /** The oldest first. */
    list: (query?: { readonly limit?: number; readonly pattern?: string }): Promise<DeadLetter[]> =>
      this.#backend.deadLetters.list(query),
    /**
     * Hands the event to its handler again.
     *
     * @throws NotFoundError
     */
    replay: async (id: string): Promise<void> => {
      if ((await this.#backend.deadLetters.replay([id])) === 0) throw noLetter(id)
    },
    /** Hands all that match to their handlers again, and gives how many there were. */
    replayAll: async (query?: { readonly pattern?: string }): Promise<number> => {
      const letters = await this.#backend.deadLetters.list(query)
      return await this.#backend.deadLetters.replay(letters.map(({ id }) => id))
    },
    /** @throws NotFoundError */
    drop: async (id: string): Promise<void> => {
      if (!(await this.#backend.deadLetters.drop(id))) throw noLetter(id)
    },
  }

  /**
   * Events that were published, the oldest first.
   *
   * @throws EventError when the backend keeps none.
   */
  async *replay(query: ReplayQuery = {}): AsyncGenerator<BusEvent> {
    if (!this.#backend.replay) throw this.#unsupported('replay')
    if (query.pattern !== undefined) assertPattern(query.pattern)
    for await (const event of this.#backend.replay(query)) yield reviveEvent(event)
  }

  /** Stops handing out events. What is published meanwhile waits in the backend; what is emitted reaches nobody. */
  async pause(): Promise<void> {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#isSimple = false
    const consumption = this.#consumption
    this.#consumption = undefined
    // Whoever has started it was told why it did not begin.
    await (await consumption?.catch(() => undefined))?.stop(0)
  }

  /** Goes on where `pause` has stopped. */
  async resume(): Promise<void> {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#isSimple = this.#findSimple()
    if (this.#isStarted && !this.#closed) await this.start()
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Whether it takes events from the backend: it has started, and is neither paused nor at its end. */
  get isConsuming(): boolean {
    return this.#consumption !== undefined && !this.#isPaused && !this.#isEnded
  }

  /** Whether it has been closed, or is just closing. */
  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  /** Tells `onError` and the logger what has gone wrong in the background. Never throws. */
  report(error: unknown): void {
    this.#report(error, undefined)
  }

  /** Those who listen, in no particular order; to events that a pattern matches, where one is given as a name. */
  handlers(pattern?: string): readonly HandlerInfo[] {
    if (pattern !== undefined) assertPattern(pattern)
    const matches = pattern === undefined ? () => true : compilePattern(pattern)
    return [...this.#dispatcher.listeners()]
      .filter(
        ({ pattern: own }) =>
          pattern === undefined || own === pattern || matches(own) || covers(own, pattern),
      )
      .map(({ pattern: own, listener }) =>
        typeof listener === 'function'
          ? { pattern: own, name: listener.name || 'anonymous', priority: 50, hasFilter: false, once: false }
          : {
              pattern: own,
              name: listener.name ?? (listener.handler.name || 'anonymous'),
              priority: listener.priority,
              hasFilter: listener.matches !== undefined,
              once: listener.once,
            },
      )
  }

  /**
   * Begins to take events from the backend. In memory that happens by itself. With a durable backend it is to be called
   * when all handlers are there, since what nobody listens to is taken for handled.
   */
  async start(): Promise<void> {
    if (this.#closed) throw this.#closedError('starts')
    const isFirst = !this.#isStarted
    this.#isStarted = true
    if (this.#isPaused) {
      // What is published meanwhile is to wait for it.
      if (isFirst && !this.#backend.features.durable) await this.#foundGroup()
      return
    }
    this.#consumption ??= this.#backend.consume(this.#consumer())
    const consumption = this.#consumption
    try {
      await consumption
    } catch (error) {
      if (this.#consumption === consumption) this.#consumption = undefined
      throw error
    }
  }

  /**
   * Resolves when nothing is being handled and nothing waits in the backend, retries and what is published for later
   * included: for this bus, and for the others of this process on its backend that handle events. While the bus is
   * paused, or has not started, it looks at what is in hand only. For tests, above all.
   */
  async idle(): Promise<void> {
    for (let waitMs = 0; ; waitMs = Math.min(waitMs + 1, MAX_POLL_MS)) {
      for (const batcher of this.#batchers) void batcher.flush()
      // Somebody who is just about to publish what follows gets their turn.
      await new Promise((resolve) => (waitMs === 0 ? setImmediate(resolve) : setTimeout(resolve, waitMs)))
      if (this.#isEnded) return
      if (this.#dispatcher.inFlight > 0) continue
      if (!this.isConsuming) return
      if (!(await this.#hasWaiting()) && this.#dispatcher.inFlight === 0) return
    }
  }

  /** Whether the backend has something for this bus, or for another one here that may lead to something for this one. */
  async #hasWaiting(): Promise<boolean> {
    const { groups } = await this.#backend.health()
    const tenants = [...(users.get(this.#backend) ?? [])].filter(({ isConsuming }) => isConsuming)
    // What waits for groups that nobody serves here would be waited for in vain.
    return groups.some(
      ({ name, queueDepth, inFlight }) =>
        queueDepth + inFlight > 0 && tenants.some(({ group }) => group === name),
    )
  }

  /**
   * What has happened here so far, and how much waits.
   *
   * @throws ValidationError for wrong options, and nothing else.
   */
  metrics(options: MetricsOptions = {}): Promise<BusMetrics> {
    const source = {
      source: this.#source,
      since: this.#since,
      clock: this.#clock,
      backend: this.#backend,
      statistics: this.#dispatcher.statistics,
      listening: this.#dispatcher.size,
      inFlight: this.#dispatcher.inFlight,
      droppedByStreams: this.#droppedByStreams,
    }
    return collectMetrics(source, options)
  }

  /**
   * How the bus is, and why.
   *
   * @throws ValidationError for wrong options, and nothing else.
   */
  health(request?: HealthRequest): Promise<BusHealth> {
    return this.#health.check(request)
  }

  /**
   * Adds a check of your own to `health`, until the returned function is called.
   *
   * @throws AlreadyExistsError when there is one of that name; ValidationError.
   */
  addHealthCheck(name: string, check: HealthCheck, options?: HealthCheckOptions): () => void {
    return this.#health.add(name, check, options)
  }

  /**
   * Answers a request of node:http with the events of a pattern as they come, as server-sent events.
   *
   * Resolves when the answer has ended, with the reason. A pattern that is none, and a bus that is closed, are told to
   * the client.
   *
   * @throws ValidationError for wrong options.
   */
  sse<const Pattern extends string>(
    request: IncomingMessage,
    response: ServerResponse,
    pattern: Pattern & KnownPattern<Events, Pattern>,
    options?: SseOptions<MatchingEvent<Events, Pattern>>,
  ): Promise<SseEnd> {
    const bus = this as unknown as EventBus
    return serveEvents(bus, request, response, pattern, options as SseOptions | undefined)
  }

  /** How the backend is. */
  backendHealth(): Promise<BackendHealth> {
    return this.#backend.health()
  }

  /**
   * Ends the bus: takes no more events but those that follow from others (published through the context of a handler),
   * waits for those in hand and, in memory, for those that wait, but no longer than the deadline. What is left then is
   * told to `onError`. Closing twice is closing once. A handler that waits for the end of its bus waits for itself,
   * until the deadline.
   *
   * The backend is closed with the last bus that uses it.
   *
   * @throws ValidationError for a deadline that is none.
   */
  close({ deadlineMs = 10_000 }: { readonly deadlineMs?: number | undefined } = {}): Promise<void> {
    if (typeof deadlineMs !== 'number' || !(deadlineMs >= 0)) {
      const issue = {
        path: 'deadlineMs',
        code: 'format',
        message: 'expected milliseconds, 0 or more',
      } as const
      const error = new ValidationError('The options of close are', [issue], {
        code: 'EVENTSETS_INVALID_OPTIONS',
      })
      return Promise.reject(error)
    }
    this.#isSimple = false
    this.#closed ??= this.#close(deadlineMs)
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(deadlineMs: number): Promise<void> {
    const deadline = this.#after(deadlineMs)
    const patience = this.#after(deadlineMs + GRACE_MS)
    // Batches that are not full would keep what is in hand waiting.
    for (const batcher of this.#batchers) batcher.drain()
    const lost = await Promise.race([this.#stopConsuming(deadlineMs), patience.promise.then(() => 0)])
    await Promise.race([this.#dispatcher.idle(), deadline.promise])
    deadline.cancel()
    patience.cancel()
    const left = lost + this.#dispatcher.inFlight
    if (left > 0) {
      const message = `The bus was closed with ${left === 1 ? 'an event' : `${left} events`} not handled.`
      const hint = 'Give close() a later deadline, or a durable backend to the bus.'
      this.#report(new EventError(message, { code: 'EVENTSETS_BUS_CLOSED', hint }), undefined)
    }
    this.#abort.abort(this.#closedError('handles'))
    this.#isEnded = true
    // As long as it is there, everything asynchronous in the process carries it along.
    this.#transactions?.disable()
    this.#tell(() => this.#observer?.end())
    await this.#leaveBackend()
  }

  async #foundGroup(): Promise<void> {
    const consumption = await this.#backend.consume({ ...this.#consumer(), concurrency: 0 })
    await consumption.stop(0)
  }

  /** Gives how many events are lost because nobody will hand them out any more. */
  async #stopConsuming(deadlineMs: number): Promise<number> {
    try {
      const consumption = await this.#consumption
      if (consumption?.drain) return await consumption.drain(deadlineMs)
      await consumption?.stop(deadlineMs)
      const isKept =
        this.#backend.features.durable || !this.#isPaused || (users.get(this.#backend)?.size ?? 0) > 1
      return isKept ? 0 : (await this.#backend.health()).queueDepth
    } catch (error) {
      this.#report(error, undefined)
      return 0
    }
  }

  async #leaveBackend(): Promise<void> {
    const tenants = users.get(this.#backend)
    tenants?.delete(this)
    if (tenants && tenants.size > 0) return
    const patience = this.#after(GRACE_MS)
    const closing = this.#backend.close().catch((error) => this.#report(error, undefined))
    await Promise.race([closing, patience.promise])
    patience.cancel()
  }

  #after(ms: number): { readonly promise: Promise<void>; readonly cancel: () => void } {
    let cancel = () => {}
    const promise = new Promise<void>((resolve) => {
      cancel = this.#clock.delay(ms, resolve)
    })
    return { promise, cancel }
  }

  #consumer(): Consumer {
    return {
      group: this.#group,
      concurrency: this.#concurrency,
      patterns: () => this.#dispatcher.patterns(),
      // What it is handed, it has from nobody's transaction.
      deliver: (delivery) =>
        this.#transactions
          ? this.#transactions.exit(() => this.#dispatcher.deliver(delivery))
          : this.#dispatcher.deliver(delivery),
      onError: (error) => this.#report(error, undefined),
    }
  }

  /** The event, checked. */
  async #prepare(
    name: string,
    data: unknown,
    options: EventOptions,
    publication?: Publication,
  ): Promise<PublishedEvent> {
    const depth = options.depth ?? this.#dispatcher.depth
    this.#assertOpen('publishes', depth)
    // Finding the way of an event checks its name.
    this.#dispatcher.route(name)
    const depthError = this.#dispatcher.findDepthError(name, depth)
    if (depthError) throw depthError
    const schema = this.#schemas.get(name)
    const result = schema ? validate(schema, data, name) : data
    // Most schemas do not wait, and to wait for nothing takes longer than they do.
    const checked = schema && result instanceof Promise ? await result : result
    assertSerializable(checked, name, this.#maxDataBytes)
    const event = this.#make(name, checked, depth === 0 ? options : { ...options, depth })
    publication?.made(event)
    return event
  }

  #make(name: string, data: unknown, options: EventOptions, moment?: Moment): PublishedEvent {
    const time = moment ?? createMoment(options.time ?? this.#clock.now(), 1)
    if (options === NO_OPTIONS) return new PublishedEvent(name, data, time, this.#origin)
    return new PublishedEvent(name, data, time, { ...options, source: options.source ?? this.#source })
  }

  /** Runs what publishes events of these names, under the eyes of whoever watches the bus. */
  #watch<T>(
    kind: Exclude<PublishOperation['kind'], 'send'>,
    names: readonly string[],
    options: EventOptions,
    run: (options: EventOptions, publication?: Publication) => Promise<T>,
  ): Promise<T> {
    if (this.#observer === undefined) return run(options)
    const { traceparent } = options
    const traceparents = traceparent === undefined ? [] : [traceparent]
    const operation = { kind, names: [...new Set(names)], count: names.length, traceparents }
    return this.#observer.publish(operation, (publication) =>
      run({ ...options, traceparent: publication.traceparent ?? traceparent }, publication),
    )
  }

  /** Hands over what has waited for the end of a transaction. */
  #send(events: readonly StoredEvent[]): Promise<void> {
    if (this.#observer === undefined) return this.#hand(events)
    const names = [...new Set(events.map(({ name }) => name))]
    const traceparents = events.flatMap(({ traceparent }) => traceparent ?? [])
    const operation: PublishOperation = { kind: 'send', names, count: events.length, traceparents }
    return this.#observer.publish(operation, () => this.#hand(events))
  }

  async #hand(events: readonly StoredEvent[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#backend.publish(events)
        for (const { name } of events) this.#dispatcher.statistics.ofEvent(name).published++
        return
      } catch (error) {
        if (!isWorthRetrying(error, attempt, this.#publishRetry)) throw toPublishError(error, events)
        await this.#wait(delayAfter(attempt, this.#publishRetry))
        if (this.#isEnded) throw toPublishError(error, events)
      }
    }
  }

  /** Waits, but no longer than the bus is there. */
  async #wait(ms: number): Promise<void> {
    const delay = this.#after(ms)
    await new Promise<void>((resolve) => {
      const forget = onAbort(this.#abort.signal, resolve)
      void delay.promise.then(() => {
        forget()
        resolve()
      })
    })
    delay.cancel()
  }

  #handlerFailed(failure: HandlerFailure, event: BusEvent): void {
    this.#report(failure.error, event)
    // A handler of failures that fails would be told of its own failing, for ever.
    if (event.name === HANDLER_FAILED || this.#isEnded) return
    const depth = event.depth + 1
    if (this.#dispatcher.findDepthError(HANDLER_FAILED, Math.max(depth, this.#dispatcher.depth))) return
    const { handler, error, attempts } = failure
    const data = {
      eventId: event.id,
      eventName: event.name,
      handler,
      attempts,
      error: reasonOf(error.cause),
    }
    try {
      const { correlationId, id: causationId, traceparent } = event
      const report = this.#emit(HANDLER_FAILED, data, { correlationId, causationId, traceparent, depth })
      report.catch((failed) => this.#report(failed, event))
    } catch (failed) {
      this.#report(failed, event)
    }
  }

  #report(error: unknown, event: BusEvent | undefined): void {
    const known =
      error instanceof EventsetsError
        ? error
        : new EventError(reasonOf(error), { code: 'EVENTSETS_CONNECTION', cause: error })
    const fields = { err: known, ...(event ? { event: event.name, eventId: event.id } : {}) }
    this.#tell(() => this.#onError?.(known, event))
    this.#tell(() => this.#logger?.error(fields, known.message))
    // A handler that fails is in a report or among the dead letters; of the rest nobody would hear.
    if (event === undefined && !this.#onError && !this.#logger) process.emitWarning(known)
  }

  /** Whoever is told of errors and fails at that cannot be told. */
  #tell(tell: () => unknown): void {
    try {
      Promise.resolve(tell()).catch(() => {})
    } catch {}
  }

  /** While a bus closes, what follows from an event in hand is still a part of that. */
  #assertOpen(what: string, depth: number): void {
    if (this.#isEnded || (this.#closed && depth === 0)) throw this.#closedError(what)
  }

  #closedError(what: string): EventError {
    return new EventError(`Nobody ${what} on a bus that is closed.`, { code: 'EVENTSETS_BUS_CLOSED' })
  }

  #unsupported(feature: keyof BackendFeatures): EventError {
    const message = `The backend ${JSON.stringify(this.#backend.name)} has no ${JSON.stringify(feature)}.`
    return new EventError(message, {
      code: 'EVENTSETS_UNSUPPORTED',
      hint: `Use a backend with the feature "${feature}", such as memoryBackend().`,
    })
  }

  #findSimple(): boolean {
    return this.#schemas.size === 0 && this.#observer === undefined && !this.#closed
  }
}

/** How often `idle` looks, once it has looked a few times. */
const MAX_POLL_MS = 5

const NO_OPTIONS: EventOptions = Object.freeze({})
const NOBODY: EmitReport = Object.freeze({ handlers: 0, failures: [] })

function throwFailures(report: EmitReport): EmitReport {
  if (report.failures.length === 0) return report
  const errors = report.failures.map(({ error }) => error)
  throw new AggregateError(errors, errors.map(({ message }) => message).join('\n'))
}

/** Whether a pattern that somebody listens to takes in a name that somebody asks about. */
function covers(own: string, name: string): boolean {
  return !name.includes('*') && compilePattern(own)(name)
}

function noLetter(id: string): NotFoundError {
  return new NotFoundError(`There is no dead letter ${JSON.stringify(id)}.`, {
    missing: id,
    nearest: [],
    hint: 'deadLetters.list() has those there are.',
  })
}

function toPublishError(error: unknown, events: readonly StoredEvent[]): Error {
  if (error instanceof EventError) return error
  const names = [...new Set(events.map(({ name }) => name))].join(', ')
  return new PublishError(`${names} could not be published: ${reasonOf(error)}`, {
    code: 'EVENTSETS_PUBLISH',
    cause: error,
  })
}
