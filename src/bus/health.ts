import { AlreadyExistsError } from '../core/errors.ts'
import type { Issue } from '../core/issue.ts'
import { findShapeIssues, isPlainObject, object, optional, table, wholeNumber } from '../core/shape.ts'
import type { BackendHealth, BusBackend, GroupHealth } from './backend.ts'
import type { Clock } from './clock.ts'
import { LATE, within } from './deadline.ts'
import { reasonOf } from './errors.ts'
import { assertOptions, expected, isText, maybeMilliseconds } from './option-shape.ts'
import { toPlain } from './plain.ts'
import { quote, writeOut } from './quote.ts'
import { type HandlerStatistics, MAX_FAILURE_WINDOW, OTHERS, type Statistics } from './statistics.ts'

/** `degraded`: it works, but somebody should look. `unhealthy`: it does not do what it is there for. */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy'

/** How a bus is, as plain data. */
export interface BusHealth {
  /** That of the worst check. */
  readonly status: HealthStatus
  /** Why it is not healthy, as sentences. Empty when it is. */
  readonly reasons: readonly string[]
  /** By name: `bus`, `backend`, `queue`, `lag`, `handlers`, and the checks of your own. */
  readonly checks: { readonly [name: string]: HealthCheckResult }
  /** When it was looked at: milliseconds since 1970. */
  readonly time: number
}

export interface HealthCheckResult {
  readonly status: HealthStatus
  readonly reasons: readonly string[]
  /** What was measured, such as `queueDepth`. */
  readonly details?: { readonly [name: string]: unknown } | undefined
}

/**
 * A check of your own. Giving nothing is being healthy, throwing is being unhealthy.
 *
 * The signal is aborted when the time of the check is over.
 */
export type HealthCheck = (signal: AbortSignal) => CheckOutcome | Promise<CheckOutcome>

// biome-ignore lint/suspicious/noConfusingVoidType: a check that only awaits something returns nothing at all.
export type CheckOutcome = void | HealthStatus | Partial<HealthCheckResult>

/** From which value on it is no longer healthy. */
export interface HealthThreshold {
  readonly degraded?: number | undefined
  /** Never unless given. */
  readonly unhealthy?: number | undefined
}

/**
 * What is slow or fails makes a bus degraded; only a bus that is closed, or whose backend does not answer, is unhealthy
 * unless you say more: a probe that fails has the process taken out of service, which makes no handler better.
 */
export interface HealthOptions {
  /** How long a check may take, in milliseconds. 5000 unless given. */
  readonly timeoutMs?: number | undefined
  /** Events that wait for the group of the bus. Degraded from 10000 unless given. */
  readonly queueDepth?: HealthThreshold | undefined
  /** How long the oldest of them has waited, in milliseconds. Degraded from 60000 unless given. */
  readonly lagMs?: HealthThreshold | undefined
  /** The share of a handler's latest calls that has failed, from 0 to 1. Degraded from 0.1 unless given. */
  readonly failureShare?: HealthThreshold | undefined
  /** How many of a handler's latest calls count. 100 unless given, 1000 at most. */
  readonly failureWindow?: number | undefined
  /** With fewer calls nothing is said about a handler. 10 unless given. */
  readonly leastCalls?: number | undefined
  /** Checks of your own, by name. */
  readonly checks?: { readonly [name: string]: HealthCheck } | undefined
}

export interface HealthRequest {
  /** How long a check may take that has no time of its own, in milliseconds. */
  readonly timeoutMs?: number | undefined
}

export interface HealthCheckOptions {
  /** How long it may take, in milliseconds. That of all checks unless given. */
  readonly timeoutMs?: number | undefined
}

/** What is looked at. */
export interface HealthSource {
  readonly clock: Clock
  readonly backend: BusBackend
  /** What waits for others is no matter of this bus. */
  readonly group: string
  readonly statistics: Statistics
  readonly isPaused: () => boolean
  /** Whether there are handlers, and nobody has said that they are to begin. */
  readonly isForgotten: () => boolean
  readonly isClosed: () => boolean
  /** Whether a handler still listens. */
  readonly isListening: (name: string, pattern: string) => boolean
}

/** Looks after a bus. */
export interface HealthChecks {
  /**
   * Whoever asks while somebody else is waiting for an answer gets the same one.
   *
   * @throws ValidationError for wrong options, and nothing else.
   */
  check(request?: HealthRequest): Promise<BusHealth>
  /** The returned function takes it away. */
  add(name: string, check: HealthCheck, options?: HealthCheckOptions): () => void
}

export function createHealthChecks(source: HealthSource, options: HealthOptions = {}): HealthChecks {
  const { clock } = source
  const { checks: given = {} } = options
  const own = new Map<string, OwnCheck>()
  /** By the time that checks may take. */
  const running = new Map<number, Promise<BusHealth>>()

  const checkAll = async (timeoutMs: number): Promise<BusHealth> => {
    const lifecycle = checkLifecycle(source)
    // Of what is closed there is nothing more to say, and its backend is not there any more.
    if (source.isClosed()) return summarise({ bus: lifecycle }, clock.now())
    const [backend, ...results] = await Promise.all([
      askBackend(source, timeoutMs),
      ...[...own].map(async ([name, check]) => [name, await runOwn(name, check, timeoutMs, clock)] as const),
    ])
    const checks = {
      bus: lifecycle,
      ...checkBackend(backend, source, options),
      handlers: checkHandlers(source, options),
      ...Object.fromEntries(results),
    }
    return summarise(checks, clock.now())
  }
  const add: HealthChecks['add'] = (name, check, checkOptions = {}) => {
    assertOptions('The health check is', checkShape, { ...checkOptions, name, check })
    if (BUILT_IN.includes(name) || own.has(name))
      throw new AlreadyExistsError(`There is a health check ${quote(name)} already.`, {
        existing: name,
        hint: 'Give yours another name, or take the other one away first.',
      })
    const entry = { check, timeoutMs: checkOptions.timeoutMs }
    own.set(name, entry)
    return () => {
      if (own.get(name) === entry) own.delete(name)
    }
  }
  for (const [name, check] of Object.entries(given)) add(name, check)
  return {
    add,
    async check(request = {}) {
      assertOptions('The options of health are', requestShape, request)
      const timeoutMs = request.timeoutMs ?? options.timeoutMs ?? 5000
      const known = running.get(timeoutMs)
      if (known) return await known
      const health = checkAll(timeoutMs).finally(() => running.delete(timeoutMs))
      running.set(timeoutMs, health)
      return await health
    },
  }
}

/** What is wrong with the options of the health of a bus. */
export function findHealthIssues(options: unknown): Issue[] {
  if (options === undefined) return []
  const issues = findShapeIssues(optionsShape, options)
  const names = Object.keys((options as HealthOptions | null)?.checks ?? {})
  const taken = names
    .filter((name) => BUILT_IN.includes(name))
    .map((name) => ({
      path: `checks.${name}`,
      code: 'duplicate_name' as const,
      message: 'is the name of a check that every bus has',
    }))
  return [...issues, ...taken].map((issue) => ({
    ...issue,
    path: ['health', issue.path].filter(Boolean).join('.'),
  }))
}

const BUILT_IN = ['bus', 'backend', 'queue', 'lag', 'handlers']

const threshold = (least: string, isRight: (value: unknown) => boolean) => {
  const level = optional(expected(least, isRight))
  return optional(object({ degraded: level, unhealthy: level }))
}
const isNumber = (value: unknown): value is number => typeof value === 'number' && !Number.isNaN(value)
const amount = threshold('a number, more than 0', (value) => isNumber(value) && value > 0)
const share = threshold(
  'a number more than 0, at most 1',
  (value) => isNumber(value) && value > 0 && value <= 1,
)
const someFunction = expected('a function', (value) => typeof value === 'function')

const optionsShape = object({
  timeoutMs: maybeMilliseconds,
  queueDepth: amount,
  lagMs: amount,
  failureShare: share,
  failureWindow: optional(
    wholeNumber('failureWindow', {
      holds: (value) => value >= 1 && value <= MAX_FAILURE_WINDOW,
      message: `expected a number from 1 to ${MAX_FAILURE_WINDOW}`,
    }),
  ),
  leastCalls: optional(
    wholeNumber('leastCalls', { holds: (value) => value >= 1, message: 'expected a number of at least 1' }),
  ),
  checks: optional(table(someFunction)),
})

const requestShape = object({ timeoutMs: maybeMilliseconds })

const checkShape = object({
  name: expected('a text', isText),
  check: someFunction,
  timeoutMs: maybeMilliseconds,
})

interface OwnCheck {
  readonly check: HealthCheck
  readonly timeoutMs: number | undefined
}

const HEALTHY: HealthCheckResult = { status: 'healthy', reasons: [] }

const BADNESS: { readonly [Status in HealthStatus]: number } = { healthy: 0, degraded: 1, unhealthy: 2 }

function summarise(checks: { readonly [name: string]: HealthCheckResult }, time: number): BusHealth {
  const results = Object.values(checks)
  const status = results.reduce<HealthStatus>(
    (worst, each) => (BADNESS[each.status] > BADNESS[worst] ? each.status : worst),
    'healthy',
  )
  return { status, reasons: results.flatMap(({ reasons }) => reasons), checks, time }
}

function checkLifecycle({ isClosed, isPaused }: HealthSource): HealthCheckResult {
  if (isClosed()) return { status: 'unhealthy', reasons: ['The bus is closed.'] }
  if (isPaused()) return { status: 'degraded', reasons: ['The bus is paused: no event is handled.'] }
  return HEALTHY
}

async function askBackend(
  { backend, clock }: HealthSource,
  timeoutMs: number,
): Promise<BackendHealth | string> {
  const name = quote(backend.name)
  try {
    const answer = await within(timeoutMs, backend.health(), clock)
    return answer === LATE ? `The backend ${name} has not answered within ${timeoutMs} ms.` : answer
  } catch (error) {
    return `The backend ${name} has failed: ${wordError(error)}`
  }
}

function checkBackend(
  answer: BackendHealth | string,
  source: HealthSource,
  options: HealthOptions,
): { readonly [name: string]: HealthCheckResult } {
  if (typeof answer === 'string') return { backend: { status: 'unhealthy', reasons: [answer] } }
  const { status, reasons, inFlight, deadLetters } = answer
  // A backend that is younger than its group has nothing to tell about it but what there is in all.
  const { queueDepth, lagMs }: Omit<GroupHealth, 'name'> =
    answer.groups.find(({ name }) => name === source.group) ?? answer
  const depthStatus = compare(queueDepth, { degraded: 10_000, ...options.queueDepth })
  const lagStatus = compare(lagMs, { degraded: 60_000, ...options.lagMs })
  const isForgotten = queueDepth > 0 && source.isForgotten()
  const queueReasons = depthStatus === 'healthy' ? [] : [`${wordWaiting(queueDepth)}.`]
  if (isForgotten)
    queueReasons.push(
      `${wordWaiting(queueDepth)}, and this bus has handlers, but was never started, or could not be: call start().`,
    )
  return {
    backend: { status, reasons, details: { inFlight, deadLetters } },
    queue: {
      status: isForgotten && depthStatus === 'healthy' ? 'degraded' : depthStatus,
      reasons: queueReasons,
      details: { queueDepth },
    },
    lag: {
      status: lagStatus,
      reasons:
        lagStatus === 'healthy' ? [] : [`The oldest waiting event has waited for ${Math.round(lagMs)} ms.`],
      details: { lagMs },
    },
  }
}

function compare(value: number, { degraded, unhealthy }: HealthThreshold): HealthStatus {
  if (unhealthy !== undefined && value >= unhealthy) return 'unhealthy'
  return degraded !== undefined && value >= degraded ? 'degraded' : 'healthy'
}

function wordWaiting(count: number): string {
  return count === 1 ? '1 event is waiting' : `${count} events are waiting`
}

/** So many failing handlers are named. */
const MAX_NAMED = 5

function checkHandlers(
  { statistics, isListening }: HealthSource,
  { failureShare, failureWindow = 100, leastCalls = 10 }: HealthOptions,
): HealthCheckResult {
  const limits = { degraded: 0.1, ...failureShare }
  const failing: { readonly status: HealthStatus; readonly share: number; readonly reason: string }[] = []
  for (const handler of statistics.handlers()) {
    if (handler.failures === 0 || handler.calls < leastCalls) continue
    const { failed, calls } = latest(handler, failureWindow)
    const status = compare(failed / calls, limits)
    const { name, pattern } = handler
    if (status === 'healthy' || (name !== OTHERS && !isListening(name, pattern))) continue
    const reason = `The handler ${quote(name)} of ${quote(pattern)} has failed in ${failed} of its last ${calls} calls.`
    failing.push({ status, share: failed / calls, reason })
  }
  if (failing.length === 0) return HEALTHY
  failing.sort((a, b) => b.share - a.share)
  const reasons = failing.slice(0, MAX_NAMED).map(({ reason }) => reason)
  if (failing.length > MAX_NAMED) reasons.push(`${failing.length - MAX_NAMED} more handlers are failing.`)
  const isUnhealthy = failing.some(({ status }) => status === 'unhealthy')
  return {
    status: isUnhealthy ? 'unhealthy' : 'degraded',
    reasons,
    details: { failingHandlers: failing.length },
  }
}

function latest({ calls, recentFailures }: HandlerStatistics, window: number) {
  return { failed: recentFailures.countAfter(calls - window), calls: Math.min(calls, window) }
}

async function runOwn(
  name: string,
  { check, timeoutMs: ownTimeoutMs }: OwnCheck,
  defaultTimeoutMs: number,
  clock: Clock,
): Promise<HealthCheckResult> {
  const timeoutMs = ownTimeoutMs ?? defaultTimeoutMs
  const controller = new AbortController()
  try {
    const outcome = await within(timeoutMs, Promise.resolve(controller.signal).then(check), clock)
    if (outcome !== LATE) return toResult(name, outcome)
    controller.abort()
    return unhealthy(`The check ${quote(name)} has not ended within ${timeoutMs} ms.`)
  } catch (error) {
    return unhealthy(`The check ${quote(name)} has failed: ${wordError(error)}`)
  }
}

function toResult(name: string, outcome: CheckOutcome): HealthCheckResult {
  if (outcome === undefined) return HEALTHY
  const {
    status = 'healthy',
    reasons: given = [],
    details,
  } = typeof outcome === 'object' && outcome !== null ? outcome : { status: outcome }
  const isKnown = typeof status === 'string' && Object.hasOwn(BADNESS, status)
  if (!isKnown) return unhealthy(`The check ${quote(name)} has given neither a status nor nothing.`)
  const reasons = (Array.isArray(given) ? given : [given]).map((reason) => writeOut(reasonOf(reason)))
  // Whoever reads the reasons must find every check in them that is not healthy.
  const isUnexplained = status !== 'healthy' && reasons.length === 0
  return {
    status,
    reasons: isUnexplained ? [`The check ${quote(name)} says ${status}.`] : reasons,
    ...(details === undefined ? {} : { details: toPlainDetails(details) }),
  }
}

/** A check may give anything, and what has no names gets one. */
function toPlainDetails(details: unknown): { readonly [name: string]: unknown } {
  const plain = toPlain(details)
  return isPlainObject(plain) ? plain : { value: plain }
}

function unhealthy(reason: string): HealthCheckResult {
  return { status: 'unhealthy', reasons: [reason] }
}

function wordError(error: unknown): string {
  return writeOut(reasonOf(error))
}
