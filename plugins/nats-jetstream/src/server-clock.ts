import { failureOf } from './failures.ts'
import type { Link } from './link.ts'
import { clockSubject } from './names.ts'

/** The clock of the server, as far as it can be known from here. */
export interface ServerClock {
  /** Milliseconds since 1970; never later than it is there. */
  now(): number
  /** Asks the server, unless that was done lately. */
  ask(): Promise<void>
}

/** Clocks drift apart. */
const VALID_MS = 60_000

/**
 * The machines of a system do not agree about the time, but all of its processes know the server. It puts its time on
 * each message that it stores: one is stored and read again.
 */
export function createServerClock(link: Link): ServerClock {
  const subject = clockSubject(link.names)
  let offsetMs: number | undefined
  let askedMs = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined

  const ask = async () => {
    await link.insist(async ({ client, manager }) => {
      const { seq } = await client.publish(subject)
      // By now at least the moment of storing is over: what is reckoned from it is rather too early than too late.
      const afterMs = Date.now()
      const stored = await manager.streams.getMessage(link.names.notes, { seq })
      // Another process has asked meanwhile, and only the latest one is kept.
      if (!stored) return
      offsetMs = stored.time.getTime() - afterMs
      askedMs = performance.now()
    })
  }

  return {
    now: () => Date.now() + (offsetMs ?? 0),
    async ask() {
      if (offsetMs !== undefined && performance.now() - askedMs < VALID_MS) return
      asking ??= ask().finally(() => {
        asking = undefined
      })
      await asking.catch((error) => {
        // A clock that is asked for later is better than an event that is not handed over.
        if (failureOf(error).kind === 'closed') throw error
      })
    },
  }
}
