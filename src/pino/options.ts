import { AlreadyExistsError, ValidationError } from '../core/errors.ts'
import { type EventSet, parseEventSet } from '../core/event-set.ts'
import type { Issue } from '../core/issue.ts'
import { formatIssue, formatPath } from '../core/issue.ts'
import { didYouMean } from '../core/nearest.ts'
import type { Problem } from '../core/problem.ts'
import { registerEventSets } from '../core/register-sets.ts'
import type { EventSetRegistry } from '../core/registry.ts'
import {
  anything,
  boolean,
  type DeepReadonly,
  either,
  exactly,
  findShapeIssues,
  isPlainObject,
  list,
  nonEmpty,
  object,
  optional,
  type TypeOf,
} from '../core/shape.ts'
import type { EventSetSource } from '../core/source.ts'
import type { ConfiguredOptions } from '../discovery/configuration.ts'
import { destinationEntries, lineEntries, prettyEntries } from '../discovery/line-options.ts'
import { createRegistry } from '../discovery/process-registry.ts'
import { findLevelIssues, STANDARD_LEVELS } from './levels.ts'

const setEntries = {
  /** Sets of your own, beside the built-in ones; data, without functions. Default: []. */
  sets: optional(list(anything())),
  /** A set in `sets` replaces a built-in one of its name; otherwise that is an error. Default: false. */
  override: optional(boolean()),
  /** Look for plugins among the dependencies of the application. Default: true. */
  discovery: optional(boolean()),
  /** A configuration file to read instead of looking for one; false for none. Default: the nearest one. */
  config: optional(either([nonEmpty('the path'), exactly(false)], 'expected a path, or false')),
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

/** The stream checks it itself: it may be an object. */
const { destination: _, ...otherDestinationEntries } = destinationEntries

const streamShape = object({
  ...lineEntries,
  ...prettyEntries,
  ...otherDestinationEntries,
})

/** The options of the transport: plain data, since they travel to a worker. */
export type TransportOptions = DeepReadonly<Omit<TypeOf<typeof transportShape>, 'sets'>> & {
  /** Event sets of the application's own. */
  readonly sets?: readonly EventSet[] | undefined
}

/** What an application gives to its transport beside the options in code. */
export interface Surroundings {
  /** The sets that were found. Those of the options join them. */
  readonly registry: EventSetRegistry
  /** Options of the configuration, which the options in code go before. */
  readonly defaults: ConfiguredOptions
}

export interface ParsedTransportOptions {
  readonly options: TransportOptions
  /** The options that the configuration says, and not the code. */
  readonly configured: ReadonlySet<string>
  /** What keeps a set of the options from its place although nothing is wrong with the options themselves. */
  readonly problems: readonly Problem[]
}

/**
 * Checks the options of the transport, and registers the sets among them.
 *
 * @throws ValidationError that names every wrong option. Its message stands alone: a worker hands over little else.
 */
export function parseTransportOptions(
  input: unknown,
  { registry, defaults }: Surroundings = { registry: createRegistry(), defaults: {} },
): ParsedTransportOptions {
  // thread-stream and pino add these to what the user wrote; `levels` are those of a logger with custom ones.
  const { $context, pinoWillSendConfig, levels, ...given } = (input ?? {}) as Record<string, unknown>
  const isSingleTarget = $context !== undefined
  const ofLogger = isPlainObject(levels)
    ? { customLevels: { ...STANDARD_LEVELS, ...(levels as Record<string, number>) } }
    : {}
  const isGiven = (key: string) => given[key] !== undefined
  const known = Object.entries(defaults).filter(([key]) => !isGiven(key))
  const all: Record<string, unknown> = { ...ofLogger, ...given, ...Object.fromEntries(known) }
  // In a pipeline the logger's levels come later, so an unknown name may yet be one of them.
  const ofLevel = isSingleTarget ? findLevelIssues(all as LineOptions) : []
  // What is wrong with the configuration does not keep an application from starting.
  const isLevelConfigured = ofLevel.length > 0 && !isGiven('minimumLevel')
  if (isLevelConfigured) delete all.minimumLevel
  const issues = isLevelConfigured ? [] : ofLevel
  // Most have none, and need not wait for them to be checked.
  const { sets, issues: ofSets, problems } = isGiven('sets') ? registerSets(given, registry) : NO_SETS
  issues.push(...checkOptions('transport', transportShape, given), ...ofSets)
  if (issues.length > 0) throw invalidOptions('The options of the eventsets transport are', issues)
  // The shape has just been checked, so the cast only puts its result into words.
  return {
    options: { ...(all as TransportOptions), ...(isGiven('sets') ? { sets } : {}) },
    configured: new Set(known.map(([key]) => key)),
    problems: isLevelConfigured ? [...problems, configurationProblem(ofLevel)] : problems,
  }
}

/** The same for the in-process stream; `own` are the options that only it has and checks itself. */
export function parseStreamOptions(
  input: unknown,
  own: readonly string[],
  issues: readonly Issue[],
): TransportOptions {
  const given = { ...(input as object) }
  const all = [...issues, ...checkOptions('stream', streamShape, given, own)]
  if (all.length > 0) throw invalidOptions('The options of eventsetsStream are', all)
  // The shape has just been checked, so the cast only puts its result into words.
  return given as TransportOptions
}

function invalidOptions(subject: string, issues: readonly Issue[]): ValidationError {
  return new ValidationError(subject, issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
}

/** Options of the transport that the stream has something else for. */
const STREAM_INSTEAD = new Map(
  ['discovery', 'config'].map((name) => [name, '; call discoverEventSets() of eventsets first']),
)

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
  ['plugins', '; name them under "plugins" in a configuration file, such as eventsets.config.json'],
  ['exclude', '; write it into a configuration file, such as eventsets.config.json'],
  ['cwd', '; name the configuration file with "config"'],
])

function checkOptions(
  where: 'transport' | 'stream',
  shape: typeof transportShape | typeof streamShape,
  given: Record<string, unknown>,
  alsoKnown: readonly string[] = [],
): Issue[] {
  const known = [...new Set([...Object.keys(shape.entries), ...alsoKnown])]
  const helpFor = (path: string) =>
    OTHER_NAMES.get(path) ?? (didYouMean(path, known) || `; known are ${known.sort().join(', ')}`)
  return findShapeIssues(shape, given).flatMap((issue) => {
    if (issue.code !== 'unknown_key') return [issue]
    if (alsoKnown.includes(issue.path)) return []
    const ofTransport = where === 'stream' && STREAM_INSTEAD.get(issue.path)
    return [{ ...issue, message: `is not a known option${ofTransport || helpFor(issue.path)}` }]
  })
}

interface RegisteredSets {
  readonly sets: readonly EventSet[]
  readonly issues: readonly Issue[]
  readonly problems: readonly Problem[]
}

const NO_SETS: RegisteredSets = { sets: [], issues: [], problems: [] }

/** The option `sets`, and everything that is wrong with it: in the sets themselves, their names, their links. */
function registerSets(
  { sets: candidates, override }: Record<string, unknown>,
  registry: EventSetRegistry,
): RegisteredSets {
  const issues: Issue[] = []
  const problems: Problem[] = []
  const indices = new Map<EventSet, number>()
  const add = (index: number, found: readonly Issue[]) => {
    for (const issue of found)
      issues.push({ ...issue, path: joinPaths(formatPath(['sets', index]), issue.path) })
  }
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
    else if (!(error instanceof AlreadyExistsError)) throw error
    else if (isFromElsewhere(registry.getSource(set.name))) problems.push(nameTaken(error))
    else {
      const message = `an event set ${JSON.stringify(set.name)} is there already; give this one another name, or set the option "override" to true`
      add(index, [{ path: 'name', code: 'duplicate_name', message }])
    }
  }
  return { sets, issues, problems }
}

/** Whether a set comes from a plugin or the configuration. Installing one must not keep an application from starting. */
function isFromElsewhere({ kind }: EventSetSource): boolean {
  return kind !== 'built-in' && kind !== 'code'
}

/** What is wrong with an option that the configuration gives, and that only the transport can judge. */
export function configurationProblem(issues: readonly Issue[], reason?: string): Problem {
  const list = issues.map((issue) => `\n  ${formatIssue(issue)}`).join('')
  return {
    code: 'EVENTSETS_INVALID_CONFIGURATION',
    step: 'validate',
    package: undefined,
    version: undefined,
    file: undefined,
    message: `In the configuration of eventsets: ${reason ?? `an option is not valid, and left out:${list}`}`,
    hint: undefined,
    issues,
  }
}

function nameTaken(error: AlreadyExistsError): Problem {
  return {
    code: 'EVENTSETS_ALREADY_EXISTS',
    step: 'register',
    package: undefined,
    version: undefined,
    file: undefined,
    message: `In the option "sets" of the transport: ${error.message}`,
    hint: 'Give this one another name, set the option "override" to true, or leave the plugin out with "exclude".',
    issues: [],
  }
}

function joinPaths(outer: string, inner: string): string {
  return inner === '' || inner.startsWith('[') ? outer + inner : `${outer}.${inner}`
}
