import { existsSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import {
  createEnricher,
  createRegistry,
  discoverEventSets,
  EventSetRegistry,
  type Problem,
} from '../../src/index.ts'
import { createApp, type Discovered, dependingOn, eventSet, plugin } from './fixture-app.ts'

const messagesOf = ({ problems }: Discovered) => problems.map(({ message }) => message)
const markersOf = ({ registry }: Discovered, record: object) =>
  createEnricher(registry)
    .enrich(record as Record<string, unknown>)
    .markers.map(({ marker }) => marker)

describe('the plugins of an application', () => {
  it('are its dependencies with the key "eventsets", with the file of every set', async () => {
    const app = createApp(dependingOn(['billing', 'left-pad']), plugin('billing'), {
      'node_modules/left-pad/package.json': { name: 'left-pad', version: '1.3.0', main: 'index.js' },
    })
    const found = await app.discover()

    expect(found.problems).toEqual([])
    expect(found.sets.filter(({ source }) => source.kind !== 'built-in')).toEqual([
      {
        set: eventSet('billing'),
        source: {
          kind: 'package',
          package: 'billing',
          version: '1.2.0',
          file: app.path('node_modules/billing/sets/own.json'),
        },
      },
    ])
    expect(markersOf(found, { billing: { status: 'done' } })).toEqual(['💰'])
  })

  it.each(['dependencies', 'optionalDependencies', 'devDependencies'])('are among its %s', async (kind) => {
    const app = createApp({ 'package.json': { [kind]: { billing: '1' } } }, plugin('billing'))

    expect((await app.discover()).names).toEqual(['billing'])
  })

  it.each(['peerDependencies', 'bundleDependencies'])('are not among its %s', async (kind) => {
    const list = kind === 'peerDependencies' ? { billing: '1' } : ['billing']
    const app = createApp({ 'package.json': { [kind]: list } }, plugin('billing'))

    expect((await app.discover()).names).toEqual([])
  })

  it('are known by that key alone, whatever their names and keywords', async () => {
    const app = createApp(
      dependingOn(['eventsets-plugin-fake', 'plain']),
      plugin('plain'),
      plugin('eventsets-plugin-fake', {
        packageJson: { keywords: ['eventsets-plugin'], eventsets: undefined },
      }),
    )

    expect((await app.discover()).names).toEqual(['plain'])
  })

  it('are never dependencies of dependencies, though they lie in the same folder', async () => {
    const app = createApp(
      dependingOn(['direct']),
      plugin('direct', { packageJson: { dependencies: { hoisted: '1', nested: '1' } } }),
      plugin('hoisted'),
      plugin('nested', { at: 'node_modules/direct/node_modules/nested' }),
    )

    expect((await app.discover()).names).toEqual(['direct'])
  })

  it('may be missing: a development dependency in production says nothing', async () => {
    const app = createApp(
      dependingOn(['there'], { devDependencies: { gone: '1' }, optionalDependencies: { never: '1' } }),
      plugin('there'),
    )
    const { names, problems } = await app.discover()

    expect(names).toEqual(['there'])
    expect(problems).toEqual([])
  })

  it.each([
    '../outside',
    './outside',
    '/outside',
    'a/b/../../../outside',
    '',
    '.',
    '..',
    '@acme',
    'node_modules/../..',
  ])('are not looked for outside of node_modules, where a dependency is called %j', async (name) => {
    const app = createApp(plugin('outside', { at: 'outside' }), {
      'app/package.json': { dependencies: { [name]: '1' } },
    })

    expect(await app.discover({ cwd: app.path('app') })).toMatchObject({ names: [], problems: [] })
  })

  it('run nothing: neither their main file, nor their module, nor their scripts', async () => {
    const spy = 'require("node:fs").writeFileSync(__filename + ".has-run", "")'
    const packageJson = {
      main: './main.cjs',
      exports: { '.': './main.cjs', './package.json': './main.cjs' },
      scripts: { preinstall: 'touch has-run', install: 'touch has-run', postinstall: 'touch has-run' },
      eventsets: { sets: ['./sets/*.json'], module: './module.cjs' },
    }
    const files = {
      'sets/own.json': eventSet('billing'),
      'main.cjs': spy,
      'module.cjs': spy,
      'index.js': spy,
    }
    const app = createApp(dependingOn(['billing']), plugin('billing', { packageJson, files }))
    const { names, problems } = await app.discover()

    expect(names).toEqual(['billing'])
    expect(problems).toEqual([])
    for (const name of ['main.cjs.has-run', 'module.cjs.has-run', 'index.js.has-run', 'has-run'])
      expect(existsSync(app.path('node_modules/billing', name))).toBe(false)
  })

  it('that bring nothing but code are told of, since it does not run', async () => {
    const packageJson = { eventsets: { module: './sets.js' } }
    const app = createApp(dependingOn(['coded']), plugin('coded', { packageJson, files: {} }))
    const { names, problems } = await app.discover()

    expect(names).toEqual([])
    expect(problems).toEqual([
      {
        code: 'EVENTSETS_PLUGIN_NOT_ENABLED',
        step: 'import',
        package: 'coded',
        version: '1.2.0',
        file: app.path('node_modules/coded/package.json'),
        message:
          'Plugin coded 1.2.0: its sets are in a module, and code runs only where the application has asked for it.',
        hint: 'Name "coded" under "plugins" in your configuration, or under "exclude".',
        issues: [],
      },
    ])
  })

  it('may have nothing to say yet', async () => {
    const app = createApp(
      dependingOn(['empty', 'idle']),
      plugin('empty', { packageJson: { eventsets: {} } }),
      plugin('idle', { packageJson: { eventsets: { sets: [] } } }),
    )

    expect(await app.discover()).toMatchObject({ names: [], problems: [] })
  })
})

describe('a plugin is found', () => {
  it('from a folder of the application that has no package.json', async () => {
    const app = createApp(dependingOn(['billing']), plugin('billing'), { 'src/deep/main.js': '' })

    expect((await app.discover({ cwd: app.path('src/deep') })).names).toEqual(['billing'])
  })

  it('by the nearest package.json alone', async () => {
    const app = createApp(dependingOn(['outer']), plugin('outer'), plugin('inner'), {
      'packages/app/package.json': { dependencies: { inner: '1' } },
    })

    expect((await app.discover({ cwd: app.path('packages/app') })).names).toEqual(['inner'])
  })

  it('in the node_modules of a folder above, as workspaces have it', async () => {
    const app = createApp(plugin('billing'), {
      'packages/app/package.json': { dependencies: { billing: '1' } },
    })

    expect((await app.discover({ cwd: app.path('packages/app') })).names).toEqual(['billing'])
  })

  it('in the nearest node_modules first', async () => {
    const app = createApp(
      plugin('billing', { files: { 'sets/far.json': eventSet('far') } }),
      plugin('billing', {
        at: 'packages/app/node_modules/billing',
        files: { 'sets/near.json': eventSet('near') },
      }),
      { 'packages/app/package.json': { dependencies: { billing: '1' } } },
    )

    expect((await app.discover({ cwd: app.path('packages/app') })).names).toEqual(['near'])
  })

  it('behind a link, as pnpm and workspaces have it, and its files are those where it really is', async () => {
    const app = createApp(dependingOn(['@acme/billing']), plugin('@acme/billing', { at: 'packages/billing' }))
    app.link('node_modules/@acme/billing', '../../packages/billing')
    const { sets } = await app.discover()

    expect(sets.at(-1)?.source).toMatchObject({
      package: '@acme/billing',
      file: app.path('packages/billing/sets/own.json'),
    })
  })

  it('although its exports do not let out its package.json, or anything', async () => {
    const app = createApp(
      dependingOn(['closed', 'shut']),
      plugin('closed', { packageJson: { exports: { '.': './index.js' } } }),
      plugin('shut', { packageJson: { exports: null } }),
    )

    expect(await app.discover()).toMatchObject({ names: ['closed', 'shut'], problems: [] })
  })

  it('once, though it is installed under two names', async () => {
    const app = createApp(dependingOn(['alias', 'billing']), plugin('billing'))
    app.link('node_modules/alias', 'billing')
    const { names, sets, problems } = await app.discover()

    expect(names).toEqual(['billing'])
    expect(sets.at(-1)?.source).toMatchObject({ package: 'alias' })
    expect(problems).toEqual([])
  })

  it('under the name that the application knows it by, which need not be its own', async () => {
    const app = createApp(dependingOn(['alias']), plugin('@acme/billing', { at: 'node_modules/alias' }))
    const { sets } = await app.discover()

    expect(sets.at(-1)).toMatchObject({ set: { name: 'billing' }, source: { package: 'alias' } })
  })

  it('with a byte order mark before its package.json and its sets', async () => {
    const app = createApp(dependingOn(['billing']), {
      'node_modules/billing/package.json': '\ufeff{ "eventsets": { "sets": ["./own.json"] } }',
      'node_modules/billing/own.json': `\ufeff${JSON.stringify(eventSet('billing'))}`,
    })

    expect(await app.discover()).toMatchObject({ names: ['billing'], problems: [] })
  })
})

describe('the files of a plugin', () => {
  const files = {
    'sets/b.json': eventSet('b'),
    'sets/a.json': eventSet('a'),
    'sets/Z.json': eventSet('Z'),
    'sets/deep/c.json': eventSet('c'),
    'sets/.hidden.json': eventSet('hidden'),
    'sets/node_modules/other/d.json': eventSet('d'),
    'sets/notes.txt': 'no set',
    'more/[x]{y}(z).json': eventSet('odd'),
  }

  it.each<[patterns: string[], names: string[]]>([
    [['./sets/*.json'], ['Z', 'a', 'b']],
    [['sets/*.json'], ['Z', 'a', 'b']],
    [
      ['./sets/b.json', './sets/a.json'],
      ['b', 'a'],
    ],
    [
      ['./sets/b.json', './sets/*.json'],
      ['b', 'Z', 'a'],
    ],
    [['./sets/?.json'], ['Z', 'a', 'b']],
    [['./*/a.json'], ['a']],
    [['./**/c.json'], ['c']],
    [['./sets/**/*.json'], ['Z', 'a', 'b', 'c']],
    [['./sets/**/**/?.json'], ['Z', 'a', 'b', 'c']],
    [['**/deep/*'], ['c']],
    [['./sets/**/deep/**/c*'], ['c']],
    [['./more/[x]{y}(z).json'], ['odd']],
    [['./sets/deep/c.json', './sets/./deep/c.json'], ['c']],
  ])('are those of %j: %j', async (patterns, names) => {
    const packageJson = { eventsets: { sets: patterns } }
    const app = createApp(dependingOn(['many']), plugin('many', { packageJson, files }))

    expect(await app.discover()).toMatchObject({ names, problems: [] })
  })

  it('may be links to others in the same package', async () => {
    const app = createApp(
      dependingOn(['linked']),
      plugin('linked', { files: { 'data/one.json': eventSet('one') } }),
    )
    app.link('node_modules/linked/sets/one.json', '../data/one.json')

    expect(await app.discover()).toMatchObject({ names: ['one'], problems: [] })
  })
})

describe('the order of sets', () => {
  it('is built-in, then plugins by name in code units, then the configuration', async () => {
    const names = ['zebra', 'Alpha', 'alpha', '@b/own', 'a-1', 'a.2', '@a/own']
    const setOf = (name: string) => eventSet(`of${name.replace(/\W/g, '_')}`)
    const app = createApp(
      dependingOn(names, { eventsets: { sets: [eventSet('configured')] } }),
      ...names.map((name) => plugin(name, { files: { 'sets/own.json': setOf(name) } })),
    )
    const { sets, registry } = await app.discover()
    const inOrder = sets.map(({ set }) => set.name)
    const ofEqualPriority = registry.listEventSets().filter(({ priority = 0 }) => priority === 0)

    expect(inOrder.slice(0, 3).toSorted()).toEqual(['database', 'http', 'system'])
    expect(inOrder.slice(3)).toEqual([
      'of_a_own',
      'of_b_own',
      'ofAlpha',
      'ofa_1',
      'ofa_2',
      'ofalpha',
      'ofzebra',
      'configured',
    ])
    expect(ofEqualPriority.map(({ name }) => name)).toEqual(inOrder.slice(3))
  })

  it('does not matter for links between the sets of plugins', async () => {
    const user = {
      name: 'user',
      fieldMappings: [{ logKey: 'user.state', mapping: 'status', eventSetName: 'zebra' }],
    }
    const app = createApp(
      dependingOn(['alpha', 'zebra']),
      plugin('alpha', { files: { 'sets/user.json': user } }),
      plugin('zebra'),
    )
    const found = await app.discover()

    expect(found.problems).toEqual([])
    expect(markersOf(found, { user: { state: 'done' } })).toEqual(['💰'])
  })
})

describe('a name that is taken', () => {
  it('by a built-in set is a problem that names both', async () => {
    const app = createApp(
      dependingOn(['mine']),
      plugin('mine', { files: { 'sets/http.json': eventSet('http') } }),
    )
    const { names, problems, registry } = await app.discover()

    expect(names).toEqual([])
    expect(problems).toEqual([
      {
        code: 'EVENTSETS_ALREADY_EXISTS',
        step: 'register',
        package: 'mine',
        version: '1.2.0',
        file: app.path('node_modules/mine/sets/http.json'),
        message:
          'Plugin mine 1.2.0: sets/http.json: event set "http" is already registered, by eventsets itself.',
        hint: 'Leave one of them out: name a package under "exclude" in your configuration.',
        issues: [],
      },
    ])
    expect(registry.getSource('http')).toEqual({ kind: 'built-in' })
  })

  it('by the plugin whose name comes first is a problem that names both', async () => {
    const files = { 'sets/own.json': eventSet('own') }
    const app = createApp(dependingOn(['b', 'a']), plugin('a', { files }), plugin('b', { files }))
    const found = await app.discover()

    expect(messagesOf(found)).toEqual([
      'Plugin b 1.2.0: sets/own.json: event set "own" is already registered, by a 1.2.0.',
    ])
    expect(found.registry.getSource('own')).toMatchObject({ package: 'a' })
  })

  it('by another file of the same plugin is one, too', async () => {
    const files = { 'sets/a.json': eventSet('own'), 'sets/b.json': eventSet('own') }
    const app = createApp(dependingOn(['twice']), plugin('twice', { files }))
    const found = await app.discover()

    expect(messagesOf(found)).toEqual([
      'Plugin twice 1.2.0: sets/b.json: event set "own" is already registered, by twice 1.2.0.',
    ])
    expect(found.registry.getSource('own')).toMatchObject({
      file: app.path('node_modules/twice/sets/a.json'),
    })
  })

  it('by the code of the application is one: what is said in code holds', async () => {
    const registry = createRegistry()
    registry.registerEventSet(eventSet('billing', '🧾'))
    const app = createApp(dependingOn(['billing']), plugin('billing'))
    const found = await app.discover({ registry })

    expect(found.names).toEqual([])
    expect(messagesOf(found)).toEqual([
      'Plugin billing 1.2.0: sets/own.json: event set "billing" is already registered, by the code of the application.',
    ])
    expect(markersOf(found, { billing: { status: 'done' } })).toEqual(['🧾'])
  })
})

describe('exclude', () => {
  it.each<[exclude: string[], names: string[]]>([
    [['billing'], ['orders', 'users']],
    [['@acme/users'], ['billing', 'orders']],
    [['@acme/*'], ['billing']],
    [['*'], []],
    [['BILL*'], ['orders', 'users']],
    [['order?'], ['billing', 'users']],
    [['bill'], ['billing', 'orders', 'users']],
    [[], ['billing', 'orders', 'users']],
  ])('%j leaves %j', async (exclude, names) => {
    const plugins = ['billing', '@acme/orders', '@acme/users']
    const app = createApp(
      dependingOn(plugins, { eventsets: { exclude } }),
      ...plugins.map((name) => plugin(name)),
    )
    const found = await app.discover()

    expect(found.names.toSorted()).toEqual(names)
    expect(found.problems).toEqual([])
  })

  it('leaves out single sets of a plugin', async () => {
    const files = { 'sets/a.json': eventSet('paid'), 'sets/b.json': eventSet('unpaid') }
    const app = createApp(
      dependingOn(['billing'], { eventsets: { exclude: ['unpaid'] } }),
      plugin('billing', { files }),
    )

    expect((await app.discover()).names).toEqual(['paid'])
  })

  it('makes room for another set of the name, built-in ones included', async () => {
    const app = createApp(
      dependingOn(['a', 'b', 'web'], { eventsets: { exclude: ['a'] } }),
      plugin('a', { files: { 'sets/own.json': eventSet('own') } }),
      plugin('b', { files: { 'sets/own.json': eventSet('own') } }),
    )
    const found = await app.discover()

    expect(found.problems).toEqual([])
    expect(found.registry.getSource('own')).toMatchObject({ package: 'b' })
  })

  it('leaves out built-in sets, those that are in the registry already, too', async () => {
    const app = createApp({ 'package.json': { eventsets: { exclude: ['http', 'data*'] } } })
    const { sets, registry } = await app.discover({ registry: createRegistry() })

    expect(sets.map(({ set }) => set.name)).toEqual(['system'])
    expect(registry.listEventSets().map(({ name }) => name)).toEqual(['system'])
  })

  it('leaves a set alone that the application has registered in code', async () => {
    const registry = new EventSetRegistry()
    registry.registerEventSet(eventSet('http'))
    const app = createApp({ 'package.json': { eventsets: { exclude: ['http'] } } })
    await app.discover({ registry })

    expect(registry.getSource('http')).toEqual({ kind: 'code' })
  })

  it('does not look into the packages that it names', async () => {
    const app = createApp(dependingOn(['broken'], { eventsets: { exclude: ['broken'] } }), {
      'node_modules/broken/package.json': '{ "eventsets": ',
    })

    expect((await app.discover()).problems).toEqual([])
  })
})

describe('discovery is off', () => {
  const files = [dependingOn(['billing']), plugin('billing')]

  it('with the option', async () => {
    expect(await createApp(...files).discover({ discovery: false })).toMatchObject({
      names: [],
      problems: [],
    })
  })

  it('with the configuration, unless the option says otherwise', async () => {
    const app = createApp(...files, { '.eventsetsrc.json': { discovery: false } })

    expect((await app.discover()).names).toEqual([])
    expect((await app.discover({ discovery: true })).names).toEqual(['billing'])
  })

  it.each<[value: string, names: string[]]>([
    ['1', []],
    ['true', []],
    ['yes', []],
    ['0', ['billing']],
    ['false', ['billing']],
    ['', ['billing']],
  ])('with EVENTSETS_NO_DISCOVERY=%s: %j', async (value, names) => {
    vi.stubEnv('EVENTSETS_NO_DISCOVERY', value)
    try {
      expect((await createApp(...files).discover()).names).toEqual(names)
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('with the environment, whatever the code says: whoever runs it has the last word', async () => {
    vi.stubEnv('EVENTSETS_NO_DISCOVERY', '1')
    try {
      expect((await createApp(...files).discover({ discovery: true })).names).toEqual([])
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('and the sets of the configuration are there all the same, and the built-in ones', async () => {
    const app = createApp(...files, { '.eventsetsrc.json': { sets: [eventSet('mine')] } })
    const { sets } = await app.discover({ discovery: false })

    expect(sets.map(({ set }) => set.name).toSorted()).toEqual(['database', 'http', 'mine', 'system'])
  })
})

describe('asking again', () => {
  const app = () =>
    createApp(
      dependingOn(['a', 'b', 'broken', 'web']),
      plugin('a', { files: { 'sets/own.json': eventSet('own') } }),
      plugin('b', { files: { 'sets/own.json': eventSet('own'), 'sets/second.json': eventSet('second') } }),
      plugin('broken', { files: { 'sets/own.json': '{' } }),
      plugin('web', { files: { 'sets/http.json': eventSet('http') } }),
      {
        'eventsets.config.mjs': `export default ${JSON.stringify({
          override: true,
          sets: [eventSet('http'), eventSet('second'), eventSet('mine'), eventSet('mine', '🔁')],
          plugins: ['./coded.mjs'],
        })}`,
        'coded.mjs': `export default ${JSON.stringify([eventSet('coded'), eventSet('coded', '🔁')])}`,
      },
    )

  it('gives the same answer and changes nothing', async () => {
    const fixture = app()
    const first = await fixture.discover()
    const { version } = first.registry
    const second = await fixture.discover({ registry: first.registry })

    expect(second.problems).toEqual(first.problems)
    expect(second.sets).toEqual(first.sets)
    expect(first.registry.version).toBe(version)
    expect(first.names).toEqual(['own', 'second', 'http', 'mine', 'coded'])
    expect(first.problems.map(({ code }) => code)).toEqual([
      'EVENTSETS_PLUGIN_READ',
      ...Array<string>(3).fill('EVENTSETS_ALREADY_EXISTS'),
    ])
  })

  it('at once gives both the same answer', async () => {
    const fixture = app()
    const registry = new EventSetRegistry()
    const [first, second] = await Promise.all([
      fixture.discover({ registry }),
      fixture.discover({ registry }),
    ])

    expect(second.problems).toEqual(first.problems)
    expect(second.sets).toEqual(first.sets)
    expect(
      registry
        .listEventSets()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['database', 'system', ...first.names].toSorted())
  })

  it('brings what has been installed meanwhile', async () => {
    const fixture = createApp(dependingOn(['late']))
    const { registry, names } = await fixture.discover()
    fixture.write(plugin('late'))

    expect(names).toEqual([])
    expect((await fixture.discover({ registry })).names).toEqual(['late'])
  })
})

it('tells those who listen to the registry of every problem', async () => {
  const app = createApp(dependingOn(['broken']), plugin('broken', { files: { 'sets/own.json': '{' } }))
  const registry = new EventSetRegistry()
  const heard: Problem[] = []
  registry.on('problem', (problem) => heard.push(problem))
  const { problems } = await app.discover({ registry })

  expect(problems).toHaveLength(1)
  expect(heard).toEqual(problems)
})

describe('what was added for those who look for a mistake', () => {
  it('tells where the code of a configured module comes to grief', async () => {
    const app = createApp({ 'package.json': { eventsets: { plugins: ['./bad.mjs'] } } })
    app.write({ 'bad.mjs': '\n\nthrow new Error("no luck")\n' })
    const { problems } = await discoverEventSets({ cwd: app.folder, registry: createRegistry() })

    expect(problems[0]?.message).toContain(`no luck (${app.path('bad.mjs')}:3)`)
  })

  it('tells of a configured file that is not there', async () => {
    const { problems } = await createApp({
      'package.json': { eventsets: { plugins: ['./gone.mjs'] } },
    }).discover()

    expect(problems).toMatchObject([{ code: 'EVENTSETS_PLUGIN_NOT_FOUND', step: 'locate' }])
    expect(problems[0]?.message).toContain('"./gone.mjs" in "plugins" is not there.')
  })

  it('tells of a package that calls itself a plugin and brings nothing', async () => {
    const packageJson = { keywords: ['eventsets-plugin'], eventsets: undefined, eventset: { sets: [] } }
    const app = createApp(dependingOn(['billing']), plugin('billing', { packageJson }))
    const { problems } = await app.discover()

    expect(problems).toMatchObject([{ code: 'EVENTSETS_PLUGIN_MANIFEST', package: 'billing' }])
    expect(problems[0]?.message).toContain('no key "eventsets"')
  })

  it('takes the sets of CommonJS that are exported by that name', async () => {
    const app = createApp({ 'package.json': { eventsets: { plugins: ['./sets.cjs'] } } })
    app.write({ 'sets.cjs': `module.exports = { sets: [${JSON.stringify(eventSet('own'))}] }\n` })
    const { names, problems } = await app.discover()

    expect([names, problems]).toEqual([['own'], []])
  })

  it('tells which package.json it looked at, and what is excluded for nothing', async () => {
    const exclude = ['billing', 'task-queue', 'http*']
    const app = createApp(dependingOn(['billing'], { eventsets: { exclude } }), plugin('billing'))
    const { project, unmatchedExcludes } = await app.discover()

    expect(project).toBe(app.path('package.json'))
    expect(unmatchedExcludes).toEqual(['task-queue'])
  })
})
