import { ValidationError } from '../core/errors.ts'
import type { Issue } from '../core/issue.ts'
import type { EventOptions } from './event.ts'
import { assertEventName } from './event-name.ts'
import { quote } from './quote.ts'

/** Who has done what nobody has done: a timer, a migration, the service itself. */
export const SYSTEM_USER_ID = 'system'

export type EntityId = string | number

/** What is said of every change of an entity. */
export interface EntityData<Type extends string = string> {
  readonly entityType: Type
  readonly entityId: EntityId
  /** The names of the fields that are not what they were. Empty when it was made or taken away. */
  readonly changedFields: readonly string[]
  /** Who has done it. Never null. */
  readonly userId: EntityId
  /** On whose behalf; null when on nobody's. */
  readonly organizationId: EntityId | null
}

/** The events of an entity, for `EventBus<EntityEvents<'user'> & EntityEvents<'order', 'paid'>>`. */
export type EntityEvents<
  Type extends string,
  Change extends string = 'created' | 'updated' | 'deleted',
  Data extends object = object,
> = { readonly [Name in `${Type}.${Change}`]: EntityData<Type> & Data }

export interface EntityEventInput<
  Type extends string = string,
  Change extends string = string,
  Data extends object = object,
> {
  /** The first part of the name: `user`. */
  readonly entityType: Type
  readonly entityId: EntityId
  /** The last part of the name, in the past tense: `updated`. */
  readonly change: Change
  readonly changedFields?: readonly string[] | undefined
  /** Nobody: `systemUserId`. */
  readonly userId?: EntityId | null | undefined
  readonly organizationId?: EntityId | null | undefined
  /** `SYSTEM_USER_ID` unless given. */
  readonly systemUserId?: EntityId | undefined
  /** What else is to be known. */
  readonly data?: Data | undefined
  /** What is said about the event itself. Its key is the entity unless given: changes of one are handled in order. */
  readonly options?: EventOptions | undefined
}

export interface EntityEvent<Name extends string = string, Data extends object = EntityData> {
  readonly name: Name
  readonly data: Data
  readonly options: EventOptions
}

/**
 * The event that tells of a change of an entity, to be published: `bus.publishAll([entityEvent({ ... })])`.
 *
 * @throws ValidationError with everything that is wrong with it.
 */
export function entityEvent<
  const Type extends string,
  const Change extends string,
  Data extends object = object,
>({
  entityType,
  entityId,
  change,
  changedFields = [],
  userId,
  organizationId = null,
  systemUserId = SYSTEM_USER_ID,
  data,
  options,
}: EntityEventInput<Type, Change, Data>): EntityEvent<`${Type}.${Change}`, EntityData<Type> & Data> {
  const name = `${entityType}.${change}` as const
  const about = { entityType, entityId, changedFields, userId: userId ?? systemUserId, organizationId }
  const issues = findIssues(about, name, data)
  if (issues.length > 0)
    throw new ValidationError(`The event of the entity ${quote(entityType)} is`, issues, {
      code: 'EVENTSETS_INVALID_EVENT',
    })
  return {
    name,
    data: { ...(data as Data), ...about },
    options: { key: `${entityType}:${entityId}`, ...options },
  }
}

/** The names of the fields in which two states of an entity differ, as JSON sees it, in alphabetical order. */
export function changedFields(before: object, after: object): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const textOf = (state: object, name: string) => {
    const value = Object.hasOwn(state, name) ? (state as Record<string, unknown>)[name] : undefined
    return JSON.stringify(sorted(value))
  }
  return names.filter((name) => textOf(before, name) !== textOf(after, name)).sort()
}

function findIssues(about: EntityData, name: string, data: object | undefined): Issue[] {
  const { entityId, changedFields: changed, userId, organizationId } = about
  const issues: Issue[] = []
  const expect = (isRight: boolean, path: string, message: string) => {
    if (!isRight) issues.push({ path, code: 'type', message })
  }
  try {
    assertEventName(name)
  } catch (error) {
    issues.push({ path: 'entityType', code: 'format', message: (error as Error).message })
  }
  const anId = 'expected a text that is not empty, or a number'
  expect(isId(entityId), 'entityId', anId)
  expect(isId(userId), 'userId', anId)
  expect(organizationId === null || isId(organizationId), 'organizationId', `${anId}, or null`)
  const isList = Array.isArray(changed) && changed.every((field) => typeof field === 'string')
  expect(isList, 'changedFields', 'expected a list of names')
  for (const key of Object.keys(about))
    expect(!Object.hasOwn(data ?? {}, key), `data.${key}`, 'stands beside "data", not in it')
  return issues
}

function isId(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || (typeof value === 'number' && Number.isFinite(value))
}

/** The order of keys makes no difference. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return value
  if (Array.isArray(value)) return value.map(sorted)
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  )
}
