import { ValidationError } from '../core/errors.ts'
import { formatPath, type Issue } from '../core/issue.ts'
import { didYouMean } from '../core/nearest.ts'
import { isPlainObject } from '../core/shape.ts'
import { wordGiven } from './given.ts'
import { helpWith } from './option-words.ts'

/** Longer texts are mistakes, or attacks on whatever keeps them. */
const MAX_TEXT_LENGTH = 1024

/** 2001, in milliseconds since 1970. What is earlier is a time in seconds, or how long to wait. */
const EARLIEST_DELIVERY = Date.UTC(2001, 0)

/** The last moment that a Date knows, in milliseconds since 1970. */
const LATEST_TIME = 8.64e15

interface Demand {
  readonly isMet: (value: unknown) => boolean
  readonly message: string
}

const text: Demand = {
  isMet: (value) => typeof value === 'string' && value !== '' && value.length <= MAX_TEXT_LENGTH,
  message: `expected a text of 1 to ${MAX_TEXT_LENGTH} characters`,
}

const wholeNumber: Demand = { isMet: Number.isInteger, message: 'expected a whole number' }

const COMMON: Readonly<Record<string, Demand>> = {
  id: text,
  source: text,
  correlationId: text,
  causationId: text,
  key: text,
  priority: wholeNumber,
  time: {
    isMet: (value) => typeof value === 'number' && value >= 0 && value <= LATEST_TIME,
    message: 'expected milliseconds since 1970',
  },
  traceparent: text,
  depth: {
    isMet: (value) => Number.isInteger(value) && (value as number) >= 0,
    message: 'expected a whole number, 0 or more',
  },
}

const DEMANDS = {
  publish: {
    ...COMMON,
    deliverAt: {
      isMet: (value: unknown) =>
        (typeof value === 'number' || value instanceof Date) &&
        Number(value) >= EARLIEST_DELIVERY &&
        Number(value) <= LATEST_TIME,
      message:
        'expected milliseconds since 1970, or a Date, and none before 2001 (multiply seconds by 1000; add to Date.now() how long to wait)',
    },
  },
  emit: {
    ...COMMON,
    rethrow: { isMet: (value: unknown) => typeof value === 'boolean', message: 'expected true or false' },
  },
  publishAll: COMMON,
} satisfies Readonly<Record<string, Readonly<Record<string, Demand>>>>

/**
 * Checks what is said about an event.
 *
 * @throws ValidationError with everything that is wrong with it.
 */
export function assertEventOptions(options: unknown, method: keyof typeof DEMANDS): void {
  const issues = findOptionIssues(options, method)
  if (issues)
    throw new ValidationError(`The options of ${method} are`, issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
}

/**
 * Checks what is given to `publishAll`, but for the names and the data.
 *
 * @throws ValidationError with everything that is wrong with it.
 */
export function assertPublications(events: unknown): void {
  const issues: Issue[] = []
  if (!Array.isArray(events))
    issues.push({
      path: '',
      code: 'type',
      message: `expected a list of ${AN_EVENT}, got ${wordGiven(events)}`,
    })
  for (const [index, event] of Array.isArray(events) ? events.entries() : []) {
    if (!isPlainObject(event)) {
      issues.push({
        path: `[${index}]`,
        code: 'type',
        message: `expected ${AN_EVENT}, got ${wordGiven(event)}`,
      })
      continue
    }
    for (const key in event) {
      if (PARTS.includes(key)) continue
      const message = `is not a part of what is published${didYouMean(key, PARTS) || `; expected ${AN_EVENT}`}`
      issues.push({ path: formatPath([index, key]), code: 'unknown_key', message })
    }
    if (event['options'] === undefined) continue
    for (const { path, ...issue } of findOptionIssues(event['options'], 'publishAll') ?? [])
      issues.push({ path: `[${index}].options${path === '' ? '' : `.${path}`}`, ...issue })
  }
  if (issues.length > 0)
    throw new ValidationError('What is given to publishAll is', issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
}

const PARTS = ['name', 'data', 'options']
const AN_EVENT = '{ name, data, options }'

function findOptionIssues(options: unknown, method: keyof typeof DEMANDS): Issue[] | undefined {
  const demands: Readonly<Record<string, Demand>> = DEMANDS[method]
  let issues: Issue[] | undefined
  for (const key in options as object) {
    const value = (options as Record<string, unknown>)[key]
    const demand = Object.hasOwn(demands, key) ? demands[key] : undefined
    if (demand && (value === undefined || demand.isMet(value))) continue
    const known = Object.keys(demands)
    const message = demand
      ? `${demand.message}, got ${wordGiven(value)}`
      : `is not a known option${helpWith(key, known)}`
    issues ??= []
    issues.push({ path: key, code: demand ? 'format' : 'unknown_key', message })
  }
  return isPlainObject(options)
    ? issues
    : [{ path: '', code: 'type', message: `expected an object, got ${wordGiven(options)}` }]
}
