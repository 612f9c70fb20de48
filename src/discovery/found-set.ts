import type { EventSet } from '../core/event-set.ts'
import { parseEventSet } from '../core/event-set.ts'
import type { Issue } from '../core/issue.ts'
import type { Problem } from '../core/problem.ts'
import type { EventSetSource } from '../core/source.ts'
import { matchFiles } from './matched-files.ts'
import { type Origin, problemOf, shortPath, sourceOf } from './origin.ts'
import { readSetFile } from './set-file.ts'

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

/** The sets in the files that patterns lead to. */
export async function readSetFiles(origin: Origin, patterns: readonly string[]): Promise<FoundSets> {
  const { files, problems: notMatched } = await matchFiles(origin, patterns)
  const sets: FoundSet[] = []
  const problems = [...notMatched]
  for (const file of files) {
    const place = shortPath(origin, file)
    const { set, failure } = readSetFile(file, place)
    if (failure) problems.push(problemOf(origin, failure))
    else sets.push({ set, source: sourceOf(origin, file), origin, place, index: 0 })
  }
  return { sets, problems }
}

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
    if (parsed.success) sets.push({ set: parsed.set, source, origin, place, index })
    else problems.push(invalidSet(origin, place, parsed.issues, 'file' in source ? source.file : undefined))
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
