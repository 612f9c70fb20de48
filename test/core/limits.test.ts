import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { type EventSet, EventSetRegistry, parseEventSet, ValidationError } from '../../src/index.ts'
import { markersOf } from './marks.ts'

const schema = JSON.parse(readFileSync(new URL('../../schema.json', import.meta.url), 'utf8'))
const isOfSchema = new Ajv({ strictTuples: false }).compile(schema)

const withMapping = (mapping: object) => ({ name: 'a', mappings: [{ name: 'm', ...mapping }] })
const withField = (field: object) => ({
  ...withMapping({}),
  fieldMappings: [{ logKey: 'x', mapping: 'm', ...field }],
})
const text = (length: number) => 'x'.repeat(length)
const segments = (count: number) => Array.from({ length: count }, () => 'x').join('.')
const table = (count: number, value: (index: number) => unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value(index)]))

/** What has a limit: the limit, a set with so much of it, and where the issue is when it is one more. */
const limited: readonly [what: string, most: number, setWith: (count: number) => unknown, path: string][] = [
  ['the name of a mapping', 256, (count) => withMapping({ name: text(count) }), 'mappings[0].name'],
  ['a description', 10_000, (count) => ({ name: 'a', description: text(count) }), 'description'],
  [
    'the description of a mapping',
    10_000,
    (count) => withMapping({ description: text(count) }),
    'mappings[0].description',
  ],
  [
    'a value',
    1000,
    (count) => withMapping({ visualMarkers: { [text(count)]: 'x' } }),
    'mappings[0].visualMarkers',
  ],
  ['a range', 1000, (count) => withMapping({ ranges: { [text(count)]: [1, 2] } }), 'mappings[0].ranges'],
  [
    'a value with a transformation',
    1000,
    (count) => withMapping({ transformations: { [text(count)]: 'trim' } }),
    'mappings[0].transformations',
  ],
  [
    'a value with metadata',
    1000,
    (count) => withMapping({ metadataFields: { [text(count)]: {} } }),
    'mappings[0].metadataFields',
  ],
  [
    'the metadata of a value',
    50,
    (count) => withMapping({ metadataFields: { a: table(count, () => 1) } }),
    'mappings[0].metadataFields.a',
  ],
  [
    'the name of a metadata field',
    256,
    (count) => withMapping({ metadataFields: { a: { [text(count)]: 1 } } }),
    'mappings[0].metadataFields.a',
  ],
  [
    'the segments of a metadata field',
    16,
    (count) => withMapping({ metadataFields: { a: { [segments(count)]: 1 } } }),
    'mappings[0].metadataFields.a',
  ],
  [
    'a text in metadata',
    1000,
    (count) => withMapping({ metadataFields: { a: { b: text(count) } } }),
    'mappings[0].metadataFields.a.b',
  ],
  ['the default key', 1000, (count) => withMapping({ defaultKey: text(count) }), 'mappings[0].defaultKey'],
  ['a log key', 256, (count) => withField({ logKey: text(count) }), 'fieldMappings[0].logKey'],
  [
    'the segments of a log key',
    16,
    (count) => withField({ logKey: segments(count) }),
    'fieldMappings[0].logKey',
  ],
  ['an alias', 256, (count) => withField({ aliases: [text(count)] }), 'fieldMappings[0].aliases[0]'],
  [
    'the segments of an alias',
    16,
    (count) => withField({ aliases: [segments(count)] }),
    'fieldMappings[0].aliases[0]',
  ],
  [
    'the override key',
    1000,
    (count) => withField({ defaultOverrideKey: text(count) }),
    'fieldMappings[0].defaultOverrideKey',
  ],
  [
    'the default value',
    1000,
    (count) => withField({ defaultValue: text(count) }),
    'fieldMappings[0].defaultValue',
  ],
  ['a glob', 256, (count) => withField({ when: { msg: text(count) } }), 'fieldMappings[0].when.msg'],
  [
    'a glob in a list',
    256,
    (count) => withField({ when: { msg: ['a', text(count)] } }),
    'fieldMappings[0].when.msg[1]',
  ],
  [
    'the segments of a condition',
    16,
    (count) => withField({ when: { [segments(count)]: 'a' } }),
    'fieldMappings[0].when',
  ],
]

describe('the limits of an event set', () => {
  it.each(limited)('take %s of %i, in schema.json too', (_, most, setWith) => {
    expect(parseEventSet(setWith(most)).issues).toBeUndefined()
    expect(isOfSchema(setWith(most)), JSON.stringify(isOfSchema.errors)).toBe(true)
  })

  it.each(limited)(
    'do not take %s of more than %i, and say so, in schema.json too',
    (_, most, setWith, path) => {
      const { issues } = parseEventSet(setWith(most + 1))

      expect(issues).toEqual([{ path, code: 'limit', message: expect.stringContaining(`at most ${most} `) }])
      expect(isOfSchema(setWith(most + 1))).toBe(false)
    },
  )

  it('count characters as people do, so that emoji count once', () => {
    expect(parseEventSet(withField({ when: { msg: '💰'.repeat(256) } })).success).toBe(true)
    expect(parseEventSet(withField({ when: { msg: '💰'.repeat(257) } })).success).toBe(false)
  })

  it('do not repeat a text of a megabyte in what they say', () => {
    const long = text(1_000_000)
    const { issues = [] } = parseEventSet({
      name: long,
      description: long,
      mappings: [
        {
          name: long,
          [long]: 1,
          visualMarkers: { [long]: long },
          transformations: { [long]: long },
          metadataFields: { [long]: { [long]: [] } },
        },
      ],
      fieldMappings: [{ logKey: long, mapping: long }],
    })

    expect(issues.length).toBeGreaterThan(8)
    for (const { path, message } of issues) expect(path.length + message.length).toBeLessThan(5000)
  })
})

describe('a set with more wrong in it than anybody can read', () => {
  it.each<[what: string, set: unknown, count: number]>([
    ['unknown keys', { name: 'a', ...table(3000, () => 1) }, 3000],
    [
      'unknown keys all over the place',
      { name: 'a', mappings: Array.from({ length: 3000 }, (_, index) => ({ name: `m${index}`, nmae: 1 })) },
      3000,
    ],
    [
      'wrong transformations',
      withMapping({ transformations: table(3000, (index) => `lowre${index}`) }),
      3000,
    ],
    ['wrong markers', withMapping({ visualMarkers: table(3000, () => '[') }), 3000],
    ['wrong globs', withField({ when: table(3000, () => '') }), 3000],
    ['ranges that are never reached', withMapping({ ranges: table(3000, () => [1, 2]) }), 2999],
  ])('has %s: fifty issues, and exactly how many more', (_, set, count) => {
    const { issues = [] } = parseEventSet(set)

    expect(issues).toHaveLength(51)
    expect(issues.at(-1)).toMatchObject({ message: `and ${count - 50} more issues`, count: count - 50 })
  })

  it('is refused with an error that tells as many, and how many there are in all', () => {
    const registry = new EventSetRegistry()
    const set = { name: 'a', mappings: [{ name: 'm', visualMarkers: table(3000, () => '[') }] }
    let error: unknown
    try {
      registry.registerEventSet(set as never)
    } catch (thrown) {
      error = thrown
    }

    expect(error).toBeInstanceOf(ValidationError)
    const lines = (error as ValidationError).message.split('\n')
    expect(lines).toHaveLength(52)
    expect(lines[0]).toBe('Event set "a" is not valid (3000 issues):')
    expect(lines.at(-1)).toBe('  and 2950 more issues')
  })

  it('tells of one issue too many as one', () => {
    const { issues = [] } = parseEventSet({ name: 'a', ...table(51, () => 1) })

    expect(issues.at(-1)?.message).toBe('and 1 more issue')
  })

  it('is judged where it is sound, whatever else is beyond the first fifty issues', () => {
    const broken = Array.from({ length: 100 }, () => 5)
    const { issues = [] } = parseEventSet({ name: 'a', mappings: [...broken, { name: 'm' }, { name: 'm' }] })

    expect(issues.at(-1)).toMatchObject({ message: 'and 51 more issues' })
  })
})

describe('a large set', () => {
  it('of 500 mappings with thousands of values each shows all of them', () => {
    const count = 500
    const set = {
      name: 'large',
      mappings: Array.from({ length: count }, (_, index) => ({
        name: `m${index}`,
        visualMarkers: table(index % 100 === 0 ? 5000 : 20, (value) => `${index}-${value}`) as {
          [key: string]: string
        },
        ranges: Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`r${at}`, [at, at] as const])),
      })),
      fieldMappings: Array.from({ length: count }, (_, index) => ({
        logKey: `a.b.key${index}`,
        aliases: [`key${index}`],
        mapping: `m${index}`,
      })),
    }
    const parsed = parseEventSet(JSON.parse(JSON.stringify(set)))

    expect(parsed.issues).toBeUndefined()
    const record = { key400: 'k4999', a: { b: { key499: 'K19' } } }
    expect(markersOf(record, parsed.set as EventSet)).toEqual(['400-4999', '499-19'])
  })

  it('of ranges in any order tells of each that an earlier one holds, as comparing each with each does', () => {
    let seed = 1
    const next = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    for (let round = 0; round < 50; round++) {
      const ranges = Array.from({ length: 40 }, (): [number | null, number | null] => {
        const [low, high] = [next(30), next(30)].sort((a, b) => a - b) as [number, number]
        return [next(20) === 0 ? null : low, next(20) === 0 ? null : high]
      })
      const ends = ranges.map(([low, high]) => [
        low ?? Number.NEGATIVE_INFINITY,
        high ?? Number.POSITIVE_INFINITY,
      ])
      const expected = ranges.flatMap((_, index) => {
        const [low = 0, high = 0] = ends[index] ?? []
        const isHeld = ends.slice(0, index).some(([from = 0, to = 0]) => from <= low && to >= high)
        return isHeld ? [`mappings[0].ranges.r${index}`] : []
      })
      const { issues = [] } = parseEventSet(
        withMapping({ ranges: Object.fromEntries(ranges.map((range, index) => [`r${index}`, range])) }),
      )

      expect(issues.map(({ path }) => path)).toEqual(expected)
    }
  })
})
