import { describe, expect, it } from 'vitest'
import { hasRedisServer } from '../../plugins/redis-streams/test/redis-server.ts'
import { until } from '../bus-backends/until.ts'
import { openApplication } from './application.ts'
import { openProxy, openServer } from './open-server.ts'
import { expectInOrder, numbersOf, storedLines } from './stored-lines.ts'

const text = 'x'.repeat(100)

describe.skipIf(!hasRedisServer)('a transport whose destination is a stream', () => {
  it.each([
    { end: 'stop' as const, code: 0 },
    { end: 'exit' as const, code: 0 },
    { end: 'throw' as const, code: 1 },
  ])('writes every line, in order, when the end is $end', async ({ end, code }) => {
    const server = await openServer()
    const logger = await openApplication().start({ destination: `${server.url}/logs` })
    await logger.tell({ task: 'log', from: 0, count: 30_000, text })
    await logger.tell({ task: end })

    expect(await logger.ended).toBe(code)
    expectInOrder(numbersOf(await storedLines(server)), 0, 30_000)
    expect(logger.stderr).not.toMatch(/^eventsets:/m)
  })

  it('has written every line when the transport has ended, and when it has been flushed', async () => {
    const server = await openServer()
    const logger = await openApplication().start({ destination: `${server.url}/logs` })
    await logger.tell({ task: 'log', from: 0, count: 5000, text })
    await logger.tell({ task: 'flush' })

    expectInOrder(numbersOf(await storedLines(server)), 0, 5000)

    await logger.tell({ task: 'log', from: 5000, count: 5000, text })
    await logger.tell({ task: 'endTransport' })

    expectInOrder(numbersOf(await storedLines(server)), 0, 10_000)
  })

  it.each([
    { kind: 'a pipeline', make: (stage: object) => ({ pipeline: [stage] }) },
    {
      kind: 'one of several targets',
      make: (stage: object) => ({
        targets: [
          { ...stage, level: 'trace' },
          { ...stage, level: 'fatal' },
        ],
      }),
    },
  ])('writes every line as the last of $kind', async ({ make }) => {
    const server = await openServer()
    const stage = { target: 'eventsets', options: { destination: `${server.url}/logs` } }
    const logger = await openApplication().run(make(stage))
    await logger.tell({ task: 'log', from: 0, count: 30_000, text })
    await logger.tell({ task: 'exit' })

    expect(await logger.ended).toBe(0)
    expectInOrder(numbersOf(await storedLines(server)), 0, 30_000)
  })

  it('writes JSON with the markers, into the database that the URL names', async () => {
    const server = await openServer()
    const logger = await openApplication().start({ destination: `${server.url}/2/logs%2Fweb` })
    await logger.tell({
      task: 'write',
      base64: toBase64('{"level":30,"res":{"statusCode":200},"msg":"done"}\n'),
    })
    await logger.tell({ task: 'exit' })
    await logger.ended
    await server.admin.select(2)
    const [line] = await storedLines(server, 'logs/web')

    expect(JSON.parse(`${line}`)).toMatchObject({ msg: 'done', markers: ['✅'] })
  })

  it('hands on what it cannot read to the byte: an odd line, a line of 5 MB, and the last without an end', async () => {
    const server = await openServer()
    const lines = [
      'no JSON at all',
      '',
      '{"level":30,"msg":"\\u0000","x":1e400,  "x":"\u0000\u001b[2J"}',
      `{"level":30,"msg":"${'é'.repeat(2_500_000)}"}`,
      '{"level":30,"msg":"behind it"}',
      '{"level":30,"msg":"cut of',
    ]
    const logger = await openApplication().start({ destination: `${server.url}/logs` })
    await logger.tell({ task: 'write', base64: toBase64(lines.join('\n')) })
    await logger.tell({ task: 'exit' })
    await logger.ended

    expect((await storedLines(server)).map(String)).toEqual(lines)
  })

  it('keeps about so many lines as "maxLen" says', async () => {
    const server = await openServer()
    const logger = await openApplication().start({ destination: `${server.url}/logs`, maxLen: 1000 })
    await logger.tell({ task: 'log', from: 0, count: 20_000 })
    await logger.tell({ task: 'exit' })
    await logger.ended
    const numbers = numbersOf(await storedLines(server))

    expectInOrder(numbers, 20_000 - numbers.length, 20_000)
    expect(numbers.length).toBeLessThan(1500)
  })

  it('leaves nothing on the server but the stream', async () => {
    const server = await openServer()
    const logger = await openApplication().start({ destination: `${server.url}/logs` })
    await logger.tell({ task: 'log', from: 0, count: 100 })
    await logger.tell({ task: 'exit' })
    await logger.ended

    expect(await server.admin.keys('*')).toEqual(['logs'])
  })
})

describe.skipIf(!hasRedisServer)('a server that fails', () => {
  it('may be away at the start', async () => {
    const server = await openServer({ appendFsync: 'always' })
    await server.kill()
    const logger = await openApplication().start({ destination: `${server.url}/logs` })
    await logger.tell({ task: 'log', from: 0, count: 1000, text })
    await until(() => logger.stderr.includes('cannot write to'))
    await server.start()
    await until(() => logger.stderr.includes('can be written again'))
    await logger.tell({ task: 'exit' })

    expect(await logger.ended).toBe(0)
    expectInOrder(numbersOf(await storedLines(server)), 0, 1000)
    const [away, back] = logger.stderr.trim().split('\n')
    expect(away).toMatch(
      /^eventsets: cannot write to redis:\/\/127\.0\.0\.1:\d+\/logs: Redis has not answered for 2500 ms: connect ECONNREFUSED 127\.0\.0\.1:\d+\. .* Up to 16 MiB of lines are kept in memory and written as soon as it works again\.$/,
    )
    expect(back).toBe(`eventsets: ${server.url}/logs can be written again. Nothing was lost.`)
  })

  it('may be killed and started again while lines are written: each is there once, in order', async () => {
    const server = await openServer({ appendFsync: 'always' })
    const logger = await openApplication().start({ destination: `${server.url}/logs` })
    for (let part = 0; part < 4; part++) {
      const logging = logger.tell({ task: 'log', from: part * 20_000, count: 20_000, text })
      await until(async () => (await server.admin.xlen('logs')) > part * 20_000)
      await server.kill()
      await logging
      await server.start()
    }
    await logger.tell({ task: 'flush' })
    await logger.tell({ task: 'exit' })

    expect(await logger.ended).toBe(0)
    expectInOrder(numbersOf(await storedLines(server)), 0, 80_000)
  })

  it('may lose its answers on the way: each line is there once, in order', async () => {
    const server = await openServer()
    const proxy = await openProxy(server)
    const logger = await openApplication().start({ destination: `${proxy.url}/logs` })
    for (let part = 0; part < 5; part++) {
      proxy.cutNextAnswers(2)
      await logger.tell({ task: 'log', from: part * 5000, count: 5000, text })
      await until(async () => (await server.admin.xlen('logs')) === (part + 1) * 5000)
    }
    await logger.tell({ task: 'exit' })
    await logger.ended

    expect(proxy.cuts).toBeGreaterThan(5)
    expectInOrder(numbersOf(await storedLines(server)), 0, 25_000)
  })

  it('may stand still for longer than it is waited for: each line is there once, in order', async () => {
    const server = await openServer()
    const logger = await openApplication().start({ destination: `${server.url}/logs` })
    await logger.tell({ task: 'log', from: 0, count: 1000, text })
    await logger.tell({ task: 'flush' })
    server.pause()
    await logger.tell({ task: 'log', from: 1000, count: 20_000, text })
    await until(() => logger.stderr.includes('cannot write to'))
    server.resume()
    await until(() => logger.stderr.includes('can be written again'))
    await logger.tell({ task: 'exit' })

    expect(await logger.ended).toBe(0)
    expectInOrder(numbersOf(await storedLines(server)), 0, 21_000)
  })

  it('is told of in words that do nothing to a terminal, and without its password', async () => {
    const server = await openServer()
    const url = `${server.url.replace('://', '://:geheim@')}/a%C2%9Bb`
    const logger = await openApplication().start({ destination: url })
    await until(() => logger.errors.length > 0)

    expect(logger.errors.join()).toContain('control characters')
    expect(`${logger.errors}${logger.stderr}`).not.toMatch(/geheim|\u009b/)
  })

  it('may hold something else under the name: it is said, and lines wait', async () => {
    const server = await openServer()
    await server.admin.set('logs', 'no stream')
    const logger = await openApplication().start({ destination: `${server.url}/logs` })
    await logger.tell({ task: 'log', from: 0, count: 100 })
    await until(() => logger.stderr.includes('WRONGTYPE'))
    await server.admin.del('logs')
    await logger.tell({ task: 'exit' })
    await logger.ended

    expectInOrder(numbersOf(await storedLines(server)), 0, 100)
  })
})

function toBase64(lines: string): string {
  return Buffer.from(lines).toString('base64')
}
