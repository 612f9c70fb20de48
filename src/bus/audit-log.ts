import { isPlainObject, object, optional } from '../core/shape.ts'
import type { EventBus } from './bus.ts'
import { EventError } from './errors.ts'
import { type BusEvent, Priority } from './event.ts'
import type { EventMap } from './event-map.ts'
import { levelOf, readOutcome } from './event-outcome.ts'
import type { Filter } from './filter.ts'
import {
  assertOptions,
  expected,
  maybeFunction,
  maybeSignal,
  maybeText,
  maybeWholeNumber,
} from './option-shape.ts'

/** What the log needs of a logger. pino's fits; so does whatever has a method for each level. */
export interface AuditLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface AuditLogOptions {
  /** Which events. All of them unless given. */
  readonly pattern?: string | undefined
  readonly filter?: Filter | undefined
  /** What the event has done: `PAYMENT_FAILED`. Read from its name unless given. */
  readonly actionFor?: ((event: BusEvent) => string | undefined) | undefined
  /** A level of the logger. `error` for failures, `warn` for what was denied, `info` for the rest unless given. */
  readonly levelFor?: ((event: BusEvent) => string) | undefined
  /** Who has done it. What an entity event says unless given. */
  readonly actorFor?: ((event: BusEvent) => unknown) | undefined
  /** What of the data goes into the record, as `data`. Nothing unless given: data may be anybody's secrets. */
  readonly dataFor?: ((event: BusEvent) => unknown) | undefined
  /** Of the handler. `Priority.HIGH` unless given: the record is written before others act. */
  readonly priority?: number | undefined
  /** Of the handler. `audit-log` unless given. */
  readonly name?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** What is written for an event, with its name as the message. */
export interface AuditRecord {
  readonly domain: string
  readonly action?: string | undefined
  readonly status: string
  readonly eventId: string
  /** As ISO 8601 writes it. */
  readonly eventTime: string
  readonly source: string
  readonly correlationId: string
  readonly causationId?: string | undefined
  readonly actor?: unknown
  readonly organizationId?: unknown
  readonly entityType?: unknown
  readonly entityId?: unknown
  readonly changedFields?: unknown
  /** Why it has failed, where the data says so. */
  readonly reason?: string | undefined
  readonly data?: unknown
}

/**
 * Writes each event as a record of its own, in fields that the built-in set `system` marks: `user.created` is
 * `[👤][🆕][✅] user.created`. The returned function ends it.
 *
 * @throws EventError for a pattern that is none; ValidationError with everything that is wrong with the options.
 */
export function auditLog<Events extends object = EventMap>(
  bus: EventBus<Events>,
  logger: AuditLogger,
  options: AuditLogOptions = {},
): (() => void) & Disposable {
  const isLogger = typeof logger?.info === 'function' && typeof logger.error === 'function'
  const message = "expected a logger, such as pino's"
  assertOptions(
    'The options of auditLog are',
    SHAPE,
    options,
    isLogger ? [] : [{ path: 'logger', code: 'type', message }],
  )
  const { pattern = '*', priority = Priority.HIGH, name = 'audit-log', filter, signal } = options
  const write = (event: BusEvent) => {
    const record = describe(event, options)
    const level = options.levelFor?.(event) ?? levelOf(readOutcome(event.name).status)
    const log = (logger as unknown as { readonly [level: string]: unknown })[level]
    if (typeof log !== 'function') {
      throw new EventError(
        `The logger has no level ${JSON.stringify(level)} for ${JSON.stringify(event.name)}.`,
        {
          code: 'EVENTSETS_INVALID_OPTIONS',
          hint: 'Let "levelFor" give a level of the logger.',
        },
      )
    }
    log.call(logger, record, event.name)
  }
  return (bus as unknown as EventBus).on(pattern, write, { priority, name, filter, signal })
}

const SHAPE = object({
  pattern: maybeText,
  // The bus checks it.
  filter: optional(expected('a filter', () => true)),
  actionFor: maybeFunction,
  levelFor: maybeFunction,
  actorFor: maybeFunction,
  dataFor: maybeFunction,
  priority: maybeWholeNumber,
  name: maybeText,
  signal: maybeSignal,
})

function describe(event: BusEvent, { actionFor, actorFor, dataFor }: AuditLogOptions): AuditRecord {
  const { domain, action, status } = readOutcome(event.name)
  const said: Record<string, unknown> = isPlainObject(event.data) ? event.data : {}
  const record: { readonly [Field in keyof AuditRecord]: unknown } = {
    domain,
    action: actionFor?.(event) ?? action,
    status,
    eventId: event.id,
    eventTime: toIso(event.time),
    source: event.source,
    correlationId: event.correlationId,
    causationId: event.causationId,
    actor: actorFor ? actorFor(event) : said['userId'],
    organizationId: said['organizationId'] ?? undefined,
    entityType: said['entityType'],
    entityId: said['entityId'],
    changedFields: said['changedFields'],
    reason: typeof said['error'] === 'string' ? said['error'] : undefined,
    data: dataFor?.(event),
  }
  // A logger may write what is undefined, or a serializer stumble over it.
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== undefined),
  ) as unknown as AuditRecord
}

function toIso(time: number): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString()
}
