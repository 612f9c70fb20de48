import type { BusBackend } from 'eventsets/bus'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  event,
  eventsOf,
  handed,
  idsOf,
  newStream,
  openBackend,
  openProxy,
  openServer,
  replayAll,
  until,
  untilIdle,
  watch,
} from './harness.ts'
import { startSentinel } from './redis-sentinel.ts'
import { hasRedisServer, type RedisServer } from './redis-server.ts'

describe.runIf(hasRedisServer)('publishing with "replicas"', () => {
  it('resolves when a replica has the events, and they outlive the primary', async () => {
    const primary = await openServer()
    const replica = await openReplica(primary)
    const stream = newStream()
    const backend = openBackend({ url: primary.url, stream, replicas: 1 })
    const events = eventsOf(50, { key: 'k' })
    for (const each of events) await backend.publish([each])

    await primary.kill()
    await replica.admin.call('REPLICAOF', 'NO', 'ONE')

    const { deliveries } = await watch(openBackend({ url: replica.url, stream }), 'shop')
    await until(() => deliveries.length === events.length)
    expect(deliveries.map((delivery) => delivery.event.id)).toEqual(events.map(({ id }) => id))
  })

  it('rejects what a replica that lags behind would lose, and only that', async () => {
    const primary = await openServer()
    const proxy = await openProxy(primary)
    const replica = await openReplica(primary, proxy.port)
    const stream = newStream()
    const careful = openBackend({ url: primary.url, stream, replicas: 1 })
    const careless = openBackend({ url: primary.url, stream })
    const confirmed = eventsOf(20)
    await careful.publish(confirmed)
    proxy.swallow(true)
    const doubtful = event()
    const lost = event()

    await expect(careful.publish([doubtful])).rejects.toMatchObject({
      name: 'PublishError',
      code: 'EVENTSETS_NOT_REPLICATED',
      message: expect.stringContaining('0 replicas have confirmed'),
      hint: expect.stringContaining('same ids'),
    })
    await careless.publish([lost])
    await primary.kill()
    await replica.admin.call('REPLICAOF', 'NO', 'ONE')

    const kept = await replayAll(openBackend({ url: replica.url, stream }))
    expect(kept.map(({ id }) => id)).toEqual(confirmed.map(({ id }) => id))
  })

  it('takes events that were rejected once more, when the replica is back, and stores nothing twice', async () => {
    const primary = await openServer()
    const proxy = await openProxy(primary)
    await openReplica(primary, proxy.port)
    const here = { url: primary.url, stream: newStream() }
    const backend = openBackend({ ...here, replicas: 1, replicaTimeoutMs: 200 })
    const watcher = await watch(backend, 'shop')
    const events = eventsOf(10)
    proxy.swallow(true)
    await expect(backend.publish(events)).rejects.toMatchObject({ code: 'EVENTSETS_NOT_REPLICATED' })

    proxy.swallow(false)
    proxy.cut()
    await until(async () => (await primary.admin.info('replication')).includes('state=online'))
    await backend.publish(events)

    await untilIdle(backend)
    expect(handed(watcher)).toEqual(idsOf(events))
    expect(watcher.deliveries).toHaveLength(10)
  })

  it('does not take the word of another server for it, to which the client has come meanwhile', async () => {
    const primary = await openServer()
    const toReplica = await openProxy(primary)
    const replica = await openReplica(primary, toReplica.port)
    await openReplica(replica)
    const toClient = await openProxy(primary)
    const stream = newStream()
    const backend = openBackend({ url: toClient.url, stream, replicas: 1, replicaTimeoutMs: 5000 })
    const first = event()
    await backend.publish([first])
    toReplica.swallow(true)

    // It waits for a replica when the one that lags behind becomes the primary; that has a replica of its own.
    const second = event()
    const publishing = backend.publish([second])
    await until(async () => (await primary.admin.info('clients')).includes('blocked_clients:1'))
    await replica.admin.call('REPLICAOF', 'NO', 'ONE')
    toClient.leadTo(replica.port)
    await publishing

    const kept = await replayAll(openBackend({ url: replica.url, stream }))
    expect(kept.map(({ id }) => id)).toEqual([first.id, second.id])
  })
})

describe.runIf(hasRedisServer)('a failover by Sentinel', () => {
  it('loses nothing that a replica has confirmed, and publishers and consumers go on by themselves', async () => {
    const primary = await openServer()
    const replica = await openReplica(primary)
    const sentinel = await openSentinel(primary)
    const here = { client: sentinel.openClient(), stream: newStream(), timeoutMs: 30_000 }
    const careful = openBackend({ ...here, replicas: 1 })
    const backend = openBackend(here)
    const watcher = await watch(backend, 'shop')
    const before = eventsOf(100, { key: 'k' })
    for (const each of before.slice(0, 50)) await careful.publish([each])
    await until(() => watcher.deliveries.length > 0)
    await Promise.all(before.slice(50).map((each) => careful.publish([each])))

    await primary.kill()
    const after = eventsOf(100, { key: 'k' })
    for (const each of after) await backend.publish([each])

    await until(() => handed(watcher).size === 200)
    await untilIdle(backend)
    expect(await sentinel.primaryPort()).toBe(replica.port)
    const first = [...handed(watcher)]
    expect(first).toEqual([...before, ...after].map(({ id }) => id))
    expect((await backend.health()).reconnects).toBeGreaterThan(0)
  })

  it('is followed when the primary lives on, and takes events for a while that nobody will ever see', async () => {
    const primary = await openServer()
    const replica = await openReplica(primary)
    const sentinel = await openSentinel(primary)
    const here = { client: sentinel.openClient(), stream: newStream(), timeoutMs: 30_000 }
    const backend = openBackend({ ...here, replicas: 1, replicaTimeoutMs: 200 })
    const watcher = await watch(backend, 'shop')
    const taken: string[] = []
    let isOver = false
    const publishing = (async () => {
      while (!isOver) taken.push(await publishUntilTaken(backend))
    })()
    await until(() => taken.length > 20)

    await sentinel.failOver()
    await until(async () => (await primary.admin.info('replication')).includes('role:slave'))
    const late = taken.length
    await until(() => taken.length > late + 20)
    isOver = true
    await publishing

    await untilIdle(backend)
    expect(await sentinel.primaryPort()).toBe(replica.port)
    expect(taken.filter((id) => !handed(watcher).has(id))).toEqual([])
    expect((await replayAll(backend)).map(({ id }) => id)).toEqual(taken)
  })
})

/** As a publisher does that has to be sure. */
async function publishUntilTaken(backend: BusBackend): Promise<string> {
  const one = event()
  for (;;) {
    try {
      await backend.publish([one])
      return one.id
    } catch (error) {
      expect(error).toMatchObject({ code: 'EVENTSETS_NOT_REPLICATED' })
    }
  }
}

async function openReplica(primary: RedisServer, port = primary.port): Promise<RedisServer> {
  const replica = await openServer({ more: ['--replicaof', '127.0.0.1', `${port}`] })
  await until(async () => (await primary.admin.info('replication')).includes('state=online'))
  return replica
}

async function openSentinel(primary: RedisServer) {
  const sentinel = await startSentinel(primary)
  onTestFinished(() => sentinel.dispose())
  return sentinel
}
