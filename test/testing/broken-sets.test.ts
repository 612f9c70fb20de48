import { describe, expect, it } from 'vitest'
import type { EventMapping, EventSet, FieldMapping } from '../../src/index.ts'
import { eventSetConformance, lintEventSet } from '../../src/testing/index.ts'

const status: EventMapping = {
  name: 'status',
  visualMarkers: { placed: '🛒', shipped: '🚚', default: '📦' },
  metadataFields: { shipped: { 'order.moving': true } },
}
const weight: EventMapping = {
  name: 'weight',
  ranges: { heavy: [100, null], light: [0, 10] },
  visualMarkers: { heavy: '🐘', light: '🪶' },
}
const statusField: FieldMapping = {
  logKey: 'order.status',
  aliases: ['orderStatus'],
  mapping: 'status',
  valueType: 'string',
}
const weightField: FieldMapping = { logKey: 'order.weight', mapping: 'weight', valueType: 'number' }
const sound: EventSet = {
  name: 'order',
  priority: 10,
  mappings: [status, weight],
  fieldMappings: [statusField, weightField],
}

const withStatus = (change: Partial<EventMapping>) => ({
  ...sound,
  mappings: [{ ...status, ...change }, weight],
})
const withWeight = (change: Partial<EventMapping>) => ({
  ...sound,
  mappings: [status, { ...weight, ...change }],
})
const withStatusField = (change: Partial<FieldMapping>) => ({
  ...sound,
  fieldMappings: [{ ...statusField, ...change }, weightField],
})
const withFields = (...fieldMappings: FieldMapping[]) => ({ ...sound, fieldMappings })
const withMarker = (marker: string) =>
  withStatus({ visualMarkers: { ...status.visualMarkers, placed: marker } })

const VALID = 'is a valid event set'
const DATA = 'is data: JSON keeps all of it'
const STATUS = 'shows every marker of mapping "status"'
const WEIGHT = 'shows every marker of mapping "weight"'
const READS_STATUS = 'reads fieldMappings[0] ("order.status") under each of its names, flat and nested'
const READS_WEIGHT = 'reads fieldMappings[1] ("order.weight") under each of its names, flat and nested'
const CASE = 'finds values in upper and lower case alike'
const METADATA = 'adds metadata only with a marker of the same value'
const TWICE = 'changes nothing when a record is enriched twice'
const EMOJI = 'has markers that are one emoji, two columns wide in every terminal'
const TEXT = 'has text forms that tell its markers apart'
const NAME = 'has a name that no built-in set has'
const BESIDE = 'shows its markers beside the built-in sets too'
const LEAVES = 'leaves the built-in sets their markers'
const HOSTILE = 'takes hostile values without harm'

interface Broken {
  readonly title: string
  readonly set: unknown
  /** The cases that fail, all of them. */
  readonly fails: readonly string[]
  /** What the first of them says. */
  readonly says: readonly string[]
}

const broken: readonly Broken[] = [
  {
    title: 'is no set at all',
    set: ['placed'],
    fails: [VALID],
    says: ['expected an object, got a list'],
  },
  {
    title: 'has several issues, which are told at once',
    set: { ...withStatusField({ mapping: 'stauts' }), priorty: 3 },
    fails: [VALID],
    says: [
      'fieldMappings[0].mapping: no mapping "stauts" in set "order"; did you mean "status"?',
      'priorty: is not a known key; did you mean "priority"?',
    ],
  },
  {
    title: 'links to a set that is not there',
    set: withFields(statusField, { logKey: 'order.tax', eventSetName: 'tax', mapping: 'rate' }),
    fails: [VALID],
    says: ['fieldMappings[1].eventSetName: no event set "tax" is known'],
  },
  {
    title: 'has a function',
    set: withStatus({ transformations: { '*': (value) => String(value).trim() } }),
    fails: [DATA],
    says: ['mappings[0].transformations["*"] is a function: use a named transformation'],
  },
  {
    title: 'has a range up to infinity',
    set: withWeight({ ranges: { heavy: [100, Number.POSITIVE_INFINITY], light: [0, 10] } }),
    fails: [DATA],
    says: ['mappings[1].ranges.heavy[1] is Infinity, which JSON does not have: write null for an open end'],
  },
  {
    title: 'has a mapping that no field mapping leads to',
    set: withFields(statusField),
    fails: [WEIGHT],
    says: ['No field mapping leads to it: tie a log key to it, or remove it.'],
  },
  {
    title: 'has a mapping without markers',
    set: withWeight({ ranges: {}, visualMarkers: {} }),
    fails: [WEIGHT],
    says: ['It has no marker at all'],
  },
  {
    title: 'has a range without a marker',
    set: withWeight({ visualMarkers: { heavy: '🐘' } }),
    fails: [WEIGHT],
    says: ['Range "light" has no marker: add one under this key to visualMarkers.'],
  },
  {
    title: 'has a default key without a marker',
    set: withStatus({ defaultKey: 'other' }),
    fails: [STATUS],
    says: ['defaultKey "other" has no marker'],
  },
  {
    title: 'has an override key without a marker',
    set: withStatusField({ defaultOverrideKey: 'other' }),
    fails: [READS_STATUS],
    says: ['defaultOverrideKey "other" has no marker in mapping "status"'],
  },
  {
    title: 'has ranges that share an end, as if ends did not count',
    set: withWeight({ ranges: { light: [0, 100], heavy: [100, null] } }),
    fails: [WEIGHT],
    says: ['Never shown, since "light" holds it too and comes first', '100, the first of "heavy"'],
  },
  {
    title: 'has a range of which others take every number',
    set: withWeight({
      ranges: { low: [0, 5], high: [5, 10], light: [0, 10] },
      visualMarkers: { low: '🐁', high: '🐈', light: '🪶' },
    }),
    fails: [WEIGHT],
    says: ['a number in "light"', 'leave it no number'],
  },
  {
    title: 'has a default that ranges never leave anything to',
    set: {
      ...withWeight({
        ranges: { light: [null, 10], heavy: [11, null] },
        visualMarkers: { light: '🪶', heavy: '🐘', default: '📦' },
      }),
      fieldMappings: [statusField, { ...weightField, valueType: 'integer' as const }],
    },
    fails: [WEIGHT],
    says: ['a value that is not in the table ("default")'],
  },
  {
    title: 'has words for a field that takes whole numbers',
    set: withStatusField({ valueType: 'integer' }),
    fails: [STATUS],
    says: ['valueType "integer" lets no such value through', '"placed" and "shipped"'],
  },
  {
    title: 'has keys that a transformation never leaves',
    set: withStatus({
      visualMarkers: { 'order.placed': '🛒', shipped: '🚚' },
      transformations: { '*': 'lastSegment' },
    }),
    fails: [STATUS],
    says: ['no value is "order.placed" after lastSegment: write the key as it is then'],
  },
  {
    title: 'has a range behind a transformation that leaves no numbers',
    set: withWeight({
      transformations: { '*': 'statusClass' },
      ranges: { heavy: [100, 200] },
      visualMarkers: { heavy: '🐘' },
    }),
    fails: [WEIGHT, READS_WEIGHT],
    says: ['statusClass leaves no number to look up'],
  },
  {
    title: 'has a condition that keeps a value out',
    set: withStatusField({ aliases: [], when: { 'order.status': ['pl*', 'un*'] } }),
    fails: [STATUS],
    says: [
      'its "when" lets no such value of "order.status" through: add a glob that does. This concerns "shipped"',
    ],
  },
  {
    title: 'has a field mapping that never gets its value',
    set: withFields(statusField, weightField, {
      logKey: 'order.status',
      mapping: 'weight',
      valueType: 'string',
    }),
    fails: ['reads fieldMappings[2] ("order.status") under each of its names, flat and nested'],
    says: ['"order.status" (flat) shows no marker, since fieldMappings[0] ("order.status") takes the value'],
  },
  {
    title: 'has an alias that another field mapping takes',
    set: withFields(statusField, weightField, {
      logKey: 'parcel.status',
      aliases: ['orderStatus'],
      mapping: 'status',
      valueType: 'string',
    }),
    fails: ['reads fieldMappings[2] ("parcel.status") under each of its names, flat and nested'],
    says: ['"orderStatus" (flat) shows no marker, since fieldMappings[0] ("order.status") takes the value'],
  },
  {
    title: 'has an alias that its own condition hides',
    set: withStatusField({ when: { 'order.status': '*' } }),
    fails: [READS_STATUS],
    says: ['"orderStatus" (flat) shows no marker, since its "when" asks for "order.status"'],
  },
  {
    title: 'has a default value without a marker',
    set: {
      ...withStatus({ visualMarkers: { placed: '🛒', shipped: '🚚' } }),
      fieldMappings: [{ ...statusField, defaultValue: 'unknown' }, weightField],
    },
    fails: [READS_STATUS],
    says: ['defaultValue "unknown" never shows a marker'],
  },
  {
    title: 'has a default value for its only field',
    set: { ...sound, mappings: [status], fieldMappings: [{ ...statusField, defaultValue: 'placed' }] },
    fails: [READS_STATUS],
    says: ['defaultValue "placed" never shows a marker: it counts beside another field of the set'],
  },
  {
    title: 'has a function to which case matters',
    set: withStatus({
      transformations: { '*': (value) => (value === 'shipped' || value === 'placed' ? value : 'default') },
    }),
    fails: [DATA, CASE],
    says: [],
  },
  {
    title: 'has metadata without a marker',
    set: withStatus({ metadataFields: { lost: { 'order.lost': true } } }),
    fails: [METADATA],
    says: ['"lost" of mapping "status" adds fields and has no marker'],
  },
  {
    title: 'has metadata that every record has already',
    set: {
      ...withStatus({ metadataFields: { shipped: { 'order.status': 'moving' } } }),
      fieldMappings: [{ ...statusField, aliases: [] }, weightField],
    },
    fails: [METADATA],
    says: [
      '"order.status" of mapping "status" is never added, since records with these values have it already',
    ],
  },
  {
    title: 'has metadata that is marked the second time',
    set: withStatus({ metadataFields: { shipped: { 'order.weight': 500 } } }),
    fails: [TWICE],
    says: ['The fields that fieldMappings[0] ("order.status") adds ("order.weight") have markers'],
  },
  { title: 'has an emoji of two code points', set: withMarker('⚠️'), fails: [EMOJI], says: ['U+26A0 U+FE0F'] },
  { title: 'has a sign that is no emoji by default', set: withMarker('✔'), fails: [EMOJI], says: ['U+2714'] },
  { title: 'has a combined emoji', set: withMarker('👩‍💻'), fails: [EMOJI], says: ['one emoji is enough'] },
  { title: 'has a skin tone', set: withMarker('👍🏽'), fails: [EMOJI], says: ['one emoji is enough'] },
  { title: 'has half a flag', set: withMarker('🇫'), fails: [EMOJI], says: ['without skin tone, flag'] },
  {
    title: 'has text for a marker',
    set: withMarker('NEW'),
    fails: [TWICE, EMOJI],
    says: ['In the style "plain", markers of fieldMappings[0] ("order.status") are put twice'],
  },
  {
    title: 'has a control character for a marker',
    set: withMarker('\u001b'),
    fails: [TWICE, EMOJI],
    says: [],
  },
  {
    title: 'has a key that reads like its default',
    set: withStatus({ visualMarkers: { status: '🛒', default: '📦' }, metadataFields: {} }),
    fails: [TEXT],
    says: [
      '"status" and "default" of mapping "status" have different markers, "🛒" and "📦", but both read [status]',
    ],
  },
  {
    title: 'has keys that are the same in their first 64 characters',
    set: withStatus({
      visualMarkers: { [`${'long'.repeat(16)}a`]: '🛒', [`${'long'.repeat(16)}b`]: '🚚' },
      metadataFields: {},
    }),
    fails: [TEXT],
    says: ['but both read'],
  },
  {
    title: 'has a key that cannot be seen',
    set: withStatus({ visualMarkers: { '\u200b': '🛒', shipped: '🚚' } }),
    fails: [TEXT],
    says: ['cannot be read as text: use visible characters only'],
  },
  {
    title: 'has the name of a built-in set',
    set: { ...sound, name: 'http' },
    fails: [NAME],
    says: ['"http" is built in: choose another name'],
  },
  {
    title: 'reads a log key that a built-in set owns',
    set: withFields(statusField, weightField, {
      logKey: 'http.response.status_code',
      mapping: 'weight',
      valueType: 'integer',
    }),
    fails: [BESIDE],
    says: [
      'fieldMappings[2] ("http.response.status_code") does not get "http.response.status_code", which set "http" (priority 80) owns: raise the priority (10) above that',
    ],
  },
  {
    title: 'takes a log key of a built-in set and has nothing to show for its values',
    set: withFields(statusField, weightField, { logKey: 'action', mapping: 'weight' }),
    fails: [LEAVES],
    says: ['"action" of set "system" is taken, and nothing is shown for it', '"init" (🌱)'],
  },
  {
    title: 'has a function that throws for what it does not expect',
    set: withStatus({ transformations: { '*': (value) => (value as string).trim() } }),
    fails: [DATA],
    says: [],
  },
  {
    title: 'has a function that throws for long texts',
    set: withStatus({
      transformations: {
        '*': (value) => {
          if (String(value).length > 1000) throw new RangeError('too long')
          return value
        },
      },
    }),
    fails: [DATA, HOSTILE],
    says: [],
  },
]

describe('a sound set', () => {
  it('passes every case', () => {
    expect(failuresOf(sound)).toEqual([])
  })

  it('has cases with names of their own', () => {
    const names = [...eventSetConformance(sound)].map(({ name }) => name)

    expect(new Set(names).size).toBe(names.length)
  })
})

describe('a set with findings of lint', () => {
  it.each([
    { title: 'an error', set: withMarker('\u001b'), code: 'marker' },
    { title: 'a warning', set: withStatusField({ aliases: ['orderStatus', 'orderStatus'] }), code: 'alias' },
  ])('fails for $title, and names its code', ({ set, code }) => {
    const lint = [...eventSetConformance(set)].find(({ name }) => name === LINT)

    expect(() => lint?.run()).toThrow(new RegExp(`\\([a-z-]*${code}[a-z-]*\\)`))
  })

  it('passes with advice alone', () => {
    const set = withStatus({ visualMarkers: { placed: '🛒', shipped: '🛒' }, metadataFields: {} })

    expect(lintEventSet(set).map(({ level }) => level)).toContain('info')
    expect(failuresOf(set)).toEqual([])
  })
})

describe('a set that', () => {
  it.each(broken)('$title fails', ({ set, fails, says }) => {
    const failures = failuresOf(set)

    expect(failures.map(({ name }) => name)).toEqual(fails)
    for (const text of says) expect(failures[0]?.message).toContain(text)
  })
})

/** Lint has tests of its own, and finds much of what the cases find. */
const LINT = 'has no errors and warnings of eventsets lint'

function failuresOf(set: unknown): { name: string; message: string }[] {
  const cases = [...eventSetConformance(set)].filter(({ name }) => name !== LINT)
  return cases.flatMap(({ name, run }) => {
    try {
      run()
      return []
    } catch (error) {
      return [{ name, message: (error as Error).message }]
    }
  })
}
