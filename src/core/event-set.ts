import { ValidationError } from './errors.ts'
import { formatPath, type Issue } from './issue.ts'
import { findLinkIssues } from './link.ts'
import { MAX_MARKER_LENGTH } from './message.ts'
import { didYouMean } from './nearest.ts'
import {
  boolean,
  custom,
  type DeepReadonly,
  described,
  either,
  exactly,
  findShapeIssues,
  list,
  matching,
  nonEmpty,
  number,
  object,
  oneOf,
  optional,
  pair,
  type TypeOf,
  table,
  text,
  wholeNumber,
} from './shape.ts'
import { type Transformation, transformationNames } from './transformation.ts'

const scalar = either(
  [text(), number({ holds: Number.isFinite, message: 'the number must be finite' }), boolean()],
  'expected a string, a number, or true or false',
)

const bound = either([number(), exactly(null)], 'expected a number, or null for an open end')

const transformation = custom<Transformation>(
  (input) => typeof input === 'function' || transformationNames.some((name) => name === input),
  (input) =>
    typeof input === 'string'
      ? `no transformation ${JSON.stringify(input)}${didYouMean(input, transformationNames) || `; known are ${transformationNames.join(', ')}`}`
      : 'expected the name of a transformation, or in code a function',
  { type: 'string', enum: transformationNames },
)

// Brackets stand around markers in a message: a marker that has some could not be recognised there.
const marker = matching(
  new RegExp(`^[^[\\]]{1,${MAX_MARKER_LENGTH}}$`),
  `a marker has 1 to ${MAX_MARKER_LENGTH} characters and no square brackets`,
)

const glob = nonEmpty('a glob')

/**
 * The one place that says what an event set is. The types below, the validation and the published
 * `schema.json` all come from it.
 */
const eventMappingShape = described(
  object({
    /** The name field mappings refer to. */
    name: described(nonEmpty('the name'), 'The name field mappings refer to.'),
    /** What the values mean, for people. */
    description: optional(described(text(), 'What the values mean, for people.')),
    /** Value -> marker. Values are compared without regard to upper and lower case. */
    visualMarkers: optional(
      described(
        table(marker),
        'Value -> marker. Values are compared without regard to upper and lower case.',
      ),
    ),
    /** Key -> [low, high], both inclusive, null for an open end. The first range that holds the number wins. */
    ranges: optional(
      described(
        table(pair(bound, 'expected [low, high], both inclusive, null for an open end')),
        'Key -> [low, high], both inclusive, null for an open end. The first range that holds the number wins.',
      ),
    ),
    /** Value -> fields that are added to a record with this value, where the record lacks them. */
    metadataFields: optional(
      described(
        table(described(table(scalar), 'Extra field -> value.')),
        'Value -> fields that are added to a record with this value, where the record lacks them.',
      ),
    ),
    /** Value, or "*" for any -> what happens to the value before it is looked up. */
    transformations: optional(
      described(
        table(transformation),
        'Value, or "*" for any -> what happens to the value before it is looked up.',
      ),
    ),
    /** The key for values that are not in the table. "default" unless given. */
    defaultKey: optional(
      described(
        nonEmpty('the default key'),
        'The key for values that are not in the table. "default" unless given.',
      ),
    ),
  }),
  'A table from values to markers and metadata.',
)

const fieldMappingShape = described(
  object({
    /** A path in a record, such as "res.statusCode". Flat keys with dots and nested ones are the same. */
    logKey: described(
      nonEmpty('the log key'),
      'A path in a record, such as "res.statusCode". Flat keys with dots and nested ones are the same.',
    ),
    /** Other names of the same field. The first name that is present wins. */
    aliases: optional(
      described(
        list(nonEmpty('an alias')),
        'Other names of the same field. The first name that is present wins.',
      ),
    ),
    /** The name of an event mapping. */
    mapping: optional(described(nonEmpty('the mapping'), 'The name of an event mapping.')),
    /** The event set that owns the mapping, when it is another one. */
    eventSetName: optional(
      described(
        nonEmpty('the event set name'),
        'The event set that owns the mapping, when it is another one.',
      ),
    ),
    /** What the field tells, for people. */
    description: optional(described(text(), 'What the field tells, for people.')),
    /** A value of another type does not count as this field. Numeric strings are numbers. */
    valueType: optional(
      described(
        oneOf('string', 'integer', 'number', 'boolean'),
        'A value of another type does not count as this field. Numeric strings are numbers.',
      ),
    ),
    /** Used before the mapping's default key when the value is not in the table. */
    defaultOverrideKey: optional(
      described(
        nonEmpty('the key'),
        "Used before the mapping's default key when the value is not in the table.",
      ),
    ),
    /** The value when the field is absent but another field of the set is there. */
    defaultValue: optional(
      described(scalar, 'The value when the field is absent but another field of the set is there.'),
    ),
    /** Log key -> glob (* any run, ? one character) or list of globs. The field counts only in records where all match. */
    when: optional(
      described(
        table(either([glob, list(glob)], 'expected a glob or a list of globs')),
        'Log key -> glob (* any run, ? one character) or list of globs. The field counts only in records where all match.',
      ),
    ),
  }),
  'Ties a log key to an event mapping.',
)

export const eventSetShape = described(
  object({
    $schema: optional(text()),
    /** The name of the set, unique in a registry. */
    name: described(
      matching(
        /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/,
        'a set name begins with a letter and has at most 64 letters, digits, "_", "-" and "."',
      ),
      'The name of the set, unique in a registry.',
    ),
    /** What the set is about, for people. */
    description: optional(described(text(), 'What the set is about, for people.')),
    /** The set of higher priority owns a log key and shows first. 0 unless given. */
    priority: optional(
      described(
        wholeNumber('the priority'),
        'The set of higher priority owns a log key and shows first. 0 unless given.',
      ),
    ),
    /** What values mean: their markers and metadata. */
    mappings: optional(described(list(eventMappingShape), 'What values mean: their markers and metadata.')),
    /** Where values stand: the log keys that this set knows. Markers show in this order. */
    fieldMappings: optional(
      described(
        list(fieldMappingShape),
        'Where values stand: the log keys that this set knows. Markers show in this order.',
      ),
    ),
  }),
  'A named group of event mappings and field mappings.',
)

/** A table from values to markers and metadata. */
export type EventMapping = DeepReadonly<TypeOf<typeof eventMappingShape>>

/** Ties a log key to an {@link EventMapping}. */
export type FieldMapping = DeepReadonly<TypeOf<typeof fieldMappingShape>>

/** A named group of event mappings and field mappings, with a priority. */
export type EventSet = DeepReadonly<TypeOf<typeof eventSetShape>>

export type ParsedEventSet =
  | { readonly success: true; readonly set: EventSet; readonly issues?: undefined }
  | { readonly success: false; readonly issues: readonly Issue[]; readonly set?: undefined }

/**
 * Checks anything that claims to be an event set, for example parsed JSON.
 *
 * Gives a frozen copy of it, or every issue in it. Never throws.
 * Links to mappings of other sets are checked at registration, when the other sets are known.
 */
export function parseEventSet(input: unknown): ParsedEventSet {
  try {
    const shapeIssues = findShapeIssues(eventSetShape, input)
    const issues = [...shapeIssues, ...findMeaningIssues(input, shapeIssues)]
    if (issues.length > 0) return { success: false, issues }
    return { success: true, set: trustEventSet(copy(input) as EventSet) }
  } catch (error) {
    // Only an object with a getter or a proxy that throws comes here.
    const reason = error instanceof Error ? error.message : 'a getter threw'
    return { success: false, issues: [{ path: '', code: 'type', message: `cannot be read: ${reason}` }] }
  }
}

/**
 * Checks an event set written in code and gives it back as a frozen copy.
 *
 * @throws ValidationError with every issue.
 */
export function defineEventSet(set: EventSet): EventSet {
  if (checked.has(set)) return set
  const parsed = parseEventSet(set)
  if (parsed.success) return parsed.set
  throw invalidEventSet(set, parsed.issues)
}

/** The error for an event set that is not valid, naming the set where it has a name. */
export function invalidEventSet(input: unknown, issues: readonly Issue[], source?: string): ValidationError {
  const name = readName(input)
  const subject = typeof name === 'string' && name !== '' ? `Event set ${JSON.stringify(name)}` : 'Event set'
  return new ValidationError(`${source === undefined ? subject : `${subject} (${source})`} is`, issues, {
    code: 'EVENTSETS_INVALID_EVENT_SET',
    hint: 'The format is described by eventsets/schema.json; add "$schema": "https://unpkg.com/eventsets/schema.json" and your editor completes it.',
  })
}

function readName(input: unknown): unknown {
  try {
    return (input as { name?: unknown } | null | undefined)?.name
  } catch {
    // A getter that throws; that it does stands among the issues.
    return undefined
  }
}

/** Sets that passed the checks. They are frozen, so they need not be checked again. */
const checked = new WeakSet<object>()

/**
 * Freezes a set and marks it as checked, without checking it. Beside the parser only for the built-in sets: they are
 * checked when the package is built and tested, and a logger's start should not pay for it again.
 */
export function trustEventSet(set: EventSet): EventSet {
  freeze(set)
  checked.add(set)
  return set
}

/**
 * What is wrong with the meaning of a set. With a shape that is wrong in places, the sound parts are judged all the
 * same: whoever mends a set wants to see everything at once.
 */
function findMeaningIssues(input: unknown, shapeIssues: readonly Issue[]): Issue[] {
  // A key too many leaves everything else as it should be.
  const harmful = shapeIssues.filter(({ code }) => code !== 'unknown_key')
  const elementOf = (path: string) => /^(?:fieldMappings|mappings)\[\d+\]/.exec(path)?.[0] ?? path
  const broken = new Set(harmful.map(({ path }) => elementOf(path)))
  if (['', 'mappings', 'fieldMappings'].some((path) => broken.has(path))) return []
  // Elements of the wrong shape are replaced by harmless ones that keep the others' indices and links.
  const { name, mappings = [], fieldMappings = [] } = input as EventSet
  const set: EventSet = {
    name: typeof name === 'string' ? name : '',
    mappings: mappings.map((mapping, index) =>
      broken.has(`mappings[${index}]`)
        ? { name: typeof mapping?.name === 'string' ? mapping.name : '' }
        : mapping,
    ),
    fieldMappings: fieldMappings.map((field, index) =>
      broken.has(`fieldMappings[${index}]`) ? { logKey: `${index}`, valueType: 'string' } : field,
    ),
  }
  return [...findTableIssues(set), ...findNameIssues(set), ...findLinkIssues(set)].filter(
    ({ path }) => !broken.has(elementOf(path)),
  )
}

function findTableIssues({ mappings = [] }: EventSet): Issue[] {
  return mappings.flatMap((mapping, index): Issue[] => {
    const issues: Issue[] = []
    for (const name of ['visualMarkers', 'metadataFields', 'transformations'] as const) {
      const seen = new Map<string, string>()
      for (const key of Object.keys(mapping[name] ?? {})) {
        const same = seen.get(key.toLowerCase())
        seen.set(key.toLowerCase(), key)
        if (same === undefined) continue
        issues.push({
          path: `mappings[${index}].${name}`,
          code: 'duplicate_key',
          message: `${JSON.stringify(same)} and ${JSON.stringify(key)} are the same key: upper and lower case do not count`,
        })
      }
    }
    return [...issues, ...findRangeIssues(mapping, index)]
  })
}

/** Ranges that hold no number, and those of which an earlier one takes every number. */
function findRangeIssues({ ranges = {} }: EventMapping, index: number): Issue[] {
  const earlier: { key: string; low: number; high: number }[] = []
  return Object.entries(ranges).flatMap(([key, bounds]): Issue[] => {
    const path = formatPath(['mappings', index, 'ranges', key])
    const low = bounds[0] ?? Number.NEGATIVE_INFINITY
    const high = bounds[1] ?? Number.POSITIVE_INFINITY
    const taker = earlier.find((range) => range.low <= low && range.high >= high)
    earlier.push({ key, low, high })
    if (low > high) {
      return [
        {
          path,
          code: 'range_order',
          message: `holds nothing: ${low} is above ${high}; write [${high}, ${low}]`,
        },
      ]
    }
    if (taker === undefined) return []
    const message = `is never reached: ${JSON.stringify(taker.key)} stands before it and holds all its numbers; put the narrower range first`
    return [{ path, code: 'range_order', message }]
  })
}

function findNameIssues({ mappings = [], fieldMappings = [] }: EventSet): Issue[] {
  const issues: Issue[] = []
  const indexOfMapping = new Map<string, number>()
  for (const [index, { name }] of mappings.entries()) {
    const first = indexOfMapping.get(name)
    if (first === undefined) indexOfMapping.set(name, index)
    else {
      issues.push({
        path: `mappings[${index}].name`,
        code: 'duplicate_name',
        message: `${JSON.stringify(name)} is already the name of mappings[${first}]`,
      })
    }
  }
  // A field mapping that takes every value of a log key leaves nothing for a later one of the same set.
  const takenBy = new Map<string, number>()
  for (const [index, field] of fieldMappings.entries()) {
    for (const logKey of new Set([field.logKey, ...(field.aliases ?? [])])) {
      const first = takenBy.get(logKey)
      if (first !== undefined) {
        issues.push({
          path: `fieldMappings[${index}]`,
          code: 'duplicate_key',
          message: `log key ${JSON.stringify(logKey)} is already mapped by fieldMappings[${first}]; give that one a "when" or a "valueType", or remove one`,
        })
      } else if (field.when === undefined && field.valueType === undefined) takenBy.set(logKey, index)
    }
  }
  return issues
}

function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy)
  if (typeof value !== 'object' || value === null) return value
  const copied = {}
  for (const key of Object.keys(value)) {
    // defineProperty, not assignment: a key named "__proto__" is data.
    Object.defineProperty(copied, key, {
      value: copy((value as Record<string, unknown>)[key]),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return copied
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const inner of Object.values(value)) freeze(inner)
  Object.freeze(value)
}
