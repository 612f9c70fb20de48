import { object } from '../core/shape.ts'
import type { BackendHealth, BusBackend, GroupHealth } from './backend.ts'
import type { Clock } from './clock.ts'
import { LATE, within } from './deadline.ts'
import { HANDLER_FAILED } from './handler-failed.ts'
import { Histogram } from './histogram.ts'
import { assertOptions, maybeCount, maybeMilliseconds } from './option-shape.ts'
import { type HandlerStatistics, OTHERS, type Statistics } from './statistics.ts'

/** What has happened on a bus so far, as plain data that JSON can hold. */
export interface BusMetrics {
  /** The source of the bus. */
  readonly source: string
  /** When the bus began to count: milliseconds since 1970. */
  readonly since: number
  /** When these numbers were taken: milliseconds since 1970. */
  readonly time: number
  readonly uptimeMs: number
  /** Of all names together, but `handler.failed`, with which the bus tells a failure. */
  readonly events: EventCounts
  readonly byEvent: readonly EventMetrics[]
  readonly byHandler: readonly HandlerMetrics[]
  /** Handlers that listen. */
  readonly listening: number
  /** Events that this bus is handling. */
  readonly inFlight: number
  /** What the backend says; missing when it has not answered in time. */
  readonly backend?: BackendMetrics | undefined
  /** Events that streams have left out since their readers were too slow. */
  readonly droppedByStreams: number
}

export interface EventCounts {
  /** Taken by the backend from this bus, or emitted here. */
  readonly published: number
  /** Handed to this bus by the backend, each once. */
  readonly delivered: number
  /** Emitted or delivered here, and all handlers have succeeded. */
  readonly handled: number
  /** Emitted or delivered here, and a handler has failed for good. */
  readonly failed: number
  /** From 0 to 1: `handled` of all that have come to their end. Missing when none has. */
  readonly successRate?: number | undefined
}

export interface EventMetrics extends EventCounts {
  /** `*` for the names that came when there were too many to count each. */
  readonly name: string
}

/** What the handlers of one name have done that listen to one pattern. Those without a name of their own are one. */
export interface HandlerMetrics {
  readonly name: string
  readonly pattern: string
  /** Tries, retries included. */
  readonly calls: number
  /** Tries that have failed. */
  readonly failures: number
  readonly retries: number
  readonly timeouts: number
  /** From 0 to 1, of all calls. Missing when there were none. */
  readonly successRate?: number | undefined
  readonly duration: DurationMetrics
}

/**
 * How long calls took, in milliseconds.
 *
 * Of a handler that was given without options, `emit` times the first calls and then ever fewer, at last those of one
 * event in 256, since to read the clock takes longer than most of them; all other calls are timed. A percentile is off
 * by a sixteenth at most.
 */
export interface DurationMetrics {
  /** How many calls were timed. */
  readonly count: number
  readonly sumMs: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** How many of them took no longer than that, for each of `DURATION_BOUNDS_MS`. */
  readonly buckets: readonly { readonly upToMs: number; readonly count: number }[]
}

export interface BackendMetrics {
  readonly name: string
  /** Events that wait to be delivered, retries included. */
  readonly queueDepth: number
  /** Events in the hands of consumers, of this bus and of others. */
  readonly inFlight: number
  /** How long the oldest waiting event has waited. */
  readonly lagMs: number
  readonly deadLetters: number
  /** The same of each group. */
  readonly groups: readonly GroupHealth[]
}

export interface MetricsOptions {
  /** How long to wait for the backend, in milliseconds. 5000 unless given. */
  readonly timeoutMs?: number | undefined
  /** So many names of events, and of handlers, are told each; the others together as `*`. 1000 unless given. */
  readonly maxNames?: number | undefined
}

/** The upper ends of the buckets in which durations are told, in milliseconds. */
export const DURATION_BOUNDS_MS: readonly number[] = [
  0.1, 0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000,
]

/** Where the numbers come from. */
export interface MetricsSource {
  readonly source: string
  readonly since: number
  readonly clock: Clock
  readonly backend: BusBackend
  readonly statistics: Statistics
  readonly listening: number
  readonly inFlight: number
  readonly droppedByStreams: number
}

/**
 * The numbers of a bus. A backend that fails or does not answer in time is left out of them.
 *
 * @throws ValidationError for wrong options.
 */
export async function collectMetrics(
  { clock, backend, statistics, ...rest }: MetricsSource,
  options: MetricsOptions,
): Promise<BusMetrics> {
  assertOptions('The options of metrics are', optionsShape, options)
  const { timeoutMs = 5000, maxNames = 1000 } = options
  const answer = await within(timeoutMs, askBackend(backend), clock)
  const { source, since, listening, inFlight, droppedByStreams } = rest
  const time = clock.now()
  const all = [...statistics.events()]
  // What the bus says about failures is no work of its own: to handle it well makes nothing better.
  const own = all.filter(({ name }) => name !== HANDLER_FAILED)
  return {
    source,
    since,
    time,
    uptimeMs: time - since,
    events: wordCounts(sumEvents(own)),
    byEvent: limit(all, maxNames, sumEvents).map(wordEvent),
    byHandler: limit([...statistics.handlers()], maxNames, sumHandlers).map(wordHandler),
    listening,
    inFlight,
    ...(answer === LATE || answer === undefined ? {} : { backend: wordBackend(backend.name, answer) }),
    droppedByStreams,
  }
}

const optionsShape = object({ timeoutMs: maybeMilliseconds, maxNames: maybeCount })

async function askBackend(backend: BusBackend): Promise<BackendHealth | undefined> {
  try {
    return await backend.health()
  } catch {
    // `health` is there to say so.
    return undefined
  }
}

/**
 * The first ones each, the others as one. The first and not the busiest, since what is told each stays the same then: a
 * series that comes and goes is of no use.
 */
function limit<T extends { readonly name: string }>(
  all: readonly T[],
  max: number,
  sum: (some: T[]) => T,
): T[] {
  // What was counted together already is one of the others.
  const single = all.filter(({ name }) => name !== OTHERS)
  const others = [...single.slice(max), ...all.filter(({ name }) => name === OTHERS)]
  return [...single.slice(0, max), ...(others.length === 0 ? [] : [sum(others)])]
}

type Counts = Omit<EventMetrics, 'successRate'>

function sumEvents(all: readonly Counts[]): Counts {
  const total = (key: 'published' | 'delivered' | 'handled' | 'failed') =>
    all.reduce((sum, each) => sum + each[key], 0)
  return {
    name: OTHERS,
    published: total('published'),
    delivered: total('delivered'),
    handled: total('handled'),
    failed: total('failed'),
  }
}

function wordEvent(counts: Counts): EventMetrics {
  return { name: counts.name, ...wordCounts(counts) }
}

function wordCounts({ published, delivered, handled, failed }: Counts): EventCounts {
  return { published, delivered, handled, failed, ...rate(handled, handled + failed) }
}

function rate(good: number, all: number): { readonly successRate?: number } {
  return all === 0 ? {} : { successRate: good / all }
}

type Handled = Omit<HandlerStatistics, 'recentFailures'>

function sumHandlers(all: readonly Handled[]): Handled {
  const total = (key: 'calls' | 'failures' | 'retries' | 'timeouts') =>
    all.reduce((sum, each) => sum + each[key], 0)
  const durations = new Histogram()
  for (const each of all) durations.add(each.durations)
  return {
    name: OTHERS,
    pattern: OTHERS,
    calls: total('calls'),
    failures: total('failures'),
    retries: total('retries'),
    timeouts: total('timeouts'),
    durations,
  }
}

function wordHandler({
  name,
  pattern,
  calls,
  failures,
  retries,
  timeouts,
  durations,
}: Handled): HandlerMetrics {
  return {
    name,
    pattern,
    calls,
    failures,
    retries,
    timeouts,
    ...rate(calls - failures, calls),
    duration: {
      count: durations.count,
      sumMs: durations.sum,
      meanMs: durations.count === 0 ? 0 : durations.sum / durations.count,
      p50Ms: durations.percentile(50),
      p95Ms: durations.percentile(95),
      p99Ms: durations.percentile(99),
      maxMs: durations.max,
      buckets: DURATION_BOUNDS_MS.map((upToMs) => ({ upToMs, count: durations.countUpTo(upToMs) })),
    },
  }
}

function wordBackend(
  name: string,
  { queueDepth, inFlight, lagMs, deadLetters, groups }: BackendHealth,
): BackendMetrics {
  return { name, queueDepth, inFlight, lagMs, deadLetters, groups }
}
