import type { AppliedMarker, LogRecord } from '../../core/enricher.ts'
import { matchesGlob } from '../../core/glob.ts'
import { isOfType, type Scalar } from '../../core/value.ts'
import { quote } from '../conformance-case.ts'
import { type Outcome, outcomesOf } from './outcome.ts'
import type { Subject, SubjectField } from './subject.ts'

/** How a log key stands in a record: `"res.statusCode": 200`, or `res: { statusCode: 200 }`. */
export type Spelling = 'flat' | 'nested'

/** A place in a record where a field mapping looks. */
export interface Place {
  readonly name: string
  readonly spelling: Spelling
}

/** A record in which a field mapping has shown what it ought to. */
export interface Trial extends Place {
  readonly field: SubjectField
  readonly outcome: Outcome
  readonly value: Scalar
  readonly record: LogRecord
}

/** What a field mapping has shown, and what it has not. */
export interface FieldTrials {
  readonly field: SubjectField
  readonly outcomes: readonly Outcome[]
  readonly places: readonly Place[]
  readonly shown: readonly Trial[]
}

const kept = new WeakMap<Subject, readonly FieldTrials[]>()

/** Tries each field mapping with every outcome at every place. */
export function tryFields(subject: Subject): readonly FieldTrials[] {
  const known = kept.get(subject)
  if (known !== undefined) return known
  const trials = subject.fields.map((field) => tryField(subject, field))
  kept.set(subject, trials)
  return trials
}

/** The marker that a field mapping shows in a record, if any. */
export function shownBy(
  subject: Subject,
  field: SubjectField,
  markers: readonly AppliedMarker[],
): AppliedMarker | undefined {
  const mapping = subject.mappingOf(field)
  return markers.find((marker) => marker.set === subject.set.name && marker.mapping === mapping)
}

/**
 * Records that have a value where a field mapping looks for it, and meet its `when`; several, since a condition may be
 * met in several ways. None when a record cannot have both: `query` and, nested, `query.text`.
 */
export function* recordsFor(
  field: SubjectField,
  { name, spelling }: Place,
  value: unknown,
): Generator<LogRecord, void, undefined> {
  const conditions = field.conditions.filter(({ logKey }) => logKey !== name)
  const [root = name] = name.split('.')
  if (spelling === 'nested' && conditions.some(({ logKey }) => logKey === root)) return
  const ways = Math.max(1, ...conditions.map(({ samples }) => samples.length))
  for (let way = 0; way < Math.min(ways, MOST_WAYS); way++) {
    const record: Record<string, unknown> = {}
    for (const { logKey, samples } of conditions) setField(record, logKey, samples[way % samples.length])
    if (spelling === 'flat') setField(record, name, value)
    else setNested(record, name, value)
    yield record
  }
}

const MOST_WAYS = 16

/** The values of an outcome that a field mapping takes at a name; what it leaves out is told by `obstacleAt`. */
export function valuesAt(field: SubjectField, name: string, { values }: Outcome): readonly Scalar[] {
  const { valueType, when = {} } = field.field
  const globs = Object.hasOwn(when, name) ? when[name] : undefined
  if (hidingName(field, name) !== undefined) return []
  return values.filter(
    (value) =>
      (valueType === undefined || isOfType(value, valueType)) &&
      (globs === undefined || matchesAny(value, globs)),
  )
}

/** Why `valuesAt` is empty where there are values, and what to do. */
export function obstacleAt(field: SubjectField, name: string, { values, obstacle }: Outcome): string {
  const { valueType } = field.field
  const hiding = hidingName(field, name)
  if (values.length === 0) return obstacle
  if (hiding !== undefined)
    return `its "when" asks for ${quote(hiding)}, which is the same field under a name that comes first: give this name a field mapping of its own`
  if (valueType !== undefined && !values.some((value) => isOfType(value, valueType)))
    return `valueType ${quote(valueType)} lets no such value through: choose another one, or leave it out`
  return `its "when" lets no such value of ${quote(name)} through: add a glob that does`
}

/** A name of the field that comes before another one and is always there, since `when` asks for it. */
function hidingName({ names, field }: SubjectField, name: string): string | undefined {
  return names.slice(0, names.indexOf(name)).find((earlier) => Object.hasOwn(field.when ?? {}, earlier))
}

function matchesAny(value: Scalar, globs: string | readonly string[]): boolean {
  const text = String(value).toLowerCase()
  return [globs].flat().some((glob) => matchesGlob(glob.toLowerCase(), text))
}

/** An assignment would set the prototype for a key "__proto__". */
export function setField(record: object, key: string, value: unknown): void {
  Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true })
}

function setNested(record: object, logKey: string, value: unknown): void {
  const segments = logKey.split('.')
  const last = segments.pop() as string
  let object = record
  for (const segment of segments) {
    const inner = {}
    setField(object, segment, inner)
    object = inner
  }
  setField(object, last, value)
}

function tryField(subject: Subject, field: SubjectField): FieldTrials {
  const outcomes = outcomesOf(field)
  const places = field.names.flatMap((name): Place[] => [
    { name, spelling: 'flat' },
    ...(name.includes('.') ? [{ name, spelling: 'nested' as const }] : []),
  ])
  // Where no record can have the place, nothing is amiss with it.
  const possible = places.filter((place) => !recordsFor(field, place, '').next().done)
  const shown = possible.flatMap((place) =>
    outcomes.flatMap((outcome) => tryOutcome(subject, field, outcome, place) ?? []),
  )
  return { field, outcomes, places: possible, shown }
}

function tryOutcome(
  subject: Subject,
  field: SubjectField,
  outcome: Outcome,
  place: Place,
): Trial | undefined {
  for (const value of valuesAt(field, place.name, outcome)) {
    for (const record of recordsFor(field, place, value)) {
      const marker = shownBy(subject, field, subject.enrich(record).markers)
      if (marker?.key === outcome.key && marker.logKey === place.name)
        return { ...place, field, outcome, value, record }
    }
  }
  return undefined
}
