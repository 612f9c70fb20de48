import { jetStream } from '@eventsets/nats-jetstream'
import { connect } from '@nats-io/transport-node'
import { ValidationError } from 'eventsets'
import { ConnectionError, PublishError } from 'eventsets/bus'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  errorOf,
  event,
  eventsOf,
  foundGroup,
  handed,
  newStream,
  openBackend,
  openServer,
  replayAll,
  until,
  untilIdle,
  watch,
} from './harness.ts'
import { hasNatsServer, type NatsServer, startNats } from './nats-server.ts'

describe('the options of jetStream', () => {
  it('are checked, all at once', () => {
    const wrong = { stream: 'a.b', ackWaitMs: 1, maxAge: 5, maxAgeMs: 2000, dedupWindowMs: 3000 }
    let error: unknown
    try {
      jetStream(wrong as never)
    } catch (thrown) {
      error = thrown
    }

    expect(error).toBeInstanceOf(ValidationError)
    expect((error as ValidationError).issues.map(({ path }) => path)).toEqual([
      'stream',
      'ackWaitMs',
      'maxAge',
      '',
      'dedupWindowMs',
    ])
  })

  it.each([
    { given: { url: 'nats://h:4222' }, advice: 'url: is not a known option; did you mean "servers"?' },
    { given: { leaseMs: 5000 }, advice: 'leaseMs: is not a known option; did you mean "ackWaitMs"?' },
    { given: { group: 'shop' }, advice: 'group: is an option of the bus' },
    { given: { block: 5 }, advice: 'block: is not needed' },
    { given: { blockMs: 5 }, advice: 'blockMs: is not needed' },
    { given: { servers: 'redis://h:6379' }, advice: 'servers: expected an address such as "nats://' },
    { given: { servers: ['nats://h', 'http://h'] }, advice: 'servers: expected an address such as "nats://' },
  ])('that are wrong come with what is meant: $given', ({ given, advice }) => {
    expect(() => jetStream(given as never)).toThrow(advice)
  })

  it.each(['nats://localhost:4222', 'tls://user:secret@h:4222', 'h', 'h:4222', '[::1]:4222'])(
    'may name a server as %s',
    (servers) => {
      expect(jetStream({ servers }).name).toMatch(/jetstream/i)
    },
  )

  it('need one way to the server, and no more', () => {
    expect(() => jetStream(undefined as never)).toThrow(ValidationError)
    expect(() => jetStream({})).toThrow('expected either "servers" or "connection"')
    expect(() => jetStream({ servers: 'nats://a', connection: {} as never })).toThrow(ValidationError)
  })
})

describe.runIf(hasNatsServer)('publishing with jetStream', () => {
  let server: NatsServer
  beforeAll(async () => {
    server = await startNats()
  })
  afterAll(() => server?.dispose())
  const options = () => ({ servers: server.url, stream: newStream() })

  it('has names that are wildcards to NATS, and hands them over as they are', async () => {
    const backend = openBackend(options())
    const names = ['a.>', '>', 'a.%3E.b', 'a>b.c', 'order.日本.🦜', '$JS.API.x', 'a/b\\c."d"']
    const events = names.map((name) => event({ name }))
    const { deliveries } = await watch(backend, 'shop')

    for (const each of events) await backend.publish([each])

    await until(() => deliveries.length === names.length)
    expect(deliveries.map((delivery) => delivery.event.name)).toEqual(names)
    for (const each of events) expect(await replayAll(backend, each.name)).toEqual([each])
  })

  it('takes any text for the names of groups and for ids', async () => {
    const backend = openBackend(options())
    const texts = ['', 'a b', 'a.b', '*', '>', 'ü\n"', '\ud800', 'x'.repeat(1000), `${'x'.repeat(999)}y`]
    const watchers = await Promise.all(texts.map((text) => watch(backend, text)))
    const events = texts.map((id) => event({ id }))

    for (const each of events) await backend.publish([each])
    await backend.publish(events)

    for (const watcher of watchers) await until(() => watcher.deliveries.length >= texts.length)
    await untilIdle(backend)
    for (const { deliveries } of watchers)
      expect(deliveries.map((delivery) => delivery.event.id)).toEqual(texts)
    const { groups } = await backend.health()
    expect(groups.map(({ name }) => name).sort()).toEqual([...texts].sort())
  })

  it('replays by the subjects that a pattern stands for', async () => {
    const backend = openBackend(options())
    const names = ['order', 'order.paid', 'order.paid.late', 'user.paid', 'user']
    for (const name of names) await backend.publish([event({ name })])
    const found = async (pattern: string) => (await replayAll(backend, pattern)).map(({ name }) => name)

    expect(await found('order.**')).toEqual(['order', 'order.paid', 'order.paid.late'])
    expect(await found('order.paid.**')).toEqual(['order.paid', 'order.paid.late'])
    expect(await found('*.paid')).toEqual(['order.paid', 'user.paid'])
    expect(await found('**.paid')).toEqual(['order.paid', 'user.paid'])
    expect(await found('*')).toEqual(names)
    expect(await found('**.late')).toEqual(['order.paid.late'])
    expect(await found('nobody.*')).toEqual([])
  })

  it('takes more at once than a message may hold', async () => {
    const backend = openBackend(options())
    const { deliveries } = await watch(backend, 'shop')
    const events = eventsOf(30, { data: 'x'.repeat(100_000) })

    await backend.publish(events)

    await until(() => deliveries.length === 30)
    expect((await replayAll(backend)).map(({ id }) => id)).toEqual(events.map(({ id }) => id))
  })

  it('refuses an event that the server cannot hold together with its dead letter', async () => {
    const own = await openServer({ more: 'max_payload: 200000' })
    const backend = openBackend({ servers: own.url })
    const fits = event({ data: 'x'.repeat(130_000) })
    const { deliveries } = await watch(backend, 'shop', ({ event: each }) => ({
      deadLetters: [
        {
          id: 'letter',
          event: each,
          group: 'shop',
          handler: 'mail',
          reason: '\u0001'.repeat(4096),
          attempts: 1,
          time: 1,
        },
      ],
    }))

    const error = await errorOf(backend.publish([event({ data: 'x'.repeat(150_000) })]))
    await backend.publish([fits])

    expect(error).toBeInstanceOf(PublishError)
    expect(error.code).toBe('EVENTSETS_DATA_TOO_LARGE')
    expect(error.hint).toContain('max_payload')
    await until(() => deliveries.length === 1)
    await untilIdle(backend)
    expect((await backend.deadLetters.get('letter'))?.event).toEqual(fits)
  })

  it('refuses what finds no room, all of it, and says how full it is', async () => {
    const backend = openBackend({ ...options(), maxBytes: 100_000 })
    const large = () => event({ data: 'x'.repeat(9_000) })
    let taken = 0
    const fill = async () => {
      for (;;) {
        await backend.publish([large()])
        taken++
      }
    }

    const error = await errorOf(fill())
    const together = await errorOf(backend.publish([large(), large()]))

    for (const each of [error, together]) {
      expect(each).toBeInstanceOf(PublishError)
      expect(each.code).toBe('EVENTSETS_PUBLISH')
      expect(each.message).toContain('maximum bytes exceeded')
    }
    expect(taken).toBe(10)
    expect(await replayAll(backend)).toHaveLength(taken)
    const { status, reasons } = await backend.health()
    expect(status).toBe('degraded')
    expect(reasons[0]).toMatch(/^\d+ of 100000 bytes are taken/)
  })

  it('refuses an event that would be deleted before it is due', async () => {
    const backend = openBackend({ ...options(), maxAgeMs: 60_000 })
    const now = event()

    const late = backend.publish([now, event({ deliverAt: Date.now() + 120_000 })])

    expect(await errorOf(late)).toMatchObject({ code: 'EVENTSETS_PUBLISH' })
    await backend.publish([event({ deliverAt: Date.now() + 30_000 })])
    expect(await replayAll(backend)).toHaveLength(1)
  })

  it('counts what waits for its time as waiting', async () => {
    const backend = openBackend(options())
    await watch(backend, 'shop')
    await backend.publish([event({ deliverAt: Date.now() + 60_000 })])

    await until(async () => (await backend.health()).inFlight === 0)

    expect(await backend.health()).toMatchObject({ status: 'healthy', queueDepth: 1, inFlight: 0, lagMs: 0 })
  })

  it('gives what was published before there was a group to the first one, and to others what comes then', async () => {
    const backend = openBackend(options())
    const [before, after] = [event(), event()]
    await backend.publish([before])
    expect(await backend.health()).toMatchObject({ queueDepth: 1 })
    const first = await watch(backend, 'first')
    const second = await watch(backend, 'second')

    await backend.publish([after])

    await until(() => first.deliveries.length === 2 && second.deliveries.length === 1)
    expect(first.deliveries.map((delivery) => delivery.event)).toEqual([before, after])
    expect(second.deliveries.map((delivery) => delivery.event)).toEqual([after])
  })

  it('begins a new group with the history when it is told to', async () => {
    const here = options()
    const backend = openBackend(here)
    await foundGroup(backend, 'first')
    const old = event()
    await backend.publish([old])

    const late = await watch(openBackend({ ...here, newGroups: 'beginning' }), 'late')

    await until(() => late.deliveries.length === 1)
    expect(handed(late)).toEqual(new Set([old.id]))
  })

  it('leaves a connection open that was given to it', async () => {
    const connection = await connect({ servers: server.url })
    onTestFinished(() => connection.close())
    const backend = openBackend({ connection, stream: newStream() })
    const { deliveries } = await watch(backend, 'shop')
    await backend.publish([event()])
    await until(() => deliveries.length === 1)

    await backend.close()

    expect(connection.isClosed()).toBe(false)
    await connection.flush()
  })

  it('does not touch a stream that is for something else', async () => {
    const here = options()
    await server.admin.request(
      `$JS.API.STREAM.CREATE.${here.stream}`,
      JSON.stringify({
        name: here.stream,
        subjects: ['something.else'],
        retention: 'workqueue',
        storage: 'file',
      }),
    )

    const error = await errorOf(openBackend(here).publish([event()]))

    expect(error).toBeInstanceOf(ConnectionError)
    expect(error.message).toContain('for something else')
    expect(error.hint).toContain('"stream"')
  })

  it('says so when the server has no JetStream', async () => {
    const own = await openServer({ jetStream: false })
    const backend = openBackend({ servers: own.url, timeoutMs: 500 })

    const error = await errorOf(backend.publish([event()]))

    expect(error).toBeInstanceOf(ConnectionError)
    expect(error.hint).toContain('nats-server -js')
    expect((await backend.health()).status).toBe('unhealthy')
  })

  it('says so when the user may not enter', async () => {
    const own = await openServer({
      jetStream: false,
      more: 'authorization { user: ada, password: lovelace }',
    })
    const connectOptions = { user: 'ada', pass: 'wrong' }
    const backend = openBackend({ servers: own.url, connectOptions, timeoutMs: 2000 })

    const error = await errorOf(backend.publish([event()]))

    expect(error).toBeInstanceOf(ConnectionError)
    expect(error.hint).toContain('password')
  })
})
