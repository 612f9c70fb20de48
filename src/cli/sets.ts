import { relative, resolve } from 'node:path'
import { AlreadyExistsError, EventsetsError, ValidationError } from '../core/errors.ts'
import { type EventSet, invalidEventSet, parseEventSet } from '../core/event-set.ts'
import type { Problem } from '../core/problem.ts'
import { registerEventSets } from '../core/register-sets.ts'
import type { EventSetRegistry } from '../core/registry.ts'
import { type EventSetSource, formatSource } from '../core/source.ts'
import type { ConfiguredOptions } from '../discovery/configuration.ts'
import { findEventSets, workingDirectory } from '../discovery/discover.ts'
import { oneLine } from '../discovery/origin.ts'
import { createRegistry } from '../discovery/process-registry.ts'
import { readJsonFile } from '../discovery/set-file.ts'
import type { Flags } from './arguments.ts'
import { noteCodeRun } from './ending.ts'

export interface SetsInForce {
  readonly registry: EventSetRegistry
  /** What is wrong with plugins and the configuration. */
  readonly problems: readonly Problem[]
  /** What the configuration says about how lines are read and written. */
  readonly options: ConfiguredOptions
  /** The package.json whose dependencies were looked at, if there is one. */
  readonly project: string | undefined
  /** What the configuration excludes, and nothing was called. */
  readonly unmatchedExcludes: readonly string[]
}

interface SetFile {
  readonly file: string
  readonly set: EventSet
}

/**
 * The sets that are found from the working directory, and those of the given files, which replace others of the same
 * name.
 *
 * @throws EventsetsError naming every file that cannot be read or holds no valid set.
 */
export async function loadSets({ set: paths, discovery, config }: Flags): Promise<SetsInForce> {
  const registry = createRegistry()
  const files = readSetFiles((paths as readonly string[] | undefined) ?? [])
  const { problems, options, project, unmatchedExcludes, loader } = await findEventSets({
    registry,
    cwd: workingDirectory(),
    discovery: discovery === false ? false : undefined,
    config: config as string | false | undefined,
    role: 'reader',
  })
  if (loader.hasRun) noteCodeRun(loader.close)
  registerFiles(registry, files)
  return { registry, problems, options, project, unmatchedExcludes }
}

/** Whether a problem is one of the configuration, and so wrong use. */
export function isConfigurationProblem({ code }: Problem): boolean {
  return code === 'EVENTSETS_INVALID_CONFIGURATION' || code === 'EVENTSETS_NOT_TRUSTED'
}

/** Where a set comes from, in few words: files as they are seen from here. */
export function wordSource(source: EventSetSource): string {
  if (source.kind === 'built-in') return 'built-in'
  if (source.kind === 'package' || source.kind === 'code') return formatSource(source)
  const near = relative(workingDirectory(), source.file)
  return near.startsWith('..') ? source.file : near
}

function readSetFiles(paths: readonly string[]): readonly SetFile[] {
  const errors: EventsetsError[] = []
  const byName = new Map<string, SetFile>()
  for (const file of paths) {
    try {
      const set = readEventSet(file)
      const same = byName.get(set.name)
      if (same) throw nameTaken(set.name, same.file, file)
      byName.set(set.name, { file, set })
    } catch (error) {
      errors.push(error as EventsetsError)
    }
  }
  // Links can only be judged when all sets are there.
  if (errors.length > 0) throw joinErrors(errors)
  return [...byName.values()]
}

function registerFiles(registry: EventSetRegistry, given: readonly SetFile[]): void {
  const files = new Map(given.map(({ set, file }) => [set, file]))
  const failures = registerEventSets(registry, [...files.keys()], (set) => ({
    override: true,
    source: { kind: 'file', file: resolve(files.get(set) as string) },
  }))
  const errors = [...failures].map(([set, error]) =>
    error instanceof ValidationError ? invalidEventSet(set, error.issues, files.get(set)) : error,
  )
  if (errors.length > 0) throw joinErrors(errors)
}

function readEventSet(file: string): EventSet {
  // The user has named it, so it may be large, and a pipe: --set <(jq ...).
  const read = readJsonFile(file, 'it', { maxBytes: Number.POSITIVE_INFINITY, isPipeAllowed: true })
  if (read.failure) {
    // What is wrong with JSON is told with a piece of it.
    const reason = oneLine(read.failure.reason.replace('it cannot be read: ', ''))
    throw new EventsetsError(`cannot read the event set ${JSON.stringify(file)}: ${reason}`, {
      code: 'EVENTSETS_INPUT',
      hint: 'An event set is a JSON file; see eventsets/schema.json for its format.',
    })
  }
  const parsed = parseEventSet(read.value)
  if (parsed.success) return parsed.set
  throw invalidEventSet(read.value, parsed.issues, file)
}

function nameTaken(name: string, first: string, second: string): AlreadyExistsError {
  return new AlreadyExistsError(
    `${JSON.stringify(first)} and ${JSON.stringify(second)} both hold an event set named ${JSON.stringify(name)}.`,
    { existing: name, hint: 'Give one of them another name, or leave one out.' },
  )
}

/** All errors as one, so that everything that is wrong is told at once. */
function joinErrors(errors: readonly EventsetsError[]): EventsetsError {
  const [first] = errors
  if (first && errors.length === 1) return first
  const hints = [...new Set(errors.map(({ hint }) => hint).filter((hint) => hint !== undefined))]
  return new EventsetsError(errors.map(({ message }) => message).join('\n'), {
    code: first?.code ?? 'EVENTSETS_INPUT',
    hint: hints.join('\n'),
    cause: new AggregateError(errors),
  })
}
