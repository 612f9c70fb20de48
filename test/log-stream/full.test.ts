import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hasRedisServer, type RedisServer } from '../../plugins/redis-streams/test/redis-server.ts'
import { until } from '../bus-backends/until.ts'
import { type Logger, openApplication } from './application.ts'
import { openServer } from './open-server.ts'
import { expectInOrder, lastNumber, numbersOf, storedLines } from './stored-lines.ts'

const text = 'x'.repeat(100)
/** Of a line of the tests, about. */
const LINE_BYTES = 130
const MAX_BYTES = 65_536

/** A server that is away, and may come back. */
async function openAwayServer(): Promise<RedisServer> {
  const server = await openServer({ appendFsync: 'always' })
  await server.kill()
  return server
}

/** The numbers in a text, each behind what the pattern says. */
function countsIn(text: string, pattern: RegExp): number[] {
  return [...text.matchAll(pattern)].map(([, number]) => Number(number))
}

describe.skipIf(!hasRedisServer)('with "drop", when there is no room', () => {
  it('drops lines, and the count of them is in the stream where they are missing, and on stderr', async () => {
    const server = await openAwayServer()
    const destination = `${server.url}/logs`
    const logger = await openApplication().start({ destination, maxBufferBytes: MAX_BYTES, onFull: 'drop' })
    // More than one chunk of pino's, so that some come when it has been waited for long enough.
    await logger.tell({ task: 'log', from: 0, count: 100_000, text })
    await until(() => logger.stderr.includes('had to be dropped'))
    await server.start()
    await until(() => logger.stderr.includes('can be written again'))
    await logger.tell({ task: 'log', from: 100_000, count: 1000, text })
    await logger.tell({ task: 'exit' })
    await logger.ended
    const lines = await storedLines(server)
    const numbers = numbersOf(lines)
    const records = lines.filter((_, index) => numbers[index] === -1).map((line) => JSON.parse(`${line}`))
    const dropped = records.reduce((sum, record) => sum + record.eventsets.droppedLines, 0)

    expect(dropped).toBeGreaterThan(0)
    expect(numbers.length - records.length + dropped).toBe(101_000)
    expect(records[0]).toMatchObject({ level: 40, msg: expect.stringContaining('had to be dropped here') })
    for (const [index, number] of numbers.entries()) {
      if (number !== -1) continue
      // What is missing is exactly between the lines around the record.
      const missing = JSON.parse(`${lines[index]}`).eventsets.droppedLines
      expect(numbers[index + 1]).toBe((numbers[index - 1] as number) + missing + 1)
    }
    const told = countsIn(logger.stderr, /(\d+) lines had to be dropped meanwhile/g)
    expect(told[0]).toBeGreaterThan(0)
  })

  it('drops nothing because of a burst, while the server takes lines', async () => {
    const server = await openServer()
    const destination = `${server.url}/logs`
    const logger = await openApplication().start({ destination, maxBufferBytes: MAX_BYTES })
    await logger.tell({ task: 'log', from: 0, count: 100_000, text })
    await logger.tell({ task: 'exit' })
    await logger.ended

    expectInOrder(numbersOf(await storedLines(server)), 0, 100_000)
    expect(logger.stderr).toBe('')
  })

  it('drops a line that is longer than all the room, and says so', async () => {
    const server = await openServer()
    const destination = `${server.url}/logs`
    const logger = await openApplication().start({ destination, maxBufferBytes: MAX_BYTES })
    const long = `${'x'.repeat(3_000_000)}\n{"level":30,"n":0,"msg":""}\n`
    await logger.tell({ task: 'write', base64: Buffer.from(long).toString('base64') })
    await logger.tell({ task: 'exit' })
    await logger.ended

    expect(numbersOf(await storedLines(server))).toEqual([-1, 0])
    expect(logger.stderr).toMatch(
      /^eventsets: a line of more than 64 KiB for redis:.* had to be dropped\.\n$/,
    )
  })

  it('tells at the end how many lines are lost', async () => {
    const server = await openAwayServer()
    const logger = await openApplication().start({ destination: `${server.url}/logs`, closeTimeoutMs: 500 })
    await logger.tell({ task: 'log', from: 0, count: 1000 })
    await logger.tell({ task: 'exit' })

    expect(await logger.ended).toBe(0)
    expect(logger.stderr).toMatch(
      /^eventsets: 1000 lines could not be written to redis:.*\/logs and are lost\b/m,
    )
  })
})

describe.skipIf(!hasRedisServer)('with "block", when there is no room', () => {
  it('loses nothing', async () => {
    const server = await openAwayServer()
    const destination = `${server.url}/logs`
    const logger = await openApplication().start({ destination, maxBufferBytes: MAX_BYTES, onFull: 'block' })
    await logger.tell({ task: 'log', from: 0, count: 100_000, text })
    await until(() => logger.stderr.includes('further ones wait in the application'))
    await server.start()
    await logger.tell({ task: 'exit' })

    expect(await logger.ended).toBe(0)
    expectInOrder(numbersOf(await storedLines(server)), 0, 100_000)
  })

  it.each([
    { how: 'alone', wrap: (stage: object) => stage },
    { how: 'in a pipeline', wrap: (stage: object) => ({ pipeline: [stage] }) },
    { how: 'among several targets', wrap: (stage: object) => ({ targets: [stage, stage] }) },
  ])('does not keep an application from ending whose server stays away: $how', async ({ wrap }) => {
    const server = await openAwayServer()
    const options = {
      destination: `${server.url}/logs`,
      maxBufferBytes: MAX_BYTES,
      onFull: 'block',
      closeTimeoutMs: 1000,
    }
    const logger = await openApplication().run(wrap({ target: 'eventsets', options }))
    await logger.tell({ task: 'log', from: 0, count: 100_000, text })
    await logger.tell({ task: 'exit' })

    expect(await logger.ended).toBe(0)
    const lost = countsIn(logger.stderr, /(\d+) lines could not be written/g)
    expect(new Set(lost)).toEqual(new Set([100_000]))
  })

  it('does not keep an application from ending that has nothing left to do, whose server stays away', async () => {
    const server = await openAwayServer()
    const options = { destination: `${server.url}/logs`, maxBufferBytes: MAX_BYTES, onFull: 'block' }
    const logger = await openApplication().start({ ...options, closeTimeoutMs: 700 })
    // Before the worker is there, and more than it has room for.
    await logger.tell({ task: 'log', from: 0, count: 1000, text })
    await logger.tell({ task: 'stop' })

    expect(await logger.ended).toBe(0)
    expect(logger.stderr).toContain('1000 lines could not be written')
  })

  it('keeps a logger waiting that waits for its transport, and no longer than it can', async () => {
    const server = await openAwayServer()
    const options = { destination: `${server.url}/logs`, maxBufferBytes: MAX_BYTES, onFull: 'block' }
    const logger = await openApplication().run({ target: 'eventsets', options, sync: true })
    // More than fits between the threads: log calls wait for the other one.
    await logger.tell({ task: 'log', from: 0, count: 100_000, text })
    await server.start()
    await logger.tell({ task: 'exit' })

    expect(await logger.ended).toBe(0)
    expect(logger.errors).toEqual([])
    expectInOrder(numbersOf(await storedLines(server)), 0, 100_000)
  })
})

describe.skipIf(!hasRedisServer)('with "spill", when there is no room', () => {
  const open = (server: RedisServer, more: object = {}) => {
    const application = openApplication()
    const options = {
      destination: `${server.url}/logs`,
      maxBufferBytes: MAX_BYTES,
      spillPath: join(application.folder, 'spill'),
      closeTimeoutMs: 1000,
      ...more,
    }
    return { ...application, options, start: () => application.start(options) }
  }
  const filesOf = (folder: string) =>
    readdirSync(folder)
      .filter((name) => name.startsWith('spill'))
      .sort()
  const untilAllIsSpilled = async (logger: Logger) => {
    await until(() => logger.stderr.includes('cannot write to'))
    // A transport that has been flushed has taken everything.
    await logger.tell({ task: 'flush' })
  }

  it('reads the lines back in order when the server is there, and the file is gone', async () => {
    const server = await openAwayServer()
    const { folder, start } = open(server)
    const logger = await start()
    await logger.tell({ task: 'log', from: 0, count: 50_000, text })
    await untilAllIsSpilled(logger)
    await server.start()
    await logger.tell({ task: 'log', from: 50_000, count: 1000, text })
    await until(async () => (await server.admin.xlen('logs')) === 51_000)
    await logger.tell({ task: 'exit' })

    expect(await logger.ended).toBe(0)
    expectInOrder(numbersOf(await storedLines(server)), 0, 51_000)
    expect(filesOf(folder)).toEqual([])
  })

  it('keeps everything for the next start when the server stays away', async () => {
    const server = await openAwayServer()
    const { folder, start } = open(server)
    const first = await start()
    await first.tell({ task: 'log', from: 0, count: 50_000, text })
    await first.tell({ task: 'exit' })

    expect(await first.ended).toBe(0)
    expect(first.stderr).toContain(`is kept in ${join(folder, 'spill')}, and goes there at the next start`)
    expect(first.stderr).not.toContain('lost')

    await server.start()
    const second = await start()
    await second.tell({ task: 'log', from: 50_000, count: 10, text })
    await until(async () => (await server.admin.xlen('logs')) === 50_010)
    await second.tell({ task: 'exit' })
    await second.ended

    expectInOrder(numbersOf(await storedLines(server)), 0, 50_010)
    expect(filesOf(folder)).toEqual([])
  })

  it('loses nothing of what it had in the file when the process is killed', async () => {
    const server = await openAwayServer()
    const { start } = open(server)
    const first = await start()
    await first.tell({ task: 'log', from: 0, count: 50_000, text })
    await untilAllIsSpilled(first)
    first.child.kill('SIGKILL')
    await first.ended
    await server.start()
    const second = await start()
    await until(async () => (await lastNumber(server)) === 49_999)
    await second.tell({ task: 'exit' })
    await second.ended
    const numbers = numbersOf(await storedLines(server))

    // What was in memory is gone, and it was first.
    expectInOrder(numbers, 50_000 - numbers.length, 50_000)
    expect((50_000 - numbers.length) * LINE_BYTES).toBeLessThan(MAX_BYTES * 1.5)
  })

  it('keeps two processes with one path apart', async () => {
    const server = await openAwayServer()
    const { folder, start } = open(server)
    const loggers = [await start(), await start()]
    await Promise.all(loggers.map((logger) => logger.tell({ task: 'log', from: 0, count: 20_000, text })))
    await Promise.all(loggers.map(untilAllIsSpilled))

    expect(filesOf(folder)).toEqual(['spill', 'spill.1', 'spill.1.lock', 'spill.lock'])

    await server.start()
    await until(async () => (await server.admin.xlen('logs')) === 40_000)
    for (const logger of loggers) {
      await logger.tell({ task: 'exit' })
      await logger.ended
    }

    const numbers = numbersOf(await storedLines(server)).sort((a, b) => a - b)
    for (const half of [0, 1])
      expectInOrder(
        numbers.filter((_, index) => index % 2 === half),
        0,
        20_000,
      )
    expect(filesOf(folder)).toEqual([])
  })

  it('takes over what another process has left that was killed', async () => {
    const server = await openAwayServer()
    const { folder, start } = open(server)
    const living = await start()
    const killed = await start()
    await killed.tell({ task: 'log', from: 0, count: 20_000, text })
    await untilAllIsSpilled(killed)
    killed.child.kill('SIGKILL')
    await killed.ended
    await server.start()
    await until(() => !existsSync(join(folder, 'spill.1')))
    await living.tell({ task: 'exit' })
    await living.ended
    const numbers = numbersOf(await storedLines(server))

    expect(numbers.length).toBeGreaterThan(19_000)
    expectInOrder(numbers, 20_000 - numbers.length, 20_000)
  })

  it('drops nothing because the file it finds is full, while the server takes lines', async () => {
    const server = await openAwayServer()
    const { folder, start } = open(server, { maxSpillBytes: MAX_BYTES })
    const first = await start()
    await first.tell({ task: 'log', from: 0, count: 5000, text })
    await untilAllIsSpilled(first)
    await first.tell({ task: 'exit' })
    await first.ended
    await server.start()
    const second = await start()
    await second.tell({ task: 'log', from: 5000, count: 5, text })
    await until(async () => (await lastNumber(server)) === 5004)
    await second.tell({ task: 'exit' })
    await second.ended

    expect(second.stderr).not.toContain('dropped')
    expectInOrder(numbersOf(await storedLines(server)).slice(-5), 5000, 5005)
    expect(filesOf(folder)).toEqual([])
  })

  it('drops what the file has no room for either, and counts it', async () => {
    const server = await openAwayServer()
    const { start } = open(server, { maxSpillBytes: 1_000_000 })
    const logger = await start()
    await logger.tell({ task: 'log', from: 0, count: 50_000, text })
    await untilAllIsSpilled(logger)
    await server.start()
    await until(async () => (await lastNumber(server)) === -1)
    await logger.tell({ task: 'exit' })
    await logger.ended
    const lines = await storedLines(server)
    const numbers = numbersOf(lines)
    const dropped = JSON.parse(`${lines[numbers.indexOf(-1)]}`).eventsets.droppedLines

    expect(numbers.filter((number) => number === -1)).toHaveLength(1)
    expect(numbers.length - 1 + dropped).toBe(50_000)
    expectInOrder(numbers.slice(0, -1), 0, numbers.length - 1)
  })
})
