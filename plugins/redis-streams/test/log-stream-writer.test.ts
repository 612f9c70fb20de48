import { logStreamDriver } from '@eventsets/redis-streams'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startProxy } from '../../../test/servers/proxy.ts'
import { hasRedisServer, type RedisServer, startRedis } from './redis-server.ts'

async function openServer(): Promise<RedisServer> {
  const server = await startRedis()
  onTestFinished(() => server.dispose())
  return server
}

function openWriter(url: string, options = {}) {
  const writer = logStreamDriver.openWriter(url, options)
  onTestFinished(() => writer.close())
  return writer
}

async function linesOf({ admin }: RedisServer, key = 'logs'): Promise<Buffer[]> {
  const entries = (await admin.callBuffer('XRANGE', key, '-', '+')) as [Buffer, Buffer[]][]
  return entries.map(([, fields]) => fields[1] as Buffer)
}

describe.skipIf(!hasRedisServer)('the writer of log lines', () => {
  it('stores bytes as they are: invalid UTF-8, line ends, nothing at all', async () => {
    const server = await openServer()
    const lines = [
      Buffer.of(0xff, 0xfe, 0, 0x80),
      Buffer.from('two\nlines'),
      Buffer.alloc(0),
      Uint8Array.of(0xc3),
    ]
    await openWriter(`${server.url}/logs`).write(lines)

    expect((await linesOf(server)).map((line) => [...line])).toEqual(lines.map((line) => [...line]))
  })

  it('stores a batch once that is written again since its answer was lost', async () => {
    const server = await openServer()
    const proxy = await startProxy(server.port, { isSpared: (answer) => answer.includes('redis_version') })
    onTestFinished(() => proxy.close())
    const writer = openWriter(`redis://127.0.0.1:${proxy.port}/logs`)
    const batches = [[Buffer.from('a'), Buffer.from('b')], [Buffer.from('c')]]
    await writer.write([Buffer.from('first')])
    for (const batch of batches) {
      proxy.cutNextAnswers(1)

      await expect(writer.write(batch)).rejects.toMatchObject({ code: 'EVENTSETS_CONNECTION' })

      await writer.write(batch)
    }

    expect(proxy.cuts).toBe(2)
    expect((await linesOf(server)).map(String)).toEqual(['first', 'a', 'b', 'c'])
  })

  it('stores a batch once that it has waited for in vain, and then again', async () => {
    const server = await openServer()
    const writer = openWriter(`${server.url}/logs`, { timeoutMs: 100 })
    await writer.write([Buffer.from('first')])
    server.pause()
    const batch = [Buffer.from('second')]

    await expect(writer.write(batch)).rejects.toThrow('Redis has not answered for 100 ms')
    await expect(writer.write(batch)).rejects.toThrow('Redis has not answered for 100 ms')

    server.resume()
    await writer.write(batch)
    expect((await linesOf(server)).map(String)).toEqual(['first', 'second'])
  })

  it('stores all of a batch or nothing of it when there is no memory left', async () => {
    const server = await openServer()
    const writer = openWriter(`${server.url}/logs`)
    await writer.write([Buffer.from('first')])
    await server.admin.config('SET', 'maxmemory', '1')
    const batch = [Buffer.from('second'), Buffer.from('third')]

    await expect(writer.write(batch)).rejects.toThrow('OOM')
    expect(await linesOf(server)).toHaveLength(1)

    await server.admin.config('SET', 'maxmemory', '0')
    await writer.write(batch)
    expect((await linesOf(server)).map(String)).toEqual(['first', 'second', 'third'])
  })

  it('refuses wrong options, all at once', () => {
    expect(() => logStreamDriver.openWriter('redis://host/logs', { maxLen: 0, timeoutMs: 0.5 })).toThrow(
      expect.objectContaining({
        code: 'EVENTSETS_INVALID_OPTIONS',
        issues: [expect.anything(), expect.anything()],
      }),
    )
  })

  it('has its own key beside the stream in one slot, and takes it away at the end', async () => {
    const server = await openServer()
    const writer = openWriter(`${server.url}/%7Bshop%7Dlogs`)
    await writer.write([Buffer.from('line')])
    const keys = await server.admin.keys('*')
    await writer.close()

    expect(keys.sort()).toEqual([expect.stringMatching(/^\{shop\}:writer:/), '{shop}logs'])
    expect(await server.admin.keys('*')).toEqual(['{shop}logs'])
  })
})
