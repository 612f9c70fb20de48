import type { EventMapping, EventSet, FieldMapping } from './event-set.ts'
import type { Issue } from './issue.ts'
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

/**
 * Links that lead nowhere. Without `findSet` only links inside the set are judged; with it, those to other sets too.
 */
export function findLinkIssues(set: EventSet, findSet?: FindSet, setNames: readonly string[] = []): Issue[] {
  const issues: Issue[] = []
  for (const [index, field] of (set.fieldMappings ?? []).entries()) {
    if (!findSet && leadsOutside(field, set)) continue
    if (resolveMapping(field, set, findSet ?? (() => undefined))) continue
    // A set with hundreds of wrong links is wrong in another way, and to look for what each may mean takes long.
    const known: Known =
      issues.length < MAX_SUGGESTIONS ? { mappingsOf: mappingNames, setNames } : NOTHING_KNOWN
    issues.push(wordIssue(field, index, set, findSet, known))
  }
  return issues
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

function wordIssue(
  field: FieldMapping,
  index: number,
  own: EventSet,
  findSet: FindSet | undefined,
  { mappingsOf, setNames }: Known,
): Issue {
  const { mapping, eventSetName, logKey } = field
  const at = `fieldMappings[${index}]`
  const code = 'dangling_link'
  if (eventSetName !== undefined && eventSetName !== own.name) {
    const other = findSet?.(eventSetName)
    if (!other) {
      const candidates = mapping === undefined ? [...mappingsOf(own), ...setNames] : setNames
      const what = mapping === undefined ? 'mapping or event set' : 'event set'
      return {
        path: `${at}.eventSetName`,
        code,
        message: `no ${what} ${JSON.stringify(eventSetName)} is known${didYouMean(eventSetName, candidates)}`,
      }
    }
    if (mapping !== undefined) return missingMapping(`${at}.mapping`, mapping, other, mappingsOf(other))
    return missingByLogKey(`${at}.eventSetName`, logKey, other, mappingsOf(other))
  }
  if (mapping !== undefined) return missingMapping(`${at}.mapping`, mapping, own, mappingsOf(own))
  return missingByLogKey(at, logKey, own, mappingsOf(own))
}

function missingMapping(path: string, name: string, set: EventSet, known: readonly string[]): Issue {
  const help = didYouMean(name, known) || listNames(known, set)
  return {
    path,
    code: 'dangling_link',
    message: `no mapping ${JSON.stringify(name)} in ${wordSet(set)}${help}`,
  }
}

/** What there is, where that is few enough to be read. */
function listNames(known: readonly string[], set: EventSet): string {
  if (known.length === 0) return mappingNames(set).length === 0 ? '; it has none' : ''
  const more = known.length - MAX_NAMES
  return `; it has ${known.slice(0, MAX_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

const MAX_NAMES = 20

function missingByLogKey(path: string, logKey: string, set: EventSet, known: readonly string[]): Issue {
  const [segment, joined] = namesOfLogKey(logKey)
  const names =
    segment === joined ? JSON.stringify(segment) : `${JSON.stringify(segment)} or ${JSON.stringify(joined)}`
  return {
    path,
    code: 'dangling_link',
    message: `no mapping for ${JSON.stringify(logKey)}: ${wordSet(set)} has none named ${names}; name one with "mapping"${didYouMean(segment, known)}`,
  }
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

function findMapping(set: EventSet, name: string): EventMapping | undefined {
  return set.mappings?.find((mapping) => mapping.name === name)
}

function mappingNames(set: EventSet): string[] {
  return (set.mappings ?? []).map(({ name }) => name)
}
