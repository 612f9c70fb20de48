import { redisPubSub } from '@eventsets/redis-streams'
import type { BusBackend } from 'eventsets/bus'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  event,
  eventsOf,
  handed,
  idsOf,
  newStream,
  openBackend,
  openBus,
  replayAll,
  until,
  untilIdle,
  watch,
} from './harness.ts'
import { type RedisCluster, type RedisClusterOptions, startCluster } from './redis-cluster.ts'
import { hasRedisServer, type RedisServer } from './redis-server.ts'

/** For what a server of a cluster is waited for until it is whole again. */
const PATIENCE_MS = 30_000

let cluster: RedisCluster
beforeAll(async () => {
  if (hasRedisServer) cluster = await startCluster({ appendFsync: 'always' })
})
afterAll(() => cluster?.dispose())

describe.runIf(hasRedisServer)('a cluster of three servers', () => {
  it('has a bus on each of them: with keys, retries, dead letters, a time, and a step of many events', async () => {
    for (const server of cluster.primaries) {
      const stream = await streamOn(cluster, server)
      const { bus, backend } = openBus({ client: cluster.openClient(), stream }, { group: 'shop' })
      const handled: string[] = []
      const failures = new Set(['order.moody', 'order.lost'])
      bus.on(
        'order.*',
        ({ name, id }, { attempt }) => {
          if (failures.has(name) && (name === 'order.lost' || attempt === 1)) throw new Error('not yet')
          handled.push(id)
        },
        { name: 'note', retry: { maxAttempts: 2, baseDelayMs: 1 } },
      )
      await bus.start()

      const published: string[] = []
      await bus.transaction(async (transaction) => {
        for (let n = 0; n < 30; n++) {
          const { id } = await transaction.publish(
            'order.placed',
            { n },
            n % 2 ? { key: `key-${n % 5}` } : {},
          )
          published.push(id)
        }
      })
      const deliverAt = Date.now() + 300
      for (const [name, more] of [
        ['order.moody', {}],
        ['order.lost', { key: 'k' }],
        ['order.late', { deliverAt }],
      ] as const)
        published.push((await bus.publish(name, {}, more)).id)

      await until(async () => (await bus.deadLetters.list()).length === 1 && handled.length === 32)
      failures.clear()
      const [letter] = await bus.deadLetters.list()
      await bus.deadLetters.replay(letter?.id as string)
      await until(() => handled.length === 33)
      await untilIdle(backend)
      expect(new Set(handled)).toEqual(new Set(published))
      expect(new Set((await replayAll(backend)).map(({ id }) => id))).toEqual(new Set(published))
      expect(await server.admin.exists(`{${stream}}:wake`)).toBe(1)
    }
  })

  it('is no place for a URL, which is for one server, and says so', async () => {
    const [here, elsewhere] = cluster.primaries as [RedisServer, RedisServer]
    const stream = await streamOn(cluster, elsewhere)
    const backend = openBackend({ url: here.url, stream, timeoutMs: 500 })

    await expect(backend.publish([event()])).rejects.toMatchObject({
      message: expect.stringContaining('MOVED'),
      hint: expect.stringContaining('"client"'),
    })
  })

  it('keeps everybody waiting while a slot is moved, and nothing is lost, torn apart or stored twice', async () => {
    const [from, to] = cluster.primaries as [RedisServer, RedisServer]
    const stream = await streamOn(cluster, from)
    const backend = openBackend({ client: cluster.openClient(), stream, timeoutMs: PATIENCE_MS })
    const watcher = await watch(backend, 'shop', ({ attempt }) =>
      attempt === 1 ? { retry: { handlers: ['x'], delayMs: 1, attempt: 2 } } : undefined,
    )
    const publishing = publishOn(backend)
    await until(() => watcher.deliveries.length > 50)

    let moved = 0
    await cluster.moveSlot(await cluster.slotOf(stream), from, to, async () => {
      // Somebody has come upon a half of it each time.
      const before = await refusals(from)
      if (moved++ < 5) await until(async () => (await refusals(from)) > before)
    })
    await publishing.more(50)
    const taken = await publishing.end()

    await untilIdle(backend)
    const first = watcher.deliveries.filter(({ attempt }) => attempt === 1)
    expect(moved).toBeGreaterThan(5)
    expect(first.map((delivery) => delivery.event.id).sort()).toEqual([...taken].sort())
    expect((await replayAll(backend)).map(({ id }) => id)).toEqual(taken)
    expect(await cluster.ownerOf(stream)).toBe(to)
  })

  it('goes on by itself when a server was killed and is back with what it had stored', async () => {
    const [, , server] = cluster.primaries as [RedisServer, RedisServer, RedisServer]
    const stream = await streamOn(cluster, server)
    const backend = openBackend({ client: cluster.openClient(), stream, timeoutMs: PATIENCE_MS })
    const watcher = await watch(backend, 'shop')
    const publishing = publishOn(backend)
    await publishing.more(50)

    await server.kill()
    await server.start()
    await publishing.more(50)
    const taken = await publishing.end()

    await untilIdle(backend)
    expect(handed(watcher)).toEqual(new Set(taken))
    expect((await replayAll(backend)).map(({ id }) => id)).toEqual(taken)
  })

  it('passes what is told to all on to those who listen on any server, also when that one is gone', async () => {
    const channel = newStream()
    const open = () => {
      const backend = redisPubSub({ client: cluster.openClient(), channel, timeoutMs: PATIENCE_MS })
      onTestFinished(() => backend.close())
      return backend
    }
    const watchers = [
      await watch(open(), 'cache'),
      await watch(open(), 'cache'),
      await watch(open(), 'cache'),
    ]
    const publisher = open()
    const events = eventsOf(20)
    for (const each of events) await publisher.publish([each])
    for (const watcher of watchers) await until(() => handed(watcher).size === 20)

    const owner = await cluster.ownerOf(channel)
    const another = cluster.primaries.find((server) => server !== owner) as RedisServer
    await another.kill()
    await another.start()
    await cluster.whole()

    // Whoever listened there comes back at some time; until then it hears nothing.
    const late = new Set<string>()
    await until(async () => {
      const each = event()
      late.add(each.id)
      await publisher.publish([each])
      return watchers.every((watcher) => [...handed(watcher)].some((id) => late.has(id)))
    })
    for (const { deliveries } of watchers)
      expect(idsOf(deliveries.map((one) => one.event)).size).toBe(deliveries.length)
  })
})

describe.runIf(hasRedisServer)('a cluster with replicas', () => {
  it('loses nothing when a replica takes over, as it was told to', async () => {
    const own = await openCluster({ hasReplicas: true })
    const stream = newStream()
    const backend = openBackend({ client: own.openClient(), stream, timeoutMs: PATIENCE_MS })
    const watcher = await watch(backend, 'shop')
    const publishing = publishOn(backend)
    await publishing.more(50)
    const primary = await own.ownerOf(stream)
    const replica = own.replicas[own.primaries.indexOf(primary)] as RedisServer

    await replica.admin.call('CLUSTER', 'FAILOVER')
    await until(async () => (await own.ownerOf(stream, replica)) === replica)
    await publishing.more(50)
    const taken = await publishing.end()

    await untilIdle(backend)
    expect(handed(watcher)).toEqual(new Set(taken))
    expect((await replayAll(backend)).map(({ id }) => id)).toEqual(taken)
  })

  it('loses nothing that a replica has confirmed when a server dies, and goes on with the replica', async () => {
    const own = await openCluster({ hasReplicas: true })
    const stream = newStream()
    const primary = await own.ownerOf(stream)
    const witness = own.primaries.find((server) => server !== primary) as RedisServer
    const client = own.openClient()
    const careful = openBackend({ client, stream, replicas: 1, timeoutMs: PATIENCE_MS })
    const backend = openBackend({ client, stream, timeoutMs: PATIENCE_MS })
    const watcher = await watch(backend, 'shop')
    const publishing = publishOn(careful)
    await publishing.more(50)
    const before = await publishing.end()

    await primary.kill()
    await until(async () => own.replicas.includes(await own.ownerOf(stream, witness)))
    await expect(
      openBackend({ client, stream, replicas: 1, replicaTimeoutMs: 100, timeoutMs: PATIENCE_MS }).publish([
        event({ id: 'doubtful' }),
      ]),
    ).rejects.toMatchObject({ code: 'EVENTSETS_NOT_REPLICATED' })
    const after = eventsOf(50)
    for (const each of after) await backend.publish([each])

    await untilIdle(backend)
    expect(handed(watcher)).toEqual(new Set([...before, 'doubtful', ...idsOf(after)]))
  })
})

async function openCluster(options: RedisClusterOptions): Promise<RedisCluster> {
  const own = await startCluster(options)
  onTestFinished(() => own.dispose())
  return own
}

/** A stream whose slot a server has. */
async function streamOn({ ownerOf }: RedisCluster, server: RedisServer): Promise<string> {
  for (;;) {
    const stream = newStream()
    if ((await ownerOf(stream)) === server) return stream
  }
}

/** How often a server has refused what needs keys that are on their way. */
async function refusals({ admin }: RedisServer): Promise<number> {
  return Number(/errorstat_TRYAGAIN:count=(\d+)/.exec(await admin.info('errorstats'))?.[1] ?? 0)
}

interface Publishing {
  /** Resolves when so many more have been taken. */
  more(count: number): Promise<void>
  /** The ids of those that have been taken. */
  end(): Promise<readonly string[]>
}

/** Publishes one step of two events after another. */
function publishOn(backend: BusBackend): Publishing {
  const taken: string[] = []
  let isOver = false
  const publishing = (async () => {
    for (let n = 0; !isOver; n++) {
      const events = [event({ key: `key-${n % 5}` }), event()]
      await backend.publish(events)
      taken.push(...idsOf(events))
    }
  })()
  return {
    async more(count) {
      const before = taken.length
      await Promise.race([publishing, until(() => taken.length >= before + count)])
    },
    async end() {
      isOver = true
      await publishing
      return taken
    },
  }
}
