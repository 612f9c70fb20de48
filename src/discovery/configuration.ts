import { existsSync, readdirSync } from 'node:fs'
import { dirname, extname, join, resolve } from 'node:path'
import type { Issue } from '../core/issue.ts'
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
import { destinationEntries, lineEntries, prettyEntries } from './line-options.ts'
import { manifestShape } from './manifest.ts'
import { type ApplicationOrigin, problemOf } from './origin.ts'
import type { Project } from './packages.ts'

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
  if (!isPlainObject(value)) {
    const message = 'expected an object'
    issues.push({ path: '', code: 'type', message })
  } else {
    for (const [key, setting] of Object.entries(value)) {
      const entry = Object.hasOwn(entries, key) ? entries[key] : undefined
      const before = issues.length
      if (entry) entry.check(setting, [key], (issue) => issues.push(issue))
      else {
        const help = didYouMean(key, Object.keys(entries)) || `; known are ${Object.keys(entries).join(', ')}`
        issues.push({ path: key, code: 'unknown_key', message: `is not a known key${help}` })
      }
      if (issues.length === before) settings[key] = setting
    }
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
const PLACES = [
  '.eventsetsrc',
  ...['json', 'yaml', 'yml', 'js', 'mjs', 'cjs'].map((ending) => `.eventsetsrc.${ending}`),
  ...['json', 'yaml', 'yml', 'js', 'mjs', 'cjs', 'ts', 'mts', 'cts'].map(
    (ending) => `eventsets.config.${ending}`,
  ),
]

const CODE_ENDINGS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts']

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
  if (found === undefined) return undefined
  const origin: ApplicationOrigin = { kind: 'application', folder: dirname(found), file: found }
  const fail = (step: 'read' | 'import', reason: string, hint?: string) =>
    void problems.push(problemOf(origin, { code: 'EVENTSETS_INVALID_CONFIGURATION', step, reason, hint }))
  if (!existsSync(found)) return fail('read', 'there is no such file', 'Check the path of the configuration.')
  if (CODE_ENDINGS.includes(extname(found)) && asked === undefined && !isTrusted(found))
    return fail('import', ...NOT_TRUSTED)
  if (/\.[cm]?ts$/.test(found) && !canImportTypeScript()) {
    const reason = 'this version of Node cannot load TypeScript'
    return fail('import', reason, 'Write eventsets.config.mjs, or use Node 22.18 or later.')
  }
  try {
    const { cosmiconfig } = await import('cosmiconfig')
    const importCode = async (path: string) => {
      const { importModule } = await import('./code-module.ts')
      const { exports, failure } = await importModule(path, 'the module', importTimeoutMs)
      if (failure) throw new Error(failure.reason)
      if (exports.default === undefined) throw new Error('it has no default export')
      return exports.default
    }
    const explorer = cosmiconfig('eventsets', {
      searchPlaces: [...PLACES],
      loaders: Object.fromEntries(CODE_ENDINGS.map((ending) => [ending, importCode])),
    })
    const loaded = await explorer.load(found)
    if (!loaded) return undefined
    return { path: loaded.filepath, value: loaded.isEmpty ? {} : loaded.config }
  } catch (error) {
    return fail('read', `the configuration cannot be read: ${(error as Error).message}`)
  }
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
