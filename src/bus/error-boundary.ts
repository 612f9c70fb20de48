import { object, optional } from '../core/shape.ts'
import { assertOptions, expected, maybeFunction } from './option-shape.ts'
import { isThenable } from './thenable.ts'
import { dressAs } from './wrapping.ts'

export interface ErrorBoundaryOptions<
  Args extends readonly unknown[] = readonly unknown[],
  Fallback = undefined,
> {
  /** Told of what was thrown, with the arguments of the call. What it throws itself is dropped. */
  readonly onError?: ((error: unknown, ...args: Args) => unknown) | undefined
  /** What the call gives instead, or a function that makes it of the error. `undefined` unless given. */
  readonly fallback?: Fallback | ((error: unknown) => Fallback) | undefined
  /** Throw on what was thrown, when `onError` has been told. */
  readonly rethrow?: boolean | undefined
}

/** What a call gives that may have failed. */
export type Caught<Result, Fallback> =
  Result extends PromiseLike<infer Value> ? Promise<Value | Awaited<Fallback>> : Result | Fallback

/**
 * A function that does not throw: what the wrapped one throws, or rejects with, goes to `onError`, and the call gives
 * the fallback. A function that is synchronous stays so.
 *
 * Handlers on a bus need none to keep others from harm; it is for those whose failing is not to be retried or counted.
 *
 * @throws ValidationError with everything that is wrong with the options.
 */
export function withErrorBoundary<This, Args extends readonly unknown[], Result, Fallback = undefined>(
  fn: (this: This, ...args: Args) => Result,
  options: ErrorBoundaryOptions<Args, Fallback> = {},
): (this: This, ...args: Args) => Caught<Result, Fallback> {
  const { onError, fallback, rethrow = false } = checkErrorBoundary(options)
  const handle = (error: unknown, args: Args): unknown => {
    tell(onError as ErrorBoundaryOptions['onError'], error, args)
    if (rethrow) throw error
    return typeof fallback === 'function' ? (fallback as (error: unknown) => Fallback)(error) : fallback
  }
  return dressAs(
    function (this: This, ...args: Args) {
      try {
        const result: unknown = fn.apply(this, args as never)
        if (!isThenable(result)) return result
        return Promise.resolve(result).catch((error) => handle(error, args))
      } catch (error) {
        return handle(error, args)
      }
    } as never,
    fn as never,
  )
}

/** @throws ValidationError */
export function checkErrorBoundary<Options extends object>(options: Options): Options {
  const { fallback, rethrow } = options as ErrorBoundaryOptions
  const isDouble = rethrow === true && fallback !== undefined
  const message = 'is never given, since "rethrow" throws'
  assertOptions(
    'The options of an error boundary are',
    SHAPE,
    options,
    isDouble ? [{ path: 'fallback', code: 'format', message }] : [],
  )
  return options
}

const SHAPE = object({
  onError: maybeFunction,
  fallback: optional(expected('anything', () => true)),
  rethrow: optional(expected('true or false', (input) => typeof input === 'boolean')),
})

function tell(onError: ErrorBoundaryOptions['onError'], error: unknown, args: readonly unknown[]): void {
  try {
    const told = onError?.(error, ...args)
    // Whoever is told of errors and fails at that cannot be told.
    if (isThenable(told)) told.then(undefined, () => {})
  } catch {}
}
