import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Finished, installPackage, type Project, root, runIn } from './installed-package.ts'

/** The guide is what is tested: its programs, its commands. */
const guide = readFileSync(join(root, 'docs/guides/bundlers.md'), 'utf8')
const MARKED = '[✅] request completed'

let project: Project

beforeAll(() => {
  project = installPackage()
  const modules = join(project.folder, 'node_modules')
  symlinkSync(join(root, 'node_modules/esbuild'), join(modules, 'esbuild'))
  symlinkSync(join(root, 'node_modules/esbuild/bin/esbuild'), join(modules, '.bin/esbuild'))
  for (const name of ['in-process.mjs', 'app.mjs', 'build.mjs']) project.write(name, programOf(name))
})
afterAll(() => project?.remove())

describe('a bundle that stays in process', () => {
  test('it is one file that runs without node_modules', () => {
    bundleBy(commandOf('in-process.mjs'))

    const { stdout, stderr, files } = runAlone('bundle', 'app.cjs')

    expect(files).toEqual(['app.cjs'])
    expect(stdout).toContain(MARKED)
    expect(stderr).toBe('')
  })
})

describe('a bundle that leaves the packages out', () => {
  test('it finds the transport in node_modules', () => {
    bundleBy(commandOf('--packages=external'))

    const { stdout, stderr } = project.run(process.execPath, ['bundle/app.mjs'])

    expect(stdout).toContain(MARKED)
    expect(stderr).toBe('')
  })
})

describe('a bundle with its worker', () => {
  test('it marks lines in the worker, in a folder without node_modules', () => {
    build('build.mjs', 'app.mjs')

    const { stdout, stderr, status, files } = runAlone('bundle', 'app.mjs')

    expect(files).toEqual([
      'app.mjs',
      'eventsets.mjs',
      'pino',
      'pino-worker.mjs',
      join('pino', 'file.mjs'),
      'thread-stream-worker.mjs',
    ])
    expect(stdout).toContain(MARKED)
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })

  test.each(['minify: true,', 'splitting: true,', 'minify: true, splitting: true,'])(
    'it works with %s',
    (options) => {
      project.write(
        'build-more.mjs',
        programOf('build.mjs').replace('bundle: true,', `bundle: true, ${options}`),
      )
      build('build-more.mjs', 'app.mjs')

      const { stdout, stderr } = runAlone('bundle', 'app.mjs')

      expect(stdout).toContain(MARKED)
      expect(stderr).toBe('')
    },
  )

  test('it works with several targets', () => {
    project.write(
      'several.mjs',
      `import pino from 'pino'
       const log = pino({ transport: { targets: [
         { target: 'eventsets', options: { output: 'json', destination: 'marked.log' } },
         { target: 'pino/file' },
       ] } })
       log.info({ res: { statusCode: 200 } }, 'request completed')`,
    )
    build('build.mjs', 'several.mjs')

    const { stdout, stderr, read } = runAlone('bundle', 'app.mjs')

    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).not.toHaveProperty('markers')
    expect(JSON.parse(read('marked.log'))).toMatchObject({ msg: 'request completed', markers: ['✅'] })
  })

  test('it works in a pipeline', () => {
    project.write(
      'pipeline.mjs',
      `import pino from 'pino'
       const log = pino({ transport: { pipeline: [{ target: 'eventsets' }, { target: 'pino/file' }] } })
       log.info({ res: { statusCode: 200 } }, 'request completed')`,
    )
    build('build.mjs', 'pipeline.mjs')

    const { stdout, stderr } = runAlone('bundle', 'app.mjs')

    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({ markers: ['✅'] })
  })

  test('a set that the application registers reaches it', () => {
    project.write(
      'registering.mjs',
      `import { existsSync, readFileSync } from 'node:fs'
       import { setTimeout as wait } from 'node:timers/promises'
       import { getRegistry } from 'eventsets'
       import pino from 'pino'
       getRegistry().registerEventSet({
         name: 'payment',
         mappings: [{ name: 'status', visualMarkers: { completed: '💰' } }],
         fieldMappings: [{ logKey: 'payment.status', mapping: 'status' }],
       })
       const log = pino({ transport: { target: 'eventsets', options: { destination: 'app.log' } } })
       // The set arrives a short while later: log until it shows, or it is clear that it never will.
       for (let round = 0; round < 200; round++) {
         log.info({ payment: { status: 'completed' } }, 'paid')
         await wait(50)
         if (existsSync('app.log') && readFileSync('app.log', 'utf8').includes('[💰] paid')) break
       }`,
    )
    build('build.mjs', 'registering.mjs')

    const { stderr, read } = runAlone('bundle', 'app.mjs')

    expect(stderr).toBe('')
    expect(read('app.log')).toContain('[💰] paid')
  })
})

/** A program of the guide, by the name behind its fence. */
function programOf(name: string): string {
  const code = guide.match(
    new RegExp(`^\`\`\`\\w+ ${name.replaceAll('.', '\\.')}\\n([\\s\\S]*?)^\`\`\`$`, 'm'),
  )?.[1]
  if (code === undefined) throw new Error(`docs/guides/bundlers.md has no program "${name}".`)
  return code
}

/** The esbuild command of the guide that has this in it. */
function commandOf(part: string): string {
  const commands = guide.split('\n').filter((line) => line.startsWith('npx esbuild '))
  const command = commands.find((line) => line.includes(part))
  if (command === undefined) throw new Error(`docs/guides/bundlers.md has no command with "${part}".`)
  return command
}

function bundleBy(command: string): void {
  removeBundle()
  const [program = '', ...args] = command.split(' ')
  expectSuccess(project.run(program, args))
}

/** Runs the build script, with another application in the place of the guide's. */
function build(script: string, app: string): void {
  removeBundle()
  const text = readFileSync(join(project.folder, script), 'utf8').replace(`'app.mjs'`, `'${app}'`)
  expectSuccess(project.runNode('build-now.mjs', text))
}

function removeBundle(): void {
  rmSync(join(project.folder, 'bundle'), { recursive: true, force: true })
}

function expectSuccess({ status, stdout, stderr }: Finished): void {
  expect(`${stdout}${stderr}`).not.toMatch(/error|warning/i)
  expect(status).toBe(0)
}

/** Runs a bundle in a folder that holds nothing else, far from any node_modules. */
function runAlone(bundle: string, entry: string) {
  const folder = mkdtempSync(join(tmpdir(), 'eventsets-bundle-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const place = join(folder, 'place')
  mkdirSync(place)
  cpSync(join(project.folder, bundle), place, { recursive: true })
  // What it was made of is out of reach.
  const files = readdirSync(place, { recursive: true, encoding: 'utf8' }).sort()
  const finished = runIn(place, process.execPath, [entry])
  return { ...finished, files, read: (name: string) => readFileSync(join(place, name), 'utf8') }
}
