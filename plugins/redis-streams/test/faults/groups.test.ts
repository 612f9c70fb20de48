import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { recordFigure, tally } from '../../../../test/bus-backends/figures.ts'
import {
  event,
  eventsOf,
  foundGroup,
  gate,
  handed,
  type Noted,
  newStream,
  openBackend,
  openFolder,
  openProcess,
  openServer,
  readLedger,
  until,
  untilIdle,
  watch,
} from '../harness.ts'
import { hasRedisServer, type RedisServer } from '../redis-server.ts'

describe.runIf(hasRedisServer)('a group', () => {
  it('is no obstacle to another one when it is stuck, and misses nothing by that', async () => {
    const server = await openServer()
    // What has been handled would go at once, were it not for the other group.
    const backend = openBackend({ url: server.url, stream: newStream(), historySize: 0, historyMs: 1 })
    const end = gate()
    const stuck = await watch(backend, 'stuck', () => end.opened.then(() => undefined))
    const busy = await watch(backend, 'busy')
    const events = Array.from({ length: 5000 }, (_, n) => event(n % 2 ? { key: `k${n % 50}` } : {}))

    for (let at = 0; at < events.length; at += 100) await backend.publish(events.slice(at, at + 100))
    await until(() => handed(busy).size === events.length)
    expect(stuck.deliveries.length).toBeLessThanOrEqual(10)
    const { groups } = await backend.health()
    expect(groups.find(({ name }) => name === 'stuck')?.queueDepth).toBeGreaterThan(4900)
    end.open()
    await untilIdle(backend)

    expect(handed(stuck).size).toBe(events.length)
    recordFigure({
      backend: 'redis-streams',
      fault: 'F20',
      what: 'one of two groups is stuck while the other one works',
      did: `${events.length} events for each of them`,
      acknowledged: events.length,
      lost: events.length - handed(stuck).size,
      repeated: stuck.deliveries.length + busy.deliveries.length - 2 * events.length,
    })
  })

  it('grows from one process to five and shrinks to one under load, and leaves no name of a consumer behind', async () => {
    const server = await openServer()
    const here = { url: server.url, stream: newStream(), partitions: 8 }
    const folder = openFolder()
    const [published, handled] = [join(folder, 'published'), join(folder, 'handled')]
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const start = () => openProcess('consume', { ...here, ledger: handled, group: 'shop', failEvery: 50 })
    const first = start()
    await first.said('ready')
    const publisher = openProcess('publish', { ...here, ledger: published, prefix: 'p', keys: 100 })
    await first.said('handled 100')

    const others = [start(), start(), start(), start()]
    await Promise.all(others.map((other) => other.said('handled 50')))
    const [one, two, three, four] = others
    // Some end, and some are killed.
    one?.tell({ close: true })
    two?.tell({ close: true })
    await Promise.all([three?.kill(), four?.kill(), one?.ended(), two?.ended()])
    const changed = readLedger(handled).length
    await until(() => readLedger(handled).length > changed + 100)
    await publisher.kill()
    await untilIdle(backend)

    const result = tally(readLedger<Noted>(published), readLedger<Noted>(handled))
    recordFigure({
      backend: 'redis-streams',
      fault: 'F22',
      what: 'a group grows from 1 process to 5 and shrinks to 1: two end, two are killed',
      did: `${result.acknowledged} events of 100 keys meanwhile`,
      ...result,
    })
    expect(result).toMatchObject({ lost: 0, outOfOrder: 0 })
    await until(async () => (await consumersOf(server, here.stream)).length <= 1)
    expect(await consumersOf(server, here.stream)).toHaveLength(1)
  })

  it('has members of one and the same name, of whom one is killed', async () => {
    const server = await openServer()
    const here = { url: server.url, stream: newStream(), consumer: 'one-and-the-same' }
    const handled = join(openFolder(), 'handled')
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const victim = openProcess('hold', { ...here, group: 'shop', concurrency: 5 })
    await victim.said('ready')
    const events = Array.from({ length: 8 }, (_, n) => event({ data: { n } }))
    await backend.publish(events)
    await victim.said('holds 5')
    openProcess('consume', { ...here, ledger: handled, group: 'shop' })

    const killed = performance.now()
    await victim.kill()
    await until(() => new Set(readLedger<Noted>(handled).map(({ id }) => id)).size === events.length)
    const recoveryMs = performance.now() - killed
    await untilIdle(backend)

    const result = tally(events, readLedger<Noted>(handled))
    recordFigure({
      backend: 'redis-streams',
      fault: 'F22',
      what: 'two consumers have one name, and one of them is killed',
      did: '5 of 8 events were in its hands',
      ...result,
      recoveryMs,
    })
    expect(result).toMatchObject({ lost: 0, repeated: 0 })
  })
})

describe.runIf(hasRedisServer)('a stream that is none', () => {
  it('is told to a consumer at once', async () => {
    const server = await openServer()
    const stream = newStream()
    await server.admin.set(`{${stream}}:log:k3`, 'mine')

    await expect(watch(openBackend({ url: server.url, stream }), 'shop')).rejects.toMatchObject({
      name: 'ConnectionError',
      message: expect.stringContaining('WRONGTYPE'),
      hint: expect.stringContaining('"stream"'),
    })
    expect(await server.admin.get(`{${stream}}:log:k3`)).toBe('mine')
  })

  it('is told to a consumer that is at work, which goes on when that is over', async () => {
    const server = await openServer()
    const stream = newStream()
    const backend = openBackend({ url: server.url, stream })
    const watcher = await watch(backend, 'shop')
    await backend.publish([event(), event({ key: 'k' })])
    await until(() => watcher.deliveries.length === 2)
    await untilIdle(backend)

    await server.admin.del(`{${stream}}:log:normal`)
    await server.admin.set(`{${stream}}:log:normal`, 'mine')
    await until(() => watcher.errors.length > 0)
    expect(watcher.errors[0]).toMatchObject({ message: expect.stringContaining('WRONGTYPE') })
    await server.admin.del(`{${stream}}:log:normal`)
    const later = eventsOf(5)
    await backend.publish(later)

    await until(() => later.every(({ id }) => handed(watcher).has(id)))
    await untilIdle(backend)
  })
})

describe.runIf(hasRedisServer)('somebody who trims a stream by hand', () => {
  it.each([
    ['', {}],
    [' and have a key', { key: 'k' }],
  ])('takes events that wait or are in hand%s, and stops nobody', async (_, more) => {
    const server = await openServer()
    const here = { url: server.url, stream: newStream(), partitions: 1 }
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const victim = openProcess('hold', { ...here, group: 'shop', concurrency: 5 })
    await victim.said('ready')
    await backend.publish(eventsOf(20, more))
    await victim.said('holds 1')

    for (const queue of ['normal', 'k0'])
      await server.admin.xtrim(`{${here.stream}}:log:${queue}`, 'MAXLEN', 0)
    await victim.kill()
    const heir = await watch(backend, 'shop')
    const later = eventsOf(5, more)
    await backend.publish(later)

    await until(() => later.every(({ id }) => handed(heir).has(id)))
    await untilIdle(backend)
    expect((await backend.health()).status).toBe('healthy')
  })
})

/** The names of consumers that the server knows in the streams of a bus, without the one of the bus itself. */
async function consumersOf(server: RedisServer, stream: string): Promise<string[]> {
  const names = new Set<string>()
  for (const key of await server.admin.keys(`{${stream}}:log:*`)) {
    const rows = (await server.admin.xinfo('CONSUMERS', key, 'shop')) as string[][]
    for (const [, name = ''] of rows) names.add(name)
  }
  names.delete('~')
  return [...names]
}
