import type { EventMapping, FieldMapping } from '../../core/event-set.ts'
import {
  type ConformanceCase,
  expectNone,
  joinProblems,
  quote,
  type ValueProblem,
} from '../conformance-case.ts'
import { markerOf, type Outcome } from './outcome.ts'
import { type Subject, type SubjectField, titleOf } from './subject.ts'
import {
  type FieldTrials,
  obstacleAt,
  type Place,
  recordsFor,
  shownBy,
  tryFields,
  valuesAt,
} from './trial.ts'

/** One case for each mapping: every marker in its table is shown by some field mapping. */
export function mappingCases(subject: Subject): ConformanceCase[] {
  const { mappings = [] } = subject.set
  return mappings.map((mapping) => ({
    name: `shows every marker of mapping ${quote(mapping.name)}`,
    run() {
      const problems = [...findGaps(mapping), ...findUnshown(subject, mapping)]
      expectNone(problems, `Mapping ${quote(mapping.name)} of set ${quote(subject.set.name)}`)
    },
  }))
}

/** One case for each field mapping: the log key and every alias show what it has, flat and nested. */
export function fieldCases(subject: Subject): ConformanceCase[] {
  return subject.fields.map((field) => ({
    name: `reads ${titleOf(field)} under each of its names, flat and nested`,
    run() {
      const trials = tryFields(subject)[field.index] as FieldTrials
      const problems = [...findUnread(subject, trials), ...findMissingDefaults(subject, field)]
      expectNone(problems, `${titleOf(field)} of set ${quote(subject.set.name)}`)
    },
  }))
}

/** Keys that should have a marker, and have none. */
function findGaps(mapping: EventMapping): string[] {
  const { visualMarkers = {}, ranges = {}, metadataFields = {}, defaultKey } = mapping
  const unmarked = Object.keys(ranges).filter((key) => markerOf(key, mapping) === undefined)
  const hasDefault =
    defaultKey === undefined ||
    [...Object.keys(visualMarkers), ...Object.keys(metadataFields)].some(
      (key) => key.toLowerCase() === defaultKey.toLowerCase(),
    )
  return [
    ...(Object.keys(visualMarkers).length === 0
      ? ['It has no marker at all: give it some, or remove it.']
      : []),
    ...unmarked.map((key) => `Range ${quote(key)} has no marker: add one under this key to visualMarkers.`),
    ...(hasDefault
      ? []
      : [`defaultKey ${quote(defaultKey)} has no marker: add one under this key, or remove defaultKey.`]),
  ]
}

function findUnshown(subject: Subject, mapping: EventMapping): string[] {
  const users = tryFields(subject).filter(({ field }) => field.mapping === mapping)
  if (users.length === 0) return ['No field mapping leads to it: tie a log key to it, or remove it.']
  const shown = new Set(users.flatMap(({ shown }) => shown.map(({ outcome }) => outcome.id)))
  const judged = new Set<string>()
  const problems = users.flatMap(({ field, outcomes, places: [place] }) =>
    outcomes.flatMap((outcome): ValueProblem[] => {
      if (shown.has(outcome.id) || judged.has(outcome.id)) return []
      judged.add(outcome.id)
      const reason = place ? explain(subject, field, outcome, place) : 'no record can have the field'
      return [{ problem: `Never shown, since ${reason}`, concerns: outcome.title }]
    }),
  )
  return joinProblems(problems)
}

/** Places at which a field mapping shows less than at others. */
function findUnread(subject: Subject, { field, outcomes, places, shown }: FieldTrials): string[] {
  const shownAnywhere = new Set(shown.map(({ outcome }) => outcome.id))
  const expected = outcomes.filter(({ id }) => shownAnywhere.size === 0 || shownAnywhere.has(id))
  const judged = places.filter((place) => shownAnywhere.size === 0 || !isAbsorbed(subject, field, place.name))
  const problems = judged.flatMap((place) => {
    const here = shown.filter(({ name, spelling }) => name === place.name && spelling === place.spelling)
    const missing = expected.filter(({ id }) => !here.some(({ outcome }) => outcome.id === id))
    return missing.map((outcome): ValueProblem => {
      const reason = explain(subject, field, outcome, place)
      return {
        problem: `${quote(place.name)} (${place.spelling}) shows no marker, since ${reason}`,
        concerns: outcome.title,
      }
    })
  })
  return joinProblems(problems)
}

/**
 * Whether a name is there to be taken and not to be shown: its field mapping asks in `when` for another of its names,
 * and somebody else would have a marker for this one. So a meaning that stands in a record twice is marked once.
 */
function isAbsorbed(
  { fields, others }: Subject,
  { index, names, field }: SubjectField,
  name: string,
): boolean {
  const asked = names.slice(0, names.indexOf(name) + 1).some((own) => Object.hasOwn(field.when ?? {}, own))
  const isRead = ({ logKey, aliases = [] }: FieldMapping) => logKey === name || aliases.includes(name)
  return (
    asked &&
    (fields.some((other) => other.index !== index && isRead(other.field)) ||
      others.some(({ fieldMappings = [] }) => fieldMappings.some(isRead)))
  )
}

/** Why a field mapping does not show an outcome at a place, and what to do. */
function explain(subject: Subject, field: SubjectField, outcome: Outcome, place: Place): string {
  const values = valuesAt(field, place.name, outcome)
  if (values.length === 0) return obstacleAt(field, place.name, outcome)
  for (const record of values.flatMap((value) => [...recordsFor(field, place, value)])) {
    const { markers } = subject.enrich(record)
    const own = shownBy(subject, field, markers)
    if (own?.logKey === place.name)
      return `the value ${quote(own.value)} is found under the key ${quote(own.key)} instead`
    const other = subject.fields.find((each) => shownBy(subject, each, markers)?.logKey === place.name)
    if (other) return takenBy(other)
  }
  const earlier = subject.fields.find(({ index, names }) => index < field.index && names.includes(place.name))
  return earlier ? takenBy(earlier) : 'the field is not read there'
}

function takenBy(other: SubjectField): string {
  return `${titleOf(other)} takes the value: give that one a narrower "when" or "valueType", or leave the log key to one of them`
}

/** A default value that never counts, or has no marker. */
function findMissingDefaults(subject: Subject, field: SubjectField): string[] {
  const { defaultValue, defaultOverrideKey } = field.field
  const problems: string[] = []
  if (defaultOverrideKey !== undefined && markerOf(defaultOverrideKey, field.mapping) === undefined)
    problems.push(
      `defaultOverrideKey ${quote(defaultOverrideKey)} has no marker in mapping ${quote(field.mapping.name)}: add one, or remove it.`,
    )
  if (defaultValue === undefined) return problems
  const others = tryFields(subject).filter((trials) => trials.field !== field)
  const fills = others.some(({ shown }) =>
    shown.some(({ record }) => {
      const [conditions = {}] = recordsFor(field, { name: field.field.logKey, spelling: 'flat' }, undefined)
      const { markers } = subject.enrich({ ...conditions, ...record })
      return shownBy(subject, field, markers)?.value === defaultValue
    }),
  )
  if (!fills)
    problems.push(
      `defaultValue ${quote(defaultValue)} never shows a marker: it counts beside another field of the set, and needs a key with a marker.`,
    )
  return problems
}
