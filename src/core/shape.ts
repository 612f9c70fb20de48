import { type Issue, type IssueCode, IssueList, type Path, quoteShort, type Report } from './issue.ts'
import { didYouMean } from './nearest.ts'

/**
 * What an input has to be: its check, its type ({@link TypeOf}) and its JSON Schema in one, so that they cannot differ.
 *
 * Our own and not a library's, since whoever imports eventsets waits for it, each logger's worker among them: a
 * validation library takes longer to load than everything else together.
 */
export interface Shape<T> {
  /** Reports every way in which the input differs. */
  readonly check: (input: unknown, path: Path, report: Report) => void
  readonly jsonSchema: JsonSchema
  /** For the type system only. */
  readonly type?: T
}

type JsonSchema = { readonly [keyword: string]: unknown }

/** The type of what fits a shape. */
export type TypeOf<S> = S extends Shape<infer T> ? T : never

/** The same type with every level of it read-only. Functions stay as they are. */
export type DeepReadonly<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Every way in which an input differs from a shape; unknown keys come last, with the nearest known one. */
export function findShapeIssues(shape: Shape<unknown>, input: unknown): Issue[] {
  const issues = new IssueList()
  const unknownKeys = new IssueList()
  shape.check(input, [], (path, code, message) =>
    (code === 'unknown_key' ? unknownKeys : issues).report(path, code, message),
  )
  issues.append(unknownKeys)
  return issues.toIssues()
}

/** A demand on a value whose type is right. */
export interface Rule<T> {
  readonly holds: (value: T) => boolean
  readonly message: string | ((value: T) => string)
  /** `format` unless given. */
  readonly code?: IssueCode | undefined
  readonly jsonSchema?: JsonSchema
}

export function text(...rules: readonly Rule<string>[]): Shape<string> {
  return scalarOf('a string', { type: 'string' }, (input) => typeof input === 'string', rules)
}

export function nonEmpty(what: string, ...rules: readonly Rule<string>[]): Shape<string> {
  const message = `${what} must not be empty`
  return text({ holds: (value) => value !== '', message, jsonSchema: { minLength: 1 } }, ...rules)
}

/** A rule for texts: so many characters, and no more. Counted in code points, as JSON Schema does. */
export function upTo(most: number, what: string): Rule<string> {
  return {
    // Surrogates are two units for one character; a text that is longer by far need not be counted.
    holds: (value) => value.length <= most || (value.length <= 2 * most && [...value].length <= most),
    message: (value) =>
      `${what} has at most ${most} characters, and ${quoteShort(value, 20)} has ${value.length}; shorten it`,
    code: 'limit',
    jsonSchema: { maxLength: most },
  }
}

export function matching(pattern: RegExp, message: string): Shape<string> {
  return text({ holds: (value) => pattern.test(value), message, jsonSchema: { pattern: pattern.source } })
}

export function number(...rules: readonly Rule<number>[]): Shape<number> {
  const isNumber = (input: unknown) => typeof input === 'number' && !Number.isNaN(input)
  return scalarOf('a number', { type: 'number' }, isNumber, rules)
}

export function wholeNumber(what: string, ...rules: readonly Rule<number>[]): Shape<number> {
  const message = `${what} must be a whole number`
  return number({ holds: Number.isInteger, message, jsonSchema: { type: 'integer' } }, ...rules)
}

/** A rule for numbers. */
export function atLeast(least: number, message: string): Rule<number> {
  return { holds: (value) => value >= least, message, jsonSchema: { minimum: least } }
}

/** A rule for numbers. */
export function atMost(most: number, message: string): Rule<number> {
  return { holds: (value) => value <= most, message, jsonSchema: { maximum: most } }
}

export function boolean(): Shape<boolean> {
  return scalarOf('true or false', { type: 'boolean' }, (input) => typeof input === 'boolean', [])
}

/** One of a few texts. */
export function oneOf<const T extends string>(...options: readonly T[]): Shape<T> {
  const expected = options.map((option) => JSON.stringify(option)).join(' or ')
  const isOption = (input: unknown) => options.some((option) => option === input)
  return scalarOf(expected, { enum: options, type: 'string' }, isOption, [])
}

/** Exactly this value. */
export function exactly<const T extends boolean | null>(value: T): Shape<T> {
  const jsonSchema = value === null ? { type: 'null' } : { const: value }
  return scalarOf(String(value), jsonSchema, (input) => input === value, [])
}

export function anything(): Shape<unknown> {
  return { check: () => {}, jsonSchema: {} }
}

/** Whatever `isValid` accepts; the message may quote what it did not. */
export function custom<T>(
  isValid: (input: unknown) => boolean,
  word: (input: unknown) => string,
  jsonSchema: JsonSchema,
): Shape<T> {
  return {
    check(input, path, report) {
      if (!isValid(input)) report(path, 'type', () => word(input))
    },
    jsonSchema,
  }
}

export function list<T>(element: Shape<T>): Shape<T[]> {
  return {
    check(input, path, report) {
      if (!Array.isArray(input)) report(path, 'type', () => wordType('a list', input))
      else for (const [index, inner] of input.entries()) element.check(inner, [...path, index], report)
    },
    jsonSchema: { type: 'array', items: element.jsonSchema },
  }
}

/** Two values of one shape. */
export function pair<T>(element: Shape<T>, message: string): Shape<[T, T]> {
  return {
    check(input, path, report) {
      if (!Array.isArray(input)) return report(path, 'type', message)
      for (const index of [0, 1]) element.check(input[index], [...path, index], report)
      if (input.length > 2) report([...path, 2], 'type', message)
    },
    jsonSchema: {
      type: 'array',
      items: [element.jsonSchema, element.jsonSchema],
      minItems: 2,
      additionalItems: false,
    },
  }
}

/**
 * An object used as a table: any key, one kind of value. `__proto__`, `prototype` and `constructor` are keys like any
 * other: a marker for the action "constructor" must be checked and must work.
 */
export function table<T>(
  value: Shape<T>,
  { keys = [], most }: TableLimits = {},
): Shape<{ [key: string]: T }> {
  return {
    check(input, path, report) {
      // A Map would pass for an object without keys, and its entries would be lost without a word.
      if (!isPlainObject(input) || Object.prototype.toString.call(input) !== '[object Object]')
        return report(path, 'type', 'expected an object')
      const names = Object.keys(input)
      if (most !== undefined && names.length > most)
        report(path, 'limit', `has ${names.length} entries, and at most ${most} are allowed; leave some out`)
      for (const key of names) {
        // The place is the table: the key itself may be too long for a path.
        checkRules(key, keys, path, report)
        value.check(input[key], [...path, key], report)
      }
    },
    jsonSchema: {
      type: 'object',
      ...(keys.length === 0 ? {} : { propertyNames: joinSchemas({}, keys) }),
      ...(most === undefined ? {} : { maxProperties: most }),
      additionalProperties: value.jsonSchema,
    },
  }
}

interface TableLimits {
  /** What holds for each key. */
  readonly keys?: readonly Rule<string>[] | undefined
  /** How many entries there may be. */
  readonly most?: number | undefined
}

/** An entry that an object may lack. */
export type Optional<T> = Shape<T> & { readonly isOptional: true }

export function optional<T>(shape: Shape<T>): Optional<T> {
  return {
    ...shape,
    check(input, path, report) {
      if (input !== undefined) shape.check(input, path, report)
    },
    isOptional: true,
  }
}

export type Entries = { readonly [key: string]: Shape<unknown> }

type Flat<T> = { [K in keyof T]: T[K] }

/** The type of an object with these entries. */
export type ObjectOf<E extends Entries> = Flat<
  { -readonly [K in keyof E as E[K] extends Optional<unknown> ? never : K]: TypeOf<E[K]> } & {
    -readonly [K in keyof E as E[K] extends Optional<unknown> ? K : never]?: TypeOf<E[K]> | undefined
  }
>

const MAX_SUGGESTIONS = 20

/** An object with these entries and no other ones. */
export function object<E extends Entries>(entries: E): Shape<ObjectOf<E>> & { readonly entries: E } {
  const known = Object.entries(entries)
  const names = Object.keys(entries)
  const isRequired = ([, entry]: (typeof known)[number]) => !('isOptional' in entry)
  return {
    check(input, path, report) {
      if (!isPlainObject(input)) return report(path, 'type', () => wordType('an object', input))
      for (const [key, entry] of known) {
        if (Object.hasOwn(input, key)) continue
        // Inherited: a set may be an instance of a class.
        if (key in input) entry.check(input[key], [...path, key], report)
        else if (isRequired([key, entry])) report([...path, key], 'missing', 'is required, but missing')
      }
      let unknown = 0
      for (const key of Object.keys(input)) {
        const place = [...path, key]
        const entry = Object.hasOwn(entries, key) ? entries[key] : undefined
        if (entry) entry.check(input[key], place, report)
        else {
          report(place, 'unknown_key', () => {
            // To look for what each of hundreds may mean takes long.
            const help =
              (unknown++ < MAX_SUGGESTIONS && didYouMean(key, names)) || `; known are ${names.join(', ')}`
            return `is not a known key${help}`
          })
        }
      }
    },
    jsonSchema: {
      type: 'object',
      properties: Object.fromEntries(known.map(([key, { jsonSchema }]) => [key, jsonSchema])),
      required: known.filter(isRequired).map(([key]) => key),
      additionalProperties: false,
    },
    entries,
  }
}

/** One of several shapes. What has the type of one of them is told what that one wants of it. */
export function either<const S extends readonly Shape<unknown>[]>(
  shapes: S,
  message: string,
): Shape<TypeOf<S[number]>> {
  return {
    check(input, path, report) {
      let closest: Parameters<Report>[] | undefined
      for (const shape of shapes) {
        const issues: Parameters<Report>[] = []
        shape.check(input, path, (...issue) => void issues.push(issue))
        if (issues.length === 0) return
        if (issues.every(([, code]) => code === 'format' || code === 'limit')) closest ??= issues
      }
      if (closest) for (const issue of closest) report(...issue)
      else report(path, 'type', message)
    },
    jsonSchema: { anyOf: shapes.map(({ jsonSchema }) => jsonSchema) },
  }
}

/** The shape with a description, for editors. */
export function described<S extends Shape<unknown>>(shape: S, description: string): S {
  return { ...shape, jsonSchema: { ...shape.jsonSchema, description } }
}

function scalarOf<T>(
  expected: string,
  jsonSchema: JsonSchema,
  isOfType: (input: unknown) => boolean,
  rules: readonly Rule<T>[],
): Shape<T> {
  return {
    check(input, path, report) {
      if (!isOfType(input)) return report(path, 'type', () => wordType(expected, input))
      checkRules(input as T, rules, path, report)
    },
    jsonSchema: joinSchemas(jsonSchema, rules),
  }
}

function checkRules<T>(value: T, rules: readonly Rule<T>[], path: Path, report: Report): void {
  for (const { holds, message, code = 'format' } of rules) {
    if (!holds(value)) report(path, code, typeof message === 'string' ? message : () => message(value))
  }
}

function joinSchemas(jsonSchema: JsonSchema, rules: readonly Rule<never>[]): JsonSchema {
  return Object.assign({}, jsonSchema, ...rules.map((rule) => rule.jsonSchema))
}

function wordType(expected: string, input: unknown): string {
  return `expected ${expected}, got ${wordReceived(input)}`
}

function wordReceived(input: unknown): string {
  if (typeof input === 'string') return quoteShort(input)
  if (typeof input === 'function') return 'a function'
  if (typeof input === 'symbol') return 'a symbol'
  if (typeof input !== 'object' || input === null) return String(input)
  return Array.isArray(input) ? 'a list' : 'an object'
}
