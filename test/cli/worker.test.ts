import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  hasRedisServer,
  type RedisServer,
  type RedisServerOptions,
  startRedis,
} from '../../plugins/redis-streams/test/redis-server.ts'
import { fromClone } from '../bus-backends/process.ts'
import { until } from '../bus-backends/until.ts'
import {
  cleanEnv,
  hasTerminal,
  main,
  quote,
  root,
  runCli,
  runInTerminal,
  runShell,
  startCli,
  temporaryFolder,
} from './run-cli.ts'

let server: RedisServer
/** Of an application that has installed the package. */
let cwd: string
const removals: (() => void)[] = []
beforeAll(async () => {
  if (hasRedisServer) server = await startRedis()
  cwd = temporaryFolder((remove) => removals.push(remove))
  install(cwd)
})
afterAll(async () => {
  for (const remove of removals) remove()
  await server?.dispose()
})

function install(folder: string): void {
  mkdirSync(join(folder, 'node_modules/@eventsets'), { recursive: true })
  symlinkSync(join(root, 'plugins/redis-streams'), join(folder, 'node_modules/@eventsets/redis-streams'))
  writeFileSync(join(folder, 'package.json'), '{"name":"app"}')
}

async function openServer(options?: RedisServerOptions): Promise<RedisServer> {
  const own = await startRedis(options)
  onTestFinished(() => own.dispose())
  return own
}

/** The package imports "eventsets", which is not installed in a clone. */
const env = { NODE_OPTIONS: `--import ${fromClone}` }
const CLAIM_IDLE_MS = 400

let streams = 0
function newStream(): string {
  return `worker-${process.pid}-${streams++}`
}

function worker(...args: readonly string[]): string[] {
  return ['worker', ...args, '--claim-idle-ms', `${CLAIM_IDLE_MS}`]
}

/** The line of a record that the built-in sets know. */
function recordOf(n: number): string {
  return JSON.stringify({ level: 30, n, res: { statusCode: 200 }, msg: 'request completed' })
}

async function fill(own: RedisServer, key: string, count: number, from = 0): Promise<void> {
  const pipeline = own.admin.pipeline()
  for (let n = from; n < from + count; n++) pipeline.xadd(key, '*', 'line', recordOf(n))
  await pipeline.exec()
}

/** The numbers of the records that stand somewhere, and whether each was enriched. */
function numbersIn(lines: readonly string[]): number[] {
  return lines.map((line) => {
    const { n, markers } = JSON.parse(line) as { n: number; markers: unknown }
    expect(markers).toEqual(['✅'])
    return n
  })
}

async function linesIn(own: RedisServer, key: string): Promise<string[]> {
  return (await own.admin.xrange(key, '-', '+')).map(([, fields]) => fields[1] as string)
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n)
}

function sorted(numbers: readonly number[]): number[] {
  return [...numbers].sort((a, b) => a - b)
}

async function pendingIn(own: RedisServer, key: string): Promise<number> {
  return (await own.admin.xpending(key, 'enrich'))[0] as number
}

describe.runIf(hasRedisServer)('eventsets worker', () => {
  it('enriches the lines of a stream into another one, and ends when nothing comes any more', async () => {
    const [key, target] = [newStream(), newStream()]
    await fill(server, key, 1000)

    const { status, stdout, stderr } = runCli(
      worker(
        ...['--from', `${server.url}/${key}`, '--group', 'enrich'],
        ...['--to', `${server.url}/${target}`, '--idle-exit-ms', '1', '--verbose'],
      ),
      { cwd, env },
    )

    expect([status, stdout]).toEqual([0, ''])
    expect(stderr).toBe(
      `eventsets: Lines of ${server.url}/${key} go to ${server.url}/${target}, as one of the group "enrich".\n` +
        'eventsets: 1000 lines done.\n',
    )
    const lines = await linesIn(server, target)
    expect(numbersIn(lines)).toEqual(upTo(1000))
    expect(lines[0]?.startsWith(recordOf(0).slice(0, -1))).toBe(true)
    const rows = (await server.admin.xinfo('CONSUMERS', key, 'enrich')) as string[][]
    expect(rows.map(([, name]) => name).filter((name) => !name?.startsWith('~'))).toEqual([])
  })

  it('writes JSON to a pipe or a file, and says nothing of itself', async () => {
    const key = newStream()
    const file = join(temporaryFolder(), 'new.log')
    // Somebody was killed while writing.
    writeFileSync(file, '{"half')
    await fill(server, key, 3)
    const args = ['--from', server.url, '--stream', key, '--idle-exit-ms', '1', '--group']

    const piped = runCli(worker(...args, 'enrich'), { cwd, env })
    const filed = runCli(worker(...args, 'other', '--to', file), { cwd, env })

    expect(piped).toMatchObject({ status: 0, stderr: '' })
    expect(numbersIn(piped.stdout.split('\n').slice(0, -1))).toEqual([0, 1, 2])
    expect(filed).toMatchObject({ status: 0, stdout: '', stderr: '' })
    expect(readFileSync(file, 'utf8')).toBe(`{"half\n${piped.stdout}`)
  })

  it('says that a bare name is a file, and how a stream is named', async () => {
    const key = newStream()
    await fill(server, key, 1)
    const from = `redis://:Hidden-1@${server.url.slice('redis://'.length)}/${key}`
    const folder = temporaryFolder()
    install(folder)

    const args = ['--group', 'g', '--idle-exit-ms', '1', '--to']
    const bare = runCli(worker('--from', `${server.url}/${key}`, ...args, 'enriched'), { cwd: folder, env })
    const path = runCli(worker('--from', `${server.url}/${key}`, ...args, './enriched'), { cwd: folder, env })
    const secret = runCli(worker('--from', from, ...args, 'enriched'), { cwd: folder, env })

    expect(bare).toMatchObject({
      status: 0,
      stderr: `eventsets: Lines go to the file "enriched" in the working directory. A stream is named by a URL: --to ${server.url}/enriched\n`,
    })
    expect(numbersIn(readFileSync(join(folder, 'enriched'), 'utf8').split('\n').slice(0, -1))).toEqual([0])
    expect(path).toMatchObject({ status: 0, stderr: '' })
    expect(secret.stderr).not.toContain('Hidden')
  })

  it('takes the options of the view', async () => {
    const key = newStream()
    await server.admin.xadd(key, '*', 'line', '{"level":20,"msg":"quiet"}')
    await server.admin.xadd(key, '*', 'line', '{"level":30,"status":"rare","msg":"shown"}')
    const set = join(temporaryFolder(), 'own.json')
    const mapping = { name: 'status', visualMarkers: { rare: '🦄' } }
    writeFileSync(
      set,
      JSON.stringify({
        name: 'own',
        mappings: [mapping],
        fieldMappings: [{ logKey: 'status', mapping: 'status' }],
      }),
    )
    const args = ['--from', `${server.url}/${key}`, '--group', 'enrich', '--idle-exit-ms', '1']

    const { stdout, stderr } = runCli(
      worker(...args, '--set', set, '-L', 'info', '--output', 'pretty', '-H', '--no-color'),
      { cwd, env },
    )

    expect([stdout, stderr]).toEqual(['INFO: [🦄] shown\n', ''])
  })

  it('takes entries of other tools for records, and passes on what is no record', async () => {
    const key = newStream()
    await server.admin.xadd(key, '*', 'http.response.status_code', '200', 'msg', 'by another')
    await server.admin.xadd(key, '*', 'line', 'no JSON')
    const args = ['--from', `${server.url}/${key}`, '--group', 'enrich', '--idle-exit-ms', '1']

    const { stdout } = runCli(worker(...args), { cwd, env })

    const [record, text] = stdout.split('\n')
    expect(JSON.parse(record as string)).toMatchObject({ msg: 'by another', markers: ['✅'] })
    expect(text).toBe('no JSON')
  })

  it.runIf(hasTerminal)('lets nothing that is in a line act on a terminal', async () => {
    const key = newStream()
    const hostile = '\u001b[31m\u0007\u009b2J\u202e'
    for (const line of [
      hostile,
      `{"msg":"${hostile}`,
      JSON.stringify({ level: 30, msg: hostile }),
      ` ${hostile}`,
    ])
      await server.admin.xadd(key, '*', 'line', line)
    await server.admin.xadd(key, '*', 'msg', hostile, hostile, 'x')
    const args = ['--from', `${server.url}/${key}`, '--idle-exit-ms', '1', '--no-color', '--group']
    const run = (...more: string[]) =>
      runInTerminal(
        `eventsets ${worker(...args, ...more)
          .map(quote)
          .join(' ')}`,
        { cwd, env },
      )

    const [shown, json, refused] = [run('enrich'), run('other', '--json'), run(hostile)]

    for (const { stdout, status } of [shown, json]) {
      expect([stdout.match(/\d+ lines done/)?.[0], status]).toEqual(['5 lines done', 0])
    }
    expect(refused.status).toBe(2)
    for (const { stdout } of [shown, json, refused])
      expect(stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/)
  })

  it('gives each group everything', async () => {
    const key = newStream()
    await fill(server, key, 50)
    const args = ['--from', `${server.url}/${key}`, '--idle-exit-ms', '1', '--group']

    for (const group of ['one', 'two']) {
      const { stdout } = runCli(worker(...args, group), { cwd, env })
      expect(numbersIn(stdout.split('\n').slice(0, -1))).toEqual(upTo(50))
    }
  })

  it('finishes what is in hand at SIGTERM and leaves the group', async () => {
    const [key, target] = [newStream(), newStream()]
    await fill(server, key, 20_000)
    const running = startCli(
      worker(
        '--from',
        `${server.url}/${key}`,
        '--group',
        'enrich',
        '--to',
        `${server.url}/${target}`,
        '--batch',
        '10',
      ),
      { cwd, env },
    )
    await until(async () => (await server.admin.xlen(target)) > 0)

    running.child.kill('SIGTERM')

    expect(await running.ended).toMatchObject({ status: 0, stderr: '' })
    const done = await server.admin.xlen(target)
    expect(done).toBeLessThan(20_000)
    expect(await pendingIn(server, key)).toBeLessThanOrEqual(10)
    runCli(
      worker(
        ...['--from', `${server.url}/${key}`, '--group', 'enrich', '--to', `${server.url}/${target}`],
        ...['--idle-exit-ms', '1'],
      ),
      { cwd, env },
    )
    expect(sorted(numbersIn(await linesIn(server, target)))).toEqual(upTo(20_000))
  })
})

describe.runIf(hasRedisServer)('workers of one group', () => {
  it('share 20,000 lines, each of which is there exactly once, whoever is killed', async () => {
    const [key, target] = [newStream(), newStream()]
    const args = worker(
      ...['--from', `${server.url}/${key}`, '--group', 'enrich', '--to', `${server.url}/${target}`],
      ...['--batch', '50'],
    )
    const start = () => startCli(args, { cwd, env })
    const workers = [start(), start(), start()]
    await fill(server, key, 20_000)

    for (let deaths = 1; deaths <= 6; deaths++) {
      await until(async () => (await server.admin.xlen(target)) >= deaths * 2500)
      const victim = workers[Math.floor(Math.random() * 3)]
      victim?.child.kill('SIGKILL')
      workers.splice(workers.indexOf(victim as (typeof workers)[0]), 1, start())
    }
    await until(
      async () => (await server.admin.xlen(target)) >= 20_000 && (await pendingIn(server, key)) === 0,
    )

    // Whoever has just been started knows nothing of signals yet.
    for (const { child } of workers) await until(async () => await isConsumer(key, child))
    for (const { child } of workers) child.kill('SIGTERM')
    for (const { ended } of workers) expect(await ended).toMatchObject({ status: 0 })
    expect(sorted(numbersIn(await linesIn(server, target)))).toEqual(upTo(20_000))
  })

  it('write each line to their standard output at least once, whoever is killed', async () => {
    const key = newStream()
    await fill(server, key, 5000)
    const args = worker('--from', `${server.url}/${key}`, '--group', 'enrich', '--batch', '20')
    const first = startCli(args, { cwd, env })
    await first.until('"n":500,')
    first.child.kill('SIGKILL')
    const { stdout: before } = await first.ended

    const { stdout: after } = runCli([...args, '--idle-exit-ms', `${CLAIM_IDLE_MS * 2}`], { cwd, env })

    const numbers = [before, after].flatMap((text) => numbersIn(text.split('\n').slice(0, -1)))
    expect(sorted([...new Set(numbers)])).toEqual(upTo(5000))
    expect(numbers.length - 5000).toBeLessThanOrEqual(40)
  })

  it('have each line once, also when one was stopped for so long that others did its work', async () => {
    const [key, target] = [newStream(), newStream()]
    const args = worker(
      ...['--from', `${server.url}/${key}`, '--group', 'enrich', '--to', `${server.url}/${target}`],
      ...['--batch', '50'],
    )
    await fill(server, key, 5000)
    const stopped = startCli(args, { cwd, env })
    await until(async () => (await server.admin.xlen(target)) >= 500)
    stopped.child.kill('SIGSTOP')
    const other = startCli(args, { cwd, env })
    await until(async () => (await server.admin.xlen(target)) >= 5000 && (await pendingIn(server, key)) === 0)

    stopped.child.kill('SIGCONT')
    await fill(server, key, 500, 5000)
    await until(async () => (await server.admin.xlen(target)) >= 5500 && (await pendingIn(server, key)) === 0)

    for (const { child } of [stopped, other]) child.kill('SIGTERM')
    for (const { ended } of [stopped, other]) expect(await ended).toMatchObject({ status: 0 })
    expect(sorted(numbersIn(await linesIn(server, target)))).toEqual(upTo(5500))
  })

  it('do not all die of a line that kills whoever looks at it', async () => {
    const [key, target] = [newStream(), newStream()]
    const folder = temporaryFolder()
    install(folder)
    writeFileSync(
      join(folder, 'deadly.mjs'),
      `export default { name: 'deadly', mappings: [{ name: 'poison', visualMarkers: { yes: '💀' },
         transformations: { '*': () => process.kill(process.pid, 'SIGKILL') } }],
         fieldMappings: [{ logKey: 'poison', mapping: 'poison' }] }`,
    )
    writeFileSync(join(folder, 'eventsets.config.json'), '{"plugins":["./deadly.mjs"]}')
    await fill(server, key, 5)
    await server.admin.xadd(key, '*', 'line', '{"poison":"yes"}')
    await fill(server, key, 5, 5)
    const args = worker(
      ...['--from', `${server.url}/${key}`, '--group', 'enrich', '--to', `${server.url}/${target}`],
      ...['--idle-exit-ms', `${CLAIM_IDLE_MS * 3}`],
    )

    const ends = []
    do ends.push(runCli(args, { cwd: folder, env }))
    while (ends.at(-1)?.signal === 'SIGKILL' && ends.length < 10)

    expect(ends.map(({ signal, status }) => signal ?? status)).toEqual(['SIGKILL', 'SIGKILL', 'SIGKILL', 0])
    expect(ends.at(-1)?.stderr).toContain('1 line that processes have died of is passed on as it is.')
    const lines = await linesIn(server, target)
    expect(lines.filter((line) => line.includes('poison'))).toEqual(['{"poison":"yes"}'])
    expect(sorted(numbersIn(lines.filter((line) => !line.includes('poison'))))).toEqual(upTo(10))
  })
})

describe.runIf(hasRedisServer)('eventsets worker, when the server', () => {
  it('is killed and started again, goes on, and has each line once', async () => {
    const own = await openServer({ appendFsync: 'always' })
    await fill(own, 'logs', 10_000)
    const running = startCli(
      worker('--from', `${own.url}/logs`, '--group', 'enrich', '--to', `${own.url}/new`, '--batch', '50'),
      { cwd, env },
    )
    for (const count of [1000, 4000]) {
      await until(async () => (await own.admin.xlen('new')) >= count)
      await own.kill()
      await own.start()
    }

    await until(async () => (await own.admin.xlen('new')) >= 10_000 && (await pendingIn(own, 'logs')) === 0)

    running.child.kill('SIGTERM')
    const { status, stderr } = await running.ended
    expect(status).toBe(0)
    expect(stderr).toMatch(/^(eventsets: Redis has not answered: .*\neventsets: The server is back\.\n)+$/)
    expect(sorted(numbersIn(await linesIn(own, 'new')))).toEqual(upTo(10_000))
  })

  it('that it writes to is another one and is killed, keeps what it has in hand until it is back', async () => {
    const own = await openServer({ appendFsync: 'always' })
    const key = newStream()
    await fill(server, key, 5000)
    const running = startCli(
      worker(
        '--from',
        `${server.url}/${key}`,
        '--group',
        'enrich',
        '--to',
        `${own.url}/new`,
        '--batch',
        '50',
      ),
      { cwd, env },
    )
    await until(async () => (await own.admin.xlen('new')) >= 1000)
    await own.kill()
    await own.start()

    await until(async () => (await own.admin.xlen('new')) >= 5000 && (await pendingIn(server, key)) === 0)

    running.child.kill('SIGTERM')
    expect((await running.ended).status).toBe(0)
    expect(sorted(numbersIn(await linesIn(own, 'new')))).toEqual(upTo(5000))
  })

  it('is not there at first, waits for it', async () => {
    const own = await openServer({ appendFsync: 'always' })
    await fill(own, 'logs', 3)
    await own.kill()
    const running = startCli(worker('--from', `${own.url}/logs`, '--group', 'enrich'), { cwd, env })
    await until(() => running.output.stderr.includes('has not answered'))
    await own.start()

    await running.until('"n":2,')

    running.child.kill('SIGINT')
    expect((await running.ended).status).toBe(0)
  })

  it('has lost everything, goes on with what comes', async () => {
    const own = await openServer()
    await fill(own, 'logs', 3)
    const running = startCli(worker('--from', `${own.url}/logs`, '--group', 'enrich'), { cwd, env })
    await running.until('"n":2,')
    await own.admin.flushall()
    await fill(own, 'logs', 3, 3)

    await running.until('"n":5,')

    expect(running.output.stderr).toBe('')
    expect(numbersIn(running.output.stdout.split('\n').slice(0, -1))).toEqual(upTo(6))
  })

  it.each([
    ['reads', 'key', 'fresh'],
    ['writes', 'fresh', 'key'],
  ] as const)('has something else under the name that it %s, says so and ends', async (_, from, to) => {
    const names = { key: newStream(), fresh: newStream() }
    await server.admin.set(names.key, 'mine')
    await fill(server, names.fresh, 3)

    const { status, stderr } = runCli(
      worker(
        '--from',
        `${server.url}/${names[from]}`,
        '--group',
        'enrich',
        '--to',
        `${server.url}/${names[to]}`,
      ),
      { cwd, env },
    )

    expect(status).toBe(2)
    expect(stderr).toBe(
      `eventsets: The key ${names.key} holds a string and no stream.\nIt belongs to somebody else. Name another stream.\n`,
    )
    expect(await server.admin.get(names.key)).toBe('mine')
  })

  it('does not know the password, says so without telling it', async () => {
    const own = await openServer()
    await own.admin.config('SET', 'requirepass', 'other')

    const { status, stderr } = runCli(
      worker('--from', `redis://:Hidden-1@127.0.0.1:${own.port}/logs`, '--group', 'enrich', '--verbose'),
      { cwd, env },
    )

    expect(status).toBe(2)
    expect(stderr.split('WRONGPASS')).toHaveLength(2)
    expect(stderr).not.toContain('Hidden')
  })
})

describe.runIf(hasRedisServer)('eventsets worker, when standard output', () => {
  it('is closed, ends as the view does, and leaves to others what was not written', async () => {
    const key = newStream()
    await fill(server, key, 8000)
    const args = worker('--from', `${server.url}/${key}`, '--group', 'enrich')

    const { stdout, stderr, status } = runShell(
      `set -o pipefail; eventsets ${args.map(quote).join(' ')} | head -1`,
      { cwd, env },
    )

    expect([stdout.split('\n').length, stderr, status]).toEqual([2, '', 0])
    const rest = runCli([...args, '--idle-exit-ms', '1'], { cwd, env })
    const seen = new Set(numbersIn(rest.stdout.split('\n').slice(0, -1)))
    expect(seen.has(7999)).toBe(true)
    // What has arrived in the pipe counts as written.
    expect(seen.size).toBeGreaterThan(6000)
  })

  it('is full, reads no more and keeps what it has in hand, until it goes on', async () => {
    const key = newStream()
    await fill(server, key, 10_000)
    const args = worker('--from', `${server.url}/${key}`, '--group', 'enrich', '--batch', '100')
    const slow = spawnUnread(args)
    await untilStuck(key, CLAIM_IDLE_MS * 3)

    const other = runCli([...args, '--idle-exit-ms', `${CLAIM_IDLE_MS}`], { cwd, env })
    const inHand = await pendingIn(server, key)
    const chunks: Buffer[] = []
    slow.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    await until(async () => (await pendingIn(server, key)) === 0)
    slow.kill('SIGTERM')
    const [status] = await once(slow, 'close')

    expect(inHand).toBe(100)
    expect(status).toBe(0)
    const texts = [Buffer.concat(chunks).toString(), other.stdout]
    const numbers = texts.flatMap((text) => numbersIn(text.split('\n').slice(0, -1)))
    expect(sorted(numbers)).toEqual(upTo(10_000))
  })

  it('is full at the end, dies of the second signal at once', async () => {
    const key = newStream()
    await fill(server, key, 10_000)
    const stuck = spawnUnread(worker('--from', `${server.url}/${key}`, '--group', 'enrich', '--batch', '100'))
    await untilStuck(key, 300)

    stuck.kill('SIGTERM')
    stuck.kill('SIGINT')
    const [, signal] = await once(stuck, 'exit')

    expect(signal).toMatch(/^SIG(INT|TERM)$/)
    expect(await pendingIn(server, key)).toBeGreaterThan(0)
  })

  it('is a named pipe that nobody reads, waits for a reader, and ends at SIGTERM while there is none', async () => {
    const key = newStream()
    await fill(server, key, 3)
    const pipe = join(temporaryFolder(), 'pipe')
    execFileSync('mkfifo', [pipe])
    const args = worker('--from', `${server.url}/${key}`, '--group', 'enrich', '--to', pipe, '--verbose')
    const waiting = startCli(args, { cwd, env })
    await until(() => waiting.output.stderr.includes('Lines of'))

    waiting.child.kill('SIGTERM')
    const ended = await waiting.ended

    expect(ended).toMatchObject({ status: 0 })
    const reading = spawn('cat', [pipe], { stdio: ['ignore', 'pipe', 'inherit'] })
    const chunks: Buffer[] = []
    reading.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    runCli([...args, '--idle-exit-ms', '1'], { cwd, env })
    await once(reading, 'close')
    expect(numbersIn(Buffer.concat(chunks).toString().split('\n').slice(0, -1))).toEqual(upTo(3))
  })

  it('cannot be written, says so and acknowledges nothing', async () => {
    const key = newStream()
    await fill(server, key, 10)

    const { status, stderr } = runShell(
      `eventsets ${worker('--from', `${server.url}/${key}`, '--group', 'enrich').map(quote).join(' ')} > /dev/full`,
      { cwd, env },
    )

    expect(status).toBe(2)
    expect(stderr).toBe(
      'eventsets: cannot write to standard output: no space is left on the device (ENOSPC).\n',
    )
    expect(await pendingIn(server, key)).toBe(10)
  })
})

function spawnUnread(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [main, ...args], {
    env: cleanEnv(env),
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** Waits until a worker has something in hand and reads no more, for so long. */
async function untilStuck(key: string, ms: number): Promise<void> {
  let before = 0
  let sinceMs = 0
  await until(async () => {
    const count = await entriesRead(key)
    if (count !== before) sinceMs = performance.now()
    before = count
    return count > 0 && performance.now() - sinceMs > ms && (await pendingIn(server, key)) > 0
  })
}

async function isConsumer(key: string, { pid }: ChildProcess): Promise<boolean> {
  const rows = (await server.admin.xinfo('CONSUMERS', key, 'enrich')) as string[][]
  return rows.some(([, name]) => name?.includes(`-${pid}#`))
}

async function entriesRead(key: string): Promise<number> {
  const [group] = (await server.admin.xinfo('GROUPS', key)) as unknown[][]
  return group ? Number(group[group.indexOf('entries-read') + 1]) : 0
}

describe('eventsets worker, wrongly used', () => {
  it.each([
    { args: [], complaints: ['--from', '--group'] },
    { args: ['--from', 'logs', '--group', 'g'], complaints: ['--from: expected a URL'] },
    {
      args: ['--from', 'redis://h/logs', '--stream', 'other', '--group', 'g'],
      complaints: ['--stream: the URL of --from names another one'],
    },
    {
      args: ['--from', 'redis://h', '--stream', 'logs', '--group', 'g', '--to', 'redis://h:6379/0/logs'],
      complaints: ['--to: is the stream that is read'],
    },
    {
      args: ['--from', 'redis://h', '--stream', 'a:b', '--group', 'g', '--to', 'redis://H/a:b'],
      complaints: ['--to: is the stream that is read'],
    },
    {
      args: ['--from', 'redis://h/lo%67s', '--group', 'g', '--to', 'redis://u:p@h/00/logs'],
      complaints: ['--to: is the stream that is read'],
    },
    {
      args: [
        '--from',
        'redis://h/logs',
        '--group',
        '',
        '--batch',
        '-1',
        '--claim-idle-ms',
        'soon',
        '--max-len',
        '5',
      ],
      complaints: ['--group', '--batch', '--claim-idle-ms', '--max-len'],
    },
    {
      args: ['--from', 'redis://h/logs', '--group', 'g', '--to', 'redis://h/new', '--output', 'pretty'],
      complaints: ['--output: a stream takes JSON only'],
    },
    { args: ['--from', 'redis://h/logs', '--group', 'g', '--output', 'xml'], complaints: ['json, pretty'] },
    {
      args: ['--from', 'redis://h/logs', '--group', 'g', '--batch', '5001', '--claim-idle-ms', '99'],
      complaints: [
        '--batch: expected a whole number from 1 to 5000',
        '--claim-idle-ms: expected a whole number',
      ],
    },
    { args: ['--from', 'redis://h/logs', '--group', 'g', 'app.log'], complaints: ['too many arguments'] },
    {
      args: ['--from', 'redis://h/logs', '--group', 'g', '--follow'],
      complaints: ['--follow: is for files: a worker goes on until a signal ends it'],
    },
    { args: ['--from', 'kafka://h/logs', '--group', 'g'], complaints: ['Known are redis:// and rediss://'] },
  ])('says all that is wrong, and exits 2: $args', ({ args, complaints }) => {
    const { status, stdout, stderr } = runCli(['worker', ...args], { cwd, env })

    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^eventsets: /)
    for (const complaint of complaints) expect(stderr).toContain(complaint)
  })

  it.each([
    'redis://u:Hidden@h',
    'redis://u:Hidden@h/1',
    'redis://u:Hid#den@h/logs',
    'redis://u:Hidden@h/a/b/c',
    'redis://u:Hidden@:x/logs',
    'redis://u:Hidden@h:99999/logs',
  ])('says what is wrong with a URL, and nothing of what is secret in it: %s', (from) => {
    const { status, stderr } = runCli(['worker', '--from', from, '--group', 'g'], { cwd, env })

    expect(status).toBe(2)
    expect(stderr).toContain('redis://user:password@host:6379/logs')
    expect(stderr).not.toMatch(/Hid|den/)
  })

  it('says which package is missing', () => {
    const { status, stderr } = runCli(['worker', '--from', 'redis://h/logs', '--group', 'g'], {
      cwd: temporaryFolder(),
      env,
    })

    expect(status).toBe(2)
    expect(stderr).toBe(
      'eventsets: cannot use redis://h/logs: the package "@eventsets/redis-streams" is not installed. npm install @eventsets/redis-streams ioredis\n',
    )
  })

  it('leaves a file alone that it cannot append to', () => {
    const folder = temporaryFolder()
    appendFileSync(join(folder, 'file'), 'x')
    const to = join(folder, 'file/new.log')

    const { status, stderr } = runCli(
      ['worker', '--from', 'redis://127.0.0.1:1/logs', '--group', 'g', '--to', to],
      { cwd, env },
    )

    expect(status).toBe(2)
    expect(stderr).toContain('a part of the path is not a directory (ENOTDIR)')
  })
})
