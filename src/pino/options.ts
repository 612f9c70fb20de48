import { AlreadyExistsError, ValidationError } from '../core/errors.ts'
import { type EventSet, parseEventSet } from '../core/event-set.ts'
import type { Issue } from '../core/issue.ts'
import { formatPath } from '../core/issue.ts'
import { didYouMean } from '../core/nearest.ts'
import { registerEventSets } from '../core/register-sets.ts'
import {
  anything,
  atLeast,
  boolean,
  type DeepReadonly,
  either,
  exactly,
  findShapeIssues,
  isPlainObject,
  list,
  nonEmpty,
  number,
  object,
  oneOf,
  optional,
  type TypeOf,
  table,
  text,
  wholeNumber,
} from '../core/shape.ts'
import { createRegistry } from '../discovery/process-registry.ts'
import { findLevelIssues, STANDARD_LEVELS } from './levels.ts'

const fd = wholeNumber('a file descriptor', atLeast(0, 'a file descriptor is 0 or more'))

const keys = either([text(), list(text())], 'expected a string with commas, or a list of strings')

const lineEntries = {
  /** Text for people, or JSON lines. Default: 'pretty'; before another stage of a pipeline 'json'. */
  output: optional(oneOf('pretty', 'json')),
  /** Where markers go: before the message, in a field of their own, nowhere. Default: 'message' in text, 'field' in JSON. */
  markers: optional(oneOf('message', 'field', 'none')),
  /** `[📥][✅] text` or `📥 ✅ text`. Default: 'brackets'. */
  markerStyle: optional(oneOf('brackets', 'plain')),
  /** The name of that field; a record that has it as a list of strings counts as enriched. Default: 'markers'. */
  markersField: optional(nonEmpty('the name of the field')),
  /** The keys for the markers, always in brackets: `[get][2xx] text`. Default: false. */
  ascii: optional(boolean()),
  /** Add the fields that the sets give to a value. Default: false in text, true in JSON. */
  metadata: optional(boolean()),
  /** Lines below this level are left out; a line without a level stays. */
  minimumLevel: optional(either([text(), number()], 'expected the name or the number of a level')),
  /** Pino's option `nestedKey`: fields below it count as if they stood at the top. */
  nestedKey: optional(text()),
  /** Pino's option `errorKey`: log keys that begin with `err.` are looked for below it. Default: the logger's, or 'err'. */
  errorKey: optional(text()),
  /** A longer line passes through as it is. Default: 1048576. */
  maxLineBytes: optional(wholeNumber('the limit', atLeast(1024, 'the limit is at least 1024 bytes'))),
}

const prettyEntries = {
  /** Colour. Default: decided by FORCE_COLOR, NO_COLOR, TERM and whether the destination is a terminal. */
  colorize: optional(boolean()),
  /** Colour in objects too. Default: true. */
  colorizeObjects: optional(boolean()),
  /** End lines with CR LF. Default: false. */
  crlf: optional(boolean()),
  /** Colours of levels: `'info:blue,error:red'`. */
  customColors: optional(
    either([text(), table(text())], 'expected a string such as "err:red,info:blue", or an object'),
  ),
  /** Further levels: `'audit:35'` or `{ audit: 35 }`. Default: the logger's. */
  customLevels: optional(
    either([text(), table(number())], 'expected a string such as "err:99,info:1", or an object'),
  ),
  /** Keys that hold errors. Default: ['err', 'error'] and errorKey. */
  errorLikeObjectKeys: optional(keys),
  /** Properties of an error to show below its stack. */
  errorProps: optional(keys),
  /** Only the message line, no fields. Default: false. */
  hideObject: optional(boolean()),
  /** Keys to leave out, separated by commas. Default: 'hostname'. */
  ignore: optional(text()),
  /** The only keys to show, separated by commas. Default: all. */
  include: optional(text()),
  /** The level before the time. Default: false. */
  levelFirst: optional(boolean()),
  /** The key of the level. Default: 'level'. */
  levelKey: optional(text()),
  /** What stands for the level in `messageFormat`. Default: 'levelLabel'. */
  levelLabel: optional(text()),
  /** A template for the message, with fields in braces: `'{msg} for {user.name}'`; in the stream also a function. Default: false. */
  messageFormat: optional(
    either([text(), exactly(false)], 'expected a template such as "{levelLabel} - {msg}"'),
  ),
  /** The key of the message. Default: the logger's, or 'msg'. */
  messageKey: optional(text()),
  /** The fields behind the message, in one line. Default: false. */
  singleLine: optional(boolean()),
  /** The key of the time. Default: 'time'. */
  timestampKey: optional(text()),
  /** The time in words: `false` for the number as it is, or a format such as `'SYS:HH:MM:ss.l'`. Default: true. */
  translateTime: optional(either([boolean(), text()], 'expected true, false, or a time format')),
  /** Custom levels and colours take the place of the standard ones instead of joining them. Default: true. */
  useOnlyCustomProps: optional(boolean()),
}

const destinationEntries = {
  /** Where lines go; a pipeline stage that is not the last has none. Default: 1, standard output. */
  destination: optional(either([fd, nonEmpty('the path')], 'expected a file descriptor or a path')),
  /** Keep what the file holds. Default: true. */
  append: optional(boolean()),
  /** Make the directories of the path. Default: false. */
  mkdir: optional(boolean()),
  /** In the stream: write before the log call returns; the transport writes synchronously in its worker, whatever this says. Default: true. */
  sync: optional(boolean()),
}

const setEntries = {
  /** Sets of your own, beside the built-in ones; data, without functions. Default: []. */
  sets: optional(list(anything())),
  /** A set in `sets` replaces a built-in one of its name; otherwise that is an error. Default: false. */
  override: optional(boolean()),
}

/** How lines are enriched and written. What the transport, the stream and the command have in common. */
const lineShape = object({ ...lineEntries, ...prettyEntries })
export type LineOptions = DeepReadonly<TypeOf<typeof lineShape>>

const transportShape = object({
  ...lineEntries,
  ...prettyEntries,
  ...destinationEntries,
  ...setEntries,
})

const streamShape = object({
  ...lineEntries,
  ...prettyEntries,
  append: destinationEntries.append,
  mkdir: destinationEntries.mkdir,
  sync: destinationEntries.sync,
})

/** The options of the transport: plain data, since they travel to a worker. */
export type TransportOptions = DeepReadonly<Omit<TypeOf<typeof transportShape>, 'sets'>> & {
  /** Event sets of the application's own. */
  readonly sets?: readonly EventSet[] | undefined
}

/**
 * Checks the options of the transport.
 *
 * @throws ValidationError that names every wrong option. Its message stands alone: a worker hands over little else.
 */
export function parseTransportOptions(input: unknown): TransportOptions {
  // thread-stream and pino add these to what the user wrote; `levels` are those of a logger with custom ones.
  const { $context, pinoWillSendConfig, levels, ...given } = (input ?? {}) as Record<string, unknown>
  const isSingleTarget = $context !== undefined
  const ofLogger = isPlainObject(levels)
    ? { customLevels: { ...STANDARD_LEVELS, ...(levels as Record<string, number>) } }
    : {}
  // In a pipeline the logger's levels come later, so an unknown name may yet be one of them.
  const issues = isSingleTarget ? findLevelIssues({ ...ofLogger, ...given } as LineOptions) : []
  return {
    ...ofLogger,
    ...checkOptions('The options of the eventsets transport are', transportShape, given, [], issues),
  }
}

/** The same for the in-process stream; `own` are the options that only it has and checks itself. */
export function parseStreamOptions(
  input: unknown,
  own: readonly string[],
  issues: readonly Issue[],
): TransportOptions {
  return checkOptions(
    'The options of eventsetsStream are',
    streamShape,
    { ...(input as object) },
    own,
    issues,
  )
}

/** What people look for under another name. */
const OTHER_NAMES = new Map([
  ['customPrettifiers', '; functions cannot travel to a worker, use eventsetsStream of eventsets/pino'],
  ['level', '; the least level to show is "minimumLevel", what the logger writes is its own option "level"'],
  ['pretty', '; write output: "pretty"'],
  ['json', '; write output: "json"'],
  ['color', '; did you mean "colorize"?'],
  ['colors', '; did you mean "colorize"?'],
  ['file', '; did you mean "destination"?'],
  ['path', '; did you mean "destination"?'],
  ['dest', '; did you mean "destination"?'],
  ['registry', '; a registry cannot travel to a worker, give the option "sets" or register on getRegistry()'],
  ['plugins', '; event sets are given as "sets"'],
])

function checkOptions(
  subject: string,
  shape: typeof transportShape | typeof streamShape,
  given: Record<string, unknown>,
  alsoKnown: readonly string[] = [],
  found: readonly Issue[] = [],
): TransportOptions {
  const known = [...new Set([...Object.keys(shape.entries), ...alsoKnown])]
  const issues: Issue[] = [...found, ...findShapeIssues(shape, given)].map((issue) =>
    issue.code === 'unknown_key'
      ? {
          ...issue,
          message: `is not a known option${OTHER_NAMES.get(issue.path) ?? (didYouMean(issue.path, known) || `; known are ${known.sort().join(', ')}`)}`,
        }
      : issue,
  )
  // Most have none, and need not wait for a registry to check them against.
  const { sets, issues: issuesOfSets } = given.sets === undefined ? NO_SETS : parseSets(given)
  issues.push(...issuesOfSets)
  if (issues.length > 0) throw new ValidationError(subject, issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
  // The shape has just been checked, so the cast only puts its result into words.
  return { ...(given as TransportOptions), ...(given.sets === undefined ? {} : { sets }) }
}

interface ParsedSets {
  readonly sets: readonly EventSet[]
  readonly issues: readonly Issue[]
}

const NO_SETS: ParsedSets = { sets: [], issues: [] }

/** The option `sets`, and everything that is wrong with it: in the sets themselves, their names, their links. */
function parseSets({ sets: candidates, override }: Record<string, unknown>): ParsedSets {
  const issues: Issue[] = []
  const indices = new Map<EventSet, number>()
  const add = (index: number, found: readonly Issue[]) => {
    for (const issue of found)
      issues.push({ ...issue, path: joinPaths(formatPath(['sets', index]), issue.path) })
  }
  const registry = createRegistry()
  for (const [index, candidate] of (Array.isArray(candidates) ? candidates : []).entries()) {
    const parsed = parseEventSet(candidate)
    if (!parsed.success) add(index, parsed.issues)
    // The same set twice would only be registered once; a copy keeps them apart.
    else indices.set(indices.has(parsed.set) ? { ...parsed.set } : parsed.set, index)
  }
  const sets = [...indices.keys()]
  for (const [set, error] of registerEventSets(registry, sets, { override: override === true })) {
    const index = indices.get(set) as number
    if (error instanceof ValidationError) add(index, error.issues)
    else if (error instanceof AlreadyExistsError) {
      const message = `an event set ${JSON.stringify(set.name)} is there already; give this one another name, or set the option "override" to true`
      add(index, [{ path: 'name', code: 'duplicate_name', message }])
    } else throw error
  }
  return { sets, issues }
}

function joinPaths(outer: string, inner: string): string {
  return inner === '' || inner.startsWith('[') ? outer + inner : `${outer}.${inner}`
}
