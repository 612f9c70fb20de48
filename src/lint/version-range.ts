/**
 * Whether a text is a range of versions as npm reads it: `>=0.1.0`, `^1.2 || 2.x`, `1.0.0 - 1.4`, `*`.
 * What package managers replace when they publish (`workspace:^`, `catalog:`) counts as one.
 */
export function isRange(range: string): boolean {
  return range.length <= MAX_LENGTH && (isReplaced(range) || parseRange(range) !== undefined)
}

/**
 * Whether a version is in a range. A version with a tag, such as 1.0.0-beta, is in those ranges only that name a
 * tagged version of the same number, as npm has it.
 */
export function satisfies(version: string, range: string): boolean {
  if (isReplaced(range)) return true
  const parsed = parseVersion(version)
  const sets = range.length <= MAX_LENGTH ? parseRange(range) : undefined
  if (parsed === undefined || sets === undefined) return false
  return sets.some(
    (comparators) =>
      comparators.every(({ operator, bound }) => OPERATORS[operator](compareVersions(parsed, bound))) &&
      (parsed.tags.length === 0 ||
        comparators.some(({ bound }) => bound.tags.length > 0 && compareNumbers(parsed, bound) === 0)),
  )
}

function isReplaced(range: string): boolean {
  return /^(?:workspace|catalog):/.test(range)
}

interface Version {
  readonly numbers: readonly [major: number, minor: number, patch: number]
  readonly tags: readonly (string | number)[]
}

type Operator = keyof typeof OPERATORS

interface Comparator {
  readonly operator: Operator
  readonly bound: Version
}

const MAX_LENGTH = 200

const OPERATORS = {
  '<': (order: number) => order < 0,
  '<=': (order: number) => order <= 0,
  '>': (order: number) => order > 0,
  '>=': (order: number) => order >= 0,
  '=': (order: number) => order === 0,
}

const PART = String.raw`(?:0|[1-9]\d{0,14}|[xX*])`
const PARTIAL = String.raw`[v=\s]*(${PART})(?:\.(${PART})(?:\.(${PART})(?:-([\w.-]+))?(?:\+[\w.-]+)?)?)?`
const SIMPLE = new RegExp(`^(\\^|~>?|>=|<=|>|<|=)?\\s*${PARTIAL}$`)
const HYPHEN = new RegExp(`^${PARTIAL}\\s+-\\s+${PARTIAL}$`)

/** The alternatives of a range, each a list of comparators that all have to hold. */
function parseRange(range: string): Comparator[][] | undefined {
  const alternatives: Comparator[][] = []
  for (const text of range.split('||')) {
    const parsed = parseAlternative(text.trim())
    if (parsed === undefined) return undefined
    alternatives.push(parsed)
  }
  return alternatives
}

function parseAlternative(text: string): Comparator[] | undefined {
  if (text === '') return [{ operator: '>=', bound: lowest([]) }]
  const hyphen = HYPHEN.exec(text)
  if (hyphen) return [...expand('>=', hyphen.slice(1, 5)), ...expand('<=', hyphen.slice(5, 9))]
  const comparators: Comparator[] = []
  // A space may stand between an operator and its version.
  for (const part of text.replace(/(\^|~>?|[<>]=?|=)\s+/g, '$1').split(/\s+/)) {
    const [, operator = '=', ...partial] = SIMPLE.exec(part) ?? []
    if (partial.length === 0) return undefined
    comparators.push(...expand(operator, partial))
  }
  return comparators
}

/** A comparator with a version whose last parts may be missing, as comparators with whole versions. */
function expand(operator: string, [major, minor, patch, tag]: (string | undefined)[]): Comparator[] {
  const numbers: number[] = []
  for (const part of [major, minor, patch]) {
    if (part === undefined || !/^\d/.test(part)) break
    numbers.push(Number(part))
  }
  const from: Version = { ...lowest(numbers), tags: tag === undefined ? [] : parseTags(tag) }
  const at = (numbers: readonly number[]): Version => ({ ...lowest(numbers), tags: LOWEST_TAG })
  const isWhole = numbers.length === 3
  switch (operator) {
    case '>':
      if (numbers.length === 0) return NOTHING
      return [isWhole ? { operator: '>', bound: from } : { operator: '>=', bound: lowest(next(numbers)) }]
    case '>=':
      return [{ operator: '>=', bound: from }]
    case '<':
      if (numbers.length === 0) return NOTHING
      return [{ operator: '<', bound: isWhole ? from : at(numbers) }]
    case '<=':
      if (numbers.length === 0) return [{ operator: '>=', bound: from }]
      return [isWhole ? { operator: '<=', bound: from } : { operator: '<', bound: at(next(numbers)) }]
    case '^': {
      // The first number that is not 0 stays as it is.
      const fixed = numbers.findIndex((number) => number > 0)
      return between(from, numbers.slice(0, fixed === -1 ? numbers.length : fixed + 1))
    }
    case '~':
    case '~>':
      return between(from, numbers.slice(0, 2))
    default:
      return isWhole ? [{ operator: '=', bound: from }] : between(from, numbers)
  }
}

/** From a version up to, and without, the next one of these first numbers. */
function between(from: Version, numbers: readonly number[]): Comparator[] {
  const lower: Comparator = { operator: '>=', bound: from }
  if (numbers.length === 0) return [lower]
  return [lower, { operator: '<', bound: { ...lowest(next(numbers)), tags: LOWEST_TAG } }]
}

function next(numbers: readonly number[]): number[] {
  return [...numbers.slice(0, -1), (numbers.at(-1) ?? 0) + 1]
}

function lowest([major = 0, minor = 0, patch = 0]: readonly number[]): Version {
  return { numbers: [major, minor, patch], tags: [] }
}

/** Below every other tag, so that 2.0.0-beta is not below 2.0.0 in `^1.0.0`. */
const LOWEST_TAG = [0]

const NOTHING: Comparator[] = [{ operator: '<', bound: { numbers: [0, 0, 0], tags: LOWEST_TAG } }]

function parseVersion(text: string): Version | undefined {
  const match = /^v?(\d{1,15})\.(\d{1,15})\.(\d{1,15})(?:-([\w.-]+))?(?:\+[\w.-]+)?$/.exec(text.trim())
  if (!match) return undefined
  const [, major, minor, patch, tag] = match
  const numbers = [Number(major), Number(minor), Number(patch)] as const
  return { numbers, tags: tag === undefined ? [] : parseTags(tag) }
}

function parseTags(text: string): (string | number)[] {
  return text.split('.').map((tag) => (/^\d{1,15}$/.test(tag) ? Number(tag) : tag))
}

function compareVersions(one: Version, other: Version): number {
  return compareNumbers(one, other) || compareTags(one.tags, other.tags)
}

function compareNumbers({ numbers: one }: Version, { numbers: other }: Version): number {
  return one[0] - other[0] || one[1] - other[1] || one[2] - other[2]
}

/** A version with tags comes before the one without. */
function compareTags(one: Version['tags'], other: Version['tags']): number {
  if (one.length === 0 || other.length === 0) return other.length - one.length
  for (let index = 0; index < Math.max(one.length, other.length); index++) {
    const [a, b] = [one[index], other[index]]
    if (a === b) continue
    if (a === undefined || b === undefined) return a === undefined ? -1 : 1
    if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1
    return a < b ? -1 : 1
  }
  return 0
}
