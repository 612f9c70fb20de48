import { object } from '../core/shape.ts'
import type { EventBus } from './bus.ts'
import {
  type Caught,
  checkErrorBoundary,
  type ErrorBoundaryOptions,
  withErrorBoundary,
} from './error-boundary.ts'
import { EventError } from './errors.ts'
import type { BusEvent } from './event.ts'
import type { EventMap, InputMap, KnownPattern, MatchingEvent } from './event-map.ts'
import type { HandlerContext, Publisher } from './handler-context.ts'
import { assertOptions, maybeSignal } from './option-shape.ts'
import { assertPattern } from './pattern.ts'
import { type ActionName, type PublishingOptions, publishingFrom } from './publishing.ts'
import { quote } from './quote.ts'
import type { RetryPolicy } from './retry.ts'
import type { Handler, SubscriptionOptions } from './subscription.ts'
import { type WithRetryOptions, withRetry } from './with-retry.ts'

/**
 * Subscribes the methods of an object that are decorated with `@on`, and gives `@publishes` its bus. The returned
 * function ends the subscriptions. The methods of a class itself (`static`) are connected by giving the class.
 *
 * A handler is called `Class.method` unless its options name it.
 *
 * @throws EventError when nothing is decorated, ValidationError for wrong options; then nothing is subscribed.
 */
export function connectHandlers<Events extends object = EventMap, Inputs extends InputMap<Events> = Events>(
  bus: EventBus<Events, Inputs>,
  instance: object,
  options: { readonly signal?: AbortSignal | undefined } = {},
): (() => void) & Disposable {
  assertOptions('The options of connectHandlers are', object({ signal: maybeSignal }), options)
  const decorated = decorations.get(instance)
  if (!decorated) {
    throw new EventError(`No method of ${nameOf(instance)} is decorated with @on or @publishes.`, {
      code: 'EVENTSETS_INVALID_OPTIONS',
      hint: 'Decorate methods, and give an instance of their class; for static methods the class.',
    })
  }
  const ends: (() => void)[] = []
  const end = () => {
    for (const off of ends.splice(0)) off()
  }
  const untyped = bus as unknown as EventBus
  try {
    for (const { pattern, handler, options: own, method } of handlersOf(decorated)) {
      const name = own.name ?? `${nameOf(instance)}.${method}`
      const bound: Handler = (event, context) => handler.call(instance, event, context)
      ends.push(untyped.on(pattern, bound, { signal: options.signal, ...own, name }))
    }
  } catch (error) {
    end()
    throw error
  }
  buses.set(instance, untyped)
  return Object.assign(end, { [Symbol.dispose]: end })
}

/** What a method decorated with `@on` is: a handler that knows its object. */
export type HandlerMethod<This, Event extends BusEvent> = (
  this: This,
  event: Event,
  context: HandlerContext,
) => unknown

/**
 * Makes a method a handler of events, once `connectHandlers` has been given its object. A method may have several.
 *
 * @throws EventError for a pattern that is none.
 */
export function on(pattern: string, options: SubscriptionOptions = {}) {
  assertPattern(pattern)
  return <This extends object, Event extends BusEvent>(
    _method: HandlerMethod<This, Event>,
    context: ClassMethodDecoratorContext<This, HandlerMethod<This, Event>>,
  ): void => {
    assertMethod('on', context)
    const { access, name } = context
    context.addInitializer(function () {
      // The method is looked up when it is connected: by then it has all its decorators, and is that of the subclass.
      const find = () => access.get(this) as unknown as Handler
      decorate(this).push({ pattern, options, method: String(name), find })
    })
  }
}

/** What a decorator replaces a method by. */
type Replacing<This, Args extends readonly unknown[], Result, Replaced> = (
  method: (this: This, ...args: Args) => Result,
  context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => Result>,
) => (this: This, ...args: Args) => Replaced

/** The method does not throw: see `withErrorBoundary`. */
export function errorBoundary<Told extends readonly unknown[] = readonly unknown[], Fallback = undefined>(
  options: ErrorBoundaryOptions<Told, Fallback> = {},
) {
  checkErrorBoundary(options)
  return <This, Args extends readonly unknown[], Result>(
    ...[method, context]: Parameters<Replacing<This, Args, Result, unknown>>
  ): ((this: This, ...args: Args) => Caught<Result, Fallback>) => {
    assertMethod('errorBoundary', context)
    return withErrorBoundary(method, options as unknown as ErrorBoundaryOptions<Args, Fallback>)
  }
}

/** The method is tried again when it fails: see `withRetry`. */
export function retry<Given extends readonly unknown[] = [event: BusEvent, context: HandlerContext]>(
  policy: RetryPolicy,
  options: WithRetryOptions<Given> = {},
) {
  // What is wrong with them is told where they stand, and not with the first method.
  withRetry(() => {}, policy, options as WithRetryOptions)
  return <This, Args extends readonly unknown[], Result>(
    ...[method, context]: Parameters<Replacing<This, Args, Result, unknown>>
  ): ((this: This, ...args: Args) => Promise<Awaited<Result>>) => {
    assertMethod('retry', context)
    return withRetry(method, policy, options as unknown as WithRetryOptions<Args>)
  }
}

export interface PublishesOptions extends Pick<PublishingOptions, 'source' | 'priority' | 'onError'> {
  /** The bus, or what finds it in the object. That of `connectHandlers` unless given. */
  bus?: Publisher | { find(self: object): Publisher }['find'] | undefined
  start?(...args: unknown[]): object
  success?(result: unknown, ...args: unknown[]): object
  failure?(error: unknown, ...args: unknown[]): object
  correlationId?(...args: unknown[]): string | undefined
  key?(...args: unknown[]): string | undefined
}

/** The method publishes `name.start`, and `name.success` or `name.failure`: see `publishing`. */
export function publishes(name: string, options: PublishesOptions = {}) {
  const { bus, ...rest } = options
  const findBus = (self: object): Publisher => {
    const found = typeof bus === 'function' ? bus(self) : (bus ?? buses.get(self))
    if (found) return found
    throw new EventError(`@publishes(${quote(name)}) of ${nameOf(self)} has no bus.`, {
      code: 'EVENTSETS_INVALID_OPTIONS',
      hint: 'Give the object to connectHandlers(bus, object) first, or the decorator the option "bus".',
    })
  }
  publishingFrom(findBus, name, () => {}, rest)
  return <This extends object, Args extends readonly unknown[], Result>(
    ...[method, context]: Parameters<Replacing<This, Args, Result, unknown>>
  ): ((this: This, ...args: Args) => Result) => {
    assertMethod('publishes', context)
    context.addInitializer(function () {
      decorate(this)
    })
    return publishingFrom<This, Args, Result>(
      findBus as never,
      name,
      method,
      rest as unknown as PublishingOptions<Args, Result>,
    )
  }
}

/** `@on` and `@publishes` for the events of a bus: the compiler checks patterns, names, and what methods take. */
export interface TypedDecorators<Events extends object> {
  on<const Pattern extends string>(
    pattern: KnownPattern<Events, Pattern>,
    options?: SubscriptionOptions<MatchingEvent<Events, Pattern>>,
  ): <This extends object>(
    method: HandlerMethod<This, MatchingEvent<Events, Pattern>>,
    context: ClassMethodDecoratorContext<This, HandlerMethod<This, MatchingEvent<Events, Pattern>>>,
  ) => void
  publishes(name: ActionName<Events>, options?: PublishesOptions): ReturnType<typeof publishes>
}

export function decoratorsFor<Events extends object>(): TypedDecorators<Events> {
  return { on: on as never, publishes }
}

interface Decoration {
  readonly pattern: string
  readonly options: SubscriptionOptions
  readonly method: string
  readonly find: () => Handler
}

/** What is decorated in objects and classes. Node 20 has no `Symbol.metadata`, and an object knows its own methods. */
const decorations = new WeakMap<object, Decoration[]>()
const buses = new WeakMap<object, Publisher>()

function decorate(instance: object): Decoration[] {
  const known = decorations.get(instance)
  if (known) return known
  const list: Decoration[] = []
  decorations.set(instance, list)
  return list
}

/** A method that a subclass has decorated anew is there twice; what the subclass says counts. */
function handlersOf(decorated: readonly Decoration[]) {
  const found = decorated.map((decoration) => ({ ...decoration, handler: decoration.find() }))
  return found.filter(
    ({ pattern, handler }, index) =>
      !found.some((later, place) => place > index && later.pattern === pattern && later.handler === handler),
  )
}

function nameOf(instance: object): string {
  const name = typeof instance === 'function' ? instance.name : instance.constructor?.name
  return name || 'an object'
}

/** What matters of a decorator's second argument; before the standard it was the name of the method. */
type MethodContext = { readonly kind: string; readonly name: string | symbol } | string | symbol | undefined

function assertMethod(decorator: string, context: MethodContext): void {
  if (typeof context === 'object' && context.kind === 'method') return
  const isLegacy = typeof context !== 'object'
  throw new EventError(
    isLegacy
      ? `@${decorator} is a standard decorator, and was called as one of TypeScript's experimental ones.`
      : `@${decorator} decorates methods, and ${String(context.name)} is a ${context.kind}.`,
    {
      code: 'EVENTSETS_INVALID_OPTIONS',
      hint: isLegacy ? 'Take "experimentalDecorators" out of the tsconfig.json.' : undefined,
    },
  )
}
