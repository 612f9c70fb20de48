import { mkdirSync, symlinkSync } from 'node:fs'
import { relative } from 'node:path'
import fc from 'fast-check'
import fastGlob from 'fast-glob'
import { describe, expect, it } from 'vitest'
import { matchFiles } from '../../src/discovery/matched-files.ts'
import { createApp, dependingOn, plugin } from './fixture-app.ts'

// Without "?", which fast-glob does not take for a folder of one letter, and without "**" behind something, which it
// sometimes takes for a file of that name.
const anyPart = fc.constantFrom('*', 'a', 'ab', 'b', 'a*', '*b', '*a*', '**', 'c.json', '*.json')
const anyGlob = fc
  .array(anyPart, { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join('/'))
  .filter((pattern) => pattern.includes('*') && !pattern.endsWith('/**'))

describe('a glob', () => {
  it('matches what fast-glob matches', async () => {
    const files = ['a', 'ab', 'b', 'a/b', 'ab/b'].flatMap((folder) =>
      ['c.json', 'ac', 'cb', '.hidden', 'd.txt'].map((name) => `${folder}/${name}`),
    )
    const all = [
      ...files,
      'c.json',
      'x',
      'a/b/ab/b/deep.json',
      'node_modules/a/c.json',
      'a/node_modules/c.json',
    ]
    const app = createApp(Object.fromEntries(all.map((file) => [file, ''])))
    const origin = { kind: 'application', folder: app.folder, file: app.path('package.json') } as const
    const property = fc.asyncProperty(anyGlob, async (pattern) => {
      const { files: found } = await matchFiles(origin, [pattern])
      const expected = fastGlob.globSync(pattern, {
        cwd: app.folder,
        ignore: ['**/node_modules/**'],
        suppressErrors: true,
      })
      const names = found.map((file) => relative(app.folder, file))

      expect(names).toEqual(expected.toSorted())
    })

    await fc.assert(property, { numRuns: 300 })
  })
})

describe('whatever stands in', () => {
  it('a package.json or a configuration, discovery has an answer and every problem has a message', async () => {
    const app = createApp(dependingOn(['any']))
    const key = fc.constantFrom(
      'sets',
      'plugins',
      'exclude',
      'discovery',
      'override',
      'module',
      'apiVersion',
      'output',
    )
    const value = fc.oneof(fc.jsonValue(), fc.array(fc.oneof(fc.string(), fc.jsonValue())))
    const anything = fc.oneof(fc.jsonValue(), fc.dictionary(key, value))
    const property = fc.asyncProperty(anything, anything, anything, async (ofPlugin, ofPackage, ofFile) => {
      app.write({
        ...dependingOn(['any'], { eventsets: ofPackage }),
        ...plugin('any', { packageJson: { eventsets: ofPlugin }, files: {} }),
        'eventsets.config.json': JSON.stringify(ofFile),
      })
      const { problems, sets } = await app.discover({ config: 'eventsets.config.json' })

      expect(sets.every(({ source }) => source.kind === 'built-in')).toBe(true)
      expect(problems.every(({ message }) => /^(?:Plugin any 1\.2\.0|In .*\.json): .+/.test(message))).toBe(
        true,
      )
      expect(
        problems.every(({ message }) => !/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(message)),
      ).toBe(true)
    })

    await fc.assert(property, { numRuns: 150 })
  })

  it('"sets" of a plugin, nothing outside of it is read', async () => {
    const outside = '{ "name": "outside" }'
    const app = createApp(dependingOn(['any']), {
      'node_modules/other/sets/own.json': outside,
      'own.json': outside,
    })
    const part = fc.constantFrom(
      '..',
      '.',
      '',
      'sets',
      'other',
      'own.json',
      '*',
      '**',
      '*.json',
      'link',
      '/',
      '\\',
      '%2e%2e',
    )
    const pattern = fc.oneof(
      fc.array(part, { maxLength: 6 }).map((parts) => parts.join('/')),
      fc.string({ maxLength: 30 }),
    )
    const property = fc.asyncProperty(fc.array(pattern, { maxLength: 5 }), async (sets) => {
      app.write(plugin('any', { packageJson: { eventsets: { sets } }, files: {} }))

      expect((await app.discover()).names).toEqual([])
    })
    app.link('node_modules/any/link', '../other/sets')
    app.link('node_modules/any/sets', '../other/sets')

    await fc.assert(property, { numRuns: 300 })
  })
})

describe('a glob that leads to very many files', () => {
  it('is looked at up to a limit, and what was found counts', async () => {
    const app = createApp({ 'sets/a.json': '{}' })
    const many = Array.from({ length: 51 }, (_, index) => app.path('many', String(index)))
    for (const folder of many) {
      mkdirSync(folder, { recursive: true })
      for (let index = 0; index < 1000; index++) symlinkSync('nothing', `${folder}/${index}.txt`)
    }
    const origin = { kind: 'application', folder: app.folder, file: app.path('package.json') } as const
    const { files, problems } = await matchFiles(origin, ['sets/*.json', '**/*.json', 'sets/a*'])

    expect(files).toEqual([app.path('sets/a.json')])
    expect(problems).toMatchObject([
      {
        code: 'EVENTSETS_PLUGIN_LIMIT',
        message: expect.stringContaining('"**/*.json" in "sets" leads to there are more than 50000 entries'),
      },
    ])
  })
})
