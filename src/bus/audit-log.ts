import { isPlainObject, object, optional } from '../core/shape.ts'
import type { EventBus } from './bus.ts'
import { EventError } from './errors.ts'
import { type BusEvent, Priority } from './event.ts'
import type { EventMap, InputMap, KnownPattern, MatchingEvent } from './event-map.ts'
import { levelOf, readOutcome } from './event-outcome.ts'
import type { Filter } from './filter.ts'
import { HANDLER_FAILED } from './handler-failed.ts'
import {
  assertOptions,
  expected,
  maybeFunction,
  maybeSignal,
  maybeText,
  maybeWholeNumber,
} from './option-shape.ts'
import { quote } from './quote.ts'
import { takeAtOnce } from './thenable.ts'

/** What the log needs of a logger. pino's fits; so does whatever has a method for each level. */
export interface AuditLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface AuditLogOptions<Event extends BusEvent = BusEvent, Pattern extends string = string> {
  /** Which events. All of them unless given. */
  readonly pattern?: Pattern | undefined
  readonly filter?: Filter<Event> | undefined
  /** The part of the system that it is about: `billing`. Read from its name unless given. */
  readonly domainFor?: ((event: Event) => string | undefined) | undefined
  /** What the event has done: `PAYMENT_FAILED`. Read from its name unless given. */
  readonly actionFor?: ((event: Event) => string | undefined) | undefined
  /** A level of the logger. `error` for failures, `warn` for what was denied, `info` for the rest unless given. */
  readonly levelFor?: ((event: Event) => string) | undefined
  /** Who has done it. What an entity event says unless given. */
  readonly actorFor?: ((event: Event) => unknown) | undefined
  /** What of the data goes into the record, as `data`. Nothing unless given: data may be anybody's secrets. */
  readonly dataFor?: ((event: Event) => unknown) | undefined
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
  /** Of `handler.failed`: which handler has failed, */
  readonly handler?: unknown
  /** and of which event, by its name and its id. */
  readonly handledEvent?: unknown
  readonly handledEventId?: unknown
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
export function auditLog<
  Events extends object = EventMap,
  const Pattern extends string = '*',
  Inputs extends InputMap<Events> = Events,
>(
  bus: EventBus<Events, Inputs>,
  logger: AuditLogger,
  options: AuditLogOptions<MatchingEvent<Events, Pattern>, KnownPattern<Events, Pattern>> = {},
): (() => void) & Disposable {
  const isLogger = typeof logger?.info === 'function' && typeof logger.error === 'function'
  const message = "expected a logger, such as pino's"
  assertOptions(
    'The options of auditLog are',
    SHAPE,
    options,
    isLogger ? [] : [{ path: 'logger', code: 'type', message }],
  )
  // What its functions take, the pattern has chosen.
  const untyped = options as unknown as AuditLogOptions
  const { pattern = '*', priority = Priority.HIGH, name = 'audit-log', filter, signal } = untyped
  const write = (event: BusEvent) => {
    const record = describe(event, untyped)
    const level =
      takeAtOnce(untyped.levelFor?.(event), '"levelFor"') ?? levelOf(readOutcome(event.name).status)
    const log = (logger as unknown as { readonly [level: string]: unknown })[level]
    if (typeof log !== 'function') {
      throw new EventError(`The logger has no level ${quote(level)} for ${quote(event.name)}.`, {
        code: 'EVENTSETS_INVALID_OPTIONS',
        hint: 'Let "levelFor" give a level of the logger.',
      })
    }
    log.call(logger, record, event.name)
  }
  return (bus as unknown as EventBus).on(pattern, write, { priority, name, filter, signal })
}

const SHAPE = object({
  pattern: maybeText,
  // The bus checks it.
  filter: optional(expected('a filter', () => true)),
  domainFor: maybeFunction,
  actionFor: maybeFunction,
  levelFor: maybeFunction,
  actorFor: maybeFunction,
  dataFor: maybeFunction,
  priority: maybeWholeNumber,
  name: maybeText,
  signal: maybeSignal,
})

function describe(
  event: BusEvent,
  { domainFor, actionFor, actorFor, dataFor }: AuditLogOptions,
): AuditRecord {
  const { domain, action, status } = readOutcome(event.name)
  const said: Record<string, unknown> = isPlainObject(event.data) ? event.data : {}
  const failure = event.name === HANDLER_FAILED ? said : {}
  const record: { readonly [Field in keyof AuditRecord]: unknown } = {
    domain: takeAtOnce(domainFor?.(event), '"domainFor"') ?? domain,
    action: takeAtOnce(actionFor?.(event), '"actionFor"') ?? action,
    status,
    eventId: event.id,
    eventTime: toIso(event.time),
    source: event.source,
    correlationId: event.correlationId,
    causationId: event.causationId,
    actor: actorFor ? takeAtOnce(actorFor(event), '"actorFor"') : said['userId'],
    organizationId: said['organizationId'] ?? undefined,
    entityType: said['entityType'],
    entityId: said['entityId'],
    changedFields: said['changedFields'],
    handler: failure['handler'],
    handledEvent: failure['eventName'],
    handledEventId: failure['eventId'],
    reason: typeof said['error'] === 'string' ? said['error'] : undefined,
    data: takeAtOnce(dataFor?.(event), '"dataFor"'),
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
