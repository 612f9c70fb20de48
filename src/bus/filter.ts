import { ValidationError } from '../core/errors.ts'
import type { Issue } from '../core/issue.ts'
import { isPlainObject } from '../core/shape.ts'
import type { BusEvent } from './event.ts'
import { quote } from './quote.ts'
import { takeAtOnce } from './thenable.ts'

/** A filter as data: conditions on places in an event. */
export type FilterData =
  | { readonly path: string; readonly eq: unknown }
  | { readonly path: string; readonly in: readonly unknown[] }
  | { readonly path: string; readonly exists: boolean }
  | { readonly and: readonly FilterData[] }
  | { readonly or: readonly FilterData[] }
  | { readonly not: FilterData }

/** Tells which events of a pattern a handler wants. A function says so at once: what it gives is true or false, or stands for that. */
export type Filter<Event extends BusEvent = BusEvent> = FilterData | ((event: Event) => boolean)

/**
 * Compiles a filter into a function. A path such as `data.plan` leads to own properties only; what is not there is
 * equal to nothing. A function that gives a promise makes the filter throw.
 *
 * @throws ValidationError with everything that is wrong with it.
 */
export function compileFilter(filter: Filter): (event: BusEvent) => boolean {
  // What a promise will be comes too late: taken for true, it would let everything through.
  if (typeof filter === 'function') return (event) => Boolean(takeAtOnce(filter(event), 'The filter'))
  const issues: Issue[] = []
  const compiled = compile(filter, 'filter', issues)
  if (issues.length === 0) return compiled
  throw new ValidationError('The filter is', issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
}

/** Deeper than anybody writes, and far from what the stack can hold. */
const MAX_DEPTH = 32

type Compiled = (event: BusEvent) => boolean

function compile(filter: unknown, path: string, issues: Issue[], depth = 0): Compiled {
  const never: Compiled = () => false
  const fail = (message: string): Compiled => {
    issues.push({ path, code: 'type', message })
    return never
  }
  if (!isPlainObject(filter)) return fail('expected an object with "path", "and", "or" or "not"')
  if (depth > MAX_DEPTH) return fail(`is nested more than ${MAX_DEPTH} deep`)
  const compileAll = (list: unknown, key: string): Compiled[] => {
    if (Array.isArray(list))
      return list.map((inner, index) => compile(inner, `${path}.${key}[${index}]`, issues, depth + 1))
    issues.push({ path: `${path}.${key}`, code: 'type', message: 'expected a list of filters' })
    return []
  }
  const keys = Object.keys(filter).sort().join()
  switch (keys) {
    case 'and': {
      const all = compileAll(filter.and, 'and')
      return (event) => all.every((matches) => matches(event))
    }
    case 'or': {
      const some = compileAll(filter.or, 'or')
      return (event) => some.some((matches) => matches(event))
    }
    case 'not': {
      const inner = compile(filter.not, `${path}.not`, issues, depth + 1)
      return (event) => !inner(event)
    }
    case 'eq,path':
    case 'in,path':
    case 'exists,path':
      return compileCondition(filter, path, issues)
    default:
      return fail(
        `has the keys ${keys === '' ? 'none' : keys}; write { path, eq }, { path, in }, { path, exists }, { and }, { or } or { not }`,
      )
  }
}

function compileCondition(
  condition: { readonly [key: string]: unknown },
  path: string,
  issues: Issue[],
): Compiled {
  const { path: place } = condition
  const fault = findPathFault(place)
  if (fault !== undefined) issues.push({ path: `${path}.path`, code: 'format', message: fault })
  const segments = String(place).split('.')
  if ('exists' in condition) {
    const { exists } = condition
    if (typeof exists !== 'boolean')
      issues.push({ path: `${path}.exists`, code: 'type', message: 'expected true or false' })
    return (event) => (read(event, segments) !== undefined) === exists
  }
  if ('in' in condition) {
    const { in: wanted } = condition
    if (!Array.isArray(wanted)) {
      issues.push({ path: `${path}.in`, code: 'type', message: 'expected a list of values' })
      return () => false
    }
    for (const [index, each] of wanted.entries())
      if (each === undefined) issues.push({ path: `${path}.in[${index}]`, code: 'type', message: NOTHING })
    return (event) => {
      const value = read(event, segments)
      return value !== undefined && wanted.some((each) => isEqual(value, each))
    }
  }
  const { eq } = condition
  if (eq === undefined) issues.push({ path: `${path}.eq`, code: 'type', message: NOTHING })
  return (event) => {
    const value = read(event, segments)
    return value !== undefined && isEqual(value, eq)
  }
}

const NOTHING = 'is undefined, which nothing is equal to; for what is not there write { path, exists: false }'

/** Why a text is no path into an event, if so. */
function findPathFault(place: unknown): string | undefined {
  if (typeof place !== 'string' || place === '') return 'expected a path such as "data.plan"'
  const [root = '', ...rest] = place.split('.')
  if ([root, ...rest].includes('')) return `has an empty part: ${quote(place)}`
  if (ROOTS.has(root)) return undefined
  return `an event has no ${quote(root)}; did you mean ${quote(`data.${place}`)}? It has ${[...ROOTS].join(', ')}`
}

/** What of an event a path may lead to. */
const ROOTS: ReadonlySet<string> = new Set([
  'id',
  'name',
  'data',
  'source',
  'time',
  'correlationId',
  'causationId',
  'key',
  'priority',
  'traceparent',
  'depth',
])

function read(event: BusEvent, [root = '', ...segments]: readonly string[]): unknown {
  if (!ROOTS.has(root)) return undefined
  let value: unknown = event[root as keyof BusEvent]
  for (const segment of segments) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined
    value = (value as Record<string, unknown>)[segment]
  }
  return value
}

/** Whether two values are the same as JSON. */
function isEqual(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Array.isArray(one) !== Array.isArray(other)) return false
  const keys = Object.keys(one)
  return (
    keys.length === Object.keys(other).length &&
    keys.every(
      (key) =>
        Object.hasOwn(other, key) &&
        isEqual((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]),
    )
  )
}
