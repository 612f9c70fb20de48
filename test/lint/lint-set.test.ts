import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseEventSet } from '../../src/core/event-set.ts'
import { builtInSets } from '../../src/discovery/built-in-sets.ts'
import { lintEventSet, lintEventSetText, lintSets } from '../../src/lint/index.ts'
import { codesOf } from './example-folder.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

const text = `{
  "name": "payment",
  "priorty": 10,
  "mappings": [
    {
      "name": "status",
      "ranges": { "large": [1000, null] },
      "visualMarkers": { "paid": "✔️", "PAID": "💰" }
    },
    { "name": 7 }
  ],
  "fieldMappings": [
    { "logKey": "payment.status", "mapping": "status" },
    { "logKey": "payment.kind", "mapping": "knid" }
  ]
}
`

describe('lintEventSetText', () => {
  it('tells everything that is wrong at once, from top to bottom, each at its place', () => {
    const found = lintEventSetText(text, { file: 'payment.json' })

    expect(found.map(({ code, line, column, path }) => [code, line, column, path])).toEqual([
      ['missing-description', 1, 1, 'description'],
      ['missing-schema', 1, 1, '$schema'],
      ['unknown-key', 3, 3, 'priorty'],
      ['range-without-marker', 7, 19, 'mappings[0].ranges.large'],
      ['marker-width', 8, 34, 'mappings[0].visualMarkers.paid'],
      ['keys-differ-in-case', 8, 40, 'mappings[0].visualMarkers.PAID'],
      ['wrong-type', 10, 15, 'mappings[1].name'],
      ['dangling-mapping', 14, 44, 'fieldMappings[1].mapping'],
    ])
    for (const { file, set } of found) expect([file, set]).toEqual(['payment.json', 'payment'])
  })

  it('judges a set with comments in it all the same', () => {
    const found = lintEventSetText(text.replace('"priorty": 10,', '// nothing'))

    expect(codesOf(found)).toContain('json-comment')
    expect(codesOf(found)).toContain('range-without-marker')
  })

  it('says of a text that breaks off only where it does', () => {
    const found = lintEventSetText(text.slice(0, 200))

    expect(new Set(codesOf(found))).toEqual(new Set(['invalid-json']))
  })

  it.each(['', 'null', '[]', '"set"', '3'])('takes %j for no event set, and says so', (input) => {
    expect(lintEventSetText(input).map(({ level }) => level)).toEqual(['error'])
  })
})

describe('lintEventSet', () => {
  it('says the same of an object, without lines, and without what is about files only', () => {
    const { mappings, ...set } = JSON.parse(text)
    const found = lintEventSet({ ...set, mappings: mappings.slice(0, 1) })

    expect(codesOf(found).sort()).toEqual([
      'dangling-mapping',
      'keys-differ-in-case',
      'marker-width',
      'missing-description',
      'range-without-marker',
      'unknown-key',
    ])
    for (const { line, column, file } of found)
      expect([line, column, file]).toEqual([undefined, undefined, undefined])
  })

  it('takes functions as transformations as they are', () => {
    const set = {
      name: 'payment',
      description: 'Payments',
      mappings: [
        {
          name: 'status',
          transformations: { '*': (value: unknown) => String(value).slice(1) },
          visualMarkers: { paid: '💰' },
        },
      ],
      fieldMappings: [{ logKey: 'payment.status', mapping: 'status' }],
    }

    expect(lintEventSet(set)).toEqual([])
  })

  it('finds an error in exactly the sets that are not valid', () => {
    const anything = fc.oneof(fc.anything({ maxDepth: 4 }), fc.constant(JSON.parse(text)))
    fc.assert(
      fc.property(anything, (input) => {
        const errors = lintEventSet(input).filter(({ level }) => level === 'error')

        expect(errors.length === 0).toBe(parseEventSet(input).success)
      }),
    )
  })

  it('never throws, whatever hides behind a property', () => {
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no')
        },
      },
    )

    expect(lintEventSet(hostile)).toMatchObject([{ code: 'wrong-type' }])
    expect(
      lintEventSet({
        name: 'x',
        get mappings() {
          throw new Error('no')
        },
      }),
    ).toMatchObject([{ code: 'wrong-type' }])
  })

  it('has time for a set of twenty thousand keys', () => {
    const keys = Array.from({ length: 20_000 }, (_, index) => [`key${index}`, '💰'])
    const set = {
      name: 'huge',
      description: 'Huge',
      mappings: [{ name: 'status', visualMarkers: Object.fromEntries(keys) }],
      fieldMappings: [{ logKey: 'huge.status', mapping: 'status', valueType: 'integer' }],
    }

    const found = lintEventSet(set)

    // So many are kept, and the last one stands for the rest.
    expect(found).toHaveLength(5001)
    expect(new Set(codesOf(found))).toEqual(new Set(['unreachable-key']))
    expect(
      found.filter(({ message }) => message.includes('and 14999 more findings of this code')),
    ).toHaveLength(1)
  })
})

describe('what comes with eventsets', () => {
  const plugins = readdirSync(join(root, 'plugins')).filter((name) =>
    existsSync(join(root, 'plugins', name, 'sets')),
  )
  const files = [
    ...['http', 'database', 'system'].map((name) => `sets/${name}.json`),
    ...plugins.flatMap((plugin) =>
      readdirSync(join(root, 'plugins', plugin, 'sets')).map((name) => `plugins/${plugin}/sets/${name}`),
    ),
  ]

  it.each(files)('%s has no errors and no warnings', (file) => {
    const found = lintEventSetText(readFileSync(join(root, file), 'utf8'), { file })

    expect(found.filter(({ level }) => level !== 'info')).toEqual([])
  })

  it('is at peace with itself: no set takes anything from another', () => {
    const others = files
      .filter((file) => file.startsWith('plugins'))
      .map((file) => JSON.parse(readFileSync(join(root, file), 'utf8')))
    const all = [
      ...builtInSets.map((set) => ({ set, source: { kind: 'built-in' } as const })),
      ...others.map((set) => ({ set, source: { kind: 'code' } as const })),
    ]

    expect(lintSets(all).filter(({ level }) => level !== 'info')).toEqual([])
  })
})

const source = { kind: 'code' } as const
const mapping = { name: 'status', visualMarkers: { paid: '💰', open: '⏳' } }

function setWith(name: string, fields: object, priority = 0) {
  const set = {
    name,
    description: name,
    priority,
    mappings: [mapping],
    fieldMappings: [{ mapping: 'status', logKey: `${name}.status`, ...fields }],
  }
  return { set, source }
}

describe('lintSets', () => {
  it('tells the set that comes second of a tie', () => {
    const found = lintSets([
      setWith('one', { logKey: 'a.status' }),
      setWith('two', { aliases: ['a.status'] }),
    ])

    expect(found).toMatchObject([
      {
        code: 'log-key-tie',
        set: 'two',
        path: 'fieldMappings[0].aliases[0]',
        message: expect.stringContaining(`"one"`),
      },
    ])
  })

  it.each([
    ['other types', { valueType: 'integer' }, { valueType: 'string' }],
    ['conditions that may exclude each other', { when: { msg: 'a*' } }, { when: { msg: 'b*' } }],
  ])('sees no tie between field mappings with %s', (_, one, two) => {
    const found = lintSets([
      setWith('one', { logKey: 'a.status', ...one }),
      setWith('two', { logKey: 'a.status', ...two }),
    ])

    expect(codesOf(found)).not.toContain('log-key-tie')
  })

  it('says which markers are lost to a set of higher priority, and nothing where it has all of them', () => {
    const taker = setWith('taker', { aliases: ['a.status'] }, 10)
    const poor = {
      ...taker,
      set: { ...taker.set, mappings: [{ name: 'status', visualMarkers: { paid: '💵' } }] },
    }
    const victim = setWith('victim', { logKey: 'a.status' })

    expect(lintSets([victim, poor])).toMatchObject([
      { code: 'shadowed-name', set: 'victim' },
      { code: 'shadowing-name', set: 'taker', message: expect.stringContaining('"open"') },
    ])
    expect(codesOf(lintSets([victim, taker]))).toEqual(['shadowed-name'])
  })

  it('tells of the sets of others only what they do to the rest', () => {
    const foreign = { kind: 'package', package: 'acme', version: '1.0.0', file: '/acme/set.json' } as const
    const one = setWith('one', { logKey: 'status' })
    const two = setWith('two', { logKey: 'status' })

    expect(
      codesOf(
        lintSets([
          { ...one, source: foreign },
          { ...two, source: foreign },
        ]),
      ),
    ).toEqual(['log-key-tie'])
    expect(codesOf(lintSets([one]))).toEqual(['broad-log-key'])
  })

  it('knows the mappings that another set uses', () => {
    const tables = { name: 'tables', description: 'Tables', mappings: [mapping] }
    const user = {
      name: 'user',
      description: 'User',
      fieldMappings: [{ logKey: 'user.status', eventSetName: 'tables', mapping: 'status' }],
    }

    expect(codesOf(lintSets([{ set: tables, source }]))).toEqual(['empty-set'])
    expect(
      lintSets([
        { set: tables, source },
        { set: user, source },
      ]),
    ).toEqual([])
  })
})
