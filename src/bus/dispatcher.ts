import { onAbort } from './abort.ts'
import type { DeadLetter, Delivery, Outcome } from './backend.ts'
import { type Clock, createMoment, type Moment } from './clock.ts'
import { type EmitReport, type HandlerFailure, ONE_SUCCESS, successOf } from './emit-report.ts'
import { EventError, HandlerError, reasonOf } from './errors.ts'
import { type BusEvent, type EventOrigin, Priority, PublishedEvent, reviveEvent } from './event.ts'
import { assertEventName } from './event-name.ts'
import { type Circumstances, Context, type HandlingBus, type Try } from './handler-context.ts'
import { Join } from './join.ts'
import { isExact, segmentsOf } from './pattern.ts'
import { quote, writeOut } from './quote.ts'
import { isWorthRetrying, waitAfter } from './retry.ts'
import { isTimeDue, type Listener, type Route, type Stop } from './route.ts'
import { type HandlerStatistics, Statistics } from './statistics.ts'
import type { Handler, Subscription } from './subscription.ts'
import { type Entry, SubscriptionTrie } from './subscription-trie.ts'
import type { BusObserver } from './telemetry.ts'
import { isThenable } from './thenable.ts'
import { createUuid } from './uuid.ts'

export interface DispatcherOptions {
  readonly clock: Clock
  readonly publisher: HandlingBus
  /** Those who share the events of a backend with this bus. */
  readonly group: string
  /** Aborted when handlers are to stop. */
  readonly signal: AbortSignal
  /** How many handlers of one event and one priority may run at once. */
  readonly concurrency: number
  /** Told of each handler that has failed for good. Never throws. */
  readonly onFailure: (failure: HandlerFailure, event: BusEvent) => void
  /** Stands around each call of a handler, where the bus is watched. */
  readonly observer?: BusObserver | undefined
}

/** So many names have their way remembered. More are not admitted: to throw one out for each new one would cost more than it saves. */
const MAX_ROUTES = 10_000
/** So many handlers may stand on those ways in all, each counted on every way: patterns may put thousands on each. */
const MAX_STOPS = 50_000
/** Handlers that emit in handlers that emit: deeper than that is without end. */
const MAX_DEPTH = 64

/** Takes events to those who listen to them. */
export class Dispatcher {
  readonly #listeners = new SubscriptionTrie<Listener>(handlerOf)
  readonly #routes = new Map<string, Route>()
  #stops = 0
  readonly statistics = new Statistics()
  readonly #options: DispatcherOptions
  readonly #clock: Clock
  /** What the contexts of all first tries without a limit of time have in common. */
  readonly #shared: Circumstances
  #patterns: readonly string[] | undefined
  #removals = 0
  /** The way of the latest event, if it was a plain one: many events of one name come together. */
  #latest: Route | undefined
  #latestName: string | undefined
  #moment = createMoment(0, 0)
  #depth = 0
  #inFlight = 0
  #delivering = 0
  #idle: (() => void)[] = []

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#shared = {
      publisher: options.publisher,
      signal: options.signal,
      attempt: 1,
      isPublished: false,
      isRedelivered: false,
    }
  }

  /** How many subscriptions there are. */
  get size(): number {
    return this.#listeners.size
  }

  /** Events that are being handled. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Those of them that a backend has handed over. */
  get delivering(): number {
    return this.#delivering
  }

  /** Gives a number by which the subscription can be told from others of the same function. */
  add(pattern: string, listener: Listener): number {
    this.#forgetRoutes()
    return this.#listeners.add(pattern, isExact(pattern) ? undefined : segmentsOf(pattern), listener)
  }

  remove(pattern: string, order: number): boolean {
    const isRemoved = this.#listeners.remove(
      pattern,
      isExact(pattern) ? undefined : segmentsOf(pattern),
      order,
    )
    if (!isRemoved) return false
    this.#removals++
    this.#forgetRoutes()
    return true
  }

  /** Who listens has changed. */
  #forgetRoutes(): void {
    this.#patterns = undefined
    if (this.#routes.size > 0) this.#routes.clear()
    this.#stops = 0
    this.#latestName = undefined
    this.#latest = undefined
  }

  /** The last subscription under a pattern that has this handler. */
  findListener(
    pattern: string,
    handler: Handler,
  ): { readonly listener: Listener; readonly order: number } | undefined {
    const segments = isExact(pattern) ? undefined : segmentsOf(pattern)
    const found = this.#listeners.findLast(pattern, segments, handler)
    return found && { listener: found.value, order: found.order }
  }

  *listeners(): Generator<{ readonly pattern: string; readonly listener: Listener }> {
    for (const { pattern, value } of this.#listeners) yield { pattern, listener: value }
  }

  /** Those that somebody listens to; the same list until that changes. */
  patterns(): readonly string[] {
    this.#patterns ??= [...new Set([...this.listeners()].map(({ pattern }) => pattern))]
    return this.#patterns
  }

  /** Where events of a name go. */
  route(name: string): Route {
    return this.#routes.get(name) ?? this.#resolve(name)
  }

  /**
   * Makes an event and calls its handlers, where they are functions without options and the way is known. Otherwise it
   * does nothing and gives undefined.
   */
  emitPlain(name: string, data: unknown, origin: EventOrigin): Promise<EmitReport> | undefined {
    const route = name === this.#latestName ? this.#latest : this.#findPlain(name)
    // Put back as it was, not counted down: a number that is read right after it was written is waited for.
    const depth = this.#depth
    if (route === undefined || depth >= MAX_DEPTH) return undefined
    const { only, statistics } = route
    if (only === undefined || (statistics.published & route.timesMask) === 0)
      return this.#emitMany(route, name, data, origin)
    const moment = this.#moment.next === this.#moment.end ? this.moment() : this.#moment
    const event = new PublishedEvent(name, data, moment, origin)
    const context = new Context(this.#shared, event)
    statistics.published++
    only.statistics.calls++
    this.#depth = depth + 1
    let result: unknown
    try {
      // Not as a method: the stop is none of its business.
      const { handler } = only
      result = handler(event, context)
    } catch (error) {
      this.#depth = depth
      return this.#failOne(route, only, event, error)
    }
    this.#depth = depth
    if (result !== undefined) return this.#endOne(route, only, event, result)
    statistics.handled++
    return ONE_SUCCESS.promise
  }

  #findPlain(name: string): Route | undefined {
    const route = this.#routes.get(name)
    if (route?.plain === undefined) return undefined
    this.#latestName = name
    this.#latest = route
    return route
  }

  // Apart from `emitPlain`, where the engine can leave out the event itself when it sees what becomes of it.
  #emitMany(route: Route, name: string, data: unknown, origin: EventOrigin): Promise<EmitReport> {
    const event = new PublishedEvent(name, data, this.moment(), origin)
    return this.#callPlain(route, route.plain as readonly Stop[], event)
  }

  /** Ends an event whose single handler has given something. */
  #endOne(route: Route, stop: Stop, event: BusEvent, result: unknown): Promise<EmitReport> {
    try {
      if (isThenable(result)) return this.#waitForOne(route, stop, event, result)
    } catch (error) {
      return this.#failOne(route, stop, event, error)
    }
    route.statistics.handled++
    return ONE_SUCCESS.promise
  }

  #failOne({ statistics }: Route, stop: Stop, event: BusEvent, error: unknown): Promise<EmitReport> {
    statistics.failed++
    return Promise.resolve({ handlers: 1, failures: [this.fail(stop, event, error, 1)] })
  }

  /** Calls the handlers of an event and waits for them, retries included. Never rejects. */
  emit(route: Route, event: BusEvent): Promise<EmitReport> {
    const { plain } = route
    if (plain !== undefined && this.#options.observer === undefined)
      return this.#callPlain(route, plain, event)
    route.statistics.published++
    return this.#track(this.#emitTiers(route, event))
  }

  #callPlain(route: Route, plain: readonly Stop[], event: BusEvent): Promise<EmitReport> {
    const { statistics } = route
    const context = new Context(this.#shared, event)
    const isTimed = isTimeDue(route)
    let join: Join | undefined
    let failures: HandlerFailure[] | undefined
    let handlers = plain.length
    statistics.published++
    const depth = this.#depth
    this.#depth = Math.max(depth, event.depth) + 1
    for (let index = 0; index < plain.length; index++) {
      const stop = plain[index] as Stop
      // Whoever was taken away by a handler before it is not called any more.
      if (stop.removals !== this.#removals && !this.#isListening(stop)) {
        handlers--
        continue
      }
      const start = isTimed ? performance.now() : 0
      stop.statistics.calls++
      try {
        const { handler } = stop
        const result = handler(event, context)
        if (result !== undefined && isThenable(result)) {
          join ??= new Join(this, route, event)
          join.add(stop, result, start)
        } else if (isTimed) stop.statistics.durations.record(performance.now() - start)
      } catch (error) {
        if (isTimed) stop.statistics.durations.record(performance.now() - start)
        failures ??= []
        failures.push(this.fail(stop, event, error, 1))
      }
    }
    this.#depth = depth
    if (join !== undefined) {
      this.#inFlight++
      return join.wait(failures, handlers)
    }
    if (failures === undefined) {
      statistics.handled++
      return successOf(handlers).promise
    }
    statistics.failed++
    return Promise.resolve({ handlers, failures })
  }

  /** Waits for a handler that is the only one, which takes less than to count several. */
  #waitForOne(
    { statistics }: Route,
    stop: Stop,
    event: BusEvent,
    result: PromiseLike<unknown>,
  ): Promise<EmitReport> {
    this.#inFlight++
    return Promise.resolve(result).then(
      () => {
        statistics.handled++
        this.leave()
        return ONE_SUCCESS.report
      },
      (error) => {
        const failures = [this.fail(stop, event, error, 1)]
        statistics.failed++
        this.leave()
        return { handlers: 1, failures }
      },
    )
  }

  #isListening({ pattern, order, removals }: Stop): boolean {
    return (
      removals === this.#removals ||
      this.#listeners.has(pattern, isExact(pattern) ? undefined : segmentsOf(pattern), order)
    )
  }

  /** How deep in handlers of handlers whoever calls stands. */
  get depth(): number {
    return this.#depth
  }

  /** The time of an event that is made now. */
  moment(): Moment {
    if (this.#moment.next === this.#moment.end)
      this.#moment = this.#clock.moment?.() ?? createMoment(this.#clock.now(), 1)
    return this.#moment
  }

  /** What was in hand has come to its end. */
  leave(): void {
    if (--this.#inFlight > 0) return
    if (this.#idle.length > 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Why an event cannot be published any deeper, if so. */
  findDepthError(name: string, depth: number): EventError | undefined {
    if (depth <= MAX_DEPTH) return undefined
    return new EventError(
      `The event ${quote(name)} was published by a handler of an event that a handler had published, more than ${MAX_DEPTH} deep.`,
      {
        code: 'EVENTSETS_DEPTH',
        hint: 'Look for handlers that publish what leads to themselves. Where a chain is meant to go on, publish with { depth: 0 }.',
      },
    )
  }

  /** Handles what a backend has handed over: each handler once. Never rejects. */
  async deliver(delivery: Delivery): Promise<Outcome> {
    const event = reviveEvent(delivery.event)
    this.#inFlight++
    this.#delivering++
    try {
      return await this.#deliverTiers(this.route(event.name), event, delivery)
    } catch (error) {
      // Nothing that this bus would have published, such as an event without a name.
      return { deadLetters: [this.#giveUp(undefined, event, error, delivery.attempt)] }
    } finally {
      this.#delivering--
      this.leave()
    }
  }

  /**
   * Tier by tier. When a handler is to be tried again, those of lower priority wait for it: the next delivery goes on
   * where this one has ended.
   */
  async #deliverTiers(route: Route, event: BusEvent, delivery: Delivery): Promise<Outcome> {
    const { attempt, isRedelivered, handlers } = delivery
    const wanted = handlers === undefined ? undefined : new Set(handlers)
    const again: { readonly name: string; readonly delayMs: number }[] = []
    const waiting: string[] = []
    const deadLetters: DeadLetter[] = []
    let nextAttempt = 0
    let isHandedBack = false
    let tries = { attempt, isPublished: true, isRedelivered }
    if (attempt === 1) route.statistics.delivered++
    for (const tier of route.tiers) {
      const stops = wanted ? tier.filter(({ name }) => wanted.has(name)) : tier
      if (stops.length === 0) continue
      for (const { name } of stops) wanted?.delete(name)
      if (again.length > 0) {
        // Whoever waits has been chosen: by the time it runs, its filter may say something else.
        for (const stop of stops) {
          const isAccepted = handlers !== undefined || this.#accepts(stop, event)
          if (isAccepted === true) waiting.push(stop.name)
          else if (isAccepted) deadLetters.push(this.#giveUp(stop.name, event, isAccepted.cause, attempt))
        }
        continue
      }
      await this.#runAll(stops, async (stop) => {
        const isAccepted = handlers !== undefined || this.#accepts(stop, event)
        if (isAccepted === false) return
        const error = isAccepted === true ? await this.#call(stop, event, tries) : isAccepted
        const { retry } = stop.subscription ?? {}
        if (error && this.#options.signal.aborted) {
          // The bus has ended under its hands: the next one is to do it, as if it had not been begun.
          isHandedBack = true
          again.push({ name: stop.name, delayMs: 0 })
          return
        }
        if (error && isAccepted === true && isWorthRetrying(error.cause, tries.attempt, retry)) {
          stop.statistics.retries++
          again.push({ name: stop.name, delayMs: waitAfter(error.cause, tries.attempt, retry) })
          return
        }
        if (error) {
          const letter = this.#letterOf(stop.name, event, error, tries.attempt)
          this.#tell(stop.name, event, keptAs(letter, error), tries.attempt)
          deadLetters.push(letter)
        }
        stop.subscription?.end?.()
      })
      nextAttempt = isHandedBack ? tries.attempt : tries.attempt + 1
      // Those that have waited for others have not been tried yet.
      if (handlers !== undefined) tries = { ...tries, attempt: 1 }
    }
    for (const name of wanted ?? []) {
      const error = new EventError('No handler of this name listens any more.', { code: 'EVENTSETS_HANDLER' })
      deadLetters.push(this.#giveUp(name, event, error, attempt))
    }
    if (deadLetters.length > 0) route.statistics.failed++
    else if (again.length === 0) route.statistics.handled++
    if (again.length === 0) return { deadLetters }
    // One by one they would need a delivery each; the longest wait is at most what each of them may have.
    const delayMs = Math.max(...again.map((each) => each.delayMs))
    const names = [...again.map(({ name }) => name), ...waiting]
    // Whoever looks for doubles when told to is told until it has been handled.
    const retry = { handlers: names, delayMs, attempt: nextAttempt }
    return { deadLetters, retry: isHandedBack || isRedelivered ? { ...retry, isRedelivered: true } : retry }
  }

  /** Resolves when nothing is being handled any more. */
  idle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  #track<T>(promise: Promise<T>): Promise<T> {
    this.#inFlight++
    return promise.finally(() => this.leave())
  }

  /** Tier by tier, with all that was said about the handlers. */
  async #emitTiers(route: Route, event: BusEvent): Promise<EmitReport> {
    const failures: HandlerFailure[] = []
    let handlers = 0
    for (const tier of route.tiers) {
      await this.#runAll(tier, async (stop) => {
        const isAccepted = this.#accepts(stop, event)
        if (isAccepted === false) return
        handlers++
        const failure = isAccepted === true ? await this.#callOften(stop, event) : isAccepted
        if (failure) failures.push(this.#tell(stop.name, event, failure, failure.attempts))
        stop.subscription?.end?.()
      })
    }
    if (failures.length > 0) route.statistics.failed++
    else route.statistics.handled++
    return { handlers, failures }
  }

  /** One try after the other, as the policy of the handler says. Gives what went wrong in the last one. */
  async #callOften(stop: Stop, event: BusEvent): Promise<HandlerError | undefined> {
    const { retry } = stop.subscription ?? {}
    for (let attempt = 1; ; attempt++) {
      const error = await this.#call(stop, event, { attempt, isPublished: false, isRedelivered: false })
      if (error === undefined) return undefined
      const isOver = () => this.#options.signal.aborted || !this.#isListening(stop)
      if (isOver() || !isWorthRetrying(error.cause, attempt, retry)) return error
      stop.statistics.retries++
      await this.#wait(waitAfter(error.cause, attempt, retry), stop.subscription)
      if (isOver()) return error
    }
  }

  /** All of a tier, at most so many at once. */
  async #runAll(stops: readonly Stop[], run: (stop: Stop) => Promise<void>): Promise<void> {
    const { concurrency } = this.#options
    if (stops.length <= 1) {
      if (stops[0]) await run(stops[0])
      return
    }
    let next = 0
    const work = async () => {
      while (next < stops.length) await run(stops[next++] as Stop)
    }
    await Promise.all(Array.from({ length: Math.min(concurrency, stops.length) }, work))
  }

  /** Whether a handler is to be called for an event at all, or why nobody can say. */
  #accepts(stop: Stop, event: BusEvent): boolean | HandlerError {
    const { subscription } = stop
    if (!this.#isListening(stop)) return false
    if (!subscription) return true
    if (subscription.isSpent) return false
    try {
      if (subscription.matches?.(event) === false) return false
    } catch (error) {
      return this.#wrap(stop, event, error, 1)
    }
    if (subscription.once) subscription.isSpent = true
    return true
  }

  /** One try. Gives what went wrong, and never rejects. */
  async #call(stop: Stop, event: BusEvent, delivery: Try): Promise<HandlerError | undefined> {
    const { name, handler, statistics, subscription } = stop
    const { publisher, signal, observer } = this.#options
    const { attempt, isPublished } = delivery
    const timeoutMs = subscription?.timeoutMs
    const invoke = (given: AbortSignal) =>
      handler(event, new Context({ publisher, signal: given, ...delivery }, event))
    const run = () =>
      timeoutMs === undefined ? invoke(signal) : this.#withTimeout(timeoutMs, statistics, invoke)
    const start = performance.now()
    statistics.calls++
    try {
      const result = this.#nested(event, () => {
        if (observer === undefined) return run()
        const { pattern } = statistics
        return observer.handle({ event, handler: name, pattern, attempt, isPublished }, run)
      })
      if (isThenable(result)) await result
      return undefined
    } catch (error) {
      return this.#wrap(stop, event, error, attempt)
    } finally {
      statistics.durations.record(performance.now() - start)
    }
  }

  /** Calls a function, counting how deep handlers stand in handlers. */
  #nested<T>(event: BusEvent, call: () => T): T {
    const depth = this.#depth
    this.#depth = Math.max(depth, event.depth) + 1
    try {
      return call()
    } finally {
      this.#depth = depth
    }
  }

  #withTimeout(
    timeoutMs: number,
    statistics: HandlerStatistics,
    invoke: (signal: AbortSignal) => unknown,
  ): Promise<unknown> {
    const { clock, signal } = this.#options
    const controller = new AbortController()
    const forget = onAbort(signal, () => controller.abort(signal.reason))
    return new Promise((resolve, reject) => {
      const cancel = clock.delay(timeoutMs, () => {
        statistics.timeouts++
        const reason = new EventError(`It took longer than ${timeoutMs} ms.`, {
          code: 'EVENTSETS_HANDLER_TIMEOUT',
        })
        controller.abort(reason)
        reject(reason)
      })
      // What it does after its time is over concerns nobody any more.
      new Promise((settle) => settle(invoke(controller.signal))).then(resolve, reject).finally(() => {
        cancel()
        forget()
      })
    })
  }

  /** Waits before the next try, but no longer than the bus and the subscription are there. */
  #wait(ms: number, subscription: Subscription | undefined): Promise<void> {
    const { clock, signal } = this.#options
    return new Promise((resolve) => {
      const end = () => {
        cancel()
        forget()
        subscription?.waits?.delete(end)
        resolve()
      }
      const cancel = clock.delay(ms, end)
      const forget = onAbort(signal, end)
      if (subscription) {
        subscription.waits ??= new Set()
        subscription.waits.add(end)
      }
    })
  }

  #wrap(stop: Stop, event: BusEvent, cause: unknown, attempts: number): HandlerError {
    const { name, handler, subscription, statistics, pattern } = stop
    statistics.failures++
    statistics.recentFailures.note(statistics.calls)
    const isNamed = Boolean(subscription?.name ?? handler.name)
    return toHandlerError(name, event, cause, attempts, isNamed ? undefined : pattern)
  }

  #tell(handler: string, event: BusEvent, error: HandlerError, attempts: number): HandlerFailure {
    const failure = { handler, error, attempts }
    this.#options.onFailure(failure, event)
    return failure
  }

  /** Notes that a handler has failed for good. */
  fail(stop: Stop, event: BusEvent, cause: unknown, attempts: number): HandlerFailure {
    return this.#tell(stop.name, event, this.#wrap(stop, event, cause, attempts), attempts)
  }

  /** What nobody has been called for ends as a dead letter, too. */
  #giveUp(handler: string | undefined, event: BusEvent, cause: unknown, attempts: number): DeadLetter {
    const error = toHandlerError(handler ?? 'none', event, cause, attempts)
    const letter = this.#letterOf(handler, event, error, attempts)
    this.#tell(error.handler, event, keptAs(letter, error), attempts)
    return letter
  }

  #letterOf(
    handler: string | undefined,
    event: BusEvent,
    { cause }: HandlerError,
    attempts: number,
  ): DeadLetter {
    const { clock, group } = this.#options
    const time = clock.now()
    return {
      id: createUuid(time, letters++),
      event: event.toJSON(),
      group,
      handler,
      reason: reasonOf(cause),
      attempts,
      time,
    }
  }

  #resolve(name: string): Route {
    assertEventName(name)
    const listeners = this.#listeners.find(name)
    const names = new Map<string, number>()
    const stops = listeners.map((entry) => this.#stopOf(entry, names))
    const byPriority = new Map<number, Stop[]>()
    for (const stop of stops) {
      const priority = stop.subscription?.priority ?? Priority.NORMAL
      const tier = byPriority.get(priority)
      if (tier) tier.push(stop)
      else byPriority.set(priority, [stop])
    }
    const isPlain =
      stops.length <= this.#options.concurrency &&
      stops.every(({ subscription }) => subscription === undefined)
    const route: Route = {
      tiers: [...byPriority].sort(([a], [b]) => b - a).map(([, tier]) => tier),
      plain: isPlain ? stops : undefined,
      only: isPlain && stops.length === 1 ? stops[0] : undefined,
      statistics: this.statistics.ofEvent(name),
      times: 0,
      timesMask: 0,
    }
    if (this.#routes.size < MAX_ROUTES && this.#stops + stops.length <= MAX_STOPS) {
      this.#routes.set(name, route)
      this.#stops += stops.length
    }
    return route
  }

  #stopOf({ pattern, value: listener, order }: Entry<Listener>, names: Map<string, number>): Stop {
    const subscription = typeof listener === 'function' ? undefined : listener
    const handler = handlerOf(listener)
    const wanted = subscription?.name ?? (handler.name || 'anonymous')
    const count = (names.get(wanted) ?? 0) + 1
    names.set(wanted, count)
    const name = count === 1 ? wanted : `${wanted}#${count}`
    const statistics = this.statistics.ofHandler(wanted, pattern)
    return { name, handler, subscription, statistics, pattern, order, removals: this.#removals }
  }
}

function handlerOf(listener: Listener): Handler {
  return typeof listener === 'function' ? listener : listener.handler
}

/** Orders the dead letters of one millisecond. */
let letters = 0

/** @param pattern Of a handler that has no name, which is called by its pattern. */
function toHandlerError(
  handler: string,
  event: BusEvent,
  cause: unknown,
  attempts: number,
  pattern?: string,
): HandlerError {
  const { name: eventName } = event
  const called = pattern === eventName ? '' : `, called for ${quote(eventName)},`
  const who =
    pattern === undefined
      ? `The handler ${quote(handler)} of ${quote(eventName)}`
      : `A handler of ${quote(pattern)}${called}`
  const hint = pattern === undefined ? undefined : NAME_IT
  const message = `${who} has failed: ${writeOut(reasonOf(cause))}`
  return new HandlerError(message, { handler, eventName, attempts, cause, hint })
}

const NAME_IT = 'Give it a name: that of a function, or the option "name" of on().'

/** The same error, which says where the event is kept. */
function keptAs(
  letter: DeadLetter,
  { message, handler, eventName, attempts, cause, hint }: HandlerError,
): HandlerError {
  const kept = `It is the dead letter ${quote(letter.id)}.`
  return new HandlerError(message, {
    handler,
    eventName,
    attempts,
    cause,
    hint: hint === undefined ? kept : `${kept} ${hint}`,
  })
}
