import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import stringWidth from 'string-width'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { initOptions } from '../../src/cli/option.ts'
import {
  cleanEnv,
  type Finished,
  hasTerminal,
  main,
  quote,
  type RunOptions,
  root,
  runCli,
  runProgram,
  runShell,
  temporaryFolder,
} from './run-cli.ts'

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const FILES = [
  '.github/workflows/publish.yml',
  '.gitignore',
  'LICENSE',
  'README.md',
  'package.json',
  'sets/parcel.json',
  'test/parcel.test.js',
]

/** `eventsets init` with the name of a user in git, and none of whoever runs the tests. */
function runInit(
  args: readonly string[],
  { cwd = temporaryFolder(), env = gitUser('Ada Lovelace') }: RunOptions = {},
): Finished {
  return runCli(['init', ...args], { cwd, env })
}

function gitUser(name: string): NodeJS.ProcessEnv {
  return {
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    ...(name === ''
      ? {}
      : { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.name', GIT_CONFIG_VALUE_0: name }),
  }
}

/** The files in a folder, at any depth. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1))
    .sort()
}

function readJson(...path: string[]) {
  return JSON.parse(readFileSync(join(...path), 'utf8'))
}

describe('without a terminal', () => {
  it('makes a plugin named after its folder, and ends with the next three commands', () => {
    const cwd = temporaryFolder()

    const { stdout, stderr, status } = runInit(['eventsets-plugin-parcel'], { cwd })

    expect(filesIn(join(cwd, 'eventsets-plugin-parcel'))).toEqual(FILES)
    for (const file of FILES) expect(stdout).toContain(`\n  ${file} `)
    expect(stdout).toMatch(/\nNext:\n\n {2}cd eventsets-plugin-parcel\n {2}npm install\n {2}npm test\n$/)
    expect([stderr, status]).toEqual(['', 0])
  })

  it('writes a package.json that eventsets, npm and search find it by', () => {
    const cwd = temporaryFolder()
    runInit(['parcel'], { cwd })

    expect(readJson(cwd, 'parcel/package.json')).toEqual({
      name: 'eventsets-plugin-parcel',
      version: '0.1.0',
      description: 'Markers for the events of parcel',
      keywords: ['eventsets-plugin', 'eventsets', 'pino', 'logging'],
      license: 'MIT',
      author: 'Ada Lovelace',
      type: 'module',
      exports: { './sets/*': './sets/*', './package.json': './package.json' },
      files: ['sets'],
      eventsets: { apiVersion: 1, sets: ['./sets/*.json'] },
      scripts: { test: 'node --test --test-reporter=spec', lint: 'eventsets lint .' },
      peerDependencies: { eventsets: `>=${version}` },
      devDependencies: { eventsets: `^${version}` },
    })
  })

  it('takes every answer as an option', () => {
    const cwd = temporaryFolder()

    const { status } = runInit(
      [
        'somewhere',
        '--name=@acme/eventsets-plugin-parcel',
        '--set-name=Acme.parcel',
        '--description',
        'Parcels "and" letters.',
        '--author=Grace Hopper <grace@example.org>',
        '--license=Apache-2.0 OR ISC',
        '--repository=acme/parcels',
      ],
      { cwd },
    )

    expect(status).toBe(0)
    expect(readJson(cwd, 'somewhere/package.json')).toMatchObject({
      name: '@acme/eventsets-plugin-parcel',
      description: 'Parcels "and" letters.',
      author: 'Grace Hopper <grace@example.org>',
      license: 'Apache-2.0 OR ISC',
      repository: { type: 'git', url: 'git+https://github.com/acme/parcels.git' },
    })
    expect(readJson(cwd, 'somewhere/sets/Acme.parcel.json')).toMatchObject({
      name: 'Acme.parcel',
      description: 'Parcels "and" letters.',
    })
    const readme = readFileSync(join(cwd, 'somewhere/README.md'), 'utf8')
    expect(readme).toMatch(/^# @acme\/eventsets-plugin-parcel\n\nParcels "and" letters\.\n/)
    expect(readme).toContain('npm install ../somewhere/acme-eventsets-plugin-parcel-0.1.0.tgz')
  })

  it('writes the text of the MIT licence with the author and the year, and says so for another one', () => {
    const cwd = temporaryFolder()
    runInit(['mit', '--author=Grace Hopper <grace@example.org>'], { cwd })
    runInit(['nobody'], { cwd, env: gitUser('') })

    const { stdout } = runInit(['other', '--license=ISC'], { cwd })

    const year = new Date().getFullYear()
    expect(readFileSync(join(cwd, 'mit/LICENSE'), 'utf8')).toContain(`Copyright (c) ${year} Grace Hopper\n`)
    expect(readFileSync(join(cwd, 'nobody/LICENSE'), 'utf8')).toContain(
      `Copyright (c) ${year} The authors of eventsets-plugin-nobody\n`,
    )
    expect(readJson(cwd, 'nobody/package.json')).not.toHaveProperty('author')
    expect(existsSync(join(cwd, 'other/LICENSE'))).toBe(false)
    expect(stdout).toContain('Put the text of the licence ISC into a file LICENSE.')
  })

  it.each([
    { dir: 'parcel', name: 'eventsets-plugin-parcel', set: 'parcel', cd: 'parcel' },
    { dir: 'My Parcels', name: 'eventsets-plugin-my-parcels', set: 'my_parcels', cd: "'My Parcels'" },
    { dir: 'Größe über 3', name: 'eventsets-plugin-gro-e-uber-3', set: 'gro_e_uber_3', cd: "'Größe über 3'" },
    { dir: 'a/b.c', name: 'eventsets-plugin-b.c', set: 'b_c', cd: 'a/b.c' },
    { dir: '../up', name: 'eventsets-plugin-up', set: 'up', cd: '../up' },
    { dir: '~home', name: 'eventsets-plugin-home', set: 'home', cd: './~home' },
    { dir: "it's", name: 'eventsets-plugin-it-s', set: 'it_s', cd: "'it'\\''s'" },
    { dir: '3d', name: 'eventsets-plugin-3d', set: 'd', cd: '3d' },
    { dir: '@acme/mail', name: '@acme/eventsets-plugin-mail', set: 'mail', cd: '@acme/mail' },
    {
      dir: '@acme/eventsets-plugin-x',
      name: '@acme/eventsets-plugin-x',
      set: 'x',
      cd: '@acme/eventsets-plugin-x',
    },
    { dir: '@/mail', name: 'eventsets-plugin-mail', set: 'mail', cd: '@/mail' },
  ])('makes names of the folder $dir', ({ dir, name, set, cd }) => {
    const cwd = join(temporaryFolder(), 'here')
    mkdirSync(cwd)

    const { stdout, stderr } = runInit(['--', dir], { cwd })

    expect(stderr).toBe('')
    expect(stdout).toContain(`Made ${name} with the event set "${set}":`)
    expect(stdout).toContain(`\n  cd ${cd}\n`)
    expect(readJson(cwd, dir, 'package.json').name).toBe(name)
    expect(readJson(cwd, dir, 'sets', `${set}.json`).name).toBe(set)
  })

  it.each(['Billing!', 'Billing.', 'Billing'])(
    'ends the description %s once in the README',
    (description) => {
      const cwd = temporaryFolder()
      runInit(['parcel', '--description', description], { cwd })

      expect(readFileSync(join(cwd, 'parcel/README.md'), 'utf8')).toMatch(/\n\nBilling[.!]\nEvent sets/)
    },
  )

  it.each([
    'MIT',
    'UNLICENSED',
    '(MIT OR Apache-2.0)',
    'GPL-2.0+',
    'GPL-2.0-or-later WITH Classpath-exception-2.0',
    'SEE LICENSE IN COPYING.txt',
    'LicenseRef-Acme',
  ])('says nothing about the licence %s', (license) => {
    const { stderr, status } = runInit(['parcel', '--license', license])

    expect([stderr, status]).toEqual(['', 0])
  })

  it.each([
    ['Nonsense', '"Nonsense" does not look like an SPDX identifier; it stands in package.json'],
    ['Apache-2', undefined],
    ['apache 2.0', '"apache" does not look like'],
    ['MTI', '"MTI" does not look like an SPDX identifier; did you mean "MIT"?'],
    ['MIT OR GPL', '"GPL" does not look like'],
  ])('doubts the licence %s if it is none', (license, doubt) => {
    const cwd = temporaryFolder()

    const { stderr, status } = runInit(['parcel', '--license', license], { cwd })

    if (doubt === undefined) expect(stderr).toBe('')
    else expect(stderr).toContain(doubt)
    expect([status, readJson(cwd, 'parcel/package.json').license]).toEqual([0, license])
  })

  it.each([['.'], []])('makes it in the folder it is called in: %s', (...args) => {
    const cwd = join(temporaryFolder(), 'parcel')
    mkdirSync(join(cwd, '.git'), { recursive: true })
    writeFileSync(join(cwd, 'notes.txt'), 'mine')

    const { stdout, status } = runInit(args, { cwd })

    expect(status).toBe(0)
    expect(filesIn(cwd)).toEqual([...FILES, 'notes.txt'].sort())
    expect(stdout).toMatch(/\nNext:\n\n {2}npm install\n {2}npm test\n {2}npx eventsets show parcel\n$/)
  })

  it('tells in JSON what was made', () => {
    const cwd = temporaryFolder()

    const { stdout, status } = runInit(['my parcel', '--set-name=parcel', '--json'], { cwd })

    const { files, ...told } = JSON.parse(stdout)
    expect(files.sort()).toEqual(FILES)
    expect(told).toEqual({
      version: 1,
      folder: join(cwd, 'my parcel'),
      name: 'eventsets-plugin-my-parcel',
      set: 'parcel',
      kept: [],
      next: ["cd 'my parcel'", 'npm install', 'npm test'],
    })
    expect(status).toBe(0)
  })
})

describe('what it refuses', () => {
  it('is told at once, for all options, and nothing is made', () => {
    const cwd = temporaryFolder()

    const { stdout, stderr, status } = runInit(
      [
        'x',
        '--name=My Plugin',
        '--set-name=http',
        '--description=',
        '--author=a\u001b[31m',
        '--license=?',
        '--repository=no where',
      ],
      { cwd },
    )

    expect(stderr).toContain('not valid (6 issues)')
    for (const flag of ['name', 'set-name', 'description', 'author', 'license', 'repository'])
      expect(stderr).toContain(`\n  --${flag}: `)
    expect(stderr).toContain('--set-name: "http" will not do: "http" is a built-in set')
    expect(stderr).not.toContain('\u001b')
    expect([stdout, status, readdirSync(cwd)]).toEqual(['', 2, []])
  })

  it.each([
    ['--name', 'Upper', 'npm takes small letters'],
    ['--name', '.hidden', 'with a letter or digit first'],
    ['--name', '@acme', 'npm takes small letters'],
    ['--name', '@acme/a/b', 'npm takes small letters'],
    ['--name', '../up', 'npm takes small letters'],
    ['--name', 'fs', 'npm keeps this name for itself'],
    ['--name', 'node_modules', 'npm keeps this name for itself'],
    ['--name', 'eventsets', 'this is the package that your plugin is for'],
    ['--name', 'a'.repeat(215), 'at most 214 characters'],
    ['--set-name', 'a/../b', 'a set name begins with a letter'],
    ['--set-name', '1st', 'a set name begins with a letter'],
    ['--set-name', 'System', '"System" is a built-in set'],
    ['--description', 'a\nb', 'one line'],
    ['--author', 'a\u202eb', 'characters that cannot be seen'],
  ])('%s %j, since %s', (flag, value, reason) => {
    const cwd = temporaryFolder()

    const { stderr, status } = runInit(['plugin', flag, value], { cwd })

    expect(stderr).toContain(reason)
    expect([status, readdirSync(cwd)]).toEqual([2, []])
  })

  it('is a folder whose name gives none to the package', () => {
    const { stderr, status } = runInit(['日本'])

    expect(stderr).toContain('--name: is needed, since none follows from the folder')
    expect(stderr).not.toContain('--description')
    expect(status).toBe(2)
  })

  it('is a package whose name gives none to the set', () => {
    const { stderr } = runInit(['x', '--name=eventsets-plugin-http'])

    expect(stderr).toContain('--set-name: is needed, since none follows from the name of the package')
  })

  it('is another folder too many', () => {
    expect(runInit(['a', 'b']).stderr).toContain('too many arguments')
  })
})

describe('what exists', () => {
  it('is never overwritten: all files in the way are named, and nothing is made', () => {
    const cwd = temporaryFolder()
    mkdirSync(join(cwd, 'parcel/sets'), { recursive: true })
    writeFileSync(join(cwd, 'parcel/package.json'), '{ "name": "mine" }')
    mkdirSync(join(cwd, 'parcel/.github/workflows'), { recursive: true })
    writeFileSync(join(cwd, 'parcel/.github/workflows/publish.yml'), 'mine')

    const { stdout, stderr, status } = runInit(['parcel'], { cwd })

    expect(stderr).toBe(
      'eventsets: "parcel" already has package.json and .github/workflows/publish.yml; nothing is overwritten, and nothing was made.\n' +
        'Name a new folder: eventsets init <dir>\n',
    )
    expect([stdout, status]).toEqual(['', 2])
    expect(filesIn(join(cwd, 'parcel'))).toEqual(['.github/workflows/publish.yml', 'package.json'])
    expect(readFileSync(join(cwd, 'parcel/package.json'), 'utf8')).toBe('{ "name": "mine" }')
  })

  it.each(['MIT', 'Apache-2.0'])('is kept where it is what a repository begins with, under %s', (license) => {
    const cwd = temporaryFolder()
    const kept = ['.gitignore', 'LICENSE', 'README.md']
    mkdirSync(join(cwd, 'parcel'))
    for (const file of kept) writeFileSync(join(cwd, 'parcel', file), 'mine')

    const { stdout, stderr, status } = runInit(['parcel', '--license', license], { cwd })

    for (const file of kept) {
      expect(stdout).toContain(`\nKept ${file}, which was there.\n`)
      expect(readFileSync(join(cwd, 'parcel', file), 'utf8')).toBe('mine')
    }
    expect(stdout).toContain(`package.json says ${license}: see that LICENSE says so, too.\n`)
    expect(stdout).not.toContain('Put the text')
    expect(filesIn(join(cwd, 'parcel'))).toEqual(FILES)
    expect([stderr, status]).toEqual(['', 0])
  })

  it('is told in JSON where it was kept', () => {
    const cwd = temporaryFolder()
    mkdirSync(join(cwd, 'parcel'))
    writeFileSync(join(cwd, 'parcel/README.md'), 'mine')

    const { files, kept } = JSON.parse(runInit(['parcel', '--json'], { cwd }).stdout)

    expect(kept).toEqual(['README.md'])
    expect(files.sort()).toEqual(FILES.filter((file) => file !== 'README.md'))
  })

  it.each(['sets/parcel.json', 'test/parcel.test.js', '.github/workflows/publish.yml'])(
    'is respected where it is %s alone',
    (file) => {
      const cwd = temporaryFolder()
      mkdirSync(join(cwd, 'parcel', file, '..'), { recursive: true })
      writeFileSync(join(cwd, 'parcel', file), 'mine')

      const { stderr, status } = runInit(['parcel'], { cwd })

      expect(stderr).toContain(`already has ${file};`)
      expect(status).toBe(2)
      expect(filesIn(join(cwd, 'parcel'))).toEqual([file])
    },
  )

  it('is a link that leads nowhere, too', () => {
    const cwd = temporaryFolder()
    mkdirSync(join(cwd, 'parcel'))
    symlinkSync(join(cwd, 'elsewhere.json'), join(cwd, 'parcel/package.json'))

    expect(runInit(['parcel'], { cwd }).stderr).toContain('already has package.json;')
    expect(existsSync(join(cwd, 'elsewhere.json'))).toBe(false)
  })

  it('is a file where a folder has to be: what was made before it is removed again', () => {
    const cwd = temporaryFolder()
    mkdirSync(join(cwd, 'parcel'))
    writeFileSync(join(cwd, 'parcel/test'), 'mine')

    const { stderr, status } = runInit(['parcel'], { cwd })

    expect(stderr).toContain('eventsets: cannot make a plugin in "parcel": test')
    expect(stderr).toContain('Nothing was made.')
    expect(status).toBe(2)
    expect(readdirSync(join(cwd, 'parcel'))).toEqual(['test'])
  })

  it.each(['sets', '.github', '.github/workflows', 'test'])(
    'is a link to another folder at %s: nothing is written through it',
    (path) => {
      const cwd = temporaryFolder()
      mkdirSync(join(cwd, 'elsewhere'))
      mkdirSync(join(cwd, 'parcel', path, '..'), { recursive: true })
      symlinkSync(join(cwd, 'elsewhere'), join(cwd, 'parcel', path))
      const before = readdirSync(join(cwd, 'parcel'), { recursive: true })

      const { stderr, status } = runInit(['parcel'], { cwd })

      expect(stderr).toBe(
        `eventsets: cannot make a plugin in "parcel": ${path}: it is a symbolic link, and nothing is written through one\nNothing was made.\n`,
      )
      expect(status).toBe(2)
      expect(readdirSync(join(cwd, 'elsewhere'))).toEqual([])
      expect(readdirSync(join(cwd, 'parcel'), { recursive: true })).toEqual(before)
    },
  )

  it('is no link where the folder itself is one: that has been named', () => {
    const cwd = temporaryFolder()
    mkdirSync(join(cwd, 'real'))
    symlinkSync('real', join(cwd, 'parcel'))

    expect(runInit(['parcel'], { cwd }).status).toBe(0)
    expect(filesIn(join(cwd, 'real'))).toEqual(FILES)
  })

  it('is a full disk: not even a part of a file stays', () => {
    const cwd = temporaryFolder()
    // No file may get larger than 1 KiB, and the README does.
    const { stderr, status } = runShell('ulimit -f 1; eventsets init parcel', { cwd, env: gitUser('') })

    expect(stderr).toMatch(/^eventsets: cannot make a plugin in "parcel": \S+: EFBIG/)
    expect(stderr).toContain('Nothing was made.')
    expect(status).toBe(2)
    expect(readdirSync(cwd)).toEqual([])
  })

  it('is a working directory that has been removed', () => {
    const { stdout, stderr, status } = runShell('mkdir gone; cd gone; rmdir ../gone; eventsets init parcel', {
      cwd: temporaryFolder(),
    })

    expect([stdout, status]).toEqual(['', 2])
    expect(stderr).toBe(
      'eventsets: the working directory is not there any more, or is out of reach.\nGo to another folder and try again.\n',
    )
  })

  it('is a file of the name of the folder', () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, 'parcel'), 'mine')

    const { stderr, status } = runInit(['parcel'], { cwd })

    expect(stderr).toContain('cannot make a plugin in "parcel"')
    expect([status, readFileSync(join(cwd, 'parcel'), 'utf8')]).toEqual([2, 'mine'])
  })
})

describe.skipIf(!hasTerminal)('in a terminal', () => {
  it('asks, with suggestions, and takes the answers', async () => {
    const cwd = temporaryFolder()
    const terminal = openTerminal('init parcel', cwd)

    await terminal.answer('Name of the package (eventsets-plugin-parcel): ', '@acme/eventsets-plugin-mail')
    await terminal.answer('Name of the event set (mail): ', '')
    await terminal.answer('What it shows (Markers for the events of mail): ', 'Letters and parcels')
    await terminal.answer('Author (Ada Lovelace): ', '')
    const { status, output } = await terminal.ended

    expect(output).toContain('Made @acme/eventsets-plugin-mail')
    expect(output).toContain('  cd parcel\n')
    expect(status).toBe(0)
    expect(readJson(cwd, 'parcel/package.json')).toMatchObject({
      name: '@acme/eventsets-plugin-mail',
      description: 'Letters and parcels',
      author: 'Ada Lovelace',
      license: 'MIT',
    })
  })

  it('tells what is wrong with an answer, and asks again', async () => {
    const cwd = temporaryFolder()
    const terminal = openTerminal('init parcel', cwd)

    await terminal.answer('(eventsets-plugin-parcel): ', 'No Such Name')
    await terminal.answer('npm takes small letters', 'eventsets-plugin-post')
    await terminal.answer('(post): ', 'http')
    await terminal.answer('"http" is a built-in set', '')
    await terminal.answer('(Markers for the events of post): ', '')
    await terminal.answer('(Ada Lovelace): ', 'Grace Hopper')
    const { status } = await terminal.ended

    expect(status).toBe(0)
    expect(readJson(cwd, 'parcel/package.json')).toMatchObject({
      name: 'eventsets-plugin-post',
      author: 'Grace Hopper',
    })
    expect(filesIn(join(cwd, 'parcel'))).toContain('sets/post.json')
  })

  it('takes answers that are typed ahead', async () => {
    const cwd = temporaryFolder()
    const terminal = openTerminal('init parcel', cwd)

    await terminal.answer('(eventsets-plugin-parcel): ', 'eventsets-plugin-mail\nletters\nLetters\nGrace')
    const { status } = await terminal.ended

    expect(status).toBe(0)
    expect(readJson(cwd, 'parcel/package.json')).toMatchObject({
      name: 'eventsets-plugin-mail',
      description: 'Letters',
      author: 'Grace',
    })
    expect(filesIn(join(cwd, 'parcel'))).toContain('sets/letters.json')
  })

  it('does not ask what an option has answered', async () => {
    const cwd = temporaryFolder()
    const terminal = openTerminal('init parcel --name mail --set-name mail --description Letters', cwd)

    await terminal.answer('Author (Ada Lovelace): ', '')
    const { output } = await terminal.ended

    expect(output).not.toContain('Name of')
    expect(readJson(cwd, 'parcel/package.json').name).toBe('mail')
  })

  it.each(['--yes', '--json'])('asks nothing with %s', async (flag) => {
    const cwd = temporaryFolder()

    const { output, status } = await openTerminal(`init parcel ${flag}`, cwd).ended

    expect(output).not.toContain('Name of')
    expect(status).toBe(0)
    expect(filesIn(join(cwd, 'parcel'))).toEqual(FILES)
  })

  it('has no suggestion that acts on the terminal', async () => {
    const cwd = temporaryFolder()
    const terminal = openTerminal(`init ${quote('a\u009b31mb')}`, cwd, gitUser('Eve\u001b]0;x\u0007\u202e'))

    await terminal.answer('Name of the package (', 'mail\n\n\n')
    const { output, status } = await terminal.ended

    expect(output).toContain('Author: ')
    expect(output).not.toMatch(/[\u009b\u202e]|\u001b\]/)
    expect(status).toBe(0)
  })

  it('asks nothing where files are in the way', async () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, 'package.json'), '{}')

    const { output, status } = await openTerminal('init', cwd).ended

    expect(output).toContain('"." already has package.json;')
    expect(output).not.toContain('Name of')
    expect(status).toBe(2)
  })

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('leaves nothing behind at %s, and exits 130', async (_, key) => {
    const cwd = temporaryFolder()
    const terminal = openTerminal('init parcel', cwd)

    await terminal.answer('(eventsets-plugin-parcel): ', '')
    await terminal.type('(parcel): ', key)
    const { output, status } = await terminal.ended

    expect(output).toContain('eventsets: nothing was made.')
    expect(status).toBe(130)
    expect(readdirSync(cwd)).toEqual([])
  })
})

describe('the plugin', () => {
  let folder = ''
  let plugin = ''

  /** Made once, beside an eventsets as npm would have put it there. */
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'eventsets-init-'))
    plugin = join(folder, 'a plugin')
    const made = runCli(['init', 'a plugin', '--set-name=parcel', '--author=Ada'], { cwd: folder })
    expect(made.stderr).toBe('')
    mkdirSync(join(plugin, 'node_modules/.bin'), { recursive: true })
    symlinkSync(root, join(plugin, 'node_modules/eventsets'))
    symlinkSync(main, join(plugin, 'node_modules/.bin/eventsets'))
    symlinkSync(join(root, 'node_modules/pino'), join(plugin, 'node_modules/pino'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('passes its own tests', () => {
    const { stdout, status } = runProgram('npm', ['test'], { cwd: plugin })

    expect(stdout).toMatch(/^ℹ fail 0$/m)
    expect(Number(/^ℹ pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(10)
    expect(status).toBe(0)
  })

  it('fails its own tests when its set is broken', () => {
    const file = join(plugin, 'sets/parcel.json')
    const text = readFileSync(file, 'utf8')
    onTestFinished(() => writeFileSync(file, text))
    writeFileSync(file, text.replace('"❌"', '"⚠️"'))

    const { stdout, status } = runProgram('npm', ['test'], { cwd: plugin })

    expect(stdout).toContain('U+26A0 U+FE0F')
    expect(status).not.toBe(0)
  })

  it('has nothing that lint finds, as a folder and as a tarball', () => {
    const folders = runCli(['lint', '.', '--fail-on', 'info'], { cwd: plugin })
    const [{ filename }] = JSON.parse(runProgram('npm', ['pack', '--json'], { cwd: plugin }).stdout)
    const tarball = runCli(['lint', filename, '--fail-on', 'info'], { cwd: plugin })

    expect([folders.stderr, folders.status]).toEqual(['', 0])
    expect([tarball.stderr, tarball.status]).toEqual(['', 0])
  })

  it('has a set that the command takes', () => {
    const { stdout, stderr, status } = runCli(['show', 'parcel'], { cwd: plugin })

    expect(stdout).toMatch(/^ {2}✅ .* succeeded$/m)
    expect([stderr, status]).toEqual(['', 0])
  })

  it('has the set in its tarball, and nothing that does not belong there', () => {
    const { stdout } = runProgram('npm', ['pack', '--dry-run', '--json'], { cwd: plugin })

    const [{ files }] = JSON.parse(stdout)
    expect(files.map(({ path }: { path: string }) => path).sort()).toEqual([
      'LICENSE',
      'README.md',
      'package.json',
      'sets/parcel.json',
    ])
  })

  it('shows in its README what it really shows', () => {
    const readme = readFileSync(join(plugin, 'README.md'), 'utf8')
    const rows = [...readme.matchAll(/^\| `(\S+)` \| (?:`(\w+)`|(\d+) and more) \| (\S+) \|$/gm)]
    const log = rows.map(([, field = '', word, number]) =>
      JSON.stringify({ level: 30, [field]: word ?? Number(number), msg: 'done' }),
    )

    const { stdout } = runCli(['--set', 'sets/parcel.json', '-H', '--json'], {
      cwd: plugin,
      input: `${log.join('\n')}\n`,
    })

    const shown = stdout.trim().split('\n')
    expect(rows.length).toBe(5)
    expect(shown.map((line) => JSON.parse(line).markers)).toEqual(rows.map(([, , , , marker]) => [marker]))
  })

  it('has code in its README that shows the lines below it', () => {
    const readme = readFileSync(join(plugin, 'README.md'), 'utf8')
    const [, code = '', lines = ''] = /```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/.exec(readme) ?? []
    onTestFinished(() => rmSync(join(plugin, 'app.mjs'), { force: true }))
    writeFileSync(join(plugin, 'app.mjs'), code)

    const { stdout } = runProgram(process.execPath, ['app.mjs'], { cwd: plugin })

    const timeless = (text: string) => text.replace(/^\[[\d:.]+\] (\w+) \(\d+\)/gm, '$1')
    expect(lines).toContain('✅')
    expect(timeless(stdout)).toBe(timeless(lines))
  })

  it('has a command in its README that installs its tarball in the folder of an application', () => {
    const readme = readFileSync(join(plugin, 'README.md'), 'utf8')
    const [, path = ''] = /^npm install (\S*'.*'|\.\.\S+)$/m.exec(readme) ?? []
    const app = join(folder, 'my-app')
    mkdirSync(app)
    runProgram('npm', ['pack'], { cwd: plugin })
    onTestFinished(() => rmSync(join(plugin, 'eventsets-plugin-a-plugin-0.1.0.tgz'), { force: true }))

    const { stdout } = runProgram('sh', ['-c', `ls ${path}`], { cwd: app })

    expect(stdout).toBe('../a plugin/eventsets-plugin-a-plugin-0.1.0.tgz\n')
  })

  it('has pieces of JSON in its README that fit its set', () => {
    const readme = readFileSync(join(plugin, 'README.md'), 'utf8')
    const pieces = [...readme.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, piece = '']) => piece.trim())
    const [markers = '', field = '', ranges = ''] = pieces
    const set = readJson(plugin, 'sets/parcel.json')
    const [status, duration] = set.mappings

    Object.assign(status, JSON.parse(`{${markers}}`))
    Object.assign(duration, JSON.parse(`{${ranges}}`))
    set.fieldMappings.push(JSON.parse(field))
    const changed = join(temporaryFolder(), 'changed.json')
    writeFileSync(changed, JSON.stringify(set))

    expect(runCli(['show', 'parcel', '--set', changed]).stderr).toBe('')
  })
})

describe('the options', () => {
  it('stand in docs/reference/cli.md, all of them and no others', () => {
    const page = readFileSync(join(root, 'docs/reference/cli.md'), 'utf8')
    const section = page.split('\n## Options of init\n')[1]?.split('\n## ')[0] ?? ''
    const documented = [...section.matchAll(/^\| .*?`--([a-z-]+)/gm)].map(([, name]) => name)

    const spelt = initOptions.flatMap(({ name, negation }) => [name, ...(negation ? [`no-${name}`] : [])])
    expect(documented).toEqual([...spelt, 'help'])
  })

  it('are in the help, which fits 80 columns', () => {
    const { stdout, stderr, status } = runCli(['init', '--help'])

    for (const { name } of initOptions) expect(stdout).toContain(`--${name}`)
    expect(Math.max(...stdout.split('\n').map((line) => stringWidth(line)))).toBeLessThanOrEqual(80)
    expect([stderr, status]).toEqual(['', 0])
  })
})

interface Terminal {
  /** Waits until the text has been written since the last answer, and types a line. */
  answer(after: string, line: string): Promise<void>
  /** The same for single keys. */
  type(after: string, keys: string): Promise<void>
  readonly ended: Promise<{ status: number | null; output: string }>
}

/** Runs the command in a pseudo-terminal, for a conversation. */
function openTerminal(args: string, cwd: string, env = gitUser('Ada Lovelace')): Terminal {
  const command = `stty cols 80; ${quote(process.execPath)} ${quote(main)} ${args}`
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd, env: cleanEnv(env), stdio: 'pipe' })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  let seen = 0
  let onOutput = () => {}
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text.replaceAll('\r\n', '\n')
    onOutput()
  })
  child.stdin.on('error', () => {})
  const ended = new Promise<{ status: number | null; output: string }>((resolve) => {
    child.on('close', (status) => resolve({ status, output }))
  })
  const waitFor = (text: string) =>
    new Promise<void>((resolve, reject) => {
      onOutput = () => {
        const at = output.indexOf(text, seen)
        if (at === -1) return
        seen = at + text.length
        resolve()
      }
      onOutput()
      void ended.then(() => reject(new Error(`ended before it wrote ${text}: ${output}`)))
    })
  const type = async (after: string, keys: string) => {
    await waitFor(after)
    child.stdin.write(keys)
  }
  return { type, answer: (after, line) => type(after, `${line}\n`), ended }
}
