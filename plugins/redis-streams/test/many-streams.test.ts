import { join } from 'node:path'
import { redisStreams } from '@eventsets/redis-streams'
import { type Delivery, EventBus, sqliteOutbox, startRelay } from 'eventsets/bus'
import { busBackendConformance } from 'eventsets/testing'
import Database from 'libsql'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { poisonBodies } from '../../../test/bus-backends/poison-bodies.ts'
import { victimsOf } from '../../../test/bus-backends/victim.ts'
import { byKey } from './by-key.mjs'
import {
  event,
  eventsOf,
  expectInOrder,
  foundGroup,
  gate,
  idsOf,
  type Noted,
  newStream,
  openBackend,
  openBus,
  openFolder,
  openProcess,
  readLedger,
  replayAll,
  startProcess,
  until,
  untilIdle,
  watch,
} from './harness.ts'
import { type RedisCluster, startCluster } from './redis-cluster.ts'
import { hasRedisServer, type RedisServer, startRedis } from './redis-server.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis({ appendFsync: 'everysec' })
})
afterAll(() => server?.dispose())

/** Streams that nobody has used. */
function newStreams(): [string, string, string] {
  return [newStream(), newStream(), newStream()]
}

/** Three streams, over which events are spread by key. */
function spread() {
  const streams = newStreams()
  return { url: server.url, streams, stream: byKey(streams) }
}

/** Streams of which each event names its own, as the first segment of its name. */
function named() {
  const [orders, mails, metrics] = newStreams()
  const all: Readonly<Record<string, string>> = { order: orders, mail: mails, metric: metrics }
  const streams = [orders, mails, metrics]
  return {
    url: server.url,
    streams,
    stream: ({ name }: { readonly name: string }) => all[name.split('.')[0] ?? ''] as string,
  }
}

describe.runIf(hasRedisServer)('redisStreams over several streams', () => {
  const make = () => {
    // Nobody is missed who is only slow: in some cases there are hundreds of consumers.
    const { stream, ...options } = { ...spread(), leaseMs: 3000, partitions: 4 }
    const open = () => redisStreams({ ...options, stream })
    return {
      backend: open(),
      reopen: open,
      ...victimsOf((role, order) => startProcess(role, { ...options, ...order })),
      restart: async () => {
        await server.kill()
        await server.start()
      },
      poison: async () => {
        for (const body of poisonBodies)
          for (const name of options.streams)
            for (const queue of ['normal', 'critical', 'k0'])
              await server.admin.xadd(`{${name}}:log:${queue}`, '*', 'e', body)
      },
    }
  }
  for (const { name, run } of busBackendConformance(make, { timeoutMs: 45_000 })) it(name, run)
})

describe.runIf(hasRedisServer)('the function "stream"', () => {
  it('says where an event goes, and is given it frozen', async () => {
    const here = named()
    const seen: unknown[] = []
    const backend = openBackend({
      ...here,
      stream: (given) => {
        seen.push(Object.isFrozen(given), given.data)
        return here.stream(given)
      },
    })
    await backend.publish([event({ name: 'order.paid', data: 1 })])
    await backend.publish([event({ name: 'mail.sent', data: 2 })])

    const [orders, mails, metrics] = here.streams
    const lengths = [orders, mails, metrics].map((name) => server.admin.xlen(`{${name}}:log:normal`))
    expect(await Promise.all(lengths)).toEqual([1, 1, 0])
    expect(seen).toEqual([true, 1, true, 2])
  })

  it('makes its publish fail, and nothing else, when it gives another name or none', async () => {
    const here = named()
    const answers: Readonly<Record<string, () => unknown>> = {
      'a.b': () => 'else\u001b[2J',
      'a.c': () => undefined,
      'a.d': () => Promise.reject(new Error('late')),
      'a.e': () => {
        throw new Error('broken \u001b[2J')
      },
    }
    const backend = openBackend({
      ...here,
      stream: (given) => (answers[given.name] ?? (() => here.stream(given)))() as string,
    })
    const publishing = [...Object.keys(answers), 'order.paid'].map((name) =>
      backend.publish([event({ name })]),
    )
    const errors = (await Promise.allSettled(publishing)).flatMap((each) =>
      'reason' in each ? [each.reason] : [],
    )

    for (const error of errors) {
      expect(error).toMatchObject({ name: 'PublishError', code: 'EVENTSETS_PUBLISH', isRetryable: false })
      expect(error.message).not.toMatch(/\p{C}/u)
    }
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringContaining(`gave "else\\u001b[2J" for the event "a.b"`),
      expect.stringContaining('gave undefined for'),
      expect.stringContaining('gave a promise for'),
      expect.stringContaining('has failed for the event "a.e"'),
    ])
    for (const name of here.streams) expect(errors[0].message).toContain(name)
    expect(await replayAll(backend)).toHaveLength(1)
  })

  it('keeps events together that are published together, or they are refused before any is stored', async () => {
    const { bus, backend } = openBus(named())
    const mixed = bus.transaction(async (tx) => {
      await tx.publish('order.paid', 1)
      await tx.publish('mail.sent', 2)
    })
    await expect(mixed).rejects.toMatchObject({
      name: 'PublishError',
      message: expect.stringMatching(/"order\.paid" belongs to .* "mail\.sent" to .* Nothing was published/),
    })
    expect(await replayAll(backend)).toEqual([])

    await bus.transaction(async (tx) => {
      await tx.publish('order.paid', 1)
      await tx.publish('order.sent', 2)
    })

    expect((await replayAll(backend)).map(({ data }) => data)).toEqual([1, 2])
    expect(backend.features.atomic).toBe(false)
  })

  it('says of the events of an outbox one by one where they go', async () => {
    const backend = openBackend(named())
    const database = new Database(join(openFolder(), 'shop.db'))
    const outbox = sqliteOutbox({ database })
    const bus = new EventBus({ backend })
    const events = ['order.paid', 'mail.sent', 'order.sent', 'metric.seen']
    database.exec('BEGIN')
    await bus.transaction(
      async (tx) => {
        for (const name of events) await tx.publish(name, {})
      },
      { outbox, handle: database },
    )
    database.exec('COMMIT')
    const relay = startRelay({ outbox, backend })
    onTestFinished(() => relay.stop())

    await until(async () => (await replayAll(backend)).length === 4)

    expect((await replayAll(backend)).map(({ name }) => name)).toEqual(events)
    expect(await backend.deadLetters.list()).toEqual([])
  })

  it('needs to have its names listed, and says all that is wrong with them', () => {
    const issuesOf = (options: object) => {
      try {
        redisStreams({ url: server.url, ...options })
        return []
      } catch (error) {
        return (error as { readonly issues: readonly { path: string; message: string }[] }).issues.map(
          ({ path, message }) => `${path} ${message}`,
        )
      }
    }

    expect(issuesOf({ stream: () => 'a' })).toEqual([
      expect.stringMatching(/^streams expected a list of all names/),
    ])
    expect(issuesOf({ stream: 'a', streams: ['a'] })).toEqual([
      expect.stringMatching(/^streams expected nothing, unless/),
    ])
    for (const streams of [[], ['a', 'a'], ['{'], [7], 'a', Array.from({ length: 65 }, (_, n) => `${n}`)])
      expect(issuesOf({ stream: () => 'a', streams })).toEqual([
        expect.stringMatching(/^streams expected a list of 1 to 64/),
      ])
    expect(issuesOf({ stream: () => 'a', streams: ['a'] })).toEqual([])
  })
})

describe.runIf(hasRedisServer)('a consumer of several streams', () => {
  it('has no more in hand than it has hands for, whichever streams they are from', async () => {
    const here = named()
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const names = ['order.paid', 'mail.sent', 'metric.seen']
    const events = names.flatMap((name) => [...eventsOf(50, { name }), ...eventsOf(50, { name, key: 'k' })])
    for (const each of events) await backend.publish([each])
    let inHand = 0
    let most = 0
    const { deliveries } = await watch(
      backend,
      'shop',
      async () => {
        most = Math.max(most, ++inHand)
        await new Promise((resolve) => setImmediate(resolve))
        inHand--
        return undefined
      },
      { concurrency: 4 },
    )

    await until(() => deliveries.length === events.length)

    expect(most).toBe(4)
    expect(idsOf(deliveries.map((each) => each.event)).size).toBe(events.length)
  })

  it.each([1, 3])('with %i hands lets no stream wait for another that has more', async (concurrency) => {
    const backend = openBackend(named())
    const end = gate()
    const { deliveries } = await watch(
      backend,
      'shop',
      async ({ event: { data } }) => {
        // As long as the server takes for an answer: that is what a stream waits for that has no hand.
        await (data === 'block' ? end.opened : server.admin.ping())
        return undefined
      },
      { concurrency },
    )
    // Every stream is at work, and then all hands are busy.
    for (const name of ['order.paid', 'mail.sent', 'metric.seen'])
      await backend.publish([event({ name, key: 'k' })])
    await until(() => deliveries.length === 3)
    await backend.publish(eventsOf(concurrency, { name: 'order.paid', data: 'block' }))
    await until(() => deliveries.length === 3 + concurrency)
    await backend.publish([
      ...eventsOf(600, { name: 'order.paid' }),
      ...eventsOf(400, { name: 'order.paid', key: 'k' }),
    ])
    await backend.publish(eventsOf(10, { name: 'mail.sent' }))
    await backend.publish(eventsOf(10, { name: 'metric.seen', key: 'k' }))
    end.open()

    await until(() => deliveries.length === 1023 + concurrency)

    const names = deliveries.map((each) => each.event.name)
    expect(names.lastIndexOf('mail.sent')).toBeLessThan(150)
    expect(names.lastIndexOf('metric.seen')).toBeLessThan(150)
  })

  it('leaves those of its hands to a stream that waits which are its part, and no more', async () => {
    const backend = openBackend(named())
    const ends: Record<string, (() => void)[]> = { order: [], mail: [] }
    const of = (name: string) => ends[name.split('.')[0] as string] as (() => void)[]
    const inHand = () => Object.values(ends).map(({ length }) => length)
    const handle = ({ event: { name } }: Delivery) =>
      new Promise<undefined>((resolve) => {
        of(name).push(() => resolve(undefined))
      })
    await watch(backend, 'shop', handle, { concurrency: 4 })
    const keyed = (name: string) => Array.from({ length: 40 }, (_, n) => event({ name, key: `key-${n}` }))
    await backend.publish(keyed('order.paid'))
    await until(() => String(inHand()) === '4,0')
    await backend.publish(keyed('mail.sent'))
    const release = async (name: string) => {
      of(name).shift()?.()
      await until(() => inHand().reduce((sum, count) => sum + count, 0) === 4)
    }

    // It takes a moment until the other stream has something.
    while (String(inHand()) !== '2,2') await release('order.paid')

    for (let n = 0; n < 5; n++)
      for (const name of ['order.paid', 'mail.sent']) {
        await release(name)
        expect(inHand()).toEqual([2, 2])
      }
    for (const end of Object.values(ends).flat()) end()
  })

  it('holds nothing back from others that it has no hand for', async () => {
    const here = named()
    const backend = openBackend(here)
    const groups = Array.from({ length: 20 }, (_, n) => `group-${n}`)
    for (const group of groups) await foundGroup(backend, group)
    await backend.publish(eventsOf(20, { name: 'order.paid' }))
    const end = gate()
    const handle = () => end.opened.then(() => undefined)
    const watchers = await Promise.all(
      groups.map((group) => watch(backend, group, handle, { concurrency: 1 })),
    )
    await until(() => watchers.every(({ deliveries }) => deliveries.length === 1))
    await backend.publish([event({ name: 'mail.sent' })])

    const [orders] = here.streams as [string]
    const pending = groups.map((group) => server.admin.xpending(`{${orders}}:log:normal`, group))

    expect((await Promise.all(pending)).map(([count]) => count)).toEqual(groups.map(() => 1))
    end.open()
  })

  it('begins all streams or none, and stops them all by one deadline', async () => {
    const here = named()
    await server.admin.set(`{${here.streams[1]}}:meta`, 'of somebody else')
    const broken = openBackend(here)
    await expect(watch(broken, 'shop')).rejects.toMatchObject({ hint: expect.stringContaining('"stream"') })
    expect(
      (await openBackend({ url: server.url, stream: here.streams[0] }).groups())[0]?.consumers ?? 0,
    ).toBe(0)

    const backend = openBackend(named())
    const end = gate()
    const { deliveries, consumption } = await watch(backend, 'shop', () => end.opened.then(() => undefined))
    for (const name of ['order.paid', 'mail.sent', 'metric.seen']) await backend.publish([event({ name })])
    await until(() => deliveries.length === 3)
    await consumption.stop(10)
    end.open()
    await consumption.stop(5000)

    await untilIdle(backend)
  })

  it('is told once when the server is away', async () => {
    const own = await startRedis()
    onTestFinished(() => own.dispose())
    const streams = newStreams()
    const backend = openBackend({ url: own.url, streams, stream: byKey(streams) })
    const { errors, deliveries } = await watch(backend, 'shop')
    await own.kill()
    await until(() => errors.length > 0)
    const told = errors.map(({ message }) => message)
    await own.start()
    await backend.publish([event()])

    await until(() => deliveries.length === 1)

    expect(new Set(told).size).toBe(told.length)
    expect((await backend.health()).reconnects).toBe(1)
  })

  it('needs two connections in each process', async () => {
    const own = await startRedis()
    onTestFinished(() => own.dispose())
    const streams = newStreams()
    const backend = openBackend({ url: own.url, streams, stream: byKey(streams) })
    const { deliveries } = await watch(backend, 'shop')
    for (let n = 0; n < 20; n++) await backend.publish([event({ key: `key-${n}` })])
    await until(() => deliveries.length === 20)

    const list = String(await own.admin.client('LIST'))

    // One of them is of the test.
    expect(list.trim().split('\n')).toHaveLength(3)
  })

  it('loses nothing and no order when its processes are killed', async () => {
    const { stream, ...here } = { ...spread(), partitions: 4 }
    const folder = openFolder()
    const [published, handled] = [join(folder, 'published'), join(folder, 'handled')]
    const backend = openBackend({ ...here, stream })
    await foundGroup(backend, 'shop')
    const start = () => openProcess('consume', { ...here, ledger: handled, group: 'shop', failEvery: 50 })
    const publisher = openProcess('publish', { ...here, ledger: published, prefix: 'p', keys: 50 })
    const [first, second] = [start(), start()]
    await first.said('handled 100')

    await second.kill()
    const third = start()
    await third.said('handled 50')
    await first.kill()
    await publisher.kill()

    await untilIdle(backend)
    const taken = readLedger<Noted>(published)
    const seen = readLedger<Noted>(handled)
    const ids = idsOf(seen)
    expect(taken.length).toBeGreaterThan(100)
    expect(taken.filter(({ id }) => !ids.has(id))).toEqual([])
    expectInOrder(seen)
    expect(await backend.deadLetters.list()).toEqual([])
    const used = here.streams.map((name) => server.admin.keys(`{${name}}:log:k*`))
    for (const keys of await Promise.all(used)) expect(keys.length).toBeGreaterThan(0)
  })
})

describe.runIf(hasRedisServer)('several streams as one', () => {
  it('are idle when nothing waits in any of them, however events follow each other', async () => {
    const { bus } = openBus(named(), { group: 'shop' })
    const hops = ['order', 'mail', 'metric']
    let count = 0
    bus.on('*.hop', async ({ data }, { publish }) => {
      const { left } = data as { readonly left: number }
      count++
      if (left > 0) await publish(`${hops[left % 3]}.hop`, { left: left - 1 })
    })
    await bus.start()

    for (let round = 1; round <= 5; round++) {
      await bus.publish('order.hop', { left: 60 })
      await bus.idle()
      expect(count).toBe(61 * round)
    }
  })

  it('have one history, in the order of time, and can be read from any event on', async () => {
    const backend = openBackend(named())
    const names = ['order.paid', 'mail.sent', 'metric.seen', 'mail.sent', 'order.paid', 'metric.seen']
    const events = names.map((name, n) => event({ name, data: n, time: 1000 + n }))
    for (const each of events) await backend.publish([each])
    const numbers = async (query: object) => {
      const found: unknown[] = []
      for await (const { data } of backend.replay?.(query) ?? []) found.push(data)
      return found
    }

    expect(await numbers({})).toEqual([0, 1, 2, 3, 4, 5])
    expect(await numbers({ afterId: events[1]?.id })).toEqual([2, 3, 4, 5])
    expect(await numbers({ afterId: events[2]?.id, pattern: 'mail.*' })).toEqual([3])
    expect(await numbers({ from: 1002, to: 1004 })).toEqual([2, 3, 4])
    await expect(numbers({ afterId: 'nobody' })).rejects.toMatchObject({ name: 'NotFoundError' })
  })

  it('have one list of dead letters, of which each is found by its id', async () => {
    const backend = openBackend(named())
    const letterOf = (name: string, time: number) => ({
      id: `letter-${time}`,
      event: event({ name }),
      handler: 'ship',
      group: 'shop',
      reason: 'no route',
      attempts: 1,
      time,
    })
    const { deliveries } = await watch(backend, 'shop')
    // Whatever has no stream is kept as well.
    const names = ['order.paid', 'mail.sent', 'else.where', 'metric.seen', 'mail.sent']
    await backend.deadLetters.add(names.map((name, time) => letterOf(name, time)))
    const ids = async (query = {}) => (await backend.deadLetters.list(query)).map(({ id }) => id)

    expect(await ids()).toEqual(['letter-0', 'letter-1', 'letter-2', 'letter-3', 'letter-4'])
    expect(await ids({ limit: 2 })).toEqual(['letter-0', 'letter-1'])
    expect(await ids({ pattern: 'mail.*' })).toEqual(['letter-1', 'letter-4'])
    expect(await backend.deadLetters.get('letter-3')).toMatchObject({ event: { name: 'metric.seen' } })
    expect(await backend.deadLetters.drop('letter-3')).toBe(true)
    expect(await backend.deadLetters.drop('letter-3')).toBe(false)
    expect(await backend.deadLetters.replay(['letter-0', 'letter-1', 'letter-3', 'nobody'])).toBe(2)
    await until(() => deliveries.length === 2)
    expect(await ids()).toEqual(['letter-2', 'letter-4'])
    expect(await backend.health()).toMatchObject({ deadLetters: 2 })
  })

  it('have one account of their groups, and one word to forget a group', async () => {
    const backend = openBackend(named())
    await foundGroup(backend, 'gone')
    const { deliveries } = await watch(backend, 'here')
    for (const name of ['order.paid', 'mail.sent', 'metric.seen']) await backend.publish([event({ name })])
    await until(() => deliveries.length === 3)
    await until(async () => (await backend.groups())[1]?.queueDepth === 0)

    expect(await backend.groups()).toMatchObject([
      { name: 'gone', queueDepth: 3, inFlight: 0, consumers: 0 },
      { name: 'here', queueDepth: 0, inFlight: 0, consumers: 1 },
    ])
    expect(await backend.removeGroup('gone')).toBe(true)
    expect(await backend.removeGroup('gone')).toBe(false)
    await untilIdle(backend)
    expect((await backend.health()).groups.map(({ name }) => name)).toEqual(['here'])
  })

  it('are full each for itself, and say which of them is', async () => {
    const here = named()
    const backend = openBackend({ ...here, maxLen: 3, overflow: 'error' })
    await foundGroup(backend, 'shop')
    await backend.publish(eventsOf(3, { name: 'mail.sent' }))
    await expect(backend.publish([event({ name: 'mail.sent' })])).rejects.toMatchObject({
      name: 'PublishError',
    })
    await backend.publish([event({ name: 'order.paid' })])

    expect(await backend.health()).toMatchObject({
      status: 'degraded',
      queueDepth: 4,
      reasons: [expect.stringContaining(`"${here.streams[1]}"`)],
    })
  })
})

describe.runIf(hasRedisServer)('several streams in a cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster?.dispose())

  /** A stream on each of the servers. */
  async function oneOnEach(): Promise<string[]> {
    const found = new Map<RedisServer, string>()
    while (found.size < cluster.primaries.length) {
      const stream = newStream()
      found.set(await cluster.ownerOf(stream), stream)
    }
    return cluster.primaries.map((primary) => found.get(primary) as string)
  }

  it('may be on different servers, and are one bus all the same', async () => {
    const streams = await oneOnEach()
    const stream = ({ key }: { readonly key?: string | undefined }) => streams[Number(key)] as string
    const backend = openBackend({ client: cluster.openClient(), streams, stream })
    const { deliveries, errors } = await watch(backend, 'shop', ({ attempt }) =>
      attempt === 1 ? { retry: { handlers: ['x'], delayMs: 1, attempt: 2 } } : undefined,
    )
    const events = Array.from({ length: 60 }, (_, n) => event({ key: `${n % 3}` }))
    for (const each of events) await backend.publish([each])

    await until(() => deliveries.length === 120)
    await untilIdle(backend)

    expect(idsOf(await replayAll(backend))).toEqual(idsOf(events))
    expect(errors).toEqual([])
    for (const [at, primary] of cluster.primaries.entries())
      expect((await primary.admin.keys(`{${streams[at]}}:log:k*`)).length).toBeGreaterThan(0)
  })

  it('go on where their server is there, whatever has become of another one', async () => {
    const streams = await oneOnEach()
    const stream = ({ name }: { readonly name: string }) => streams[Number(name.at(-1))] as string
    const backend = openBackend({ client: cluster.openClient(), streams, stream, socketTimeoutMs: 6000 })
    const { deliveries } = await watch(backend, 'shop', undefined, { concurrency: 1 })
    const names = ['at.0', 'at.1', 'at.2']
    for (const name of names) await backend.publish([event({ name })])
    await until(() => deliveries.length === 3)
    const [, , third] = cluster.primaries as [RedisServer, RedisServer, RedisServer]
    third.pause()
    onTestFinished(() => third.resume())

    for (let n = 0; n < 30; n++) await backend.publish([event({ name: names[n % 2] as string })])

    await until(() => deliveries.length === 33)
    third.resume()
    await backend.publish([event({ name: 'at.2' })])
    await until(() => deliveries.length === 34)
  })
})
