import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { notedOf, recordFigure, tally } from '../../../test/bus-backends/figures.ts'
import {
  event,
  expectInOrder,
  foundGroup,
  gate,
  idsOf,
  LEASE_MS,
  type Noted,
  newStream,
  openBackend,
  openBus,
  openFolder,
  openProcess,
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

describe.runIf(hasRedisServer)('a consumer that is killed', () => {
  it('has what it held handled by another one, which is told that it may be a repetition', async () => {
    const here = options()
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const victim = openProcess('hold', { ...here, group: 'shop', concurrency: 5 })
    await victim.said('ready')
    const events = Array.from({ length: 8 }, (_, n) => event(n < 4 ? {} : { key: `key-${n}` }))
    await backend.publish(events)
    await victim.said('holds 5')
    const heir = await watch(backend, 'shop')

    const killedMs = performance.now()
    await victim.kill()

    await until(() => idsOf(heir.deliveries.map((delivery) => delivery.event)).size === 8)
    const recoveryMs = performance.now() - killedMs
    await untilIdle(backend)
    recordFigure({
      backend: 'redis-streams',
      fault: 'F1',
      what: `a consumer is killed with a batch in hand, \`leaseMs: ${LEASE_MS}\``,
      did: '5 of 8 events were in its hands',
      ...tally(events, notedOf(heir.deliveries)),
      recoveryMs,
    })
    for (const { attempt, isRedelivered } of heir.deliveries) expect(attempt).toBe(isRedelivered ? 2 : 1)
    const again = heir.deliveries.filter(({ isRedelivered }) => isRedelivered)
    expect(again.length).toBeGreaterThanOrEqual(5)
    expect((await backend.health()).claims).toBeGreaterThanOrEqual(5)
  })

  it('loses nothing and no order of 100 keys, while four consumers fail now and then, come and go', async () => {
    const here = { ...options(), partitions: 8 }
    const folder = openFolder()
    const [published, handled] = [join(folder, 'published'), join(folder, 'handled')]
    const { bus, backend } = openBus(here, { group: 'shop' })
    await foundGroup(backend, 'shop')
    const start = () => openProcess('consume', { ...here, ledger: handled, group: 'shop', failEvery: 50 })
    const publisher = openProcess('publish', { ...here, ledger: published, prefix: 'p', keys: 100 })
    const [first, second, third, fourth] = [start(), start(), start(), start()]
    await Promise.all([first, second, third, fourth].map((consumer) => consumer.said('handled 20')))

    await second.kill()
    const fifth = start()
    await fifth.said('handled 50')
    await first.kill()
    const sixth = start()
    await sixth.said('handled 50')
    await publisher.kill()

    await untilIdle(backend)
    const seen = readLedger<Noted>(handled)
    const result = tally(readLedger<Noted>(published), seen)
    recordFigure({
      backend: 'redis-streams',
      fault: 'F16',
      what: 'four consumers and 100 keys, 2 % of the first tries fail, two consumers are killed',
      did: `${result.acknowledged} events`,
      ...result,
    })
    expect(result.acknowledged).toBeGreaterThan(200)
    expect(result).toMatchObject({ lost: 0, outOfOrder: 0 })
    expectInOrder(seen)
    expect(await bus.deadLetters.list()).toEqual([])
  })

  it('does not take others with it when an event kills whoever handles it: that one becomes a dead letter', async () => {
    const here = { ...options(), leaseMs: 300 }
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const handled = join(openFolder(), 'handled')
    const events = Array.from({ length: 20 }, (_, n) =>
      event({ data: { n }, ...(n % 2 ? { key: `k${n}` } : {}) }),
    )
    await backend.publish(events)
    const deadly = [6, 7]
    const run = async (): Promise<number> => {
      const consumer = openProcess('consume', { ...here, ledger: handled, group: 'shop', dieOn: deadly })
      const survived = until(async () => (await backend.deadLetters.list()).length === 2)
      const hasDied = await Promise.race([consumer.ended().then(() => true), survived.then(() => false)])
      return hasDied ? 1 + (await run()) : 0
    }

    const deaths = await run()

    await untilIdle(backend)
    expect(deaths).toBeGreaterThanOrEqual(3)
    expect(deaths).toBeLessThanOrEqual(6)
    const letters = await backend.deadLetters.list()
    expect(letters.map((letter) => (letter.event.data as { n: number }).n).sort()).toEqual(deadly)
    for (const letter of letters) expect(letter).toMatchObject({ reason: 'crashed', group: 'shop' })
    const seen = readLedger<Noted>(handled)
    expect(new Set(seen.map(({ n }) => n)).size).toBe(18)
    recordFigure({
      backend: 'redis-streams',
      fault: 'F2',
      what: 'events end the process of whoever handles them',
      did: `2 of 20; they are dead letters after ${deaths} processes`,
      ...tally(events, seen, idsOf(letters.map((letter) => letter.event))),
    })
  })
})

describe.runIf(hasRedisServer)('a consumer that does not answer for longer than its lease', () => {
  it.each([
    ['an event with a key', 'k'],
    ['an event without a key', undefined],
  ])('has %s handled by another one, and what it says of it later counts no more', async (what, key) => {
    const here = options()
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const ledger = join(openFolder(), 'handled')
    const frozen = openProcess('consume', {
      ...here,
      ledger,
      group: 'shop',
      blockOn: 1,
      blockMs: LEASE_MS * 3,
    })
    await frozen.said('ready')
    const first = event({ data: { n: 1 }, key })
    await backend.publish([first])
    await frozen.said('blocks')

    const heir = await watch(backend, 'shop')
    await until(() => heir.deliveries.length === 1)
    await frozen.said('handled 1')
    const next = event({ data: { n: 2 }, key })
    await backend.publish([next])
    await untilIdle(backend)

    const ids = [...heir.deliveries.map((delivery) => delivery.event), ...readLedger<Noted>(ledger)].map(
      ({ id }) => id,
    )
    expect(ids.filter((id) => id === next.id)).toHaveLength(1)
    expect(heir.deliveries[0]).toMatchObject({ attempt: 2, isRedelivered: true })
    expect(await backend.deadLetters.list()).toEqual([])
    const done = readLedger<Noted>(ledger)
    recordFigure({
      backend: 'redis-streams',
      fault: 'F8',
      what: `a consumer blocks its event loop for three leases with ${what} in hand`,
      did: 'another one had it meanwhile; what the first one said later was not heard',
      ...tally([first, next], [...notedOf(heir.deliveries), ...done]),
    })
  })

  it('has its events handled by another one while it is stopped, and goes on as a new one', async () => {
    const here = { ...options(), leaseMs: 300 }
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const ledger = join(openFolder(), 'handled')
    const frozen = openProcess('hold', { ...here, group: 'shop', concurrency: 4 })
    await frozen.said('ready')
    const events = Array.from({ length: 4 }, (_, n) => event({ data: { n }, ...(n % 2 ? { key: 'k' } : {}) }))
    await backend.publish(events)
    await frozen.said('holds 3')

    const stoppedMs = performance.now()
    frozen.child.kill('SIGSTOP')
    const heir = openProcess('consume', { ...here, ledger, group: 'shop' })
    await until(() => idsOf(readLedger<Noted>(ledger)).size === 4)
    const recoveryMs = performance.now() - stoppedMs
    frozen.child.kill('SIGCONT')
    // It says that it has ended with what is not its own any more.
    frozen.tell({ outcome: { deadLetters: [] } })
    await untilIdle(backend)

    const result = tally(events, readLedger<Noted>(ledger))
    recordFigure({
      backend: 'redis-streams',
      fault: 'F8',
      what: `a consumer is stopped (SIGSTOP) until others have its events, \`leaseMs: ${here.leaseMs}\``,
      did: '3 of 4 events were in its hands; what it said later was not heard',
      ...result,
      recoveryMs,
    })
    expect(result).toMatchObject({ lost: 0, repeated: 0, outOfOrder: 0 })
    expect(heir.hasSaid('error EVENTSETS_CONNECTION')).toBe(false)
    expect(await backend.deadLetters.list()).toEqual([])
  })

  it('keeps what it has in hand as long as it only takes long', async () => {
    const here = options()
    const backend = openBackend(here)
    const end = gate()
    const slow = await watch(backend, 'shop', () => end.opened.then(() => undefined))
    const others = await watch(backend, 'shop', () => undefined)
    await backend.publish([event({ key: 'k' })])
    await until(() => slow.deliveries.length + others.deliveries.length === 1)
    const holder = slow.deliveries.length === 1 ? slow : undefined
    const started = performance.now()

    await until(() => performance.now() - started > LEASE_MS * 2)
    end.open()
    await untilIdle(backend)

    expect(slow.deliveries.length + others.deliveries.length).toBe(1)
    expect(holder?.errors ?? []).toEqual([])
  })
})

describe.runIf(hasRedisServer)('consumers that come and go', () => {
  it('share the partitions, and leave nothing of themselves behind', async () => {
    const here = { ...options(), partitions: 8 }
    const backend = openBackend(here)
    const others = [1, 2, 3].map(() => openBackend(here))
    const first = await watch(backend, 'shop')
    const more = await Promise.all(others.map((other) => watch(other, 'shop')))
    const owners = async () => Object.values(await server.admin.hgetall(`{${here.stream}}:group:shop:leases`))
    await until(async () => new Set(await owners()).size === 4)
    const counts = new Map<string, number>()
    for (const owner of await owners()) counts.set(owner, (counts.get(owner) ?? 0) + 1)
    expect([...counts.values()]).toEqual([2, 2, 2, 2])

    await Promise.all(more.map(({ consumption }) => consumption.stop(5000)))
    await backend.publish(Array.from({ length: 50 }, (_, n) => event({ key: `key-${n % 20}` })))

    await until(() => [first, ...more].reduce((sum, { deliveries }) => sum + deliveries.length, 0) === 50)
    await untilIdle(backend)
    const names = new Set<string>()
    for (const queue of ['normal', 'high', ...Array.from({ length: 8 }, (_, n) => `k${n}`)]) {
      const rows = (await server.admin.xinfo(
        'CONSUMERS',
        `{${here.stream}}:log:${queue}`,
        'shop',
      )) as string[][]
      for (const [, name] of rows) names.add(name as string)
    }
    names.delete('~')
    expect(names.size).toBeLessThanOrEqual(1)
  })

  it('may have the same name', async () => {
    const here = { ...options(), consumer: 'one-and-the-same' }
    const [one, two] = [openBackend(here), openBackend(here)]
    const watchers = [await watch(one, 'shop'), await watch(two, 'shop')]
    await one.publish(Array.from({ length: 100 }, () => event()))

    await until(() => watchers.reduce((sum, { deliveries }) => sum + deliveries.length, 0) >= 100)
    await untilIdle(one)

    expect(watchers.flatMap(({ deliveries }) => deliveries)).toHaveLength(100)
  })
})
