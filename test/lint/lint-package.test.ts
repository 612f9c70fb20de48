import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { paymentSet, pluginManifest } from '../../src/lint/example.ts'
import { lintPackage } from '../../src/lint/index.ts'
import { overLimit } from '../../src/lint/rules/set-files.ts'
import { codesOf, makeFolder } from './example-folder.ts'

const sound = {
  'package.json': pluginManifest(),
  LICENSE: 'MIT\n',
  'README.md': '# Payments\n',
  'sets/payment.json': paymentSet(),
}

/** The codes that are found with these files in the place of those of a sound plugin. */
async function lintWith(files: { readonly [path: string]: unknown }) {
  const folder = makeFolder({ ...sound, ...files })
  const findings = await lintPackage(folder)
  return { folder, findings, codes: codesOf(findings) }
}

describe('lintPackage', () => {
  it('finds nothing in a plugin that is as it should be', async () => {
    expect((await lintWith({})).findings).toEqual([])
  })

  it('tells of package.json, its files and its sets together, each in its file', async () => {
    const { folder, findings } = await lintWith({
      'package.json': pluginManifest({ license: undefined, keywords: [], files: ['lib'] }),
      'sets/payment.json': paymentSet({ description: undefined }),
    })

    expect(findings.map(({ code, file, package: name }) => [code, file?.slice(folder.length), name])).toEqual(
      [
        ['missing-license', '/package.json', 'eventsets-plugin-payment'],
        ['missing-keyword', '/package.json', 'eventsets-plugin-payment'],
        ['set-not-packed', '/package.json', 'eventsets-plugin-payment'],
        ['missing-description', '/sets/payment.json', 'eventsets-plugin-payment'],
      ],
    )
  })

  it.each([
    ['lists its folder', { files: ['sets'] }, {}],
    ['lists the file itself', { files: ['./sets/payment.json'] }, {}],
    ['lists a glob', { files: ['sets/*.json'] }, {}],
    ['lists nothing, so that everything is packed', { files: undefined }, {}],
  ])('takes a set for packed where package.json %s', async (_, changes, files) => {
    expect((await lintWith({ ...files, 'package.json': pluginManifest(changes) })).findings).toEqual([])
  })

  it.each([
    ['lists other files', { files: ['lib'] }, {}],
    ['takes it out again', { files: ['sets', '!sets/payment.json'] }, {}],
    ['leaves it to .npmignore', { files: undefined }, { '.npmignore': 'sets\n' }],
    ['leaves it to .gitignore', { files: undefined }, { '.gitignore': '*.json\n' }],
  ])('takes a set for missing where package.json %s', async (_, changes, files) => {
    const { codes } = await lintWith({ ...files, 'package.json': pluginManifest(changes) })

    expect(codes).toEqual(['set-not-packed'])
  })

  it('points at the pattern that is wrong', async () => {
    const { findings } = await lintWith({
      'package.json': pluginManifest({
        eventsets: { sets: ['./sets/*.json', './stes/*.json', '/etc/passwd', './sets/payment.json'] },
      }),
    })

    expect(findings.map(({ code, path }) => [code, path])).toEqual([
      ['no-set-files', 'eventsets.sets[1]'],
      ['path-outside-package', 'eventsets.sets[2]'],
    ])
  })

  it('does not follow a link out of the package', async () => {
    const outside = makeFolder({ 'secret.json': paymentSet({ name: 'secret' }) })
    const folder = makeFolder({
      ...sound,
      'package.json': pluginManifest({ eventsets: { sets: ['./sets/payment.json', './linked.json'] } }),
    })
    symlinkSync(join(outside, 'secret.json'), join(folder, 'linked.json'))

    const findings = await lintPackage(folder)

    expect(codesOf(findings)).toContain('path-outside-package')
    expect(JSON.stringify(findings)).not.toContain('"secret"')
  })

  it('tells of everything that is wrong with the key at once', async () => {
    const { findings } = await lintWith({
      'package.json': pluginManifest({
        eventsets: { sets: ['./sets/*.json', 7], modul: './a.js', module: '' },
      }),
    })

    expect(findings.map(({ code, path }) => [code, path])).toEqual([
      ['invalid-manifest', 'eventsets.sets[1]'],
      ['invalid-manifest', 'eventsets.modul'],
      ['invalid-manifest', 'eventsets.module'],
      ['path-outside-package', 'eventsets.module'],
    ])
  })

  it.each([
    ['a list', []],
    ['a text', 'sets/*.json'],
    ['null', null],
  ])('takes no %s for the key', async (_, eventsets) => {
    expect((await lintWith({ 'package.json': pluginManifest({ eventsets }) })).codes).toContain(
      'invalid-manifest',
    )
  })

  it.each([
    ['a list', '[]', ['invalid-manifest']],
    ['broken off', '{ "name": ', ['invalid-json']],
  ])('says what is wrong with a package.json that is %s', async (_, text, codes) => {
    const found = await lintWith({ 'package.json': text })

    expect([...new Set(found.codes)]).toEqual(codes)
  })

  it('survives a package.json in which everything is of the wrong type', async () => {
    const { codes } = await lintWith({
      'package.json': {
        ...Object.fromEntries(
          [
            'name',
            'version',
            'keywords',
            'license',
            'peerDependencies',
            'dependencies',
            'main',
            'browser',
          ].map((key) => [key, 7]),
        ),
        files: [null, 7, ['sets'], 'sets'],
        bin: { a: 7, b: null },
        eventsets: { sets: ['./sets/*.json'] },
      },
    })

    expect(codes.sort()).toEqual([
      'incomplete-package',
      'incomplete-package',
      'missing-keyword',
      'missing-license',
      'missing-peer-range',
    ])
  })

  it('compares the sets of one package with each other', async () => {
    const { findings } = await lintWith({
      'sets/again.json': paymentSet({ fieldMappings: [{ logKey: 'again.status', mapping: 'status' }] }),
      'sets/refund.json': paymentSet({
        name: 'refund',
        fieldMappings: [{ logKey: 'refund.status', eventSetName: 'payment', mapping: 'status' }],
        mappings: [],
      }),
    })

    expect(findings).toMatchObject([
      {
        code: 'set-name-taken',
        level: 'error',
        set: 'payment',
        file: expect.stringMatching(/payment\.json$/),
      },
    ])
  })

  it('does not ask a private package for what publishing needs', async () => {
    const { codes } = await lintWith({
      'package.json': { private: true, files: [], eventsets: { sets: ['./sets/*.json'] } },
      LICENSE: undefined,
    })

    expect(codes).toEqual(['private-package'])
  })

  it('reads no more of all sets together than discovery would read', async () => {
    const filler = ' '.repeat(900_000)
    const names = ['a', 'b', 'c', 'd']
    const folder = makeFolder({
      ...sound,
      ...Object.fromEntries(
        names.map((name) => [
          `sets/${name}.json`,
          `${JSON.stringify(paymentSet({ name, priorty: 1 }))}${filler}`,
        ]),
      ),
    })

    const found = await lintPackage(folder)

    expect(found.filter(({ code }) => code === 'unknown-key').map(({ set }) => set)).toEqual(['a', 'b', 'c'])
    expect(found.filter(({ code }) => code === 'over-limit')).toMatchObject([
      {
        path: 'eventsets.sets',
        message: expect.stringMatching(
          /^a plugin brings at most 2 MiB, .*; left out are sets\/d\.json, sets\/payment\.json$/,
        ),
      },
    ])
  })

  it('reads no set that is larger than discovery would read', async () => {
    const mappings = Array.from({ length: 501 }, (_, index) => ({ name: `mapping${index}` }))
    const { findings } = await lintWith({ 'sets/payment.json': paymentSet({ mappings }) })

    expect(findings).toMatchObject([{ code: 'over-limit', file: expect.stringMatching(/payment\.json$/) }])
    expect(overLimit.why).toContain(` ${501 - 1} mappings`)
    expect(
      (await lintWith({ 'sets/payment.json': paymentSet({ mappings: mappings.slice(1) }) })).codes,
    ).not.toContain('over-limit')
  })

  it.each([
    ['a package.json without a name', { private: true, eventsets: { exclude: ['http'], sets: 7 } }],
    ['one that is published', { name: 'shop', eventsets: { discovery: false, apiVersion: 9 } }],
  ])('takes no application for a plugin: %s', async (_, manifest) => {
    const { findings } = await lintWith({ 'package.json': manifest })

    expect(findings).toMatchObject([
      {
        code: 'application-configuration',
        level: 'info',
        path: expect.stringMatching(/^eventsets\.(?:exclude|discovery)$/),
        hint: expect.stringContaining('"eventsets lint" without a target'),
      },
    ])
  })

  it('takes no plugin for an application, whatever it writes into its key', async () => {
    const eventsets = { apiVersion: 1, sets: ['./sets/*.json'], exclude: ['http'] }
    const { findings } = await lintWith({ 'package.json': pluginManifest({ eventsets }) })

    expect(findings).toMatchObject([{ code: 'invalid-manifest', path: 'eventsets.exclude' }])
  })

  it('rejects a folder that is no package, with what to do', async () => {
    const folder = makeFolder({ 'sets/payment.json': paymentSet() })
    mkdirSync(join(folder, 'odd', 'package.json'), { recursive: true })

    await expect(lintPackage(folder)).rejects.toMatchObject({
      code: 'EVENTSETS_INPUT',
      message: expect.stringContaining('there is no such file'),
      hint: expect.stringContaining('eventsets lint'),
    })
    await expect(lintPackage(join(folder, 'odd'))).rejects.toMatchObject({ code: 'EVENTSETS_INPUT' })
    await expect(lintPackage(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'EVENTSETS_INPUT' })
  })

  it('has the module looked at from outside only', async () => {
    const folder = makeFolder({
      ...sound,
      'package.json': pluginManifest({
        files: ['sets'],
        eventsets: { sets: ['./sets/*.json'], module: './code.js' },
      }),
    })
    writeFileSync(join(folder, 'code.js'), 'globalThis.wasRun = true\nprocess.exit(7)\n')

    expect(await lintPackage(folder)).toMatchObject([
      { code: 'module-not-found', message: expect.stringContaining('would not be in the published package') },
    ])
    expect(globalThis).not.toHaveProperty('wasRun')
  })
})
