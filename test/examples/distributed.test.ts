import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { hasRedisServer, startRedis } from '../../plugins/redis-streams/test/redis-server.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe.runIf(hasRedisServer)('npm run example:distributed', () => {
  it('loses nothing and keeps the order while workers are killed, and leaves nothing behind', async () => {
    const folder = openFolder()

    const { stdout, stderr, exitCode } = await run({ TMPDIR: folder, EVENTS: '3000', KILL_EVERY_MS: '500' })

    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
    const table = tableOf(stdout)
    expect(table).toMatchObject({
      'published, and acknowledged': '3000',
      handled: '3000',
      lost: '0',
      'out of order within a key': '0',
      'dead letters': '0',
    })
    expect(Number(table['workers killed'])).toBeGreaterThan(0)
    expect(table['longest recovery']).toMatch(/^\d+\.\d s$/)
    expect(stdout).toMatch(/^published 3000, handled 3000, killed \d+$/m)
    expect(readdirSync(folder)).toEqual([])
  })

  it('takes a server that runs already, and leaves no key on it', async () => {
    const server = await startRedis()
    onTestFinished(() => server.dispose())
    await server.admin.set('mine', '1')

    const { stdout, stderr, exitCode } = await run({ REDIS_URL: server.url, EVENTS: '200' })

    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
    expect(tableOf(stdout)).toMatchObject({ handled: '200', lost: '0' })
    expect(await server.admin.keys('*')).toEqual(['mine'])
  })

  it('fails when an event was lost: here a worker does not do what it says', async () => {
    const program = `import fs from 'node:fs'
      import { syncBuiltinESMExports } from 'node:module'
      const { appendFileSync } = fs
      fs.appendFileSync = (path, line) => {
        if (!line.startsWith('{"what":"handled","id":"order-17"')) appendFileSync(path, line)
      }
      syncBuiltinESMExports()`
    const preload = `--import=data:text/javascript,${encodeURIComponent(program)}`

    const { stdout, exitCode } = await run({ NODE_OPTIONS: preload, EVENTS: '200' })

    expect(exitCode).toBe(1)
    expect(tableOf(stdout)).toMatchObject({ handled: '199', lost: '1' })
    expect(stdout).toMatch(/^lost: order-17$/m)
  })

  it('ends before its time when it is told to, with nothing left behind', async () => {
    const folder = openFolder()
    const child = start({ TMPDIR: folder, EVENTS: '100000' })
    await hasTold(child, /^published [1-9]\d*, handled [1-9]/m)

    child.kill('SIGTERM')
    const { stderr, exitCode } = await endOf(child)

    expect({ stderr, exitCode }).toEqual({ stderr: '\nEnded by SIGTERM.\n', exitCode: 1 })
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('npm run example:distributed where it cannot run', () => {
  it('says how to get a server where there is none', async () => {
    const folder = openFolder()

    const { stderr, exitCode } = await run({ TMPDIR: folder, PATH: folder })

    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^\nredis-server is not installed\..*apt install redis-server.*REDIS_URL=/s)
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([
    [{ REDIS_URL: 'redis://127.0.0.1:1' }, 'No Redis server answers at the address in REDIS_URL.'],
    [{ EVENTS: '0' }, 'EVENTS has to be a whole number from 1 to 9999999.'],
    [{ KILL_EVERY_MS: 'often' }, 'KILL_EVERY_MS has to be a whole number from 1 to 9999999.'],
  ])('says what is wrong with %o', async (environment, message) => {
    const { stderr, exitCode } = await run(environment)

    expect({ stderr, exitCode }).toEqual({ stderr: `\n${message}\n`, exitCode: 1 })
  })
})

describe('the audit', () => {
  it('finds what was lost, repeated and out of order, and how long a recovery took', async () => {
    const { audit } = await loadAudit()
    const published = [0, 1, 2, 3, 4].map((number) => ({ id: `order-${number}` }))
    const note = (what: 'begun' | 'handled', number: number, worker: number, time: number) => ({
      what,
      id: `order-${number}`,
      key: 'ada',
      number,
      worker,
      time,
    })

    const report = audit({
      published,
      notes: [
        note('begun', 0, 1, 10),
        note('handled', 0, 1, 20),
        note('begun', 1, 1, 30),
        note('handled', 2, 2, 500),
        note('handled', 1, 2, 1530),
        // What had been handled comes again: that is no other order.
        note('handled', 0, 2, 1540),
      ],
      deadLetters: [{ id: 'order-3' }],
      kills: [
        { worker: 1, time: 40 },
        { worker: 3, time: 50 },
      ],
    })

    expect(report).toEqual({
      published: 5,
      handled: 3,
      lost: ['order-4'],
      repeated: 1,
      outOfOrder: ['order-1'],
      deadLetters: 1,
      kills: 2,
      longestRecoveryMs: 1490,
    })
  })
})

describe('the types', () => {
  it('find nothing wrong with the example', () => {
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const words = [compiler, '-p', 'examples/distributed']
    const { stdout, status } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' })

    expect({ stdout, status }).toEqual({ stdout: '', status: 0 })
  })
})

type Environment = Readonly<Record<string, string>>

/** Runs it as the script in package.json does, without building everything again. */
function start(environment: Environment) {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const [, command = ''] = scripts['example:distributed'].split('&& node ')
  const { FORCE_COLOR: _, REDIS_URL: __, ...env } = process.env
  const child = spawn(process.execPath, command.split(' '), { cwd: root, env: { ...env, ...environment } })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

function run(environment: Environment) {
  return endOf(start(environment))
}

interface Audit {
  audit(ledgers: object): unknown
}

async function loadAudit(): Promise<Audit> {
  return await import(new URL('../../examples/distributed/audit.mjs', import.meta.url).href)
}

/** Its output is open as long as one of its processes lives: whoever is left behind is waited for in vain. */
async function endOf(child: ReturnType<typeof start>) {
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { stdout, stderr, exitCode }
}

async function hasTold({ stdout }: ChildProcess, what: RegExp): Promise<void> {
  let told = ''
  await new Promise<void>((resolve, reject) => {
    const look = (chunk: Buffer) => {
      told += chunk
      if (!what.test(told)) return
      stdout?.off('data', look)
      resolve()
    }
    stdout?.on('data', look)
    stdout?.once('end', () => reject(new Error(`It has ended, and told only this:\n${told}`)))
  })
}

function tableOf(stdout: string): Record<string, string> {
  const rows = [...stdout.matchAll(/^([a-z].*?) {2,}(\S.*)$/gm)]
  return Object.fromEntries(rows.map(([, what = '', value = '']) => [what, value]))
}

function openFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'eventsets-distributed-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
