import { holds, isValueOf } from '../core/compile.ts'
import { MAX_MARKER_LENGTH } from '../core/message.ts'
import type { Scalar } from '../core/value.ts'
import { candidatesOf, hasValue, type Place } from './place-tree.ts'

/** What the scanner has to know about a place to tell values apart by itself. */
export interface PlaceTraits {
  readonly hasValue: boolean
  readonly isSlow: boolean
  /** Only the first word of a text matters. */
  readonly isFirstWordOnly: boolean
  /** Between two neighbours of these all numbers mean the same, whole ones and others each. */
  readonly limits: readonly number[] | undefined
  /** A text of more characters, beginning with a letter, means what any such text means. */
  readonly longest: number | undefined
}

/** Classes are small numbers from 1 on; this many can be told apart at one place. */
const MOST_CLASSES = 60_000

/**
 * Sorts the values of a place into classes: two values of one class are the same to every field mapping and every
 * condition that looks at the place, so that whatever an enricher says of a record does not depend on which it is.
 */
export function createClasses(place: Place): (value: Scalar, context?: string) => number {
  const candidates = candidatesOf(place.node)
  const known = new Map<string, number>()
  const found = new Map<object | undefined, number>([[undefined, 0]])
  const identify = (object: object | undefined): number => {
    const id = found.get(object) ?? found.size
    found.set(object, id)
    return id
  }
  const metBy = indexConditions(place.conditions)
  return (value, context = '') => {
    const of = candidates.map(({ field }) => (isValueOf(field, value) ? identify(field.lookup(value)) : -1))
    const key = `${of.join(' ')}|${metBy(value).join(' ')}|${context}`
    const number = known.get(key) ?? known.size + 1
    if (number > MOST_CLASSES) return 0
    known.set(key, number)
    return number
  }
}

/** So many first characters tell which conditions a value could meet at all: hundreds of sets may look at a message. */
const TELLING_CHARACTERS = 3

/** Gives the numbers of the conditions that a value meets. */
function indexConditions(conditions: Place['conditions']): (value: Scalar) => number[] {
  const byBeginning = new Map<string, number[]>()
  for (const [index, { globs }] of conditions.entries()) {
    for (const beginning of new Set(globs.map(beginningOf)))
      byBeginning.set(beginning, [...(byBeginning.get(beginning) ?? []), index])
  }
  const ofAny = byBeginning.get('') ?? []
  return (value) => {
    if (conditions.length === 0) return []
    const beginning = String(value).slice(0, TELLING_CHARACTERS).toLowerCase()
    const possible = new Set([...ofAny, ...(byBeginning.get(beginning) ?? [])])
    return [...possible].filter((index) => holds(conditions[index] as (typeof conditions)[number], value))
  }
}

/** How whatever matches a glob begins; nothing when that can be anything, or is not plain to see. */
function beginningOf(glob: string): string {
  const beginning = glob.slice(0, TELLING_CHARACTERS)
  return /^[\x20-\x29\x2b-\x3e\x40-\x7e]{3}$/.test(beginning) ? beginning : ''
}

export function traitsOf(place: Place): PlaceTraits {
  const candidates = candidatesOf(place.node)
  const tables = candidates.map(({ field }) => field.table)
  const transformations = tables.flatMap(({ transformations = {} }) => Object.entries(transformations))
  // What any value meets tells no values apart.
  const isConditional = place.conditions.some(({ globs }) => !globs.includes('*'))
  const isPlain = transformations.length === 0 && !isConditional && candidates.length > 0
  return {
    hasValue: hasValue(place),
    // A function may do what it likes, and how often it fails is counted: each value is brought before it.
    isSlow:
      place.isSlow || transformations.some(([, transformation]) => typeof transformation === 'function'),
    isFirstWordOnly:
      !isConditional &&
      candidates.length > 0 &&
      candidates.every(({ field: { field, table } }) => {
        const entries = Object.entries(table.transformations ?? {})
        const isFirstWord = entries.length === 1 && entries[0]?.[0] === '*' && entries[0][1] === 'firstWord'
        return isFirstWord && (field.valueType === undefined || field.valueType === 'string')
      }),
    limits: isPlain ? limitsOf(tables) : undefined,
    longest: isPlain ? longestOf(tables) : undefined,
  }
}

type Table = ReturnType<typeof candidatesOf>[number]['field']['table']

function keysOf({ visualMarkers, metadataFields, ranges }: Table): string[] {
  return [visualMarkers, metadataFields, ranges].flatMap((table) => Object.keys(table ?? {}))
}

/** In lower case, which for some letters is longer. */
function longestOf(tables: readonly Table[]): number {
  return tables.flatMap(keysOf).reduce((longest, key) => Math.max(longest, key.toLowerCase().length), 10)
}

/** The ends of ranges, and the numbers that are keys themselves. */
function limitsOf(tables: readonly Table[]): number[] {
  const limits = new Set<number>()
  for (const table of tables) {
    for (const ends of Object.values(table.ranges ?? {}))
      for (const end of ends) if (end !== null) limits.add(end)
    for (const key of keysOf(table))
      if (String(Number(key)).toLowerCase() === key.toLowerCase()) limits.add(Number(key))
  }
  return [...limits].filter(Number.isFinite).sort((a, b) => a - b)
}

/** Whether a message that begins with this bracket, or this word, may already have its markers. */
export function isKnownBeginning(beginning: string, known: ReadonlySet<string>): boolean {
  if (!beginning.startsWith('[')) return known.has(beginning)
  return beginning.length - 2 <= MAX_MARKER_LENGTH && known.has(beginning.slice(1, -1))
}
