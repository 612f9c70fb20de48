import type { EventMapping, FieldMapping } from '../../core/event-set.ts'
import { transformations } from '../../core/transformation.ts'
import { isOfType } from '../../core/value.ts'
import { paymentSet, setExample } from '../example.ts'
import { quote } from '../quote.ts'
import { setRule } from '../rule.ts'

function eventSet(mapping: object): object {
  return paymentSet({
    mappings: [{ name: 'event', ...mapping }],
    fieldMappings: [{ logKey: 'payment.event', mapping: 'event' }],
  })
}

export const transformationWithoutEffect = setRule({
  code: 'transformation-without-effect',
  level: 'warn',
  title: 'a transformation changes nothing',
  why: 'The key of a transformation is the value that it is for, or "*" for any, and not a name for it. Upper and lower case do not count when a value is looked up, so there is no need to change them.',
  bad: setExample(
    eventSet({ transformations: { lastSegment: 'lastSegment' }, visualMarkers: { paid: '💰' } }),
  ),
  good: setExample(eventSet({ transformations: { '*': 'lastSegment' }, visualMarkers: { paid: '💰' } })),
  *check({ set: { mappings = [] } }) {
    for (const [index, { transformations: table = {} }] of mappings.entries()) {
      for (const [key, transformation] of Object.entries(table)) {
        if (typeof transformation !== 'string') continue
        const isForAny = key === '*'
        const isIdle = isForAny ? isAboutCase(transformation) : isUnchanged(key, transformation)
        // Beside a transformation for any value, one that changes nothing keeps that away from its own value.
        if (!isIdle || (!isForAny && Object.hasOwn(table, '*'))) continue
        yield {
          path: ['mappings', index, 'transformations', key],
          at: 'key',
          message: isForAny
            ? `${quote(transformation)} changes nothing: upper and lower case do not count anyway`
            : `${quote(transformation)} changes nothing about the value ${quote(key)}`,
          hint: isForAny ? 'Remove it.' : 'The key is the value to be changed; "*" stands for any value.',
        }
      }
    }
  },
})

export const unreachableKey = setRule({
  code: 'unreachable-key',
  level: 'warn',
  title: 'no value can be found under a key',
  why: 'Every field that uses the mapping takes values of another type, or a transformation makes the value into something else before it is looked up. The marker or metadata of the key never shows.',
  bad: setExample(
    paymentSet({
      fieldMappings: [{ logKey: 'payment.status', mapping: 'status', valueType: 'integer' }],
    }),
  ),
  good: setExample(
    paymentSet({
      mappings: [{ name: 'status', ranges: { paid: [1, 9] }, visualMarkers: { paid: '💰', 0: '💱' } }],
      fieldMappings: [{ logKey: 'payment.status', mapping: 'status', valueType: 'integer' }],
    }),
  ),
  *check({ set: { mappings = [] }, fieldsOf, isUsedOutside }) {
    for (const [index, mapping] of mappings.entries()) {
      const fields = fieldsOf(mapping)
      // What other sets hand over is not known here.
      if (fields.length === 0 || isUsedOutside(mapping)) continue
      const types = new Set(fields.map(({ valueType }) => valueType))
      const why = {
        visualMarkers: createReachCheck(mapping, fields, types),
        metadataFields: createReachCheck(mapping, fields, types),
        transformations: (key: string) => (key === '*' ? undefined : whyNoValue(key, types)),
      }
      for (const table of ['visualMarkers', 'metadataFields', 'transformations'] as const) {
        for (const key of Object.keys(mapping[table] ?? {})) {
          const reason = why[table](key)
          if (reason === undefined) continue
          yield {
            path: ['mappings', index, table, key],
            at: 'key',
            message: `no value can be found under ${quote(key)} of the mapping ${quote(mapping.name)}: ${reason}`,
            hint: 'Mend the key, or remove it.',
          }
        }
      }
    }
  },
})

type Types = ReadonlySet<FieldMapping['valueType']>

/** Tells of a key why nothing can be found under it, if so. */
function createReachCheck(
  { transformations: table = {}, ranges = {}, defaultKey = 'default' }: EventMapping,
  fields: readonly FieldMapping[],
  types: Types,
): (key: string) => string | undefined {
  // What leads to a key beside a value that is equal to it.
  const led = new Set(
    [
      defaultKey,
      ...Object.keys(ranges),
      ...fields.flatMap(({ defaultOverrideKey, defaultValue }) => [defaultOverrideKey, defaultValue]),
    ].map((key) => String(key).toLowerCase()),
  )
  const isTransformed = Object.keys(table).length > 0
  const forAny = table['*']
  // One for a single value may make any key of it, and so may a function.
  const isOpen =
    isTransformed && (Object.keys(table).length > 1 || typeof forAny !== 'string' || !IDEMPOTENT.has(forAny))
  return (key) => {
    const lowered = key.toLowerCase()
    if (isOpen || led.has(lowered)) return undefined
    if (typeof forAny !== 'string') return whyNoValue(key, types)
    // Doing it twice is doing it once, so what it makes is what it leaves alone.
    const spellings = [key, lowered, key.toUpperCase()]
    return spellings.some((spelling) => isUnchanged(spelling, forAny))
      ? undefined
      : `${quote(forAny)} never makes it`
  }
}

/** Why a key is no value of any of the types. */
function whyNoValue(key: string, types: Types): string | undefined {
  if ([...types].some((type) => type === undefined || isOfType(key, type))) return undefined
  return `its fields take values of type ${[...types].join(' and ')} only`
}

function isUnchanged(key: string, name: keyof typeof transformations): boolean {
  return String(transformations[name](key)).toLowerCase() === key.toLowerCase()
}

function isAboutCase(name: string): boolean {
  return name === 'lower' || name === 'upper'
}

const IDEMPOTENT: ReadonlySet<string> = new Set([
  'trim',
  'firstWord',
  'firstSegment',
  'lastSegment',
  'errorCode',
  'statusClass',
])
