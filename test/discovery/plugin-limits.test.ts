import { describe, expect, it } from 'vitest'
import { type App, createApp, dependingOn, eventSet, type Files, plugin } from './fixture-app.ts'

const table = (count: number, value: (index: number) => unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value(index)]))
const names = (count: number) =>
  Array.from({ length: count }, (_, index) => `p${`${index}`.padStart(4, '0')}`)

/** A set whose names of fields have so many segments together. */
function segmented(name: string, count: number) {
  const aliases = Array.from({ length: (count - 2) / 2 }, (_, index) => `${name}.a${index}`)
  return { ...eventSet(name), fieldMappings: [{ logKey: `${name}.status`, aliases, mapping: 'status' }] }
}

/** A valid set with a file of so many bytes. */
function sized(name: string, bytes: number): string {
  const set = JSON.stringify(eventSet(name))
  return set + ' '.repeat(bytes - Buffer.byteLength(set))
}

function appWith(...plugins: readonly (readonly [name: string, files: Files])[]): App {
  return createApp(
    dependingOn(plugins.map(([name]) => name)),
    ...plugins.map(([name, files]) => plugin(name, { files })),
  )
}

describe('a set of a plugin', () => {
  it.each<[what: string, set: object, reason: string]>([
    [
      'globs',
      {
        ...eventSet('own'),
        fieldMappings: [
          {
            logKey: 'own.status',
            mapping: 'status',
            when: { msg: Object.values(table(2001, (at) => `a${at}*`)) },
          },
        ],
      },
      'sets/own.json has 2001 globs in "when", and at most 2000 are read.',
    ],
    [
      'globs that take long',
      {
        ...eventSet('own'),
        fieldMappings: [
          {
            logKey: 'own.status',
            mapping: 'status',
            when: { msg: ['?*', ...Array(20).fill(`*?${'a'.repeat(99)}`)] },
          },
        ],
      },
      'sets/own.json has 2021 globs in "when", and at most 2000 are read.',
    ],
    [
      'log keys and aliases',
      segmented('own', 5002),
      'sets/own.json has 5002 segments in its names of fields, and at most 5000 are read.',
    ],
    [
      'names of metadata',
      {
        ...eventSet('own'),
        mappings: [
          {
            name: 'status',
            metadataFields: table(200, (row) => ({ [`r${row}.${'x.'.repeat(14)}x`]: 1 })),
          },
          {
            name: 'more',
            metadataFields: table(200, (row) => ({ [`s${row}.${'x.'.repeat(14)}x`]: 1 })),
          },
        ],
      },
      'sets/own.json has 6402 segments in its names of fields, and at most 5000 are read.',
    ],
  ])('with more %s than are read is a problem, and the other sets load', async (_, set, reason) => {
    const app = appWith(['bad', { 'sets/own.json': set, 'sets/kept.json': eventSet('kept') }])
    const { problems, names: found } = await app.discover()

    expect(problems).toEqual([
      expect.objectContaining({
        code: 'EVENTSETS_PLUGIN_LIMIT',
        package: 'bad',
        file: app.path('node_modules/bad/sets/own.json'),
        message: `Plugin bad 1.2.0: ${reason}`,
        hint: 'Split the set into several, or leave out what no log carries.',
      }),
    ])
    expect(found).toEqual(['kept'])
  })

  it('with as much as is read loads', async () => {
    const app = appWith(['large', { 'sets/own.json': segmented('own', 5000) }])

    expect(await app.discover()).toMatchObject({ problems: [], names: ['own'] })
  })

  it('in the configuration has the same limits', async () => {
    const app = createApp({ '.eventsetsrc.json': { sets: [segmented('own', 5002), eventSet('kept')] } })
    const { problems, names: found } = await app.discover()

    expect(problems.map(({ code }) => code)).toEqual(['EVENTSETS_PLUGIN_LIMIT'])
    expect(problems[0]?.message).toContain('inline set 1 of "sets" has 5002 segments in its names of fields')
    expect(found).toEqual(['kept'])
  })
})

describe('a plugin', () => {
  it('whose files are larger together than one may bring leaves out the last ones, and says which', async () => {
    const large = Object.fromEntries(
      ['a', 'b', 'c', 'd'].map((name) => [`sets/${name}.json`, sized(name, 1024 * 1024)]),
    )
    const { problems, names: found } = await appWith(
      ['greedy', large],
      ['modest', { 'sets/own.json': eventSet('own') }],
    ).discover()

    expect(problems.map(({ code, message }) => [code, message])).toEqual([
      [
        'EVENTSETS_PLUGIN_LIMIT',
        'Plugin greedy 1.2.0: it brings more than a plugin may (2 MiB, 200 sets, 10000 segments of names, 4000 globs); left out are greedy/sets/c.json, greedy/sets/d.json.',
      ],
    ])
    expect(found).toEqual(['a', 'b', 'own'])
  })

  it('whose names are more than one may bring leaves out the sets that do not fit, and takes the others', async () => {
    const files = {
      'sets/a.json': segmented('a', 5000),
      'sets/b.json': segmented('b', 4900),
      'sets/c.json': segmented('c', 200),
      'sets/d.json': eventSet('d'),
    }
    const { problems, names: found } = await appWith(['greedy', files]).discover()

    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('; left out is greedy/sets/c.json.'),
    ])
    expect(found).toEqual(['a', 'b', 'd'])
  })

  it('that is broken in hundreds of files is told of in twenty problems, and one that counts the others', async () => {
    const files = Object.fromEntries(names(150).map((name) => [`sets/${name}.json`, '{']))
    const { problems } = await appWith(['bad', files]).discover()

    expect(problems).toHaveLength(21)
    expect(problems.at(-1)?.message).toBe('Plugin bad 1.2.0: 130 more of its files have problems.')
  })
})

describe('all plugins together', () => {
  it('bring no more than there is room for: the problem of the application names what is left out', async () => {
    // Each as much as one may bring.
    const hostile = names(20).map((name): [string, Files] => [
      name,
      { 'sets/a.json': segmented(`${name}a`, 5000), 'sets/b.json': segmented(`${name}b`, 5000) },
    ])
    const app = appWith(...hostile)
    const { problems, names: found } = await app.discover()

    expect(problems.map(({ code, file, package: name }) => [code, file, name])).toEqual([
      ['EVENTSETS_PLUGIN_LIMIT', app.path('package.json'), undefined],
    ])
    expect(problems[0]?.message).toContain(
      'its plugins bring more than is read (8 MiB, 2000 sets, 25000 segments of names, 10000 globs, 5 seconds); left out are p0002/sets/b.json, ',
    )
    expect(problems[0]?.message).toMatch(/ and 27 more\.$/)
    expect(problems[0]?.hint).toContain('"exclude"')
    expect(found).toEqual(['p0000a', 'p0000b', 'p0001a', 'p0001b', 'p0002a'])
  })

  it('are told of in two hundred problems, and one that counts the others', async () => {
    const hostile = names(300).map((name): [string, Files] => [name, { 'sets/a.json': '{' }])
    const { problems, names: found } = await appWith(...hostile, [
      'z',
      { 'sets/own.json': eventSet('own') },
    ]).discover()

    expect(problems).toHaveLength(201)
    expect(problems.at(-1)?.message).toMatch(/: 100 more problems with its plugins are not told\.$/)
    expect(found).toEqual(['own'])
  })

  it('of an ordinary application load, a hundred of them', async () => {
    const plugins = names(100).map((name): [string, Files] => [name, { 'sets/a.json': eventSet(name) }])
    const { problems, names: found } = await appWith(...plugins).discover()

    expect(problems).toEqual([])
    expect(found).toEqual(names(100))
  })

  it('may link to each other in whatever order they come', async () => {
    const count = 60
    const chain = names(count).map((name, index): [string, Files] => {
      const next = names(count)[index + 1]
      const linked = next === undefined ? {} : { eventSetName: next }
      const fieldMappings = [{ logKey: `${name}.status`, mapping: 'status', ...linked }]
      return [name, { 'sets/a.json': { ...eventSet(name), fieldMappings } }]
    })
    const { problems, names: found } = await appWith(...chain).discover()

    expect(problems).toEqual([])
    expect([...found].sort()).toEqual(names(count))
  })
})
