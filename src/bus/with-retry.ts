import type { Issue } from '../core/issue.ts'
import { object, optional } from '../core/shape.ts'
import { onAbort } from './abort.ts'
import { type Clock, createSystemClock } from './clock.ts'
import { assertOptions, expected, maybeFunction, maybeSignalOrFunction } from './option-shape.ts'
import { isWorthRetrying, type Retry, type RetryPolicy, resolveRetry, waitAfter } from './retry.ts'
import { isThenable } from './thenable.ts'
import { untilAborted } from './until-aborted.ts'
import { warnAbout } from './warning.ts'
import { dressAs } from './wrapping.ts'

export interface WithRetryOptions<Args extends readonly unknown[] = readonly unknown[]> {
  /** Ends it: the call rejects with the reason, and a try under way is no longer waited for. Or what finds it among the arguments: `(event, { signal }) => signal`. */
  readonly signal?: AbortSignal | ((...args: Args) => AbortSignal | undefined) | undefined
  /** Told of each failed try that is followed by another one. What it throws is a warning of the process, and changes nothing. */
  readonly onRetry?:
    | ((failure: { readonly error: unknown; readonly attempt: number; readonly delayMs: number }) => void)
    | undefined
  readonly clock?: Clock | undefined
}

/**
 * A function that is tried again when it throws or rejects. When all tries have failed, it rejects with what the last
 * one has thrown.
 *
 * @throws ValidationError with everything that is wrong with the policy or the options.
 */
export function withRetry<This, Args extends readonly unknown[], Result>(
  fn: (this: This, ...args: Args) => Result,
  policy: RetryPolicy,
  options: WithRetryOptions<Args> = {},
): (this: This, ...args: Args) => Promise<Awaited<Result>> {
  const retry = resolveRetry(policy ?? {}) as Retry
  const issue: Issue = { path: 'fn', code: 'type', message: 'expected a function' }
  assertOptions('The options of withRetry are', SHAPE, options, typeof fn === 'function' ? [] : [issue])
  const { signal: given, onRetry, clock = createSystemClock() } = options
  return dressAs(
    async function (this: This, ...args: Args) {
      const signal = typeof given === 'function' ? given(...args) : given
      for (let attempt = 1; ; attempt++) {
        signal?.throwIfAborted()
        try {
          return await untilAborted(call(fn, this, args), signal)
        } catch (error) {
          signal?.throwIfAborted()
          if (!isWorthRetrying(error, attempt, retry)) throw error
          const delayMs = waitAfter(error, attempt, retry)
          tell(() => onRetry?.({ error, attempt, delayMs }))
          signal?.throwIfAborted()
          await wait(delayMs, clock, signal)
        }
      }
    } as never,
    fn as never,
  )
}

const SHAPE = object({
  signal: maybeSignalOrFunction,
  onRetry: maybeFunction,
  clock: optional(
    expected(
      'a clock, such as createSystemClock()',
      (input) => typeof (input as Clock)?.delay === 'function',
    ),
  ),
})

/** What throws at once rejects as well. */
async function call<This, Args extends readonly unknown[]>(
  fn: (this: This, ...args: Args) => unknown,
  self: This,
  args: Args,
): Promise<unknown> {
  return await fn.apply(self, args as never)
}

/** Whoever is told may fail at that, at once or later, and the tries go on. */
function tell(onRetry: () => unknown): void {
  const warn = (error: unknown) => warnAbout('The "onRetry" of withRetry has failed', error)
  try {
    const told = onRetry()
    if (isThenable(told)) told.then(undefined, warn)
  } catch (error) {
    warn(error)
  }
}

function wait(ms: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.delay(ms, () => {
      stop?.()
      resolve()
    })
    const stop =
      signal &&
      onAbort(signal, () => {
        cancel()
        reject(signal.reason)
      })
  })
}
