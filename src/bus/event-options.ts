import { ValidationError } from '../core/errors.ts'
import type { Issue } from '../core/issue.ts'
import { didYouMean } from '../core/nearest.ts'

/** Longer texts are mistakes, or attacks on whatever keeps them. */
const MAX_TEXT_LENGTH = 1024

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
    isMet: (value) => Number.isFinite(value) && (value as number) >= 0,
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
        (typeof value === 'number' || value instanceof Date) && Number.isFinite(Number(value)),
      message: 'expected milliseconds since 1970, or a Date',
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
  const demands: Readonly<Record<string, Demand>> = DEMANDS[method]
  let issues: Issue[] | undefined
  for (const key in options as object) {
    const value = (options as Record<string, unknown>)[key]
    const demand = Object.hasOwn(demands, key) ? demands[key] : undefined
    if (demand && (value === undefined || demand.isMet(value))) continue
    const known = Object.keys(demands)
    const message =
      demand?.message ?? `is not a known option${didYouMean(key, known) || `; known are ${known.join(', ')}`}`
    issues ??= []
    issues.push({ path: key, code: demand ? 'format' : 'unknown_key', message })
  }
  if (options === null || typeof options !== 'object')
    issues = [{ path: '', code: 'type', message: 'expected an object' }]
  if (issues)
    throw new ValidationError(`The options of ${method} are`, issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
}
