import type { EventMapping } from './event-set.ts'
import { MAX_MARKER_LENGTH } from './message.ts'
import { type Transformation, transformations } from './transformation.ts'
import { type Scalar, toNumber, toScalar } from './value.ts'

/** What a value came to: the key it was found under, and what that key stands for. */
export interface Found {
  readonly key: string
  /** The text form of the marker, for terminals without emoji. */
  readonly text: string
  readonly marker: string | undefined
  readonly metadata: readonly (readonly [field: string, value: string | number | boolean])[]
}

export type Lookup = (value: Scalar) => Found | undefined

/** Told when a function used as a transformation throws. */
export type OnTransformationError = (error: unknown, mapping: EventMapping, value: Scalar) => void

/**
 * Compiles a mapping into a function from values to what they stand for.
 *
 * The value as lower-case text against the keys, then the ranges, then `overrideKey`, then the default key of the
 * mapping, then nothing. A known value without a marker of its own shows the default's.
 */
export function compileLookup(
  mapping: EventMapping,
  overrideKey: string | undefined,
  onError: OnTransformationError,
): Lookup {
  const markers = lowerKeys(mapping.visualMarkers)
  const metadata = lowerKeys(mapping.metadataFields)
  const defaultKey = (mapping.defaultKey ?? 'default').toLowerCase()
  const fallbackKeys = [overrideKey?.toLowerCase(), defaultKey].filter((key) => key !== undefined)
  const fallbackKey = fallbackKeys.find((key) => markers.has(key) || metadata.has(key))
  const fallbackMarker = fallbackKeys.map((key) => markers.get(key)).find((marker) => marker !== undefined)
  const found = (key: string): Found => ({
    key,
    text: markerText(key, mapping),
    marker: markers.get(key) ?? fallbackMarker,
    metadata: Object.entries(metadata.get(key) ?? {}),
  })

  // Tables have hundreds of keys, and a log a handful of values: what a key stands for is put together when it is met.
  const met = new Map<string, Found>()
  const findExact = (key: string): Found | undefined => {
    const known = met.get(key)
    if (known !== undefined || !(markers.has(key) || metadata.has(key))) return known
    const first = found(key)
    met.set(key, first)
    return first
  }
  const ranges = Object.entries(mapping.ranges ?? {}).map(([key, [low, high]]) => ({
    low: low ?? Number.NEGATIVE_INFINITY,
    high: high ?? Number.POSITIVE_INFINITY,
    found: findExact(key.toLowerCase()) ?? found(key.toLowerCase()),
  }))
  const fallback = fallbackKey === undefined ? undefined : findExact(fallbackKey)
  // Lower-casing a text of megabytes only to learn that it is no key would delay the line.
  const longest = Math.max(longestOf(markers.keys()), longestOf(metadata.keys()))
  const transform = compileTransformations(mapping, onError)

  return (original) => {
    const value = transform === undefined ? original : transform(original)
    if (typeof value !== 'string') {
      const exact = findExact(String(value).toLowerCase())
      if (exact) return exact
    } else if (value.length <= longest) {
      const exact = findExact(value) ?? findExact(value.toLowerCase())
      if (exact) return exact
    }
    if (ranges.length > 0) {
      const number = toNumber(value)
      for (const range of ranges) if (number >= range.low && number <= range.high) return range.found
    }
    return fallback
  }
}

/**
 * The text form of the marker of a (lower-case) key: `2xx`.
 *
 * "[default]" would tell a reader nothing; the name of the mapping says at least what the unknown value is of.
 * Brackets would end the marker early for whoever reads it in a message, so they become round ones.
 */
export function markerText(key: string, mapping: EventMapping): string {
  const text = key === 'default' ? mapping.name : key
  return text.replaceAll('[', '(').replaceAll(']', ')').slice(0, MAX_MARKER_LENGTH)
}

function compileTransformations(
  mapping: EventMapping,
  onError: OnTransformationError,
): ((value: Scalar) => Scalar) | undefined {
  const table = lowerKeys(mapping.transformations)
  if (table.size === 0) return undefined
  const functions = new Map(
    [...table].map(([key, transformation]) => [key, toFunction(transformation)] as const),
  )
  const forAny = functions.get('*')
  const longest = longestOf(functions.keys())
  return (value) => {
    const text = String(value)
    const transformation = (text.length <= longest ? functions.get(text.toLowerCase()) : undefined) ?? forAny
    if (transformation === undefined) return value
    try {
      const result = transformation(value)
      if (isThenable(result))
        throw new TypeError('it has returned a promise; a transformation gives its value at once')
      return toScalar(result) ?? value
    } catch (error) {
      onError(error, mapping, value)
      return value
    }
  }
}

/** Whether a function was asynchronous. Its promise is taken care of: a rejection nobody handles ends the process. */
function isThenable(result: unknown): boolean {
  if (typeof result !== 'object' || result === null || !('then' in result)) return false
  Promise.resolve(result).catch(() => {})
  return true
}

function toFunction(transformation: Transformation): (value: unknown) => unknown {
  return typeof transformation === 'function' ? transformation : transformations[transformation]
}

function longestOf(keys: Iterable<string>): number {
  let longest = 0
  for (const { length } of keys) longest = Math.max(longest, length)
  return longest
}

function lowerKeys<T>(table: { readonly [key: string]: T } | undefined): Map<string, T> {
  const lowered = new Map<string, T>()
  for (const [key, value] of Object.entries(table ?? {})) lowered.set(key.toLowerCase(), value)
  return lowered
}
