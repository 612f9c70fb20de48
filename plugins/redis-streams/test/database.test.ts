import { logStreamDriver, redisPubSub } from '@eventsets/redis-streams'
import type { BusBackend } from 'eventsets/bus'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { event, newStream, openBackend, openServer, until, watch } from './harness.ts'
import { hasRedisServer, type RedisServer, startRedis } from './redis-server.ts'

/** Long enough that it shows when something is told only at the end of it. */
const timeoutMs = 30_000
const REFUSED = {
  name: 'ConnectionError',
  code: 'EVENTSETS_CONNECTION',
  message: expect.stringMatching(
    /^There is no way to Redis: Database 99 cannot be used: DB index is out of range/,
  ),
  hint: expect.stringContaining('"url"'),
}

describe.runIf(hasRedisServer)('a database that the server does not have', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  beforeEach(() => server.admin.flushall())
  afterAll(() => server?.dispose())

  const backends: readonly (readonly [string, () => BusBackend])[] = [
    ['a URL', () => openBackend({ url: `${server.url}/99`, stream: newStream(), timeoutMs })],
    ['a URL with ?db=', () => openBackend({ url: `${server.url}?db=99`, stream: newStream(), timeoutMs })],
    [
      'a client',
      () => {
        const client = new Redis(server.url, { db: 99, lazyConnect: true })
        return openBackend({ client, stream: newStream(), timeoutMs })
      },
    ],
    [
      'a client that does not tell its name',
      () => {
        const client = new Redis(server.url, { db: 99, lazyConnect: true, disableClientInfo: true })
        return openBackend({ client, stream: newStream(), timeoutMs })
      },
    ],
    [
      'a URL for Pub/Sub',
      () => {
        const backend = redisPubSub({ url: `${server.url}/99`, channel: newStream(), timeoutMs })
        onTestFinished(() => backend.close())
        return backend
      },
    ],
  ]
  it.each(backends)('is told at once by publishing and by starting, given by %s', async (_, open) => {
    await expect(open().publish([event()])).rejects.toMatchObject(REFUSED)
    const backend = open()
    await expect(watch(backend, 'shop')).rejects.toMatchObject(REFUSED)
    await expect(backend.publish([event()])).rejects.toMatchObject(REFUSED)

    expect(await server.admin.call('INFO', 'keyspace')).not.toContain('db')
  })

  it('is told by the writer of log lines each time, which writes nowhere else', async () => {
    const writer = logStreamDriver.openWriter(`${server.url}/99/logs`, { timeoutMs })
    onTestFinished(() => writer.close())
    const lines = [Buffer.from('a')]

    for (let time = 1; time <= 20; time++) await expect(writer.write(lines)).rejects.toMatchObject(REFUSED)
    expect(await server.admin.call('INFO', 'keyspace')).not.toContain('db')
  })
})

describe.runIf(hasRedisServer)('a database', () => {
  it('is left for no other one when the server refuses it later on, and served again when it does not', async () => {
    const { url, admin } = await openServer()
    const backend = openBackend({ url: `${url}/9`, stream: newStream(), timeoutMs: 1000 })
    await backend.publish([event()])
    expect(await admin.call('INFO', 'keyspace')).toMatch(/^db9:/m)
    await admin.call('ACL', 'SETUSER', 'default', '-select')
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal')
    await admin.call('FLUSHALL')

    await until(async () => (await backend.health()).status === 'unhealthy')
    await expect(backend.publish([event()])).rejects.toMatchObject({
      code: 'EVENTSETS_CONNECTION',
      message: expect.stringContaining('Database 9 cannot be used: NOPERM'),
      hint: expect.stringContaining('"select"'),
    })
    expect(await admin.call('INFO', 'keyspace')).not.toContain('db')

    await admin.call('ACL', 'SETUSER', 'default', '+select')
    await until(
      async () =>
        await backend.publish([event()]).then(
          () => true,
          () => false,
        ),
    )
    expect(await admin.call('INFO', 'keyspace')).toMatch(/^db9:/m)
  })
})
