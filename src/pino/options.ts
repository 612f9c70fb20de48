import * as v from 'valibot'
import { AlreadyExistsError, ValidationError } from '../core/errors.ts'
import { type EventSet, parseEventSet } from '../core/event-set.ts'
import type { Issue } from '../core/issue.ts'
import { formatPath } from '../core/issue.ts'
import { didYouMean } from '../core/nearest.ts'
import { registerEventSets } from '../core/register-sets.ts'
import { type DeepReadonly, findShapeIssues, isPlainObject } from '../core/shape.ts'
import { createRegistry } from '../discovery/process-registry.ts'
import { levelNumber, resolveLevels, STANDARD_LEVELS } from './levels.ts'

const integer = (what: string) => v.pipe(v.number(), v.integer(`${what} must be a whole number`))

const fd = v.pipe(integer('a file descriptor'), v.minValue(0, 'a file descriptor is 0 or more'))

const keys = v.union([v.string(), v.array(v.string())], 'expected a string with commas, or a list of strings')

const lineEntries = {
  /** Text for people, or JSON lines. Default: 'pretty'; before another stage of a pipeline 'json'. */
  output: v.optional(v.picklist(['pretty', 'json'])),
  /** Where markers go: before the message, in a field of their own, nowhere. Default: 'message' in text, 'field' in JSON. */
  markers: v.optional(v.picklist(['message', 'field', 'none'])),
  /** `[📥][✅] text` or `📥 ✅ text`. Default: 'brackets'. */
  markerStyle: v.optional(v.picklist(['brackets', 'plain'])),
  /** The name of that field; a record that has it as a list of strings counts as enriched. Default: 'markers'. */
  markersField: v.optional(v.pipe(v.string(), v.minLength(1, 'the name of the field must not be empty'))),
  /** The keys for the markers, always in brackets: `[get][2xx] text`. Default: false. */
  ascii: v.optional(v.boolean()),
  /** Add the fields that the sets give to a value. Default: false in text, true in JSON. */
  metadata: v.optional(v.boolean()),
  /** Lines below this level are left out; a line without a level stays. */
  minimumLevel: v.optional(v.union([v.string(), v.number()], 'expected the name or the number of a level')),
  /** Pino's option `nestedKey`: fields below it count as if they stood at the top. */
  nestedKey: v.optional(v.string()),
  /** Pino's option `errorKey`: log keys that begin with `err.` are looked for below it. Default: the logger's, or 'err'. */
  errorKey: v.optional(v.string()),
  /** A longer line passes through as it is. Default: 1048576. */
  maxLineBytes: v.optional(
    v.pipe(integer('the limit'), v.minValue(1024, 'the limit is at least 1024 bytes')),
  ),
}

const prettyEntries = {
  /** Colour. Default: decided by FORCE_COLOR, NO_COLOR, TERM and whether the destination is a terminal. */
  colorize: v.optional(v.boolean()),
  /** Colour in objects too. Default: true. */
  colorizeObjects: v.optional(v.boolean()),
  /** End lines with CR LF. Default: false. */
  crlf: v.optional(v.boolean()),
  /** Colours of levels: `'info:blue,error:red'`. */
  customColors: v.optional(
    v.union(
      [v.string(), v.record(v.string(), v.string())],
      'expected a string such as "err:red,info:blue", or an object',
    ),
  ),
  /** Further levels: `'audit:35'` or `{ audit: 35 }`. Default: the logger's. */
  customLevels: v.optional(
    v.union(
      [v.string(), v.record(v.string(), v.number())],
      'expected a string such as "err:99,info:1", or an object',
    ),
  ),
  /** Keys that hold errors. Default: ['err', 'error'] and errorKey. */
  errorLikeObjectKeys: v.optional(keys),
  /** Properties of an error to show below its stack. */
  errorProps: v.optional(keys),
  /** Only the message line, no fields. Default: false. */
  hideObject: v.optional(v.boolean()),
  /** Keys to leave out, separated by commas. Default: 'hostname'. */
  ignore: v.optional(v.string()),
  /** The only keys to show, separated by commas. Default: all. */
  include: v.optional(v.string()),
  /** The level before the time. Default: false. */
  levelFirst: v.optional(v.boolean()),
  /** The key of the level. Default: 'level'. */
  levelKey: v.optional(v.string()),
  /** What stands for the level in `messageFormat`. Default: 'levelLabel'. */
  levelLabel: v.optional(v.string()),
  /** A template for the message, with fields in braces: `'{msg} for {user.name}'`; in the stream also a function. Default: false. */
  messageFormat: v.optional(
    v.union([v.string(), v.literal(false)], 'expected a template such as "{levelLabel} - {msg}"'),
  ),
  /** The key of the message. Default: the logger's, or 'msg'. */
  messageKey: v.optional(v.string()),
  /** The fields behind the message, in one line. Default: false. */
  singleLine: v.optional(v.boolean()),
  /** The key of the time. Default: 'time'. */
  timestampKey: v.optional(v.string()),
  /** The time in words: `false` for the number as it is, or a format such as `'SYS:HH:MM:ss.l'`. Default: true. */
  translateTime: v.optional(v.union([v.boolean(), v.string()], 'expected true, false, or a time format')),
  /** Custom levels and colours take the place of the standard ones instead of joining them. Default: true. */
  useOnlyCustomProps: v.optional(v.boolean()),
}

const destinationEntries = {
  /** Where lines go; a pipeline stage that is not the last has none. Default: 1, standard output. */
  destination: v.optional(
    v.union(
      [fd, v.pipe(v.string(), v.minLength(1, 'the path must not be empty'))],
      'expected a file descriptor or a path',
    ),
  ),
  /** Keep what the file holds. Default: true. */
  append: v.optional(v.boolean()),
  /** Make the directories of the path. Default: false. */
  mkdir: v.optional(v.boolean()),
  /** In the stream: write before the log call returns; the transport writes synchronously in its worker, whatever this says. Default: true. */
  sync: v.optional(v.boolean()),
}

const anything = v.unknown()

const setEntries = {
  /** Sets of your own, beside the built-in ones; data, without functions. Default: []. */
  sets: v.optional(v.array(anything)),
  /** A set in `sets` replaces a built-in one of its name; otherwise that is an error. Default: false. */
  override: v.optional(v.boolean()),
}

/** How lines are enriched and written. What the transport, the stream and the command have in common. */
const lineSchema = v.strictObject({ ...lineEntries, ...prettyEntries })
export type LineOptions = DeepReadonly<v.InferInput<typeof lineSchema>>

const transportSchema = v.strictObject({
  ...lineEntries,
  ...prettyEntries,
  ...destinationEntries,
  ...setEntries,
})

const streamSchema = v.strictObject({
  ...lineEntries,
  ...prettyEntries,
  append: destinationEntries.append,
  mkdir: destinationEntries.mkdir,
  sync: destinationEntries.sync,
})

/** The options of the transport: plain data, since they travel to a worker. */
export type TransportOptions = DeepReadonly<Omit<v.InferInput<typeof transportSchema>, 'sets'>> & {
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
    ...checkOptions('The options of the eventsets transport are', transportSchema, given, [], issues),
  }
}

/** A `minimumLevel` that no level is called. */
export function findLevelIssues({ minimumLevel, customLevels }: LineOptions): Issue[] {
  if (typeof minimumLevel !== 'string') return []
  const levels = resolveLevels(
    typeof customLevels === 'string' || isPlainObject(customLevels) ? customLevels : undefined,
  )
  if (levelNumber(minimumLevel, levels) !== undefined) return []
  const help = didYouMean(minimumLevel, levels.keys()) || `; known are ${[...levels.keys()].join(', ')}`
  return [
    {
      path: 'minimumLevel',
      code: 'format',
      message: `no level is called ${JSON.stringify(minimumLevel)}${help}`,
    },
  ]
}

/** The same for the in-process stream; `own` are the options that only it has and checks itself. */
export function parseStreamOptions(
  input: unknown,
  own: readonly string[],
  issues: readonly Issue[],
): TransportOptions {
  return checkOptions(
    'The options of eventsetsStream are',
    streamSchema,
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
  schema: typeof transportSchema | typeof streamSchema,
  given: Record<string, unknown>,
  alsoKnown: readonly string[] = [],
  found: readonly Issue[] = [],
): TransportOptions {
  const known = [...new Set([...Object.keys(schema.entries), ...alsoKnown])]
  const issues: Issue[] = [...found, ...findShapeIssues(schema, given)].map((issue) =>
    issue.code === 'unknown_key'
      ? {
          ...issue,
          message: `is not a known option${OTHER_NAMES.get(issue.path) ?? (didYouMean(issue.path, known) || `; known are ${known.sort().join(', ')}`)}`,
        }
      : issue,
  )
  const { sets, issues: issuesOfSets } = parseSets(given)
  issues.push(...issuesOfSets)
  if (issues.length > 0) throw new ValidationError(subject, issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
  // The shape has just been checked, so the cast only puts its result into words.
  return { ...(given as TransportOptions), ...(given.sets === undefined ? {} : { sets }) }
}

/** The option `sets`, and everything that is wrong with it: in the sets themselves, their names, their links. */
function parseSets({ sets: candidates, override }: Record<string, unknown>): {
  sets: EventSet[]
  issues: Issue[]
} {
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
