import { object, optional } from '../core/shape.ts'
import type { EventBus } from './bus.ts'
import type { EventOptions } from './event.ts'
import { assertEventName } from './event-name.ts'
import type { Publisher } from './handler-context.ts'
import {
  assertOptions,
  expected,
  isText,
  maybeFunction,
  maybeText,
  maybeWholeNumber,
} from './option-shape.ts'
import { quote } from './quote.ts'
import { isThenable } from './thenable.ts'
import { createUuid } from './uuid.ts'
import { warnAbout } from './warning.ts'
import { dressAs } from './wrapping.ts'

export interface PublishingOptions<Args extends readonly unknown[] = readonly unknown[], Result = unknown> {
  /** What the start is published with. Nothing unless given: arguments may be secrets. */
  readonly start?: ((...args: Args) => object) | undefined
  /** What the success is published with, beside `durationMs`. */
  readonly success?: ((result: Awaited<Result>, ...args: Args) => object) | undefined
  /** What the failure is published with, beside `durationMs`. `{ error }`, the message, unless given. */
  readonly failure?: ((error: unknown, ...args: Args) => object) | undefined
  /** The bus's own unless given. */
  readonly source?: string | undefined
  readonly priority?: number | undefined
  /** What the three events have in common with others. The id of the first one unless given. */
  readonly correlationId?: string | ((...args: Args) => string | undefined) | undefined
  readonly key?: string | ((...args: Args) => string | undefined) | undefined
  /** Told when an event could not be published; the function goes on. A warning of the process unless given. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** The names `X` of which there are the events `X.start`, `X.success` and `X.failure`. */
export type ActionName<Events> = string extends keyof Events
  ? string
  : keyof Events & string extends infer Name
    ? Name extends `${infer Action}.start`
      ? Action
      : never
    : never

/** Those of a bus; the context of a handler takes any. */
type ActionNameOf<Bus> = Bus extends EventBus<infer Events, infer _> ? ActionName<Events> : string

/**
 * A function that tells what becomes of it: it publishes `name.start`, and then `name.success` or `name.failure`, which
 * have the start as their cause. It gives and throws what the wrapped one does, whether or not the events could be
 * published; one that is asynchronous ends when they have been taken.
 *
 * @param bus A bus, or the context of a handler.
 * @param name Such as `action.deploy`.
 * @throws EventError for a name that is none, ValidationError with everything that is wrong with the options.
 */
export function publishing<Bus extends Publisher, This, Args extends readonly unknown[], Result>(
  bus: Bus,
  name: ActionNameOf<Bus>,
  fn: (this: This, ...args: Args) => Result,
  options: PublishingOptions<Args, Result> = {},
): (this: This, ...args: Args) => Result {
  return publishingFrom(() => bus, name, fn, options)
}

/** The same with a bus that is not known before the call. */
export function publishingFrom<This, Args extends readonly unknown[], Result>(
  findBus: (self: This) => Publisher,
  name: string,
  fn: (this: This, ...args: Args) => Result,
  options: PublishingOptions<Args, Result>,
): (this: This, ...args: Args) => Result {
  assertEventName(`${name}.success`)
  assertOptions('The options of publishing are', SHAPE, options)
  return dressAs(
    function (this: This, ...args: Args) {
      const call = beginCall(findBus(this), name, options as unknown as PublishingOptions, args)
      try {
        const result: unknown = fn.apply(this, args as never)
        if (!isThenable(result)) {
          void call.succeed(result)
          return result
        }
        return Promise.resolve(result).then(
          async (value) => {
            await call.succeed(value)
            return value
          },
          async (error) => {
            await call.fail(error)
            throw error
          },
        )
      } catch (error) {
        void call.fail(error)
        throw error
      }
    } as never,
    fn as never,
  )
}

const textOrFunction = expected(
  'a text or a function that gives one',
  (input) => typeof input === 'function' || isText(input),
)

const SHAPE = object({
  start: maybeFunction,
  success: maybeFunction,
  failure: maybeFunction,
  source: maybeText,
  priority: maybeWholeNumber,
  correlationId: optional(textOrFunction),
  key: optional(textOrFunction),
  onError: maybeFunction,
})

/** One call, of which the start is published. What it gives never rejects. */
interface Call {
  succeed(result: unknown): Promise<void>
  fail(error: unknown): Promise<void>
}

function beginCall(bus: Publisher, name: string, options: PublishingOptions, args: readonly unknown[]): Call {
  const { onError = (error: unknown) => warnAbout(`An event of ${quote(name)} is lost`, error) } = options
  const begin = performance.now()
  const id = createUuid(Date.now(), 0)
  /** One event after another, so that no success overtakes its start. */
  let published: Promise<unknown> = Promise.resolve()
  const publish = async (phase: string, about: EventOptions, describe: () => object): Promise<void> => {
    // What the functions of the options throw costs the event, not the call.
    const made = attempt(() => ({
      data: describe(),
      options: { ...findOptions(options, args, id), ...about },
    }))
    published = Promise.all([made, published]).then(([event]) =>
      bus.publish(`${name}.${phase}`, event.data, event.options),
    )
    published = published.catch((error) => attempt(() => onError(error)).catch(() => {}))
    await published
  }
  const end = (phase: string, describe: () => object): Promise<void> => {
    const durationMs = Math.round((performance.now() - begin) * 1000) / 1000
    return publish(phase, { causationId: id }, () => ({ durationMs, ...describe() }))
  }
  void publish('start', { id }, () => options.start?.(...args) ?? {})
  const { success = () => ({}), failure = describeError } = options
  return {
    succeed: (result) => end('success', () => success(result as never, ...args)),
    fail: (error) => end('failure', () => failure(error, ...args)),
  }
}

function findOptions(
  { source, priority, correlationId, key }: PublishingOptions,
  args: readonly unknown[],
  id: string,
): EventOptions {
  const find = (option: string | ((...args: readonly unknown[]) => string | undefined) | undefined) =>
    typeof option === 'function' ? option(...args) : option
  return {
    ...(source === undefined ? {} : { source }),
    ...(priority === undefined ? {} : { priority }),
    correlationId: find(correlationId) ?? id,
    key: find(key),
  }
}

function describeError(error: unknown): object {
  return { error: error instanceof Error ? error.message : String(error) }
}

/** What throws at once rejects as well. */
function attempt<T>(call: () => T): Promise<Awaited<T>> {
  return new Promise((resolve) => resolve(call() as Awaited<T>))
}
