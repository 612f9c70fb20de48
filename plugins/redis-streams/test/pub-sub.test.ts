import { type RedisPubSubOptions, redisPubSub } from '@eventsets/redis-streams'
import { ValidationError } from 'eventsets'
import type { BusBackend, Delivery } from 'eventsets/bus'
import { busBackendConformance } from 'eventsets/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { event, newStream, openProxy, until } from './harness.ts'
import { hasRedisServer, type RedisServer, startRedis } from './redis-server.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.dispose())

describe.runIf(hasRedisServer)('redisPubSub', () => {
  const make = () => {
    const channel = newStream()
    return {
      backend: redisPubSub({ url: server.url, channel }),
      poison: async () => {
        const junk = ['', 'hello', '\u001b[2J', '1 1 token {', '1 1 token 7', '9 1 token [{"name":7}]']
        for (const text of junk) await server.admin.publish(channel, text)
      },
    }
  }
  for (const { name, run } of busBackendConformance(make)) it(name, run)
})

describe.runIf(hasRedisServer)('processes that share a channel', () => {
  it('are all told, each once, in order where there is a key', async () => {
    const here = options()
    const listeners = [await listen(open(here)), await listen(open(here))]
    const publisher = open(here)
    const events = Array.from({ length: 100 }, (_, n) => event({ key: `key-${n % 3}` }))
    for (const each of events) await publisher.publish([each])
    await publisher.publish(events.slice(0, 10))
    const last = event({ key: 'key-0' })
    await publisher.publish([last])

    for (const { ids } of listeners) {
      await until(() => ids.includes(last.id))
      await until(() => ids.length === 101)
      for (const key of ['key-0', 'key-1', 'key-2']) {
        const expected = [...events, last].filter((each) => each.key === key).map(({ id }) => id)
        expect(ids.filter((id) => expected.includes(id))).toEqual(expected)
      }
    }
  })

  it('tell how many events they have missed while they were away, and go on', async () => {
    const here = options()
    const proxy = await openProxy(server)
    const backend = open({ ...here, url: proxy.url, socketTimeoutMs: 500 })
    const { ids, errors } = await listen(backend)
    const publisher = open(here)
    await publisher.publish([event()])
    await until(() => ids.length === 1)

    proxy.swallow(true)
    await until(async () => (await backend.health()).status === 'unhealthy')
    await publisher.publish([event(), event()])
    await publisher.publish([event()])
    proxy.swallow(false)
    await until(async () => (await backend.health()).status === 'healthy')
    const next = event()
    await publisher.publish([next])
    await until(() => ids.includes(next.id))

    const { missed, reconnects } = await backend.health()
    expect({ ids: ids.length, missed }).toEqual({ ids: 2, missed: 3 })
    expect(reconnects).toBeGreaterThan(0)
    expect(errors.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^3 events were missed/),
    )
  })

  it('say that nobody knows how many were missed when the server has forgotten how many there were', async () => {
    const own = await startRedis()
    onTestFinished(() => own.dispose())
    const backend = open({ url: own.url })
    const { ids, errors } = await listen(backend)
    await backend.publish([event(), event()])
    await own.kill()
    await own.start()
    await until(() => errors.some(({ message }) => message.startsWith('Nobody knows')))

    await until(async () => (await backend.health()).status === 'healthy')
    await backend.publish([event()])
    await until(() => ids.length === 3)
    expect((await backend.health()).missed).toBe(0)
  })

  it('miss what finds no room, and tell so', async () => {
    const here = options()
    const backend = open({ ...here, maxWaiting: 2 })
    const { errors } = await listen(backend, () => new Promise(() => {}))
    const publisher = open(here)
    for (let n = 0; n < 20; n++) await publisher.publish([event()])

    await until(async () => (await backend.health()).missed > 0)
    expect(errors[0]).toMatchObject({ code: 'EVENTSETS_PUBLISH' })
  })
})

describe.runIf(hasRedisServer)('what is published', () => {
  it('is lost for whoever comes later', async () => {
    const here = options()
    const publisher = open(here)
    await publisher.publish([event()])
    const { ids, errors } = await listen(open(here))
    const second = event()
    await publisher.publish([second])

    await until(() => ids.length > 0)
    expect(ids).toEqual([second.id])
    expect(errors).toEqual([])
  })

  it('is rejected when the server is away, with the reason', async () => {
    const backend = redisPubSub({ url: 'redis://127.0.0.1:1', timeoutMs: 100 })
    onTestFinished(() => backend.close())

    await expect(backend.publish([event()])).rejects.toMatchObject({ code: 'EVENTSETS_CONNECTION' })
    await expect(listen(backend)).rejects.toMatchObject({ code: 'EVENTSETS_CONNECTION' })
  })

  it('is told that options are wrong, all at once', () => {
    const wrong = { url: 'http://localhost', channel: '', maxWaiting: 0, stream: 'x' } as RedisPubSubOptions
    expect(() => redisPubSub(wrong)).toThrow(ValidationError)
    expect(() => redisPubSub(wrong)).toThrow(/url.*channel.*maxWaiting.*stream/s)
  })
})

function options(): RedisPubSubOptions & { readonly channel: string } {
  return { url: server.url, channel: newStream() }
}

function open(here: RedisPubSubOptions) {
  const backend = redisPubSub(here)
  onTestFinished(() => backend.close())
  return backend
}

async function listen(
  backend: BusBackend,
  handle: (delivery: Delivery) => Promise<void> | void = () => {},
): Promise<{ readonly ids: string[]; readonly errors: Error[] }> {
  const ids: string[] = []
  const errors: Error[] = []
  await backend.consume({
    group: 'cache',
    concurrency: 10,
    patterns: () => ['*'],
    async deliver(delivery) {
      ids.push(delivery.event.id)
      await handle(delivery)
      return { deadLetters: [] }
    },
    onError: (error) => errors.push(error),
  })
  return { ids, errors }
}
