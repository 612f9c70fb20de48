import { describe, expect, it, vi } from 'vitest'
import { createEnricher, createRegistry, EventSetRegistry, type Problem } from '../../src/index.ts'
import {
  createApp,
  type Discovered,
  dependingOn,
  eventSet,
  type Files,
  installEventsets,
  moduleOf,
  plugin,
  runModule,
} from './fixture-app.ts'

const messagesOf = ({ problems }: { readonly problems: readonly Problem[] }) =>
  problems.map(({ message }) => message)
const markersOf = ({ registry }: Discovered, record: object) =>
  createEnricher(registry)
    .enrich(record as Record<string, unknown>)
    .markers.map(({ marker }) => marker)

const mine = eventSet('mine')
const says = { sets: [mine], hideObject: true }
const json = JSON.stringify(says)
const commonJs = `module.exports = ${json}`
const LOOP = 'for (;;);'
const isTypeScriptLoaded = Boolean((process.features as { typescript?: unknown }).typescript)

/** Every place of a configuration beside package.json, in the order of precedence. */
const places: readonly (readonly [file: string, text: string])[] = [
  ['.eventsetsrc', json],
  ['.eventsetsrc.json', json],
  ['.eventsetsrc.yaml', 'hideObject: true\nsets:\n  - ./mine.json\n'],
  ['.eventsetsrc.yml', 'hideObject: true\nsets: [./mine.json]\n'],
  ['.eventsetsrc.js', moduleOf(says)],
  ['.eventsetsrc.mjs', moduleOf(says)],
  ['.eventsetsrc.cjs', commonJs],
  ['eventsets.config.json', json],
  ['eventsets.config.yaml', 'hideObject: true\nsets: [./mine.json]\n'],
  ['eventsets.config.yml', 'hideObject: true\nsets: [./mine.json]\n'],
  ['eventsets.config.js', moduleOf(says)],
  ['eventsets.config.mjs', moduleOf(says)],
  ['eventsets.config.cjs', commonJs],
]

describe('a configuration', () => {
  it.each(places)('may be %s', async (file, text) => {
    const app = createApp({ 'package.json': { type: 'module' }, 'mine.json': mine, [file]: text })
    const { names, options, problems } = await app.discover()

    expect(problems).toEqual([])
    expect(names).toEqual(['mine'])
    expect(options).toEqual({ hideObject: true })
  })

  it('may be a .js file that is CommonJS', async () => {
    const app = createApp({ 'package.json': {}, 'eventsets.config.js': commonJs })

    expect(await app.discover()).toMatchObject({ names: ['mine'], problems: [] })
  })

  it('may be the key "eventsets" of package.json', async () => {
    const app = createApp({ 'package.json': { eventsets: says } })
    const { names, options, problems, sets } = await app.discover()

    expect(problems).toEqual([])
    expect(names).toEqual(['mine'])
    expect(options).toEqual({ hideObject: true })
    expect(sets.at(-1)?.source).toEqual({ kind: 'configuration', file: app.path('package.json') })
  })

  it.each(['ts', 'mts', 'cts'])(
    'may be eventsets.config.%s where Node can load it, and is a clear problem elsewhere',
    (ending) => {
      const file = `eventsets.config.${ending}`
      const head = ending === 'cts' ? 'module.exports =' : 'export default'
      const app = createApp({
        'package.json': { type: 'module' },
        [file]: `${head} ${json} satisfies object`,
      })
      installEventsets(app)
      // Vitest would load TypeScript where Node cannot.
      const { stdout } = runModule(
        app,
        `import { discoverEventSets } from 'eventsets'
         const { options, problems } = await discoverEventSets()
         console.log(JSON.stringify({ options, problems }))`,
      )
      const problem = {
        code: 'EVENTSETS_INVALID_CONFIGURATION',
        step: 'import',
        file: app.path(file),
        message: `In ${app.path(file)}: this version of Node cannot load TypeScript.`,
        hint: 'Write eventsets.config.mjs, or use Node 22.18 or later.',
        issues: [],
      }

      expect(JSON.parse(stdout)).toEqual(
        isTypeScriptLoaded
          ? { options: { hideObject: true }, problems: [] }
          : { options: {}, problems: [problem] },
      )
    },
  )

  it.each(places.slice(1).map(([file], index) => [places[index]?.[0] as string, file] as const))(
    'in %s goes before one in %s',
    async (first, second) => {
      const app = createApp({
        'package.json': { type: 'module' },
        [first]: textFor(first, 'first'),
        [second]: textFor(second, 'second'),
      })

      expect((await app.discover()).options).toEqual({ markersField: 'first' })
    },
  )

  it('is the nearest one from the working directory up to the package.json', async () => {
    const app = createApp({
      'eventsets.config.json': { markersField: 'above' },
      'app/package.json': {},
      'app/eventsets.config.json': { markersField: 'of the application' },
      'app/src/.eventsetsrc': 'markersField: nearest',
      'app/src/deep/main.js': '',
    })
    const fieldFrom = async (cwd: string) => (await app.discover({ cwd: app.path(cwd) })).options.markersField

    expect(await fieldFrom('app/src/deep')).toBe('nearest')
    expect(await fieldFrom('app/src')).toBe('nearest')
    expect(await fieldFrom('app')).toBe('of the application')
  })

  it('is not looked for above the package.json', async () => {
    const app = createApp({ 'eventsets.config.json': { markersField: 'above' }, 'app/package.json': {} })

    expect((await app.discover({ cwd: app.path('app') })).options).toEqual({})
  })

  it('is looked for in the working directory alone where there is no package.json', async () => {
    const app = createApp({ 'app/.eventsetsrc.json': { markersField: 'here' }, 'app/src/main.js': '' })

    expect((await app.discover({ cwd: app.path('app') })).options).toEqual({ markersField: 'here' })
    expect((await app.discover({ cwd: app.path('app/src') })).options).toEqual({})
  })

  it('may say nothing at all', async () => {
    for (const [file, text] of [
      ['.eventsetsrc', ''],
      ['.eventsetsrc.json', '  \n'],
      ['.eventsetsrc.yaml', '# later\n'],
      ['eventsets.config.json', '{}'],
      [
        'eventsets.config.mjs',
        'export default { sets: undefined, discovery: undefined, override: undefined }',
      ],
    ] as const) {
      const app = createApp({ 'package.json': {}, [file]: text })

      expect(await app.discover(), file).toMatchObject({ names: [], problems: [], options: {} })
    }
  })

  it('may begin with a byte order mark', async () => {
    for (const file of ['.eventsetsrc', '.eventsetsrc.json', '.eventsetsrc.yaml']) {
      const app = createApp({ 'package.json': {}, [file]: `\ufeff${json}` })

      expect(await app.discover(), file).toMatchObject({ names: ['mine'], problems: [] })
    }
  })

  it('may name its schema, for editors', async () => {
    const app = createApp({ '.eventsetsrc.json': { $schema: 'https://example.com/x.json' } })

    expect(await app.discover()).toMatchObject({ problems: [], options: {} })
  })
})

function textFor(file: string, markersField: string): string {
  if (/\.(?:m?js)$/.test(file)) return moduleOf({ markersField })
  return file.endsWith('.cjs')
    ? `exports.markersField = '${markersField}'`
    : `{ "markersField": "${markersField}" }`
}

describe('a configuration that is asked for', () => {
  const app = () =>
    createApp({
      'package.json': { eventsets: { ignore: 'of package.json' } },
      'eventsets.config.json': { markersField: 'found' },
      'other/settings.json': { markersField: 'asked for' },
    })

  it('is read instead of the one that would be found', async () => {
    const { options, problems } = await app().discover({ config: 'other/settings.json' })

    expect(problems).toEqual([])
    expect(options).toEqual({ markersField: 'asked for', ignore: 'of package.json' })
  })

  it('is none at all with false, that in package.json included', async () => {
    expect((await app().discover({ config: false })).options).toEqual({})
  })

  it.each<[value: string, options: object]>([
    ['other/settings.json', { markersField: 'asked for', ignore: 'of package.json' }],
    ['0', {}],
    ['false', {}],
    ['', { markersField: 'found', ignore: 'of package.json' }],
  ])('may be asked for by EVENTSETS_CONFIG=%s', async (value, options) => {
    vi.stubEnv('EVENTSETS_CONFIG', value)
    try {
      expect((await app().discover()).options).toEqual(options)
      // What is said in code goes before the environment.
      expect((await app().discover({ config: false })).options).toEqual({})
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('may be the package.json, which is read once', async () => {
    const fixture = createApp({ 'package.json': { eventsets: { sets: [mine] } } })

    expect(await fixture.discover({ config: 'package.json' })).toMatchObject({
      names: ['mine'],
      problems: [],
    })
  })

  it('has its paths from its own folder', async () => {
    const fixture = createApp({
      'package.json': {},
      'settings/app.json': { sets: ['mine.json'], plugins: ['./coded.mjs'] },
      'settings/mine.json': mine,
      'settings/coded.mjs': moduleOf(eventSet('coded')),
    })

    expect(await fixture.discover({ config: 'settings/app.json' })).toMatchObject({
      names: ['mine', 'coded'],
      problems: [],
    })
  })

  it.each<[file: string, files: Files, message: RegExp]>([
    ['nowhere.json', {}, /^In .*nowhere\.json: there is no such file\.$/],
    ['folder', { 'folder/file': '' }, /^In .*folder: the configuration is a directory\.$/],
    [
      'settings.toml',
      { 'settings.toml': '' },
      /^In .*settings\.toml: a configuration is JSON, YAML or a module/,
    ],
    [
      'settings.json',
      { 'settings.json': '{' },
      /^In .*settings\.json: the configuration is not valid JSON: /,
    ],
  ])('is a problem that names it where it cannot be read: %s', async (config, files, message) => {
    const fixture = createApp(dependingOn(['billing']), plugin('billing'), files)
    const { problems, names } = await fixture.discover({ config })

    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({
      code: 'EVENTSETS_INVALID_CONFIGURATION',
      file: fixture.path(config),
      message: expect.stringMatching(message),
    })
    expect(names).toEqual(['billing'])
  })
})

describe('a package.json beside a file', () => {
  const app = (ofPackage: object, ofFile: object, files: Files = {}) =>
    createApp({ 'package.json': { eventsets: ofPackage }, 'eventsets.config.json': ofFile }, files)

  it('joins its sets with those of the file, its own first', async () => {
    const { names, problems } = await app({ sets: [eventSet('one')] }, { sets: [eventSet('two')] }).discover()

    expect(names).toEqual(['one', 'two'])
    expect(problems).toEqual([])
  })

  it('joins what is excluded', async () => {
    const { sets } = await app({ exclude: ['http'] }, { exclude: ['system'] }).discover()

    expect(sets.map(({ set }) => set.name)).toEqual(['database'])
  })

  it('joins plugins, and one that both name counts once', async () => {
    const files = {
      ...plugin('both', { packageJson: { eventsets: { sets: ['./sets/*.json'], module: './module.mjs' } } }),
      'node_modules/both/module.mjs': moduleOf([eventSet('coded')]),
      'one.mjs': moduleOf(eventSet('one')),
      'two.mjs': moduleOf(eventSet('two')),
    }
    const found = await app(
      { plugins: ['both', './one.mjs'] },
      { plugins: ['./two.mjs', 'both'] },
      files,
    ).discover()

    expect(found.names).toEqual(['both', 'coded', 'one', 'two'])
    expect(found.problems).toEqual([])
  })

  it('may lead to the same file: it counts once', async () => {
    const { names, problems } = await app(
      { sets: ['./mine.json'] },
      { sets: ['./*ine.json'] },
      { 'mine.json': mine },
    ).discover()

    expect(names).toEqual(['mine'])
    expect(problems).toEqual([])
  })

  it('gives way in every other key', async () => {
    const { options } = await app(
      { hideObject: true, ascii: true, markersField: 'package' },
      { ascii: false, markersField: 'file' },
    ).discover()

    expect(options).toEqual({ hideObject: true, ascii: false, markersField: 'file' })
  })

  it('does not give way to what a module leaves undefined', async () => {
    const fixture = createApp(
      dependingOn(['billing'], { eventsets: { discovery: false, ascii: true } }),
      plugin('billing'),
      { 'eventsets.config.mjs': 'export default { discovery: undefined, ascii: undefined }' },
    )

    expect(await fixture.discover()).toMatchObject({ names: [], options: { ascii: true } })
  })

  it('may be a plugin itself', async () => {
    const eventsets = { apiVersion: 1, sets: ['./sets/*.json'], module: './module.mjs' }
    const fixture = createApp({ 'package.json': { eventsets }, 'sets/mine.json': mine })

    expect(await fixture.discover()).toMatchObject({ names: ['mine'], problems: [] })
  })
})

describe('what is wrong in a configuration', () => {
  it('becomes one problem that names the file and every key, and the rest applies', async () => {
    const app = createApp({
      'package.json': {},
      'eventsets.config.json': {
        stes: [],
        discovry: false,
        hideObjct: true,
        output: 'xml',
        exclude: 'http',
        maxLineBytes: 5,
        nonsense: 1,
        ascii: true,
        sets: [mine],
      },
    })
    const { problems, options, names } = await app.discover()

    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({
      code: 'EVENTSETS_INVALID_CONFIGURATION',
      step: 'validate',
      package: undefined,
      file: app.path('eventsets.config.json'),
    })
    expect(problems[0]?.message.split('\n')).toEqual([
      `In ${app.path('eventsets.config.json')}: the configuration is not valid:`,
      '  stes: is not a known key; did you mean "sets"?',
      '  discovry: is not a known key; did you mean "discovery"?',
      '  hideObjct: is not a known key; did you mean "hideObject"?',
      '  output: expected "pretty" or "json", got "xml"',
      '  exclude: expected a list, got "http"',
      '  maxLineBytes: the limit is at least 1024 bytes',
      expect.stringMatching(
        /^ {2}nonsense: is not a known key; known are \$schema, sets, plugins, exclude, /,
      ),
    ])
    expect(options).toEqual({ ascii: true })
    expect(names).toEqual(['mine'])
  })

  it('names the package.json where it stands there', async () => {
    const app = createApp({ 'package.json': { eventsets: { set: [] } } })
    const { problems } = await app.discover()

    expect(messagesOf({ problems })).toEqual([
      `In ${app.path('package.json')}: the configuration is not valid:\n  set: is not a known key; did you mean "sets"?`,
    ])
  })

  it.each([
    ['"text"', '.eventsetsrc.json'],
    ['[]', '.eventsetsrc.json'],
    ['null', '.eventsetsrc.json'],
    ['5', '.eventsetsrc.yaml'],
    ['- a\n- b\n', '.eventsetsrc'],
    ['export default () => ({})', 'eventsets.config.mjs'],
    ['export default Promise.resolve({})', 'eventsets.config.mjs'],
    ['export default new Promise(() => {})', 'eventsets.config.mjs'],
    ['export default new Map([["ascii", true]])', 'eventsets.config.mjs'],
  ])('may be all of it: %j in %s', async (text, file) => {
    const app = createApp({ 'package.json': {}, [file]: text })
    const { problems, options } = await app.discover()

    expect(messagesOf({ problems })).toEqual([
      expect.stringMatching(/: the configuration is not valid:\n {2}expected an object/),
    ])
    expect(problems[0]?.file).toBe(app.path(file))
    expect(options).toEqual({})
  })

  it.each([
    ['throw new Error("no luck")', 'the configuration cannot be loaded: no luck'],
    ['process.exit(3)', 'the configuration ends the process when it is loaded (exit code 3)'],
    ['export const sets = []', 'the configuration has no default export'],
    ['await new Promise(() => {})', 'the configuration waits for something that never happens'],
    [LOOP, 'the configuration was not loaded after 300 ms'],
    ['export default {', 'the configuration cannot be loaded: Unexpected end of input'],
    ['import "not-installed"', /^the configuration cannot be loaded: Cannot find package 'not-installed'/],
    ['export default { get ascii() { throw new Error("hands off") } }', /cannot be read: hands off$/],
    [
      'export default new Proxy({}, { ownKeys() { throw new Error("hands off") } })',
      /cannot be read: hands off$/,
    ],
    [
      'export default { sets: new Proxy([], { get() { throw new Error("hands off") } }) }',
      /cannot be read: hands off$/,
    ],
  ])('may be its code: %s', async (text, reason) => {
    const app = createApp(dependingOn(['billing']), plugin('billing'), { 'eventsets.config.mjs': text })
    // Short only where it is waited for: on a busy machine a thread takes its time to start.
    const importTimeoutMs = text === LOOP ? 300 : 30_000
    const { names, problems } = await app.discover({ importTimeoutMs })

    expect(names).toEqual(['billing'])
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({
      code: 'EVENTSETS_INVALID_CONFIGURATION',
      package: undefined,
      file: app.path('eventsets.config.mjs'),
    })
    const message = problems[0]?.message
      .replace(`In ${app.path('eventsets.config.mjs')}: `, '')
      .replace(/\.$/, '')
    if (typeof reason === 'string') expect(message).toBe(reason)
    else expect(message).toMatch(reason)
  })

  it('may be the package.json as a whole; then there are no plugins, and the sets of the file are there', async () => {
    const app = createApp({ 'package.json': '{ "name": "app", }', '.eventsetsrc.json': says })
    const { names, problems } = await app.discover()

    expect(names).toEqual(['mine'])
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({
      code: 'EVENTSETS_INVALID_CONFIGURATION',
      step: 'parse',
      file: app.path('package.json'),
      hint: 'Without it, no plugins are found.',
    })
  })

  it('treats "__proto__" as a key like any other', async () => {
    const app = createApp({
      'package.json': '{ "eventsets": { "__proto__": { "discovery": false }, "constructor": 1 } }',
      '.eventsetsrc': '__proto__: { "ascii": true }\n',
    })
    const { problems, options } = await app.discover()

    expect(messagesOf({ problems })).toEqual([
      expect.stringMatching(
        /package\.json: .*__proto__: is not a known key.*constructor: is not a known key/s,
      ),
      expect.stringMatching(/\.eventsetsrc: .*__proto__: is not a known key/s),
    ])
    expect(options).toEqual({})
    expect(({} as { ascii?: boolean }).ascii).toBeUndefined()
  })
})

describe('"sets"', () => {
  it('are paths and globs from the folder of the configuration, and sets as they are', async () => {
    const app = createApp({
      'package.json': {},
      'eventsets.config.json': { sets: ['markers/*.json', './one.json', eventSet('inline')] },
      'one.json': eventSet('one'),
      'markers/b.json': eventSet('b'),
      'markers/a.json': eventSet('a'),
    })
    const { names, problems, sets } = await app.discover()

    expect(names).toEqual(['a', 'b', 'one', 'inline'])
    expect(problems).toEqual([])
    expect(sets.slice(-4).map(({ source }) => source)).toEqual([
      { kind: 'file', file: app.path('markers/a.json') },
      { kind: 'file', file: app.path('markers/b.json') },
      { kind: 'file', file: app.path('one.json') },
      { kind: 'configuration', file: app.path('eventsets.config.json') },
    ])
  })

  it('may stand anywhere: above the application, and behind links', async () => {
    const app = createApp({
      'shared/one.json': eventSet('one'),
      'shared/two.json': eventSet('two'),
      'app/package.json': { eventsets: { sets: ['../shared/one.json', 'linked/*.json'] } },
    })
    app.link('app/linked', '../shared')

    expect(await app.discover({ cwd: app.path('app') })).toMatchObject({
      names: ['one', 'two'],
      problems: [],
    })
  })

  it('may be given by an absolute path', async () => {
    const shared = createApp({ 'sets/one.json': eventSet('one'), 'sets/two.json': eventSet('two') })
    const sets = [shared.path('sets/two.json'), `${shared.folder}/*/*.json`]
    const app = createApp({ 'package.json': { eventsets: { sets } } })

    expect(await app.discover()).toMatchObject({ names: ['two', 'one'], problems: [] })
  })

  it('may link to sets of plugins and of each other, and plugins to them', async () => {
    const linkTo = (name: string, other: string) => ({
      name,
      fieldMappings: [{ logKey: `${name}.state`, mapping: 'status', eventSetName: other }],
    })
    const app = createApp(
      dependingOn(['billing', 'users'], {
        eventsets: { sets: [linkTo('mine', 'later'), eventSet('later', '🕰'), linkTo('bills', 'billing')] },
      }),
      plugin('billing'),
      plugin('users', { files: { 'sets/users.json': linkTo('users', 'mine2') } }),
      { '.eventsetsrc.json': { sets: [eventSet('mine2', '🧍')] } },
    )
    const found = await app.discover()

    expect(found.problems).toEqual([])
    expect(markersOf(found, { mine: { state: 'done' } })).toEqual(['🕰'])
    expect(markersOf(found, { bills: { state: 'done' } })).toEqual(['💰'])
    expect(markersOf(found, { users: { state: 'done' } })).toEqual(['🧍'])
  })

  it('with a link that leads nowhere are a problem that names the file and the link', async () => {
    const set = { name: 'mine', fieldMappings: [{ logKey: 'a', mapping: 'status', eventSetName: 'billin' }] }
    const app = createApp(
      dependingOn(['billing'], { eventsets: { sets: ['./mine.json'] } }),
      plugin('billing'),
      {
        'mine.json': set,
      },
    )
    const { problems, names } = await app.discover()

    expect(names).toEqual(['billing'])
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({
      code: 'EVENTSETS_INVALID_EVENT_SET',
      step: 'register',
      file: app.path('mine.json'),
      issues: [{ path: 'fieldMappings[0].eventSetName', code: 'dangling_link' }],
    })
    expect(problems[0]?.message).toContain('did you mean "billing"?')
  })

  it('that are not valid are problems with every issue, and the others load', async () => {
    const wrong = { name: 'wrong', mappings: [{ name: 5 }], priority: 'high', colour: 'red' }
    const app = createApp({
      'package.json': { eventsets: { sets: [wrong, './wrong.json', mine] } },
      'wrong.json': wrong,
    })
    const { problems, names } = await app.discover()

    expect(names).toEqual(['mine'])
    expect(problems.map(({ file, issues }) => [file, issues.map(({ path }) => path)])).toEqual([
      [app.path('wrong.json'), ['mappings[0].name', 'priority', 'colour']],
      [app.path('package.json'), ['mappings[0].name', 'priority', 'colour']],
    ])
    expect(messagesOf({ problems })[1]).toContain('inline set 1 of "sets" is not a valid event set')
  })

  it('that lead to nothing are a problem', async () => {
    const app = createApp({
      'package.json': { eventsets: { sets: ['./gone.json', './none/*.json', 'a\\b.json'] } },
    })
    const { problems } = await app.discover()

    expect(problems.map(({ code, message, hint }) => [code, message.replace(/^.*: /, ''), hint])).toEqual([
      [
        'EVENTSETS_PLUGIN_NO_FILES',
        '"./gone.json" in "sets" is not there.',
        `Paths are read from ${app.folder}.`,
      ],
      [
        'EVENTSETS_PLUGIN_NO_FILES',
        '"./none/*.json" in "sets" matches no file.',
        `Paths are read from ${app.folder}.`,
      ],
      [
        'EVENTSETS_PLUGIN_NO_FILES',
        '"a\\\\b.json" in "sets" is not there.',
        'Paths are written with "/", on every system.',
      ],
    ])
  })
})

describe('"override"', () => {
  const files = (override?: boolean) => [
    dependingOn(['billing'], {
      eventsets: { override, sets: [eventSet('http', '🕸'), eventSet('billing', '🧾')] },
    }),
    plugin('billing'),
  ]
  const done = { http: { status: 'done' }, billing: { status: 'done' } }

  it('lets configured sets replace built-in ones and those of plugins', async () => {
    const found = await createApp(...files(true)).discover()

    expect(found.problems).toEqual([])
    expect(markersOf(found, done).toSorted()).toEqual(['🕸', '🧾'].toSorted())
    expect(found.sets.map(({ set }) => set.name).toSorted()).toEqual([
      'billing',
      'database',
      'http',
      'system',
    ])
    expect(found.registry.getSource('http').kind).toBe('configuration')
  })

  it.each([false, undefined])('%s makes them problems that name both', async (override) => {
    const app = createApp(...files(override))
    const found = await app.discover()
    const place = `In ${app.path('package.json')}: inline set`

    expect(messagesOf(found)).toEqual([
      `${place} 2 of "sets": event set "billing" is already registered, by billing 1.2.0.`,
      `${place} 1 of "sets": event set "http" is already registered, by eventsets itself.`,
    ])
    expect(found.problems.map(({ hint }) => hint)).toEqual(
      Array(2).fill(
        'Give it another name, or set "override" to true in the configuration to replace the other one.',
      ),
    )
    expect(markersOf(found, done)).toEqual(['💰'])
  })

  it('lets no configured set replace another one', async () => {
    const app = createApp({
      'package.json': { eventsets: { override: true, sets: ['./one.json', './two.json'] } },
      'one.json': eventSet('http', '🥇'),
      'two.json': eventSet('http', '🥈'),
    })
    const found = await app.discover()

    expect(found.registry.getSource('http')).toEqual({ kind: 'file', file: app.path('one.json') })
    expect(messagesOf(found)).toEqual([
      `In ${app.path('package.json')}: two.json: event set "http" is already registered, by ${app.path('one.json')}.`,
    ])
    expect(found.problems[0]?.hint).toBe('Give one of them another name.')
  })

  it('lets none replace what the application has registered in code', async () => {
    const registry = createRegistry()
    registry.registerEventSet(eventSet('billing', '🧑'))
    const found = await createApp(...files(true)).discover({ registry })

    expect(markersOf(found, { billing: { status: 'done' } })).toEqual(['🧑'])
    expect(messagesOf(found)).toEqual([
      expect.stringContaining('already registered, by the code of the application'),
    ])
  })

  it('says nothing about plugins among themselves', async () => {
    const own = { files: { 'sets/own.json': eventSet('own') } }
    const app = createApp(
      dependingOn(['a', 'b', 'c'], { eventsets: { override: true } }),
      plugin('a', own),
      plugin('b', own),
      plugin('c', { files: { 'sets/http.json': eventSet('http') } }),
    )
    const found = await app.discover()

    expect(found.registry.getSource('own')).toMatchObject({ package: 'a' })
    expect(found.registry.getSource('http')).toEqual({ kind: 'built-in' })
    expect(found.problems).toHaveLength(2)
  })
})

describe('"plugins"', () => {
  const coded = eventSet('coded')
  const configured = (plugins: readonly string[], ...trees: readonly Files[]) =>
    createApp({ 'package.json': { eventsets: { plugins } } }, ...trees)
  const bare = { eventsets: undefined }

  it('have functions as transformations', async () => {
    const app = configured(['./coded.mjs'], {
      'coded.mjs': `
        export const sets = [{
          name: 'coded',
          mappings: [{ name: 'country', transformations: { '*': (code) => String(code).slice(0, 2) }, visualMarkers: { de: '🥨' } }],
          fieldMappings: [{ logKey: 'invoice', mapping: 'country' }],
        }]`,
    })
    const found = await app.discover()

    expect(found.problems).toEqual([])
    expect(markersOf(found, { invoice: 'DE-1789' })).toEqual(['🥨'])
    expect(found.sets.at(-1)?.source).toEqual({ kind: 'file', file: app.path('coded.mjs') })
  })

  it.each<[what: string, text: string]>([
    ['one set as default', `export default ${JSON.stringify(coded)}`],
    ['a list as default', `export default [${JSON.stringify(coded)}]`],
    ['a list named sets', `export const sets = [${JSON.stringify(coded)}]`],
    ['one set named sets', `export const sets = ${JSON.stringify(coded)}`],
    ['sets before the default', `export const sets = [${JSON.stringify(coded)}]\nexport default () => {}`],
    ['top-level await', `export default await Promise.resolve(${JSON.stringify(coded)})`],
    [
      'something that stays open',
      `setInterval(() => {}, 1000).unref(); export default ${JSON.stringify(coded)}`,
    ],
    [
      'messages of its own',
      `
      import { parentPort } from 'node:worker_threads'
      for (const message of [null, 5, {}, { reason: 'none' }]) parentPort?.postMessage(message)
      export default ${JSON.stringify(coded)}`,
    ],
  ])('may be modules with %s', async (_, text) => {
    expect(await configured(['./coded.mjs'], { 'coded.mjs': text }).discover()).toMatchObject({
      names: ['coded'],
      problems: [],
    })
  })

  it.each<[entry: string, packageJson: object, file: string]>([
    ['pkg', { ...bare, main: './lib/main.cjs' }, 'lib/main.cjs'],
    ['pkg', { ...bare, main: 'lib/main.cjs' }, 'lib/main.cjs'],
    ['pkg', { ...bare, main: 'lib/main' }, 'lib/main.js'],
    ['pkg', { ...bare, main: 'lib' }, 'lib/index.js'],
    ['pkg', { ...bare, main: './lib/' }, 'lib/index.js'],
    ['pkg', bare, 'index.js'],
    ['pkg', { ...bare, exports: './esm.mjs', main: './gone.js' }, 'esm.mjs'],
    ['pkg', { ...bare, exports: { '.': { types: './x.d.ts', default: './esm.mjs' } } }, 'esm.mjs'],
    ['pkg', { ...bare, exports: { import: './esm.mjs', require: './gone.cjs' } }, 'esm.mjs'],
    ['pkg', { ...bare, exports: { '.': { node: { import: './esm.mjs' } } } }, 'esm.mjs'],
    ['pkg/extra', { ...bare, exports: { './extra': './esm.mjs' } }, 'esm.mjs'],
    ['pkg/extra/a', { ...bare, exports: { './extra/*': './lib/*.mjs' } }, 'lib/a.mjs'],
    ['pkg/lib/a.mjs', bare, 'lib/a.mjs'],
    ['pkg/lib/a', bare, 'lib/a.js'],
    ['pkg', { eventsets: { module: './lib/a.mjs' } }, 'lib/a.mjs'],
    ['pkg', { eventsets: { module: 'lib/a.mjs' }, exports: {}, main: './gone.js' }, 'lib/a.mjs'],
    ['@acme/pkg', { eventsets: { module: './lib/a.mjs' } }, 'lib/a.mjs'],
    ['@acme/pkg/extra', { ...bare, exports: { './extra': './esm.mjs' } }, 'esm.mjs'],
  ])('may be packages: %s with %j is %s', async (entry, packageJson, file) => {
    const name = /^(?:@[^/]+\/)?[^/]+/.exec(entry)?.[0] as string
    const text = file.endsWith('.mjs') ? moduleOf(coded) : `module.exports = ${JSON.stringify(coded)}`
    const app = configured([entry], plugin(name, { packageJson, files: { [file]: text } }))
    const { names, problems, sets } = await app.discover()

    expect(problems).toEqual([])
    expect(names).toEqual(['coded'])
    expect(sets.at(-1)?.source).toEqual({
      kind: 'package',
      package: name,
      version: '1.2.0',
      file: app.path('node_modules', name, file),
    })
  })

  it.each(['./coded.mjs', './sub/../coded.mjs', '../app/coded.mjs', 'ABSOLUTE', 'file:ABSOLUTE'])(
    'may be paths: %s',
    async (entry) => {
      const app = createApp({ 'app/coded.mjs': moduleOf(coded), 'app/sub/x': '' })
      const plugins = [
        entry.replace('ABSOLUTE', `${entry.startsWith('file:') ? '//' : ''}${app.path('app/coded.mjs')}`),
      ]
      app.write({ 'app/package.json': { eventsets: { plugins } } })

      expect(await app.discover({ cwd: app.path('app') })).toMatchObject({ names: ['coded'], problems: [] })
    },
  )

  it('need not be among the dependencies', async () => {
    const app = configured(['pkg'], plugin('pkg'))

    expect(await app.discover()).toMatchObject({ names: ['pkg'], problems: [] })
  })

  it('bring the sets of their data and of their module', async () => {
    const packageJson = { eventsets: { sets: ['./sets/*.json'], module: './coded.mjs' } }
    const files = { 'sets/own.json': eventSet('own'), 'coded.mjs': moduleOf(coded) }
    const app = configured(['pkg'], plugin('pkg', { packageJson, files }))

    expect(await app.discover()).toMatchObject({ names: ['own', 'coded'], problems: [] })
  })

  it('bring their data once where a part of the package is named, and the package is a dependency', async () => {
    const files = { 'sets/own.json': eventSet('own'), 'extra.mjs': moduleOf(coded) }
    const app = createApp(
      dependingOn(['pkg', 'alias'], { eventsets: { plugins: ['pkg/extra.mjs'] } }),
      plugin('pkg', { files }),
    )
    app.link('node_modules/alias', 'pkg')

    expect(await app.discover()).toMatchObject({ names: ['own', 'coded'], problems: [] })
  })

  it('with data alone run no code, though there is some', async () => {
    const files = { 'sets/own.json': eventSet('own'), 'index.js': 'throw new Error("it has run")' }
    const app = configured(['pkg'], plugin('pkg', { files, packageJson: { main: './index.js' } }))

    expect(await app.discover()).toMatchObject({ names: ['own'], problems: [] })
  })

  it('stand in the order of the configuration, whichever loads first', async () => {
    const app = configured(['./slow.mjs', './quick.mjs'], {
      'slow.mjs': `
        import { existsSync } from 'node:fs'
        while (!existsSync(new URL('quick-was-here', import.meta.url))) await new Promise(setImmediate)
        ${moduleOf(eventSet('slow'))}`,
      'quick.mjs': `
        import { writeFileSync } from 'node:fs'
        writeFileSync(new URL('quick-was-here', import.meta.url), '')
        ${moduleOf(eventSet('quick'))}`,
    })

    expect((await app.discover()).names).toEqual(['slow', 'quick'])
  })

  it.each(['pkg', '@acme/pkg', './coded.mjs'])('that are excluded do not run: %s', async (entry) => {
    const throwing = {
      'index.js': 'throw new Error("it has run")',
      'coded.mjs': 'throw new Error("it has run")',
    }
    const app = createApp(
      { 'package.json': { eventsets: { plugins: [entry, 'pkg/index.js'], exclude: [entry, 'pkg'] } } },
      plugin('pkg', { packageJson: bare, files: throwing }),
      plugin('@acme/pkg', { packageJson: bare, files: throwing }),
      throwing,
    )

    expect(await app.discover()).toMatchObject({ names: [], problems: [] })
  })

  it.each<[entry: string, hint: string]>([
    ['not-installed', 'Install it (npm install not-installed), or take it out of "plugins".'],
    ['@acme/gone/sub', 'Install it (npm install @acme/gone), or take it out of "plugins".'],
    ['sub/coded.mjs', 'A path begins with a dot: "./sub/coded.mjs".'],
    ['Not a name', 'Write the name of a package, or a path that begins with "./".'],
    ['file://host/x', 'Write the name of a package, or a path that begins with "./".'],
    ['..%2f..', 'Write the name of a package, or a path that begins with "./".'],
  ])('that are not installed are problems: %s', async (entry, hint) => {
    const app = configured([entry, './ok.mjs'], { 'sub/coded.mjs': '', 'ok.mjs': moduleOf(coded) })
    const { names, problems } = await app.discover()

    expect(names).toEqual(['coded'])
    expect(problems).toEqual([
      {
        code: 'EVENTSETS_PLUGIN_NOT_FOUND',
        step: 'locate',
        package: undefined,
        version: undefined,
        file: app.path('package.json'),
        message: `In ${app.path('package.json')}: the plugin "${entry}" is not installed.`,
        hint,
        issues: [],
      },
    ])
  })

  it.each<[entry: string, packageJson: object]>([
    ['pkg', { ...bare, main: './gone.js' }],
    ['pkg', { ...bare, main: 5 }],
    ['pkg', { ...bare, exports: { './other': './esm.mjs' } }],
    ['pkg', { ...bare, exports: { require: './esm.mjs' } }],
    ['pkg', { ...bare, exports: 5 }],
    ['pkg', { ...bare, exports: '../outside.mjs' }],
    ['pkg', { ...bare, main: '../outside.mjs' }],
    ['pkg', { eventsets: { module: '../outside.mjs' } }],
    ['pkg', { eventsets: { module: './gone.mjs' } }],
    ['pkg/gone', bare],
    ['pkg/../outside.mjs', bare],
    ['pkg/esm.mjs', { ...bare, exports: { '.': './esm.mjs' } }],
  ])(
    'that have no such module are problems that name the package: %s with %j',
    async (entry, packageJson) => {
      const app = configured([entry], plugin('pkg', { packageJson, files: { 'esm.mjs': moduleOf(coded) } }), {
        'node_modules/outside.mjs': moduleOf(coded),
      })
      const { names, problems } = await app.discover()

      expect(names).toEqual([])
      expect(problems).toHaveLength(1)
      expect(problems[0]).toMatchObject({
        code: 'EVENTSETS_PLUGIN_NOT_FOUND',
        step: 'locate',
        package: 'pkg',
        version: '1.2.0',
        file: app.path('node_modules/pkg/package.json'),
        message: expect.stringMatching(/^Plugin pkg 1\.2\.0: there is no module ".*" in it\.$/),
      })
    },
  )

  it('of a registry that has them are not registered again', async () => {
    const registry = new EventSetRegistry()
    const app = configured(['./coded.mjs'], { 'coded.mjs': moduleOf(coded) })
    await app.discover({ registry })
    const { version } = registry

    expect(await app.discover({ registry })).toMatchObject({ names: ['coded'], problems: [] })
    expect(registry.version).toBe(version)
  })
})

describe('options in a configuration', () => {
  it('that make no sense are left out, and all told at once', async () => {
    const app = createApp({
      '.eventsetsrc.json': {
        customColors: { info: 'bleu', warn: 'red' },
        customLevels: 'audit:35,odd',
        errorKey: '',
        nestedKey: '',
        include: '',
        minimumLevel: '',
        ignore: '',
        hideObject: true,
      },
    })
    const { options, problems } = await app.discover()

    expect(options).toEqual({ ignore: '', hideObject: true })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({
      code: 'EVENTSETS_INVALID_CONFIGURATION',
      file: app.path('.eventsetsrc.json'),
    })
    expect(problems[0]?.issues.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'customColors: no colour is called "bleu"; did you mean "blue"?',
      'customLevels: "odd" is not a name and a number, such as "audit:35"',
      'errorKey: the name of a key must not be empty',
      'nestedKey: the name of a key must not be empty',
      'include: must not be empty; leave it out to have the default',
      'minimumLevel: must not be empty; leave it out to have the default',
    ])
  })

  it('that are wrong by the thousand are told in part, with how many there are', async () => {
    const wrong = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`odd${index}`, 1]))
    const { problems } = await createApp({ '.eventsetsrc.json': wrong }).discover()

    expect(problems).toHaveLength(1)
    expect(problems[0]?.message.split('\n')).toHaveLength(52)
    expect(problems[0]?.message.endsWith('\n  and 2950 more issues')).toBe(true)
  })

  it('are given as they are, and those that belong to discovery are not among them', async () => {
    const options = {
      output: 'json',
      markers: 'none',
      minimumLevel: 'warn',
      customColors: { info: 'blue' },
      destination: 2,
      maxLineBytes: 4096,
      messageFormat: false,
      translateTime: 'SYS:HH:MM:ss',
    }
    const app = createApp({
      '.eventsetsrc.json': {
        ...options,
        sets: [],
        plugins: [],
        exclude: [],
        discovery: false,
        override: true,
        $schema: 'x',
      },
    })

    expect(await app.discover()).toMatchObject({ options, problems: [] })
    expect(Object.keys((await app.discover()).options)).toEqual(Object.keys(options))
  })
})
