import { ValidationError } from './errors.ts'
import { type Issue, IssueList, type Path, quoteShort, type Report } from './issue.ts'
import { LONGEST, MOST_METADATA_FIELDS } from './limits.ts'
import { reportLinkIssues } from './link.ts'
import { MAX_MARKER_LENGTH } from './message.ts'
import { didYouMean } from './nearest.ts'
import {
  boolean,
  custom,
  type DeepReadonly,
  described,
  either,
  exactly,
  list,
  matching,
  nonEmpty,
  number,
  object,
  oneOf,
  optional,
  pair,
  type Rule,
  type TypeOf,
  table,
  text,
  upTo,
  wholeNumber,
} from './shape.ts'
import { type Transformation, transformationNames } from './transformation.ts'

const scalar = either(
  [
    text(upTo(LONGEST.value, 'a value')),
    number({ holds: Number.isFinite, message: 'the number must be finite' }),
    boolean(),
  ],
  'expected a string, a number, or true or false',
)

const bound = either([number(), exactly(null)], 'expected a number, or null for an open end')

const transformation = custom<Transformation>(
  (input) => typeof input === 'function' || transformationNames.some((name) => name === input),
  (input) =>
    typeof input === 'string'
      ? `no transformation ${quoteShort(input)}${didYouMean(input, transformationNames) || `; known are ${transformationNames.join(', ')}`}`
      : 'expected the name of a transformation, or in code a function',
  { type: 'string', enum: transformationNames },
)

// Brackets stand around markers in a message: a marker that has some could not be recognised there.
const marker = matching(
  new RegExp(`^[^[\\]]{1,${MAX_MARKER_LENGTH}}$`),
  `a marker has 1 to ${MAX_MARKER_LENGTH} characters and no square brackets`,
)

const glob = nonEmpty('a glob', upTo(LONGEST.glob, 'a glob'))

const description = text(upTo(LONGEST.description, 'a description'))

/** What is compared with values. */
const valueKeys = { keys: [upTo(LONGEST.value, 'a key')] }

const segments: Rule<string> = {
  holds: (value) => countDots(value) < LONGEST.logKeySegments,
  message: (value) =>
    `a log key has at most ${LONGEST.logKeySegments} segments, and ${quoteShort(value, 20)} has ${countDots(value) + 1}; a record that deep is not looked into`,
  code: 'limit',
  jsonSchema: { pattern: `^[^.]*(?:\\.[^.]*){0,${LONGEST.logKeySegments - 1}}$` },
}

function countDots(text: string): number {
  return text.split('.').length - 1
}

const fieldName = [upTo(LONGEST.name, 'the name of a field'), segments]

function logKey(what: string) {
  return nonEmpty(what, upTo(LONGEST.name, what), segments)
}

function shortName(what: string) {
  return nonEmpty(what, upTo(LONGEST.name, what))
}

function shortKey(what: string) {
  return nonEmpty(what, upTo(LONGEST.value, what))
}

/**
 * The one place that says what an event set is. The types below, the validation and the published
 * `schema.json` all come from it.
 */
const eventMappingShape = described(
  object({
    /** The name field mappings refer to. */
    name: described(shortName('the name'), 'The name field mappings refer to.'),
    /** What the values mean, for people. */
    description: optional(described(description, 'What the values mean, for people.')),
    /** Value -> marker. Values are compared without regard to upper and lower case. */
    visualMarkers: optional(
      described(
        table(marker, valueKeys),
        'Value -> marker. Values are compared without regard to upper and lower case.',
      ),
    ),
    /** Key -> [low, high], both inclusive, null for an open end. The first range that holds the number wins. */
    ranges: optional(
      described(
        table(pair(bound, 'expected [low, high], both inclusive, null for an open end'), valueKeys),
        'Key -> [low, high], both inclusive, null for an open end. The first range that holds the number wins.',
      ),
    ),
    /** Value -> fields that are added to a record with this value, where the record lacks them. */
    metadataFields: optional(
      described(
        table(
          described(table(scalar, { keys: fieldName, most: MOST_METADATA_FIELDS }), 'Extra field -> value.'),
          valueKeys,
        ),
        'Value -> fields that are added to a record with this value, where the record lacks them.',
      ),
    ),
    /** Value, or "*" for any -> what happens to the value before it is looked up. */
    transformations: optional(
      described(
        table(transformation, valueKeys),
        'Value, or "*" for any -> what happens to the value before it is looked up.',
      ),
    ),
    /** The key for values that are not in the table. "default" unless given. */
    defaultKey: optional(
      described(
        shortKey('the default key'),
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
      logKey('the log key'),
      'A path in a record, such as "res.statusCode". Flat keys with dots and nested ones are the same.',
    ),
    /** Other names of the same field. The first name that is present wins. */
    aliases: optional(
      described(
        list(logKey('an alias')),
        'Other names of the same field. The first name that is present wins.',
      ),
    ),
    /** The name of an event mapping. */
    mapping: optional(described(shortName('the mapping'), 'The name of an event mapping.')),
    /** The event set that owns the mapping, when it is another one. */
    eventSetName: optional(
      described(
        shortName('the event set name'),
        'The event set that owns the mapping, when it is another one.',
      ),
    ),
    /** What the field tells, for people. */
    description: optional(described(description, 'What the field tells, for people.')),
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
        shortKey('the key'),
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
        table(either([glob, list(glob)], 'expected a glob or a list of globs'), { keys: fieldName }),
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
    description: optional(described(description, 'What the set is about, for people.')),
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
 * Gives a frozen copy of it, or every issue in it: the first {@link MAX_ISSUES}, and how many more there are. Never throws.
 * Links to mappings of other sets are checked at registration, when the other sets are known.
 */
export function parseEventSet(input: unknown): ParsedEventSet {
  try {
    const issues = findIssues(input)
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
  const subject = typeof name === 'string' && name !== '' ? `Event set ${quoteShort(name, 64)}` : 'Event set'
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

/** What is wrong with the shape of a set, and then with its meaning. */
function findIssues(input: unknown): Issue[] {
  const issues = new IssueList()
  const unknownKeys = new IssueList()
  const broken = new Set<string>()
  eventSetShape.check(input, [], (path, code, message) => {
    // A key too many leaves everything else as it should be.
    if (code === 'unknown_key') return unknownKeys.report(path, code, message)
    broken.add(elementOf(path))
    issues.report(path, code, message)
  })
  issues.append(unknownKeys)
  reportMeaningIssues(input, broken, issues.report)
  return issues.toIssues()
}

/**
 * The parts of an input that are not of the type that they have to be, each as {@link elementOf} names it. For whoever
 * looks at the others all the same: the issues of an input tell the first ones only.
 */
export function findMistypedElements(input: unknown): ReadonlySet<string> {
  const mistyped = new Set<string>()
  try {
    eventSetShape.check(input, [], (path, code) => {
      if (code === 'type' || code === 'missing') mistyped.add(elementOf(path))
    })
  } catch {
    // Only an object with a getter or a proxy that throws comes here.
    mistyped.add(elementOf([]))
  }
  return mistyped
}

/** The mapping or field mapping that a path leads into; otherwise the key of the set. */
export function elementOf([key = '', index]: Path): string {
  const isElement = (key === 'mappings' || key === 'fieldMappings') && index !== undefined
  return isElement ? `${key}[${index}]` : `${key}`
}

/**
 * What is wrong with the meaning of a set. With a shape that is wrong in places, the sound parts are judged all the
 * same: whoever mends a set wants to see everything at once.
 */
function reportMeaningIssues(input: unknown, broken: ReadonlySet<string>, report: Report): void {
  if (['', 'mappings', 'fieldMappings'].some((path) => broken.has(path))) return
  // Elements of the wrong shape are replaced by harmless ones that keep the others' indices and links.
  const { name, mappings = [], fieldMappings = [] } = input as EventSet
  const set: EventSet = {
    name: typeof name === 'string' ? name : '',
    // Frozen, since nobody changes it any more: its mappings are found by name at once.
    mappings: Object.freeze(
      mappings.map((mapping, index) =>
        broken.has(`mappings[${index}]`)
          ? { name: typeof mapping?.name === 'string' ? mapping.name : '' }
          : mapping,
      ),
    ),
    fieldMappings: fieldMappings.map((field, index) =>
      broken.has(`fieldMappings[${index}]`) ? { logKey: `${index}`, valueType: 'string' } : field,
    ),
  }
  const reportSound: Report = (path, code, message) => {
    if (!broken.has(elementOf(path))) report(path, code, message)
  }
  reportTableIssues(set, reportSound)
  reportNameIssues(set, reportSound)
  reportLinkIssues(set, reportSound)
}

function reportTableIssues({ mappings = [] }: EventSet, report: Report): void {
  for (const [index, mapping] of mappings.entries()) {
    for (const name of ['visualMarkers', 'metadataFields', 'transformations'] as const) {
      const seen = new Map<string, string>()
      for (const key of Object.keys(mapping[name] ?? {})) {
        const lowered = key.toLowerCase()
        const same = seen.get(lowered)
        seen.set(lowered, key)
        if (same === undefined) continue
        report(
          ['mappings', index, name],
          'duplicate_key',
          () =>
            `${JSON.stringify(same)} and ${JSON.stringify(key)} are the same key: upper and lower case do not count`,
        )
      }
    }
    reportRangeIssues(mapping, index, report)
  }
}

interface Range {
  readonly key: string
  readonly low: number
  readonly high: number
}

/** Ranges that hold no number, and those of which an earlier one takes every number. */
function reportRangeIssues({ ranges = {} }: EventMapping, index: number, report: Report): void {
  const earlier: Range[] = []
  const isTaken = createRangeCover()
  for (const [key, bounds] of Object.entries(ranges)) {
    const path = ['mappings', index, 'ranges', key]
    const low = bounds[0] ?? Number.NEGATIVE_INFINITY
    const high = bounds[1] ?? Number.POSITIVE_INFINITY
    const range = { key, low, high }
    const count = earlier.push(range) - 1
    const isNeverReached = isTaken(range)
    if (low > high) {
      report(path, 'range_order', () => `holds nothing: ${low} is above ${high}; write [${high}, ${low}]`)
    } else if (isNeverReached) {
      report(path, 'range_order', () => {
        const taker = earlier.slice(0, count).find((other) => other.low <= low && other.high >= high) as Range
        return `is never reached: ${JSON.stringify(taker.key)} stands before it and holds all its numbers; put the narrower range first`
      })
    }
  }
}

/**
 * Tells of each range whether one of those asked about before holds all of it.
 *
 * Of the ranges so far only those are kept that no other one holds: from one to the next both ends rise, so the place
 * of a new one is found by halving, and many ranges take no longer than few.
 */
function createRangeCover(): (range: Range) => boolean {
  const widest: Range[] = []
  return (range) => {
    let from = 0
    let to = widest.length
    while (from < to) {
      const middle = (from + to) >> 1
      if ((widest[middle] as Range).low <= range.low) from = middle + 1
      else to = middle
    }
    const before = widest[from - 1]
    if (before !== undefined && before.high >= range.high) return true
    const first = before?.low === range.low ? from - 1 : from
    let end = from
    while (end < widest.length && (widest[end] as Range).high <= range.high) end++
    widest.splice(first, end - first, range)
    return false
  }
}

function reportNameIssues({ mappings = [], fieldMappings = [] }: EventSet, report: Report): void {
  const indexOfMapping = new Map<string, number>()
  for (const [index, { name }] of mappings.entries()) {
    const first = indexOfMapping.get(name)
    if (first === undefined) indexOfMapping.set(name, index)
    else {
      report(
        ['mappings', index, 'name'],
        'duplicate_name',
        () => `${JSON.stringify(name)} is already the name of mappings[${first}]`,
      )
    }
  }
  // A field mapping that takes every value of a log key leaves nothing for a later one of the same set.
  const takenBy = new Map<string, number>()
  for (const [index, field] of fieldMappings.entries()) {
    for (const logKey of new Set([field.logKey, ...(field.aliases ?? [])])) {
      const first = takenBy.get(logKey)
      if (first !== undefined) {
        report(
          ['fieldMappings', index],
          'duplicate_key',
          () =>
            `log key ${JSON.stringify(logKey)} is already mapped by fieldMappings[${first}]; give that one a "when" or a "valueType", or remove one`,
        )
      } else if (field.when === undefined && field.valueType === undefined) takenBy.set(logKey, index)
    }
  }
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
