import type { Clock } from './clock.ts'
import type { EventLog } from './sqlite-log.ts'
import type { Turns } from './sqlite-turns.ts'

/** Keeps the history within its bounds, a little at a time. */
export interface Trimmer {
  /** Tells that so many events were added. */
  added(count: number): void
  /** To be called now and then. */
  tick(): void
}

export interface TrimSetting {
  readonly turns: Turns
  readonly log: EventLog
  readonly clock: Clock
  readonly historySize: number
  readonly historyMs: number
}

/** So many events are added before the history is looked at, or fewer where it is small. */
const MAX_ADDED = 1000
const INTERVAL_MS = 60_000

export function createTrimmer({ turns, log, clock, historySize, historyMs }: TrimSetting): Trimmer {
  const maxAdded = Math.max(1, Math.min(MAX_ADDED, historySize / 10))
  let added = 0
  let last = clock.now()
  let isTrimming = false

  const trim = async () => {
    if (isTrimming) return
    isTrimming = true
    added = 0
    last = clock.now()
    try {
      // A transaction of its own for each step: others get their turn.
      while (await turns.write(() => log.trim({ maxEvents: historySize, storedSince: last - historyMs }), 0));
    } catch {
      // It is tried again with the next events; whatever is wrong with the database, they will tell.
    }
    isTrimming = false
  }
  return {
    added(count) {
      added += count
      if (added >= maxAdded) void trim()
      else this.tick()
    },
    tick() {
      if (Math.abs(clock.now() - last) >= INTERVAL_MS) void trim()
    },
  }
}
