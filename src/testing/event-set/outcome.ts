import type { EventMapping } from '../../core/event-set.ts'
import { compileLookup } from '../../core/lookup.ts'
import { type Scalar, toNumber } from '../../core/value.ts'
import { quote } from '../conformance-case.ts'
import { samplesOf } from './glob-samples.ts'
import type { SubjectField } from './subject.ts'

/** Something that a field mapping ought to show: a key of its mapping, and values that lead there. */
export interface Outcome {
  /** Tells it from the others of the mapping. */
  readonly id: string
  /** What it is called in messages. */
  readonly title: string
  /** In lower case. */
  readonly key: string
  /** Any of them will do. Empty when no value leads there. */
  readonly values: readonly Scalar[]
  /** Why there are none, if there are none, and what to do. */
  readonly obstacle: string
}

/** All that a field mapping ought to show. Keys without a marker of their own show nothing, and are not among it. */
export function outcomesOf(field: SubjectField): Outcome[] {
  const { mapping } = field
  const rangeKeys = Object.keys(mapping.ranges ?? {})
  const fallbackKey = fallbackKeyOf(field)
  const isExact = (key: string) =>
    !rangeKeys.some((other) => isSameKey(key, other)) &&
    ![mapping.defaultKey ?? 'default', fallbackKey].some((other) => other && isSameKey(key, other))
  const outcomes = [
    ...Object.keys(mapping.visualMarkers ?? {})
      .filter(isExact)
      .map((key) => exactOutcome(key, mapping)),
    ...rangeKeys.filter((key) => markerOf(key, mapping)).flatMap((key) => rangeOutcomes(key, field)),
    ...(fallbackKey !== undefined && markerOf(fallbackKey, mapping)
      ? [fallbackOutcome(fallbackKey, field)]
      : []),
  ]
  // What a function makes of a value, only those values tell that it has been tried with.
  return hasFunctions(mapping) ? outcomes.filter(({ values }) => values.length > 0) : outcomes
}

/** The marker that a key has itself, not by way of the default. */
export function markerOf(key: string, { visualMarkers = {} }: EventMapping): string | undefined {
  return Object.entries(visualMarkers).find(([other]) => isSameKey(key, other))?.[1]
}

export function isSameKey(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

function hasFunctions({ transformations = {} }: EventMapping): boolean {
  return Object.values(transformations).some((transformation) => typeof transformation === 'function')
}

/** The key for values that are not in the table, where it leads to anything. */
function fallbackKeyOf({ field, mapping }: SubjectField): string | undefined {
  const tables = [...Object.keys(mapping.visualMarkers ?? {}), ...Object.keys(mapping.metadataFields ?? {})]
  return [field.defaultOverrideKey, mapping.defaultKey ?? 'default'].find(
    (key) => key !== undefined && tables.some((other) => isSameKey(key, other)),
  )
}

function exactOutcome(key: string, mapping: EventMapping): Outcome {
  const lower = key.toLowerCase()
  const number = toNumber(key)
  const candidates: Scalar[] = [
    key,
    lower,
    key.toUpperCase(),
    ...(Number.isNaN(number) ? [] : [number, number / 1000]),
    ...(lower === 'true' || lower === 'false' ? [lower === 'true'] : []),
    ...(/^[1-5]xx$/.test(lower) ? [Number(lower[0]) * 100] : []),
  ]
  return {
    id: `key ${key}`,
    title: quote(key),
    key: lower,
    values: candidates.filter(becomes({ visualMarkers: { [key]: '✓' } }, mapping)),
    obstacle: `no value is ${quote(key)} after ${namesOfTransformations(mapping)}: write the key as it is then`,
  }
}

/** Both ends, which count, and a number inside. */
function rangeOutcomes(rangeKey: string, { field, mapping }: SubjectField): Outcome[] {
  const key = rangeKey.toLowerCase()
  const ranges = Object.entries(mapping.ranges ?? {}).map(toRange)
  const at = ranges.findIndex((range) => range.key === rangeKey)
  const range = ranges[at] as Range
  const earlier = ranges.slice(0, at)
  const isPossible = (number: number) =>
    Number.isFinite(number) && (field.valueType !== 'integer' || Number.isInteger(number))
  const isExact = (number: number) =>
    [mapping.visualMarkers, mapping.metadataFields].some((table) =>
      Object.keys(table ?? {}).some((other) => isSameKey(other, String(number))),
    )
  // A narrower range in front is an exception from a wider one, and meant so.
  const isException = (number: number) =>
    isExact(number) || earlier.some((other) => holds(other, number) && isWithin(other, range))
  const numbersFor = (number: number) =>
    [number, number / 1000, String(number)].filter(
      becomes({ visualMarkers: { found: '✓' }, ranges: { found: [number, number] } }, mapping),
    )
  const transformed = `${namesOfTransformations(mapping)} leaves no number to look up`

  const ends = [...new Set([range.low, range.high])]
    .filter((end) => isPossible(end) && !isException(end))
    .map((end): Outcome => {
      const taker = earlier.find((other) => holds(other, end))
      const values = taker ? [] : numbersFor(end)
      const id = `${end} of ${rangeKey}`
      const title = `${end}, ${end === range.low ? 'the first' : 'the last'} of ${quote(rangeKey)}`
      if (taker === undefined) return { id, title, key, values, obstacle: transformed }
      const obstacle = `${quote(taker.key)} holds it too and comes first: both ends of a range count, so let one of them end before it`
      return { id, title, key, values, obstacle }
    })
  const inside = numbersAround(ranges).filter(
    (number) =>
      isPossible(number) &&
      holds(range, number) &&
      !isExact(number) &&
      !earlier.some((other) => holds(other, number)),
  )
  const strictlyInside = inside.filter((number) => number > range.low && number < range.high)
  const insideNumbers = strictlyInside.length > 0 ? strictlyInside : inside
  return [
    ...ends,
    {
      id: `inside ${rangeKey}`,
      title: `a number in ${quote(rangeKey)}`,
      key,
      values: insideNumbers.flatMap(numbersFor),
      obstacle:
        insideNumbers.length === 0
          ? 'exact keys, the ranges before it and its valueType leave it no number: put it before them, or remove it'
          : transformed,
    },
  ]
}

interface Range {
  readonly key: string
  readonly low: number
  readonly high: number
}

function toRange([key, [low, high]]: [string, readonly [number | null, number | null]]): Range {
  return { key, low: low ?? Number.NEGATIVE_INFINITY, high: high ?? Number.POSITIVE_INFINITY }
}

function holds({ low, high }: Range, number: number): boolean {
  return number >= low && number <= high
}

function isWithin(one: Range, other: Range): boolean {
  return one.low >= other.low && one.high <= other.high
}

/** Numbers at, beside and between all ends: one of them is in every part of the line that ranges can make. */
function numbersAround(ranges: readonly Range[]): number[] {
  const ends = ranges.flatMap(({ low, high }) => [low, high]).filter(Number.isFinite)
  const sorted = [...new Set([0, ...ends])].sort((one, other) => one - other)
  const between = sorted.slice(1).map((end, index) => (end + (sorted[index] as number)) / 2)
  const beside = sorted.flatMap((end) => [end, end - 0.5, end + 0.5, end - 1, end + 1])
  const outside = [(sorted[0] as number) - 1000, (sorted.at(-1) as number) + 1000]
  return [...new Set([...between.map(Math.round), ...beside, ...between, ...outside])]
}

function fallbackOutcome(key: string, { field, names, mapping }: SubjectField): Outcome {
  const globs = names.flatMap((name) => field.when?.[name] ?? [])
  const candidates: Scalar[] = [
    'no such value',
    'no-such-value',
    ...globs.flatMap(samplesOf),
    ...numbersAround(Object.entries(mapping.ranges ?? {}).map(toRange)),
    true,
    false,
  ]
  const find = compileLookup(mapping, field.defaultOverrideKey, () => {})
  const values = candidates.filter((value) => find(value)?.key === key.toLowerCase())
  return {
    id: `any other ${key}`,
    title: `a value that is not in the table (${quote(key)})`,
    key: key.toLowerCase(),
    values,
    obstacle: 'its keys and ranges hold every value there is: remove it',
  }
}

/** Whether a value comes to what `target` has, after the transformations of the mapping. */
function becomes(target: Omit<EventMapping, 'name'>, { transformations }: EventMapping) {
  const find = compileLookup({ name: 'target', ...target, transformations }, undefined, () => {})
  return (value: Scalar) => find(value) !== undefined
}

function namesOfTransformations({ transformations = {} }: EventMapping): string {
  const names = [...new Set(Object.values(transformations))].map((transformation) =>
    typeof transformation === 'string' ? transformation : 'the function',
  )
  return names.length === 0 ? 'no transformation' : names.join(' or ')
}
