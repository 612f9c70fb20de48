import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runProgram } from '../cli/run-cli.ts'
import {
  type App,
  copyEventsets,
  createApp,
  dependingOn,
  eventSet,
  type Files,
  installEventsets,
  logging,
  moduleOf,
  plugin,
  runModule,
} from '../discovery/fixture-app.ts'

const done = { billing: { status: 'done' }, msg: 'paid' }
const broken = plugin('broken', { files: { 'sets/own.json': '{' } })

/** An application with the plugin `billing`, pino and the built package. */
function createService(more: object = {}, ...trees: readonly Files[]): App {
  const app = createApp(dependingOn(['billing'], more), plugin('billing'), ...trees)
  installEventsets(app)
  return app
}

const eventsets = (options: object = {}) => ({ target: 'eventsets', options })

describe('the transport in an application with a plugin', () => {
  it('shows its markers, and writes nothing else to stdout or stderr', () => {
    const { stdout, stderr, status } = runModule(
      createService({}, { '.eventsetsrc.json': { hideObject: true } }),
      logging([done]),
    )

    expect([stdout, stderr, status]).toEqual(['INFO: [💰] paid\n', '', 0])
  })

  it('shows its markers as an only target, among several, and in a pipeline', () => {
    const app = createService()
    const only = runModule(app, logging([done], eventsets({ output: 'json' })))
    const several = runModule(app, logging([done], { targets: [eventsets({ output: 'json' })] }))
    const pipeline = runModule(app, logging([done], { pipeline: [eventsets(), { target: 'pino/file' }] }))

    for (const { stdout, stderr } of [only, several, pipeline]) {
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toMatchObject({ msg: 'paid', markers: ['💰'] })
    }
  })

  it('does so from the first line on, and when the process ends at once', () => {
    const app = createService({}, { '.eventsetsrc.json': { hideObject: true } })
    const { stdout, status } = runModule(app, `${logging(Array(50).fill(done))}; process.exit(3)`)

    expect(stdout).toBe('INFO: [💰] paid\n'.repeat(50))
    expect(status).toBe(3)
  })

  it('looks for it only where nobody has said otherwise', () => {
    const run = (options: object, env: NodeJS.ProcessEnv = {}) =>
      runModule(createService(), logging([done], eventsets({ hideObject: true, ...options })), env).stdout

    expect(run({})).toBe('INFO: [💰] paid\n')
    expect(run({ discovery: false })).toBe('INFO: paid\n')
    expect(run({}, { EVENTSETS_NO_DISCOVERY: '1' })).toBe('INFO: paid\n')
    // Whoever runs an application can do without plugins, whatever it says itself.
    expect(run({ discovery: true }, { EVENTSETS_NO_DISCOVERY: '1' })).toBe('INFO: paid\n')
  })

  it('writes to a file, and nothing to stdout', () => {
    const app = createService()
    const { stdout, stderr } = runModule(
      app,
      logging([done], eventsets({ destination: 'app.log', hideObject: true })),
    )

    expect([stdout, stderr]).toEqual(['', ''])
    expect(readFileSync(app.path('app.log'), 'utf8')).toBe('INFO: [💰] paid\n')
  })
})

describe('a configuration', () => {
  const quiet = { hideObject: true, markerStyle: 'plain' }

  it('gives defaults, which options in code go before', () => {
    const app = createService({}, { 'eventsets.config.json': quiet })

    expect(runModule(app, logging([done])).stdout).toBe('INFO: 💰 paid\n')
    expect(runModule(app, logging([done], eventsets({ markerStyle: 'brackets' }))).stdout).toBe(
      'INFO: [💰] paid\n',
    )
  })

  it('gives way to an option in code that says the default', () => {
    const app = createService({}, { 'eventsets.config.json': { ...quiet, hideObject: true } })
    const { stdout } = runModule(app, logging([done], eventsets({ hideObject: false, ignore: '' })))

    expect(stdout).toContain('"status": "done"')
  })

  it.each(['pretty', 'json'])('does not disturb a pipeline with "output": "%s"', (output) => {
    const app = createService({}, { 'eventsets.config.json': { output } })
    const transport = { pipeline: [eventsets(), { target: 'pino/file' }] }
    const { stdout } = runModule(app, logging([done], transport))

    expect(JSON.parse(stdout)).toMatchObject({ msg: 'paid', markers: ['💰'] })
  })

  it('says what a target writes that nobody reads', () => {
    const app = createService({}, { 'eventsets.config.json': { ...quiet, output: 'json' } })

    expect(JSON.parse(runModule(app, logging([done])).stdout)).toMatchObject({ markers: ['💰'] })
    expect(runModule(app, logging([done], eventsets({ output: 'pretty' }))).stdout).toBe('INFO: 💰 paid\n')
  })

  it('is none with config: false', () => {
    const app = createService({ eventsets: { exclude: ['billing'] } }, { 'eventsets.config.json': quiet })
    const { stdout } = runModule(app, logging([done], eventsets({ config: false, hideObject: true })))

    expect(stdout).toBe('INFO: [💰] paid\n')
  })

  it('is another one with config, from the working directory', () => {
    const app = createService({}, { 'eventsets.config.json': { ascii: true }, 'other/plain.json': quiet })
    const { stdout } = runModule(app, logging([done], eventsets({ config: 'other/plain.json' })))

    expect(stdout).toBe('INFO: 💰 paid\n')
  })

  it('brings sets with functions, which run in the worker', () => {
    const coded = `export default {
      name: 'invoices',
      mappings: [{ name: 'country', transformations: { '*': (number) => number.slice(0, 2) }, visualMarkers: { fr: '🗼' } }],
      fieldMappings: [{ logKey: 'invoice', mapping: 'country' }],
    }`
    const app = createService(
      { eventsets: { plugins: ['./coded.mjs'], hideObject: true } },
      { 'coded.mjs': coded },
    )
    const { stdout, stderr } = runModule(app, logging([{ invoice: 'FR-1789', msg: 'written' }]))

    expect([stdout, stderr]).toEqual(['INFO: [🗼] written\n', ''])
  })
})

describe('problems', () => {
  const wrong = { 'eventsets.config.json': { hideObjct: true, hideObject: true, plugins: ['not-installed'] } }
  const service = () => {
    const app = createService({ dependencies: { billing: '1', broken: '1' } }, broken, wrong)
    const told = [
      `eventsets: In ${app.path('eventsets.config.json')}: the configuration is not valid:\n` +
        '  hideObjct: is not a known key; did you mean "hideObject"?\n',
      'eventsets: Plugin broken 1.2.0: sets/own.json is not valid JSON: ',
      `eventsets: In ${app.path('eventsets.config.json')}: the plugin "not-installed" is not installed. Install it (npm install not-installed), or take it out of "plugins".\n`,
    ]
    return { app, told }
  }
  const count = (text: string, part: string) => text.split(part).length - 1

  it('are told on stderr, once, and the log goes on', () => {
    const { app, told } = service()
    const { stdout, stderr, status } = runModule(app, logging([done, done]))

    expect(stdout).toBe('INFO: [💰] paid\n'.repeat(2))
    expect(told.map((text) => count(stderr, text))).toEqual([1, 1, 1])
    expect(count(stderr, 'eventsets: ')).toBe(3)
    expect(status).toBe(0)
  })

  it('are told once by two targets of one logger', () => {
    const { app, told } = service()
    const { stdout, stderr } = runModule(
      app,
      logging([done], { targets: [eventsets(), eventsets({ destination: 'other.log' })] }),
    )

    expect(stdout).toBe('INFO: [💰] paid\n')
    expect(readFileSync(app.path('other.log'), 'utf8')).toBe('INFO: [💰] paid\n')
    expect(told.map((text) => count(stderr, text))).toEqual([1, 1, 1])
  })

  it('are told before the first line, when the process ends at once', () => {
    const { app, told } = service()
    const { stderr, stdout } = runModule(app, `${logging([done])}; process.exit()`)

    expect(stdout).toBe('INFO: [💰] paid\n')
    expect(told.map((text) => count(stderr, text))).toEqual([1, 1, 1])
  })

  it('cost no line, though two modules in turn never come to an end and the process ends at once', () => {
    const loop = 'for (;;);'
    const app = createService(
      { eventsets: { hideObject: true, plugins: ['./loop.mjs'] } },
      { 'eventsets.config.mjs': loop, 'loop.mjs': loop },
    )
    const { stdout, stderr, status } = runModule(app, `${logging(Array(20).fill(done))}; process.exit()`)

    expect(stdout).toBe('INFO: [💰] paid\n'.repeat(20))
    expect(count(stderr, ' was not loaded after ')).toBe(2)
    expect(status).toBe(0)
  })

  it('with a name are those of a plugin, not of the option "sets": the application starts', () => {
    const app = createService({ eventsets: { hideObject: true } })
    const mine = eventSet('billing', '🧾')
    const clash = runModule(app, logging([done], eventsets({ sets: [mine] })))
    const override = runModule(app, logging([done], eventsets({ sets: [mine], override: true })))

    expect(clash.stdout).toBe('INFO: [💰] paid\n')
    expect(clash.stderr).toBe(
      'eventsets: In the option "sets" of the transport: Event set "billing" is already registered, by billing 1.2.0. ' +
        'Give this one another name, set the option "override" to true, or leave the plugin out with "exclude".\n',
    )
    expect([override.stdout, override.stderr]).toEqual(['INFO: [🧾] paid\n', ''])
  })
})

describe('sets that are registered in code', () => {
  const withRegistry = (before: string, after: string, answer = '') => `
    import pino from 'pino'
    import { once } from 'node:events'
    import { discoverEventSets, getRegistry } from 'eventsets'
    const mine = ${JSON.stringify(eventSet('billing', '🧾'))}
    ${before}
    const transport = pino.transport({ target: 'eventsets' })
    const logger = pino({ base: null, timestamp: false }, transport)
    await once(transport, 'ready')
    ${after}
    logger.info(${JSON.stringify({ billing: done.billing })}, 'paid')
    ${answer}`
  const service = () => createService({ eventsets: { hideObject: true } })

  it('go before those of a plugin with their name', () => {
    const { stdout, stderr } = runModule(service(), withRegistry('getRegistry().registerEventSet(mine)', ''))

    expect([stdout, stderr]).toEqual(['INFO: [🧾] paid\n', ''])
  })

  it('go before them when they are registered after the discovery of the process, with override', () => {
    const before = 'await discoverEventSets(); getRegistry().registerEventSet(mine, { override: true })'
    const { stdout, stderr } = runModule(service(), withRegistry(before, ''))

    expect([stdout, stderr]).toEqual(['INFO: [🧾] paid\n', ''])
  })

  it('are refused without it, and the set of the plugin stays in force', () => {
    const before = `
      await discoverEventSets()
      try { getRegistry().registerEventSet(mine) } catch (error) { console.error(error.message) }`
    const { stdout, stderr } = runModule(service(), withRegistry(before, ''))

    expect(stdout).toBe('INFO: [💰] paid\n')
    expect(stderr).toBe('Event set "billing" is already registered, by billing 1.2.0.\n')
  })

  it('may be removed again, and with them the set of the plugin', () => {
    const before = `await discoverEventSets(); getRegistry().removeEventSet('billing')`

    expect(runModule(service(), withRegistry(before, '')).stdout).toBe('INFO: [💰] paid\n')
  })
})

describe('the in-process stream', () => {
  it('shows what the process has discovered, and with its options', () => {
    const app = createService({ eventsets: { hideObject: true } })
    const { stdout, stderr } = runModule(
      app,
      `import pino from 'pino'
       import { discoverEventSets } from 'eventsets'
       import { eventsetsStream } from 'eventsets/pino'
       const { options } = await discoverEventSets()
       pino({ base: null, timestamp: false }, eventsetsStream(options)).info({ billing: { status: 'done' } }, 'paid')`,
    )

    expect([stdout, stderr]).toEqual(['INFO: [💰] paid\n', ''])
  })
})

describe('the application is found', () => {
  it('where its node_modules holds eventsets, when the working directory has no package.json', () => {
    const app = createApp(dependingOn(['billing'], { eventsets: { hideObject: true } }), plugin('billing'))
    copyEventsets(app)
    app.write({ 'main.mjs': logging([done]) })
    const elsewhere = createApp()
    const { stdout, stderr, status } = runProgram(process.execPath, [app.path('main.mjs')], {
      cwd: elsewhere.folder,
    })

    expect([stdout, stderr, status]).toEqual(['INFO: [💰] paid\n', '', 0])
  })

  it('by the working directory, and not by where its program lies', () => {
    const app = createService({ eventsets: { hideObject: true } })
    const other = createApp(
      dependingOn(['billing'], { eventsets: { hideObject: true } }),
      plugin('billing', { files: { 'sets/own.json': eventSet('billing', '🔔') } }),
    )
    app.write({ 'main.mjs': logging([done]) })
    const { stdout } = runProgram(process.execPath, [app.path('main.mjs')], { cwd: other.folder })

    expect(stdout).toBe('INFO: [🔔] paid\n')
  })

  // In a worker nothing can be tried: Node starts none in a folder that is gone.
  it('nowhere when the working directory has been removed: the built-in sets are there all the same', () => {
    const app = createService()
    const text = `
      import { mkdirSync, rmSync } from 'node:fs'
      import { discoverEventSets } from 'eventsets'
      import { eventsetsStream } from 'eventsets/pino'
      import pino from 'pino'
      mkdirSync('gone')
      process.chdir('gone')
      rmSync('../gone', { recursive: true })
      const { sets, problems, options } = await discoverEventSets()
      pino({ base: null, timestamp: false }, eventsetsStream({ ...options, hideObject: true })).info({ res: { statusCode: 200 } }, 'hello')
      console.log(sets.length, problems.length)`
    const { stdout, stderr, status } = runModule(app, text)

    expect([stdout, stderr, status]).toEqual(['INFO: [✅] hello\n3 0\n', '', 0])
  })

  it('as it is when a logger is made: one that is made later finds what was installed meanwhile', () => {
    const app = createApp(
      dependingOn(['billing'], { eventsets: { hideObject: true, sets: ['./later.json'] } }),
    )
    installEventsets(app)
    const files = { ...plugin('billing'), 'later.json': eventSet('later') }
    const { stdout, stderr } = runModule(
      app,
      `import { once } from 'node:events'
       import { mkdirSync, writeFileSync } from 'node:fs'
       import { dirname } from 'node:path'
       import pino from 'pino'
       const log = async (destination) => {
         const transport = pino.transport({ target: 'eventsets', options: { destination } })
         await once(transport, 'ready')
         pino({ base: null, timestamp: false }, transport).info(${JSON.stringify(done)})
       }
       await log('before.log')
       for (const [file, content] of Object.entries(${JSON.stringify(files)})) {
         mkdirSync(dirname(file), { recursive: true })
         writeFileSync(file, JSON.stringify(content))
       }
       await log('after.log')`,
    )

    expect(readFileSync(app.path('before.log'), 'utf8')).toBe('INFO: paid\n')
    expect(readFileSync(app.path('after.log'), 'utf8')).toBe('INFO: [💰] paid\n')
    expect(stdout).toBe('')
    expect(stderr).toBe(
      `eventsets: In ${app.path('package.json')}: "./later.json" in "sets" is not there. Paths are read from ${app.folder}.\n`,
    )
  })
})

describe('what is read', () => {
  /** Writes down every file that is asked for, in whatever thread. */
  const spy = `
    import fs, { appendFileSync } from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    const note = (name, path) => appendFileSync(process.env.NOTES, name + ' ' + path + '\\n')
    const watch = (object, name) => {
      const original = object[name]
      object[name] = function (path, ...rest) {
        if (typeof path === 'string' || path instanceof URL) note(name, String(path))
        return original.call(this, path, ...rest)
      }
    }
    for (const name of ['readFileSync', 'openSync', 'readFile', 'open', 'createReadStream', 'readdirSync', 'readdir', 'opendirSync', 'opendir'])
      watch(fs, name)
    for (const name of ['readFile', 'open', 'readdir', 'opendir']) watch(fs.promises, name)
    syncBuiltinESMExports()`

  function filesRead(app: App, env: NodeJS.ProcessEnv = {}): readonly string[] {
    app.write({ 'spy.mjs': spy, notes: '' })
    const { stdout } = runModule(app, logging([done], eventsets({ hideObject: true })), {
      NODE_OPTIONS: `--import=${app.path('spy.mjs')}`,
      NOTES: app.path('notes'),
      ...env,
    })
    expect(stdout).toMatch(/paid\n$/)
    const notes = readFileSync(app.path('notes'), 'utf8').split('\n')
    const inside = notes.filter((note) => note.includes(app.folder))
    return inside
      .map((note) => note.replace(`${app.folder}/`, ''))
      .filter((note) => !note.includes('main.mjs'))
  }

  const direct = Array.from({ length: 30 }, (_, index) => `direct-${index}`)
  const transitive = Array.from({ length: 200 }, (_, index) => `transitive-${index}`)
  const packageOf = (name: string): Files => ({
    [`node_modules/${name}/package.json`]: {
      name,
      dependencies: Object.fromEntries(transitive.map((other) => [other, '1'])),
    },
  })

  it('is one package.json of each direct dependency, none of others, and the files of plugins', () => {
    const app = createService(
      { dependencies: Object.fromEntries(['billing', ...direct].map((name) => [name, '1'])) },
      ...direct.map(packageOf),
      ...transitive.map((name) => plugin(name)),
    )
    const read = filesRead(app)

    expect(read.filter((note) => note.endsWith('package.json')).toSorted()).toEqual(
      ['package.json', ...['billing', ...direct].map((name) => `node_modules/${name}/package.json`)]
        .map((path) => `openSync ${path}`)
        .toSorted(),
    )
    expect(read.filter((note) => note.includes('transitive'))).toEqual([])
    expect(read.filter((note) => note.includes('billing/sets'))).toEqual([
      'opendirSync node_modules/billing/sets',
      'openSync node_modules/billing/sets/own.json',
    ])
  })

  it('is no dependency at all without discovery', () => {
    const read = filesRead(createService(), { EVENTSETS_NO_DISCOVERY: '1' })

    expect(read.filter((note) => note.includes('node_modules'))).toEqual([])
  })

  it('does not include what a plugin could run', () => {
    const app = createService(
      {},
      { 'node_modules/billing/index.js': 'throw 1', 'node_modules/billing/main.js': '' },
    )
    const read = filesRead(app)

    expect(read.filter((note) => note.endsWith('.js'))).toEqual([])
    expect(existsSync(app.path('node_modules/billing/index.js'))).toBe(true)
  })
})

it('loads no module that discovery does not need where there is no configuration', () => {
  const app = createService({}, { 'unused.mjs': moduleOf({}) })
  const { stdout } = runModule(
    app,
    `import { createRequire } from 'node:module'
     import { discoverEventSets } from 'eventsets'
     await discoverEventSets()
     const files = Object.keys(createRequire(import.meta.url).cache)
     console.log(['cosmiconfig', 'fast-glob', 'js-yaml'].filter((name) => files.some((file) => file.includes('/' + name + '/'))).join())`,
  )

  expect(stdout).toBe('\n')
})

describe('what only the transport can judge in a configuration', () => {
  it('is left out and told, and the application logs on', () => {
    const wrong = { minimumLevel: 'wran', hideObject: true, destination: 'no/such/folder/app.log' }
    const { stdout, stderr, status } = runModule(
      createService({}, { '.eventsetsrc.json': wrong }),
      logging([done]),
    )

    expect(stdout).toBe('INFO: [💰] paid\n')
    expect(stderr).toContain('no level is called "wran"; did you mean "warn"?')
    expect(stderr).toContain('cannot open "no/such/folder/app.log" for writing')
    expect(status).toBe(0)
  })

  it('is a descriptor that is not open: lines go to standard output', () => {
    const service = createService({}, { '.eventsetsrc.json': { hideObject: true, destination: 77 } })
    const { stdout, stderr, status } = runModule(service, logging([done]))

    expect(stdout).toBe('INFO: [💰] paid\n')
    expect(stderr).toContain(
      'cannot write to file descriptor 77: the file descriptor is not open for writing (EBADF). Check the option "destination". Lines go to standard output.',
    )
    expect(status).toBe(0)
  })

  it('is told once where a value is wrong, and the default counts', () => {
    const wrong = { customColors: { info: 'bleu' }, levelKey: '', hideObject: true }
    const service = createService({}, { '.eventsetsrc.json': wrong })
    const { stdout, stderr, status } = runModule(service, logging([done]))

    expect(stdout).toBe('INFO: [💰] paid\n')
    expect(stderr.match(/no colour is called "bleu"; did you mean "blue"\?/g)).toHaveLength(1)
    expect(stderr).toContain('levelKey: the name of a key must not be empty')
    expect(status).toBe(0)
  })

  it('makes no file of a configured destination in a pipeline that goes on', () => {
    const app = createService({}, { '.eventsetsrc.json': { destination: 'mine.log' } })
    const { stdout } = runModule(app, logging([done], { pipeline: [eventsets(), { target: 'pino/file' }] }))

    expect(JSON.parse(stdout)).toMatchObject({ markers: ['💰'] })
    expect(existsSync(app.path('mine.log'))).toBe(false)
  })
})
