import type { EventMapping } from '../../core/event-set.ts'
import { paymentSet, setExample } from '../example.ts'
import { quote } from '../quote.ts'
import { plainRule, setRule } from '../rule.ts'
import { hasKey } from '../table.ts'

function amountSet(ranges: object, visualMarkers: object): object {
  return paymentSet({
    mappings: [{ name: 'amount', ranges, visualMarkers }],
    fieldMappings: [{ logKey: 'payment.amount', mapping: 'amount', valueType: 'number' }],
  })
}

/** The parser finds it. */
export const unreachableRange = plainRule({
  code: 'unreachable-range',
  level: 'error',
  title: 'a range can hold no number',
  why: 'Its ends are the wrong way round, or a range that stands before it holds all its numbers: the first that holds a number wins. The set is not loaded.',
  bad: setExample(amountSet({ large: [1000, null], huge: [100000, null] }, { large: '🐬', huge: '🐳' })),
  good: setExample(amountSet({ huge: [100000, null], large: [1000, null] }, { large: '🐬', huge: '🐳' })),
})

export const overlappingRanges = setRule({
  code: 'overlapping-ranges',
  level: 'warn',
  title: 'two ranges overlap in part',
  why: 'The numbers in both belong to the one that stands first, which is easily overlooked. A range inside a wider one behind it is fine, and so is an end that two ranges share.',
  bad: setExample(amountSet({ small: [0, 500], large: [100, 10000] }, { small: '🐟', large: '🐬' })),
  good: setExample(amountSet({ small: [0, 100], large: [100, 10000] }, { small: '🐟', large: '🐬' })),
  *check({ set: { mappings = [] } }) {
    for (const [index, mapping] of mappings.entries()) {
      // Ranges around the current one, the narrowest last. As long as none cross, they lie in each other.
      const around: Range[] = []
      for (const range of rangesOf(mapping)) {
        while (around.length > 0 && (around.at(-1) as Range).high <= range.low) around.pop()
        const crossed = around.at(-1)
        if (crossed !== undefined && crossed.high < range.high && crossed.low < range.low) {
          const [first, second] = [crossed, range].sort((one, other) => one.place - other.place) as [
            Range,
            Range,
          ]
          yield {
            path: ['mappings', index, 'ranges', second.key],
            at: 'key',
            message: `the ranges ${quote(first.key)} and ${quote(second.key)} overlap from ${range.low} to ${crossed.high}; these numbers are ${quote(first.key)}, which stands first`,
            hint: `Let ${quote(crossed.key)} end where ${quote(range.key)} begins.`,
          }
        }
        while (around.length > 0 && (around.at(-1) as Range).high < range.high) around.pop()
        around.push(range)
      }
    }
  },
})

export const rangeKeyOrder = setRule({
  code: 'range-key-order',
  level: 'warn',
  title: 'a range whose name is a number overlaps another one',
  why: 'Of overlapping ranges the first wins, but JavaScript puts keys that are whole numbers first, wherever they stand in the file.',
  bad: setExample(amountSet({ huge: [100000, null], 1000: [1000, null] }, { huge: '🐳', 1000: '🐬' })),
  good: setExample(amountSet({ huge: [100000, null], large: [1000, null] }, { huge: '🐳', large: '🐬' })),
  *check({ set: { mappings = [] } }) {
    for (const [index, mapping] of mappings.entries()) {
      let widest: Range | undefined
      for (const range of rangesOf(mapping)) {
        const overlapped = widest !== undefined && range.low < widest.high ? widest : undefined
        if (widest === undefined || range.high > widest.high) widest = range
        const numeric = [range, overlapped].find((one) => one !== undefined && isWholeNumber(one.key))
        if (overlapped === undefined || numeric === undefined) continue
        const other = numeric === range ? overlapped : range
        yield {
          path: ['mappings', index, 'ranges', numeric.key],
          at: 'key',
          message: `the range ${quote(numeric.key)} goes before ${quote(other.key)}, wherever it stands: its name is a whole number`,
          hint: 'Give it a name that is a word.',
        }
      }
    }
  },
})

export const rangeWithoutMarker = setRule({
  code: 'range-without-marker',
  level: 'warn',
  title: 'a range has no marker',
  why: 'Numbers in it show nothing, or the marker of unknown values where there is one. Most often the two names differ by a slip of the pen.',
  bad: setExample(amountSet({ huge: [100000, null], large: [1000, null] }, { huge: '🐳' })),
  good: setExample(amountSet({ huge: [100000, null], large: [1000, null] }, { huge: '🐳', large: '🐬' })),
  *check({ set: { mappings = [] } }) {
    for (const [index, { name, ranges = {}, visualMarkers }] of mappings.entries()) {
      for (const key of Object.keys(ranges)) {
        if (hasKey(visualMarkers, key)) continue
        yield {
          path: ['mappings', index, 'ranges', key],
          at: 'key',
          message: `the range ${quote(key)} of the mapping ${quote(name)} has no marker`,
          hint: `Add ${quote(key)} to "visualMarkers", or remove the range.`,
        }
      }
    }
  },
})

interface Range {
  readonly key: string
  readonly low: number
  readonly high: number
  /** Its place in the order in which ranges are tried. */
  readonly place: number
}

/** By their lower ends; of those that begin together the widest first. */
function rangesOf({ ranges = {} }: EventMapping): Range[] {
  return Object.entries(ranges)
    .map(([key, [low, high]], place) => ({
      key,
      low: low ?? Number.NEGATIVE_INFINITY,
      high: high ?? Number.POSITIVE_INFINITY,
      place,
    }))
    .sort((one, other) => one.low - other.low || other.high - one.high || one.place - other.place)
}

function isWholeNumber(key: string): boolean {
  return /^(?:0|[1-9]\d{0,8})$/.test(key)
}
