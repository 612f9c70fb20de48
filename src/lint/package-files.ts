import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Problem } from '../core/problem.ts'
import { isPlainObject } from '../core/shape.ts'
import { isInside, LIMITS, matchFiles } from '../discovery/matched-files.ts'
import { type PluginOrigin, shortPath } from '../discovery/origin.ts'
import { MOST_OF_PLUGIN, SetBudget } from '../discovery/set-budget.ts'
import type { Candidate } from './candidate.ts'
import { createFinding, type Finding, type Subject, toFinding } from './finding.ts'
import { lintCandidates } from './lint-candidates.ts'
import { builtInNeighbours } from './lint-set.ts'
import type { Path } from './path.ts'
import { wordProblem } from './problem-text.ts'
import { quote } from './quote.ts'
import type { Spot } from './rule.ts'
import {
  moduleNotFound,
  noSetFiles,
  overLimit,
  pathOutsidePackage,
  setNotPacked,
  unreadableFile,
} from './rules/set-files.ts'
import type { KnownRule } from './rules.ts'
import { readSetSource } from './source-file.ts'

/** A package whose files are checked. */
export interface CheckedPackage {
  readonly plugin: PluginOrigin
  /** Its package.json, for the findings. */
  readonly subject: Subject
  /** What npm would publish; `undefined` where that is not asked. */
  readonly packed: ReadonlySet<string> | undefined
}

/** The files that the key `eventsets` of a package leads to, and the sets in them. */
export async function checkPackageFiles(
  checked: CheckedPackage,
  eventsets: unknown,
): Promise<{ readonly findings: readonly Finding[]; readonly files: readonly string[] }> {
  if (!isPlainObject(eventsets)) return { findings: [], files: [] }
  const { plugin, subject, packed } = checked
  const { sets, module } = eventsets
  const { matched, findings } = await matchSets(checked, Array.isArray(sets) ? sets : [])
  const candidates: Candidate[] = []
  // What discovery would not read is not judged: whoever has made it may want that to take for ever.
  const budget = new SetBudget(MOST_OF_PLUGIN)
  for (const [file, path] of matched) {
    const shortName = shortPath(plugin, file)
    if (!budget.hasRoom(shortName)) continue
    const { document, failure, set, bytes } = readSetSource(file, shortName)
    budget.countFile(bytes)
    if (set !== undefined && !budget.takeSet(set, shortName)) continue
    if (failure === undefined) {
      const source = { kind: 'package', package: plugin.package, version: plugin.version, file } as const
      candidates.push({ value: document.value, source, document })
      if (packed?.has(shortName) === false)
        findings.push(toFinding(setNotPacked, subject, wordNotPacked(path, shortName)))
    } else {
      const { rule, message, hint } = failure
      const about = { file, set: undefined, package: plugin.package, document: undefined }
      findings.push(createFinding(rule, about, { path: '', position: undefined, message, hint }))
    }
  }
  const leftOut = budget.describeLeftOut()
  if (leftOut !== undefined) {
    const message = `a plugin brings at most ${budget.describeLimits()}; ${leftOut}`
    findings.push(toFinding(overLimit, subject, { path: ['eventsets', 'sets'], message, hint: SPLIT }))
  }
  const ofModule = typeof module === 'string' ? checkModule(checked, module) : undefined
  const ofSets = lintCandidates(candidates, { beside: builtInNeighbours, isOwn: () => true })
  return { findings: [...findings, ...(ofModule ? [ofModule] : []), ...ofSets], files: [...matched.keys()] }
}

/** The files of each pattern, with the place of the first pattern that leads there. */
async function matchSets({ plugin, subject }: CheckedPackage, sets: readonly unknown[]) {
  const findings: Finding[] = []
  const matched = new Map<string, Path>()
  const tell = (problem: Problem, path: Path) => {
    const rule = RULES[problem.code] ?? unreadableFile
    // Discovery sends people to lint, and that is here.
    const hint = rule === noSetFiles ? 'Paths begin at the folder of package.json.' : problem.hint
    findings.push(toFinding(rule, subject, { path, message: wordProblem(problem), hint }))
  }
  // Of all at once, since there are limits for all together.
  const { files, problems } = await matchFiles(
    plugin,
    sets.filter((pattern) => typeof pattern === 'string'),
  )
  for (const problem of problems) {
    if (problem.code === 'EVENTSETS_PLUGIN_LIMIT') tell(problem, ['eventsets', 'sets'])
  }
  for (const [index, pattern] of sets.slice(0, LIMITS.patterns).entries()) {
    if (typeof pattern !== 'string') continue
    const path = ['eventsets', 'sets', index]
    const ofPattern = await matchFiles(plugin, [pattern])
    for (const problem of ofPattern.problems) {
      if (problem.code !== 'EVENTSETS_PLUGIN_LIMIT') tell(problem, path)
    }
    for (const file of ofPattern.files) {
      if (!matched.has(file) && files.includes(file)) matched.set(file, path)
    }
  }
  return { matched, findings }
}

const RULES: { readonly [code in Problem['code']]?: KnownRule } = {
  EVENTSETS_PLUGIN_LIMIT: overLimit,
  EVENTSETS_PLUGIN_NO_FILES: noSetFiles,
  EVENTSETS_PLUGIN_PATH: pathOutsidePackage,
  EVENTSETS_PLUGIN_READ: unreadableFile,
}

const SPLIT = 'Bring fewer sets, or smaller ones, or make several plugins of it.'

function wordNotPacked(path: Path, name: string): Spot {
  return {
    path,
    message: `${quote(name)} would not be in the published package`,
    hint: `Add ${quote(name.split('/')[0] ?? name)} to "files", or take it out of .npmignore.`,
  }
}

/** The file that an application imports. It is looked at from outside only. */
function checkModule({ plugin, subject, packed }: CheckedPackage, module: string): Finding | undefined {
  const file = join(plugin.folder, module)
  const tell = (rule: KnownRule, reason: string, hint: string) =>
    toFinding(rule, subject, {
      path: ['eventsets', 'module'],
      message: `the module ${quote(module)} ${reason}`,
      hint,
    })
  if (!isInside(file, plugin.folder))
    return tell(pathOutsidePackage, 'leads out of the package', 'Write a path inside the package.')
  if (!isFile(file)) return tell(moduleNotFound, 'is not there', 'Is it made by a build that has not run?')
  if (packed?.has(shortPath(plugin, file)) !== false) return undefined
  return tell(moduleNotFound, 'would not be in the published package', 'Add it to "files" in package.json.')
}

function isFile(file: string): boolean {
  try {
    return statSync(file).isFile()
  } catch {
    return false
  }
}
