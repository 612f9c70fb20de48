import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCli, temporaryFolder } from './run-cli.ts'

const billing = {
  name: 'billing',
  description: 'Bills',
  mappings: [{ name: 'state', visualMarkers: { paid: '💰', open: '⏳' } }],
  fieldMappings: [{ logKey: 'bill.state', aliases: ['status'], mapping: 'state' }],
}

/** An application whose only dependency is a plugin, with further files: values as they are, text literally. */
function application(files: { readonly [name: string]: unknown } = {}): string {
  const folder = temporaryFolder()
  const all = {
    'package.json': { name: 'app', dependencies: { '@acme/billing': '1' } },
    'node_modules/@acme/billing/package.json': {
      name: '@acme/billing',
      version: '1.2.0',
      eventsets: { sets: ['./sets/*.json'] },
    },
    'node_modules/@acme/billing/sets/billing.json': billing,
    ...files,
  }
  for (const [name, content] of Object.entries(all)) {
    const file = join(folder, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  }
  return folder
}

const line = '{"level":30,"bill":{"state":"paid"},"msg":"bill 7"}\n'
const broken = { 'node_modules/@acme/billing/sets/other.json': '{ "name": "other", }' }

describe('the view', () => {
  it('shows the markers of a plugin among the dependencies', () => {
    const { stdout, stderr, status } = runCli(['-H'], { cwd: application(), input: line })

    expect([stdout, stderr, status]).toEqual(['INFO: [💰] bill 7\n', '', 0])
  })

  it.each([
    { args: ['--no-discovery'], env: {} },
    { args: [], env: { EVENTSETS_NO_DISCOVERY: '1' } },
  ])('leaves plugins out with $args $env', ({ args, env }) => {
    const { stdout } = runCli(['-H', ...args], { cwd: application(), input: line, env })

    expect(stdout).toBe('INFO: bill 7\n')
  })

  it('shows the log although a plugin is broken, and says where to look', () => {
    const { stdout, stderr, status } = runCli(['-H'], { cwd: application(broken), input: line })

    expect(stdout).toBe('INFO: [💰] bill 7\n')
    expect(stderr).toBe('eventsets: 1 problem with plugins; "eventsets list" tells what is wrong.\n')
    expect(status).toBe(0)
  })

  it('takes the options of the configuration for defaults, but for those that say where output goes', () => {
    const config = { hideObject: true, output: 'json', destination: 'app.log', markerStyle: 'plain' }
    const cwd = application({ 'eventsets.config.json': config })

    expect(runCli([], { cwd, input: line }).stdout).toBe('INFO: 💰 bill 7\n')
    expect(runCli(['--marker-style', 'brackets'], { cwd, input: line }).stdout).toBe('INFO: [💰] bill 7\n')
    expect(runCli(['--no-config'], { cwd, input: line }).stdout).toContain('"state": "paid"')
  })

  it('shows the log with what is valid in a wrong configuration, tells what is not, and fails', () => {
    const cwd = application({ 'eventsets.config.json': { hideObject: true, markrs: 'none' } })
    const { stdout, stderr, status } = runCli([], { cwd, input: line })

    expect(stdout).toBe('INFO: [💰] bill 7\n')
    expect(stderr).toContain('eventsets.config.json: the configuration is not valid:\n')
    expect(stderr).toContain('markrs: is not a known key; did you mean "markers"?')
    expect(status).toBe(2)
  })

  it.each([
    [{ minimumLevel: 'wran' }, 'minimumLevel: no level is called "wran"; did you mean "warn"?'],
    [{ customColors: 'info:bleu' }, 'customColors: no colour is called "bleu"; did you mean "blue"?'],
    [{ customColors: { info: 'bleu' } }, 'customColors: no colour is called "bleu"; did you mean "blue"?'],
    [{ customLevels: 'audit' }, 'customLevels: "audit" is not a name and a number, such as "audit:35"'],
    [{ levelKey: '' }, 'levelKey: the name of a key must not be empty'],
    [{ messageKey: '' }, 'messageKey: the name of a key must not be empty'],
    [{ translateTime: '' }, 'translateTime: must not be empty; leave it out to have the default'],
  ])('shows the log with the default in the place of a wrong value: %j', (wrong, told) => {
    const cwd = application({ 'eventsets.config.json': { ...wrong, hideObject: true } })
    const { stdout, stderr, status } = runCli([], { cwd, input: line })

    expect(stdout).toBe('INFO: [💰] bill 7\n')
    expect(stderr.split('\n').filter((text) => text.trim() === told)).toHaveLength(1)
    expect(status).toBe(2)
  })

  it('takes a flag in the place of a value that is wrong in the configuration', () => {
    const cwd = application({ 'eventsets.config.json': { minimumLevel: 'wran', hideObject: true } })
    const { stdout, stderr, status } = runCli(['-L', 'debug'], { cwd, input: line })

    expect([stdout, stderr, status]).toEqual(['INFO: [💰] bill 7\n', '', 0])
  })

  it.each([
    [['--minimum-level', 'wran'], '--minimum-level: no level is called "wran"'],
    [['--custom-colors', 'info:bleu'], '--custom-colors: no colour is called "bleu"'],
    [['--level-key', ''], '--level-key: the name of a key must not be empty'],
  ])('shows nothing where a flag is wrong: %j', (argv, told) => {
    const { stdout, stderr, status } = runCli(argv, { cwd: application(), input: line })

    expect(stdout).toBe('')
    expect(stderr).toContain(told)
    expect(status).toBe(2)
  })

  it.each(['--config', 'EVENTSETS_CONFIG'])('reads the configuration that %s names', (how) => {
    const cwd = application({ 'conf/log.yaml': 'hideObject: true\n' })
    const named =
      how === '--config'
        ? runCli(['--config', 'conf/log.yaml'], { cwd, input: line })
        : runCli([], { cwd, input: line, env: { EVENTSETS_CONFIG: 'conf/log.yaml' } })

    expect(named.stdout).toBe('INFO: [💰] bill 7\n')
  })

  // Only root can give a file away.
  it.runIf(process.getuid?.() === 0)('runs no code for a configuration of somebody else', () => {
    const code = "process.stdout.write('run'); export default { hideObject: true }"
    const cwd = application({ 'eventsets.config.mjs': code })
    chownSync(join(cwd, 'eventsets.config.mjs'), 12345, 12345)

    const { stdout, stderr, status } = runCli([], { cwd, input: line })
    expect(stdout).toContain('INFO: [💰] bill 7\n    bill:')
    expect(stdout).not.toContain('run')
    expect(stderr).toContain('belongs to another user')
    expect(status).toBe(2)
    expect(runCli(['--config', 'eventsets.config.mjs'], { cwd, input: line }).stdout).toContain(
      'INFO: [💰] bill 7\n',
    )
  })

  it.runIf(process.getuid?.() === 0)('runs no plugin that a configuration of somebody else names', () => {
    const cwd = application({
      'eventsets.config.json': { plugins: ['./own.mjs'], hideObject: true },
      'own.mjs': 'process.exit(9)',
    })
    chownSync(join(cwd, 'eventsets.config.json'), 12345, 12345)
    const { stdout, stderr } = runCli([], { cwd, input: line })

    expect(stdout).toBe('INFO: [💰] bill 7\n')
    expect(stderr).toContain('belongs to another user')
  })
})

describe('list', () => {
  it('shows where each set comes from', () => {
    const { stdout } = runCli(['list'], { cwd: application() })

    expect(stdout).toMatch(/^billing +0 +1 +1 +💰 ⏳ +@acme\/billing 1\.2\.0 +Bills$/m)
    expect(stdout).toMatch(/^http .* built-in +HTTP requests/m)
  })

  it('ends with what is wrong, in words that its author can act on', () => {
    const { stdout, status } = runCli(['list'], { cwd: application(broken) })

    expect(stdout).toMatch(
      /\n\n1 problem\n\n {2}Plugin @acme\/billing 1\.2\.0: sets\/other\.json is not valid JSON: /,
    )
    expect(stdout).toMatch(/EVENTSETS_PLUGIN_READ\n$/)
    expect(status).toBe(0)
  })

  it('fails for a problem with --strict, and only then', () => {
    expect(runCli(['list', '--strict'], { cwd: application(broken) }).status).toBe(1)
    expect(runCli(['list', '--strict'], { cwd: application() }).status).toBe(0)
    const wrong = application({ 'eventsets.config.json': { markrs: 1 } })
    expect(runCli(['list'], { cwd: wrong }).status).toBe(2)
  })

  it('has sources and problems in its document', () => {
    const { sets, problems } = JSON.parse(runCli(['list', '--json'], { cwd: application(broken) }).stdout)
    const { source } = sets.find(({ name }: { name: string }) => name === 'billing')

    expect(source).toMatchObject({ kind: 'package', package: '@acme/billing', version: '1.2.0' })
    expect(problems).toMatchObject([
      { code: 'EVENTSETS_PLUGIN_READ', step: 'parse', package: '@acme/billing', version: '1.2.0' },
    ])
  })

  it('tells for each log key who owns it and who lost', () => {
    const { stdout } = runCli(['list', '--sources'], { cwd: application() })

    // A word in status is the set's of higher priority; http takes whole numbers only, and system comes last.
    expect(stdout).toMatch(/^LOG KEY +OWNER +GETS THE REST +GETS NOTHING$/m)
    expect(stdout).toMatch(/^bill\.state +billing$/m)
    expect(stdout).toMatch(/^status +http +billing +system$/m)
  })

  it('tells the same to programs', () => {
    const cwd = application()
    const { logKeys } = JSON.parse(runCli(['list', '--sources', '--json'], { cwd }).stdout)
    const { claims } = logKeys.find(({ logKey }: { logKey: string }) => logKey === 'status')

    expect(claims.map(({ set, gets }: { set: string; gets: string }) => [set, gets])).toEqual([
      ['http', 'owns'],
      ['billing', 'rest'],
      ['system', 'nothing'],
    ])
    expect(runCli(['list', '--sources', '--plain'], { cwd }).stdout).toContain(
      'status\trest\tbilling\t@acme/billing 1.2.0\n',
    )
  })

  it('lets nothing of a plugin act on the terminal', () => {
    const hostile = '\u001b]0;owned\u0007\u202e'
    const cwd = application({
      'node_modules/@acme/billing/package.json': {
        version: `1${hostile}`,
        eventsets: { sets: ['./sets/*.json', `${hostile}.json`] },
      },
      'node_modules/@acme/billing/sets/billing.json': { ...billing, description: `Bills${hostile}` },
      [`node_modules/@acme/billing/sets/x\n\u001b[31m.json`]: '{',
    })

    for (const args of [['list'], ['list', '--plain'], ['show', 'billing'], ['list', '--sources']]) {
      const { stdout, stderr } = runCli(args, { cwd })
      expect(stdout + stderr, args.join(' ')).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/)
    }
  })
})

describe('show', () => {
  it('shows a set of a plugin, and where it comes from', () => {
    const { stdout } = runCli(['show', 'billing'], { cwd: application() })

    expect(stdout).toMatch(/^billing {2}priority 0 {2}from @acme\/billing 1\.2\.0\nBills\n/)
  })
})
