import type { EventMapping, EventSet, FieldMapping } from '../core/event-set.ts'
import { resolveMapping } from '../core/link.ts'
import type { EventSetSource } from '../core/source.ts'
import { type Candidate, type OpenedCandidate, openCandidate } from './candidate.ts'
import { collectClaims } from './claims.ts'
import { tellFaults } from './faults.ts'
import { type Finding, type Subject, sortFindings } from './finding.ts'
import { createFindingKeeper, type FindingKeeper } from './finding-keeper.ts'
import { ruleOfIssue, spotOfIssue } from './issues.ts'
import type { Neighbour, SetSubject, Spot } from './rule.ts'
import { keysDifferInCase } from './rules/keys.ts'
import { type KnownRule, neighbourRules, setRules } from './rules.ts'

/** A valid set with the place it comes from. */
export interface SourcedSet {
  readonly set: EventSet
  readonly source: EventSetSource
}

export interface CandidateOptions {
  /** Valid sets that are registered before these. */
  readonly beside: readonly SourcedSet[]
  /** Whether whoever asks can change a set. What is wrong within those of others is not told, only what they do. */
  readonly isOwn: (source: EventSetSource) => boolean
}

/** Checks sets that belong together, each by itself and among the others. Their order is that of registration. */
export function lintCandidates(
  candidates: readonly Candidate[],
  { beside, isOwn }: CandidateOptions,
): Finding[] {
  const opened = candidates.map(openCandidate)
  // A built-in set that is checked itself has no twin beside it.
  const others = beside.filter(({ set }) => !opened.some((candidate) => isSameSet(candidate.set, set)))
  const known = [...others, ...opened].flatMap(({ set }) => (set === undefined ? [] : [set]))
  const findSet = (name: string) => known.findLast((set) => set.name === name)
  const toNeighbour = ({ set, source }: SourcedSet, order: number): Neighbour => {
    const claims = collectClaims(set, linksOf(set, findSet))
    return { set, source, order, isOwn: order >= others.length && isOwn(source), claims }
  }
  const before = others.map(toNeighbour)
  const judged = opened.map(({ set, source, ...candidate }, index): Judged => {
    const own = set && toNeighbour({ set, source }, others.length + index)
    return { candidate: { ...candidate, set, source }, own }
  })
  const valid = judged.flatMap(({ candidate, own }) => (own && candidate.isValid ? [own] : []))
  const keeper = createFindingKeeper()
  const context = { neighbours: [...before, ...valid], known, findSet, keeper }
  const faults = judged.flatMap(({ candidate, own }) => {
    const ofText = isOwn(candidate.source) ? tellIssues(candidate, keeper) : []
    if (own) judge(candidate, own, context)
    return ofText
  })
  return sortFindings([...faults, ...keeper.findings])
}

interface Judged {
  readonly candidate: OpenedCandidate
  /** The candidate among the others, if it is a set at all. */
  readonly own: Neighbour | undefined
}

interface Context {
  readonly neighbours: readonly Neighbour[]
  readonly known: readonly EventSet[]
  readonly findSet: (name: string) => EventSet | undefined
  readonly keeper: FindingKeeper
}

function isSameSet(one: EventSet | undefined, other: EventSet): boolean {
  if (one === undefined || one.name !== other.name) return false
  const textOf = ({ $schema, ...set }: EventSet) => JSON.stringify(set)
  return textOf(one) === textOf(other)
}

function linksOf(set: EventSet, findSet: Context['findSet']): (EventMapping | undefined)[] {
  return (set.fieldMappings ?? []).map((field) => resolveMapping(field, set, findSet))
}

function subjectOf({ source, name, document }: OpenedCandidate): Subject {
  return {
    file: 'file' in source ? source.file : undefined,
    set: name,
    package: source.kind === 'package' ? source.package : undefined,
    document,
  }
}

/** Keeps what prevents the set from being loaded, and gives what is wrong with the text. */
function tellIssues(candidate: OpenedCandidate, keeper: FindingKeeper): Finding[] {
  const { document, issues, set } = candidate
  const subject = subjectOf(candidate)
  for (const issue of issues) {
    const rule = ruleOfIssue(issue)
    // Told with its exact place by the rule itself, where that can look.
    if (set === undefined || rule.code !== keysDifferInCase.code)
      keeper.keep(rule, subject, [spotOfIssue(issue)])
  }
  return document === undefined ? [] : tellFaults(document, subject)
}

/** Keeps what the rules say about a set. */
function judge(candidate: OpenedCandidate, own: Neighbour, context: Context): void {
  const others = context.neighbours.filter((neighbour) => neighbour !== own)
  const asSet = toSetSubject(candidate, own.set, context)
  const subject = subjectOf(candidate)
  const keep = (rule: KnownRule, spots: Iterable<Spot>) =>
    context.keeper.keep(rule, subject, withoutBroken(spots, candidate))
  if (own.isOwn) for (const rule of setRules) keep(rule, rule.check(asSet))
  for (const rule of neighbourRules) keep(rule, rule.check({ own, others }))
}

/** One after the other: there may be more of them than anybody should hold. */
function* withoutBroken(spots: Iterable<Spot>, { isBroken }: OpenedCandidate): Generator<Spot> {
  for (const spot of spots) if (!isBroken(spot.path)) yield spot
}

function toSetSubject({ document }: OpenedCandidate, set: EventSet, { known, findSet }: Context): SetSubject {
  const links = linksOf(set, findSet)
  const fields = new Map<EventMapping, FieldMapping[]>()
  for (const [index, field] of (set.fieldMappings ?? []).entries()) {
    const mapping = links[index]
    if (mapping === undefined) continue
    const ofMapping = fields.get(mapping) ?? []
    fields.set(mapping, ofMapping)
    ofMapping.push(field)
  }
  const usedOutside = new Set(
    known.filter((other) => other !== set).flatMap((other) => linksOf(other, findSet)),
  )
  return {
    set,
    links,
    fieldsOf: (mapping) => fields.get(mapping) ?? [],
    isFile: document !== undefined,
    findSet,
    setNames: known.map(({ name }) => name),
    isUsedOutside: (mapping) => usedOutside.has(mapping),
  }
}
