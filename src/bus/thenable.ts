import { EventError } from './errors.ts'

/** Whether something is a promise, or looks like one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function'
  )
}

/**
 * What a function gives that has to answer at once.
 *
 * @param what The function: `The filter`.
 * @throws EventError for a promise, whatever it will be: that it is rejected must not end the process.
 */
export function takeAtOnce<T>(answer: T, what: string): T {
  if (!isThenable(answer)) return answer
  Promise.resolve(answer).catch(() => {})
  throw new EventError(`${what} has given a promise.`, {
    code: 'EVENTSETS_INVALID_OPTIONS',
    hint: 'It has to answer at once: do in the handler what takes time.',
  })
}
