import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, lchownSync, mkdirSync, renameSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readFileText } from '../../src/discovery/file-text.ts'
import { createTrust } from '../../src/discovery/trust.ts'
import { runCli, runProgram } from '../cli/run-cli.ts'
import {
  type App,
  copyEventsets,
  createApp,
  dependingOn,
  eventSet,
  installEventsets,
  logging,
  moduleOf,
  plugin,
  runModule,
} from './fixture-app.ts'

/** Only root can give a file away, and only where files have owners can somebody else have one. */
const isRoot = process.getuid?.() === 0
const hasOwners = process.getuid !== undefined
const STRANGER = 12345

const line = '{"level":30,"mine":{"status":"done"},"msg":"paid"}\n'
const record = { mine: { status: 'done' }, msg: 'paid' }
const own = { 'own.mjs': moduleOf(eventSet('mine')) }
const naming = { 'package.json': { eventsets: { hideObject: true, plugins: ['./own.mjs'] } } }

describe.runIf(hasOwners)('the command', () => {
  it('runs a module that a configuration of its user names', () => {
    const { folder } = createApp(naming, own)

    expect(runCli([], { cwd: folder, input: line })).toMatchObject({
      stdout: 'INFO: [💰] paid\n',
      stderr: '',
      status: 0,
    })
  })

  it.each<[what: string, arrange: (app: App) => void, reason: RegExp]>([
    [
      'a module that everybody can change',
      (app) => chmodSync(app.path('own.mjs'), 0o666),
      /own\.mjs: it can be changed by everybody, so that it is not run\./,
    ],
    [
      'a module in a folder in which everybody can put another one in its place',
      (app) => chmodSync(app.folder, 0o777),
      /: ".*" can be changed by everybody, so that code is not run because of it\./,
    ],
    [
      'a module for a configuration that everybody can change',
      (app) => chmodSync(app.path('package.json'), 0o646),
      /package\.json: it can be changed by everybody, so that code is not run because of it\./,
    ],
  ])('does not run %s, and shows the log', (_, arrange, reason) => {
    const app = createApp(naming, own)
    arrange(app)
    const { stdout, stderr, status } = runCli([], { cwd: app.folder, input: line })

    expect(stdout).toBe('INFO: paid\n')
    expect(stderr).toMatch(reason)
    expect(status).toBe(2)
  })

  it('runs a module of its user in a folder where everybody may add files', () => {
    const app = createApp(naming, own)
    chmodSync(app.folder, 0o1777)

    expect(runCli([], { cwd: app.folder, input: line }).stdout).toBe('INFO: [💰] paid\n')
  })

  it.runIf(isRoot).each<[what: string, arrange: (app: App) => void]>([
    ['a module of another user', (app) => chownSync(app.path('own.mjs'), STRANGER, STRANGER)],
    [
      'a module behind a link of another user',
      (app) => {
        app.write({ 'elsewhere/own.mjs': own['own.mjs'] })
        execFileSync('ln', ['-sf', 'elsewhere/own.mjs', app.path('own.mjs')])
        lchownSync(app.path('own.mjs'), STRANGER, STRANGER)
      },
    ],
    [
      'a module behind a folder that is a link of another user',
      (app) => {
        app.write({
          'package.json': { eventsets: { hideObject: true, plugins: ['./link/own.mjs'] } },
          'elsewhere/own.mjs': own['own.mjs'],
        })
        app.link('link', 'elsewhere')
        lchownSync(app.path('link'), STRANGER, STRANGER)
      },
    ],
    [
      'a module of a package of another user',
      (app) => {
        app.write({
          ...dependingOn(['coded'], { eventsets: { hideObject: true, plugins: ['coded'] } }),
          ...plugin('coded', {
            packageJson: { eventsets: { module: './own.mjs' } },
            files: own,
          }),
        })
        chownSync(app.path('node_modules/coded/own.mjs'), STRANGER, STRANGER)
      },
    ],
  ])('does not run %s', (_, arrange) => {
    const app = createApp(naming, own)
    arrange(app)
    const { stdout, stderr, status } = runCli([], { cwd: app.folder, input: line })

    expect(stdout).toBe('INFO: paid\n')
    expect(stderr).toMatch(/belongs to another user \(with the id 12345\), so that it is not run\./)
    expect(status).toBe(2)
  })

  it.runIf(isRoot)('runs modules of the owner of a configuration that is named, and of nobody else', () => {
    const app = createApp(own, {
      'named.json': { hideObject: true, plugins: ['./own.mjs', './third.mjs'] },
      'third.mjs': moduleOf(eventSet('third')),
    })
    chownSync(app.path('named.json'), STRANGER, STRANGER)
    chownSync(app.path('own.mjs'), STRANGER, STRANGER)
    chownSync(app.path('third.mjs'), STRANGER + 1, STRANGER + 1)
    const { stdout, stderr } = runCli(['--config', 'named.json'], { cwd: app.folder, input: line })

    expect(stdout).toBe('INFO: [💰] paid\n')
    expect(stderr).toContain('third.mjs: it belongs to another user')
    expect(stderr).not.toContain('own.mjs')
  })
})

describe.runIf(hasOwners)('the transport', () => {
  it.each(['eventsets.config.json', '.eventsetsrc', 'eventsets.config.mjs'])(
    'takes nothing from %s that everybody can change, says so, and logs on',
    (name) => {
      const settings = JSON.stringify({ destination: './stolen.log', hideObject: true })
      const app = createApp(dependingOn([]), {
        [name]: name.endsWith('.mjs') ? `export default ${settings}` : settings,
      })
      installEventsets(app)
      chmodSync(app.path(name), 0o666)
      const { stdout, stderr, status } = runModule(app, logging([record]))

      expect(stdout).toContain('paid\n    mine: {')
      expect(stderr).toContain(`${name}: it can be changed by everybody, so that it does not count. `)
      expect(stderr).toContain('EVENTSETS_CONFIG')
      expect(status).toBe(0)
    },
  )

  it('takes a configuration that everybody can change where the code names it', () => {
    const app = createApp(dependingOn([]), { 'log.json': { hideObject: true } })
    installEventsets(app)
    chmodSync(app.path('log.json'), 0o666)
    const transport = { target: 'eventsets', options: { config: './log.json' } }

    expect(runModule(app, logging([record], transport))).toMatchObject({
      stdout: 'INFO: paid\n',
      stderr: '',
    })
  })

  it.runIf(isRoot)('takes nothing from a folder above that belongs to somebody else', () => {
    const app = createApp({
      'package.json': { dependencies: { evil: '1' }, eventsets: { destination: './stolen.log' } },
      ...plugin('evil', { files: { 'sets/mine.json': eventSet('mine', '😈') } }),
    })
    installEventsets(app)
    chownSync(app.path('package.json'), STRANGER, STRANGER)
    mkdirSync(app.path('inside'))
    app.write({ 'main.mjs': logging([record]) })
    const { stdout, stderr, status } = runProgram(process.execPath, [app.path('main.mjs')], {
      cwd: app.path('inside'),
    })

    expect(stdout).toMatch(/INFO: paid\n/)
    expect(stderr).toContain('package.json: it belongs to another user (with the id 12345), so that it does')
    expect(status).toBe(0)
  })

  it.runIf(isRoot)('takes what belongs to the owner of the code that runs, as in a container', () => {
    const app = createService()
    chownAll(app, STRANGER)
    const { stdout, stderr } = runModule(app, logging([record]))

    expect([stdout, stderr]).toEqual(['INFO: [💰] paid\n', ''])
  })

  it.runIf(isRoot)('takes what belongs to the owner of a package.json beside packages of root', () => {
    const app = createService()
    for (const file of ['package.json', 'own.mjs', 'eventsets.config.json'])
      chownSync(app.path(file), STRANGER, STRANGER)
    const { stdout, stderr } = runModule(app, logging([record]))

    expect([stdout, stderr]).toEqual(['INFO: [💰] paid\n', ''])
  })

  it.runIf(isRoot)('takes nothing of a third user in such an application', () => {
    const app = createService()
    chownAll(app, STRANGER)
    chownSync(app.path('own.mjs'), STRANGER + 1, STRANGER + 1)
    const { stdout, stderr } = runModule(app, logging([record]))

    expect(stdout).toBe('INFO: paid\n')
    expect(stderr).toContain(
      'own.mjs: it belongs to another user (with the id 12346), so that it is not run.',
    )
  })
})

/** An application with a configuration in which the built package stands, and is not a link to it. */
function createService(): App {
  const app = createApp(dependingOn([]), own, {
    'eventsets.config.json': { hideObject: true, plugins: ['./own.mjs'] },
  })
  copyEventsets(app)
  return app
}

function chownAll(app: App, id: number): void {
  execFileSync('chown', ['-R', '-h', `${id}:${id}`, app.folder])
}

describe.runIf(hasOwners)('a file that has been read', () => {
  it('counts as long as it is the one that stands there', () => {
    const app = createApp({ 'package.json': {}, 'other.json': {} })
    const read = readFileText(app.path('package.json'), 1000)
    const trust = createTrust('application', undefined)
    const judge = () =>
      trust.findDistrust(app.path('package.json'), read.kind === 'text' ? { identity: read.identity } : {})

    expect(judge()).toBeUndefined()
    renameSync(app.path('other.json'), app.path('package.json'))
    expect(judge()).toBe('it has just been replaced')
  })
})
