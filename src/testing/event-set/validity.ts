import { EventsetsError, ValidationError } from '../../core/errors.ts'
import { type EventSet, parseEventSet } from '../../core/event-set.ts'
import { formatIssue, formatPath } from '../../core/issue.ts'
import { type ConformanceCase, expectNone } from '../conformance-case.ts'
import { examine, type Subject } from './subject.ts'

/** A set to look at, or everything that keeps it from being one. */
export type Examined =
  | { readonly subject: Subject; readonly problems?: undefined }
  | { readonly subject?: undefined; readonly problems: readonly string[] }

export function examineInput(input: unknown, linkedSets: readonly EventSet[]): Examined {
  const parsed = parseEventSet(input)
  if (!parsed.success) return { problems: parsed.issues.map(formatIssue) }
  try {
    return { subject: examine(parsed.set, linkedSets) }
  } catch (error) {
    if (error instanceof ValidationError) return { problems: error.issues.map(formatIssue) }
    if (error instanceof EventsetsError) return { problems: [error.message] }
    throw error
  }
}

export function validityCase({ problems = [] }: Examined): ConformanceCase {
  return {
    name: 'is a valid event set',
    run() {
      expectNone(
        problems,
        'The event set is not valid; https://unpkg.com/eventsets/docs/reference/event-set.md tells its format',
      )
    },
  }
}

/** What a plugin publishes is a JSON file: a set that is not all there after a trip through JSON works in tests only. */
export function dataCase(input: unknown): ConformanceCase {
  return {
    name: 'is data: JSON keeps all of it',
    run() {
      expectNone(findNoData(input, []), 'JSON would not keep these parts of the event set')
    },
  }
}

function findNoData(value: unknown, path: readonly (string | number)[]): string[] {
  const place = path.length === 0 ? 'The set' : formatPath(path)
  if (typeof value === 'function')
    return [
      `${place} is a function: use a named transformation. A set of a plugin's "module" may have some, with the option "code" here.`,
    ]
  if (typeof value === 'number' && !Number.isFinite(value))
    return [`${place} is ${value}, which JSON does not have: write null for an open end.`]
  if (typeof value === 'bigint' || typeof value === 'symbol')
    return [`${place} is a ${typeof value}, which JSON does not have.`]
  if (typeof value !== 'object' || value === null) return []
  if ('toJSON' in value && typeof value.toJSON === 'function')
    return [`${place} has a method toJSON: write it as plain data.`]
  if (Array.isArray(value)) return value.flatMap((inner, index) => findNoData(inner, [...path, index]))
  return Object.entries(value).flatMap(([key, inner]) => findNoData(inner, [...path, key]))
}
