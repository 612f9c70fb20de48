import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { notedOf, recordFigure, tally } from '../../../test/bus-backends/figures.ts'
import { killAndRestart } from '../../../test/bus-backends/recovery.ts'
import {
  event,
  foundGroup,
  gate,
  idsOf,
  type Noted,
  newStream,
  openBackend,
  openBus,
  openFolder,
  openProcess,
  openProxy,
  openServer,
  readLedger,
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

describe.runIf(hasRedisServer)('a server that is killed', () => {
  it.each(['always', 'everysec', 'no'] as const)(
    'has lost nothing that was taken and stored twice nothing, with appendfsync %s',
    async (appendFsync) => {
      const own = await openServer({ appendFsync })
      const here = { url: own.url, stream: newStream() }
      const backend = openBackend(here)
      await foundGroup(backend, 'shop')
      const ledger = join(openFolder(), 'published')
      const publisher = openProcess('publish', { ...here, ledger, prefix: 'p', keys: 0 })

      const recoveriesMs: number[] = []
      const killedMs: number[] = []
      for (const count of [50, 150]) {
        await publisher.said(`published ${count}`)
        killedMs.push(Date.now())
        recoveriesMs.push(await killAndRestart(own, ledger))
      }
      await publisher.said('published 250')
      await publisher.kill()

      const { deliveries } = await watch(backend, 'shop')
      await untilIdle(backend)
      const taken = readLedger<Noted & { time: number }>(ledger)
      const result = tally(taken, notedOf(deliveries))
      recordFigure({
        backend: 'redis-streams',
        fault: 'F3',
        what: `the server is killed while somebody publishes, \`appendfsync ${appendFsync}\``,
        did: 'twice, and started again on its file',
        ...result,
        recoveryMs: Math.max(...recoveriesMs),
      })
      expect(result.acknowledged).toBeGreaterThanOrEqual(250)
      expect(result.repeated).toBe(0)
      expect((await backend.health()).reconnects).toBeGreaterThanOrEqual(1)
      const ids = idsOf(deliveries.map((delivery) => delivery.event))
      const lost = taken.filter(({ id }) => !ids.has(id))
      // With "everysec" a server whose disk is busy answers before it has written anything, for two seconds at most.
      const mayBeLost = ({ time }: { time: number }) =>
        appendFsync === 'everysec' && killedMs.some((killed) => time <= killed && time > killed - 3000)
      expect(lost.filter((each) => !mayBeLost(each))).toEqual([])
    },
  )

  it('still knows how much waits when it has read its file again', async () => {
    const own = await openServer({ appendFsync: 'always' })
    const backend = openBackend({ url: own.url, stream: newStream() })
    const { deliveries, consumption } = await watch(backend, 'shop')
    const some = () => Array.from({ length: 20 }, (_, n) => event(n % 2 ? { key: `key-${n}` } : {}))
    await backend.publish(some())
    await until(() => deliveries.length === 20)
    await consumption.stop(5000)

    await own.kill()
    await own.start()
    await backend.publish(some().slice(0, 3))

    await until(async () => (await backend.health()).status === 'healthy')
    expect(await backend.health()).toMatchObject({ queueDepth: 3, inFlight: 0 })
  })
})

describe.runIf(hasRedisServer)('a connection that is cut', () => {
  it('stores an event once when the answer to its publisher is lost', async () => {
    const proxy = await openProxy(server)
    const here = options()
    const backend = openBackend({ ...here, url: proxy.url })
    await foundGroup(backend, 'shop')
    const events = Array.from({ length: 20 }, () => event())

    for (const each of events) {
      proxy.cutNextAnswers(1)
      await backend.publish([each])
    }

    expect(proxy.cuts).toBe(20)
    const { deliveries } = await watch(openBackend(here), 'shop')
    await until(() => deliveries.length >= 20)
    await untilIdle(openBackend(here))
    expect(deliveries.map((delivery) => delivery.event.id)).toEqual(events.map(({ id }) => id))
    recordFigure({
      backend: 'redis-streams',
      fault: 'F4',
      what: 'the connection is cut after a publish was done, before its answer',
      did: `${proxy.cuts} times, once for each event`,
      ...tally(events, notedOf(deliveries)),
    })
  })

  it('loses nothing and doubles nothing when the answers to a consumer are lost', async () => {
    const proxy = await openProxy(server)
    const here = options()
    const publisher = openBackend(here)
    const backend = openBackend({ ...here, url: proxy.url, leaseMs: 10_000 })
    await foundGroup(publisher, 'shop')
    const watcher = await watch(backend, 'shop', ({ event: { data }, attempt }) => {
      const isMoody = (data as { n: number }).n % 10 === 0 && attempt === 1
      return isMoody ? { retry: { handlers: ['moody'], delayMs: 1, attempt: 2 } } : undefined
    })
    const events = Array.from({ length: 400 }, (_, n) =>
      event({ data: { n }, ...(n % 2 ? { key: `key-${n % 7}` } : {}) }),
    )

    for (let at = 0; at < events.length; at += 20) {
      proxy.cutNextAnswers(2)
      await publisher.publish(events.slice(at, at + 20))
      await until(() => watcher.deliveries.length >= at)
    }
    proxy.cutNextAnswers(0)

    await untilIdle(publisher)
    const first = watcher.deliveries
      .filter(({ attempt }) => attempt === 1)
      .map((delivery) => delivery.event.id)
    expect(proxy.cuts).toBeGreaterThan(10)
    expect(new Set(first).size).toBe(400)
    expect(first).toHaveLength(400)
    expect(watcher.deliveries).toHaveLength(440)
    recordFigure({
      backend: 'redis-streams',
      fault: 'F4',
      what: 'the connection of a consumer is cut before an answer to it',
      did: `${proxy.cuts} times`,
      // A second try is none of them.
      ...tally(events, notedOf(watcher.deliveries.filter(({ attempt }) => attempt === 1))),
    })
  })

  it('flows again when it was dead without a word, for publishers and for consumers', async () => {
    const proxy = await openProxy(server)
    const here = { ...options(), url: proxy.url, blockMs: 300, socketTimeoutMs: 600 }
    const backend = openBackend(here)
    const { deliveries } = await watch(backend, 'shop')
    const first = event()
    await backend.publish([first])
    await until(() => deliveries.length === 1)

    const silentMs = performance.now()
    proxy.swallow(true)
    const late = event()
    const publishing = backend.publish([late])
    await until(async () => (await backend.health()).status === 'unhealthy')
    proxy.swallow(false)
    await publishing

    await until(() => deliveries.length === 2)
    const recoveryMs = performance.now() - silentMs
    expect(deliveries[1]?.event.id).toBe(late.id)
    await until(async () => (await backend.health()).status === 'healthy')
    recordFigure({
      backend: 'redis-streams',
      fault: 'F7',
      what: 'the link of a publisher and a consumer is dead without a word',
      did: `found out by \`socketTimeoutMs: ${here.socketTimeoutMs}\``,
      ...tally([first, late], notedOf(deliveries)),
      recoveryMs,
    })
  })
})

describe.runIf(hasRedisServer)('a server that is not there', () => {
  it('keeps publishers waiting for as long as they have said, and then tells them why', async () => {
    const backend = openBackend({ url: 'redis://127.0.0.1:1', timeoutMs: 150 })

    await expect(backend.publish([event()])).rejects.toMatchObject({
      name: 'ConnectionError',
      code: 'EVENTSETS_CONNECTION',
      hint: expect.stringContaining('address'),
    })
    await expect(watch(backend, 'shop')).rejects.toMatchObject({ code: 'EVENTSETS_CONNECTION' })
    expect(await backend.health()).toMatchObject({ status: 'unhealthy', reasons: [expect.any(String)] })
  })

  it('is no obstacle to closing, in any state', async () => {
    const own = await openServer()
    const never = openBackend({ url: 'redis://127.0.0.1:1' })
    const pending = never.publish([event()]).catch((error) => error.code)
    const { bus } = openBus({ url: own.url, stream: newStream() }, { group: 'shop' })
    const begun = gate()
    bus.on('order.*', async (_, { signal }) => {
      begun.open()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    })
    await bus.start()
    await bus.publish('order.placed', {})
    await begun.opened
    await own.kill()

    await Promise.all([never.close(), never.close(), bus.close({ deadlineMs: 200 })])

    expect(await pending).toBe('EVENTSETS_BUS_CLOSED')
    await expect(never.publish([event()])).rejects.toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
  })

  it('may be paused for longer than all timeouts, and everything goes on', async () => {
    const own = await openServer()
    const here = {
      url: own.url,
      stream: newStream(),
      blockMs: 100,
      socketTimeoutMs: 300,
      timeoutMs: 400,
      leaseMs: 500,
    }
    const backend = openBackend(here)
    const { deliveries, errors } = await watch(backend, 'shop')
    await backend.publish([event()])
    await until(() => deliveries.length === 1)

    own.pause()
    await expect(backend.publish([event()])).rejects.toMatchObject({ code: 'EVENTSETS_CONNECTION' })
    await until(() => errors.length > 0)
    const resumedMs = performance.now()
    own.resume()

    const late = event({ key: 'k' })
    await backend.publish([late])
    await until(() => deliveries.some((delivery) => delivery.event.id === late.id))
    const recoveryMs = performance.now() - resumedMs
    await untilIdle(backend)
    recordFigure({
      backend: 'redis-streams',
      fault: 'F7',
      what: 'the server is paused for longer than all timeouts (SIGSTOP), and goes on',
      did: 'a publish meanwhile was rejected with `ConnectionError`',
      ...tally([late], notedOf(deliveries)),
      recoveryMs,
    })
    expect(idsOf(deliveries.map((delivery) => delivery.event)).has(late.id)).toBe(true)
  })
})

describe.runIf(hasRedisServer)('a server that has lost its data', () => {
  it.each([
    ['everything', () => ['FLUSHALL']],
    ['a stream', (stream: string) => ['DEL', `{${stream}}:log:normal`]],
    ['a group', (stream: string) => ['XGROUP', 'DESTROY', `{${stream}}:log:normal`, 'shop']],
    ['the scripts', () => ['SCRIPT', 'FLUSH']],
    ['all connections', () => ['CLIENT', 'KILL', 'TYPE', 'normal']],
  ])('gives consumers what is published afterwards, and nothing of before: %s', async (what, commandOf) => {
    const own = await openServer()
    const here = { url: own.url, stream: newStream() }
    const backend = openBackend(here)
    const { deliveries, errors } = await watch(backend, 'shop')
    const before = Array.from({ length: 10 }, (_, n) => event(n % 2 ? { key: `key-${n}` } : {}))
    await backend.publish(before)
    await until(() => deliveries.length === 10)
    await untilIdle(backend)
    const [name, ...args] = commandOf(here.stream) as [string, ...string[]]
    await own.admin.call(name, ...args)
    const lostMs = performance.now()
    const after = Array.from({ length: 10 }, (_, n) => event(n % 2 ? { key: `key-${n}` } : {}))
    await backend.publish(after)

    await until(() => idsOf(deliveries.map((delivery) => delivery.event)).size === 20)
    const recoveryMs = performance.now() - lostMs
    await untilIdle(backend)
    const late = deliveries.slice(10).map((delivery) => delivery.event.id)
    expect(late.filter((id) => !idsOf(after).has(id))).toEqual([])
    expect(errors.length).toBeLessThanOrEqual(5)
    recordFigure({
      backend: 'redis-streams',
      fault: 'F5',
      what: `the server loses ${what} while a consumer is at work`,
      did: 'what was published afterwards is counted',
      ...tally(after, notedOf(deliveries.slice(10))),
      recoveryMs,
    })
  })
})

describe.runIf(hasRedisServer)('a server that refuses', () => {
  it('tells the publisher that it has no memory left, and consumers go on', async () => {
    const own = await openServer()
    const here = { url: own.url, stream: newStream() }
    const backend = openBackend(here)
    const impatient = openBackend({ ...here, timeoutMs: 2000 })
    const { deliveries, errors, consumption } = await watch(backend, 'shop')
    await backend.publish([event()])
    await until(() => deliveries.length === 1)
    await consumption.stop(5000)
    await backend.publish(Array.from({ length: 5 }, () => event()))
    await own.admin.config('SET', 'maxmemory', '1')

    await expect(impatient.publish([event()])).rejects.toMatchObject({
      name: 'PublishError',
      hint: expect.stringContaining('memory'),
    })
    const next = await watch(backend, 'shop')
    await until(() => next.deliveries.length === 5)
    await untilIdle(backend)

    await own.admin.config('SET', 'maxmemory', '0')
    await backend.publish([event()])
    await until(() => next.deliveries.length === 6)
    expect([...errors, ...next.errors]).toEqual([])
    recordFigure({
      backend: 'redis-streams',
      fault: 'F3',
      what: 'the server has no memory left',
      did: 'a publish meanwhile was rejected with `PublishError`; consumers went on',
      acknowledged: 7,
      lost: 7 - idsOf([...deliveries, ...next.deliveries].map((delivery) => delivery.event)).size,
      repeated: 0,
    })
  })

  it('is waited for while it is a replica', async () => {
    const own = await openServer()
    const backend = openBackend({ url: own.url, stream: newStream() })
    const { deliveries } = await watch(backend, 'shop')
    await own.admin.call('REPLICAOF', '127.0.0.1', '1')
    const publishing = backend.publish([event()])

    await own.admin.call('REPLICAOF', 'NO', 'ONE')
    await publishing

    await until(() => deliveries.length === 1)
  })

  it('tells at once when a key belongs to somebody else, and stores none of the events', async () => {
    const here = options()
    const backend = openBackend(here)
    await server.admin.set(`{${here.stream}}:log:high`, 'mine')

    await expect(backend.publish([event(), event({ priority: 75 })])).rejects.toMatchObject({
      name: 'PublishError',
      message: expect.stringContaining('WRONGTYPE'),
      hint: expect.stringContaining('"stream"'),
    })
    expect(await server.admin.exists(`{${here.stream}}:log:normal`)).toBe(0)
    await backend.publish([event()])
    expect(await server.admin.get(`{${here.stream}}:log:high`)).toBe('mine')
  })
})
