import { existsSync, readdirSync } from 'node:fs'
import { dirname, extname, join, resolve } from 'node:path'
import { IssueList, type Report } from '../core/issue.ts'
import { didYouMean } from '../core/nearest.ts'
import type { Problem } from '../core/problem.ts'
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
import type { CodeLoader } from './code-module.ts'
import type { FileIdentity } from './file-text.ts'
import { destinationEntries, lineEntries, prettyEntries } from './line-options.ts'
import { manifestShape } from './manifest.ts'
import { checkOptionValue } from './option-values.ts'
import { type ApplicationOrigin, type ProblemDetail, problemOf } from './origin.ts'
import type { Project } from './packages.ts'
import { MAX_SET_FILE_BYTES, parseJson, readTextFile } from './set-file.ts'
import { describeThrown } from './thrown.ts'
import type { Role, Trust } from './trust.ts'

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
  /** Which file it was that says so, where it was read as text. */
  readonly identity: FileIdentity | undefined
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
  readonly role: Role
  readonly trust: Trust
  readonly loader: CodeLoader
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
    parts.push(checkPart({ ...project, value: project.manifest.eventsets }, packageJsonEntries, problems))
  const found = await readConfigurationFile(options, problems)
  if (found) parts.push(checkPart(found, configurationEntries, problems))

  const settings = Object.assign({}, ...parts.map((part) => part.settings)) as TypeOf<
    ReturnType<typeof object<typeof ownEntries>>
  >
  const { sets: _, plugins: __, exclude: ___, discovery = true, override = false, ...rest } = settings
  return {
    parts: parts.map(({ origin, identity, settings: { sets = [], plugins = [] } }) => ({
      origin,
      identity,
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
  readonly identity: FileIdentity | undefined
  readonly settings: Partial<DeepReadonly<TypeOf<ReturnType<typeof object<typeof ownEntries>>>>>
}

/** The keys that are as they should be. The others become one problem. */
function checkPart(
  { file, identity, value }: ConfigurationFile,
  entries: { readonly [key: string]: Shape<unknown> },
  problems: Problem[],
): Part {
  const origin: ApplicationOrigin = { kind: 'application', folder: dirname(file), file }
  const list = new IssueList()
  const settings: Record<string, unknown> = {}
  const refuse = (message: string) => list.report([], 'type', message)
  try {
    // A promise or a Map would pass for an object that says nothing.
    const isObject = Object.prototype.toString.call(value) === '[object Object]'
    if (!isObject) refuse('expected an object')
    for (const [key, setting] of isObject ? Object.entries(value as object) : []) {
      // In code, what is not wanted may be there and undefined.
      if (setting === undefined) continue
      const entry = Object.hasOwn(entries, key) ? entries[key] : undefined
      let isSound = true
      const report: Report = (path, code, message) => {
        isSound = false
        list.report(path, code, message)
      }
      if (entry) {
        entry.check(setting, [key], report)
        if (isSound) checkOptionValue(key, setting, report)
        if (isSound && setting === '' && NEVER_EMPTY.has(key))
          report([key], 'format', 'must not be empty; leave it out to have the default')
      } else {
        const known = Object.keys(entries)
        report(
          [key],
          'unknown_key',
          () => `is not a known key${didYouMean(key, known) || `; known are ${known.join(', ')}`}`,
        )
      }
      if (isSound) settings[key] = Array.isArray(setting) ? [...setting] : setting
    }
  } catch (error) {
    // A module may export an object with getters, or a proxy.
    refuse(`cannot be read: ${describeThrown(error)}`)
  }
  const issues = list.toIssues()
  if (issues.length > 0) {
    const reason = 'the configuration is not valid'
    problems.push(
      problemOf(origin, { code: 'EVENTSETS_INVALID_CONFIGURATION', step: 'validate', reason, issues }),
    )
  }
  return { origin, identity, settings }
}

/** Texts that say nothing when they are empty, and were meant to say something. An empty `ignore` does: it leaves out nothing. */
const NEVER_EMPTY = new Set(['include', 'levelLabel', 'messageFormat', 'minimumLevel', 'translateTime'])

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

/** Why a configuration does not count, and what to do. */
export function notTrusted(
  role: Role,
  flaw: string,
): Pick<ProblemDetail, 'code' | 'step' | 'reason' | 'hint'> {
  const code = 'EVENTSETS_NOT_TRUSTED'
  if (role === 'reader')
    return {
      code,
      step: 'import',
      reason: `${flaw}, so that code is not run because of it`,
      hint: 'Name it with --config if you trust it.',
    }
  return {
    code,
    step: 'read',
    reason: `${flaw}, so that it does not count`,
    hint: 'Let it and its folders belong to the owner of the application, or name it: with the option "config", or EVENTSETS_CONFIG.',
  }
}

interface ConfigurationFile {
  readonly file: string
  readonly value: unknown
  readonly identity: FileIdentity | undefined
}

/** The file that was asked for, or the nearest one from the working directory up to the package.json. */
async function readConfigurationFile(
  { cwd, project, config, role, trust, loader }: LoadConfigurationOptions,
  problems: Problem[],
): Promise<ConfigurationFile | undefined> {
  if (config === false) return undefined
  const asked = config === undefined ? undefined : resolve(cwd, config)
  // Most applications have none, and need not wait for what reads it.
  const found = asked ?? findConfigurationFile(cwd, project?.folder ?? cwd)
  // Its package.json is read anyway.
  if (found === undefined || found === project?.file) return undefined
  const origin: ApplicationOrigin = { kind: 'application', folder: dirname(found), file: found }
  const fail = (detail: Omit<ProblemDetail, 'code'> & { readonly code?: ProblemDetail['code'] }) =>
    void problems.push(problemOf(origin, { code: 'EVENTSETS_INVALID_CONFIGURATION', ...detail }))
  if (!existsSync(found)) {
    const hint = 'Check the path of the configuration.'
    return fail({ step: 'read', reason: 'there is no such file', hint })
  }
  const isCode = CODE_ENDINGS.includes(extname(found))
  if (isCode) {
    // It is loaded by its path, and so has to be sound before.
    const flaw = trust.findDistrust(found)
    if (flaw !== undefined) return fail(notTrusted(role, flaw))
  }
  if (/\.[cm]?ts$/.test(found) && !canImportTypeScript()) {
    const reason = 'this version of Node cannot load TypeScript'
    const hint = 'Write eventsets.config.mjs, or use Node 22.18 or later.'
    return fail({ step: 'import', reason, hint })
  }
  const { value, identity, failure } = await readValue(found, loader)
  const flaw = role === 'application' && !isCode ? trust.findDistrust(found, { identity }) : undefined
  // What is wrong with it is not told either: that would be more than its author has to say here.
  if (flaw !== undefined) return fail(notTrusted(role, flaw))
  if (failure) return fail({ step: failure.step, reason: failure.reason, hint: failure.hint })
  return { file: found, value, identity }
}

type ReadValue =
  | { readonly value: unknown; readonly identity?: FileIdentity | undefined; readonly failure?: undefined }
  | {
      readonly value?: undefined
      readonly identity?: undefined
      readonly failure: Pick<ProblemDetail, 'step' | 'reason' | 'hint'>
    }

/** What a configuration file says, as its ending tells how to read it. An empty one says nothing. */
async function readValue(file: string, loader: CodeLoader): Promise<ReadValue> {
  const ending = extname(file)
  if (CODE_ENDINGS.includes(ending)) return await importValue(file, loader)
  if (ending !== '.json' && !YAML_ENDINGS.includes(ending)) {
    const reason = `a configuration is JSON, YAML or a module, and none of them ends in "${ending}"`
    return { failure: { step: 'read', reason, hint: 'Call it eventsets.config.json.' } }
  }
  const { text, identity, failure } = readTextFile(file, CONFIGURATION, { maxBytes: MAX_SET_FILE_BYTES })
  if (failure) return { failure }
  if (text.trim() === '') return { value: {}, identity }
  const read = ending === '.json' ? parseJson(text, file, CONFIGURATION) : await parseYaml(text, file)
  return read.failure ? read : { value: read.value, identity }
}

async function importValue(file: string, loader: CodeLoader): Promise<ReadValue> {
  const { exports, failure } = await loader.load(file, CONFIGURATION)
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
