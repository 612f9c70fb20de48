import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { EventsetsError, NotFoundError } from '../core/errors.ts'
import { nearestNames } from '../core/nearest.ts'
import { isPlainObject } from '../core/shape.ts'
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
import { assertBatchOptions, type Batcher, type BatchOptions, createBatcher } from './batch.ts'
import {
  assertCloseOptions,
  assertOnceOptions,
  type BusLogger,
  checkOptions,
  type EventBusOptions,
} from './bus-options.ts'
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
import type {
  EventMap,
  EventName,
  InputMap,
  KnownPattern,
  MatchingEvent,
  MatchingStoredEvent,
} from './event-map.ts'
import { assertEventName } from './event-name.ts'
import { assertEventOptions, assertPublications } from './event-options.ts'
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
import { assertPattern, compilePattern, overlaps } from './pattern.ts'
import { assertLetterQuery, assertReplayQuery } from './query.ts'
import { quote, writeOut } from './quote.ts'
import { delayAfter, isWorthRetrying, type Retry } from './retry.ts'
import { assertSerializable } from './serializable.ts'
import { type SseEnd, type SseOptions, serveEvents } from './sse.ts'
import { type StandardSchema, validate } from './standard-schema.ts'
import { createStream, type EventStream, type StreamOptions } from './stream.ts'
import {
  createSubscription,
  endSubscription,
  type Handler,
  type SubscriptionOptions,
} from './subscription.ts'
import type { BusObserver, ObservedBus, Publication, PublishOperation } from './telemetry.ts'
import {
  assertTransaction,
  type Made,
  type OutboxTarget,
  Transaction,
  type TransactionPublisher,
} from './transaction.ts'
import { warnOf } from './warning.ts'

export interface EmitOptions extends EventOptions {
  /** Reject with an AggregateError when a handler has failed, instead of telling it in the report. */
  readonly rethrow?: boolean | undefined
}

export type { PublishEventOptions } from './event.ts'

/** Which dead letters. */
interface LetterQuery<Pattern extends string = string> {
  readonly pattern?: Pattern | undefined
}

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
 *
 * `Events` are the data that handlers get, `Inputs` those that publishers give. They differ where a schema has defaults
 * or transformations, and are found from the schemas unless given.
 */
export class EventBus<Events extends object = EventMap, Inputs extends InputMap<Events> = Events>
  implements AsyncDisposable
{
  readonly #backend: BusBackend
  readonly #source: string
  /** What is said of an event about which nothing else is said. */
  readonly #origin: EventOrigin
  readonly #group: string
  readonly #schemas: ReadonlyMap<string, StandardSchema>
  readonly #isStrict: boolean
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
  /** The names of events of which a handler has failed without anybody being told. */
  readonly #warned = new Set<string>()
  #droppedByStreams = 0
  #transactions: AsyncLocalStorage<Transaction> | undefined
  #consumption: Promise<Consumption> | undefined
  /** Publishes and transactions under way: what they bring is still to be handled. */
  #publishing = 0
  #onPublished: (() => void)[] = []
  /** Ends the waits between the tries of publishing. */
  readonly #waits = new Set<() => void>()
  /** Whether somebody has asked for events of the backend. */
  #isStarted = false
  /** The first event that was published before the start, and has handlers here. */
  #forgotten: string | undefined
  #hasToldForgotten = false
  #isPaused = false
  /** Whether nobody is left here to take events that only memory would keep. */
  #isDrained = false
  #isEnded = false
  #closed: Promise<void> | undefined
  /** Whether nothing has to be done about an event but to call its handlers. */
  #isSimple: boolean

  /** @throws ValidationError with everything that is wrong with the options. */
  constructor(options: EventBusOptions<Events, Inputs> = {}) {
    const { publishRetry } = checkOptions(options as EventBusOptions)
    this.#clock = options.clock ?? createSystemClock()
    this.#backend = options.backend ?? memoryBackend({ clock: this.#clock })
    this.#source = options.source ?? 'eventsets'
    this.#origin = Object.freeze({ source: this.#source })
    this.#group = options.group ?? this.#source
    this.#schemas = new Map(Object.entries((options.schemas ?? {}) as Record<string, StandardSchema>))
    this.#isStrict = options.isStrict ?? false
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
        isForgotten: () => !this.#isStarted && this.#dispatcher.size > 0,
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
    pattern: KnownPattern<Events, Pattern>,
    handler: Handler<MatchingEvent<Events, Pattern>, Inputs>,
    options?: SubscriptionOptions<MatchingEvent<Events, Pattern>>,
  ): Unsubscribe {
    assertPattern(pattern)
    if (this.#isStrict) this.#assertMatches(pattern)
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
      this.#dispatcher.remove(pattern, order)
      if (typeof listener === 'object') endSubscription(listener)
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
    pattern: KnownPattern<Events, Pattern>,
    handler: Handler<MatchingEvent<Events, Pattern>, Inputs>,
    options?: Omit<SubscriptionOptions<MatchingEvent<Events, Pattern>>, 'once'>,
  ): Unsubscribe
  once<const Pattern extends string>(
    pattern: KnownPattern<Events, Pattern>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<MatchingEvent<Events, Pattern>>
  // biome-ignore lint/suspicious/noExplicitAny: what the two forms above say cannot be said in one.
  once(pattern: string, handler?: any, options: object = {}): any {
    const on = this.on.bind(this) as unknown as (
      pattern: string,
      handler: Handler,
      options: SubscriptionOptions,
    ) => Unsubscribe
    if (typeof handler === 'function')
      // What is no object is told as that.
      return on(pattern, handler, isPlainObject(options) ? { ...options, once: true } : options)
    const event = new Promise((resolve, reject) => {
      if (handler !== undefined) assertOnceOptions(handler)
      const { signal } = handler ?? {}
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
      const forgets = [onAbort(this.#abort.signal, () => endWith(closedBeforeError()))]
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
    const isRemoved = this.#dispatcher.remove(pattern, found.order)
    if (typeof found.listener === 'object') endSubscription(found.listener)
    return isRemoved
  }

  /** Events as they come, in a loop: `for await (const event of bus.stream('order.*'))`. */
  stream<const Pattern extends string>(
    pattern: KnownPattern<Events, Pattern>,
    options: StreamOptions = {},
  ): EventStream<MatchingEvent<Events, Pattern> extends infer Event extends BusEvent ? Event : BusEvent> {
    const listen = (handler: Handler) => {
      // Where it keeps the handler waiting, it does so as long as the reader needs.
      const { priority } = options
      const about = { name: 'stream', priority, timeoutMs: Number.POSITIVE_INFINITY }
      return this.on(pattern as never, handler as never, about)
    }
    const onDrop = () => this.#droppedByStreams++
    return createStream(listen, options, onDrop, this.#abort.signal) as never
  }

  /** Handles events many at a time. The returned function ends it. */
  batch<const Pattern extends string>(
    pattern: KnownPattern<Events, Pattern>,
    options: BatchOptions & Omit<SubscriptionOptions, 'once' | 'filter'>,
    handler: (events: readonly MatchingEvent<Events, Pattern>[]) => unknown,
  ): Unsubscribe {
    assertBatchOptions(options, handler)
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
  publish<Name extends EventName<Events>>(
    name: Name,
    data: Inputs[Name],
    options: PublishEventOptions = {},
  ): Promise<BusEvent<Name, Events[Name]>> {
    const transaction = this.#openTransaction()
    const event = this.#publishOne(name, data, options, transaction)
    transaction?.watch(event)
    return event as unknown as Promise<BusEvent<Name, Events[Name]>>
  }

  /**
   * What `publish` would take: the data as its schema makes it, with defaults and without what it drops. Nothing is
   * published.
   *
   * @throws What `publish` throws for a name or data that are wrong.
   */
  async validate<Name extends EventName<Events>>(name: Name, data: Inputs[Name]): Promise<Events[Name]> {
    assertEventName(name)
    const schema = this.#schemaOf(name)
    const checked = schema ? await validate(schema, data, name) : data
    assertSerializable(checked, name, this.#maxDataBytes)
    return checked as Events[Name]
  }

  /** Publishes several events, all or none of them. */
  publishAll(
    events: readonly {
      [Name in EventName<Events>]: {
        readonly name: Name
        readonly data: Inputs[Name]
        readonly options?: EventOptions
      }
    }[EventName<Events>][],
  ): Promise<readonly BusEvent[]> {
    const transaction = this.#openTransaction()
    const published = this.#publishMany(events, transaction)
    transaction?.watch(published)
    return published
  }

  async #publishMany(
    events: readonly { readonly name: string; readonly data: unknown; readonly options?: EventOptions }[],
    transaction: Transaction | undefined,
  ): Promise<readonly BusEvent[]> {
    assertPublications(events)
    const names = events.map(({ name }) => name)
    const make = async (given: EventOptions) => {
      const result = await Promise.all(
        events.map(({ name, data, options }) => this.#prepare(name, data, { ...given, ...options })),
      )
      return { events: result.map((event) => event.toJSON()), result }
    }
    return await this.#publish(names, {}, make, transaction)
  }

  async #publishOne(
    name: string,
    data: unknown,
    options: PublishEventOptions,
    transaction: Transaction | undefined,
  ): Promise<BusEvent> {
    assertEventOptions(options, 'publish')
    const { deliverAt, ...given } = options
    if (deliverAt !== undefined && !this.#backend.features.delay) throw this.#unsupported('delay')
    // What waits for its time is no circle, however often it comes round.
    const depth = Math.min(given.depth ?? this.#dispatcher.depth, 1)
    const rest = deliverAt === undefined ? given : { ...given, depth, deliverAt: Number(deliverAt) }
    const make = async (given: EventOptions, publication?: Publication): Promise<Made<BusEvent>> => {
      const event = await this.#prepare(name, data, given, publication)
      return { events: [event.toJSON()], result: event }
    }
    return await this.#publish([name], rest, make, transaction)
  }

  /** Makes events and hands them over, or keeps them where a transaction is open. */
  async #publish<T>(
    names: readonly string[],
    options: EventOptions,
    make: (options: EventOptions, publication?: Publication) => Promise<Made<T>>,
    transaction: Transaction | undefined,
  ): Promise<T> {
    if (transaction) return await transaction.add(() => this.#watch('create', names, options, make))
    this.#assertOpen('publishes', options.depth ?? this.#dispatcher.depth)
    return await this.#underWay(() =>
      this.#watch('publish', names, options, async (given, publication) => {
        const { events, result } = await make(given, publication)
        await this.#hand(events)
        return result
      }),
    )
  }

  /** Runs what may bring events, so that closing waits for it. */
  async #underWay<T>(run: () => Promise<T>): Promise<T> {
    this.#publishing++
    try {
      return await run()
    } finally {
      if (--this.#publishing === 0) for (const resolve of this.#onPublished.splice(0)) resolve()
    }
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
    data: Inputs[Name],
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
      const schema = this.#schemaOf(name)
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
   * @throws What the function throws, what `publish` throws when the events cannot be handed over or written, and
   * ValidationError for arguments that are none.
   */
  async transaction<T, Handle = unknown>(
    run: (publisher: TransactionPublisher<Events, Inputs>) => T | Promise<T>,
    target?: OutboxTarget<Handle>,
  ): Promise<T> {
    assertTransaction(run, target)
    this.#assertOpen('publishes', 0)
    this.#transactions ??= new AsyncLocalStorage()
    const outer = this.#openTransaction()
    if (outer) {
      outer.assertJoins(target as OutboxTarget | undefined)
      return await outer.add(() => this.#runTransaction(run, outer.target))
    }
    const transactions = this.#transactions
    const { events, result } = await this.#runTransaction(run, target as OutboxTarget | undefined)
    if (events.length === 0) return result
    this.#assertOpen('publishes', Math.max(...events.map(({ depth = 0 }) => depth)))
    await this.#underWay(() =>
      target ? this.#write(target as OutboxTarget, events) : transactions.exit(() => this.#send(events)),
    )
    return result
  }

  /** What a function gives, and what it has published. */
  async #runTransaction<T>(
    run: (publisher: TransactionPublisher<Events, Inputs>) => T | Promise<T>,
    target: OutboxTarget | undefined,
  ): Promise<Made<T>> {
    const transaction = new Transaction(target)
    const publisher = {
      publish: (name: string, data: unknown, options: PublishEventOptions = {}) => {
        const event = this.#publishOne(name, data, options, transaction)
        if (transaction.isOpen) transaction.watch(event)
        return event
      },
    } as TransactionPublisher<Events, Inputs>
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
      for (const { name } of events) this.#dispatcher.statistics.ofEvent(name).published++
    } catch (error) {
      throw toPublishError(error, events)
    }
  }

  /** What could not be handled, kept by the backend. */
  readonly deadLetters = {
    /**
     * The oldest first.
     *
     * @throws ValidationError for a query that is none, here and in `replayAll`.
     */
    list: async <const Pattern extends string = '**'>(
      query?: LetterQuery<KnownPattern<Events, Pattern>> & { readonly limit?: number | undefined },
    ): Promise<DeadLetter<MatchingStoredEvent<Events, Pattern>>[]> => {
      assertLetterQuery(query, 'list')
      // Which events it keeps, no backend knows as a type.
      return (await this.#backend.deadLetters.list(query)) as never
    },
    /**
     * Hands the event to its handler again.
     *
     * @throws NotFoundError
     */
    replay: async (id: string): Promise<void> => {
      if ((await this.#backend.deadLetters.replay([id])) > 0) return
      const letter = await this.#backend.deadLetters.get(id)
      throw letter ? nobodyLeft(letter) : noLetter(id)
    },
    /** Hands all that match to their handlers again, and gives how many there were. */
    replayAll: async <const Pattern extends string = '**'>(
      query?: LetterQuery<KnownPattern<Events, Pattern>>,
    ): Promise<number> => {
      assertLetterQuery(query, 'replayAll')
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
   * @throws EventError when the backend keeps none, ValidationError for a query that is none.
   */
  async *replay<const Pattern extends string = '**'>(
    query: ReplayQuery<KnownPattern<Events, Pattern>> = {},
  ): AsyncGenerator<MatchingEvent<Events, Pattern>> {
    if (!this.#backend.replay) throw this.#unsupported('replay')
    assertReplayQuery(query)
    // Which events it keeps, no backend knows as a type.
    for await (const event of this.#backend.replay(query)) yield reviveEvent(event) as never
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

  /** Those who listen, in no particular order; with a pattern, those who listen to something that it matches too. */
  handlers(pattern?: string): readonly HandlerInfo[] {
    if (pattern !== undefined) assertPattern(pattern)
    return [...this.#dispatcher.listeners()]
      .filter(({ pattern: own }) => pattern === undefined || overlaps(own, pattern))
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
      if (this.#consumption === consumption) {
        this.#consumption = undefined
        // Whoever goes on all the same is told, as if it had never been called.
        this.#isStarted = false
      }
      throw error
    }
  }

  /**
   * Resolves when nothing is being handled and nothing waits in the backend, retries and what is published for later
   * included: for this bus, and for the others of this process on its backend that handle events. While the bus is
   * paused, or has not started, it looks at what is in hand only. While the backend is away, it waits until it is back.
   * For tests, above all.
   */
  async idle(): Promise<void> {
    this.#tellForgotten()
    let askedMs = 0
    for (let waitMs = 0; ; waitMs = Math.max(Math.min(waitMs + 1, MAX_POLL_MS), askedMs * POLL_SHARE)) {
      for (const batcher of this.#batchers) void batcher.flush()
      // Somebody who is just about to publish what follows gets their turn.
      await new Promise((resolve) => (waitMs === 0 ? setImmediate(resolve) : setTimeout(resolve, waitMs)))
      if (this.#isEnded) return
      if (this.#dispatcher.inFlight > 0) continue
      if (!this.isConsuming) return
      const start = performance.now()
      if (!(await this.#hasWaiting()) && this.#dispatcher.inFlight === 0) return
      askedMs = performance.now() - start
    }
  }

  /** Whether the backend has something for this bus, or for another one here that may lead to something for this one. */
  async #hasWaiting(): Promise<boolean> {
    const { status, groups } = await this.#backend.health()
    // A backend that is away cannot know that nothing waits.
    if (status === 'unhealthy') return true
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
    pattern: KnownPattern<Events, Pattern>,
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
   * Ends the bus: takes no more events but those that follow from others (what is published while handlers are at
   * work), waits for those in hand and, in memory, for those that wait, but no longer than the deadline. What is left
   * then stays with a durable backend, and otherwise is told to `onError`. Closing twice is closing once. A handler
   * that waits for the end of its bus waits for itself, until the deadline.
   *
   * The backend is closed with the last bus that uses it.
   *
   * @throws ValidationError for wrong options: then it has not been closed.
   */
  close(options: { readonly deadlineMs?: number | undefined } = {}): Promise<void> {
    try {
      assertCloseOptions(options)
    } catch (error) {
      return Promise.reject(error)
    }
    const { deadlineMs = 10_000 } = options
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
    const end = this.#clock.now() + deadlineMs
    const { durable } = this.#backend.features
    this.#tellForgotten()
    for (const end of this.#waits) end()
    this.#waits.clear()
    // Batches that are not full would keep what is in hand waiting.
    for (const batcher of this.#batchers) batcher.drain()
    // What only memory keeps has to have arrived before its group is given up.
    if (!durable && !this.#isPaused) await Promise.race([this.#quiet(), deadline.promise])
    const leftMs = Math.max(0, end - this.#clock.now())
    const lost = await Promise.race([this.#stopConsuming(leftMs), patience.promise.then(() => 0)])
    this.#isDrained = !durable
    await Promise.race([this.#quiet(), deadline.promise])
    deadline.cancel()
    patience.cancel()
    // What others are there to do is not lost: it is handed back as soon as its handlers give up.
    const { inFlight, delivering } = this.#dispatcher
    const isHandedBack = durable || this.#hasSuccessor()
    const left = lost + inFlight - (isHandedBack ? delivering : 0)
    if (left > 0) {
      const message = `The bus was closed with ${left === 1 ? 'an event' : `${left} events`} not handled.`
      const hint = 'Give close() a later deadline, or a durable backend to the bus.'
      this.#report(new EventError(message, { code: 'EVENTSETS_BUS_CLOSED', hint }), undefined)
    }
    this.#abort.abort(this.#closedError('handles'))
    this.#isEnded = true
    if (isHandedBack) await this.#handBack()
    // As long as it is there, everything asynchronous in the process carries it along.
    this.#transactions?.disable()
    this.#tell(() => this.#observer?.end())
    await this.#leaveBackend()
  }

  /** Whether another bus of this process handles what this one leaves. */
  #hasSuccessor(): boolean {
    const tenants = users.get(this.#backend) ?? []
    return [...tenants].some((each) => each !== this && each.group === this.#group && each.isConsuming)
  }

  /** Gives handlers that heed their signal a moment to end: the backend cannot be told later. */
  async #handBack(): Promise<void> {
    for (
      let waitMs = 0;
      this.#dispatcher.delivering > 0 && waitMs < HAND_BACK_MS;
      waitMs += HAND_BACK_POLL_MS
    )
      await new Promise((resolve) => setTimeout(resolve, HAND_BACK_POLL_MS))
  }

  async #foundGroup(): Promise<void> {
    const consumption = await this.#backend.consume({ ...this.#consumer(), concurrency: 0 })
    await consumption.stop(0)
  }

  /** Resolves when nothing is being published or handled here. */
  async #quiet(): Promise<void> {
    while (this.#publishing > 0 || this.#dispatcher.inFlight > 0) {
      await this.#dispatcher.idle()
      if (this.#publishing > 0) await new Promise<void>((resolve) => this.#onPublished.push(resolve))
    }
  }

  /** Gives how many events are lost because nobody will hand them out any more. */
  async #stopConsuming(deadlineMs: number): Promise<number> {
    try {
      const isGroupToLeave = this.#isPaused && this.#isStarted && !this.#backend.features.durable
      // What was kept for a bus that is paused would be kept for ever, and fill the memory.
      if (isGroupToLeave) this.#consumption = this.#backend.consume({ ...this.#consumer(), concurrency: 0 })
      const consumption = await this.#consumption
      const onLeft = () => {
        this.#isDrained = true
      }
      if (consumption?.drain) return await consumption.drain(isGroupToLeave ? 0 : deadlineMs, onLeft)
      await consumption?.stop(deadlineMs)
      return 0
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
    this.#assertTaking()
    // Finding the way of an event checks its name.
    this.#dispatcher.route(name)
    const depthError = this.#dispatcher.findDepthError(name, depth)
    if (depthError) throw depthError
    const schema = this.#schemaOf(name)
    const result = schema ? validate(schema, data, name) : data
    // Most schemas do not wait, and to wait for nothing takes longer than they do.
    const checked = schema && result instanceof Promise ? await result : result
    assertSerializable(checked, name, this.#maxDataBytes)
    const event = this.#make(name, checked, depth === 0 ? options : { ...options, depth })
    publication?.made(event)
    return event
  }

  /** @throws EventError for an event that has none, where each is to have one. */
  #schemaOf(name: string): StandardSchema | undefined {
    const schema = this.#schemas.size === 0 ? undefined : this.#schemas.get(name)
    if (schema || !this.#isStrict) return schema
    throw new EventError(`${quote(name)} is no event of this bus: it has no schema.`, {
      code: 'EVENTSETS_EVENT_NAME',
      hint: this.#hintAt(name),
    })
  }

  #assertMatches(pattern: string): void {
    const matches = compilePattern(pattern)
    if (pattern === HANDLER_FAILED || [...this.#schemas.keys()].some(matches)) return
    throw new EventError(
      `${quote(pattern)} matches no event of this bus: none that it matches has a schema.`,
      {
        code: 'EVENTSETS_PATTERN',
        hint: this.#hintAt(pattern),
      },
    )
  }

  #hintAt(name: string): string {
    const [nearest] = nearestNames(name, this.#schemas.keys())
    const what = nearest === undefined ? '' : `Did you mean ${quote(nearest)}? `
    return `${what}Give it a schema, or make the bus without "isStrict".`
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
      this.#assertTaking()
      try {
        await this.#backend.publish(events)
        for (const { name } of events) this.#dispatcher.statistics.ofEvent(name).published++
        if (!this.#isStarted && this.#backend.features.durable) this.#awaitStart(events)
        return
      } catch (error) {
        if (!isWorthRetrying(error, attempt, this.#publishRetry)) throw toPublishError(error, events)
        if (!this.#closed) await this.#wait(delayAfter(attempt, this.#publishRetry))
        if (this.#closed) throw toPublishError(error, events)
      }
    }
  }

  /** What was published has handlers here, and they wait for a start that may have been forgotten. */
  #awaitStart(events: readonly StoredEvent[]): void {
    if (this.#forgotten !== undefined) return
    const event = events.find(({ name }) => this.#dispatcher.route(name).tiers.length > 0)
    if (!event) return
    this.#forgotten = event.name
    this.#clock.delay(START_PATIENCE_MS, () => this.#tellForgotten(), { isBackground: true })
  }

  #tellForgotten(): void {
    if (this.#forgotten === undefined || this.#isStarted || this.#hasToldForgotten) return
    this.#hasToldForgotten = true
    const message = `${quote(this.#forgotten)} was published, and its handlers here wait: the bus was never started.`
    const hint = 'With a durable backend, call start() when all handlers are there.'
    this.#report(new EventError(message, { code: 'EVENTSETS_NOT_STARTED', hint }), undefined)
  }

  /** Waits, but no longer than until the bus begins to close. */
  async #wait(ms: number): Promise<void> {
    const delay = this.#after(ms)
    await new Promise<void>((resolve) => {
      this.#waits.add(resolve)
      void delay.promise.then(() => {
        this.#waits.delete(resolve)
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
    const known = isOurs(error)
      ? error
      : new EventError(writeOut(reasonOf(error)), { code: 'EVENTSETS_CONNECTION', cause: error })
    const fields = { err: known, ...(event ? { event: event.name, eventId: event.id } : {}) }
    this.#tell(() => this.#onError?.(known, event))
    this.#tell(() => this.#logger?.error(fields, known.message))
    if (!this.#onError && !this.#logger) this.#warn(known, event)
  }

  /** Where nobody is told of errors, each one of the bus is a warning, and of a handler the first one. */
  #warn({ name, code, message, hint, cause }: EventsetsError, event: BusEvent | undefined): void {
    if (event === undefined) {
      warnOf({ name, code, message, hint })
      return
    }
    // What a failing handler of failures would say has been said.
    if (event.name === HANDLER_FAILED || this.#warned.size >= MAX_WARNED || this.#warned.has(event.name))
      return
    this.#warned.add(event.name)
    const advice = 'Give the bus "onError" or a "logger" to hear of each failure.'
    warnOf({ name, code, message, hint: hint === undefined ? advice : `${hint} ${advice}` }, cause)
  }

  /** Whoever is told of errors and fails at that cannot be told. */
  #tell(tell: () => unknown): void {
    try {
      Promise.resolve(tell()).catch(() => {})
    } catch {}
  }

  /** While a bus closes, what it waits for may lead to more, and then that is waited for, too. */
  #assertOpen(what: string, depth: number): void {
    const isWaited = depth > 0 || this.#dispatcher.inFlight > 0 || this.#publishing > 0
    if (this.#closed && !isWaited) throw this.#closedError(what)
    this.#assertTaking(what)
  }

  #assertTaking(what = 'publishes'): void {
    if (this.#isEnded || this.#isDrained) throw this.#closedError(what)
  }

  #closedError(what: string): EventError {
    return new EventError(`Nobody ${what} on a bus that is closed.`, { code: 'EVENTSETS_BUS_CLOSED' })
  }

  #unsupported(feature: keyof BackendFeatures): EventError {
    const message = `The backend ${quote(this.#backend.name)} has no ${quote(feature)}.`
    return new EventError(message, {
      code: 'EVENTSETS_UNSUPPORTED',
      hint: `Use a backend with the feature "${feature}", such as memoryBackend().`,
    })
  }

  #findSimple(): boolean {
    return this.#schemas.size === 0 && this.#observer === undefined && !this.#closed
  }
}

/** So long after the deadline of `close`, in time of the system: handlers are to do no more than to give up. */
const HAND_BACK_MS = 50
const HAND_BACK_POLL_MS = 5
/** So long after the first publish a start is still to be expected. */
const START_PATIENCE_MS = 10_000
/** For the names of so many events it is warned. */
const MAX_WARNED = 100
/** How often `idle` looks, once it has looked a few times. */
const MAX_POLL_MS = 5
/** Where much waits, counting it takes time that handlers need: so many times as long as it takes is waited. */
const POLL_SHARE = 10

const NO_OPTIONS: EventOptions = Object.freeze({})
const NOBODY: EmitReport = Object.freeze({ handlers: 0, failures: [] })

/** Whatever somebody has thrown may defend itself against being looked at. */
function isOurs(error: unknown): error is EventsetsError {
  try {
    return error instanceof EventsetsError
  } catch {
    return false
  }
}

function closedBeforeError(): EventError {
  return new EventError('The bus was closed before the event came.', { code: 'EVENTSETS_BUS_CLOSED' })
}

function throwFailures(report: EmitReport): EmitReport {
  if (report.failures.length === 0) return report
  const errors = report.failures.map(({ error }) => error)
  throw new AggregateError(errors, errors.map(({ message }) => message).join('\n'))
}

function nobodyLeft({ id, group }: DeadLetter): EventError {
  const whom = group === undefined ? 'any group' : `the group ${quote(group)}`
  return new EventError(`Nobody of ${whom} is there to handle the dead letter ${quote(id)}: it stays.`, {
    code: 'EVENTSETS_HANDLER',
    hint: 'Start a bus of that group first.',
  })
}

function noLetter(id: string): NotFoundError {
  return new NotFoundError(`There is no dead letter ${quote(id)}.`, {
    missing: id,
    nearest: [],
    hint: 'deadLetters.list() has those there are.',
  })
}

function toPublishError(error: unknown, events: readonly StoredEvent[]): Error {
  if (error instanceof EventError) return error
  const names = [...new Set(events.map(({ name }) => name))].join(', ')
  return new PublishError(`${names} could not be published: ${writeOut(reasonOf(error))}`, {
    code: 'EVENTSETS_PUBLISH',
    cause: error,
  })
}
