import * as v from 'valibot'
import type { Issue, IssueCode } from './issue.ts'
import { formatPath } from './issue.ts'
import { didYouMean } from './nearest.ts'

type Path = readonly (string | number)[]

/** The same type with every level of it read-only. Functions stay as they are. */
export type DeepReadonly<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The schemas of the values of each table, for whoever turns a schema into JSON Schema. */
export const tableValues = new WeakMap<object, v.GenericSchema>()

/**
 * An object used as a table: any key, one kind of value.
 *
 * Not valibot's `record`, which passes over the keys `__proto__`, `prototype` and `constructor`. In a log these
 * are data like any other, and a marker for the action "constructor" must be checked and must work.
 */
export function table<TSchema extends v.GenericSchema>(value: TSchema, description: string) {
  type Table = { [key: string]: v.InferInput<TSchema> }
  const checkValues = v.rawCheck<Table>(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const input = dataset.value
    for (const key of Object.keys(input)) {
      const result = v.safeParse(value, input[key])
      if (result.success) continue
      const here = { type: 'unknown', origin: 'value', input, key, value: input[key] } as const
      for (const issue of result.issues) {
        const { message, code } = wordIssue(issue)
        // Valibot makes a check of every issue that is raised here; `expected` carries what it really is.
        addIssue({ message, expected: code, path: [here, ...(issue.path ?? [])] } as never)
      }
    }
  })
  // A Map would pass for an object without keys, and its entries would be lost without a word.
  const isTable = v.custom<Table>(
    (input) => isPlainObject(input) && Object.prototype.toString.call(input) === '[object Object]',
    'expected an object',
  )
  tableValues.set(isTable, value)
  return v.pipe(isTable, checkValues, v.description(description))
}

/** Every way in which an input differs from a schema, unknown keys with the nearest known one. */
export function findShapeIssues(schema: v.GenericSchema, input: unknown): Issue[] {
  if (Array.isArray(input)) return [{ path: '', code: 'type', message: 'expected an object, got a list' }]
  const result = v.safeParse(schema, input)
  const fromSchema = (result.issues ?? []).filter((issue) => !isUnknownKey(issue)).map(wordIssue)
  return [...fromSchema, ...findUnknownKeys(schema, input, [])]
}

function isUnknownKey(issue: v.BaseIssue<unknown>): boolean {
  return issue.type === 'strict_object' && issue.expected === 'never'
}

function wordIssue(issue: v.BaseIssue<unknown>): Issue {
  const segments = (issue.path ?? []).map(({ key }) => key as string | number)
  const path = formatPath(segments)
  if (issue.type === 'strict_object' && issue.path?.at(-1)?.origin === 'key') {
    return { path, code: 'missing', message: 'is required, but missing' }
  }
  const isWorded = issue.kind === 'validation' || !issue.message.startsWith('Invalid ')
  return {
    path,
    code:
      issue.type === 'raw_check'
        ? (issue.expected as IssueCode)
        : issue.kind === 'validation'
          ? 'format'
          : 'type',
    message: isWorded
      ? issue.message
      : `expected ${wordExpected(issue.expected)}, got ${wordReceived(issue)}`,
  }
}

/** Text is quoted and cut: it may be long, and its newlines must not make lines of their own in a message. */
function wordReceived({ input, received }: v.BaseIssue<unknown>): string {
  if (Array.isArray(input)) return 'a list'
  if (typeof input === 'object' && input !== null) return 'an object'
  if (typeof input !== 'string') return received
  return JSON.stringify(input.length > 60 ? `${input.slice(0, 60)}…` : input)
}

function wordExpected(expected: string | null): string {
  if (expected === null) return 'something else'
  const words: Record<string, string> = {
    Object: 'an object',
    Array: 'a list',
    string: 'a string',
    number: 'a number',
    boolean: 'true or false',
  }
  return words[expected] ?? expected.replace(/^\(|\)$/g, '').replaceAll(' | ', ' or ')
}

/** Valibot names only the first unknown key of an object; a user wants to see all of them at once. */
function findUnknownKeys(schema: v.GenericSchema, input: unknown, path: Path): Issue[] {
  const { type, entries, item, wrapped, options } = schema as {
    type: string
    entries?: Record<string, v.GenericSchema>
    item?: v.GenericSchema
    wrapped?: v.GenericSchema
    options?: unknown
  }
  if (wrapped) return findUnknownKeys(wrapped, input, path)
  if (type === 'union' && Array.isArray(options)) {
    const fitting = options.find(
      (option) => (option as { type: string }).type === (Array.isArray(input) ? 'array' : 'strict_object'),
    )
    return fitting && typeof input === 'object' ? findUnknownKeys(fitting, input, path) : []
  }
  if (type === 'array' && item && Array.isArray(input)) {
    return input.flatMap((element, index) => findUnknownKeys(item, element, [...path, index]))
  }
  if (type !== 'strict_object' || !entries || !isPlainObject(input)) return []
  return Object.keys(input).flatMap((key): Issue[] => {
    const known = Object.hasOwn(entries, key) ? entries[key] : undefined
    if (known) return findUnknownKeys(known, input[key], [...path, key])
    return [
      {
        path: formatPath([...path, key]),
        code: 'unknown_key',
        message: `is not a known key${didYouMean(key, Object.keys(entries)) || `; known are ${Object.keys(entries).join(', ')}`}`,
      },
    ]
  })
}
