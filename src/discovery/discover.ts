import { resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ValidationError } from '../core/errors.ts'
import type { EventSet } from '../core/event-set.ts'
import { matchesGlob } from '../core/glob.ts'
import type { Problem } from '../core/problem.ts'
import { registerEventSets } from '../core/register-sets.ts'
import type { EventSetRegistry } from '../core/registry.ts'
import { type EventSetSource, formatSource, isSameSource } from '../core/source.ts'
import { builtInSets } from './built-in-sets.ts'
import { type CodeLoader, createCodeLoader } from './code-module.ts'
import { type Configuration, type ConfiguredOptions, loadConfiguration, notTrusted } from './configuration.ts'
import { readConfiguredPlugin } from './configured-plugin.ts'
import { askedConfiguration, isDiscoveryOff } from './environment.ts'
import { checkSets, type FoundSet, type FoundSets, joinFound, readSetFiles } from './found-set.ts'
import { problemOf } from './origin.ts'
import {
  dependencyNames,
  type FoundProject,
  findPackage,
  findProject,
  isPnpInactive,
  type Project,
  splitRequest,
} from './packages.ts'
import { readPlugin } from './plugin.ts'
import { getRegistry } from './process-registry.ts'
import { MOST_OF_PLUGINS, SetBudget } from './set-budget.ts'
import { reasonOf } from './set-file.ts'
import { createTrust, type Role, type Trust } from './trust.ts'

/** How long a module may take to load. */
const IMPORT_TIMEOUT_MS = 5000

export interface DiscoverOptions {
  /**
   * Where the application is: its package.json is the nearest one from here upward. The working directory unless given,
   * or, where there is none, the folder whose node_modules holds eventsets.
   */
  readonly cwd?: string | undefined
  /** The registry to fill. The one of the process unless given. */
  readonly registry?: EventSetRegistry | undefined
  /** False: no plugins are looked for. Unless given, the configuration says; with EVENTSETS_NO_DISCOVERY none are, whatever is given. */
  readonly discovery?: boolean | undefined
  /** A configuration file to read instead of looking for one; false for none. Unless given, EVENTSETS_CONFIG says. */
  readonly config?: string | false | undefined
  /** How long a module named under `plugins` may take to load, in milliseconds. 5000 unless given. */
  readonly importTimeoutMs?: number | undefined
}

export interface DiscoveredSet {
  readonly set: EventSet
  readonly source: EventSetSource
}

export interface Discovery {
  /** The sets that were found and are now registered, in the order of registration. */
  readonly sets: readonly DiscoveredSet[]
  /** What went wrong. A problem never keeps the other sets from loading. */
  readonly problems: readonly Problem[]
  /** The options that the configuration gives to the transport, the stream and the command. */
  readonly options: ConfiguredOptions
  /** The package.json whose dependencies were looked at, if there is one. */
  readonly project: string | undefined
  /** What the configuration excludes, and nothing was called. Empty where no plugins were looked for. */
  readonly unmatchedExcludes: readonly string[]
}

export interface FindOptions extends DiscoverOptions {
  /** Whose files count. Those of an application unless given. */
  readonly role?: Role | undefined
}

export interface FoundSurroundings extends Discovery {
  /** What has loaded code that a configuration names. A reader closes it when the work is done. */
  readonly loader: CodeLoader
}

/**
 * Finds event sets and registers those that the registry does not have yet: the built-in ones, those of the plugins
 * among the application's dependencies, and those of its configuration. Never rejects.
 *
 * No code of a plugin runs, unless the configuration names it under `plugins`. Asking twice is harmless: a set that
 * is registered already is left as it is.
 */
export async function discoverEventSets(options: DiscoverOptions = {}): Promise<Discovery> {
  const { loader: _, ...discovery } = await findEventSets(options)
  return discovery
}

/** The same for those who look at the logs of others. */
export async function findEventSets(options: FindOptions): Promise<FoundSurroundings> {
  const { registry = getRegistry(), importTimeoutMs = IMPORT_TIMEOUT_MS, role = 'application' } = options
  const from = options.cwd === undefined ? workingDirectory() : resolve(options.cwd)
  const asked = options.config ?? askedConfiguration(process.env)
  const config = typeof asked === 'string' ? resolve(from, asked) : asked
  const trust = createTrust(role, config || undefined)
  const {
    cwd,
    project,
    problems: ofProject,
  } = locateApplication(from, options.cwd !== undefined, role, trust)
  const loader = createCodeLoader({ role, trust, timeoutMs: importTimeoutMs })
  const configuration = await loadConfiguration({ cwd, project, config, role, trust, loader })
  // Whoever runs the application has the last word.
  const isOn = !isDiscoveryOff(process.env) && (options.discovery ?? configuration.discovery)
  const isExcluded = createFilter(configuration.exclude)

  const discovered = isOn && project ? await readDependencies(project, configuration, isExcluded) : NOTHING
  const configured = await readConfigured(configuration, isExcluded, {
    from: project?.folder ?? cwd,
    role,
    trust,
    loader,
  })
  if (role === 'application') loader.close()
  const builtIn = registerBuiltIn(registry, isExcluded)
  const wanted = {
    discovered: discovered.sets.filter(({ set }) => !isExcluded(set.name)),
    configured: configured.sets.filter(({ set }) => !isExcluded(set.name)),
  }
  const registered = register(registry, wanted, configuration.override)
  const problems = withoutRepeats([
    ...ofProject,
    ...configuration.problems,
    ...discovered.problems,
    ...configured.problems,
    ...registered.problems,
  ])
  for (const problem of problems) registry.reportProblem(problem)
  // A configured set may have taken the place of a built-in one.
  const inForce = builtIn.filter(({ set }) => registry.getEventSet(set.name) === set)
  return {
    sets: [...inForce, ...registered.sets],
    problems,
    options: configuration.options,
    project: project?.file,
    unmatchedExcludes: isOn ? isExcluded.unmatched() : [],
    loader,
  }
}

const NOTHING: FoundSets = { sets: [], problems: [] }

/** A file that is reached in two ways is read twice. */
function withoutRepeats(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [problem.message, problem])).values()]
}

interface Application {
  readonly cwd: string
  readonly project: Project | undefined
  readonly problems: readonly Problem[]
}

/** The package.json of the application that runs here, where there is one that counts. */
export function findApplicationFile(): string | undefined {
  const trust = createTrust('application', undefined)
  return locateApplication(workingDirectory(), false, 'application', trust).project?.file
}

/** A service may be started from anywhere, such as the root of the file system, or a folder that everybody writes to. */
function locateApplication(from: string, isGiven: boolean, role: Role, trust: Trust): Application {
  const open = (cwd: string) => ({ cwd, ...openProject(cwd, findProject(cwd), role, trust) })
  const here = open(from)
  if (isGiven || here.isUsed) return here
  // In a bundle this may be nothing at all.
  const { url } = import.meta as { readonly url?: string }
  if (!url?.startsWith('file:')) return here
  const [home = '', ...inside] = fileURLToPath(url).split(`${sep}node_modules${sep}`)
  if (inside.length === 0) return here
  const there = open(home)
  return { ...there, problems: [...here.problems, ...there.problems] }
}

/** The working directory; the root where it has been removed. */
export function workingDirectory(): string {
  try {
    return process.cwd()
  } catch {
    // It has been removed; there is nothing to be found then.
    return '/'
  }
}

interface OpenedProject {
  readonly project: Project | undefined
  /** Whether there is a package.json that counts, though it may be broken. */
  readonly isUsed: boolean
  readonly problems: readonly Problem[]
}

function openProject(
  cwd: string,
  { project, unreadable }: FoundProject,
  role: Role,
  trust: Trust,
): OpenedProject {
  if (project) {
    const { folder, file, identity } = project
    const flaw = role === 'application' ? trust.findDistrust(file, { identity }) : undefined
    if (flaw === undefined) return { project, isUsed: true, problems: [] }
    const detail = notTrusted(role, flaw)
    return {
      project: undefined,
      isUsed: false,
      problems: [problemOf({ kind: 'application', folder, file }, { ...detail, hint: START_ELSEWHERE })],
    }
  }
  if (!unreadable) return { project, isUsed: false, problems: [] }
  const { file, error } = unreadable
  const problem = problemOf(
    { kind: 'application', folder: cwd, file },
    {
      code: 'EVENTSETS_INVALID_CONFIGURATION',
      step: 'parse',
      reason: `it cannot be read: ${reasonOf(error)}`,
      hint: 'Without it, no plugins are found.',
    },
  )
  return { project: undefined, isUsed: true, problems: [problem] }
}

const START_ELSEWHERE =
  'Start the application in a folder of its own, or let this file and its folders belong to the owner of the application.'

interface IsExcluded {
  (name: string): boolean
  /** The patterns that have not matched anything so far. */
  unmatched(): string[]
}

function createFilter(patterns: readonly string[]): IsExcluded {
  const unmatched = new Set(patterns)
  const isExcluded = (name: string) => {
    const matching = patterns.filter((pattern) => matchesGlob(pattern.toLowerCase(), name.toLowerCase()))
    for (const pattern of matching) unmatched.delete(pattern)
    return matching.length > 0
  }
  return Object.assign(isExcluded, { unmatched: () => [...unmatched] })
}

/** The sets of the plugins that the application depends on, but for those that its configuration names anyway. */
async function readDependencies(
  project: Project,
  { parts }: Configuration,
  isExcluded: IsExcluded,
): Promise<FoundSets> {
  if (isPnpInactive(project.folder)) {
    const { folder, file } = project
    const problem = problemOf(
      { kind: 'application', folder, file },
      {
        code: 'EVENTSETS_PLUGIN_NOT_FOUND',
        step: 'locate',
        reason:
          "its packages are installed with Yarn Plug'n'Play, which is not active, so no plugins are found",
        hint: 'Start it through Yarn: "yarn node app.js", "yarn eventsets".',
      },
    )
    return { sets: [], problems: [problem] }
  }
  const named = new Set(parts.flatMap(({ plugins }) => plugins.map((entry) => splitRequest(entry).name)))
  const folders = new Set<string>()
  const found: FoundSets[] = []
  const budget = new SetBudget(MOST_OF_PLUGINS)
  for (const name of dependencyNames(project)) {
    if (named.has(name) || isExcluded(name)) continue
    if (budget.isTimeOver) {
      budget.leaveOut(name)
      continue
    }
    const installed = findPackage(name, project.folder)
    // Not installed: a development dependency in production, or an optional one.
    if (installed) found.push(await readPlugin(name, installed, folders, budget))
  }
  const { sets, problems } = joinFound(found)
  return { sets, problems: [...firstProblems(project, problems), ...tooMuch(project, budget)] }
}

/** What all plugins together bring beyond what is read. */
function tooMuch({ folder, file }: Project, budget: SetBudget): Problem[] {
  const leftOut = budget.describeLeftOut()
  if (leftOut === undefined) return []
  const reason = `its plugins bring more than is read (${budget.describeLimits()}); ${leftOut}`
  const hint = 'Leave out plugins that you do not need: name them under "exclude" in your configuration.'
  return [
    problemOf(
      { kind: 'application', folder, file },
      { code: 'EVENTSETS_PLUGIN_LIMIT', step: 'read', reason, hint },
    ),
  ]
}

/** A thousand broken plugins are told of once, and not for pages. */
function firstProblems({ folder, file }: Project, problems: readonly Problem[]): readonly Problem[] {
  const more = problems.length - MOST_PROBLEMS
  if (more <= 0) return problems
  const reason = `${more} more problems with its plugins are not told`
  const hint = 'Mend the first ones, or leave the plugins out with "exclude".'
  return [
    ...problems.slice(0, MOST_PROBLEMS),
    problemOf(
      { kind: 'application', folder, file },
      { code: 'EVENTSETS_PLUGIN_LIMIT', step: 'validate', reason, hint },
    ),
  ]
}

const MOST_PROBLEMS = 200

interface PluginSetting {
  /** Where packages are looked for. */
  readonly from: string
  readonly role: Role
  readonly trust: Trust
  readonly loader: CodeLoader
}

/** The sets that the application brings itself, and those of the plugins that it names. */
async function readConfigured(
  { parts }: Configuration,
  isExcluded: IsExcluded,
  { from, role, trust, loader }: PluginSetting,
): Promise<FoundSets> {
  const found: FoundSets[] = []
  for (const { origin, identity, patterns, inline, plugins } of parts) {
    found.push(await readSetFiles(origin, patterns))
    const nameOf = (index: number) => `inline set ${index + 1} of "sets"`
    found.push(checkSets(origin, inline, { kind: 'configuration', file: origin.file }, nameOf))
    const wanted = plugins.filter((entry) => !isExcluded(entry) && !isExcluded(splitRequest(entry).name))
    if (wanted.length === 0) continue
    const flaw = trust.findDistrust(origin.file, { identity })
    if (flaw !== undefined) {
      found.push({ sets: [], problems: [problemOf(origin, notTrusted(role, flaw))] })
      continue
    }
    const read = (entry: string) => readConfiguredPlugin(entry, origin, from, loader)
    // At once: each of them may take as long as the limit allows.
    found.push(...(await Promise.all(wanted.map(read))))
  }
  return joinFound(found)
}

function registerBuiltIn(registry: EventSetRegistry, isExcluded: IsExcluded): DiscoveredSet[] {
  const source: EventSetSource = { kind: 'built-in' }
  return builtInSets.flatMap((set) => {
    const { name } = set
    const isMine = registry.hasEventSet(name) && registry.getEventSet(name) === set
    if (isExcluded(name)) {
      if (isMine) registry.removeEventSet(name)
      return []
    }
    // A set of the application that has the name of a built-in one has taken its place.
    if (registry.hasEventSet(name)) return isMine ? [{ set, source }] : []
    registry.registerEventSet(set, { source })
    return [{ set, source }]
  })
}

interface Found {
  readonly discovered: readonly FoundSet[]
  readonly configured: readonly FoundSet[]
}

function register(
  registry: EventSetRegistry,
  found: Found,
  override: boolean,
): { readonly sets: readonly DiscoveredSet[]; readonly problems: readonly Problem[] } {
  const { chosen, problems } = choose(found, override)
  const isKnown = ({ set: { name }, source }: FoundSet) =>
    registry.hasEventSet(name) && isSameSource(registry.getSource(name), source)
  const fresh = new Map(chosen.filter((one) => !isKnown(one)).map((one) => [one.set, one]))
  const isFromCode = (name: string) => registry.hasEventSet(name) && registry.getSource(name).kind === 'code'
  const failures = registerEventSets(registry, [...fresh.keys()], (set) => {
    const one = fresh.get(set) as FoundSet
    return {
      source: one.source,
      override: override && found.configured.includes(one) && !isFromCode(set.name),
    }
  })
  const failed = [...failures].map(([set, error]) => {
    const one = fresh.get(set) as FoundSet
    return error instanceof ValidationError
      ? invalidLinks(one, error)
      : nameTaken(one, registry.getSource(set.name), override)
  })
  return {
    sets: chosen
      .filter(({ set }) => !failures.has(set))
      .map(({ set, source }) => ({ set: registry.getEventSet(set.name), source })),
    problems: [...problems, ...failed],
  }
}

/** One set for a name: the first, or the first configured one where those may replace others. */
function choose(
  { discovered, configured }: Found,
  override: boolean,
): { readonly chosen: readonly FoundSet[]; readonly problems: readonly Problem[] } {
  const chosen = new Map<string, FoundSet>()
  const places = new Set<string>()
  const problems: Problem[] = []
  for (const one of [...discovered, ...configured]) {
    const place = placeOf(one)
    // A package or a file that is reached in two ways.
    if (places.has(place)) continue
    places.add(place)
    const { name } = one.set
    const first = chosen.get(name)
    const isReplacing = override && configured.includes(one)
    if (first === undefined || (isReplacing && !configured.includes(first))) chosen.set(name, one)
    else problems.push(nameTaken(one, first.source, override))
  }
  return { chosen: [...chosen.values()], problems }
}

function placeOf({ source, index }: FoundSet): string {
  return `${source.kind === 'configuration' ? 'inline' : 'file'} ${'file' in source ? source.file : ''} ${index}`
}

function invalidLinks({ set, source, origin, place }: FoundSet, { issues }: ValidationError): Problem {
  return problemOf(origin, {
    code: 'EVENTSETS_INVALID_EVENT_SET',
    step: 'register',
    file: 'file' in source ? source.file : undefined,
    reason: `the event set ${JSON.stringify(set.name)} (${place}) is not valid`,
    issues,
  })
}

function nameTaken(
  { set, source, origin, place }: FoundSet,
  owner: EventSetSource,
  override: boolean,
): Problem {
  const isReplaceable = !override && (owner.kind === 'built-in' || owner.kind === 'package')
  const hint =
    origin.kind === 'plugin'
      ? `Leave one of them out: name a package under "exclude" in your configuration.`
      : isReplaceable
        ? 'Give it another name, or set "override" to true in the configuration to replace the other one.'
        : 'Give one of them another name.'
  return problemOf(origin, {
    code: 'EVENTSETS_ALREADY_EXISTS',
    step: 'register',
    file: 'file' in source ? source.file : undefined,
    reason: `${place}: event set ${JSON.stringify(set.name)} is already registered, by ${formatSource(owner)}`,
    hint,
  })
}
