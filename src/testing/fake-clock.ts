import type { Clock } from '../bus/clock.ts'
import { ValidationError } from '../core/errors.ts'

/** A clock that stands still until it is turned. */
export interface FakeClock extends Clock {
  /**
   * Turns the clock, and resolves when everything that was due until then has happened, one after the other, with what
   * follows from it in this process: a retry after a second is over when the clock has been turned by a second.
   *
   * @param ms 0 lets happen what is due now.
   */
  advance(ms: number): Promise<void>
}

export interface FakeClockOptions {
  /** Milliseconds since 1970. The beginning of 2026 unless given. */
  readonly now?: number | undefined
}

const BEGINNING_OF_2026 = 1_767_225_600_000

/**
 * A clock for tests: give it to the bus, and no test has to wait.
 *
 * ```js
 * const clock = fakeClock()
 * const bus = new EventBus({ clock })
 * await bus.publish('order.late', { id: 17 }, { deliverAt: clock.now() + 60_000 })
 * await clock.advance(60_000)
 * ```
 */
export function fakeClock({ now: start = BEGINNING_OF_2026 }: FakeClockOptions = {}): FakeClock {
  expectTime('now', start)
  let now = start
  /** The one that is due next comes first; of those due together, the one that was set first. */
  const timers: Timer[] = []
  let turning: Promise<void> = Promise.resolve()

  const turn = async (ms: number) => {
    const end = now + ms
    await takeTurns()
    for (let [next] = timers; next && next.at <= end; [next] = timers) {
      timers.shift()
      now = Math.max(now, next.at)
      next.callback()
      await takeTurns()
    }
    now = end
  }
  return {
    now: () => now,
    delay(ms, callback) {
      const timer = { at: now + Math.max(0, ms), callback }
      const later = timers.findIndex(({ at }) => at > timer.at)
      timers.splice(later === -1 ? timers.length : later, 0, timer)
      return () => {
        const index = timers.indexOf(timer)
        if (index !== -1) timers.splice(index, 1)
      }
    },
    advance(ms) {
      expectTime('ms', ms)
      // Whoever turns it while it is being turned, turns it after that.
      turning = turning.then(() => turn(ms))
      return turning
    },
  }
}

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** Lets promises settle, and what they lead to. */
async function takeTurns(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function expectTime(path: string, value: unknown): void {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return
  throw new ValidationError(
    'The argument of the clock is',
    [{ path, code: 'format', message: 'expected milliseconds, 0 or more' }],
    { code: 'EVENTSETS_INVALID_OPTIONS' },
  )
}
