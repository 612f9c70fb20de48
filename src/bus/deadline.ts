import type { Clock } from './clock.ts'

/** What `within` gives when the time is over. */
export const LATE = Symbol('late')

/** Waits for a promise, but no longer than so many milliseconds. What it does afterwards concerns nobody. */
export async function within<T>(ms: number, promise: Promise<T>, clock: Clock): Promise<T | typeof LATE> {
  let cancel = () => {}
  const end = new Promise<typeof LATE>((resolve) => {
    cancel = clock.delay(ms, () => resolve(LATE))
  })
  try {
    return await Promise.race([promise, end])
  } finally {
    cancel()
  }
}
