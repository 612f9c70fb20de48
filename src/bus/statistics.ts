import { Histogram } from './histogram.ts'

/** What the handlers of one name have done that listen to one pattern. */
export interface HandlerStatistics {
  readonly name: string
  readonly pattern: string
  /** Tries, retries included. */
  calls: number
  /** Tries that have failed. */
  failures: number
  retries: number
  timeouts: number
  /** Of some of the calls, in milliseconds. */
  readonly durations: Histogram
  readonly recentFailures: RecentFailures
}

/** What has become of the events of one name. */
export interface EventStatistics {
  readonly name: string
  /** Taken by the backend from this bus, written to an outbox, or emitted. */
  published: number
  /** Handed over by the backend, each once. */
  delivered: number
  /** Emitted or delivered, and all handlers have succeeded. */
  handled: number
  /** Emitted or delivered, and a handler has failed for good. */
  failed: number
}

/** Under which is counted together what comes when there are too many names to count each. */
export const OTHERS = '*'

/** So many names are counted each for itself. They may come from outside, without end. */
const MAX_NAMES = 10_000

/** Counts for a bus. What it has begun to count it never forgets: a counter that goes down confuses whoever reads it. */
export class Statistics {
  readonly #handlers = new Map<string, HandlerStatistics>()
  readonly #events = new Map<string, EventStatistics>()

  handlers(): IterableIterator<HandlerStatistics> {
    return this.#handlers.values()
  }

  events(): IterableIterator<EventStatistics> {
    return this.#events.values()
  }

  /** Handlers of one name that listen to one pattern are counted together: nothing tells them apart for a reader. */
  ofHandler(name: string, pattern: string): HandlerStatistics {
    const key = `${pattern} ${name}`
    const known = this.#handlers.get(key)
    if (known) return known
    const isOther = this.#handlers.size >= MAX_NAMES
    const otherKey = `${OTHERS} ${OTHERS}`
    const others = isOther ? this.#handlers.get(otherKey) : undefined
    if (others) return others
    const statistics: HandlerStatistics = {
      name: isOther ? OTHERS : name,
      pattern: isOther ? OTHERS : pattern,
      calls: 0,
      failures: 0,
      retries: 0,
      timeouts: 0,
      durations: new Histogram(),
      recentFailures: new RecentFailures(),
    }
    this.#handlers.set(isOther ? otherKey : key, statistics)
    return statistics
  }

  ofEvent(name: string): EventStatistics {
    const known = this.#events.get(name)
    if (known) return known
    const key = this.#events.size < MAX_NAMES ? name : OTHERS
    const statistics = this.#events.get(key) ?? {
      name: key,
      published: 0,
      delivered: 0,
      handled: 0,
      failed: 0,
    }
    this.#events.set(key, statistics)
    return statistics
  }
}

/** How far back failures are remembered, in calls. */
export const MAX_FAILURE_WINDOW = 1000

/**
 * Which of the latest calls of a handler have failed. Only a failure is noted, by the number of its call: a handler
 * that does what it should pays nothing for it.
 */
export class RecentFailures {
  /** The numbers of failed calls. When it is full, the oldest is overwritten. */
  #calls: number[] | undefined
  #next = 0

  /** @param call The how many-th call has failed. */
  note(call: number): void {
    this.#calls ??= []
    this.#calls[this.#next] = call
    this.#next = (this.#next + 1) % MAX_FAILURE_WINDOW
  }

  /** How many calls after that one have failed. */
  countAfter(call: number): number {
    return this.#calls?.filter((failed) => failed > call).length ?? 0
  }
}
