import { describe, expect, it } from 'vitest'
import {
  createEnricher,
  defineEventSet,
  type EventSet,
  type Issue,
  parseEventSet,
  ValidationError,
} from '../../src/index.ts'
import { markersOf, registryOf } from './marks.ts'

const valid = {
  $schema: 'https://unpkg.com/eventsets/schema.json',
  name: 'http',
  description: 'HTTP requests and responses',
  priority: 80,
  mappings: [
    { name: 'method', visualMarkers: { get: '📥', default: '🌐' } },
    {
      name: 'status',
      description: 'The answer',
      ranges: { '2xx': [200, 299], '5xx': [500, null] },
      visualMarkers: { '2xx': '✅' },
      metadataFields: { '2xx': { 'http.success': true, code: 2, kind: 'ok' } },
      transformations: { '*': 'trim' },
      defaultKey: 'other',
    },
  ],
  fieldMappings: [
    { logKey: 'http.method', aliases: ['req.method'], mapping: 'method', valueType: 'string' },
    {
      logKey: 'status',
      mapping: 'status',
      description: 'A number',
      defaultOverrideKey: '2xx',
      defaultValue: 200,
      when: { msg: 'a*', 'service.name': ['b', 'c?'] },
    },
  ],
}

function issuesOf(input: unknown): readonly Issue[] {
  return parseEventSet(input).issues ?? []
}

/** Path and code of every issue: what tools rely on. */
function codesOf(input: unknown): string[] {
  return issuesOf(input).map(({ path, code }) => `${path}: ${code}`)
}

describe('parseEventSet', () => {
  it('gives an equal copy of a valid set', () => {
    const { success, set, issues } = parseEventSet(valid)

    expect(success).toBe(true)
    expect(issues).toBeUndefined()
    expect(set).toEqual(valid)
    expect(set).not.toBe(valid)
  })

  it('accepts the smallest set', () => {
    expect(parseEventSet({ name: 'a' }).success).toBe(true)
  })

  it('freezes every level of the result and leaves the input as it was', () => {
    const input = structuredClone(valid)
    const { set } = parseEventSet(input)
    const levels: unknown[] = []
    const walk = (value: unknown) => {
      if (typeof value !== 'object' || value === null) return
      levels.push(value)
      for (const inner of Object.values(value)) walk(inner)
    }
    walk(set)

    expect(levels.length).toBeGreaterThan(15)
    expect(levels.every(Object.isFrozen)).toBe(true)
    expect(input).toEqual(valid)
    expect(Object.isFrozen(input.mappings[0])).toBe(false)
  })

  it('does not see what happens to the input later', () => {
    const input = structuredClone(valid)
    const { set } = parseEventSet(input)
    input.name = 'changed'
    input.mappings.pop()

    expect(set).toEqual(valid)
  })

  it('accepts a set that is frozen, and one it gave itself', () => {
    const once = parseEventSet(valid).set

    expect(parseEventSet(once).set).toEqual(valid)
  })

  it('accepts keys that are undefined, as code leaves them', () => {
    expect(parseEventSet({ name: 'a', description: undefined, mappings: undefined }).success).toBe(true)
  })

  it.each([null, undefined, 5, 'text', true, [], [valid], () => valid])(
    'rejects %o, which is no object',
    (input) => {
      expect(codesOf(input)).toEqual([': type'])
    },
  )

  it('tells every issue at once, each with its path', () => {
    const wrong = {
      nam: 'http',
      priority: '80',
      mappings: [
        { name: 'status', visualMarkers: { ok: 5, bad: '' }, ranges: { x: [2] }, colour: 'red' },
        { name: '', metadataFields: { ok: { a: null } } },
      ],
      fieldMappings: [
        { logKey: '', aliases: 'a' },
        { logKey: 'a', mapping: 'status', valueType: 'int', when: { msg: 5 } },
        'status',
      ],
    }

    expect(codesOf(wrong).toSorted()).toEqual(
      [
        'name: missing',
        'nam: unknown_key',
        'priority: type',
        'mappings[0].visualMarkers.ok: type',
        'mappings[0].visualMarkers.bad: format',
        'mappings[0].ranges.x[1]: type',
        'mappings[0].colour: unknown_key',
        'mappings[1].name: format',
        'mappings[1].metadataFields.ok.a: type',
        'fieldMappings[0].logKey: format',
        'fieldMappings[0].aliases: type',
        'fieldMappings[1].valueType: type',
        'fieldMappings[1].when.msg: type',
        'fieldMappings[2]: type',
      ].toSorted(),
    )
  })

  it('judges the sound parts of a set whose other parts are broken', () => {
    const wrong = {
      mapping: [],
      mappings: [
        { name: 'a', visualMarkers: { ok: '✅', OK: '👍' } },
        { name: 'b', visualMarkers: 5 },
        { name: 'a' },
      ],
      fieldMappings: [
        { logKey: 'x', mapping: 'b' },
        { logKey: 'y', maping: 'a', mapping: 'c' },
        { logKey: 5 },
      ],
    }

    expect(codesOf(wrong)).toEqual([
      'name: missing',
      'mappings[1].visualMarkers: type',
      'fieldMappings[2].logKey: type',
      'mapping: unknown_key',
      'fieldMappings[1].maping: unknown_key',
      'mappings[0].visualMarkers: duplicate_key',
      'mappings[2].name: duplicate_name',
      'fieldMappings[1].mapping: dangling_link',
    ])
  })

  it.each([
    ['a number', { ...valid, name: 5 }, 'name', 'expected a string, got 5'],
    ['a priority that is a text', { name: 'a', priority: '1' }, 'priority', 'expected a number, got "1"'],
    ['mappings that are no list', { name: 'a', mappings: {} }, 'mappings', 'expected a list, got an object'],
    [
      'an unknown type',
      { name: 'a', fieldMappings: [{ logKey: 'x', valueType: 'int' }] },
      'fieldMappings[0].valueType',
      'expected "string" or "integer" or "number" or "boolean", got "int"',
    ],
    [
      'a table that is a list',
      { name: 'a', mappings: [{ name: 'm', visualMarkers: ['x'] }] },
      'mappings[0].visualMarkers',
      'expected an object',
    ],
    [
      'a table that is a Map',
      { name: 'a', mappings: [{ name: 'm', visualMarkers: new Map() }] },
      'mappings[0].visualMarkers',
      'expected an object',
    ],
    [
      'a marker that is a number',
      { name: 'a', mappings: [{ name: 'm', visualMarkers: { '2xx': 5 } }] },
      'mappings[0].visualMarkers["2xx"]',
      'expected a string, got 5',
    ],
    [
      'a range of three',
      { name: 'a', mappings: [{ name: 'm', ranges: { r: [1, 2, 3] } }] },
      'mappings[0].ranges.r[2]',
      'expected [low, high], both inclusive, null for an open end',
    ],
    [
      'a range of texts',
      { name: 'a', mappings: [{ name: 'm', ranges: { r: ['1', 2] } }] },
      'mappings[0].ranges.r[0]',
      'expected a number, or null for an open end',
    ],
    [
      'metadata that is no object',
      { name: 'a', mappings: [{ name: 'm', metadataFields: { r: 1 } }] },
      'mappings[0].metadataFields.r',
      'expected an object',
    ],
    [
      'metadata that is an object',
      { name: 'a', mappings: [{ name: 'm', metadataFields: { r: { x: {} } } }] },
      'mappings[0].metadataFields.r.x',
      'expected a string, a number, or true or false',
    ],
    [
      'a transformation nobody knows',
      { name: 'a', mappings: [{ name: 'm', transformations: { r: 'uper' } }] },
      'mappings[0].transformations.r',
      'no transformation "uper"; did you mean "upper"?',
    ],
    [
      'a transformation named like a method',
      { name: 'a', mappings: [{ name: 'm', transformations: { r: 'toString' } }] },
      'mappings[0].transformations.r',
      expect.stringContaining('no transformation "toString"'),
    ],
    [
      'a transformation that is a number',
      { name: 'a', mappings: [{ name: 'm', transformations: { r: 1 } }] },
      'mappings[0].transformations.r',
      'expected the name of a transformation, or in code a function',
    ],
    [
      'a default value that is null',
      { name: 'a', mappings: [{ name: 'x' }], fieldMappings: [{ logKey: 'x', defaultValue: null }] },
      'fieldMappings[0].defaultValue',
      'expected a string, a number, or true or false',
    ],
  ])('answers %s with "type"', (_, input, path, message) => {
    expect(issuesOf(input)).toEqual([{ path, code: 'type', message }])
  })

  it.each([
    ['a set without a name', {}, 'name'],
    ['a mapping without a name', { name: 'a', mappings: [{}] }, 'mappings[0].name'],
    ['a field mapping without a log key', { name: 'a', fieldMappings: [{}] }, 'fieldMappings[0].logKey'],
  ])('answers %s with "missing"', (_, input, path) => {
    expect(issuesOf(input)).toEqual([{ path, code: 'missing', message: 'is required, but missing' }])
  })

  it.each([
    [{ name: 'a', priorty: 1 }, 'priorty', 'is not a known key; did you mean "priority"?'],
    [
      { name: 'a', zzz: 1 },
      'zzz',
      'is not a known key; known are $schema, name, description, priority, mappings, fieldMappings',
    ],
    [
      { name: 'a', mappings: [{ name: 'm', visualMarker: {} }] },
      'mappings[0].visualMarker',
      'is not a known key; did you mean "visualMarkers"?',
    ],
    [
      { name: 'a', mappings: [{ name: 'x' }], fieldMappings: [{ logKey: 'x', 'log-key': 1 }] },
      'fieldMappings[0]["log-key"]',
      'is not a known key; did you mean "logKey"?',
    ],
    [{ name: 'a', toString: 1 }, 'toString', expect.stringMatching(/^is not a known key; known are /)],
  ])('answers the unknown key of %o with "unknown_key", naming the nearest', (input, path, message) => {
    expect(issuesOf(input)).toEqual([{ path, code: 'unknown_key', message }])
  })

  it('tells every unknown key', () => {
    expect(codesOf({ name: 'a', x: 1, y: 2, mappings: [{ name: 'm', z: 3 }] })).toEqual([
      'x: unknown_key',
      'y: unknown_key',
      'mappings[0].z: unknown_key',
    ])
  })

  it.each(['', '1a', 'a b', 'ä', '-a', 'a'.repeat(65), 'a/b', 'a\n', '__proto__'])(
    'answers the set name %o with "format"',
    (name) => {
      expect(codesOf({ name })).toEqual(['name: format'])
    },
  )

  it.each(['a', 'http', 'My-set_2.0', 'constructor', 'a'.repeat(64)])('accepts the set name %o', (name) => {
    expect(codesOf({ name })).toEqual([])
  })

  it.each([
    ['a fraction as priority', { name: 'a', priority: 1.5 }, 'priority'],
    [
      'no marker',
      { name: 'a', mappings: [{ name: 'm', visualMarkers: { a: '' } }] },
      'mappings[0].visualMarkers.a',
    ],
    [
      'a marker in brackets',
      { name: 'a', mappings: [{ name: 'm', visualMarkers: { a: '[x]' } }] },
      'mappings[0].visualMarkers.a',
    ],
    [
      'a marker that is a text',
      { name: 'a', mappings: [{ name: 'm', visualMarkers: { a: 'x'.repeat(65) } }] },
      'mappings[0].visualMarkers.a',
    ],
    [
      'an empty default key',
      { name: 'a', mappings: [{ name: 'm', defaultKey: '' }] },
      'mappings[0].defaultKey',
    ],
    [
      'an empty alias',
      { name: 'a', mappings: [{ name: 'x' }], fieldMappings: [{ logKey: 'x', aliases: [''] }] },
      'fieldMappings[0].aliases[0]',
    ],
    [
      'an empty link',
      { name: 'a', fieldMappings: [{ logKey: 'x', mapping: '' }] },
      'fieldMappings[0].mapping',
    ],
    [
      'an empty set link',
      { name: 'a', fieldMappings: [{ logKey: 'x', eventSetName: '' }] },
      'fieldMappings[0].eventSetName',
    ],
    [
      'an empty override key',
      { name: 'a', mappings: [{ name: 'x' }], fieldMappings: [{ logKey: 'x', defaultOverrideKey: '' }] },
      'fieldMappings[0].defaultOverrideKey',
    ],
    [
      'an empty glob',
      { name: 'a', mappings: [{ name: 'x' }], fieldMappings: [{ logKey: 'x', when: { msg: '' } }] },
      'fieldMappings[0].when.msg',
    ],
  ])('answers %s with "format"', (_, input, path) => {
    expect(codesOf(input)).toEqual([`${path}: format`])
  })

  it('rejects NaN, and takes infinity for an open end', () => {
    const withRange = (range: unknown) => ({ name: 'a', mappings: [{ name: 'm', ranges: { r: range } }] })

    expect(codesOf(withRange([Number.NaN, 1]))).toEqual(['mappings[0].ranges.r[0]: type'])
    expect(codesOf(withRange([0, Number.POSITIVE_INFINITY]))).toEqual([])
    expect(codesOf({ name: 'a', priority: Number.POSITIVE_INFINITY })).toEqual(['priority: format'])
  })

  it('answers a range that holds nothing with "range_order", and says how to write it', () => {
    expect(
      issuesOf({ name: 'a', mappings: [{ name: 'm', ranges: { ok: [1, 1], '2xx': [299, 200] } }] }),
    ).toEqual([
      {
        path: 'mappings[0].ranges["2xx"]',
        code: 'range_order',
        message: 'holds nothing: 299 is above 200; write [200, 299]',
      },
    ])
  })

  it('answers two mappings of one name with "duplicate_name"', () => {
    expect(issuesOf({ name: 'a', mappings: [{ name: 'm' }, { name: 'n' }, { name: 'm' }] })).toEqual([
      { path: 'mappings[2].name', code: 'duplicate_name', message: '"m" is already the name of mappings[0]' },
    ])
  })

  it.each(['visualMarkers', 'metadataFields', 'transformations'])(
    'answers two keys of %s that differ in case only with "duplicate_key", naming both',
    (table) => {
      const value = { visualMarkers: '✅', metadataFields: {}, transformations: 'trim' }[table]

      expect(issuesOf({ name: 'a', mappings: [{ name: 'm', [table]: { Get: value, GET: value } }] })).toEqual(
        [
          {
            path: `mappings[0].${table}`,
            code: 'duplicate_key',
            message: '"Get" and "GET" are the same key: upper and lower case do not count',
          },
        ],
      )
    },
  )

  it('answers a log key that is mapped twice with "duplicate_key", aliases included', () => {
    const fields = [
      { logKey: 'a', mapping: 'm' },
      { logKey: 'b', aliases: ['a'], mapping: 'm' },
    ]

    expect(issuesOf({ name: 'a', mappings: [{ name: 'm' }], fieldMappings: fields })).toEqual([
      {
        path: 'fieldMappings[1]',
        code: 'duplicate_key',
        message:
          'log key "a" is already mapped by fieldMappings[0]; give that one a "when" or a "valueType", or remove one',
      },
    ])
  })

  it('accepts a log key that is mapped twice where the first leaves something', () => {
    const withFirst = (first: object) => ({
      name: 'a',
      mappings: [{ name: 'm' }],
      fieldMappings: [
        { logKey: 'a', mapping: 'm', ...first },
        { logKey: 'a', mapping: 'm' },
      ],
    })

    expect(codesOf(withFirst({ when: { msg: 'x' } }))).toEqual([])
    expect(codesOf(withFirst({ valueType: 'integer' }))).toEqual([])
    expect(codesOf(withFirst({ description: 'no gate' }))).toEqual(['fieldMappings[1]: duplicate_key'])
  })

  it('answers a link that leads nowhere with "dangling_link", naming the nearest mapping', () => {
    const fields = [
      { logKey: 'a', mapping: 'status' },
      { logKey: 'b', mapping: 'method' },
      { logKey: 'c', mapping: 'stauts' },
    ]

    expect(
      issuesOf({ name: 'http', mappings: [{ name: 'method' }, { name: 'status' }], fieldMappings: fields }),
    ).toEqual([
      {
        path: 'fieldMappings[2].mapping',
        code: 'dangling_link',
        message: 'no mapping "stauts" in set "http"; did you mean "status"?',
      },
    ])
  })

  it('leaves links to other sets to the registration', () => {
    expect(
      codesOf({ name: 'a', fieldMappings: [{ logKey: 'x', mapping: 'm', eventSetName: 'other' }] }),
    ).toEqual([])
  })

  it('never throws, not even for an input that cannot be read', () => {
    const boom = () => {
      throw new Error('boom')
    }
    const inputs = [
      new Proxy({}, { get: boom, ownKeys: boom, getPrototypeOf: boom }),
      Object.defineProperty({ name: 'a' }, 'mappings', { enumerable: true, get: boom }),
      { name: 'a', mappings: [new Proxy({}, { get: boom })] },
    ]

    for (const input of inputs) {
      expect(issuesOf(input)).toEqual([{ path: '', code: 'type', message: 'cannot be read: boom' }])
    }
  })

  it('takes deep and wide nonsense without harm', () => {
    const deep = JSON.parse(`${'{"mappings":['.repeat(2000)}1${']}'.repeat(2000)}`)
    const wide = {
      name: 'a',
      ...Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, 1])),
    }

    expect(parseEventSet(deep).success).toBe(false)
    expect(codesOf(wide)).toHaveLength(51)
  })
})

describe('the keys __proto__, constructor and prototype', () => {
  const odd = ['__proto__', 'constructor', 'prototype', 'hasOwnProperty']
  const json = (key: string, value: string) => JSON.parse(`{${JSON.stringify(key)}:${value}}`)

  it.each(odd)('is data in every table: %s', (key) => {
    const set = {
      name: 'a',
      mappings: [
        {
          name: key,
          visualMarkers: json(key, '"🧬"'),
          metadataFields: json(key, `{${JSON.stringify(key)}:"meta"}`),
          ranges: json(key, '[1,2]'),
          transformations: json(key, '"trim"'),
        },
      ],
      fieldMappings: [{ logKey: `x.${key}`, aliases: [key], mapping: key }],
    }
    const parsed = parseEventSet(set).set as EventSet
    const [mapping] = parsed.mappings ?? []

    for (const table of [
      mapping?.visualMarkers,
      mapping?.metadataFields,
      mapping?.ranges,
      mapping?.transformations,
    ]) {
      expect(Object.keys(table ?? {})).toEqual([key])
      expect(Object.getPrototypeOf(table)).toBe(Object.prototype)
    }
    expect(markersOf({ x: json(key, JSON.stringify(key)) }, parsed)).toEqual(['🧬'])
    expect(markersOf(json(key, JSON.stringify(key.toUpperCase())), parsed)).toEqual(['🧬'])
    expect(markersOf(json(key, '1'), parsed)).toEqual(['🧬'])
    const { metadata } = createEnricher(registryOf(parsed)).enrich(json(`x.${key}`, JSON.stringify(key)))
    expect(Object.entries(metadata ?? {})).toEqual([[key, 'meta']])
  })

  it.each(odd)('is checked in every table: %s', (key) => {
    const mapping = {
      name: 'm',
      visualMarkers: json(key, '5'),
      metadataFields: json(key, '{"__proto__":null}'),
      ranges: json(key, '1'),
      transformations: json(key, '5'),
    }
    const field = { logKey: 'x', mapping: 'm', when: json(key, '5') }

    expect(codesOf({ name: 'a', mappings: [mapping], fieldMappings: [field] })).toEqual([
      `mappings[0].visualMarkers.${key}: type`,
      `mappings[0].metadataFields.${key}.__proto__: type`,
      `mappings[0].ranges.${key}: type`,
      `mappings[0].transformations.${key}: type`,
      `fieldMappings[0].when.${key}: type`,
    ])
  })

  it.each(odd)('is unknown everywhere else: %s', (key) => {
    const set = { name: 'a', mappings: [{ name: 'x' }], fieldMappings: [{ logKey: 'x' }] }
    const put = (target: object) => Object.defineProperty(target, key, { value: {}, enumerable: true })
    put(set)
    for (const target of [...set.mappings, ...set.fieldMappings]) put(target)

    expect(codesOf(set)).toEqual([
      `mappings[0].${key}: unknown_key`,
      `fieldMappings[0].${key}: unknown_key`,
      `${key}: unknown_key`,
    ])
  })

  it('does not reach the prototype of anything', () => {
    parseEventSet(
      JSON.parse('{"name":"a","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
    )

    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('does not take inherited keys for keys of the set', () => {
    const inherited = Object.create({ name: 'inherited', priority: 'wrong' })

    expect(codesOf(inherited)).not.toContain('name: unknown_key')
    expect(parseEventSet(Object.assign(Object.create(null), { name: 'a' })).set).toEqual({ name: 'a' })
  })
})

describe('defineEventSet', () => {
  it('gives a frozen copy', () => {
    const set = defineEventSet(valid as unknown as EventSet)

    expect(set).toEqual(valid)
    expect(Object.isFrozen(set)).toBe(true)
    expect(Object.isFrozen(set.mappings?.[0]?.visualMarkers)).toBe(true)
    expect(Object.isFrozen(valid)).toBe(false)
  })

  it('gives back a set that it has checked already', () => {
    const set = defineEventSet({ name: 'a' })

    expect(defineEventSet(set)).toBe(set)
  })

  it('checks a copy of a checked set anew', () => {
    const set = defineEventSet({ name: 'a' })

    expect(() => defineEventSet({ ...set, name: '' })).toThrow(ValidationError)
  })

  it('keeps functions as transformations, as they are', () => {
    const double = (value: unknown) => Number(value) * 2
    const set = defineEventSet({
      name: 'a',
      mappings: [{ name: 'm', transformations: { '*': double }, visualMarkers: { 4: '🍀' } }],
      fieldMappings: [{ logKey: 'x', mapping: 'm' }],
    })

    expect(set.mappings?.[0]?.transformations?.['*']).toBe(double)
    expect(markersOf({ x: 2 }, set)).toEqual(['🍀'])
  })

  it('throws one error with every issue, in its message too', () => {
    const define = () =>
      defineEventSet({
        name: 'http',
        mappings: [{ name: 'status', ranges: { r: [2, 1] } }],
        fieldMappings: [{ logKey: 'a', mapping: 'stauts' }],
      })

    expect(define).toThrow(ValidationError)
    expect(define).toThrow(
      [
        'Event set "http" is not valid (2 issues):',
        '  mappings[0].ranges.r: holds nothing: 2 is above 1; write [1, 2]',
        '  fieldMappings[0].mapping: no mapping "stauts" in set "http"; did you mean "status"?',
      ].join('\n'),
    )
  })

  it('names a set without a name as an event set', () => {
    expect(() => defineEventSet({} as EventSet)).toThrow(
      'Event set is not valid (1 issue):\n  name: is required',
    )
    expect(() => defineEventSet(null as never)).toThrow(
      'Event set is not valid (1 issue):\n  expected an object',
    )
  })
})

describe('ranges that are never reached', () => {
  it.each([
    ['a wider one before', { slow: [1000, null], very_slow: [5000, null] }, 'very_slow'],
    ['the same twice', { a: [1, 2], b: [1, 2] }, 'b'],
    ['one for any number before', { any: [null, null], some: [1, 2] }, 'some'],
  ])('are an issue: %s', (_, ranges, key) => {
    const parsed = parseEventSet({ name: 'x', mappings: [{ name: 'm', ranges }] })

    expect(parsed.issues?.map(({ path, code }) => [path, code])).toEqual([
      [`mappings[0].ranges.${key}`, 'range_order'],
    ])
  })

  it('are none where each holds a number of its own', () => {
    const ranges = { very_slow: [5000, null], slow: [1000, null], odd: [0, 1200] }

    expect(parseEventSet({ name: 'x', mappings: [{ name: 'm', ranges }] }).success).toBe(true)
  })
})

describe('a set with more wrong in it than anybody can read', () => {
  const long = (index: number) => `${'x'.repeat(90)}${index}`

  it('is judged whole, and told in part: fifty issues, twenty suggestions, and how many more there are', () => {
    const { issues } = parseEventSet({
      name: 'wrong',
      mappings: Array.from({ length: 300 }, (_, index) => ({ name: long(index) })),
      fieldMappings: Array.from({ length: 300 }, (_, index) => ({
        logKey: `key${index}`,
        mapping: `${long(index)}y`,
      })),
    })

    expect(issues).toHaveLength(51)
    expect(issues?.at(-1)).toEqual({ path: '', code: 'limit', message: 'and 250 more issues', count: 250 })
    expect(issues?.filter(({ message }) => message.includes('did you mean'))).toHaveLength(20)
  })
})
