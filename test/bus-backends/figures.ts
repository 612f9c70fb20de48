import { appendFileSync } from 'node:fs'
import type { Delivery } from 'eventsets/bus'
import { firstTimes, idsOf, type Noted } from './ledger.ts'

/** What a fault test has measured; it becomes a row in docs/reference/guarantees.md. */
export interface Figure extends Partial<Tally> {
  readonly backend: 'redis-streams' | 'nats-jetstream' | 'sqlite'
  /** Where its row stands in the table: F1, F2 and so on, then `disk`, and `storm` at the end. */
  readonly fault: string
  /** What was done to whom, in a few words. */
  readonly what: string
  /** How much of it: `killed 3 of 5 processes`. */
  readonly did: string
  /** From the fault, or its end where a server was away, until what it had kept waiting was handled. */
  readonly recoveryMs?: number | undefined
}

/** What became of the events. */
export interface Tally {
  /** Those that `publish` has resolved for. */
  readonly acknowledged: number
  /** Those of them that no handler has ended with, and that are no dead letter either. */
  readonly lost: number
  /** How often an event was handled once more. */
  readonly repeated: number
  /**
   * How many were handled before one that was published earlier under the same key, counted by the first time;
   * undefined where there are no keys.
   */
  readonly outOfOrder: number | undefined
}

/** Appends it to the file that EVENTSETS_FIGURES names; does nothing where that is not set. */
export function recordFigure(figure: Figure): void {
  const path = process.env['EVENTSETS_FIGURES']
  if (path) appendFileSync(path, `${JSON.stringify(figure)}\n`)
}

/**
 * Compares what publishers and handlers have noted.
 *
 * @param given Ids that are dead letters.
 */
export function tally(
  taken: readonly { readonly id: string }[],
  handled: readonly Pick<Noted, 'id' | 'key' | 'n'>[],
  given: ReadonlySet<string> = new Set(),
): Tally {
  const ids = idsOf(handled)
  let outOfOrder: number | undefined
  for (const [key, numbers] of firstTimes(handled)) {
    if (key === undefined) continue
    outOfOrder ??= 0
    let latest = Number.NEGATIVE_INFINITY
    for (const n of numbers) {
      if (n < latest) outOfOrder++
      latest = Math.max(latest, n)
    }
  }
  return {
    acknowledged: taken.length,
    lost: taken.filter(({ id }) => !ids.has(id) && !given.has(id)).length,
    repeated: handled.length - ids.size,
    outOfOrder,
  }
}

/** The same of what was handed to consumers in this process. */
export function notedOf(deliveries: readonly Delivery[]): Noted[] {
  return deliveries.map(({ event: { id, key, data }, attempt, isRedelivered }) => {
    const { n = 0 } = (data ?? {}) as { readonly n?: number }
    return { id, key, n, attempt, isRedelivered }
  })
}
