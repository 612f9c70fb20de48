import { existsSync, readdirSync } from 'node:fs'
import { dirname, extname, join, resolve } from 'node:path'
import type { Issue } from '../core/issue.ts'
import { didYouMean } from '../core/nearest.ts'
import type { Problem, ProblemStep } from '../core/problem.ts'
import {
  boolean,
  custom,
  type DeepReadonly,
  isPlainObject,
  list,
  nonEmpty,
  object,
  optional,
  type Shape,
  type TypeOf,
  text,
} from '../core/shape.ts'
import { importModule } from './code-module.ts'
import { destinationEntries, lineEntries, prettyEntries } from './line-options.ts'
import { manifestShape } from './manifest.ts'
import { type ApplicationOrigin, type ProblemDetail, problemOf } from './origin.ts'
import type { Project } from './packages.ts'
import { MAX_SET_FILE_BYTES, parseJson, readTextFile } from './set-file.ts'
import { describeThrown } from './thrown.ts'

const setOrPattern = custom<string | object>(
  (input) => (typeof input === 'string' && input !== '') || isPlainObject(input),
  () => 'expected a path, a glob, or an event set',
  { type: ['string', 'object'] },
)

/** What a configuration says beside the options of the transport. */
const ownEntries = {
  /** Event sets of the application: paths and globs from the folder of the configuration, or sets as they are. */
  sets: optional(list(setOrPattern)),
  /** Packages and files whose code may run: modules that export sets with functions. Data is taken from them too. */
  plugins: optional(list(nonEmpty('the name of a package, or a path'))),
  /** Names of packages and of sets that are left out; `*` stands for any text. */
  exclude: optional(list(nonEmpty('the name of a package or of a set'))),
  /** Look for plugins among the dependencies. Default: true. */
  discovery: optional(boolean()),
  /** A configured set replaces a built-in one, or one of a plugin, of its name; otherwise that is a problem. Default: false. */
  override: optional(boolean()),
}

const optionsShape = object({ ...lineEntries, ...prettyEntries, ...destinationEntries })

/** What a configuration says about how lines are read and written: defaults for the options of the transport. */
export type ConfiguredOptions = DeepReadonly<TypeOf<typeof optionsShape>>

const configurationEntries: { readonly [key: string]: Shape<unknown> } = {
  $schema: optional(text()),
  ...ownEntries,
  ...optionsShape.entries,
}

export const configurationKeys: readonly string[] = Object.keys(configurationEntries)

/** In a package.json the key is a plugin's manifest too. */
const packageJsonEntries = { ...configurationEntries, ...manifestShape.entries, sets: ownEntries.sets }

/** Sets that the application brings itself, and where it says so. */
export interface ConfiguredSets {
  readonly origin: ApplicationOrigin
  readonly patterns: readonly string[]
  /** Sets that stand in the configuration, not checked yet. */
  readonly inline: readonly unknown[]
  /** Names of packages, and paths. */
  readonly plugins: readonly string[]
}

export interface Configuration {
  /** In the order of precedence: what is said in package.json, then what is said in a file of its own. */
  readonly parts: readonly ConfiguredSets[]
  readonly exclude: readonly string[]
  readonly discovery: boolean
  readonly override: boolean
  readonly options: ConfiguredOptions
  readonly problems: readonly Problem[]
}

export interface LoadConfigurationOptions {
  readonly cwd: string
  readonly project: Project | undefined
  /** A file to read instead of looking for one; false for none at all. */
  readonly config: string | false | undefined
  readonly importTimeoutMs: number
  /** Whether code may run because a file says so. */
  readonly isTrusted: (file: string) => boolean
}

/**
 * What the application's package.json says under `eventsets`, and what a file such as `eventsets.config.json` says.
 * Lists of both are joined; elsewhere the file's word counts. What is wrong becomes problems, and the rest applies.
 */
export async function loadConfiguration(options: LoadConfigurationOptions): Promise<Configuration> {
  const { project, config } = options
  const problems: Problem[] = []
  const parts: Part[] = []
  if (config !== false && project?.manifest.eventsets !== undefined)
    parts.push(checkPart(project.manifest.eventsets, project.file, packageJsonEntries, problems))
  const file = await readConfigurationFile(options, problems)
  if (file) parts.push(checkPart(file.value, file.path, configurationEntries, problems))

  const settings = Object.assign({}, ...parts.map((part) => part.settings)) as TypeOf<
    ReturnType<typeof object<typeof ownEntries>>
  >
  const { sets: _, plugins: __, exclude: ___, discovery = true, override = false, ...rest } = settings
  return {
    parts: parts.map(({ origin, settings: { sets = [], plugins = [] } }) => ({
      origin,
      patterns: sets.filter((entry) => typeof entry === 'string'),
      inline: sets.filter((entry) => typeof entry !== 'string'),
      plugins,
    })),
    exclude: parts.flatMap((part) => part.settings.exclude ?? []),
    discovery,
    override,
    options: Object.fromEntries(
      Object.entries(rest).filter(([key]) => Object.hasOwn(optionsShape.entries, key)),
    ),
    problems,
  }
}

interface Part {
  readonly origin: ApplicationOrigin
  readonly settings: Partial<DeepReadonly<TypeOf<ReturnType<typeof object<typeof ownEntries>>>>>
}

/** The keys that are as they should be. The others become one problem. */
function checkPart(
  value: unknown,
  file: string,
  entries: { readonly [key: string]: Shape<unknown> },
  problems: Problem[],
): Part {
  const origin: ApplicationOrigin = { kind: 'application', folder: dirname(file), file }
  const issues: Issue[] = []
  const settings: Record<string, unknown> = {}
  const refuse = (message: string) => issues.push({ path: '', code: 'type', message })
  try {
    // A promise or a Map would pass for an object that says nothing.
    const isObject = Object.prototype.toString.call(value) === '[object Object]'
    if (!isObject) refuse('expected an object')
    for (const [key, setting] of isObject ? Object.entries(value as object) : []) {
      // In code, what is not wanted may be there and undefined.
      if (setting === undefined) continue
      const entry = Object.hasOwn(entries, key) ? entries[key] : undefined
      const before = issues.length
      if (entry) entry.check(setting, [key], (issue) => issues.push(issue))
      else {
        const help = didYouMean(key, Object.keys(entries)) || `; known are ${Object.keys(entries).join(', ')}`
        issues.push({ path: key, code: 'unknown_key', message: `is not a known key${help}` })
      }
      if (issues.length === before) settings[key] = Array.isArray(setting) ? [...setting] : setting
    }
  } catch (error) {
    // A module may export an object with getters, or a proxy.
    refuse(`cannot be read: ${describeThrown(error)}`)
  }
  if (issues.length > 0) {
    const reason = 'the configuration is not valid'
    problems.push(
      problemOf(origin, { code: 'EVENTSETS_INVALID_CONFIGURATION', step: 'validate', reason, issues }),
    )
  }
  return { origin, settings }
}

/** Where a configuration may stand, in the order of precedence. */
export const PLACES: readonly string[] = [
  '.eventsetsrc',
  ...['json', 'yaml', 'yml', 'js', 'mjs', 'cjs'].map((ending) => `.eventsetsrc.${ending}`),
  ...['json', 'yaml', 'yml', 'js', 'mjs', 'cjs', 'ts', 'mts', 'cts'].map(
    (ending) => `eventsets.config.${ending}`,
  ),
]

const CODE_ENDINGS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts']

/** JSON is YAML too, so a file without an ending may hold either. */
const YAML_ENDINGS = ['.yaml', '.yml', '']

/** What the file is called in messages, which begin with its path. */
const CONFIGURATION = 'the configuration'

/** Why code of a file that belongs to somebody else does not run, and what to do. */
export const NOT_TRUSTED = [
  'it belongs to another user, so that code is not run because of it',
  'Name it with --config if you trust it.',
] as const

interface ConfigurationFile {
  readonly path: string
  readonly value: unknown
}

/** The file that was asked for, or the nearest one from the working directory up to the package.json. */
async function readConfigurationFile(
  { cwd, project, config, importTimeoutMs, isTrusted }: LoadConfigurationOptions,
  problems: Problem[],
): Promise<ConfigurationFile | undefined> {
  if (config === false) return undefined
  const asked = config === undefined ? undefined : resolve(cwd, config)
  // Most applications have none, and need not wait for what reads it.
  const found = asked ?? findConfigurationFile(cwd, project?.folder ?? cwd)
  // Its package.json is read anyway.
  if (found === undefined || found === project?.file) return undefined
  const origin: ApplicationOrigin = { kind: 'application', folder: dirname(found), file: found }
  const fail = (step: ProblemStep, reason: string, hint?: string) =>
    void problems.push(problemOf(origin, { code: 'EVENTSETS_INVALID_CONFIGURATION', step, reason, hint }))
  if (!existsSync(found)) return fail('read', 'there is no such file', 'Check the path of the configuration.')
  if (CODE_ENDINGS.includes(extname(found)) && asked === undefined && !isTrusted(found))
    return fail('import', ...NOT_TRUSTED)
  if (/\.[cm]?ts$/.test(found) && !canImportTypeScript()) {
    const reason = 'this version of Node cannot load TypeScript'
    return fail('import', reason, 'Write eventsets.config.mjs, or use Node 22.18 or later.')
  }
  const { value, failure } = await readValue(found, importTimeoutMs)
  return failure ? fail(failure.step, failure.reason, failure.hint) : { path: found, value }
}

type ReadValue =
  | { readonly value: unknown; readonly failure?: undefined }
  | { readonly value?: undefined; readonly failure: Pick<ProblemDetail, 'step' | 'reason' | 'hint'> }

/** What a configuration file says, as its ending tells how to read it. An empty one says nothing. */
async function readValue(file: string, importTimeoutMs: number): Promise<ReadValue> {
  const ending = extname(file)
  if (CODE_ENDINGS.includes(ending)) return await importValue(file, importTimeoutMs)
  if (ending !== '.json' && !YAML_ENDINGS.includes(ending)) {
    const reason = `a configuration is JSON, YAML or a module, and none of them ends in "${ending}"`
    return { failure: { step: 'read', reason, hint: 'Call it eventsets.config.json.' } }
  }
  const { text, failure } = readTextFile(file, CONFIGURATION, { maxBytes: MAX_SET_FILE_BYTES })
  if (failure) return { failure }
  if (text.trim() === '') return { value: {} }
  return ending === '.json' ? parseJson(text, file, CONFIGURATION) : await parseYaml(text, file)
}

async function importValue(file: string, importTimeoutMs: number): Promise<ReadValue> {
  const { exports, failure } = await importModule(file, CONFIGURATION, importTimeoutMs)
  // Its hint is for modules that the configuration names.
  if (failure) return { failure: { ...failure, hint: undefined } }
  if (exports.default !== undefined) return { value: exports.default }
  const hint = 'Export the configuration as default.'
  return { failure: { step: 'import', reason: `${CONFIGURATION} has no default export`, hint } }
}

/**
 * By the parser of cosmiconfig, and not by cosmiconfig itself: that follows `$import` in the file to modules, and looks
 * for a configuration of its own in `.config/config.js`, so a file that is data would have code run. It also takes
 * longer to load than all the rest of discovery, and only YAML is worth that.
 */
async function parseYaml(text: string, file: string): Promise<ReadValue> {
  const { defaultLoaders } = await importPackage<typeof import('cosmiconfig')>('cosmiconfig')
  try {
    const value: unknown = await defaultLoaders['.yaml'](file, text)
    if (hasMoreValuesThan(MAX_VALUES, value)) {
      const reason = `with its aliases written out, ${CONFIGURATION} has more than ${MAX_VALUES} values`
      return { failure: { step: 'parse', reason, hint: 'Put event sets into files of their own.' } }
    }
    // Nothing but comments is nothing.
    return { value: value ?? {} }
  } catch (error) {
    const { reason, mark } = error as { reason?: string; mark?: { line: number; column: number } }
    const place = mark === undefined ? '' : ` (line ${mark.line + 1}, column ${mark.column + 1})`
    const what = reason ?? (error as Error).message
    return { failure: { step: 'parse', reason: `${CONFIGURATION} is not valid YAML: ${what}${place}` } }
  }
}

const MAX_VALUES = 100_000

/** A few lines of YAML can stand for billions of values, or for one that holds itself. */
function hasMoreValuesThan(limit: number, root: unknown): boolean {
  const waiting = [root]
  for (let count = 1; waiting.length > 0; count++) {
    const value = waiting.pop()
    const inner = typeof value === 'object' && value !== null ? Object.values(value) : []
    if (count + waiting.length + inner.length > limit) return true
    for (const each of inner) waiting.push(each)
  }
  return false
}

function canImportTypeScript(): boolean {
  return Boolean((process.features as { typescript?: unknown }).typescript)
}

function findConfigurationFile(from: string, last: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const names = new Set(listFolder(folder))
    const name = PLACES.find((place) => names.has(place))
    if (name !== undefined) return join(folder, name)
    if (folder === last || dirname(folder) === folder) return undefined
  }
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** By a name that bundlers do not see: they would look for all that the package can load, TypeScript among it. */
function importPackage<T>(name: string): Promise<T> {
  return import(name) as Promise<T>
}
