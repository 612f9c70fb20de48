import { onAbort } from './abort.ts'

/** Waits for a promise, but no longer than until a signal is aborted; then it rejects with the reason. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, () => reject(signal.reason))
    promise.then(resolve, reject).finally(stop)
    // Nobody calls back for what has happened already.
    if (signal.aborted) reject(signal.reason)
  })
}
