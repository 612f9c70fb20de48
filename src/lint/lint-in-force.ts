import { basename } from 'node:path'
import { parseEventSet } from '../core/event-set.ts'
import { didYouMean } from '../core/nearest.ts'
import type { Problem } from '../core/problem.ts'
import type { Candidate } from './candidate.ts'
import type { Document } from './document.ts'
import { tellFaults } from './faults.ts'
import { createFinding, type Finding, type Subject, sortFindings, toFinding } from './finding.ts'
import { ruleOfIssue, spotOfIssue } from './issues.ts'
import { lintCandidates, type SourcedSet } from './lint-candidates.ts'
import type { Checked } from './lint-package.ts'
import { isOwnSource } from './lint-set.ts'
import { wordProblem } from './problem-text.ts'
import { quote } from './quote.ts'
import {
  invalidConfiguration,
  pluginNotEnabled,
  pluginNotFound,
  pluginNotLoaded,
  unmatchedExclude,
} from './rules/in-force.ts'
import { invalidManifest, noSets, unknownApiVersion } from './rules/manifest.ts'
import { setNameTaken } from './rules/neighbours.ts'
import { noSetFiles, overLimit, pathOutsidePackage, unreadableFile } from './rules/set-files.ts'
import { wrongType } from './rules/shape.ts'
import type { KnownRule } from './rules.ts'
import { readSourceFile } from './source-file.ts'

/** What discovery gives. */
export interface InForce {
  /** In the order of registration, at least those of equal priority. */
  readonly sets: readonly SourcedSet[]
  readonly problems: readonly Problem[]
  /** What the configuration excludes, and nothing is called. */
  readonly unmatchedExcludes?: readonly string[] | undefined
}

/**
 * Checks everything that is in force for an application: what kept plugins and the configuration from working, the
 * application's own sets, and what the sets do to each other. What is wrong within plugins is for their authors.
 */
export function checkInForce({ sets, problems, unmatchedExcludes = [] }: InForce): Checked {
  const candidates = sets.map(({ set, source }): Candidate => {
    const document = 'file' in source ? findDocument(source.file, set) : undefined
    return { value: set, source, document }
  })
  const findings = [
    ...problems.flatMap(tellProblem),
    ...unmatchedExcludes.map((pattern) => tellUnmatched(pattern, sets)),
    ...lintCandidates(candidates, { beside: [], isOwn: isOwnSource }),
  ]
  const files = [
    ...sets.map(({ source }) => ('file' in source ? source.file : undefined)),
    ...problems.map(({ file }) => file),
  ]
  return {
    findings: sortFindings(findings),
    files: [...new Set(files.filter((file) => file !== undefined))],
  }
}

/** Nobody knows which of the places of a configuration says it, so it has none. */
function tellUnmatched(pattern: string, sets: readonly SourcedSet[]): Finding {
  const names = sets.flatMap(({ set, source }) => [
    set.name,
    ...(source.kind === 'package' ? [source.package] : []),
  ])
  const longer = names.find((name) => name.toLowerCase().includes(pattern.toLowerCase()))
  const help = longer === undefined ? didYouMean(pattern, names) : `; did you mean ${JSON.stringify(longer)}?`
  return createFinding(
    unmatchedExclude,
    { file: undefined, set: undefined, package: undefined, document: undefined },
    {
      path: '',
      position: undefined,
      message: `${quote(pattern)} under "exclude" matches no package and no event set${help}`,
      hint: 'Name a package or a set as "eventsets list" shows it, or remove the entry.',
    },
  )
}

/** The text of a set, where its file holds nothing else. It may be a module, or a configuration. */
function findDocument(file: string, set: SourcedSet['set']): Document | undefined {
  const { document } = readSourceFile(file, file)
  if (document?.isWhole !== true) return undefined
  const parsed = parseEventSet(document.value)
  return JSON.stringify(parsed.set) === JSON.stringify(set) ? document : undefined
}

/** A problem as findings: one for each thing that is wrong, at its place where it has one. */
function tellProblem(problem: Problem): Finding[] {
  const { code, file, package: name, hint, issues, step } = problem
  const document = file === undefined ? undefined : readSourceFile(file, file).document
  const isJson = document?.isWhole === true
  const subject: Subject = { file, set: undefined, package: name, document: isJson ? document : undefined }
  if (step === 'parse' && file?.endsWith('.json') && document !== undefined) {
    const faults = tellFaults(document, subject)
    if (faults.length > 0) return faults
  }
  if (code === 'EVENTSETS_ALREADY_EXISTS' && isJson && nameOf(document.value) !== undefined) {
    const spot = { path: ['name'], message: wordProblem(problem), hint }
    return [toFinding(RULES[code], { ...subject, set: nameOf(document.value) }, spot)]
  }
  if (issues.length === 0) {
    const place = { path: '', position: undefined, message: wordProblem(problem), hint }
    return [createFinding(RULES[code], subject, place)]
  }
  const isInManifest = file !== undefined && basename(file) === 'package.json'
  const nameOfSet = isJson ? nameOf(document.value) : undefined
  return issues.map((issue) => {
    const isOfSet = code === 'EVENTSETS_INVALID_EVENT_SET'
    const rule = isOfSet ? ruleOfIssue(issue) : RULES[code]
    const spot = spotOfIssue(issue, isInManifest ? ['eventsets'] : [])
    return toFinding(rule, { ...subject, set: isOfSet ? nameOfSet : undefined }, { ...spot, hint })
  })
}

function nameOf(value: unknown): string | undefined {
  const { name } = (value ?? {}) as { readonly name?: unknown }
  return typeof name === 'string' ? name : undefined
}

const RULES: { readonly [code in Problem['code']]: KnownRule } = {
  EVENTSETS_ALREADY_EXISTS: setNameTaken,
  // It has issues, each with a rule of its own.
  EVENTSETS_INVALID_EVENT_SET: wrongType,
  EVENTSETS_INVALID_CONFIGURATION: invalidConfiguration,
  EVENTSETS_LISTENER: pluginNotLoaded,
  EVENTSETS_NOT_TRUSTED: invalidConfiguration,
  EVENTSETS_PLUGIN_API_VERSION: unknownApiVersion,
  EVENTSETS_PLUGIN_CODE: pluginNotLoaded,
  EVENTSETS_PLUGIN_EXIT: pluginNotLoaded,
  EVENTSETS_PLUGIN_LIMIT: overLimit,
  EVENTSETS_PLUGIN_MANIFEST: invalidManifest,
  EVENTSETS_PLUGIN_NO_FILES: noSetFiles,
  EVENTSETS_PLUGIN_NO_SETS: noSets,
  EVENTSETS_PLUGIN_NOT_ENABLED: pluginNotEnabled,
  EVENTSETS_PLUGIN_NOT_FOUND: pluginNotFound,
  EVENTSETS_PLUGIN_PATH: pathOutsidePackage,
  EVENTSETS_PLUGIN_READ: unreadableFile,
  EVENTSETS_PLUGIN_TIMEOUT: pluginNotLoaded,
}
