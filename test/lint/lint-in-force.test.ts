import { describe, expect, it } from 'vitest'
import { discoverEventSets } from '../../src/discovery/discover.ts'
import { createRegistry } from '../../src/discovery/process-registry.ts'
import { paymentSet } from '../../src/lint/example.ts'
import { checkInForce } from '../../src/lint/lint-in-force.ts'
import { makeFolder } from './example-folder.ts'

/** What is found in an application with these files, files as seen from its folder. */
async function lintApplication(files: { readonly [path: string]: unknown }) {
  const folder = makeFolder({
    'package.json': { name: 'shop', private: true, dependencies: { acme: '1.0.0' } },
    ...files,
  })
  const checked = checkInForce(await discoverEventSets({ registry: createRegistry(), cwd: folder }))
  const near = (file: string | undefined) => file?.replace(`${folder}/`, '')
  return {
    found: checked.findings.map(({ file, ...finding }) => ({ ...finding, file: near(file) })),
    files: checked.files.map(near),
  }
}

const acme = {
  'node_modules/acme/package.json': {
    name: 'acme',
    version: '1.0.0',
    eventsets: { sets: ['./set.json'] },
  },
}
const careless = { description: undefined, $schema: undefined }

describe('checkInForce', () => {
  it('finds nothing in an application without sets of its own', async () => {
    expect((await lintApplication({})).found).toEqual([])
  })

  it('checks the sets of the application, and of plugins only what they do to others', async () => {
    const own = paymentSet({
      ...careless,
      name: 'own',
      fieldMappings: [{ logKey: 'status', mapping: 'status' }],
    })
    const { found, files } = await lintApplication({
      ...acme,
      'node_modules/acme/set.json': paymentSet({
        ...careless,
        fieldMappings: [{ logKey: 'status', mapping: 'status' }],
      }),
      'eventsets.config.json': { sets: ['own.json'] },
      'own.json': own,
    })

    expect(found.map(({ code, file, set }) => [code, file, set])).toEqual([
      ['shadowing-name', 'node_modules/acme/set.json', 'payment'],
      ['missing-description', 'own.json', 'own'],
      ['missing-schema', 'own.json', 'own'],
      ['broad-log-key', 'own.json', 'own'],
      ['log-key-tie', 'own.json', 'own'],
      ['shadowing-name', 'own.json', 'own'],
    ])
    expect(found.every(({ line }) => line !== undefined)).toBe(true)
    expect(files).toEqual(['node_modules/acme/set.json', 'own.json'])
  })

  it('tells each issue of a set that was not loaded, at its place', async () => {
    const { found } = await lintApplication({
      ...acme,
      'node_modules/acme/set.json': paymentSet({ priority: 'high', colour: 'red' }),
    })

    expect(
      found.map(({ code, level, file, set, package: name, path }) => [code, level, file, set, name, path]),
    ).toEqual([
      ['wrong-type', 'error', 'node_modules/acme/set.json', 'payment', 'acme', 'priority'],
      ['unknown-key', 'error', 'node_modules/acme/set.json', 'payment', 'acme', 'colour'],
    ])
    expect(found.map(({ line }) => line)).toEqual([20, 21])
  })

  it('tells where a set file is no JSON', async () => {
    const { found } = await lintApplication({
      ...acme,
      'node_modules/acme/set.json': '{\n  "name": "acme",\n}\n',
    })

    expect(found).toMatchObject([
      { code: 'invalid-json', file: 'node_modules/acme/set.json', package: 'acme', line: 3, column: 1 },
    ])
  })

  it('tells where the configuration is wrong, in package.json and in a file of its own', async () => {
    const { found } = await lintApplication({
      'package.json': { name: 'shop', eventsets: { sets: [7] } },
      'eventsets.config.json': { exclude: 'noisy', discvery: false },
    })

    expect(found.map(({ code, file, path, line }) => [code, file, path, line])).toEqual([
      ['invalid-configuration', 'package.json', 'eventsets.sets[0]', 5],
      ['invalid-configuration', 'eventsets.config.json', 'exclude', 2],
      ['invalid-configuration', 'eventsets.config.json', 'discvery', 3],
    ])
  })

  it('tells where the manifest of a plugin is wrong', async () => {
    const { found } = await lintApplication({
      'node_modules/acme/package.json': { name: 'acme', eventsets: { sets: './set.json' } },
    })

    expect(found).toMatchObject([
      { code: 'invalid-manifest', file: 'node_modules/acme/package.json', path: 'eventsets.sets', line: 4 },
    ])
  })

  it('has no place for a set that stands in the configuration, but its path', async () => {
    const { found } = await lintApplication({
      'eventsets.config.json': { sets: [paymentSet({ description: '' })] },
    })

    expect(found).toMatchObject([
      { code: 'missing-description', file: 'eventsets.config.json', line: undefined, path: 'description' },
    ])
  })

  it.each([
    ['databse', '; did you mean "database"?'],
    ['aym', '; did you mean "payment"?'],
    ['cme', '; did you mean "acme"?'],
    ['nobody*', ''],
  ])('tells that nothing is excluded by %s', async (pattern, help) => {
    const { found } = await lintApplication({
      ...acme,
      'node_modules/acme/set.json': paymentSet(),
      'eventsets.config.json': { exclude: [pattern, 'http'] },
    })

    expect(found).toMatchObject([
      {
        code: 'unmatched-exclude',
        level: 'warn',
        message: `"${pattern}" under "exclude" matches no package and no event set${help}`,
      },
    ])
  })

  it('says whose name is taken', async () => {
    const { found } = await lintApplication({
      ...acme,
      'node_modules/acme/set.json': paymentSet({ name: 'http' }),
    })

    expect(found).toMatchObject([
      {
        code: 'set-name-taken',
        level: 'error',
        package: 'acme',
        set: 'http',
        file: 'node_modules/acme/set.json',
        path: 'name',
        line: 3,
      },
    ])
  })
})
