import { ValidationError } from '../core/errors.ts'
import type { Issue } from '../core/issue.ts'
import { isPlainObject } from '../core/shape.ts'
import type { BusEvent } from './event.ts'
import { Priority } from './event.ts'
import type { EventMap } from './event-map.ts'
import { compileFilter, type Filter } from './filter.ts'
import { wordGiven } from './given.ts'
import type { HandlerContext } from './handler-context.ts'
import { helpWith } from './option-words.ts'
import { type Retry, type RetryPolicy, resolveRetry } from './retry.ts'

/** What is done about an event. What it returns does not matter, except that a promise is waited for. */
export type Handler<Event extends BusEvent = BusEvent, Inputs extends object = EventMap> = (
  event: Event,
  context: HandlerContext<Inputs>,
) => unknown

export interface SubscriptionOptions<Event extends BusEvent = BusEvent> {
  /** What it is called in reports, metrics and dead letters. The name of the function unless given. A durable backend finds the handler by it after a restart. */
  readonly name?: string | undefined
  /** Handlers of higher priority have finished before those of lower priority begin. `Priority.NORMAL` unless given. */
  readonly priority?: number | undefined
  /** Tries again when it fails. The bus's own policy unless given. */
  readonly retry?: RetryPolicy | undefined
  /** After so long it has failed, and its signal is aborted. That of the bus unless given; `Infinity` is no limit. */
  readonly timeoutMs?: number | undefined
  /** Only events that it lets through. */
  readonly filter?: Filter<Event> | undefined
  /** Ends the subscription when it is aborted. */
  readonly signal?: AbortSignal | undefined
  /** Ends the subscription with its first event. */
  readonly once?: boolean | undefined
}

/** A handler that listens, with what was said about it, checked. */
export interface Subscription {
  readonly handler: Handler
  readonly name: string | undefined
  readonly priority: number
  readonly retry: Retry | undefined
  readonly timeoutMs: number | undefined
  readonly matches: ((event: BusEvent) => boolean) | undefined
  readonly once: boolean
  /** A handler that runs once has begun, or the subscription has ended. */
  isSpent: boolean
  /** Ends the subscription; there when it ends by itself, after all tries of its one event. */
  end: (() => void) | undefined
  /** What waits here for the next try. */
  waits: Set<() => void> | undefined
}

/** Notes that a subscription has ended: whoever waits for its next try waits no longer. */
export function endSubscription(subscription: Subscription): void {
  subscription.isSpent = true
  for (const resume of [...(subscription.waits ?? [])]) resume()
}

const KNOWN = ['name', 'priority', 'retry', 'timeoutMs', 'filter', 'signal', 'once']

/**
 * @param others Options that somebody else has taken out: an unknown one may mean one of them.
 * @throws ValidationError with everything that is wrong with it.
 */
export function createSubscription(
  handler: Handler,
  options: SubscriptionOptions,
  defaults: { readonly retry?: RetryPolicy | undefined; readonly timeoutMs?: number | undefined },
  others: readonly string[] = [],
): Subscription {
  if (!isPlainObject(options as unknown)) {
    const message = `expected an object, got ${wordGiven(options)}`
    const issue = { path: '', code: 'type', message } as const
    throw new ValidationError('The options of a handler are', [issue], { code: 'EVENTSETS_INVALID_OPTIONS' })
  }
  const { name, priority = Priority.NORMAL, filter, once = false, signal } = options
  const { retry: policy = defaults.retry, timeoutMs = defaults.timeoutMs } = options
  const issues: Issue[] = []
  const expect = (isRight: boolean, path: string, message: string) => {
    if (!isRight) issues.push({ path, code: 'type', message })
  }
  const expectOption = (isRight: boolean, path: keyof SubscriptionOptions, message: string) =>
    expect(isRight, path, isRight ? message : `${message}, got ${wordGiven(options[path])}`)
  const collect = <T>(resolve: () => T): T | undefined => {
    try {
      return resolve()
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error
      issues.push(...error.issues)
      return undefined
    }
  }
  if (typeof handler !== 'function')
    expect(false, 'handler', `expected a function, got ${wordGiven(handler)}`)
  expectOption(name === undefined || (typeof name === 'string' && name !== ''), 'name', 'expected a text')
  expectOption(Number.isInteger(priority), 'priority', 'expected a whole number, such as Priority.HIGH')
  expectOption(isTimeLimit(timeoutMs), 'timeoutMs', TIME_LIMIT)
  expectOption(typeof once === 'boolean', 'once', 'expected true or false')
  const isSignal = signal === undefined || signal instanceof AbortSignal
  expectOption(isSignal, 'signal', 'expected an AbortSignal')
  for (const key of Object.keys(options))
    expect(KNOWN.includes(key), key, `is not a known option${helpWith(key, [...others, ...KNOWN])}`)
  const retry = collect(() => resolveRetry(policy))
  const matches = filter === undefined ? undefined : collect(() => compileFilter(filter as Filter))
  if (issues.length > 0)
    throw new ValidationError('The options of a handler are', issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
  return {
    handler,
    name,
    priority,
    retry,
    timeoutMs: timeoutMs === Number.POSITIVE_INFINITY ? undefined : timeoutMs,
    matches,
    once,
    isSpent: false,
    end: undefined,
    waits: undefined,
  }
}

export const TIME_LIMIT = 'expected milliseconds, more than 0 (Infinity is no limit)'

/** Whether something is the time that a handler may take. */
export function isTimeLimit(value: unknown): boolean {
  return value === undefined || (typeof value === 'number' && value > 0)
}
