import type { RedisClient } from './connection.ts'

/**
 * ioredis 5.11 (and no longer 6.0) keeps the timer of `socketTimeout` when a connection is lost that owed an answer, and when it rings, it
 * closes the next one, which owes nothing. There is no public way to it: where it is not what is known here, nothing is
 * touched, and a connection may be opened once more than needed.
 */
export function forgetTimer(client: RedisClient): void {
  const timed = client as { socketTimeoutTimer?: unknown }
  if (!isTimer(timed.socketTimeoutTimer)) return
  clearTimeout(timed.socketTimeoutTimer)
  timed.socketTimeoutTimer = undefined
}

function isTimer(value: unknown): value is NodeJS.Timeout {
  return typeof value === 'object' && value !== null && 'hasRef' in value && 'refresh' in value
}
