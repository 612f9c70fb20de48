import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  event,
  foundGroup,
  gate,
  type Noted,
  newStream,
  openBackend,
  openFolder,
  openProcess,
  openProxy,
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
const ofOneKey = (count: number) =>
  Array.from({ length: count }, (_, n) => event({ key: 'one', data: { n } }))
const numberOf = ({ data }: { data?: unknown }) => (data as { n: number }).n

describe.runIf(hasRedisServer)('events of one key', () => {
  it('are handled one after another without asking the server between them', async () => {
    const backend = openBackend(options())
    await foundGroup(backend, 'shop')
    await backend.publish(ofOneKey(2000))
    const before = await countCalls()

    const { deliveries } = await watch(backend, 'shop')
    await untilIdle(backend)

    expect(deliveries.map((delivery) => numberOf(delivery.event))).toEqual(
      Array.from({ length: 2000 }, (_, n) => n),
    )
    expect((await countCalls()) - before).toBeLessThan(1000)
  })

  it('are known as repetitions when they had been handled, and nobody had been told', async () => {
    const here = options()
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const ledger = join(openFolder(), 'handled')
    await backend.publish(ofOneKey(60))
    const victim = openProcess('consume', { ...here, ledger, group: 'shop', dieOn: [40] })
    await victim.ended()

    const heir = await watch(backend, 'shop')
    await untilIdle(backend)

    const handled = new Set(readLedger<Noted>(ledger).map(({ n }) => n))
    expect(handled.size).toBe(40)
    const numbers = heir.deliveries.map((delivery) => numberOf(delivery.event))
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    expect(numbers).toEqual(expect.arrayContaining(Array.from({ length: 20 }, (_, n) => 40 + n)))
    for (const { event, isRedelivered } of heir.deliveries)
      if (numberOf(event) <= 40) expect(isRedelivered).toBe(true)
  })

  it('are known as repetitions by whoever has them later, though the next one did not come to them', async () => {
    const here = { ...options(), partitions: 1 }
    const proxy = await openProxy(server)
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    await backend.publish(ofOneKey(60))
    const begin = gate()
    const cutOff = openBackend({ ...here, url: proxy.url, socketTimeoutMs: 60_000 })
    const victim = await watch(cutOff, 'shop', () => begin.opened.then(() => undefined))
    await until(() => victim.deliveries.length === 1)
    proxy.swallow(true)
    begin.open()
    await until(() => victim.deliveries.length > 30)
    const between = openBackend(here)
    const held = gate()
    const stuck = await watch(between, 'shop', () => held.opened.then(() => undefined), { concurrency: 1 })
    await until(() => stuck.deliveries.length === 1)
    const closing = between.close()
    held.open()
    await closing

    const heir = await watch(backend, 'shop')
    await untilIdle(backend)

    expect(heir.deliveries.length).toBeGreaterThanOrEqual(59)
    for (const { event, isRedelivered } of heir.deliveries)
      if (numberOf(event) < 30) expect(isRedelivered).toBe(true)
  })

  it('are not blamed for the one among them that kills whoever handles it', async () => {
    const here = { ...options(), maxCrashes: 2 }
    const backend = openBackend(here)
    await foundGroup(backend, 'shop')
    const ledger = join(openFolder(), 'handled')
    await backend.publish(ofOneKey(30))
    const run = async (): Promise<number> => {
      const consumer = openProcess('consume', { ...here, ledger, group: 'shop', dieOn: [20] })
      const survived = until(async () => (await backend.deadLetters.list()).length === 1)
      const hasDied = await Promise.race([consumer.ended().then(() => true), survived.then(() => false)])
      return hasDied ? 1 + (await run()) : 0
    }

    const deaths = await run()

    await untilIdle(backend)
    // The first time, the first that nobody had been told of is suspected.
    expect(deaths).toBeGreaterThanOrEqual(2)
    expect(deaths).toBeLessThanOrEqual(3)
    const letters = await backend.deadLetters.list()
    expect(letters.map((letter) => [numberOf(letter.event), letter.reason])).toEqual([[20, 'crashed']])
    expect(new Set(readLedger<Noted>(ledger).map(({ n }) => n)).size).toBe(29)
  })
})

describe.runIf(hasRedisServer)('events without a key', () => {
  it('are not kept from others by a consumer whose hands are full', async () => {
    const here = options()
    const backend = openBackend(here)
    const end = gate()
    const slow = await watch(backend, 'shop', () => end.opened.then(() => undefined), { concurrency: 5 })
    await backend.publish(Array.from({ length: 5 }, () => event()))
    await until(() => slow.deliveries.length === 5)
    const quick = await watch(openBackend(here), 'shop')

    await backend.publish(Array.from({ length: 300 }, () => event()))

    await until(() => quick.deliveries.length === 300)
    end.open()
    await untilIdle(backend)
    expect(slow.deliveries).toHaveLength(5)
  })

  it('are handed out several at a call, and read while others are handled', async () => {
    const backend = openBackend(options())
    await foundGroup(backend, 'shop')
    await backend.publish(Array.from({ length: 2000 }, () => event()))
    const before = await countCalls()

    const { deliveries } = await watch(backend, 'shop', () => undefined, { concurrency: 10 })
    await untilIdle(backend)

    expect(deliveries).toHaveLength(2000)
    expect((await countCalls()) - before).toBeLessThan(200)
  })
})

/** How many scripts the server has run. */
async function countCalls(): Promise<number> {
  const calls = /cmdstat_evalsha:calls=(\d+)/.exec(await server.admin.info('commandstats'))?.[1]
  return Number(calls ?? 0)
}
