import { redisStreams } from '@eventsets/redis-streams'
import type { StoredEvent } from 'eventsets/bus'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { recordFigure } from '../../../test/bus-backends/figures.ts'
import {
  event,
  foundGroup,
  gate,
  handed,
  newStream,
  openBackend,
  openBus,
  until,
  untilIdle,
  watch,
} from './harness.ts'
import { hasRedisServer, type RedisServer, startRedis } from './redis-server.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.dispose())

const options = () => ({ url: server.url, stream: newStream() })

async function history(backend: ReturnType<typeof redisStreams>): Promise<StoredEvent[]> {
  const events: StoredEvent[] = []
  for await (const each of backend.replay?.({}) ?? []) events.push(each)
  return events
}

describe.runIf(hasRedisServer)('redisStreams', () => {
  it('says everything that is wrong with its options at once', () => {
    const wrong = {
      url: 'http://x',
      stream: 'a{b}',
      partitions: 0,
      leaseMs: 1.5,
      blockMs: 9000,
      what: 1,
      overflow: 'no',
    }

    expect(() => redisStreams(wrong as never)).toThrow(
      expect.objectContaining({
        code: 'EVENTSETS_INVALID_OPTIONS',
        issues: [
          expect.objectContaining({ path: 'url' }),
          expect.objectContaining({ path: 'stream' }),
          expect.objectContaining({ path: 'partitions' }),
          expect.objectContaining({ path: 'leaseMs' }),
          expect.objectContaining({ path: 'what', code: 'unknown_key' }),
          expect.objectContaining({ path: 'overflow' }),
        ],
      }),
    )
    expect(() => redisStreams({ url: 'redis://x', blockMs: 20_000 })).toThrow(/socketTimeoutMs/)
    expect(() => redisStreams({})).toThrow(/neither "url" nor "client"/)
  })

  it('takes a client of the application with its settings, and leaves it as it was', async () => {
    const client = new Redis(server.url, { keyPrefix: 'shop:', maxRetriesPerRequest: 1 })
    onTestFinished(() => client.disconnect())
    const stream = newStream()
    const backend = openBackend({ client, stream })
    const { deliveries, consumption } = await watch(backend, 'shop')
    await backend.publish([event(), event({ key: 'k' })])
    await until(() => deliveries.length === 2)
    expect(await history(backend)).toHaveLength(2)
    await consumption.stop(1000)
    await backend.close()

    expect(await client.ping()).toBe('PONG')
    expect(await server.admin.exists(`shop:{${stream}}:log:normal`)).toBe(1)
    expect(await server.admin.keys(`{${stream}}*`)).toEqual([])
  })

  it('refuses to spread keys in another way than those who were there before', async () => {
    const here = options()
    await openBackend({ ...here, partitions: 4 }).publish([event()])

    await expect(openBackend({ ...here, partitions: 8 }).publish([event()])).rejects.toMatchObject({
      code: 'EVENTSETS_INVALID_OPTIONS',
      message: expect.stringContaining('4'),
    })
  })

  it('keeps all its keys in one slot of a cluster', async () => {
    const here = options()
    const backend = openBackend(here)
    const { deliveries } = await watch(backend, 'shop', ({ event: { key }, attempt }) =>
      key === undefined && attempt === 1 ? { retry: { handlers: ['x'], delayMs: 1, attempt: 2 } } : undefined,
    )
    await backend.publish([event(), event({ key: 'k' }), event({ deliverAt: Date.now() + 60_000 })])
    await until(() => deliveries.length === 3)

    const keys = await server.admin.keys(`*${here.stream}*`)
    expect(keys.length).toBeGreaterThan(20)
    expect(keys.filter((key) => !key.startsWith(`{${here.stream}}:`))).toEqual([])
  })
})

describe.runIf(hasRedisServer)('an event that is published again', () => {
  it('is stored once, whoever publishes it, and after its publisher has begun anew', async () => {
    const here = options()
    const [one, two] = [openBackend(here), openBackend(here)]
    const same = event()
    await Promise.all([one.publish([same, same]), two.publish([same]), one.publish([same])])
    await one.close()
    await openBackend(here).publish([same])

    const stored = await history(two)
    expect(stored).toHaveLength(1)
    recordFigure({
      backend: 'redis-streams',
      fault: 'F12',
      what: 'an event is published again with its id, by one process and by others, at once and later',
      did: '6 times',
      acknowledged: 1,
      lost: 0,
      repeated: stored.length - 1,
    })
  })

  it('is new again when so many others have been remembered since', async () => {
    const backend = openBackend({ ...options(), rememberedIds: 10 })
    const first = event()
    await backend.publish([first])
    for (let n = 0; n < 9; n++) await backend.publish([event()])
    await backend.publish([first])
    expect(await history(backend)).toHaveLength(10)

    for (let n = 0; n < 20; n++) await backend.publish([event()])
    await backend.publish([first])

    expect((await history(backend)).filter(({ id }) => id === first.id)).toHaveLength(2)
  })
})

describe.runIf(hasRedisServer)('many events', () => {
  it('come in the order in which they were published, also where publishing is not waited for', async () => {
    const backend = openBackend(options())
    const { deliveries } = await watch(backend, 'shop', undefined, { concurrency: 1 })
    const events = Array.from({ length: 1000 }, (_, n) => event({ data: { n } }))
    await Promise.all(events.map((each) => backend.publish([each])))

    await until(() => deliveries.length === 1000)

    expect(deliveries.map((delivery) => delivery.event.id)).toEqual(events.map(({ id }) => id))
    expect((await history(backend)).map(({ id }) => id)).toEqual(events.map(({ id }) => id))
  })

  it('come by how urgent they are where they have no key, and none waits for ever', async () => {
    const backend = openBackend(options())
    await foundGroup(backend, 'shop')
    const of = (priority: number, count: number) => Array.from({ length: count }, () => event({ priority }))
    await backend.publish([...of(25, 5), ...of(50, 5), ...of(75, 5), ...of(1000, 5)])
    const { deliveries } = await watch(backend, 'shop', undefined, { concurrency: 1 })

    await until(() => deliveries.length === 20)

    const priorities = deliveries.map((delivery) => delivery.event.priority)
    expect(priorities[0]).toBe(1000)
    expect(priorities.indexOf(25)).toBeLessThan(15)
    expect(priorities.slice(0, 6).filter((priority) => priority === 1000)).toHaveLength(5)
  })

  it('have the order of publishing over all streams, by the ids they are given, several in a call', async () => {
    const backend = openBackend(options())
    const places = [{}, { priority: 100 }, {}, {}, { key: 'a' }, { key: 'b' }, { key: 'a' }, {}]
    const events = Array.from({ length: 80 }, (_, n) => event({ ...places[n % places.length], data: n }))
    await backend.publish(events.slice(0, 50))
    await backend.publish(events.slice(50))

    expect((await history(backend)).map(({ id }) => id)).toEqual(events.map(({ id }) => id))
  })

  it('have ids and data of any text, and are known again by them', async () => {
    const backend = openBackend(options())
    const texts = ['two\nlines', '"quoted"\\', '\u2028', '\0', 'ünï 😀', 'half \ud83d', '{"id":1}', ' ']
    const events = texts.map((text) => event({ id: text, data: { text }, key: text }))
    await backend.publish(events)
    await backend.publish(events)

    expect((await history(backend)).map(({ data }) => data)).toEqual(texts.map((text) => ({ text })))
  })

  it('are known again where another one of their call could not be stored', async () => {
    const here = options()
    const backend = openBackend(here)
    const [stored, refused] = [event(), event({ priority: 0 })]
    // No id comes after this one.
    const last = '18446744073709551615-18446744073709551615'
    await server.admin.xadd(`{${here.stream}}:log:low`, last, 'n', 'x', 'e', '{}')
    await expect(backend.publish([stored, refused])).rejects.toMatchObject({ code: 'EVENTSETS_PUBLISH' })
    await backend.publish([stored])

    expect(await server.admin.xlen(`{${here.stream}}:log:normal`)).toBe(1)
  })

  it('may be very many in one call, all or none', async () => {
    const backend = openBackend({ ...options(), maxLen: 60_000, overflow: 'error' })
    await foundGroup(backend, 'shop')
    const many = () =>
      Array.from({ length: 40_000 }, (_, n) => event({ data: n, ...(n % 2 ? { key: `k${n}` } : {}) }))
    await backend.publish(many())

    await expect(backend.publish(many())).rejects.toMatchObject({ code: 'EVENTSETS_PUBLISH' })
    expect(await backend.health()).toMatchObject({ queueDepth: 40_000 })
  })
})

describe.runIf(hasRedisServer)('a full stream', () => {
  it('makes room of what has been handled, and refuses publishers otherwise', async () => {
    const backend = openBackend({ ...options(), maxLen: 20, overflow: 'error' })
    await foundGroup(backend, 'shop')
    for (let n = 0; n < 20; n++) await backend.publish([event()])

    await expect(backend.publish([event()])).rejects.toMatchObject({
      name: 'PublishError',
      code: 'EVENTSETS_PUBLISH',
      hint: expect.stringContaining('maxLen'),
    })
    expect(await backend.health()).toMatchObject({ status: 'degraded', queueDepth: 20 })
    // A handler that could not publish what follows would fail, and what waits would become more.
    await backend.publish([event({ depth: 1 })])
    const { deliveries } = await watch(backend, 'shop')
    await untilIdle(openBackend({ url: server.url, stream: newStream() }))
    await until(() => deliveries.length === 21)
    await until(async () => (await backend.health()).queueDepth === 0)
    for (let n = 0; n < 30; n++) {
      await until(async () => (await backend.health()).inFlight === 0)
      await backend.publish([event()])
    }

    await until(() => deliveries.length === 51)
  })

  it('keeps publishers waiting until there is room', async () => {
    const backend = openBackend({ ...options(), maxLen: 5 })
    await foundGroup(backend, 'shop')
    await backend.publish(Array.from({ length: 5 }, () => event()))
    let isTaken = false
    const publishing = backend.publish([event()]).then(() => {
      isTaken = true
    })
    const followUp = backend.publish([event({ depth: 1 })])
    await followUp
    expect(isTaken).toBe(false)

    const { deliveries } = await watch(backend, 'shop')
    await publishing

    await until(() => deliveries.length === 7)
  })

  it('never loses what a group has still to handle, however long it is not there', async () => {
    const here = { ...options(), historySize: 10, historyMs: 1 }
    const backend = openBackend(here)
    await foundGroup(backend, 'dead')
    const busy = await watch(backend, 'busy')
    const stuck = gate()
    const holder = await watch(backend, 'holder', ({ event: { data } }) =>
      (data as { n: number }).n === -1 ? stuck.opened.then(() => undefined) : undefined,
    )
    await backend.publish([event({ data: { n: -1 } })])
    for (let n = 0; n < 300; n++) await backend.publish([event(n % 2 ? {} : { key: `k${n % 9}` })])
    await until(() => busy.deliveries.length === 301 && holder.deliveries.length === 301)
    expect(await history(backend)).toHaveLength(301)

    const late = await watch(backend, 'dead')
    await until(() => late.deliveries.length === 301)
    stuck.open()
    await untilIdle(backend)
    recordFigure({
      backend: 'redis-streams',
      fault: 'F15',
      what: 'history is trimmed to 10 events while one group is away and another one is stuck',
      did: '301 events for each of three groups',
      acknowledged: 301,
      lost: 301 - handed(late).size,
      repeated: late.deliveries.length - handed(late).size,
    })
    for (let n = 0; n < 50; n++) await backend.publish([event()])
    await untilIdle(backend)
    await backend.publish([event()])

    // What nobody needs any more goes.
    await until(async () => (await history(backend)).length < 60)
  })
})

describe.runIf(hasRedisServer)('what is no event', () => {
  it('is a dead letter as it was found, and shows nothing raw in a terminal', async () => {
    const here = options()
    const backend = openBackend(here)
    const { deliveries, errors } = await watch(backend, 'shop')
    const garbage = Buffer.from([0x7b, 0xff, 0x1b, 0x5b, 0x32, 0x4a])
    await server.admin.xadd(`{${here.stream}}:log:normal`, '*', 'e', garbage)
    await server.admin.xadd(`{${here.stream}}:log:k3`, '*', 'e', '\u009b2J {"id":"\u202e"')
    await backend.publish([event(), event({ key: 'k' })])

    await until(() => deliveries.length === 2 && errors.length === 2)

    const letters = await backend.deadLetters.list()
    expect(letters).toHaveLength(2)
    for (const text of [...errors.map(({ message }) => message), ...letters.map(({ reason }) => reason)])
      expect(text).not.toMatch(/[\p{C}]/u)
    const dead = await server.admin.xrangeBuffer(`{${here.stream}}:dead`, '-', '+')
    expect(dead.map(([, fields]) => fields.at(-1))).toContainEqual(garbage)
    await backend.deadLetters.replay(letters.map(({ id }) => id))
    await until(() => errors.length === 4)
  })
})

describe.runIf(hasRedisServer)('time', () => {
  it('is the time of the server: a process whose clock is wrong tries again when it should', async () => {
    const backend = openBackend(options())
    const times: number[] = []
    const now = Date.now
    Date.now = () => now() + 3_600_000
    onTestFinished(() => {
      Date.now = now
    })
    const { deliveries } = await watch(backend, 'shop', ({ attempt }) => {
      times.push(performance.now())
      return attempt === 1 ? { retry: { handlers: ['x'], delayMs: 300, attempt: 2 } } : undefined
    })
    await backend.publish([event(), event({ key: 'k' })])
    await until(() => deliveries.length === 4)

    const [first = 0, , third = 0] = times
    expect(third - first).toBeGreaterThanOrEqual(298)
  })
})

describe.runIf(hasRedisServer)('a group', () => {
  it('begins with what is published from then on, and the very first one at the beginning', async () => {
    const here = options()
    const backend = openBackend(here)
    await backend.publish([event(), event({ key: 'k' })])
    expect(await backend.health()).toMatchObject({ queueDepth: 2 })
    const first = await watch(backend, 'first')
    await until(() => first.deliveries.length === 2)

    const second = await watch(backend, 'second')
    const third = await watch(openBackend({ ...here, newGroups: 'beginning' }), 'third')
    await backend.publish([event()])

    await until(() => third.deliveries.length === 3 && second.deliveries.length === 1)
  })

  it('can be looked at and forgotten', async () => {
    const backend = openBackend(options())
    await foundGroup(backend, 'gone')
    await watch(backend, 'here')
    await backend.publish([event(), event({ key: 'k' })])
    await until(async () =>
      (await backend.groups()).some(({ name, queueDepth }) => name === 'here' && queueDepth === 0),
    )
    expect(await backend.groups()).toMatchObject([
      { name: 'gone', queueDepth: 2, inFlight: 0, consumers: 0 },
      { name: 'here', queueDepth: 0, consumers: 1 },
    ])

    expect(await backend.removeGroup('gone')).toBe(true)

    expect(await backend.removeGroup('gone')).toBe(false)
    expect((await backend.groups()).map(({ name }) => name)).toEqual(['here'])
  })

  it('may have any name', async () => {
    const backend = openBackend(options())
    const name = 'a:members {x} "\u001b[2J" \ud83e\udd9c'
    const { deliveries } = await watch(backend, name)
    await backend.publish([event(), event({ key: '{}:~/\u0000' })])

    await until(() => deliveries.length === 2)
    await untilIdle(backend)
    expect((await backend.groups()).map((group) => group.name)).toEqual([name])
  })

  it('is handed what its patterns match, retries and letters included', async () => {
    const { bus } = openBus(options(), { group: 'shop' })
    const seen: string[] = []
    bus.on(
      'order.*',
      ({ name }, { attempt }) => {
        seen.push(`${name} ${attempt}`)
        if (attempt === 1) throw new Error('not yet')
      },
      { retry: { maxAttempts: 2, baseDelayMs: 1 } },
    )
    bus.on('**.failed', ({ name }) => void seen.push(`any ${name}`), { name: 'any' })
    await bus.start()
    for (const name of ['order.paid', 'order.paid.late', 'mail.failed', 'failed', 'mail.sent'])
      for (const key of [undefined, 'k']) await bus.publish(name, {}, { key })
    await bus.idle()

    expect(seen.sort()).toEqual([
      'any failed',
      'any failed',
      'any mail.failed',
      'any mail.failed',
      ...['1', '1', '2', '2'].map((n) => `order.paid ${n}`),
    ])
  })
})
