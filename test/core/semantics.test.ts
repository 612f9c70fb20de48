import { describe, expect, it, vi } from 'vitest'
import {
  createEnricher,
  type EventMapping,
  type EventSet,
  EventSetRegistry,
  formatMarkers,
  prefixMessage,
} from '../../src/index.ts'
import { enrich, markersOf, oneField, registryOf } from './marks.ts'

// One describe for each row of the table of semantics, and one for each decision made since.

describe('Value lookup: the value as string, lower-cased, against lower-cased keys', () => {
  const set = oneField({ visualMarkers: { OK: '✅', failed: '❌', true: '👍', '404': '🔍', '1.5': '🌓' } })

  it.each([
    ['ok', '✅'],
    ['OK', '✅'],
    ['Failed', '❌'],
    [true, '👍'],
    ['TRUE', '👍'],
    [404, '🔍'],
    ['404', '🔍'],
    [404n, '🔍'],
    [1.5, '🌓'],
  ])('finds %o', (status, marker) => {
    expect(markersOf({ status }, set)).toEqual([marker])
  })

  it.each(['okay', ' ok', 'ok ', '', 'o', '404.0', '0x194'])(
    'does not find %o, which is another text',
    (status) => {
      expect(markersOf({ status }, set)).toEqual([])
    },
  )

  it('finds an empty text that is a key', () => {
    expect(markersOf({ status: '' }, oneField({ visualMarkers: { '': '🫥' } }))).toEqual(['🫥'])
  })

  it('finds letters that are longer in lower case', () => {
    expect(markersOf({ status: 'İ' }, oneField({ visualMarkers: { İ: '🇹' } }))).toEqual(['🇹'])
  })

  it.each([
    [Number.NaN, 'nan'],
    [Number.POSITIVE_INFINITY, 'infinity'],
    [-0, '0'],
    [1e21, '1e+21'],
  ])('finds the number %o under its text', (status, key) => {
    expect(markersOf({ status }, oneField({ visualMarkers: { [key]: '🔢' } }))).toEqual(['🔢'])
  })

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'has no %o unless the table has',
    (status) => {
      const table = JSON.parse(`{"${status}":"🧬"}`)

      expect(markersOf({ status }, oneField({ visualMarkers: {} }))).toEqual([])
      expect(markersOf({ status }, oneField({ visualMarkers: table }))).toEqual(['🧬'])
    },
  )

  it('tells the key in lower case, the value as it is, the set, the mapping and the log key', () => {
    const { markers } = enrich({ status: 'ok' }, set)

    expect(markers).toEqual([
      { marker: '✅', text: 'ok', key: 'ok', set: 'test', mapping: 'm', logKey: 'status', value: 'ok' },
    ])
  })
})

describe('Value lookup: then ranges (numbers, or strings that are numbers)', () => {
  const set = oneField({
    ranges: { '2xx': [200, 299], slow: [1000, null], cold: [null, -1] },
    visualMarkers: { '2xx': '✅', slow: '🐢', cold: '🥶', '204': '🕳️' },
  })

  it.each([
    [200, '✅'],
    [299, '✅'],
    ['250', '✅'],
    [' 250 ', '✅'],
    ['2.5e2', '✅'],
    [250n, '✅'],
    [1000, '🐢'],
    [Number.POSITIVE_INFINITY, '🐢'],
    [-1, '🥶'],
    ['-1.5', '🥶'],
    [Number.NEGATIVE_INFINITY, '🥶'],
  ])('puts %o into its range, both ends included', (status, marker) => {
    expect(markersOf({ status }, set)).toEqual([marker])
  })

  it.each([199, 299.5, 300, 0, '', ' ', 'abc', '250ms', '0xC8', '2,5', Number.NaN, true, 'Infinity'])(
    'finds no range for %o',
    (status) => {
      expect(markersOf({ status }, set)).toEqual([])
    },
  )

  it('looks at the keys first', () => {
    expect(markersOf({ status: 204 }, set)).toEqual(['🕳️'])
  })

  it('finds the name of a range as a value like any other key', () => {
    expect(markersOf({ status: '2XX' }, set)).toEqual(['✅'])
  })

  it('takes the first range in declared order that holds the number', () => {
    const wide = { ranges: { bad: [400, 599], worse: [500, 699] } } as const
    const narrowFirst = { ranges: { worse: [500, 699], bad: [400, 599] } } as const
    const visualMarkers = { bad: '❌', worse: '🔥' }

    expect(markersOf({ status: 503 }, oneField({ ...wide, visualMarkers }))).toEqual(['❌'])
    expect(markersOf({ status: 503 }, oneField({ ...narrowFirst, visualMarkers }))).toEqual(['🔥'])
  })

  it('holds one number where both ends are equal, and every number where both are open', () => {
    const exact = oneField({ ranges: { exact: [7, 7] }, visualMarkers: { exact: '🎯' } })
    const any = oneField({ ranges: { any: [null, null] }, visualMarkers: { any: '🔢' } })

    expect([6, 7, 8].map((status) => markersOf({ status }, exact))).toEqual([[], ['🎯'], []])
    expect([-1e300, 'text'].map((status) => markersOf({ status }, any))).toEqual([['🔢'], []])
  })

  it('is not held up by a number of many digits', () => {
    const status = `${'9'.repeat(100_000)}x`
    const start = performance.now()

    expect(markersOf({ status }, set)).toEqual([])
    expect(performance.now() - start).toBeLessThan(500)
  })
})

describe('Value lookup: then defaultOverrideKey of the field, then defaultKey of the mapping, then nothing', () => {
  const visualMarkers = { ok: '✅', other: '➡️', default: '❓' }

  it('shows the override for an unknown value', () => {
    const set = oneField({ visualMarkers }, { defaultOverrideKey: 'OTHER' })

    expect(markersOf({ status: 'what' }, set)).toEqual(['➡️'])
    expect(markersOf({ status: 'ok' }, set)).toEqual(['✅'])
  })

  it('passes over an override that the table does not have', () => {
    expect(
      markersOf({ status: 'what' }, oneField({ visualMarkers }, { defaultOverrideKey: 'gone' })),
    ).toEqual(['❓'])
  })

  it('shows the default key that the mapping names', () => {
    expect(markersOf({ status: 'what' }, oneField({ visualMarkers, defaultKey: 'Other' }))).toEqual(['➡️'])
  })

  it('shows nothing where the named default key is not in the table, even with a "default" there', () => {
    expect(markersOf({ status: 'what' }, oneField({ visualMarkers, defaultKey: 'gone' }))).toEqual([])
  })

  it('shows nothing for an unknown value without a default', () => {
    expect(enrich({ status: 'what' }, oneField({ visualMarkers: { ok: '✅' } }))).toEqual({
      markers: [],
      metadata: undefined,
      carried: undefined,
    })
  })

  it('gives an unknown value the metadata of the default', () => {
    const set = oneField({ visualMarkers: { default: '❓' }, metadataFields: { default: { known: false } } })

    expect(enrich({ status: 'what' }, set).metadata).toEqual({ known: false })
  })

  it('does not show an unknown value itself: it could be long, or hostile', () => {
    const { markers } = enrich({ status: '\u001b[31mboo' }, oneField({ visualMarkers: { default: '❓' } }))

    expect(markers[0]).toMatchObject({ key: 'default', text: 'm', marker: '❓' })
  })
})

describe('Value lookup: a known value without a marker of its own shows the marker of the default', () => {
  it('does so for a value that has metadata only', () => {
    const set = oneField({ visualMarkers: { default: '❓' }, metadataFields: { ok: { good: true } } })

    expect(enrich({ status: 'ok' }, set)).toMatchObject({
      markers: [{ marker: '❓', key: 'ok' }],
      metadata: { good: true },
    })
  })

  it('does so for a range that has neither', () => {
    const set = oneField({ ranges: { some: [1, 9] }, visualMarkers: { default: '🔢' } })

    expect(enrich({ status: 5 }, set).markers).toMatchObject([{ marker: '🔢', key: 'some', text: 'some' }])
  })

  it('does so for an override key that has metadata only', () => {
    const set = oneField(
      { visualMarkers: { default: '❓' }, metadataFields: { other: { known: false } } },
      { defaultOverrideKey: 'other' },
    )

    expect(enrich({ status: 'what' }, set)).toMatchObject({
      markers: [{ marker: '❓', key: 'other' }],
      metadata: { known: false },
    })
  })

  it('adds metadata without a marker where there is no default either', () => {
    expect(enrich({ status: 'ok' }, oneField({ metadataFields: { ok: { good: true } } }))).toEqual({
      markers: [],
      metadata: { good: true },
      carried: undefined,
    })
  })
})

describe('Value lookup: transformations change the value before it is looked up', () => {
  it('applies the one for the value, in any case, else the one for "*"', () => {
    const set = oneField({
      transformations: { Select: () => 'read', '*': 'firstWord' },
      visualMarkers: { read: '📖', insert: '➕' },
    })

    expect(markersOf({ status: 'SELECT' }, set)).toEqual(['📖'])
    expect(markersOf({ status: 'INSERT INTO users' }, set)).toEqual(['➕'])
  })

  it('looks up ranges and defaults by the changed value, and reports the value that the record has', () => {
    const set = oneField({
      transformations: { '*': 'secondsToMs' },
      ranges: { slow: [1000, null] },
      visualMarkers: { slow: '🐢' },
    })

    expect(enrich({ status: '1.5' }, set).markers).toMatchObject([{ key: 'slow', value: '1.5' }])
  })

  it.each([undefined, null, {}, [], ['a', 'b'], Symbol('s'), () => 1])(
    'counts a function that gives %o, which is no value, as leaving the value unchanged',
    (result) => {
      const set = oneField({ transformations: { '*': () => result }, visualMarkers: { ok: '✅' } })

      expect(markersOf({ status: 'ok' }, set)).toEqual(['✅'])
    },
  )
})

describe('Absent, null: no marker', () => {
  const set = oneField({ visualMarkers: { ok: '✅', default: '❓', null: '0️⃣', undefined: '🕳️' } })

  it.each([{}, { status: null }, { status: undefined }, { other: 'ok' }])(
    'shows nothing for %o',
    (record) => {
      expect(markersOf(record, set)).toEqual([])
    },
  )

  it.each([
    ['', '❓'],
    [0, '❓'],
    [false, '❓'],
  ])('takes %o for a value', (status, marker) => {
    expect(markersOf({ status }, set)).toEqual([marker])
  })

  it('shows nothing for a nested field under something that is no object', () => {
    const nested = oneField({ visualMarkers: { default: '❓' } }, { logKey: 'res.status' })

    for (const res of [null, 5, 'text', ['status'], [{ status: 'ok' }]])
      expect(markersOf({ res }, nested)).toEqual([])
  })

  it('counts functions and symbols as absent', () => {
    for (const status of [() => 'ok', Symbol('ok')]) expect(markersOf({ status }, set)).toEqual([])
  })
})

describe('Absent, null: with defaultValue, taken as that value if another field of the same set is in the record', () => {
  const set: EventSet = {
    name: 'job',
    mappings: [{ name: 'status', visualMarkers: { pending: '⏳', done: '✅' } }, { name: 'id' }],
    fieldMappings: [
      { logKey: 'job.status', mapping: 'status', defaultValue: 'pending' },
      { logKey: 'job.id', mapping: 'id' },
    ],
  }

  it('does not speak when no field of the set is there', () => {
    expect(markersOf({ other: 1, msg: 'job started' }, set)).toEqual([])
  })

  it('speaks when another field is there, whatever its value', () => {
    expect(enrich({ 'job.id': 7 }, set).markers).toMatchObject([
      { marker: '⏳', key: 'pending', value: 'pending', logKey: 'job.status' },
    ])
  })

  it('speaks for null', () => {
    expect(markersOf({ job: { id: 7, status: null } }, set)).toEqual(['⏳'])
  })

  it('is silent when the field is there', () => {
    expect(markersOf({ job: { id: 7, status: 'done' } }, set)).toEqual(['✅'])
  })

  it('is silent when the field is there with an unknown value', () => {
    expect(markersOf({ job: { id: 7, status: 'odd' } }, set)).toEqual([])
  })

  it('does not speak because of itself, nor because of another default', () => {
    const twice = {
      ...set,
      fieldMappings: set.fieldMappings?.map((field) => ({ ...field, defaultValue: 'pending' })),
    }

    expect(markersOf({ 'job.status': null }, twice)).toEqual([])
  })

  it('speaks only where its own when holds', () => {
    const [status, id] = set.fieldMappings ?? []
    const guarded: EventSet = {
      ...set,
      fieldMappings: [
        { ...(status as object), logKey: 'job.status', when: { msg: 'job*' } },
        { ...id, logKey: 'job.id' },
      ],
    }

    expect(markersOf({ 'job.id': 7, msg: 'tick' }, { ...guarded, mappings: set.mappings })).toEqual([])
    expect(markersOf({ 'job.id': 7, msg: 'job tick' }, { ...guarded, mappings: set.mappings })).toEqual([
      '⏳',
    ])
  })

  it('speaks when the field has a value of another type, which counts as absent', () => {
    const typed = {
      ...set,
      fieldMappings: set.fieldMappings?.map((f) => ({ ...f, valueType: 'string' as const })),
    }

    expect(markersOf({ job: { id: 'a', status: 5 } }, typed)).toEqual(['⏳'])
  })

  it('is silent when the record has the field and another set owns it: it is not absent', () => {
    const owner = oneField(
      { visualMarkers: { done: '🏁' } },
      { logKey: 'job.status' },
      { name: 'owner', priority: 9 },
    )

    expect(markersOf({ job: { id: 7, status: 'done' } }, [set, owner])).toEqual(['🏁'])
  })

  it.each([
    [0, 'zero'],
    [false, 'no'],
    ['', 'empty'],
  ])('takes %o for a default value like any other', (defaultValue, marker) => {
    const falsy: EventSet = {
      name: 'job',
      mappings: [{ name: 'm', visualMarkers: { '0': 'zero', false: 'no', '': 'empty' } }, { name: 'id' }],
      fieldMappings: [
        { logKey: 'a', mapping: 'm', defaultValue },
        { logKey: 'b', mapping: 'id' },
      ],
    }

    expect(markersOf({ b: 1 }, falsy)).toEqual([marker])
  })
})

describe('Several names for one meaning: the first that is present wins; one marker for one FieldMapping', () => {
  const set = oneField(
    { visualMarkers: { a: '🅰️', b: '🅱️', c: '🌊' } },
    { logKey: 'http.method', aliases: ['req.method', 'method'] },
  )

  it('prefers the log key to the aliases, and an earlier alias to a later one, in any order of the record', () => {
    expect(markersOf({ method: 'c', req: { method: 'b' }, http: { method: 'a' } }, set)).toEqual(['🅰️'])
    expect(markersOf({ method: 'c', 'req.method': 'b' }, set)).toEqual(['🅱️'])
    expect(markersOf({ 'req.method': 'b', method: 'c' }, set)).toEqual(['🅱️'])
  })

  it('tells under which name the value was found', () => {
    expect(enrich({ method: 'c' }, set).markers[0]?.logKey).toBe('method')
  })

  it('passes over a name that is null', () => {
    expect(markersOf({ 'http.method': null, method: 'c' }, set)).toEqual(['🌊'])
  })

  it('stays with the first name that is present even when its value is unknown', () => {
    expect(markersOf({ 'http.method': 'odd', method: 'c' }, set)).toEqual([])
  })

  it('does not mind a name that is given twice', () => {
    const twice = oneField({ visualMarkers: { a: '🅰️' } }, { logKey: 'k', aliases: ['k', 'k'] })

    expect(markersOf({ k: 'a' }, twice)).toEqual(['🅰️'])
  })

  it('shows two field mappings of one mapping both', () => {
    const two: EventSet = {
      ...set,
      fieldMappings: [
        { logKey: 'from', mapping: 'm' },
        { logKey: 'to', mapping: 'm' },
      ],
    }

    expect(markersOf({ to: 'b', from: 'a' }, two)).toEqual(['🅰️', '🅱️'])
  })
})

describe('Flat and nested names are the same log key', () => {
  const set = oneField({ visualMarkers: { a: '🅰️', b: '🅱️' } }, { logKey: 'x.y.z' })

  it.each([{ 'x.y.z': 'a' }, { x: { y: { z: 'a' } } }, { 'x.y': { z: 'a' } }, { x: { 'y.z': 'a' } }])(
    'finds %o',
    (record) => {
      expect(markersOf(record, set)).toEqual(['🅰️'])
    },
  )

  it.each([
    { 'x.y': 'a' },
    { x: { y: { z: { z: 'a' } } } },
    { 'x.y.z.z': 'a' },
    { y: { z: 'a' } },
    { 'x..y.z': 'a' },
  ])('does not find %o', (record) => {
    expect(markersOf(record, set)).toEqual([])
  })

  it('takes the flattest of several, in any order of the record', () => {
    expect(markersOf({ x: { y: { z: 'b' } }, 'x.y.z': 'a' }, set)).toEqual(['🅰️'])
    expect(markersOf({ 'x.y.z': 'a', x: { y: { z: 'b' } } }, set)).toEqual(['🅰️'])
    expect(markersOf({ x: { y: { z: 'b' }, 'y.z': 'a' } }, set)).toEqual(['🅰️'])
  })

  it('finds the same however many other fields are known beside it', () => {
    const record = { x: { y: { z: 'b' }, 'y.z': 'a' } }
    const neighbours = Array.from({ length: 30 }, (_, index) => ({ logKey: `x.n${index}`, mapping: 'm' }))
    const crowded = { ...set, fieldMappings: [...(set.fieldMappings ?? []), ...neighbours] }

    expect(markersOf(record, crowded)).toEqual(markersOf(record, set))
  })

  it('knows a log key that is the beginning of another', () => {
    const both: EventSet = {
      ...set,
      fieldMappings: [
        { logKey: 'x', mapping: 'm' },
        { logKey: 'x.y', mapping: 'm' },
      ],
    }

    expect(markersOf({ x: 'a' }, both)).toEqual(['🅰️'])
    expect(markersOf({ x: { y: 'b' } }, both)).toEqual(['🅱️'])
    expect(markersOf({ x: 'a', 'x.y': 'b' }, both)).toEqual(['🅰️', '🅱️'])
  })

  it.each([
    '.',
    'a.',
    '.a',
    'a..b',
    '__proto__',
    'a.__proto__',
    'constructor.name',
    'a.constructor.name',
    'a.length',
  ])('takes the odd log key %o for what it says and nothing else', (logKey) => {
    const odd = oneField({ visualMarkers: { default: '❓' } }, { logKey })
    const record = JSON.parse(`{${JSON.stringify(logKey)}:"v"}`)

    expect(markersOf(record, odd)).toEqual(['❓'])
    expect(markersOf({ a: {}, b: 'text' }, odd)).toEqual([])
    expect(markersOf({ a: [1, 2] }, odd)).toEqual([])
  })

  it('finds a log key of as many segments as one may have, flat and nested', () => {
    const segments = Array.from({ length: 16 }, (_, index) => `s${index}`)
    const deep = oneField({ visualMarkers: { a: '🅰️' } }, { logKey: segments.join('.') })
    const nested = segments.reduceRight<unknown>((inner, segment) => ({ [segment]: inner }), 'a')

    expect(markersOf({ [segments.join('.')]: 'a' }, deep)).toEqual(['🅰️'])
    expect(markersOf(nested as Record<string, unknown>, deep)).toEqual(['🅰️'])
  })
})

describe('Two sets map one log key: the set of higher priority owns it; on a tie the one registered first', () => {
  const low = oneField({ visualMarkers: { a: 'low', b: 'low' } }, {}, { name: 'low', priority: 1 })
  const high = oneField({ visualMarkers: { a: 'high' } }, {}, { name: 'high', priority: 2 })
  const even = oneField({ visualMarkers: { a: 'even' } }, {}, { name: 'even', priority: 2 })

  it('shows one marker, of the higher priority, in any order of registration', () => {
    expect(markersOf({ status: 'a' }, [low, high])).toEqual(['high'])
    expect(markersOf({ status: 'a' }, [high, low])).toEqual(['high'])
  })

  it('shows the set registered first on a tie', () => {
    expect(markersOf({ status: 'a' }, [high, even])).toEqual(['high'])
    expect(markersOf({ status: 'a' }, [even, high])).toEqual(['even'])
  })

  it('counts a missing priority as 0', () => {
    const none = oneField({ visualMarkers: { a: 'none' } }, {}, { name: 'none' })
    const below = oneField({ visualMarkers: { a: 'below' } }, {}, { name: 'below', priority: -1 })

    expect(markersOf({ status: 'a' }, [below, none])).toEqual(['none'])
    expect(markersOf({ status: 'a' }, [none, low])).toEqual(['low'])
  })

  it('does not pass a value that the owner does not know on to the other', () => {
    expect(markersOf({ status: 'b' }, [low, high])).toEqual([])
  })

  it('owns under an alias too', () => {
    const alias = oneField(
      { visualMarkers: { a: 'alias' } },
      { logKey: 'state', aliases: ['status'] },
      { name: 'x', priority: 3 },
    )

    expect(markersOf({ status: 'a' }, [low, high, alias])).toEqual(['alias'])
    expect(markersOf({ status: 'a', state: 'a' }, [low, high, alias])).toEqual(['alias'])
  })

  it('is the first field mapping as declared within one set', () => {
    const set: EventSet = {
      name: 'test',
      mappings: [
        { name: 'word', visualMarkers: { default: 'word' } },
        { name: 'number', visualMarkers: { default: 'number' } },
        { name: 'any', visualMarkers: { default: 'any' } },
      ],
      fieldMappings: [
        { logKey: 'status', mapping: 'number', valueType: 'number' },
        { logKey: 'status', mapping: 'any', when: { msg: 'any' } },
        { logKey: 'status', mapping: 'word' },
      ],
    }

    expect(markersOf({ status: '5' }, set)).toEqual(['number'])
    expect(markersOf({ status: 'a', msg: 'any' }, set)).toEqual(['any'])
    expect(markersOf({ status: 'a' }, set)).toEqual(['word'])
  })
})

describe('valueType is a gate: a value of another type counts as absent, and the next set that maps the key may have it', () => {
  const table = { visualMarkers: { default: '❓' } }

  it.each([
    ['string', ['a', '5', ''], [5, true, 5n]],
    [
      'integer',
      [5, -5, '5', '5.0', 5n, ' 5 '],
      [5.5, 'a', '5.5', true, '', Number.NaN, Number.POSITIVE_INFINITY],
    ],
    [
      'number',
      [5, 5.5, '5.5', '-.5', '1e3', 5n],
      ['a', '', ' ', true, Number.NaN, Number.POSITIVE_INFINITY, '0x1', '5s'],
    ],
    ['boolean', [true, false, 'true', 'FALSE'], [1, 0, 'yes', '', 'truethy']],
  ] as const)('lets %s be', (valueType, fitting, other) => {
    const set = oneField(table, { valueType })

    for (const status of fitting) expect(markersOf({ status }, set), String(status)).toEqual(['❓'])
    for (const status of other) expect(markersOf({ status }, set), String(status)).toEqual([])
  })

  it('leaves the log key to the next set', () => {
    const http = oneField(
      { visualMarkers: { default: 'http' } },
      { valueType: 'integer' },
      { name: 'http', priority: 9 },
    )
    const system = oneField({ visualMarkers: { default: 'system' } }, {}, { name: 'system' })

    expect(markersOf({ status: 404 }, [http, system])).toEqual(['http'])
    expect(markersOf({ status: '404' }, [http, system])).toEqual(['http'])
    expect(markersOf({ status: 'success' }, [http, system])).toEqual(['system'])
  })

  it('goes on to the next name of the field', () => {
    const set = oneField(table, { logKey: 'err.code', aliases: ['code'], valueType: 'string' })

    expect(enrich({ err: { code: 14 }, code: 'ECONNREFUSED' }, set).markers[0]?.logKey).toBe('code')
  })

  it('looks at the value of the record, not at the transformed one', () => {
    const set = oneField({ ...table, transformations: { '*': () => 5 } }, { valueType: 'integer' })

    expect(markersOf({ status: 'five' }, set)).toEqual([])
  })
})

describe('Objects and lists are not values; a list of one scalar stands for it', () => {
  const set = oneField({ visualMarkers: { a: '🅰️', default: '❓' } })

  it.each([
    [['a', 'b']],
    [[]],
    [{}],
    [{ code: 5 }],
    [[['a']]],
    [[{}]],
    [[null]],
    [[undefined]],
    [new Date(0)],
  ])('shows nothing for %o, not even the default', (status) => {
    expect(markersOf({ status }, set)).toEqual([])
  })

  it('takes a list of one scalar for the scalar', () => {
    expect(markersOf({ status: ['A'] }, set)).toEqual(['🅰️'])
    expect(enrich({ status: [5] }, oneField({ visualMarkers: { 5: '🖐️' } })).markers[0]?.value).toBe(5)
  })

  it('leaves what is no value to the next name', () => {
    const named = oneField({ visualMarkers: { a: '🅰️' } }, { logKey: 'status', aliases: ['state'] })

    expect(markersOf({ status: ['x', 'y'], state: 'a' }, named)).toEqual(['🅰️'])
  })
})

describe('Exact keys only: order.status is not status', () => {
  const set = oneField({ visualMarkers: { ok: '✅' } })

  it.each([
    { order: { status: 'ok' } },
    { 'order.status': 'ok' },
    { order_status: 'ok' },
    { Status: 'ok' },
    { statu: 'ok' },
  ])('passes over %o', (record) => {
    expect(markersOf(record, set)).toEqual([])
  })

  it('does not take status for order.status either', () => {
    expect(
      markersOf({ status: 'ok' }, oneField({ visualMarkers: { ok: '✅' } }, { logKey: 'order.status' })),
    ).toEqual([])
  })
})

describe("Exact keys only: in a record about a set, a bare field means that set's field of that name", () => {
  const payment: EventSet = {
    name: 'payment',
    mappings: [{ name: 'payment_status', visualMarkers: { completed: '💰', failed: '💸' } }],
    fieldMappings: [{ logKey: 'payment.status', eventSetName: 'payment_status' }],
  }
  const system = oneField(
    { visualMarkers: { completed: '🏁', other: '📎' } },
    {},
    { name: 'system', priority: 50 },
  )

  it.each([
    'payment_processed',
    'payment.processed',
    'payment-processed',
    'payment:processed',
    'payment',
    'PAYMENT_PROCESSED',
    'payment_card_declined_2',
    'payment_',
  ])('means it in the record %o', (msg) => {
    expect(markersOf({ msg, status: 'completed' }, payment)).toEqual(['💰'])
  })

  it.each([
    'payment processed',
    'a payment_processed',
    'payments_processed',
    'pay',
    'payment_processed!',
    ' payment_processed',
    'order_payment_processed',
    '_payment',
    'pâyment_processed',
    '',
    `payment_${'x'.repeat(200)}`,
  ])('does not mean it in the record %o', (msg) => {
    expect(markersOf({ msg, status: 'completed' }, payment)).toEqual([])
  })

  it.each([undefined, null, 5, { payment: 1 }, ['payment_processed']])(
    'does not mean it with the message %o',
    (msg) => {
      expect(markersOf({ msg, status: 'completed' }, payment)).toEqual([])
    },
  )

  it('goes before a set of higher priority that maps the bare name, being more specific', () => {
    const record = { msg: 'payment_processed', status: 'completed' }

    expect(markersOf(record, [system, payment])).toEqual(['💰'])
    expect(markersOf({ ...record, msg: 'order_processed' }, [system, payment])).toEqual(['🏁'])
  })

  it('owns the bare name even where it does not know the value', () => {
    expect(markersOf({ msg: 'payment_processed', status: 'other' }, [system, payment])).toEqual([])
  })

  it('is one marker when the record has the full name too, and that is the one', () => {
    const record = { msg: 'payment_failed', status: 'completed', payment: { status: 'failed' } }

    expect(enrich(record, payment).markers).toMatchObject([{ marker: '💸', logKey: 'payment.status' }])
  })

  it('puts an alias in full before a bare log key', () => {
    const set: EventSet = {
      ...payment,
      fieldMappings: [{ logKey: 'payment.status', aliases: ['pay.state'], eventSetName: 'payment_status' }],
    }

    expect(markersOf({ msg: 'payment_x', status: 'completed', 'pay.state': 'failed' }, set)).toEqual(['💸'])
  })

  it('tells the bare name as the log key', () => {
    expect(enrich({ msg: 'payment_processed', status: 'completed' }, payment).markers[0]?.logKey).toBe(
      'status',
    )
  })

  it('means aliases as well, and names of several segments', () => {
    const set: EventSet = {
      ...payment,
      fieldMappings: [{ logKey: 'x', aliases: ['payment.card.state'], mapping: 'payment_status' }],
    }

    expect(markersOf({ msg: 'payment_processed', card: { state: 'failed' } }, set)).toEqual(['💸'])
    expect(markersOf({ msg: 'payment_processed', 'card.state': 'failed' }, set)).toEqual(['💸'])
    expect(markersOf({ msg: 'order_processed', card: { state: 'failed' } }, set)).toEqual([])
  })

  it('means the set with the longest name that fits', () => {
    const card: EventSet = {
      name: 'payment_card',
      mappings: [{ name: 'status', visualMarkers: { default: '🪪' } }],
      fieldMappings: [{ logKey: 'payment_card.status' }],
    }

    expect(markersOf({ msg: 'payment_card_declined', status: 'completed' }, [payment, card])).toEqual(['🪪'])
    expect(markersOf({ msg: 'payment_cardinal', status: 'completed' }, [payment, card])).toEqual(['💰'])
  })

  it('leaves the bare name to others where the field is gated', () => {
    const gated: EventSet = {
      ...payment,
      fieldMappings: [{ logKey: 'payment.status', mapping: 'payment_status', valueType: 'integer' }],
    }

    expect(markersOf({ msg: 'payment_processed', status: 'completed' }, [system, gated])).toEqual(['🏁'])
  })

  it('tries every field of the set that has the name', () => {
    const gated: EventSet = {
      ...payment,
      fieldMappings: [
        { logKey: 'payment.status', mapping: 'payment_status', valueType: 'integer' },
        { logKey: 'payment.status', mapping: 'payment_status', valueType: 'string' },
      ],
    }

    expect(markersOf({ msg: 'payment_processed', status: 'completed' }, gated)).toEqual(['💰'])
  })

  it('means the set of higher priority where two names differ in case only', () => {
    const named = (name: string, priority: number, marker: string): EventSet =>
      oneField({ visualMarkers: { default: marker } }, { logKey: `${name}.status` }, { name, priority })
    const sets = [named('pay', 0, '🐭'), named('Pay', 1, '🐘')]

    expect(markersOf({ msg: 'pay_done', status: 'x' }, sets)).toEqual(['🐘'])
    expect(markersOf({ msg: 'pay_done', status: 'x' }, sets.toReversed())).toEqual(['🐘'])
  })

  it('reads the message under the key that the logger has for it', () => {
    const record = { event: 'payment_processed', msg: 'x', status: 'completed' }

    expect(markersOf(record, payment, { messageKey: 'event' })).toEqual(['💰'])
    expect(markersOf(record, payment)).toEqual([])
  })
})

describe('when: a FieldMapping applies only if the named fields match the given globs', () => {
  const set = (when: Record<string, string | string[]>) => oneField({ visualMarkers: { ok: '✅' } }, { when })

  it('applies where the field matches', () => {
    expect(markersOf({ status: 'ok', msg: 'payment_done' }, set({ msg: 'payment_*' }))).toEqual(['✅'])
    expect(markersOf({ status: 'ok', msg: 'order_done' }, set({ msg: 'payment_*' }))).toEqual([])
  })

  it('does not apply where the field is absent, null, an object or a list', () => {
    for (const msg of [undefined, null, {}, ['a', 'b']])
      expect(markersOf({ status: 'ok', msg }, set({ msg: '*' }))).toEqual([])
  })

  it('asks all fields, and of a list of globs one', () => {
    const both = set({ msg: ['a*', 'b*'], 'req.method': 'get' })

    expect(markersOf({ status: 'ok', msg: 'b1', req: { method: 'GET' } }, both)).toEqual(['✅'])
    expect(markersOf({ status: 'ok', msg: 'c1', req: { method: 'GET' } }, both)).toEqual([])
    expect(markersOf({ status: 'ok', msg: 'a1' }, both)).toEqual([])
  })

  it('always applies with no fields, and never with no globs', () => {
    expect(markersOf({ status: 'ok' }, set({}))).toEqual(['✅'])
    expect(markersOf({ status: 'ok', msg: 'a' }, set({ msg: [] }))).toEqual([])
  })

  it.each([
    [200, '2??'],
    [true, 'TRUE'],
    ['', '*'],
    [['one'], 'one'],
  ])('compares the value %o as text, whatever the case', (code, glob) => {
    expect(markersOf({ status: 'ok', code }, set({ code: glob }))).toEqual(['✅'])
  })

  it('asks fields that no set maps, flat and nested', () => {
    const guarded = set({ 'service.name': 'api' })

    expect(markersOf({ status: 'ok', 'service.name': 'api' }, guarded)).toEqual(['✅'])
    expect(markersOf({ status: 'ok', service: { name: 'api' } }, guarded)).toEqual(['✅'])
  })

  it('may ask the very field it maps', () => {
    expect(markersOf({ status: 'ok' }, set({ status: 'o*' }))).toEqual(['✅'])
    expect(markersOf({ status: 'ok' }, set({ status: 'x*' }))).toEqual([])
  })

  it('leaves the log key to the next set where it does not hold', () => {
    const guarded = { ...set({ msg: 'payment_*' }), name: 'guarded', priority: 5 }
    const other = oneField({ visualMarkers: { ok: '➡️' } }, {}, { name: 'other' })

    expect(markersOf({ status: 'ok', msg: 'payment_done' }, [guarded, other])).toEqual(['✅'])
    expect(markersOf({ status: 'ok', msg: 'order_done' }, [guarded, other])).toEqual(['➡️'])
  })

  it('compares the beginning of a text of megabytes, without delay', () => {
    const msg = `start${'a'.repeat(5_000_000)}`
    const start = performance.now()

    expect(markersOf({ status: 'ok', msg }, set({ msg: 'start*' }))).toEqual(['✅'])
    expect(markersOf({ status: 'ok', msg }, set({ msg: `${'*a'.repeat(50)}b` }))).toEqual([])
    expect(performance.now() - start).toBeLessThan(500)
  })

  it('does not read __proto__ as anything but a field', () => {
    const when = JSON.parse('{"__proto__":"yes"}')

    expect(markersOf({ status: 'ok' }, set(when))).toEqual([])
    expect(markersOf(JSON.parse('{"status":"ok","__proto__":"yes"}'), set(when))).toEqual(['✅'])
  })
})

describe('Order of markers: sets by priority (descending), then field mappings as declared', () => {
  const pair = (name: string, priority: number): EventSet => ({
    name,
    priority,
    mappings: [{ name: 'm', visualMarkers: { default: '❓' } }],
    fieldMappings: [
      { logKey: `${name}.second`, mapping: 'm' },
      { logKey: `${name}.first`, mapping: 'm', aliases: [`${name}.other`] },
    ],
  })
  const keysOf = (record: Record<string, unknown>, ...sets: EventSet[]) =>
    enrich(record, sets).markers.map(({ logKey }) => logKey)

  it('is the same whatever the order of the fields in the record', () => {
    const expected = ['b.second', 'b.first', 'a.second', 'a.first']
    const entries = expected.map((key) => [key, 1] as const)

    expect(keysOf(Object.fromEntries(entries), pair('a', 1), pair('b', 2))).toEqual(expected)
    expect(keysOf(Object.fromEntries(entries.toReversed()), pair('a', 1), pair('b', 2))).toEqual(expected)
  })

  it('is the order of registration among equal priorities', () => {
    expect(keysOf({ 'b.first': 1, 'a.first': 1 }, pair('b', 1), pair('a', 1))).toEqual(['b.first', 'a.first'])
  })

  it('is the place of the field mapping, under whichever name it was found', () => {
    expect(keysOf({ 'a.other': 1, 'a.second': 1 }, pair('a', 1))).toEqual(['a.second', 'a.other'])
  })

  it('puts a default value where its field stands', () => {
    const set: EventSet = {
      name: 'a',
      mappings: [{ name: 'm', visualMarkers: { default: '❓' } }],
      fieldMappings: [
        { logKey: 'x', mapping: 'm', defaultValue: 1 },
        { logKey: 'y', mapping: 'm' },
      ],
    }

    expect(keysOf({ y: 1 }, set)).toEqual(['x', 'y'])
  })
})

describe('Metadata: added only where the record lacks the field', () => {
  const set = oneField({
    visualMarkers: { ok: '✅' },
    metadataFields: { OK: { 'http.success': true, 'http.class': 2, note: 'fine' } },
  })

  it('adds every field of the value, flat', () => {
    expect({ ...enrich({ status: 'ok' }, set).metadata }).toEqual({
      'http.success': true,
      'http.class': 2,
      note: 'fine',
    })
  })

  it.each([
    { 'http.success': false },
    { http: { success: false } },
    { 'http.success': null },
    { http: { success: null } },
    { http: { success: undefined } },
    { 'http.success': '' },
  ])('never overwrites %o', (own) => {
    const { metadata } = enrich({ status: 'ok', ...own }, set)

    expect({ ...metadata }).toEqual({ 'http.class': 2, note: 'fine' })
  })

  it.each([{ http: 'text' }, { http: null }, { http: {} }, { http: [] }, { success: 1 }])(
    'adds it beside %o',
    (own) => {
      expect(enrich({ status: 'ok', ...own }, set).metadata).toMatchObject({ 'http.success': true })
    },
  )

  it('finds a field that is flat in part', () => {
    const deep = oneField({ metadataFields: { ok: { 'a.b.c': 1 } } })

    expect(enrich({ status: 'ok', 'a.b': { c: 0 } }, deep).metadata).toBeUndefined()
    expect(enrich({ status: 'ok', a: { 'b.c': 0 } }, deep).metadata).toBeUndefined()
    expect(enrich({ status: 'ok', a: { b: 0 } }, deep).metadata).toEqual({ 'a.b.c': 1 })
  })

  it('is undefined when there is nothing to add', () => {
    expect(enrich({ status: 'other' }, set).metadata).toBeUndefined()
    expect(
      enrich({ status: 'ok', 'http.success': 1, 'http.class': 1, note: 1 }, set).metadata,
    ).toBeUndefined()
  })

  it('keeps the value of the set that is shown first when two add one field', () => {
    const add = (name: string, priority: number) =>
      oneField({ metadataFields: { default: { by: name } } }, { logKey: name }, { name, priority })

    expect(enrich({ low: 1, high: 1 }, [add('low', 1), add('high', 2)]).metadata).toEqual({ by: 'high' })
  })

  it('is not looked up itself', () => {
    const other = oneField({ visualMarkers: { fine: '🔎' } }, { logKey: 'note' }, { name: 'other' })

    expect(markersOf({ status: 'ok' }, [set, other])).toEqual(['✅'])
  })

  it('never takes the place of the message or of the markers', () => {
    const rude = oneField({ metadataFields: { ok: { msg: 'mine', markers: 'mine', tags: 'mine' } } })

    expect(enrich({ status: 'ok' }, rude).metadata).toEqual({ tags: 'mine' })
    expect(enrich({ status: 'ok' }, rude, { messageKey: 'm', markersField: 'tags' }).metadata).toEqual({
      msg: 'mine',
      markers: 'mine',
    })
  })

  it.each(['__proto__', 'constructor', 'toString'])('adds a field named %s as data', (name) => {
    const metadataFields = { ok: JSON.parse(`{"${name}":"x"}`) }
    const { metadata } = enrich({ status: 'ok' }, oneField({ metadataFields }))

    expect(Object.entries(metadata ?? {})).toEqual([[name, 'x']])
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })
})

describe('Original fields: kept', () => {
  it('leaves the record as it was, and works on a frozen one', () => {
    const set = oneField({
      visualMarkers: { ok: '✅' },
      metadataFields: { ok: { extra: 1 } },
      transformations: { '*': 'upper' },
    })
    const record = Object.freeze({ status: 'ok', msg: 'hello', res: Object.freeze({ a: [1, { b: null }] }) })
    const before = structuredClone(record)

    expect(markersOf(record, set)).toEqual(['✅'])
    expect(record).toEqual(before)
  })
})

describe('Message: [m1][m2] message; brackets alone when there is no message; unchanged when there is no marker', () => {
  it('puts the markers before the message', () => {
    expect(prefixMessage('request completed', ['📥', '✅'])).toBe('[📥][✅] request completed')
  })

  it.each([undefined, null, ''])('is the brackets alone for the message %o', (message) => {
    expect(prefixMessage(message, ['📥', '✅'])).toBe('[📥][✅]')
  })

  it('leaves the message alone when there are no markers', () => {
    expect(prefixMessage('request completed', [])).toBe('request completed')
    expect(prefixMessage(undefined, [])).toBeUndefined()
  })

  it.each([
    [5, '[✅] 5'],
    [0, '[✅] 0'],
    [false, '[✅] false'],
  ])('takes the scalar message %o for text', (message, expected) => {
    expect(prefixMessage(message, ['✅'])).toBe(expected)
  })

  it.each([[{}], [['a']], [() => 1], [Symbol('s')]])('gives nothing for %o, which is data', (message) => {
    expect(prefixMessage(message, ['✅'])).toBeUndefined()
  })

  it('does not put the same markers there twice', () => {
    const once = prefixMessage('hello', ['📥', '✅'])

    expect(prefixMessage(once, ['📥', '✅'])).toBe(once)
    expect(prefixMessage('[📥][✅]', ['📥', '✅'])).toBe('[📥][✅]')
  })

  it('puts markers before a message that only begins like them', () => {
    expect(prefixMessage('[✅]hello', ['✅'])).toBe('[✅] [✅]hello')
    expect(prefixMessage('[✅][📥] hello', ['✅'])).toBe('[✅] [✅][📥] hello')
  })

  it('keeps messages of several lines, and spaces', () => {
    expect(prefixMessage('  a\nb ', ['✅'])).toBe('[✅]   a\nb ')
  })

  it('has a plain style without brackets', () => {
    expect(prefixMessage('request completed', ['📥', '✅'], 'plain')).toBe('📥 ✅ request completed')
    expect(formatMarkers(['📥', '✅'], 'plain')).toBe('📥 ✅')
    expect(formatMarkers(['📥', '✅'])).toBe('[📥][✅]')
  })
})

describe('Twice: enriching an enriched record changes nothing', () => {
  const set: EventSet = {
    name: 'test',
    mappings: [
      {
        name: 'm',
        visualMarkers: { ok: '✅', bad: '❌', odd: '⚠️CLIENT', default: '❓' },
        metadataFields: { ok: { derived: 'bad' } },
      },
    ],
    fieldMappings: [
      { logKey: 'status', mapping: 'm' },
      { logKey: 'derived', mapping: 'm' },
    ],
  }

  it.each(['[✅] hello', '[✅][❌] hello', '[✅]', '[⚠️CLIENT] hello', '✅ hello', '✅ ❌ hello', '✅'])(
    'recognises the message %o',
    (msg) => {
      expect(enrich({ status: 'bad', msg }, set)).toEqual({ markers: [], metadata: undefined, carried: [] })
    },
  )

  it.each([
    'hello',
    '[hello] world',
    '[✅]hello',
    '[✅][x] hello',
    '[✅][',
    '[✅',
    '[',
    '[]',
    '[] hello',
    ' [✅] hello',
    '(✅) hello',
    'ok hello',
    '[ok] hello',
    '✅hello',
    `[${'x'.repeat(200)}] hello`,
  ])('enriches the message %o, which merely looks like it', (msg) => {
    expect(markersOf({ status: 'bad', msg }, set)).toEqual(['❌'])
  })

  it('counts a message that begins with other known markers as enriched', () => {
    expect(enrich({ status: 'ok', msg: '[❌] hello' }, set).carried).toEqual([])
  })

  it('does not take metadata that was added the first time for something new', () => {
    const first = enrich({ status: 'ok', msg: 'hello' }, set)
    const enriched = {
      status: 'ok',
      ...first.metadata,
      msg: prefixMessage(
        'hello',
        first.markers.map(({ marker }) => marker),
      ),
    }

    expect(enriched).toMatchObject({ derived: 'bad', msg: '[✅] hello' })
    expect(enrich(enriched, set)).toEqual({ markers: [], metadata: undefined, carried: [] })
  })

  it('recognises markers of a mapping whose own set has been removed', () => {
    const registry = registryOf(set, {
      name: 'other',
      fieldMappings: [{ logKey: 'state', mapping: 'm', eventSetName: 'test' }],
    })
    const enricher = createEnricher(registry)

    registry.removeEventSet('test')

    expect(enricher.enrich({ state: 'ok', msg: 'hello' }).markers).toMatchObject([{ marker: '✅' }])
    expect(enricher.enrich({ state: 'ok', msg: '[✅] hello' }).carried).toEqual([])
  })

  it('does not know the markers of sets that are not registered', () => {
    expect(enrich({ status: 'ok', msg: '[🦄] hello' }, set).carried).toBeUndefined()
  })

  it('reads the message under the key that the logger has for it', () => {
    expect(enrich({ status: 'ok', message: '[✅] hello' }, set, { messageKey: 'message' }).carried).toEqual(
      [],
    )
    expect(
      enrich({ status: 'ok', msg: '[✅] hello' }, set, { messageKey: 'message' }).carried,
    ).toBeUndefined()
  })

  it('is not held up by a message of brackets', () => {
    const start = performance.now()

    for (const msg of ['['.repeat(1_000_000), '[✅]'.repeat(250_000), ']'.repeat(1_000_000)])
      enrich({ status: 'ok', msg }, set)

    expect(performance.now() - start).toBeLessThan(1000)
  })
})

describe('Failure: enriching never throws', () => {
  const throwing = (count = () => {}): EventSet =>
    oneField({
      visualMarkers: { ok: '✅' },
      transformations: {
        '*': () => {
          count()
          throw new Error('broken')
        },
      },
    })

  it('counts a transformation that throws as "value unchanged"', () => {
    expect(markersOf({ status: 'ok' }, throwing())).toEqual(['✅'])
  })

  it('counts every throw and reports the first of each mapping', () => {
    const onTransformationError = vi.fn<(error: unknown, mapping: EventMapping) => void>()
    const other = { ...throwing(), name: 'other', fieldMappings: [{ logKey: 'state', mapping: 'm' }] }
    const enricher = createEnricher(registryOf(throwing(), other), { onTransformationError })

    for (const record of [{ status: 'ok' }, { status: 'ok' }, { state: 'ok' }, { else: 'ok' }])
      enricher.enrich(record)

    expect(enricher.transformationErrors).toBe(3)
    expect(
      onTransformationError.mock.calls.map(([error, { name }]) => [(error as Error).message, name]),
    ).toEqual([
      ['broken', 'm'],
      ['broken', 'm'],
    ])
  })

  it('survives a report that throws', () => {
    const onTransformationError = () => {
      throw new Error('no report')
    }

    expect(markersOf({ status: 'ok' }, throwing(), { onTransformationError })).toEqual(['✅'])
  })

  it('calls a transformation only for a value that belongs to its field', () => {
    const count = vi.fn()
    const owner = oneField({ visualMarkers: { ok: '🥇' } }, {}, { name: 'owner', priority: 1 })

    expect(markersOf({ status: 'ok' }, [throwing(count), owner])).toEqual(['🥇'])
    expect(count).not.toHaveBeenCalled()
  })

  it('gives no markers for a record that cannot be read', () => {
    const set = oneField({ visualMarkers: { ok: '✅' } })
    const boom = () => {
      throw new Error('boom')
    }
    const unreadable = [
      Object.defineProperty({}, 'status', { enumerable: true, get: boom }),
      Object.defineProperty({ status: 'ok' }, 'msg', { enumerable: true, get: boom }),
      new Proxy({}, { get: boom, ownKeys: boom, has: boom }),
      { status: [Object.defineProperty({}, 'x', { get: boom })] },
      null,
      undefined,
      5,
      'text',
    ]

    for (const record of unreadable) {
      expect(enrich(record as Record<string, unknown>, set)).toEqual({
        markers: [],
        metadata: undefined,
        carried: undefined,
      })
    }
  })

  it('does not follow a record that contains itself', () => {
    const record: Record<string, unknown> = { status: 'ok' }
    record['self'] = record

    expect(markersOf(record, oneField({ visualMarkers: { ok: '✅' } }))).toEqual(['✅'])
    expect(
      markersOf(record, oneField({ visualMarkers: { ok: '✅' } }, { logKey: 'self.self.status' })),
    ).toEqual(['✅'])
  })

  it('reads records without a prototype, and instances of classes', () => {
    class Request {
      get method() {
        return 'get'
      }
    }
    const set = oneField({ visualMarkers: { get: '📥' } }, { logKey: 'req.method' })
    const bare = Object.assign(Object.create(null), {
      req: Object.assign(Object.create(null), { method: 'GET' }),
    })

    expect(markersOf(bare, set)).toEqual(['📥'])
    expect(markersOf({ req: new Request() }, set)).toEqual(['📥'])
  })

  it('takes tables of very many keys', () => {
    const visualMarkers = Object.fromEntries(
      Array.from({ length: 150_000 }, (_, index) => [`key${index}`, '✅']),
    )

    expect(markersOf({ status: 'KEY149999' }, oneField({ visualMarkers }))).toEqual(['✅'])
  })
})

describe('Sets registered late: take effect at once', () => {
  const set = oneField({ visualMarkers: { ok: '✅' } })

  it('shows a set from the next record on', () => {
    const registry = new EventSetRegistry()
    const enricher = createEnricher(registry)
    const before = enricher.enrich({ status: 'ok' }).markers
    registry.registerEventSet(set)

    expect(before).toEqual([])
    expect(enricher.enrich({ status: 'ok' }).markers).toMatchObject([{ marker: '✅' }])
  })

  it('shows a set that replaced another, and none that was removed', () => {
    const registry = registryOf(set)
    const enricher = createEnricher(registry)
    registry.registerEventSet(oneField({ visualMarkers: { ok: '👍' } }), { override: true })
    const replaced = enricher.enrich({ status: 'ok' }).markers
    registry.removeEventSet('test')

    expect(replaced).toMatchObject([{ marker: '👍' }])
    expect(enricher.enrich({ status: 'ok' }).markers).toEqual([])
  })

  it('takes a log key from a set of lower priority', () => {
    const registry = registryOf(set)
    const enricher = createEnricher(registry)
    registry.registerEventSet(oneField({ visualMarkers: { ok: '🥇' } }, {}, { name: 'late', priority: 1 }))

    expect(enricher.enrich({ status: 'ok' }).markers).toMatchObject([{ marker: '🥇', set: 'late' }])
  })

  it('shows in every enricher of the registry', () => {
    const registry = new EventSetRegistry()
    const enrichers = [createEnricher(registry), createEnricher(registry)]
    registry.registerEventSet(set)

    for (const enricher of enrichers) expect(enricher.enrich({ status: 'ok' }).markers).toHaveLength(1)
  })
})

describe('A link to another set', () => {
  const owner = (marker: string) => oneField({ visualMarkers: { ok: marker } }, {}, { name: 'owner' })
  const linked: EventSet = {
    name: 'linked',
    fieldMappings: [{ logKey: 'state', mapping: 'm', eventSetName: 'owner' }],
  }

  it('follows a set that was replaced', () => {
    const registry = registryOf(owner('✅'), linked)
    const enricher = createEnricher(registry)
    registry.registerEventSet(owner('👍'), { override: true })

    expect(enricher.enrich({ state: 'ok' }).markers).toMatchObject([{ marker: '👍', set: 'linked' }])
  })

  it('keeps the mapping it had when the set is removed', () => {
    const registry = registryOf(owner('✅'), linked)
    const enricher = createEnricher(registry)
    registry.removeEventSet('owner')

    expect(enricher.enrich({ state: 'ok' }).markers).toMatchObject([{ marker: '✅', set: 'linked' }])
  })

  it('keeps the mapping it had last, when the set was replaced before it was removed', () => {
    const registry = registryOf(owner('✅'), linked)
    registry.registerEventSet(owner('👍'), { override: true })
    registry.removeEventSet('owner')

    expect(createEnricher(registry).enrich({ state: 'ok' }).markers).toMatchObject([{ marker: '👍' }])
  })

  it('keeps the mapping it had when the set is replaced by one without it', () => {
    const registry = registryOf(owner('✅'), linked)
    registry.registerEventSet({ name: 'owner' }, { override: true })

    expect(createEnricher(registry).enrich({ state: 'ok' }).markers).toMatchObject([{ marker: '✅' }])
  })

  it('follows the set again when it comes back', () => {
    const registry = registryOf(owner('✅'), linked)
    registry.removeEventSet('owner')
    registry.registerEventSet(owner('👍'))

    expect(createEnricher(registry).enrich({ state: 'ok' }).markers).toMatchObject([{ marker: '👍' }])
  })
})

describe('Machine logs: a record that already carries the field is not enriched again', () => {
  const set = oneField({ visualMarkers: { ok: '✅' }, metadataFields: { ok: { extra: 1 } } })

  it('gives the markers that the record carries, and no others', () => {
    expect(enrich({ status: 'ok', markers: ['🦄', '📥'] }, set)).toEqual({
      markers: [],
      metadata: undefined,
      carried: ['🦄', '📥'],
    })
  })

  it('takes an empty list for carried', () => {
    expect(enrich({ status: 'ok', markers: [] }, set)).toEqual({
      markers: [],
      metadata: undefined,
      carried: [],
    })
  })

  it.each([[null], ['✅'], [{ a: 1 }], [[1]], [['✅', 5]], [undefined]])(
    'enriches where the field holds %o, which is not ours',
    (markers) => {
      expect(enrich({ status: 'ok', markers }, set)).toMatchObject({
        markers: [{ marker: '✅' }],
        carried: undefined,
      })
    },
  )

  it('reads the field under the name it was given', () => {
    const options = { markersField: 'tags' }

    expect(enrich({ status: 'ok', tags: ['🦄'] }, set, options).carried).toEqual(['🦄'])
    expect(enrich({ status: 'ok', markers: ['🦄'] }, set, options).carried).toBeUndefined()
  })
})

describe('Markers: the key is the text form', () => {
  const set: EventSet = {
    name: 'http',
    mappings: [
      {
        name: 'status',
        ranges: { '2XX': [200, 299], slow: [1000, null] },
        visualMarkers: { '2XX': '✅', default: '❓', 'a[1]': '🧮' },
        metadataFields: { '418': { teapot: true } },
      },
    ],
    fieldMappings: [{ logKey: 'status', mapping: 'status' }],
  }
  const textOf = (status: unknown) => enrich({ status }, set).markers.map(({ text }) => text)

  it('is the key, in lower case', () => {
    expect(textOf(204)).toEqual(['2xx'])
  })

  it('is the name of the mapping for the key "default"', () => {
    expect(textOf('odd')).toEqual(['status'])
  })

  it('is the key for a value that shows the marker of the default', () => {
    expect(textOf(418)).toEqual(['418'])
    expect(textOf(1500)).toEqual(['slow'])
  })

  it('is the key where the mapping names another default key', () => {
    const named = oneField({ defaultKey: 'unknown', visualMarkers: { unknown: '❓' } })

    expect(enrich({ status: 'odd' }, named).markers[0]?.text).toBe('unknown')
  })

  it('has round brackets for square ones, and an end', () => {
    const long = oneField({ visualMarkers: { ['x'.repeat(100)]: '📏' } })

    expect(textOf('a[1]')).toEqual(['a(1)'])
    expect(enrich({ status: 'x'.repeat(100) }, long).markers[0]?.text).toBe('x'.repeat(64))
  })

  it.each([204, 'odd', 418, 1500, 'a[1]'])('is recognised in a message, for the value %o', (status) => {
    const options = { ascii: true }
    const [text] = textOf(status)
    const msg = prefixMessage('hello', [text as string])

    expect(enrich({ status, msg }, set, options)).toEqual({ markers: [], metadata: undefined, carried: [] })
    expect(enrich({ status, msg }, set).carried).toBeUndefined()
  })

  it('recognises emoji in a message too', () => {
    expect(enrich({ status: 204, msg: '[✅] hello' }, set, { ascii: true }).carried).toEqual([])
  })
})

describe('messageKey, errorKey, nestedKey: a logger with keys of its own', () => {
  const set: EventSet = {
    name: 'test',
    mappings: [
      {
        name: 'm',
        visualMarkers: { typeerror: '🧨', econnrefused: '🔌', hello: '👋', high: '🌋', default: '❓' },
      },
    ],
    fieldMappings: [
      { logKey: 'msg', mapping: 'm', when: { msg: 'hello' } },
      { logKey: 'err.code', mapping: 'm' },
      { logKey: 'err.type', mapping: 'm' },
      { logKey: 'failure.severity', mapping: 'm' },
    ],
  }

  it('means the message by msg, whatever the logger calls it', () => {
    expect(markersOf({ text: 'hello' }, set, { messageKey: 'text' })).toEqual(['👋'])
    expect(markersOf({ text: 'hello' }, set)).toEqual([])
  })

  it('prefers the message to a field that is called msg', () => {
    expect(enrich({ msg: 'hello', text: 'HELLO' }, set, { messageKey: 'text' }).markers[0]?.value).toBe(
      'HELLO',
    )
  })

  it.each([{ failure: { code: 'ECONNREFUSED' } }, { 'failure.code': 'ECONNREFUSED' }])(
    'means the error by err, whatever the logger calls it: %o',
    (record) => {
      expect(markersOf(record, set, { errorKey: 'failure' })).toEqual(['🔌'])
      expect(markersOf(record, set)).toEqual([])
    },
  )

  it('still finds what sets say about the other name itself', () => {
    expect(markersOf({ failure: { severity: 'high' } }, set, { errorKey: 'failure' })).toEqual(['🌋'])
  })

  it('reads an error that is not serialised yet', () => {
    const error = Object.assign(new TypeError('no'), { code: 'ECONNREFUSED' })

    expect(markersOf({ err: error }, set)).toEqual(['🔌', '🧨'])
  })

  it('reads it however many other fields are known beside', () => {
    const neighbours = Array.from({ length: 30 }, (_, index) => ({ logKey: `err.n${index}`, mapping: 'm' }))
    const crowded = { ...set, fieldMappings: [...(set.fieldMappings ?? []), ...neighbours] }

    expect(markersOf({ err: new TypeError('no') }, crowded)).toEqual(['🧨'])
  })

  it('finds fields below nestedKey as if they stood beside it', () => {
    const options = { nestedKey: 'payload' }

    expect(markersOf({ payload: { err: { code: 'ECONNREFUSED' } } }, set, options)).toEqual(['🔌'])
    expect(markersOf({ payload: { 'err.code': 'ECONNREFUSED' } }, set, options)).toEqual(['🔌'])
    expect(markersOf({ payload: { err: { code: 'ECONNREFUSED' } } }, set)).toEqual([])
  })

  it('prefers what stands beside nestedKey to what stands below it', () => {
    const record = { payload: { 'err.code': 'other' }, err: { code: 'ECONNREFUSED' } }

    expect(markersOf(record, set, { nestedKey: 'payload' })).toEqual(['🔌'])
  })

  it('adds no metadata that stands below nestedKey', () => {
    const adding = oneField({ metadataFields: { ok: { extra: 1, more: 2 } } })

    expect({
      ...enrich({ in: { status: 'ok', extra: null } }, adding, { nestedKey: 'in' }).metadata,
    }).toEqual({ more: 2 })
  })

  it.each([null, 'text', 5, []])('does not mind %o below nestedKey', (payload) => {
    expect(markersOf({ payload, err: { code: 'ECONNREFUSED' } }, set, { nestedKey: 'payload' })).toEqual([
      '🔌',
    ])
  })
})
