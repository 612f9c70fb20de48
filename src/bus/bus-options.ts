import { type EventsetsError, ValidationError } from '../core/errors.ts'
import type { Issue } from '../core/issue.ts'
import { isPlainObject, object, optional } from '../core/shape.ts'
import type { BusBackend } from './backend.ts'
import type { Clock } from './clock.ts'
import type { BusEvent } from './event.ts'
import type { EventMap } from './event-map.ts'
import { findEventNameFault } from './event-name.ts'
import { wordGiven } from './given.ts'
import { findHealthIssues, type HealthOptions } from './health.ts'
import { assertOptions, expected, maybeSignal } from './option-shape.ts'
import { helpWith } from './option-words.ts'
import { type Retry, type RetryPolicy, resolveRetry } from './retry.ts'
import type { Schemas, StandardSchema } from './standard-schema.ts'
import { isTimeLimit, TIME_LIMIT } from './subscription.ts'
import type { Telemetry } from './telemetry.ts'

/** What the bus says about itself goes here: pino's logger fits. */
export interface BusLogger {
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface EventBusOptions<Events = EventMap, Inputs = Events> {
  /** Where published events go. The memory of this process unless given. */
  readonly backend?: BusBackend | undefined
  /** What publishes here, such as the name of the service. `'eventsets'` unless given. */
  readonly source?: string | undefined
  /** Buses of one group share the events of a durable backend; each group gets all of them. The source unless given. */
  readonly group?: string | undefined
  /** What the data of events must be, by name. */
  readonly schemas?: Schemas<Events, Inputs> | undefined
  /** Refuse events that have no schema, and patterns that match none of those that have one. False unless given. */
  readonly isStrict?: boolean | undefined
  /** For handlers that have no policy of their own. No retry unless given. */
  readonly retry?: RetryPolicy | undefined
  /** For handlers that have no time of their own. No limit unless given. */
  readonly timeoutMs?: number | undefined
  /** Tries again when the backend does not take an event. No retry unless given. */
  readonly publishRetry?: RetryPolicy | undefined
  /** How many handlers of one event and one priority may run at once. 100 unless given. */
  readonly handlersAtOnce?: number | undefined
  /** How many events of the backend may be handled at once. 100 unless given. */
  readonly concurrency?: number | undefined
  /** How large the data of an event that is published may be, in bytes as JSON. 1 MiB unless given. */
  readonly maxDataBytes?: number | undefined
  /** Told of every handler that has failed for good, and of what goes wrong in the background. */
  readonly onError?: ((error: EventsetsError, event: BusEvent | undefined) => void) | undefined
  readonly logger?: BusLogger | undefined
  readonly clock?: Clock | undefined
  /** Where `health` draws its lines. */
  readonly health?: HealthOptions | undefined
  /** Makes traces and measurements of what the bus does; see `openTelemetry`. */
  readonly telemetry?: Telemetry | undefined
}

const KNOWN = [
  'backend',
  'source',
  'group',
  'schemas',
  'isStrict',
  'retry',
  'timeoutMs',
  'publishRetry',
  'handlersAtOnce',
  'concurrency',
  'maxDataBytes',
  'onError',
  'logger',
  'clock',
  'health',
  'telemetry',
]

/** @throws ValidationError with everything that is wrong with them. */
export function checkOptions(options: EventBusOptions): { readonly publishRetry: Retry | undefined } {
  const issues: Issue[] = []
  const subject = 'The options of the event bus are'
  if (!isPlainObject(options as unknown)) {
    issues.push({ path: '', code: 'type', message: `expected an object, got ${wordGiven(options)}` })
    throw new ValidationError(subject, issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
  }
  const expect = (isRight: boolean, path: string, message: string) => {
    if (isRight) return
    // Of what is in an option the message says itself what it is.
    const given = KNOWN.includes(path) ? `, got ${wordGiven((options as Record<string, unknown>)[path])}` : ''
    issues.push({ path, code: 'type', message: `${message}${given}` })
  }
  const isCount = (value: unknown) =>
    value === undefined || (Number.isInteger(value) && (value as number) >= 1)
  const isText = (value: unknown) => value === undefined || (typeof value === 'string' && value !== '')
  const isFunction = (value: unknown) => value === undefined || typeof value === 'function'
  expect(isText(options.source), 'source', 'expected a text')
  expect(isText(options.group), 'group', 'expected a text')
  expect(isCount(options.handlersAtOnce), 'handlersAtOnce', 'expected a whole number of at least 1')
  expect(isCount(options.concurrency), 'concurrency', 'expected a whole number of at least 1')
  expect(isCount(options.maxDataBytes), 'maxDataBytes', 'expected a whole number of at least 1')
  expect(isFunction(options.onError), 'onError', 'expected a function')
  const { backend, timeoutMs } = options
  expect(
    backend === undefined || typeof (backend as BusBackend | null)?.publish === 'function',
    'backend',
    typeof backend === 'function'
      ? 'expected a backend, and not the function that makes one (call it)'
      : 'expected a backend, such as memoryBackend()',
  )
  const { logger, clock, schemas = {} } = options as { readonly [key: string]: unknown }
  const has = (value: unknown, ...methods: readonly string[]) =>
    value === undefined ||
    (isPlainObject(value) && methods.every((method) => typeof value[method] === 'function'))
  expect(has(logger, 'error', 'warn'), 'logger', 'expected a logger with "error" and "warn"')
  expect(has(clock, 'now', 'delay'), 'clock', 'expected a clock with "now" and "delay"')
  expect(isPlainObject(schemas), 'schemas', 'expected an object of schemas by the names of events')
  const { isStrict } = options as { readonly isStrict?: unknown }
  expect(isStrict === undefined || typeof isStrict === 'boolean', 'isStrict', 'expected true or false')
  expect(isTimeLimit(timeoutMs), 'timeoutMs', TIME_LIMIT)
  for (const key of Object.keys(options))
    expect(KNOWN.includes(key), key, `is not a known option${helpWith(key, KNOWN)}`)
  for (const [name, schema] of Object.entries(isPlainObject(schemas) ? schemas : {})) {
    const nameFault = findEventNameFault(name)
    expect(nameFault === undefined, `schemas.${name}`, `is not the name of an event: ${nameFault}`)
    expect(
      typeof (schema as StandardSchema | undefined)?.['~standard']?.validate === 'function',
      `schemas.${name}`,
      'expected a Standard Schema, such as one of zod, valibot or arktype',
    )
  }
  issues.push(...findHealthIssues(options.health))
  expect(
    options.telemetry === undefined || typeof options.telemetry.connect === 'function',
    'telemetry',
    'expected what openTelemetry() gives',
  )
  let publishRetry: Retry | undefined
  for (const name of ['retry', 'publishRetry'] as const) {
    try {
      const resolved = resolveRetry(options[name])
      if (name === 'publishRetry') publishRetry = resolved
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error
      for (const issue of error.issues) issues.push({ ...issue, path: issue.path.replace(/^retry/, name) })
    }
  }
  if (issues.length > 0) throw new ValidationError(subject, issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
  return { publishRetry }
}

/** @throws ValidationError with everything that is wrong with the options of `close`. */
export function assertCloseOptions(options: unknown): void {
  assertOptions('The options of close are', CLOSE, options)
}

/** @throws ValidationError with everything that is wrong with the options of `once` without a handler. */
export function assertOnceOptions(options: unknown): void {
  assertOptions('The options of once, which has no handler, are', ONCE, options)
}

const CLOSE = object({
  deadlineMs: optional(
    expected('milliseconds, 0 or more', (input) => typeof input === 'number' && input >= 0),
  ),
})

const ONCE = object({ signal: maybeSignal })
