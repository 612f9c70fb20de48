import type { EventStatistics, HandlerStatistics } from './statistics.ts'
import type { Handler, Subscription } from './subscription.ts'

export type Listener = Handler | Subscription

/** A handler on the way of an event, with what is known of it. */
export interface Stop {
  /** A name that no other handler on the way has: a delivery that is tried again says who is meant. */
  readonly name: string
  readonly handler: Handler
  /** Undefined for a function that was given without options. */
  readonly subscription: Subscription | undefined
  readonly statistics: HandlerStatistics
  readonly pattern: string
  readonly order: number
  /** How many subscriptions had ended by then: as long as there are no more, this one has not. */
  readonly removals: number
}

export interface Route {
  /** By priority, the highest first; in each the order of registration. */
  readonly tiers: readonly (readonly Stop[])[]
  /** The handlers where all there is to do is to call them. */
  readonly plain: readonly Stop[] | undefined
  /** The handler where there is a single one, and all there is to do is to call it. */
  readonly only: Stop | undefined
  readonly statistics: EventStatistics
  /** How many of its events have been timed. */
  times: number
  /** An event is timed when the number of those before it has none of these bits. */
  timesMask: number
}

/** At the end, of so many events one has its plain handlers timed: reading the clock takes longer than most of them. */
const EVENTS_A_TIME = 256
/** So many events of a name are timed before any is left out, */
const TIMES_AT_FIRST = 8
/** and so many until they become half as many. */
const TIMES_A_DOUBLING = 4

/** Whether the next event of a name is timed. The first ones are, then half as many with each doubling, as far as that goes. */
export function isTimeDue(route: Route): boolean {
  if ((route.statistics.published & route.timesMask) !== 0) return false
  route.times++
  if (route.times >= TIMES_AT_FIRST && route.times % TIMES_A_DOUBLING === 0)
    route.timesMask = Math.min(route.timesMask * 2 + 1, EVENTS_A_TIME - 1)
  return true
}
