import type { EventMapping, EventSet, FieldMapping } from './event-set.ts'
import { type Issue, IssueList, type Path, type Report } from './issue.ts'
import { didYouMean } from './nearest.ts'

type FindSet = (name: string) => EventSet | undefined

/**
 * The mapping that a field mapping leads to, or `undefined` when it leads nowhere.
 *
 * `mapping` names it outright. Without it, `eventSetName` is read as a mapping of this set first and as a set
 * second, since the format that ours descends from used it for both; in a set, the mapping is the one named like
 * the last segment of the log key, or like the log key with `_` for `.`. With neither, that search runs in this set.
 */
export function resolveMapping(
  field: FieldMapping,
  own: EventSet,
  findSet: FindSet,
): EventMapping | undefined {
  const { mapping, eventSetName } = field
  if (mapping !== undefined) {
    const owner = eventSetName === undefined || eventSetName === own.name ? own : findSet(eventSetName)
    return owner && findMapping(owner, mapping)
  }
  if (eventSetName === undefined) return findByLogKey(own, field.logKey)
  const named = findMapping(own, eventSetName)
  if (named) return named
  const other = eventSetName === own.name ? own : findSet(eventSetName)
  return other && findByLogKey(other, field.logKey)
}

/** Links that lead nowhere: those inside the set, and those to other sets. */
export function findLinkIssues(set: EventSet, findSet: FindSet, setNames: readonly string[] = []): Issue[] {
  const issues = new IssueList()
  reportLinkIssues(set, issues.report, findSet, setNames)
  return issues.toIssues()
}

/** The same; without `findSet` only links inside the set are judged. */
export function reportLinkIssues(
  set: EventSet,
  report: Report,
  findSet?: FindSet,
  setNames: readonly string[] = [],
): void {
  let worded = 0
  for (const [index, field] of (set.fieldMappings ?? []).entries()) {
    if (!findSet && leadsOutside(field, set)) continue
    if (resolveMapping(field, set, findSet ?? (() => undefined))) continue
    report(['fieldMappings', index, ...placeOf(field, set, findSet)], 'dangling_link', () => {
      // A set with many wrong links is wrong in another way, and to look for what each may mean takes long.
      const known: Known = worded++ < MAX_SUGGESTIONS ? { mappingsOf: mappingNames, setNames } : NOTHING_KNOWN
      return wordIssue(field, set, findSet, known)
    })
  }
}

const MAX_SUGGESTIONS = 20

/** The names that a wrong one may stand for. */
interface Known {
  readonly mappingsOf: (set: EventSet) => readonly string[]
  readonly setNames: readonly string[]
}

const NOTHING_KNOWN: Known = { mappingsOf: () => [], setNames: [] }

function leadsOutside({ mapping, eventSetName }: FieldMapping, own: EventSet): boolean {
  if (eventSetName === undefined || eventSetName === own.name) return false
  return mapping !== undefined || findMapping(own, eventSetName) === undefined
}

/** The key that is wrong; none where the field mapping has neither. */
function placeOf({ mapping, eventSetName }: FieldMapping, own: EventSet, findSet?: FindSet): Path {
  const isOutside = eventSetName !== undefined && eventSetName !== own.name
  if (isOutside && (mapping === undefined || !findSet?.(eventSetName))) return ['eventSetName']
  return mapping === undefined ? [] : ['mapping']
}

function wordIssue(
  { mapping, eventSetName, logKey }: FieldMapping,
  own: EventSet,
  findSet: FindSet | undefined,
  { mappingsOf, setNames }: Known,
): string {
  const isOutside = eventSetName !== undefined && eventSetName !== own.name
  const owner = isOutside ? findSet?.(eventSetName) : own
  if (!owner) {
    const candidates = mapping === undefined ? [...mappingsOf(own), ...setNames] : setNames
    const what = mapping === undefined ? 'mapping or event set' : 'event set'
    return `no ${what} ${JSON.stringify(eventSetName)} is known${didYouMean(eventSetName ?? '', candidates)}`
  }
  const known = mappingsOf(owner)
  return mapping === undefined
    ? wordMissingByLogKey(logKey, owner, known)
    : `no mapping ${JSON.stringify(mapping)} in ${wordSet(owner)}${didYouMean(mapping, known) || listNames(known, owner)}`
}

/** What there is, where that is few enough to be read. */
function listNames(known: readonly string[], set: EventSet): string {
  if (known.length === 0) return mappingNames(set).length === 0 ? '; it has none' : ''
  const more = known.length - MAX_NAMES
  return `; it has ${known.slice(0, MAX_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

const MAX_NAMES = 20

function wordMissingByLogKey(logKey: string, set: EventSet, known: readonly string[]): string {
  const [segment, joined] = namesOfLogKey(logKey)
  const names =
    segment === joined ? JSON.stringify(segment) : `${JSON.stringify(segment)} or ${JSON.stringify(joined)}`
  return `no mapping for ${JSON.stringify(logKey)}: ${wordSet(set)} has none named ${names}; name one with "mapping"${didYouMean(segment, known)}`
}

/** A set whose name is missing is judged too, so that all its issues are told at once. */
function wordSet({ name }: EventSet): string {
  return name === '' ? 'this set' : `set ${JSON.stringify(name)}`
}

function findByLogKey(set: EventSet, logKey: string): EventMapping | undefined {
  const [segment, joined] = namesOfLogKey(logKey)
  return findMapping(set, segment) ?? findMapping(set, joined)
}

function namesOfLogKey(logKey: string): [segment: string, joined: string] {
  return [logKey.slice(logKey.lastIndexOf('.') + 1), logKey.replaceAll('.', '_')]
}

function findMapping({ mappings = [] }: EventSet, name: string): EventMapping | undefined {
  // A set that passed the checks is frozen, so what is known of it stays true.
  if (!Object.isFrozen(mappings)) return mappings.find((mapping) => mapping.name === name)
  let byName = indices.get(mappings)
  if (byName === undefined) {
    byName = new Map(mappings.toReversed().map((mapping) => [mapping.name, mapping]))
    indices.set(mappings, byName)
  }
  return byName.get(name)
}

/** The mappings of a list by name; of two with one name, the first counts. */
const indices = new WeakMap<readonly EventMapping[], ReadonlyMap<string, EventMapping>>()

function mappingNames(set: EventSet): string[] {
  return (set.mappings ?? []).map(({ name }) => name)
}
