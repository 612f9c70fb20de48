import { join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { ConnectionError } from 'eventsets/bus'
import { describe, expect, it } from 'vitest'
import { notedOf, recordFigure, tally } from '../../../test/bus-backends/figures.ts'
import {
  errorOf,
  event,
  eventsOf,
  foundGroup,
  gate,
  handed,
  idsOf,
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
} from './harness.ts'
import { hasNatsServer } from './nats-server.ts'

describe.runIf(hasNatsServer)('while the server is away', () => {
  it('rejects what is published in time, says that it is unhealthy, and closes', async () => {
    const server = await openServer()
    const backend = openBackend({ servers: server.url, timeoutMs: 300 })
    const { errors, consumption } = await watch(backend, 'shop')
    await server.kill()
    await until(() => errors.length > 0)

    const error = await errorOf(backend.publish([event()]))
    const together = await errorOf(backend.publish(eventsOf(3)))
    const health = await backend.health()

    for (const each of [error, together, errors[0]]) {
      expect(each).toBeInstanceOf(ConnectionError)
      expect(each).toMatchObject({ code: 'EVENTSETS_CONNECTION' })
    }
    expect(health).toMatchObject({ status: 'unhealthy', reasons: ['The connection to NATS is away.'] })
    await consumption.stop(1000)
    await backend.close()
    expect(await errorOf(backend.publish([event()]))).toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
  })

  it('fails and closes when there has never been a server', async () => {
    const backend = openBackend({ servers: 'nats://127.0.0.1:1', timeoutMs: 200 })

    expect(await errorOf(backend.publish([event()]))).toBeInstanceOf(ConnectionError)
    expect(await errorOf(watch(backend, 'shop'))).toBeInstanceOf(ConnectionError)
    expect(await errorOf(backend.deadLetters.list())).toBeInstanceOf(ConnectionError)
    expect((await backend.health()).status).toBe('unhealthy')
    const waiting = errorOf(openAndPublish())
    expect(await waiting).toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })

    async function openAndPublish() {
      const patient = openBackend({ servers: 'nats://127.0.0.1:1', timeoutMs: 60_000 })
      const publishing = patient.publish([event()])
      publishing.catch(() => {})
      await patient.close()
      await publishing
    }
  })

  it('goes on by itself when the server is back, and has lost nothing', async () => {
    const server = await openServer()
    const backend = openBackend({ servers: server.url, timeoutMs: 20_000 })
    const held = gate()
    const watcher = await watch(backend, 'shop', async ({ event: each }) => {
      if ((each.data as { n: string }).n === 'held') await held.opened
      return undefined
    })
    const first = event({ data: { n: 'held' } })
    await backend.publish([first])
    await until(() => watcher.deliveries.length === 1)
    await server.kill()
    await until(() => watcher.errors.length > 0)

    const events = eventsOf(20)
    const publishing = Promise.all(events.map((each) => backend.publish([each])))
    held.open()
    const startedMs = performance.now()
    await server.start()
    await publishing

    await until(() => handed(watcher).size === 21)
    const recoveryMs = performance.now() - startedMs
    await untilIdle(backend)
    recordFigure({
      backend: 'nats-jetstream',
      fault: 'F3',
      what: 'the server is killed while somebody handles, and publishers wait until it is back',
      did: 'one event was in hand, 20 were published meanwhile',
      ...tally([first, ...events], notedOf(watcher.deliveries)),
      recoveryMs,
    })
    expect((await backend.health()).reconnects).toBe(1)
    expect(await backend.deadLetters.list()).toEqual([])
  })

  it('keeps what has failed until the server can be told, and tries it again then', async () => {
    const server = await openServer()
    const backend = openBackend({ servers: server.url, timeoutMs: 200 })
    const fails = gate()
    const watcher = await watch(backend, 'shop', async ({ attempt }) => {
      if (attempt > 1) return undefined
      await fails.opened
      return { retry: { handlers: ['mail'], delayMs: 0, attempt: 2 } }
    })
    await backend.publish([event()])
    await until(() => watcher.deliveries.length === 1)
    await server.kill()
    await until(() => watcher.errors.length > 0)
    fails.open()
    const failed = watcher.errors.length
    await until(() => watcher.errors.length > failed)

    await server.start()

    await until(() => watcher.deliveries.some(({ attempt }) => attempt === 2))
    await untilIdle(backend)
    expect(watcher.deliveries.at(-1)).toMatchObject({ attempt: 2, handlers: ['mail'] })
  })

  it('connects anew when its connection was given up', async () => {
    const server = await openServer()
    const connectOptions = { reconnect: false }
    const backend = openBackend({ servers: server.url, connectOptions, timeoutMs: 20_000 })
    const watcher = await watch(backend, 'shop')
    await backend.publish([event()])
    await until(() => watcher.deliveries.length === 1)
    await server.kill()
    await until(() => watcher.errors.length > 0)
    const after = event()

    await server.start()
    await backend.publish([after])

    await until(() => handed(watcher).has(after.id))
    await untilIdle(backend)
  })

  it('says so when the connection that it was given is closed', async () => {
    const server = await openServer()
    const connection = await connect({ servers: server.url })
    const backend = openBackend({ connection, stream: newStream() })
    await watch(backend, 'shop')
    await connection.close()

    const error = await errorOf(backend.publish([event()]))

    expect(error).toBeInstanceOf(ConnectionError)
    expect(error.hint).toContain('maxReconnectAttempts')
    expect((await backend.health()).status).toBe('unhealthy')
  })

  it('is rejected in time by a server that says nothing, and closes', async () => {
    const server = await openServer()
    const connectOptions = { pingInterval: 200 }
    const backend = openBackend({ servers: server.url, timeoutMs: 300, connectOptions })
    const watcher = await watch(backend, 'shop')
    const [before, after] = [event(), event()]
    await backend.publish([before])
    server.pause()

    // It takes a moment until the signal has arrived.
    const failures: unknown[] = []
    await until(async () => {
      await backend.publish([event()]).catch((error) => failures.push(error))
      return failures.length > 0
    })
    expect(failures[0]).toBeInstanceOf(ConnectionError)
    await until(() => watcher.errors.length > 0)
    const resumedMs = performance.now()
    server.resume()
    await until(async () => (await backend.health()).status === 'healthy')
    await backend.publish([after])
    await until(() => handed(watcher).has(before.id) && handed(watcher).has(after.id))
    recordFigure({
      backend: 'nats-jetstream',
      fault: 'F7',
      what: 'the server is paused for longer than all timeouts (SIGSTOP), and goes on',
      did: 'a publish meanwhile was rejected with `ConnectionError`',
      ...tally(
        [before, after],
        notedOf(watcher.deliveries.filter(({ event: { id } }) => id === before.id || id === after.id)),
      ),
      recoveryMs: performance.now() - resumedMs,
    })

    server.pause()
    await backend.close()
    server.resume()
  })

  it('makes the consumer of a group again that somebody has deleted, and loses nothing', async () => {
    const server = await openServer()
    const stream = newStream()
    const backend = openBackend({ servers: server.url, stream })
    const watcher = await watch(backend, 'shop')
    const [before, after] = [event(), event()]
    await backend.publish([before])
    await until(() => watcher.deliveries.length === 1)

    await backend.removeGroup('shop')
    await backend.publish([after])

    await until(() => handed(watcher).has(after.id))
    await untilIdle(backend)
    expect(watcher.errors.map(({ message }) => message)).toContain(
      'The consumer of the group "shop" was deleted, and is made again.',
    )
  })

  it('goes on when all streams were deleted', async () => {
    const server = await openServer()
    const stream = newStream()
    const backend = openBackend({ servers: server.url, stream })
    const watcher = await watch(backend, 'shop')
    for (const each of eventsOf(5)) await backend.publish([each])
    await until(() => watcher.deliveries.length === 5)
    await untilIdle(backend)

    const deletedMs = performance.now()
    for (const each of [stream, `${stream}-notes`, `${stream}-dead`, `${stream}-batches`])
      await server.admin.request(`$JS.API.STREAM.DELETE.${each}`, '')
    const after = eventsOf(3)
    for (const each of after) await backend.publish([each])
    const together = eventsOf(3)
    await backend.publish(together)

    await until(() => [...after, ...together].every(({ id }) => handed(watcher).has(id)))
    const recoveryMs = performance.now() - deletedMs
    await untilIdle(backend)
    expect(watcher.deliveries).toHaveLength(11)
    recordFigure({
      backend: 'nats-jetstream',
      fault: 'F5',
      what: 'all streams are deleted while a consumer is at work',
      did: 'what was published afterwards is counted',
      ...tally([...after, ...together], notedOf(watcher.deliveries.slice(5))),
      recoveryMs,
    })
  })

  it('begins anew in a stream that was deleted, also where it has as many events again', async () => {
    const server = await openServer()
    const here = { servers: server.url, stream: newStream() }
    const backend = openBackend(here)
    const earlier = await watch(backend, 'shop')
    for (const each of eventsOf(5)) await backend.publish([each])
    await until(() => earlier.deliveries.length === 5)
    await untilIdle(backend)
    await earlier.consumption.stop(5000)
    // It knows how far the group has come.
    const ledger = join(openFolder(), 'handled')
    const consumer = openProcess('consume', { ...here, ledger, group: 'shop' })
    await consumer.said('ready')

    consumer.child.kill('SIGSTOP')
    for (const each of [here.stream, `${here.stream}-notes`])
      await server.admin.request(`$JS.API.STREAM.DELETE.${each}`, '')
    const after = eventsOf(8)
    for (const each of after) await backend.publish([each])
    consumer.child.kill('SIGCONT')

    await until(() => idsOf(readLedger<Noted>(ledger)).size === after.length)
    expect(idsOf(readLedger<Noted>(ledger))).toEqual(idsOf(after))
  })

  it('forgets a group that nobody serves, and what waits for it', async () => {
    const server = await openServer()
    const backend = openBackend({ servers: server.url })
    await foundGroup(backend, 'old')
    await backend.publish(eventsOf(3))
    expect(await backend.groups()).toMatchObject([{ name: 'old', queueDepth: 3, durable: 'group-old' }])

    expect(await backend.removeGroup('old')).toBe(true)

    expect(await backend.removeGroup('old')).toBe(false)
    expect(await backend.groups()).toEqual([])
  })

  it('keeps dead letters that nobody could get, and replays one only once', async () => {
    const server = await openServer()
    const backend = openBackend({ servers: server.url })
    const watcher = await watch(backend, 'shop')
    const letter = { event: event(), handler: 'mail', reason: 'no route', attempts: 3, time: 5 }
    await backend.deadLetters.add([
      { ...letter, id: 'gone', group: 'gone' },
      { ...letter, id: 'here', group: 'shop' },
    ])

    const counts = await Promise.all([
      backend.deadLetters.replay(['here', 'gone', 'no-such-letter']),
      backend.deadLetters.replay(['here']),
    ])

    expect(counts[0] + counts[1]).toBe(1)
    await until(() => watcher.deliveries.length > 0)
    await untilIdle(backend)
    expect(watcher.deliveries).toHaveLength(1)
    expect((await backend.deadLetters.list()).map(({ id }) => id)).toEqual(['gone'])
  })
})

describe.runIf(hasNatsServer)('a backend that closes', () => {
  it('gives back what it has in hand, at once and as often as it takes', async () => {
    const server = await openServer()
    // Nobody would find out in time that it is not in hand any more.
    const options = { servers: server.url, ackWaitMs: 600_000, maxCrashes: 2 }
    const only = event()
    const never = gate()
    for (let round = 1; round <= 4; round++) {
      const backend = openBackend(options)
      const { deliveries } = await watch(backend, 'shop', () => never.opened.then(() => undefined))
      if (round === 1) await backend.publish([only])
      await until(() => deliveries.length === 1)
      await backend.close()
      expect(deliveries).toMatchObject([{ event: only, attempt: round, isRedelivered: round > 1 }])
    }

    const last = openBackend(options)
    const { deliveries } = await watch(last, 'shop')

    await until(() => deliveries.length === 1)
    await untilIdle(last)
    expect(await last.deadLetters.list()).toEqual([])
    never.open()
  })

  it('leaves to others at once what came while it was stopping', async () => {
    const server = await openServer()
    const backend = openBackend({ servers: server.url, ackWaitMs: 600_000 })
    const events = eventsOf(100)
    const watchers = [await watch(backend, 'shop')]

    for (const each of events) {
      await backend.publish([each])
      if (Number(each.id.split('-').at(-1)) % 20 !== 0) continue
      const stopping = watchers.at(-1)?.consumption.stop(5000)
      watchers.push(await watch(backend, 'shop'))
      await stopping
    }

    const all = () => watchers.flatMap(({ deliveries }) => deliveries)
    await until(() => all().length >= events.length)
    await untilIdle(backend)
    expect(all().filter(({ attempt, isRedelivered }) => attempt > 1 || isRedelivered)).toEqual([])
    expect(
      all()
        .map((delivery) => delivery.event.id)
        .sort(),
    ).toEqual(events.map(({ id }) => id).sort())
  })
})
