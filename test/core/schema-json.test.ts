import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { transformationNames } from '../../src/core/transformation.ts'
import { parseEventSet } from '../../src/index.ts'

const root = new URL('../../', import.meta.url)
const schema = JSON.parse(readFileSync(new URL('schema.json', root), 'utf8'))
const validate = new Ajv({ strictTuples: false }).compile(schema)
const builtIn = readdirSync(new URL('sets', root)).filter((name) => name.endsWith('.json'))

const withMapping = (mapping: object) => ({ name: 'a', mappings: [{ name: 'm', ...mapping }] })
const withField = (field: object) => ({
  ...withMapping({}),
  fieldMappings: [{ logKey: 'x', mapping: 'm', ...field }],
})

describe('schema.json and the generated sets', () => {
  it('are what their sources say', async () => {
    const run = promisify(execFile)(process.execPath, ['scripts/generate.mjs', '--check'], {
      cwd: fileURLToPath(root),
    })

    await expect(run).resolves.toMatchObject({ stderr: '' })
  })
})

describe('schema.json', () => {
  it.each([
    { name: 'a' },
    { $schema: 'https://unpkg.com/eventsets/schema.json', name: 'a', description: '', priority: -5 },
    withMapping({
      description: 'd',
      visualMarkers: { ok: '✅', __proto__x: 'text' },
      ranges: { a: [1, 2], b: [null, 0.5], c: [null, null] },
      metadataFields: { ok: { a: 1, b: 'x', c: false }, none: {} },
      transformations: { '*': 'trim' },
      defaultKey: 'x',
    }),
    ...transformationNames.map((name) => withMapping({ transformations: { a: name } })),
    withField({
      aliases: ['a', 'b'],
      eventSetName: 'a',
      description: 'd',
      defaultOverrideKey: 'k',
      defaultValue: 0,
      when: { msg: 'a*', 'b.c': ['d', 'e'] },
    }),
    ...['string', 'integer', 'number', 'boolean'].map((valueType) => withField({ valueType })),
    JSON.parse('{"name":"a","mappings":[{"name":"m","visualMarkers":{"__proto__":"x","constructor":"y"}}]}'),
  ])('accepts what parseEventSet accepts: %j', (set) => {
    expect(parseEventSet(set).issues).toBeUndefined()
    expect(validate(set), JSON.stringify(validate.errors)).toBe(true)
  })

  it.each([
    null,
    5,
    'a',
    [],
    {},
    { name: '' },
    { name: '1' },
    { name: 'a b' },
    { name: 'a'.repeat(65) },
    { name: 'a', priority: 1.5 },
    { name: 'a', priority: '1' },
    { name: 'a', extra: 1 },
    { name: 'a', mappings: {} },
    { name: 'a', mappings: [{}] },
    { name: 'a', mappings: [{ name: '' }] },
    { name: 'a', description: null },
    withMapping({ extra: 1 }),
    withMapping({ visualMarkers: { a: 1 } }),
    withMapping({ visualMarkers: { a: '' } }),
    withMapping({ visualMarkers: { a: '[x]' } }),
    withMapping({ visualMarkers: { a: 'x'.repeat(65) } }),
    withMapping({ visualMarkers: ['x'] }),
    withMapping({ ranges: { a: [1] } }),
    withMapping({ ranges: { a: [1, 2, 3] } }),
    withMapping({ ranges: { a: ['1', 2] } }),
    withMapping({ metadataFields: { a: 1 } }),
    withMapping({ metadataFields: { a: { b: null } } }),
    withMapping({ metadataFields: { a: { b: [] } } }),
    withMapping({ transformations: { a: 'shout' } }),
    withMapping({ defaultKey: '' }),
    withField({ logKey: '' }),
    withField({ logKey: 5 }),
    withField({ aliases: 'a' }),
    withField({ aliases: [''] }),
    withField({ mapping: '' }),
    withField({ valueType: 'int' }),
    withField({ defaultValue: null }),
    withField({ defaultValue: {} }),
    withField({ when: 'a' }),
    withField({ when: { msg: 5 } }),
    withField({ when: { msg: [''] } }),
    withField({ extra: 1 }),
  ])('rejects what parseEventSet rejects for its shape: %j', (set) => {
    expect(parseEventSet(set).success).toBe(false)
    expect(validate(set)).toBe(false)
  })

  it.each(builtIn)('accepts the built-in set %s, as parseEventSet does', (name) => {
    const set = JSON.parse(readFileSync(new URL(`sets/${name}`, root), 'utf8'))

    expect(parseEventSet(set).issues).toBeUndefined()
    expect(validate(set), JSON.stringify(validate.errors)).toBe(true)
  })

  it('describes every key but $schema, so that editors can', () => {
    interface Node {
      readonly description?: string
      readonly properties?: Readonly<Record<string, Node>>
      readonly items?: Node
    }
    const silent = ({ properties = {}, items }: Node, path: string): string[] => [
      ...(items ? silent(items, `${path}[]`) : []),
      ...Object.entries(properties).flatMap(([key, node]) => [
        ...(node.description ? [] : [`${path}.${key}`]),
        ...silent(node, `${path}.${key}`),
      ]),
    ]

    expect(silent(schema, '')).toEqual(['.$schema'])
  })
})
