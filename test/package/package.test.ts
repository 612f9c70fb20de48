import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installPackage, type Project, root } from './installed-package.ts'

let project: Project
let installed: string

beforeAll(() => {
  project = installPackage()
  installed = join(project.folder, 'node_modules/eventsets')
})
afterAll(() => project?.remove())

const REQUEST = `{ req: { method: 'GET', url: '/' }, res: { statusCode: 200 } }, 'request completed'`
const MARKED = '[📥][✅] request completed'

describe('imported', () => {
  test('it gives its names to an ES module', () => {
    const { stdout, stderr } = project.runNode(
      'names.mjs',
      `import transport, { getRegistry, NotFoundError } from 'eventsets'
       console.log(typeof transport, NotFoundError.name, getRegistry().listEventSets().map((set) => set.name).sort().join())`,
    )

    expect(stderr).toBe('')
    expect(stdout).toBe('function NotFoundError database,http,system\n')
  })

  // Node 22.12 alone warns that this is experimental, and 22.0 to 22.11 cannot do it.
  test('it gives them to CommonJS by require, without a warning', () => {
    const { stdout, stderr } = project.runNode(
      'names.cjs',
      `const { default: transport, getRegistry, NotFoundError } = require('eventsets')
       console.log(typeof transport, NotFoundError.name, getRegistry().listEventSets().map((set) => set.name).sort().join())`,
    )

    expect(stderr).toBe('')
    expect(stdout).toBe('function NotFoundError database,http,system\n')
  })

  test('it is one instance for both', () => {
    const { stdout } = project.runNode(
      'both.mjs',
      `import { createRequire } from 'node:module'
       import { getRegistry } from 'eventsets'
       console.log(createRequire(import.meta.url)('eventsets').getRegistry() === getRegistry())`,
    )

    expect(stdout).toBe('true\n')
  })

  test('it does not load pino or what writes to files until they are wanted, and pino-pretty never', () => {
    const { stdout } = project.runNode(
      'lazy.mjs',
      `import { createRequire } from 'node:module'
       const { cache } = createRequire(import.meta.url)
       const loaded = () => ['pino', 'pino-pretty', 'sonic-boom', 'thread-stream'].filter((name) =>
         Object.keys(cache).some((file) => file.replaceAll('\\\\', '/').includes('/node_modules/' + name + '/')))
       await import('eventsets')
       console.log('eventsets', loaded().join())
       await import('eventsets/pretty')
       console.log('pretty', loaded().join())`,
    )

    expect(stdout).toBe('eventsets \npretty sonic-boom\n')
  })
})

describe('as a transport', () => {
  test('it marks the lines of an ES module', () => {
    const { stdout, stderr, status } = project.runNode(
      'app.mjs',
      `import pino from 'pino'
       pino({ transport: { target: 'eventsets' } }).info(${REQUEST})`,
    )

    expect(stdout).toContain(MARKED)
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })

  test('it marks the lines of a CommonJS application', () => {
    const { stdout, stderr, status } = project.runNode(
      'app.cjs',
      `const pino = require('pino')
       pino({ transport: { target: 'eventsets', options: { output: 'json' } } }).info(${REQUEST})`,
    )

    expect(JSON.parse(stdout)).toMatchObject({ msg: 'request completed', markers: ['📥', '✅'] })
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })

  test('it works in a pipeline', () => {
    const { stdout, stderr } = project.runNode(
      'pipeline.cjs',
      `const pino = require('pino')
       pino({ transport: { pipeline: [{ target: 'eventsets' }, { target: 'pino/file' }] } }).info(${REQUEST})`,
    )

    expect(JSON.parse(stdout)).toMatchObject({ msg: 'request completed', markers: ['📥', '✅'] })
    expect(stderr).toBe('')
  })

  test('it refuses wrong options with a message that reaches the application', () => {
    const { stderr, status } = project.runNode(
      'wrong.cjs',
      `const pino = require('pino')
       pino({ transport: { target: 'eventsets', options: { ouput: 'json' } } }).info('hello')`,
    )

    expect(stderr).toContain('did you mean "output"?')
    expect(status).not.toBe(0)
  })
})

describe('its subpaths', () => {
  test('eventsets/pino marks lines in process', () => {
    const { stdout, stderr } = project.runNode(
      'stream.mjs',
      `import pino from 'pino'
       import { eventsetsStream } from 'eventsets/pino'
       pino(eventsetsStream()).info(${REQUEST})`,
    )

    expect(stdout).toContain(MARKED)
    expect(stderr).toBe('')
  })

  test('eventsets/pretty renders a record', () => {
    const { stdout } = project.runNode(
      'pretty.cjs',
      `const { createRenderer } = require('eventsets/pretty')
       process.stdout.write(createRenderer({ colorize: false })({ level: 30, msg: 'hello' }, ['✅']))`,
    )

    expect(stdout).toBe('INFO: [✅] hello\n')
  })

  test('eventsets/pretty is a function with everything on it, as pino-pretty is', () => {
    const { stdout } = project.runNode(
      'drop-in.cjs',
      `const pretty = require('eventsets/pretty')
       import('eventsets/pretty').then((module) => {
         const missing = Object.keys(module).filter((name) => name !== 'module.exports' && !(name in pretty))
         console.log(typeof pretty, missing.join())
         pretty({ colorize: false, destination: 1 }).end('{"level":30,"msg":"hello"}\\n')
       })`,
    )

    expect(stdout).toBe('function \nINFO: hello\n')
  })

  test('eventsets/sets/*.json and eventsets/schema.json are data', () => {
    const { stdout } = project.runNode(
      'data.cjs',
      `const { parseEventSet } = require('eventsets')
       const schema = require('eventsets/schema.json')
       console.log(parseEventSet(require('eventsets/sets/http.json')).success, schema.properties.name.type)`,
    )

    expect(stdout).toBe('true string\n')
  })

  test('every one leads to a file that is in the package', () => {
    const { exports } = readManifest()
    const targets = Object.values(exports).flatMap((entry) =>
      typeof entry === 'string' ? [entry] : Object.values(entry),
    )
    const missing = targets.filter((target) => {
      const folder = join(installed, target.split('*')[0] as string)
      return target.includes('*') ? readdirSync(folder).length === 0 : !existsSync(folder)
    })

    expect(targets.length).toBeGreaterThan(5)
    expect(missing).toEqual([])
  })

  test('every one can be resolved by import and by require', () => {
    const specifiers = Object.keys(readManifest().exports).map((key) =>
      join('eventsets', key.replace('*', 'http.json')).replaceAll('\\', '/'),
    )
    const { stdout, stderr } = project.runNode(
      'resolve.mjs',
      `import { createRequire } from 'node:module'
       import { pathToFileURL } from 'node:url'
       const require = createRequire(import.meta.url)
       for (const specifier of ${JSON.stringify(specifiers)}) {
         const isSame = import.meta.resolve(specifier) === pathToFileURL(require.resolve(specifier)).href
         console.log(specifier, isSame)
       }`,
    )

    expect(stderr).toBe('')
    expect(stdout).toBe(specifiers.map((specifier) => `${specifier} true\n`).join(''))
  })
})

describe('the command', () => {
  const record = '{"level":30,"time":1700000000000,"res":{"statusCode":500},"msg":"request errored"}\n'

  test('it says its version', () => {
    const { stdout, status } = project.run('npx', ['--no-install', 'eventsets', '--version'])

    expect(stdout.trim()).toBe(readManifest().version)
    expect(status).toBe(0)
  })

  test('it marks a log that is piped into it', () => {
    const { stdout, stderr, status } = project.run(
      join(project.folder, 'node_modules/.bin/eventsets'),
      [],
      record,
    )

    expect(stdout).toContain('[🔥] request errored')
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })
})

describe('its types', () => {
  const typescript = `
import transport, { defineEventSet, type EventSet, getRegistry, ValidationError } from 'eventsets'
import { eventsetsStream, type TransportOptions } from 'eventsets/pino'
import { createRenderer, type Render } from 'eventsets/pretty'
import schema from 'eventsets/schema.json' with { type: 'json' }
import pino from 'pino'

const set: EventSet = defineEventSet({
  name: 'payment',
  mappings: [{ name: 'status', visualMarkers: { completed: '💰' }, ranges: { low: [null, 10] } }],
  fieldMappings: [{ logKey: 'payment.status', mapping: 'status' }],
})
const options: TransportOptions = { output: 'json', destination: 'app.log', mkdir: true, sets: [set] }
const render: Render = createRenderer({ singleLine: true })
getRegistry().registerEventSet(set, { override: true })
pino({ transport: { target: 'eventsets', options } }).info('hello')
pino(eventsetsStream({ registry: getRegistry() })).info('hello')
export const results = [transport, schema.$id, render({ msg: 'hello' }, ['💰']), ValidationError]

// @ts-expect-error There is no such output.
export const wrong: TransportOptions = { output: 'xml' }
`
  const config = (options: object) =>
    JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2022',
        strict: true,
        skipLibCheck: false,
        noEmit: true,
        resolveJsonModule: true,
        types: ['node'],
        typeRoots: [join(root, 'node_modules/@types')],
        ...options,
      },
      files: ['consumer.mts', 'consumer.cts'],
    })

  test.each([
    { title: 'strict', options: {} },
    {
      title: 'stricter',
      options: {
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        verbatimModuleSyntax: true,
      },
    },
  ])('they check, the libraries included, for a project that is $title', ({ options }) => {
    project.write('consumer.mts', typescript)
    project.write(
      'consumer.cts',
      `import eventsets = require('eventsets')
       const names: readonly string[] = eventsets.getRegistry().listEventSets().map((set) => set.name)
       export = names`,
    )
    project.write('tsconfig.json', config(options))

    const { stdout, status } = project.run(process.execPath, [
      join(root, 'node_modules/typescript/bin/tsc'),
      '-p',
      project.folder,
    ])

    expect(stdout).toBe('')
    expect(status).toBe(0)
  })
})

describe('its files', () => {
  test('none imports anything from outside dist', () => {
    const outside = listFiles(join(installed, 'dist')).flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith('.'))
        .filter((specifier) =>
          relative(join(installed, 'dist'), resolve(dirname(file), specifier)).startsWith('..'),
        )
        .map((specifier) => `${relative(installed, file)}: ${specifier}`),
    )

    expect(outside).toEqual([])
  })

  test('none imports a package that is not installed with it', () => {
    const { dependencies, peerDependencies } = readManifest()
    const imported = new Set(
      listFiles(join(installed, 'dist'))
        .flatMap(importsOf)
        .filter((specifier) => !/^(?:\.|node:)/.test(specifier))
        .map((specifier) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] as string),
    )

    const known = [...Object.keys(dependencies), ...Object.keys(peerDependencies)]
    expect(imported.size).toBeGreaterThan(5)
    expect([...imported].filter((name) => !known.includes(name))).toEqual([])
  })

  test('no library entry looks for a file of its own at run time', () => {
    const { exports } = readManifest()
    // What is for tests is not bundled into applications.
    const entries = Object.entries(exports).flatMap(([subpath, entry]) =>
      typeof entry === 'string' || subpath === './testing' ? [] : [join(installed, entry.default as string)],
    )
    const reachable = new Set<string>()
    const visit = (file: string) => {
      if (reachable.has(file)) return
      reachable.add(file)
      for (const specifier of importsOf(file)) {
        if (specifier.startsWith('.')) visit(resolve(dirname(file), specifier))
      }
    }
    entries.forEach(visit)

    const asking = [...reachable].filter((file) =>
      /new URL\([^)]*import\.meta|__dirname|__filename|createRequire/.test(readFileSync(file, 'utf8')),
    )

    expect(reachable.size).toBeGreaterThan(5)
    expect(asking.map((file) => relative(installed, file).replaceAll(sep, '/'))).toEqual([])
  })
})

interface Manifest {
  readonly version: string
  readonly peerDependencies: Record<string, string>
  readonly dependencies: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
}

function readManifest(): Manifest {
  return JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest
}

/** Programs and declarations. */
function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:js|ts)$/.test(name))
    .map((name) => join(folder, name))
}

/** What a file imports, statically or later. */
function importsOf(file: string): string[] {
  return [
    ...readFileSync(file, 'utf8').matchAll(/^(?! *\*).*?(?:\bfrom|\bimport) ?\(?["']([^"'\\\s]+)["']/gm),
  ].map(([, specifier]) => specifier as string)
}
