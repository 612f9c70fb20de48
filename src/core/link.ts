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
  return (set.fieldMappings ?? []).flatMap((field, index): Issue[] => {
    if (!findSet && leadsOutside(field, set)) return []
    if (resolveMapping(field, set, findSet ?? (() => undefined))) return []
    return [wordIssue(field, index, set, findSet, setNames)]
  })
}

function leadsOutside({ mapping, eventSetName }: FieldMapping, own: EventSet): boolean {
  if (eventSetName === undefined || eventSetName === own.name) return false
  return mapping !== undefined || findMapping(own, eventSetName) === undefined
}

function wordIssue(
  field: FieldMapping,
  index: number,
  own: EventSet,
  findSet: FindSet | undefined,
  setNames: readonly string[],
): Issue {
  const { mapping, eventSetName, logKey } = field
  const at = `fieldMappings[${index}]`
  const code = 'dangling_link'
  if (eventSetName !== undefined && eventSetName !== own.name) {
    const other = findSet?.(eventSetName)
    if (!other) {
      const candidates = mapping === undefined ? [...mappingNames(own), ...setNames] : setNames
      const what = mapping === undefined ? 'mapping or event set' : 'event set'
      return {
        path: `${at}.eventSetName`,
        code,
        message: `no ${what} ${JSON.stringify(eventSetName)} is known${didYouMean(eventSetName, candidates)}`,
      }
    }
    if (mapping !== undefined) return missingMapping(`${at}.mapping`, mapping, other)
    return missingByLogKey(`${at}.eventSetName`, logKey, other)
  }
  if (mapping !== undefined) return missingMapping(`${at}.mapping`, mapping, own)
  return missingByLogKey(at, logKey, own)
}

function missingMapping(path: string, name: string, set: EventSet): Issue {
  const known = mappingNames(set)
  const help =
    didYouMean(name, known) || (known.length > 0 ? `; it has ${known.join(', ')}` : '; it has none')
  return {
    path,
    code: 'dangling_link',
    message: `no mapping ${JSON.stringify(name)} in ${wordSet(set)}${help}`,
  }
}

function missingByLogKey(path: string, logKey: string, set: EventSet): Issue {
  const [segment, joined] = namesOfLogKey(logKey)
  const names =
    segment === joined ? JSON.stringify(segment) : `${JSON.stringify(segment)} or ${JSON.stringify(joined)}`
  return {
    path,
    code: 'dangling_link',
    message: `no mapping for ${JSON.stringify(logKey)}: ${wordSet(set)} has none named ${names}; name one with "mapping"${didYouMean(segment, mappingNames(set))}`,
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
