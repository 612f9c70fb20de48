import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import {
  type DiscoverOptions,
  type Discovery,
  discoverEventSets,
  type EventSet,
  EventSetRegistry,
  type Problem,
} from '../../src/index.ts'
import { type Finished, root, runProgram } from '../cli/run-cli.ts'

/** Files by their path: text and bytes as they are, everything else as JSON. */
export type Files = { readonly [path: string]: unknown }

export interface App {
  /** The real path: whoever looks at files sees them there. */
  readonly folder: string
  path(...segments: string[]): string
  write(files: Files): void
  /** Makes a symbolic link at `path` that says `target`. */
  link(path: string, target: string): void
  /** Asks what is found in it, with a registry of its own unless one is given. */
  discover(options?: DiscoverOptions): Promise<Discovered>
}

export interface Discovered extends Discovery {
  readonly registry: EventSetRegistry
  /** The names of the sets that are not built in, in their order. */
  readonly names: readonly string[]
}

/** An application in a folder of its own, gone when the test is over. */
export function createApp(...trees: readonly Files[]): App {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'eventsets-app-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = (...segments: string[]) => join(folder, ...segments)
  const place = (name: string) => {
    mkdirSync(dirname(path(name)), { recursive: true })
    return path(name)
  }
  const app: App = {
    folder,
    path,
    write(files) {
      for (const [name, content] of Object.entries(files)) {
        const isRaw = typeof content === 'string' || Buffer.isBuffer(content)
        writeFileSync(place(name), isRaw ? content : JSON.stringify(content))
      }
    },
    link(name, target) {
      symlinkSync(target, place(name))
    },
    async discover(options) {
      const registry = options?.registry ?? new EventSetRegistry()
      const discovery = await discoverEventSets({ cwd: folder, ...options, registry })
      const found = discovery.sets.filter(({ source }) => source.kind !== 'built-in')
      const problems = discovery.problems.map(withoutPlace)
      return { ...discovery, problems, registry, names: found.map(({ set }) => set.name) }
    },
  }
  for (const files of trees) app.write(files)
  return app
}

/** A problem without the place in the code that it comes from, which has a test of its own. */
function withoutPlace(problem: Problem): Problem {
  return { ...problem, message: problem.message.replace(/ \(\/[^\n():]+:\d+\)(?=\.$|$)/m, '') }
}

/** The package.json of an application with these dependencies, and what else it says. */
export function dependingOn(names: readonly string[], more: object = {}): Files {
  const dependencies = Object.fromEntries(names.map((name) => [name, '1.0.0']))
  return { 'package.json': { name: 'app', dependencies, ...more } }
}

export interface PluginFiles {
  /** The folder it stands in. */
  readonly at?: string
  /** What its package.json says beside its name and version. */
  readonly packageJson?: object
  /** Its files; one valid set named like the plugin unless given. */
  readonly files?: Files
}

/** An installed package that says that the files in its folder `sets` are event sets. */
export function plugin(name: string, { at, packageJson, files }: PluginFiles = {}): Files {
  const folder = at ?? `node_modules/${name}`
  const own = files ?? { 'sets/own.json': eventSet(name.replace(/^.*\//, '')) }
  return {
    [`${folder}/package.json`]: {
      name,
      version: '1.2.0',
      eventsets: { sets: ['./sets/*.json'] },
      ...packageJson,
    },
    ...Object.fromEntries(Object.entries(own).map(([path, content]) => [`${folder}/${path}`, content])),
  }
}

/** A set that shows `marker` where `<name>.status` is `done`. */
export function eventSet(name: string, marker = '💰'): EventSet {
  return {
    name,
    mappings: [{ name: 'status', visualMarkers: { done: marker } }],
    fieldMappings: [{ logKey: `${name}.status`, mapping: 'status' }],
  }
}

/** Text of a module that exports a value. */
export function moduleOf(value: unknown): string {
  return `export default ${JSON.stringify(value)}\n`
}

/** Puts pino and the built package into an application, as links to what the repository has. */
export function installEventsets(app: App, ...others: readonly string[]): void {
  app.link('node_modules/eventsets', root)
  for (const name of ['pino', ...others]) app.link(`node_modules/${name}`, join(root, 'node_modules', name))
}

/** Puts the built package itself into an application, as an installation does. What it depends on are links. */
export function copyEventsets(app: App): void {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  for (const name of ['dist', 'package.json'])
    cpSync(join(root, name), app.path('node_modules/eventsets', name), { recursive: true })
  for (const name of ['pino', ...Object.keys(dependencies)])
    app.link(`node_modules/${name}`, join(root, 'node_modules', name))
}

/** Runs text as a module of the application, in a process of its own. */
export function runModule(app: App, text: string, env: NodeJS.ProcessEnv = {}): Finished {
  app.write({ 'main.mjs': text })
  return runProgram(process.execPath, [app.path('main.mjs')], { cwd: app.folder, env })
}

/** A program that logs these records with pino, through the transport. */
export function logging(records: readonly object[], transport: object = { target: 'eventsets' }): string {
  return `
    import pino from 'pino'
    const logger = pino({ base: null, timestamp: false, transport: ${JSON.stringify(transport)} })
    for (const { msg, ...fields } of ${JSON.stringify(records)}) logger.info(fields, msg)\n`
}
