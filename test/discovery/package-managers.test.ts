import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { discoverEventSets, type EventSet, EventSetRegistry } from '../../src/index.ts'
import { cleanEnv, root } from '../cli/run-cli.ts'
import { eventSet, logging, moduleOf } from './fixture-app.ts'
import { type LocalRegistry, startRegistry } from './local-registry.ts'

// Real package managers, each with its caches in a folder of this test. What they install comes from a registry on
// this machine that has what the repository has installed: no network is needed, and nobody's settings are touched.

const PNPM = join(root, 'node_modules/pnpm/bin/pnpm.cjs')
const YARN = join(root, 'node_modules/@yarnpkg/cli-dist/bin/yarn.js')

let registry: LocalRegistry
let home: string

beforeAll(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'eventsets-managers-')))
  registry = await startRegistry()
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { stdout } = await run('npm', [
    'pack',
    '--json',
    '--ignore-scripts',
    '--pack-destination',
    home,
    root,
  ])
  registry.publishTarball(readFileSync(join(home, JSON.parse(stdout)[0].filename)), own)
  await registry.publishInstalled(['pino', ...Object.keys(own.dependencies)], root)
  await registry.publish(
    pluginPackage('@acme/billing', eventSet('billing', '💰'), { exports: { '.': './index.js' } }),
  )
  await registry.publish(pluginPackage('dev-markers', eventSet('dev', '🔧')))
  await registry.publish(pluginPackage('transitive-markers', eventSet('transitive', '👻')))
  await registry.publish(pluginPackage('other-markers', eventSet('other', '🎭')))
  await registry.publish(packageFiles('framework', { dependencies: { 'transitive-markers': '^1.0.0' } }))
  await registry.publish({
    ...packageFiles('coded-markers', { type: 'module', eventsets: { module: './module.js' } }),
    'module.js': moduleOf(eventSet('coded', '🧩')),
  })
})

afterAll(async () => {
  await registry?.close()
  if (home !== undefined) rmSync(home, { recursive: true, force: true })
})

/** All that an application can have to do with plugins. */
const manifest = {
  name: 'app',
  private: true,
  dependencies: {
    '@acme/billing': '^1.0.0',
    'coded-markers': '^1.0.0',
    eventsets: '*',
    framework: '^1.0.0',
    pino: '*',
    'renamed-markers': 'npm:other-markers@^1.0.0',
  },
  devDependencies: { 'dev-markers': '^1.0.0' },
  eventsets: { hideObject: true, plugins: ['coded-markers'] },
}
const names = ['billing', 'coded', 'dev', 'other', 'transitive']
const record = Object.fromEntries(names.map((name) => [name, { status: 'done' }]))
const app = logging([{ ...record, msg: 'found' }])

/** In the order of packages: first those that are found, then those that are named. */
const LINE = 'INFO: [💰][🔧][🎭][🧩] found\n'
const LINE_IN_PRODUCTION = 'INFO: [💰][🎭][🧩] found\n'

describe('plugins are found where they are installed by', () => {
  it('npm, and in production without those for development', async () => {
    const folder = project({ 'package.json': manifest, 'app.mjs': app })
    await npm(folder, 'install')

    expect(await node(folder, 'app.mjs')).toEqual({ stdout: LINE, stderr: '' })

    await npm(folder, 'install', '--omit=dev')

    expect(await node(folder, 'app.mjs')).toEqual({ stdout: LINE_IN_PRODUCTION, stderr: '' })
  })

  it('npm in a workspace, hoisted and linked', async () => {
    const folder = project({
      'package.json': {
        name: 'root',
        private: true,
        workspaces: ['packages/*'],
        dependencies: { framework: '*' },
      },
      'packages/app/package.json': {
        ...manifest,
        dependencies: { ...manifest.dependencies, '@local/markers': '*' },
      },
      'packages/app/app.mjs': logging([{ ...record, local: { status: 'done' }, msg: 'found' }]),
      ...prefixed('packages/markers', pluginPackage('@local/markers', eventSet('local', '🏠'))),
    })
    await npm(folder, 'install')

    expect(await node(join(folder, 'packages/app'), 'app.mjs')).toEqual({
      stdout: 'INFO: [💰][🏠][🔧][🎭][🧩] found\n',
      stderr: '',
    })
  })

  it('pnpm, which links packages and hoists none', async () => {
    const folder = project({ 'package.json': manifest, 'app.mjs': app })
    await pnpm(folder, 'install', '--no-frozen-lockfile')

    expect(await node(folder, 'app.mjs')).toEqual({ stdout: LINE, stderr: '' })
    // Started from somewhere else, the application is where eventsets is installed.
    expect(await node(home, join(folder, 'app.mjs'))).toEqual({ stdout: LINE, stderr: '' })

    await pnpm(folder, 'install', '--prod')

    expect(await node(folder, 'app.mjs')).toEqual({ stdout: LINE_IN_PRODUCTION, stderr: '' })
  })

  it('pnpm in a workspace', async () => {
    const folder = project({
      'package.json': { name: 'root', private: true },
      'pnpm-workspace.yaml': 'packages: ["packages/*"]\n',
      'packages/app/package.json': {
        ...manifest,
        dependencies: { ...manifest.dependencies, '@local/markers': 'workspace:*' },
      },
      'packages/app/app.mjs': logging([{ ...record, local: { status: 'done' }, msg: 'found' }]),
      ...prefixed('packages/markers', pluginPackage('@local/markers', eventSet('local', '🏠'))),
    })
    await pnpm(folder, 'install', '--no-frozen-lockfile')

    expect(await node(join(folder, 'packages/app'), 'app.mjs')).toEqual({
      stdout: 'INFO: [💰][🏠][🔧][🎭][🧩] found\n',
      stderr: '',
    })
  })

  it("Yarn Plug'n'Play, in a process that Yarn has started; another one says why it finds none", async () => {
    const folder = project({ 'package.json': manifest, 'app.mjs': app, 'packages/.keep': '' })
    await yarn(folder, 'pnp', 'install')

    expect(await yarn(folder, 'pnp', 'node', 'app.mjs')).toEqual({ stdout: LINE, stderr: '' })

    const { sets } = JSON.parse((await yarn(folder, 'pnp', 'eventsets', 'list', '--strict', '--json')).stdout)
    const sources = sets.map(({ source }: { source: { package?: string } }) => source.package)

    expect(sources).toEqual(expect.arrayContaining(['@acme/billing', 'coded-markers', 'dev-markers']))

    const found = await discoverEventSets({ cwd: folder, registry: new EventSetRegistry() })

    expect(found.sets.map(({ source }) => source.kind)).toEqual(['built-in', 'built-in', 'built-in'])
    expect(found.problems.map(({ code, message, hint }) => [code, message, hint])).toEqual([
      [
        'EVENTSETS_PLUGIN_NOT_FOUND',
        `In ${join(folder, 'package.json')}: its packages are installed with Yarn Plug'n'Play, which is not active, so no plugins are found.`,
        'Start it through Yarn: "yarn node app.js", "yarn eventsets".',
      ],
      [
        'EVENTSETS_PLUGIN_NOT_FOUND',
        `In ${join(folder, 'package.json')}: the plugin "coded-markers" is not installed.`,
        'Yarn knows where it is: start the application with "yarn node".',
      ],
    ])
  })

  it("Yarn Plug'n'Play in a workspace, linked", async () => {
    const folder = project({
      'package.json': { name: 'root', private: true, workspaces: ['packages/*'] },
      'packages/app/package.json': {
        ...manifest,
        dependencies: { ...manifest.dependencies, '@local/markers': 'workspace:*' },
      },
      'packages/app/app.mjs': logging([{ ...record, local: { status: 'done' }, msg: 'found' }]),
      ...prefixed('packages/markers', pluginPackage('@local/markers', eventSet('local', '🏠'))),
    })
    await yarn(folder, 'pnp', 'install')
    const workspace = join(folder, 'packages/app')

    expect(await yarn(workspace, 'pnp', 'node', 'app.mjs')).toEqual({
      stdout: 'INFO: [💰][🏠][🔧][🎭][🧩] found\n',
      stderr: '',
    })
    expect(
      (await discoverEventSets({ cwd: workspace, registry: new EventSetRegistry() })).problems[0]?.message,
    ).toContain("its packages are installed with Yarn Plug'n'Play, which is not active")
  })

  it('Yarn with node_modules', async () => {
    const folder = project({ 'package.json': manifest, 'app.mjs': app })
    await yarn(folder, 'node-modules', 'install')

    expect(await node(folder, 'app.mjs')).toEqual({ stdout: LINE, stderr: '' })
  })
})

function packageFiles(name: string, more: object): Record<string, string> {
  return { 'package.json': JSON.stringify({ name, version: '1.0.0', ...more }), 'index.js': '' }
}

function pluginPackage(name: string, set: EventSet, more: object = {}): Record<string, string> {
  return {
    ...packageFiles(name, {
      keywords: ['eventsets-plugin'],
      eventsets: { sets: ['./sets/*.json'] },
      ...more,
    }),
    'sets/own.json': JSON.stringify(set),
  }
}

function prefixed(folder: string, files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]))
}

function project(files: { readonly [path: string]: unknown }): string {
  const folder = realpathSync(mkdtempSync(join(home, 'project-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return folder
}

interface Output {
  readonly stdout: string
  readonly stderr: string
}

function node(cwd: string, ...args: readonly string[]): Promise<Output> {
  return run(process.execPath, args, cwd)
}

function npm(cwd: string, ...args: readonly string[]): Promise<Output> {
  const settings = ['--registry', registry.url, '--cache', join(home, 'npm'), '--no-audit', '--no-fund']
  return run('npm', [...args, ...settings, '--ignore-scripts'], cwd)
}

function pnpm(cwd: string, ...args: readonly string[]): Promise<Output> {
  const settings = [
    ...['--registry', registry.url],
    ...['--store-dir', join(home, 'pnpm-store'), '--cache-dir', join(home, 'pnpm-cache')],
  ]
  return run(process.execPath, [PNPM, ...args, ...settings, '--ignore-scripts'], cwd)
}

function yarn(cwd: string, linker: 'pnp' | 'node-modules', ...args: readonly string[]): Promise<Output> {
  return run(process.execPath, [YARN, ...args], cwd, {
    YARN_NODE_LINKER: linker,
    YARN_NPM_REGISTRY_SERVER: registry.url,
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    YARN_GLOBAL_FOLDER: join(home, 'yarn'),
    YARN_ENABLE_TELEMETRY: '0',
    YARN_ENABLE_SCRIPTS: '0',
    YARN_ENABLE_IMMUTABLE_INSTALLS: '0',
  })
}

/** Waits without holding up the registry, which answers in this thread. */
function run(
  program: string,
  args: readonly string[],
  cwd = home,
  env: NodeJS.ProcessEnv = {},
): Promise<Output> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, env: cleanEnv({ HOME: home, ...env }) }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stdout}\n${stderr}`))
      else resolve({ stdout, stderr })
    })
  })
}
