import type { EventSet } from '../core/event-set.ts'
import { parseEventSet } from '../core/event-set.ts'
import type { Issue } from '../core/issue.ts'
import type { Problem } from '../core/problem.ts'
import type { EventSetSource } from '../core/source.ts'
import { matchFiles } from './matched-files.ts'
import { type Origin, problemOf, shortPath, sourceOf } from './origin.ts'
import { MOST_OF_PLUGIN, SetBudget } from './set-budget.ts'
import { readSetFile } from './set-file.ts'
import { findExcess, findInnerExcess, SPLIT } from './set-size.ts'

/** A valid event set that is not registered yet, with what is needed to tell of it. */
export interface FoundSet {
  readonly set: EventSet
  readonly source: EventSetSource
  readonly origin: Origin
  /** What the place of the set is called in messages: `sets/billing.json`. */
  readonly place: string
  /** Which one it is where one file or configuration holds several. */
  readonly index: number
}

export interface FoundSets {
  readonly sets: readonly FoundSet[]
  readonly problems: readonly Problem[]
}

/** The sets in the files that patterns lead to. A plugin brings no more than `whole` has room for, and than one may. */
export async function readSetFiles(
  origin: Origin,
  patterns: readonly string[],
  whole?: SetBudget,
): Promise<FoundSets> {
  const { files, problems: notMatched } = await matchFiles(origin, patterns)
  const sets: FoundSet[] = []
  const problems = [...notMatched]
  const budget = origin.kind === 'plugin' ? new SetBudget(MOST_OF_PLUGIN, whole) : undefined
  for (const file of files) {
    const place = shortPath(origin, file)
    const name = origin.kind === 'plugin' ? `${origin.package}/${place}` : place
    if (budget?.hasRoom(name) === false) continue
    const { set, bytes, failure } = readSetFile(file, place)
    budget?.countFile(bytes)
    if (failure) problems.push(problemOf(origin, failure))
    else if (budget?.takeSet(set, name) !== false)
      sets.push({ set, source: sourceOf(origin, file), origin, place, index: 0 })
  }
  const leftOut = budget?.describeLeftOut()
  if (budget && leftOut !== undefined) {
    const reason = `it brings more than a plugin may (${budget.describeLimits()}); ${leftOut}`
    problems.push(
      problemOf(origin, {
        code: 'EVENTSETS_PLUGIN_LIMIT',
        step: 'read',
        reason,
        hint: 'Leave out what no log carries.',
      }),
    )
  }
  return { sets, problems: firstProblems(origin, problems) }
}

/** Whoever installs a plugin that is broken in hundreds of files need not read of each. */
function firstProblems(origin: Origin, problems: readonly Problem[]): readonly Problem[] {
  const more = problems.length - MOST_PROBLEMS
  if (origin.kind === 'application' || more <= 0) return problems
  const reason = `${more} more of its files have problems`
  const hint = '"eventsets lint" in its folder shows all of them.'
  return [
    ...problems.slice(0, MOST_PROBLEMS),
    problemOf(origin, { code: 'EVENTSETS_PLUGIN_LIMIT', step: 'validate', reason, hint }),
  ]
}

const MOST_PROBLEMS = 20

/** Sets that are values already: in a configuration, or exported by a module. */
export function checkSets(
  origin: Origin,
  candidates: readonly unknown[],
  source: EventSetSource,
  nameOf: (index: number) => string,
): FoundSets {
  const sets: FoundSet[] = []
  const problems: Problem[] = []
  for (const [index, candidate] of candidates.entries()) {
    const parsed = parseEventSet(candidate)
    const place = nameOf(index)
    const file = 'file' in source ? source.file : undefined
    const excess = parsed.success ? (findExcess(parsed.set) ?? findInnerExcess(parsed.set)) : undefined
    if (!parsed.success) problems.push(invalidSet(origin, place, parsed.issues, file))
    else if (excess === undefined) sets.push({ set: parsed.set, source, origin, place, index })
    else {
      const reason = `${place} has ${excess}`
      problems.push(
        problemOf(origin, { code: 'EVENTSETS_PLUGIN_LIMIT', step: 'validate', file, reason, hint: SPLIT }),
      )
    }
  }
  return { sets, problems }
}

function invalidSet(
  origin: Origin,
  place: string,
  issues: readonly Issue[],
  file: string | undefined,
): Problem {
  return problemOf(origin, {
    code: 'EVENTSETS_INVALID_EVENT_SET',
    step: 'validate',
    file,
    reason: `${place} is not a valid event set`,
    issues,
  })
}

export function joinFound(parts: readonly FoundSets[]): FoundSets {
  return {
    sets: parts.flatMap(({ sets }) => sets),
    problems: parts.flatMap(({ problems }) => problems),
  }
}
