import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { notedOf, recordFigure, tally } from '../../../test/bus-backends/figures.ts'
import { killAndRestart } from '../../../test/bus-backends/recovery.ts'
import {
  ACK_WAIT_MS,
  event,
  eventsOf,
  foundGroup,
  handed,
  idsOf,
  type Noted,
  newStream,
  openBackend,
  openFolder,
  openProcess,
  openServer,
  readLedger,
  replayAll,
  until,
  untilIdle,
  watch,
} from './harness.ts'
import { hasNatsServer, type NatsServer, startNats } from './nats-server.ts'

describe.runIf(hasNatsServer)('with processes that die', () => {
  let server: NatsServer
  beforeAll(async () => {
    server = await startNats()
  })
  afterAll(() => server?.dispose())
  const options = () => ({ servers: server.url, stream: newStream() })

  it('has what a killed consumer held handled by another one, which is told that it may be a repetition', async () => {
    const here = options()
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const victim = openProcess('hold', { ...here, group: 'shop', concurrency: 5 })
    await victim.said('ready')
    const events = eventsOf(8)
    await backend.publish(events)
    await victim.said('holds 5')
    const heir = await watch(backend, 'shop')

    const killedMs = performance.now()
    await victim.kill()

    await until(() => handed(heir).size === 8)
    const recoveryMs = performance.now() - killedMs
    await untilIdle(backend)
    recordFigure({
      backend: 'nats-jetstream',
      fault: 'F1',
      what: `a consumer is killed with a batch in hand, \`ackWaitMs: ${ACK_WAIT_MS}\``,
      did: '5 of 8 events were in its hands',
      ...tally(events, notedOf(heir.deliveries)),
      recoveryMs,
    })
    for (const { attempt, isRedelivered } of heir.deliveries) expect(attempt).toBe(isRedelivered ? 2 : 1)
    expect(heir.deliveries.filter(({ isRedelivered }) => isRedelivered)).toHaveLength(5)
  })

  it('loses nothing while consumers fail, come and go, and are killed', async () => {
    const here = options()
    const folder = openFolder()
    const [published, done] = [join(folder, 'published'), join(folder, 'handled')]
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const start = () => openProcess('consume', { ...here, ledger: done, group: 'shop', failEvery: 50 })
    const publisher = openProcess('publish', { ...here, ledger: published, prefix: 'p' })
    const [first, second] = [start(), start()]
    await first.said('handled 100')

    await second.kill()
    const third = start()
    await third.said('handled 50')
    await first.kill()
    const fourth = start()
    await fourth.said('handled 50')
    await publisher.kill()

    await untilIdle(backend)
    const taken = readLedger<Noted>(published)
    const result = tally(taken, readLedger<Noted>(done))
    recordFigure({
      backend: 'nats-jetstream',
      fault: 'F16',
      what: 'consumers, without an order; 2 % of the first tries fail, two consumers are killed',
      did: `${result.acknowledged} events`,
      ...result,
    })
    expect(result.acknowledged).toBeGreaterThan(200)
    expect(result.lost).toBe(0)
    expect(await backend.deadLetters.list()).toEqual([])
  })

  it('gives up an event that kills whoever handles it, and nothing else', async () => {
    const here = options()
    const ledger = join(openFolder(), 'handled')
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const start = () => openProcess('consume', { ...here, ledger, group: 'shop', concurrency: 3, dieOn: [7] })
    const events = Array.from({ length: 20 }, (_, n) => event({ data: { n } }))
    await backend.publish(events)

    for (let life = 0; life < 3; life++) await start().ended()
    const last = start()

    await until(async () => (await backend.deadLetters.list()).length > 0)
    await untilIdle(backend)
    const [letter, ...more] = await backend.deadLetters.list()
    expect(more).toEqual([])
    expect(letter).toMatchObject({ event: { data: { n: 7 } }, group: 'shop', reason: 'crashed', attempts: 3 })
    expect(idsOf(readLedger<Noted>(ledger))).toEqual(
      idsOf(events.filter(({ data }) => (data as { n: number }).n !== 7)),
    )
    expect(last.hasSaid('error EVENTSETS_CRASHED')).toBe(true)
    recordFigure({
      backend: 'nats-jetstream',
      fault: 'F2',
      what: 'an event ends the process of whoever handles it',
      did: '1 of 20; it is a dead letter after 3 processes',
      ...tally(events, readLedger<Noted>(ledger), idsOf(letter ? [letter.event] : [])),
    })
  })

  it('does no harm when a process that was taken for dead goes on', async () => {
    const here = options()
    const ledger = join(openFolder(), 'handled')
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const blockMs = ACK_WAIT_MS * 3
    const frozen = openProcess('consume', {
      ...here,
      ledger,
      group: 'shop',
      concurrency: 2,
      blockOn: 1,
      blockMs,
    })
    await frozen.said('ready')
    const first = event({ data: { n: 1 } })
    await backend.publish([first])
    await frozen.said('blocks')
    const heir = await watch(backend, 'shop')

    await until(() => heir.deliveries.length === 1)
    await frozen.said('handled 1')
    const after = event({ data: { n: 2 } })
    await backend.publish([after])

    await until(() => handed(heir).has(after.id) || frozen.hasSaid(after.id))
    await untilIdle(backend)
    expect(heir.deliveries[0]).toMatchObject({ attempt: 2, isRedelivered: true })
    expect(await backend.deadLetters.list()).toEqual([])
    recordFigure({
      backend: 'nats-jetstream',
      fault: 'F8',
      what: 'a consumer blocks its event loop for three times `ackWaitMs`',
      did: 'another one had its event meanwhile; what the first one said later was not heard',
      ...tally([first, after], [...notedOf(heir.deliveries), ...readLedger<Noted>(ledger)]),
    })
  })

  it('does to its end what a process had decided and not yet done', async () => {
    const here = options()
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const victim = openProcess('hold', { ...here, group: 'shop', concurrency: 2 })
    await victim.said('ready')
    const [done, again] = eventsOf(2) as [ReturnType<typeof event>, ReturnType<typeof event>]
    await backend.publish([done, again])
    await victim.said('holds 2')
    const heir = await watch(backend, 'shop')
    const letter = { id: 'letter', group: 'shop', handler: 'mail', reason: 'no route', attempts: 3, time: 5 }
    const note = { deliveries: 1, attempt: 4, crashes: 0, isRedelivered: false }
    const notes = [
      { ...note, eventId: done.id, letters: [letter], isDone: true },
      { ...note, eventId: again.id, letters: [{ ...letter, id: 'other' }], handlers: ['stock'] },
    ]
    for (const [index, each] of notes.entries())
      await server.admin.request(`${here.stream}-notes.shop.${index + 1}`, JSON.stringify(each))

    await victim.kill()

    await until(() => heir.deliveries.length > 0)
    await untilIdle(backend)
    expect(heir.deliveries).toEqual([{ event: again, attempt: 4, isRedelivered: false, handlers: ['stock'] }])
    expect(await backend.deadLetters.list()).toEqual([
      { ...letter, event: done },
      { ...letter, id: 'other', event: again },
    ])
  })

  it('hands over all events of a transaction or none, wherever its process is killed', async () => {
    const here = { ...options(), ackWaitMs: 500 }
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const count = 300
    for (let life = 0; life < 4; life++) {
      const publisher = openProcess('publishTogether', { ...here, prefix: `life-${life}`, count })
      await publisher.said('published 2')
      await publisher.kill()
    }
    const heir = await watch(backend, 'shop')

    const sizes = () => {
      const perBatch = new Map<string, number>()
      for (const id of handed(heir)) {
        const batch = id.replace(/-\d+$/, '')
        perBatch.set(batch, (perBatch.get(batch) ?? 0) + 1)
      }
      return [...perBatch.values()]
    }
    await until(async () => (await streamState(server, `${here.stream}-batches`)).messages === 0)
    await untilIdle(backend)
    expect(sizes().length).toBeGreaterThanOrEqual(8)
    expect(sizes().filter((size) => size !== count)).toEqual([])
    recordFigure({
      backend: 'nats-jetstream',
      fault: 'F21',
      what: `a publisher is killed in the middle of a transaction of ${count} events`,
      did: '4 times; each transaction was there as a whole, or not at all',
      acknowledged: handed(heir).size,
      lost: 0,
      repeated: heir.deliveries.length - handed(heir).size,
    })
    expect(heir.deliveries).toHaveLength(handed(heir).size)
  })

  it('hands over what a process had published together and did not come to put into the log', async () => {
    const here = options()
    const backend = openBackend(here)
    const heir = await watch(backend, 'shop')
    const events = eventsOf(5)
    const lines = events.map((each) => JSON.stringify(each))
    const part = await server.admin.request(`${here.stream}-batches.part.x.0`, lines.slice(0, 3).join('\n'))
    const { seq } = part.json<{ seq: number }>()
    await server.admin.request(`${here.stream}-batches.part.forgotten.0`, JSON.stringify(event()))
    await server.admin.request(`${here.stream}-batches.whole.x`, `[${seq}]\n${lines.slice(3).join('\n')}`)

    await until(() => heir.deliveries.length === 5)

    await untilIdle(backend)
    expect(heir.deliveries.map((delivery) => delivery.event)).toEqual(events)
    expect(await replayAll(backend)).toEqual(events)
  })

  it('loses no event that it had taken when the server is killed while publishing', async () => {
    const own = await openServer()
    const here = { servers: own.url, stream: newStream(), timeoutMs: 20_000 }
    const folder = openFolder()
    const [published, done] = [join(folder, 'published'), join(folder, 'handled')]
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const consumer = openProcess('consume', { ...here, ledger: done, group: 'shop' })
    const publisher = openProcess('publish', { ...here, ledger: published, prefix: 'p' })
    await consumer.said('handled 100')

    const recoveriesMs: number[] = []
    for (const next of ['published 400', 'published 800']) {
      recoveriesMs.push(await killAndRestart(own, done))
      await publisher.said(next)
    }
    await publisher.kill()

    await untilIdle(backend)
    const result = tally(readLedger<Noted>(published), readLedger<Noted>(done))
    recordFigure({
      backend: 'nats-jetstream',
      fault: 'F3',
      what: 'the server is killed while somebody publishes and somebody consumes',
      did: 'twice, and started again on its files',
      ...result,
      recoveryMs: Math.max(...recoveriesMs),
    })
    expect(result.acknowledged).toBeGreaterThanOrEqual(800)
    expect(result.lost).toBe(0)
    expect(idsOf(await replayAll(backend)).size).toBe((await replayAll(backend)).length)
  })
})

async function streamState(server: NatsServer, stream: string): Promise<{ readonly messages: number }> {
  const answer = await server.admin.request(`$JS.API.STREAM.INFO.${stream}`, '')
  return answer.json<{ state: { messages: number } }>().state
}
