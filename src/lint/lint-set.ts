import type { EventSetSource } from '../core/source.ts'
import { builtInSets } from '../discovery/built-in-sets.ts'
import { readDocument } from './document.ts'
import type { Finding } from './finding.ts'
import { lintCandidates, type SourcedSet } from './lint-candidates.ts'

export interface LintOptions {
  /** Valid sets that are registered before the one that is checked. The built-in ones unless given. */
  readonly beside?: readonly SourcedSet[] | undefined
}

export interface LintTextOptions extends LintOptions {
  /** The name of the file, for the findings. */
  readonly file?: string | undefined
}

/** The sets that come with eventsets, as most sets find them. */
export const builtInNeighbours: readonly SourcedSet[] = builtInSets.map((set) => ({
  set,
  source: { kind: 'built-in' },
}))

/**
 * Checks an event set in code, or anything that claims to be one: what keeps it from being loaded, and what works
 * but is hardly meant. Never throws.
 */
export function lintEventSet(set: unknown, { beside = builtInNeighbours }: LintOptions = {}): Finding[] {
  const candidate = { value: set, source: { kind: 'code' }, document: undefined } as const
  return lintCandidates([candidate], { beside, isOwn: () => true })
}

/** The same for the text of a set file: each finding has its line and column. */
export function lintEventSetText(
  text: string,
  { file, beside = builtInNeighbours }: LintTextOptions = {},
): Finding[] {
  const document = readDocument(text)
  const source: EventSetSource = file === undefined ? { kind: 'code' } : { kind: 'file', file }
  return lintCandidates([{ value: document.value, source, document }], { beside, isOwn: () => true })
}

/**
 * Checks sets that are in force together, in the order of registration. Of built-in sets, and of those that
 * packages bring, only what they do to others is told.
 */
export function lintSets(sets: readonly SourcedSet[]): Finding[] {
  const candidates = sets.map(({ set, source }) => ({ value: set, source, document: undefined }))
  return lintCandidates(candidates, { beside: [], isOwn: isOwnSource })
}

/** Whether a set is the application's own, which it can change. */
export function isOwnSource({ kind }: EventSetSource): boolean {
  return kind !== 'built-in' && kind !== 'package'
}
