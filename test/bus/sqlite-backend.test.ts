import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type Consumer,
  type Delivery,
  EventBus,
  type HandlerContext,
  type Outcome,
  type SqliteBackend,
  type SqliteDriver,
  type StoredEvent,
  sqliteBackend,
} from '../../src/bus/index.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { gate, makeFile, makeFolder, openBackend, openBus, until } from './sqlite-files.ts'

function event(id: string, more: Partial<StoredEvent> = {}): StoredEvent {
  return {
    id,
    name: 'order.placed',
    data: { id },
    source: 'test',
    time: 1_700_000_000_000,
    correlationId: id,
    priority: 50,
    ...more,
  }
}

function eventsOf(count: number, more: Partial<StoredEvent> = {}): StoredEvent[] {
  return Array.from({ length: count }, (_, n) => event(`e${n}`, more))
}

async function consume(
  backend: SqliteBackend,
  deliver: (delivery: Delivery) => Promise<Outcome> = async () => ({ deadLetters: [] }),
  options: Partial<Consumer> = {},
) {
  const deliveries: Delivery[] = []
  const errors: Error[] = []
  const consumption = await backend.consume({
    group: 'shop',
    concurrency: 10,
    patterns: () => ['*'],
    async deliver(delivery) {
      deliveries.push(delivery)
      return await deliver(delivery)
    },
    onError: (error) => errors.push(error),
    ...options,
  })
  return { consumption, deliveries, errors, ids: () => deliveries.map((each) => each.event.id) }
}

async function idle(backend: SqliteBackend): Promise<void> {
  await until(async () => {
    const { queueDepth, inFlight } = await backend.health()
    return queueDepth + inFlight === 0
  })
}

async function replayed(backend: SqliteBackend): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of backend.replay?.({}) ?? []) ids.push(id)
  return ids
}

describe('sqliteBackend', () => {
  it('tells everything that is wrong with its options at once', () => {
    const options = {
      database: 'a\0.db',
      synchronous: 'off',
      leaseMs: 0,
      maxCrashes: 0,
      tablePrefix: 'a-b',
      leasMs: 1,
    }

    expect(() => sqliteBackend(options as never)).toThrow(
      expect.objectContaining({
        code: 'EVENTSETS_INVALID_OPTIONS',
        issues: [
          expect.objectContaining({ path: 'database' }),
          expect.objectContaining({ path: 'synchronous' }),
          expect.objectContaining({ path: 'leaseMs' }),
          expect.objectContaining({ path: 'maxCrashes' }),
          expect.objectContaining({ path: 'tablePrefix' }),
          expect.objectContaining({ path: 'leasMs', message: expect.stringContaining('"leaseMs"') }),
        ],
      }),
    )
  })

  it('tells what was given for its options, and which one is meant by another name', () => {
    const open = () => sqliteBackend({ filename: 'shop.db', pollMs: 0, tablePrefix: 'a b' } as never)

    expect(open).toThrow(/filename: is not a known key; did you mean "database"\?/)
    expect(open).toThrow(/pollMs: expected milliseconds, more than 0, got 0/)
    expect(open).toThrow(/tablePrefix: expected letters, .*, got "a b"/)
  })

  it('names the file that cannot be opened', () => {
    const path = join(makeFolder(), 'missing', 'bus.db')

    expect(() => sqliteBackend({ database: path, driver: Database })).toThrow(
      expect.objectContaining({ code: 'EVENTSETS_CONNECTION', message: expect.stringContaining(path) }),
    )
  })

  it('says what to install where Node has no SQLite and no driver is given', () => {
    const { getBuiltinModule } = process
    process.getBuiltinModule = (() => undefined) as never
    onTestFinished(() => {
      process.getBuiltinModule = getBuiltinModule
    })

    expect(() => sqliteBackend({ database: makeFile() })).toThrow(
      expect.objectContaining({
        code: 'EVENTSETS_CONNECTION',
        hint: expect.stringContaining('better-sqlite3'),
      }),
    )
  })

  it('rejects what is asked of a file that is no database, and is unhealthy', async () => {
    const file = makeFile()
    writeFileSync(file, 'This is not a database. '.repeat(100))
    const backend = openBackend(file)

    await expect(backend.publish([event('a')])).rejects.toMatchObject({
      name: 'ConnectionError',
      code: 'EVENTSETS_CONNECTION',
      hint: expect.stringContaining('another kind'),
    })
    expect(await backend.health()).toMatchObject({
      status: 'unhealthy',
      reasons: [expect.stringContaining('not a database')],
    })
  })

  it('refuses a handle that is closed', () => {
    const handle = new Database(makeFile())
    handle.close()

    expect(() => sqliteBackend({ database: handle })).toThrow(
      expect.objectContaining({ code: 'EVENTSETS_CONNECTION' }),
    )
  })

  it('does not touch the tables of a later version', async () => {
    const handle = new Database(makeFile())
    const first = sqliteBackend({ database: handle })
    await first.publish([event('a')])
    await first.close()
    handle.exec(`UPDATE eventsets_meta SET value = 99 WHERE key = 'version'`)

    await expect(openBackend(handle).publish([event('b')])).rejects.toMatchObject({
      code: 'EVENTSETS_CONNECTION',
      message: expect.stringContaining('99'),
    })
    expect(handle.prepare('SELECT count(*) AS count FROM eventsets_events').get([])).toMatchObject({
      count: 1,
    })
  })

  it('writes ahead and waits for the disk, unless it is told not to', async () => {
    const full = new Database(makeFile())
    const normal = new Database(makeFile())
    await openBackend(full).publish([event('a')])
    await openBackend(normal, { synchronous: 'normal' }).publish([event('a')])

    expect(full.pragma('journal_mode')).toMatchObject([{ journal_mode: 'wal' }])
    expect(full.pragma('synchronous')).toMatchObject([{ synchronous: 2 }])
    expect(normal.pragma('synchronous')).toMatchObject([{ synchronous: 1 }])
  })

  it('leaves a handle open that it was given, with the settings of its owner', async () => {
    const handle = new Database(makeFile())
    handle.pragma('busy_timeout = 1234')
    const backend = sqliteBackend({ database: handle })
    await backend.publish([event('a')])
    await backend.close()

    expect(handle.pragma('busy_timeout')).toMatchObject([{ timeout: 1234 }])
    expect(handle.prepare('SELECT count(*) AS count FROM eventsets_events').get([])).toMatchObject({
      count: 1,
    })
  })

  it('keeps several buses apart in one file by their prefixes', async () => {
    const file = makeFile()
    const [one, two] = [
      openBackend(file, { tablePrefix: 'one_' }),
      openBackend(file, { tablePrefix: 'two_' }),
    ]
    await one.publish([event('a')])
    await two.publish([event('b')])

    expect(await replayed(one)).toEqual(['a'])
    expect(await replayed(two)).toEqual(['b'])
  })

  it('says that a database in memory is not durable', () => {
    expect(openBackend(':memory:').features).toMatchObject({ durable: false, takeover: false })
    expect(openBackend().features).toMatchObject({ durable: true, takeover: true })
  })

  it('can be waited for by a program that ends by itself when it has closed', async () => {
    const backend = openBackend()
    const { consumption } = await consume(backend)
    await consumption.stop(1000)
    await backend.close()

    await expect(backend.publish([event('a')])).rejects.toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
    await expect(consume(backend)).rejects.toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
    expect(await backend.health()).toMatchObject({ status: 'unhealthy', reasons: ['The backend is closed.'] })
  })

  const sqlite = process.getBuiltinModule?.('node:sqlite') as
    | { readonly DatabaseSync: SqliteDriver }
    | undefined
  it.skipIf(!sqlite)('uses the SQLite of Node where there is one, by a path and as a handle', async () => {
    for (const database of [
      makeFile(),
      new (sqlite as { DatabaseSync: SqliteDriver }).DatabaseSync(makeFile()),
    ]) {
      const backend = sqliteBackend({ database })
      onTestFinished(() => backend.close())
      const { deliveries } = await consume(backend)
      await backend.publish(eventsOf(30, { key: 'k' }))
      await idle(backend)

      expect(deliveries).toHaveLength(30)
      expect(await replayed(backend)).toHaveLength(30)
    }
  })
})

describe('publishing', () => {
  it('stores what is published in one turn in one transaction', async () => {
    let commits = 0
    class Counting extends Database {
      override exec(sql: string): this {
        if (sql === 'COMMIT') commits++
        return super.exec(sql)
      }
    }
    const backend = openBackend(makeFile(), { driver: Counting })
    await backend.publish([event('first')])
    commits = 0

    await Promise.all(eventsOf(100).map((each) => backend.publish([each])))

    expect(commits).toBe(1)
    expect(await replayed(backend)).toHaveLength(101)
  })

  it('takes an event once that is published again with its id, by whomever and whenever', async () => {
    const file = makeFile()
    const [one, two] = [openBackend(file), openBackend(file)]
    await one.publish([event('a'), event('a')])
    await Promise.all([one.publish([event('a')]), two.publish([event('a'), event('b')])])
    await one.close()
    const later = openBackend(file)
    await later.publish([event('b'), event('c')])

    expect(await replayed(later)).toEqual(['a', 'b', 'c'])
  })

  it('tells ids and keys apart whatever characters they have', async () => {
    const backend = openBackend()
    const ids = ['a', 'a\0', 'a\0b', 'a\ud800', 'a\ud801', '\ud83e\udd9c', "a'; --", 'A']
    const { deliveries } = await consume(backend)
    for (const id of ids) {
      await backend.publish([event(id, { key: id })])
      await backend.publish([event(id, { key: id })])
    }
    await idle(backend)

    expect(deliveries.map((each) => each.event.id).sort()).toEqual([...ids].sort())
    expect(deliveries.map((each) => each.event.key).sort()).toEqual([...ids].sort())
  })

  it('takes as many events at once as there are, all or none', async () => {
    const backend = openBackend()
    const cyclic: { self?: unknown } = {}
    cyclic.self = cyclic
    const bad = event('bad', { data: cyclic })

    await backend.publish(eventsOf(5000))
    await expect(backend.publish([event('good'), bad])).rejects.toMatchObject({
      code: 'EVENTSETS_SERIALIZATION',
    })

    expect(await replayed(backend)).toHaveLength(5000)
  })

  it('takes an event of 20 MB, and hands out no more of them at once than memory is for', async () => {
    const backend = openBackend()
    const data = 'x'.repeat(20_000_000)
    for (let n = 0; n < 5; n++) await backend.publish([event(`large-${n}`, { data })])
    await backend.publish([event('small')])
    const end = gate()
    const { deliveries } = await consume(backend, async () => {
      await end.opened
      return { deadLetters: [] }
    })
    await until(async () => (await backend.health()).inFlight > 0)
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))

    const inHand = deliveries.length
    end.open()
    await idle(backend)
    expect(inHand).toBeLessThanOrEqual(4)
    expect(deliveries).toHaveLength(6)
    expect(deliveries.every(({ event: { id, data: got } }) => id === 'small' || got === data)).toBe(true)
  })

  it('refuses more than "maxQueueDepth" for a group, and lets handlers publish what follows', async () => {
    const backend = openBackend(makeFile(), { maxQueueDepth: 10 })
    const end = gate()
    await consume(
      backend,
      async () => {
        await end.opened
        return { deadLetters: [] }
      },
      { concurrency: 1 },
    )
    await backend.publish([event('in hand')])
    await until(async () => (await backend.health()).inFlight === 1)
    await backend.publish(eventsOf(10))

    await expect(backend.publish([event('more')])).rejects.toMatchObject({
      name: 'PublishError',
      code: 'EVENTSETS_PUBLISH',
      message: expect.stringContaining('"shop"'),
    })
    expect(await backend.health()).toMatchObject({ status: 'degraded', queueDepth: 10 })
    await backend.publish([event('follow-up', { depth: 1 })])
    end.open()
    await idle(backend)
    await backend.publish([event('again')])
    expect(await replayed(backend)).toHaveLength(13)
  })
})

describe('a group', () => {
  it('that is the first gets what was published before, and a later one what comes from now on', async () => {
    const backend = openBackend()
    await backend.publish([event('before')])
    const first = await consume(backend, undefined, { group: 'first' })
    await idle(backend)
    const second = await consume(backend, undefined, { group: 'second' })
    await backend.publish([event('after')])
    await idle(backend)

    expect(first.ids()).toEqual(['before', 'after'])
    expect(second.ids()).toEqual(['after'])
  })

  it('begins at the beginning of what is kept where that is asked for', async () => {
    const backend = openBackend(makeFile(), { newGroups: 'beginning' })
    await consume(backend, undefined, { group: 'first' })
    await backend.publish([event('before')])
    await idle(backend)
    const second = await consume(backend, undefined, { group: 'second' })
    await idle(backend)

    expect(second.ids()).toEqual(['before'])
  })

  it('is listed with what waits for it, and forgotten with it', async () => {
    const backend = openBackend()
    const { consumption } = await consume(backend, undefined, { group: 'old' })
    await consumption.stop(1000)
    await consume(backend, undefined, { group: 'new' })
    await backend.publish(eventsOf(3))
    await until(async () => {
      const { queueDepth, inFlight } = await backend.health()
      return queueDepth === 3 && inFlight === 0
    })

    expect(await backend.groups()).toEqual([
      { name: 'old', consumers: 0, queueDepth: 3, inFlight: 0, lagMs: expect.any(Number) },
      { name: 'new', consumers: 1, queueDepth: 0, inFlight: 0, lagMs: 0 },
    ])
    expect(await backend.removeGroup('old')).toBe(true)
    expect(await backend.removeGroup('old')).toBe(false)
    expect(await backend.health()).toMatchObject({ queueDepth: 0 })
  })

  it('that is removed while somebody consumes begins anew, with what comes from then on', async () => {
    const backend = openBackend(makeFile(), { leaseMs: 100 })
    const { ids } = await consume(backend)
    await backend.publish([event('before')])
    await idle(backend)
    await backend.removeGroup('shop')
    await until(async () => (await backend.groups()).length === 1)
    await backend.publish([event('after')])
    await idle(backend)

    expect(ids()).toEqual(['before', 'after'])
  })

  it('passes over events that nobody listens to, but hands out what was published for later', async () => {
    const backend = openBackend()
    const patterns = ['order.*']
    const { ids } = await consume(backend, undefined, { patterns: () => patterns })
    await backend.publish([event('a'), event('b', { name: 'metric.cpu' }), event('c')])
    await backend.publish([event('d', { name: 'metric.cpu', deliverAt: Date.now() + 5 })])
    await idle(backend)

    expect(ids()).toEqual(['a', 'c', 'd'])
  })
})

describe('the history', () => {
  it('keeps as many events as asked for, and all that a group has still to handle', async () => {
    const backend = openBackend(makeFile(), { historySize: 10 })
    const quick = await consume(backend, undefined, { group: 'quick' })
    const slow = await consume(backend, undefined, { group: 'slow' })
    await slow.consumption.stop(1000)

    for (const each of eventsOf(50)) await backend.publish([each])
    await until(() => quick.deliveries.length === 50)
    expect(await replayed(backend)).toHaveLength(50)

    const again = await consume(backend, undefined, { group: 'slow' })
    await idle(backend)
    for (const each of eventsOf(10)) await backend.publish([{ ...each, id: `more-${each.id}` }])
    await until(async () => (await replayed(backend)).length <= 11)
    expect(again.ids().slice(0, 50)).toEqual(eventsOf(50).map(({ id }) => id))
    expect((await replayed(backend)).at(-1)).toBe('more-e9')
  })

  it('keeps an event that waits for its next try, whatever its age', async () => {
    const backend = openBackend(makeFile(), { historySize: 0 })
    const failed = gate()
    let isBroken = true
    const { deliveries } = await consume(backend, async ({ event: { id }, attempt }) => {
      if (id !== 'stubborn' || !isBroken) return { deadLetters: [] }
      failed.open()
      return { deadLetters: [], retry: { handlers: ['h'], delayMs: 5, attempt: attempt + 1 } }
    })
    await backend.publish([event('stubborn')])
    await failed.opened
    let n = 0
    await until(async () => {
      await backend.publish([event(`next-${n++}`)])
      return n > 30 && (await replayed(backend)).length < 5
    })
    isBroken = false
    await idle(backend)

    const last = deliveries.findLast((each) => each.event.id === 'stubborn')
    expect(last?.attempt).toBeGreaterThan(1)
    expect(last?.event.data).toEqual({ id: 'stubborn' })
  })

  it('keeps events as long as asked for', async () => {
    let now = 1_000_000
    const clock = { now: () => now, delay: () => () => {} }
    const backend = openBackend(makeFile(), { historyMs: 60_000, clock })
    await consume(backend)
    await backend.publish([event('old')])
    await idle(backend)
    now += 50_000
    await backend.publish([event('young')])
    await idle(backend)
    now += 20_000
    await backend.publish([event('new')])
    await idle(backend)

    await until(async () => (await replayed(backend)).length === 2)
    expect(await replayed(backend)).toEqual(['young', 'new'])
  })
})

describe('events that wait', () => {
  it('are handed out by their priority, and in the order of their key all the same', async () => {
    const backend = openBackend()
    const { consumption } = await consume(backend)
    await consumption.stop(1000)
    const urgency = [50, 25, 100, 50, 75, 100, 25]
    await backend.publish(urgency.map((priority, n) => event(`e${n}-${priority}`, { priority })))
    await backend.publish([event('k1', { key: 'k', priority: 25 }), event('k2', { key: 'k', priority: 100 })])
    const { ids } = await consume(backend, undefined, { concurrency: 1 })
    await idle(backend)

    const order = ids()
    expect(order.filter((id) => id.startsWith('e'))).toEqual([
      'e2-100',
      'e5-100',
      'e4-75',
      'e0-50',
      'e3-50',
      'e1-25',
      'e6-25',
    ])
    expect(order.indexOf('k1')).toBeLessThan(order.indexOf('k2'))
  })

  it('for their next try or their time are not held up by a clock that is set back', async () => {
    let offset = 0
    const clock = {
      now: () => Date.now() + offset,
      delay(ms: number, callback: () => void) {
        const timer = setTimeout(callback, ms)
        return () => clearTimeout(timer)
      },
    }
    const backend = openBackend(makeFile(), { clock, leaseMs: 100 })
    const { deliveries } = await consume(backend, async ({ attempt }) => {
      if (attempt > 1) return { deadLetters: [] }
      offset = -3_600_000
      return { deadLetters: [], retry: { handlers: ['h'], delayMs: 20, attempt: 2 } }
    })
    await backend.publish([event('a')])
    await until(() => deliveries.length === 2)

    expect(deliveries[1]).toMatchObject({ attempt: 2, isRedelivered: false })
  })

  it.each([
    ['shorter than the time between two signs of life', 1000, []],
    ['longer than that', 4000, []],
    ['looked for again meanwhile', 1000, ['b', 'c']],
  ])('for their next try are not held up when that wait is %s', async (_, delayMs, others) => {
    const timers = fakeClock()
    let offset = 0
    const clock = { now: () => timers.now() + offset, delay: timers.delay }
    const backend = openBackend(makeFile(), { clock, leaseMs: 10_000 })
    const start = timers.now()
    const tries: (readonly [id: string, time: number])[] = []
    await consume(backend, async ({ event: { id }, attempt }) => {
      tries.push([id, timers.now() - start])
      const retry = { handlers: ['h'], delayMs, attempt: 2 }
      return { deadLetters: [], ...(id === 'a' && attempt === 1 ? { retry } : {}) }
    })
    await backend.publish([event('a', { key: 'k' })])
    await until(async () => (await backend.health()).inFlight === 0 && tries.length === 1)

    await timers.advance(200)
    offset = -3_600_000
    for (const id of others) {
      await timers.advance(200)
      await backend.publish([event(id)])
      await until(() => tries.some(([tried]) => tried === id))
    }
    // The poll looks every 20 ms, and the next one may be a turn late.
    await timers.advance(delayMs)

    const again = tries.filter(([id]) => id === 'a')[1]
    expect(again?.[1]).toBeGreaterThanOrEqual(delayMs)
    expect(again?.[1]).toBeLessThanOrEqual(delayMs + 100)
  })

  it('for their next try in another process begin that wait anew when the clock is set back', async () => {
    const file = makeFile()
    const timers = fakeClock()
    const first = openBackend(file, { clock: timers })
    const retry = { handlers: ['h'], delayMs: 1000, attempt: 2 }
    const tried = await consume(first, async () => ({ deadLetters: [], retry }))
    await first.publish([event('a')])
    await until(async () => tried.deliveries.length === 1 && (await first.health()).inFlight === 0)
    await tried.consumption.stop(1000)
    await first.close()

    const clock = { now: () => timers.now() - 3_600_000, delay: timers.delay }
    const { deliveries } = await consume(openBackend(file, { clock }))
    await until(async () => {
      await timers.advance(100)
      return deliveries.length === 1
    })

    expect(deliveries).toMatchObject([{ attempt: 2, isRedelivered: false }])
  })

  it('are found whatever the clocks of publishers and consumers say', async () => {
    const file = makeFile()
    const clockAt = (offset: number) => ({
      now: () => Date.now() + offset,
      delay(ms: number, callback: () => void) {
        const timer = setTimeout(callback, ms)
        return () => clearTimeout(timer)
      },
    })
    const publisher = openBackend(file, { clock: clockAt(3_600_000) })
    const consumer = openBackend(file, { clock: clockAt(-3_600_000) })
    const { deliveries } = await consume(consumer, async ({ attempt }) =>
      attempt === 1
        ? { deadLetters: [], retry: { handlers: ['h'], delayMs: 10, attempt: 2 } }
        : { deadLetters: [] },
    )
    await publisher.publish([event('a')])
    await until(() => deliveries.length === 2)

    expect((await consumer.health()).lagMs).toBe(0)
  })

  it('survive a restart with their time', async () => {
    const file = makeFile()
    const first = openBackend(file)
    const { consumption } = await consume(first)
    await first.publish([event('later', { deliverAt: Date.now() + 150 })])
    await until(async () => (await first.health()).queueDepth === 1)
    await consumption.stop(1000)
    await first.close()

    const second = openBackend(file)
    const deliverAt = (await lastOf(second)).deliverAt as number
    const arrival = gate()
    let cameAt = 0
    await consume(second, async () => {
      cameAt = Date.now()
      arrival.open()
      return { deadLetters: [] }
    })
    await arrival.opened
    expect(cameAt).toBeGreaterThanOrEqual(deliverAt)
  })
})

describe('a bus that was never started', () => {
  it.each(['idle', 'close'] as const)('is told at %s, once, when its handlers wait', async (method) => {
    const { bus, errors } = openBus()
    bus.on('order.paid', () => {})
    await bus.publish('order.placed', 1)
    await bus.publish('order.paid', 1)

    await bus[method]()
    await bus[method]()

    expect(errors).toMatchObject([
      {
        code: 'EVENTSETS_NOT_STARTED',
        message: '"order.paid" was published, and its handlers here wait: the bus was never started.',
      },
    ])
  })

  it('is told when it has had time enough', async () => {
    const clock = fakeClock()
    const { bus, errors } = openBus(undefined, {}, { clock })
    bus.on('order.paid', () => {})
    await bus.publish('order.paid', 1)

    await clock.advance(9_999)
    expect(errors).toEqual([])
    await clock.advance(1)

    expect(errors).toMatchObject([{ code: 'EVENTSETS_NOT_STARTED' }])
  })

  it('may be one that only publishes, or is started later', async () => {
    const publishing = openBus()
    publishing.bus.on('cache.cleared', () => {})
    await publishing.bus.publish('order.paid', 1)
    await publishing.bus.emit('cache.cleared', 1)
    await publishing.bus.close()
    const late = openBus()
    late.bus.on('order.paid', () => {})
    await late.bus.publish('order.paid', 1)
    await late.bus.start()
    await late.bus.idle()

    expect([publishing.errors, late.errors]).toEqual([[], []])
  })
})

describe('what is in hand when its bus closes', () => {
  it.each([
    [
      'gives up',
      (signal: AbortSignal) => new Promise((_, reject) => signal.addEventListener('abort', reject)),
    ],
    ['does not heed its signal', () => new Promise(() => {})],
  ])('and %s, is handled by the next one as if it had not been begun', async (_, handle) => {
    const file = makeFile()
    const attempts: [number, boolean][] = []
    const told: Error[] = []
    const options = { retry: { maxAttempts: 2, baseDelayMs: 1 } }
    for (let deploy = 0; deploy < 4; deploy++) {
      const { bus, errors } = openBus(file, {}, { source: 'shop' })
      const begun = gate()
      const pay = (_: unknown, { attempt, isRedelivered, signal }: HandlerContext) => {
        attempts.push([attempt, isRedelivered])
        begun.open()
        return handle(signal)
      }
      bus.on('order.paid', pay, { ...options, name: 'pay' })
      if (deploy === 0) await bus.publish('order.paid', 1, { key: 'k' })
      await bus.start()
      await begun.opened
      await bus.close({ deadlineMs: 0 })
      told.push(...errors)
    }
    const { bus } = openBus(file, {}, { source: 'shop' })

    expect(attempts).toEqual([
      [1, false],
      [1, true],
      [1, true],
      [1, true],
    ])
    expect(told).toEqual([])
    expect(await bus.deadLetters.list()).toEqual([])
  })
})

async function lastOf(backend: SqliteBackend): Promise<StoredEvent> {
  let last: StoredEvent | undefined
  for await (const each of backend.replay?.({}) ?? []) last = each
  return last as StoredEvent
}

describe('what cannot be read', () => {
  it('becomes a dead letter with what was found, and is handled when it has been mended', async () => {
    const handle = new Database(makeFile())
    const { bus, backend, errors } = openBus(handle, {}, { group: 'shop' })
    const seen: unknown[] = []
    bus.on('order.*', ({ data }) => void seen.push(data))
    await backend.publish([event('a'), event('broken', { key: 'k' }), event('behind', { key: 'k' })])
    handle.exec(`UPDATE eventsets_events SET body = CAST(x'7b22ff' AS TEXT) WHERE id = 'broken'`)
    await bus.start()
    await bus.idle()

    const [letter, ...more] = await bus.deadLetters.list()
    expect(more).toEqual([])
    expect(letter).toMatchObject({
      group: 'shop',
      reason: 'The stored event is not UTF-8.',
      event: { name: 'order.placed', data: '{"\ufffd' },
    })
    expect(errors).toMatchObject([{ code: 'EVENTSETS_UNREADABLE' }])
    expect(seen).toEqual([{ id: 'a' }, { id: 'behind' }])

    await bus.deadLetters.replay(letter?.id as string)
    await bus.idle()
    const [again] = await bus.deadLetters.list()
    expect(again).toMatchObject({ reason: 'The stored event is not UTF-8.' })

    const body = JSON.stringify(event('broken', { key: 'k' }))
    handle.prepare('UPDATE eventsets_dead_letters SET body = ?').run(body)
    await bus.deadLetters.replay(again?.id as string)
    await bus.idle()
    expect(seen).toEqual([{ id: 'a' }, { id: 'behind' }, { id: 'broken' }])
    expect(await bus.deadLetters.list()).toEqual([])
  })

  it('is given up when the bus itself cannot handle it, and the rest is handled', async () => {
    const { bus, backend } = openBus(undefined, {}, { group: 'shop' })
    const seen: unknown[] = []
    bus.on('**', ({ name, data }) => void (name !== 'handler.failed' && seen.push(data)))
    await bus.start()
    await backend.publish([event('a', { name: 'no name' }), event('b')])
    await bus.idle()

    expect(seen).toEqual([{ id: 'b' }])
    expect(await bus.deadLetters.list()).toMatchObject([{ event: { id: 'a' }, group: 'shop' }])
  })
})

describe('stopping', () => {
  it('hands back at once what is in hand when the backend closes', async () => {
    const file = makeFile()
    const backend = openBackend(file)
    const begun = gate()
    await consume(backend, async () => {
      begun.open()
      return await new Promise<never>(() => {})
    })
    await backend.publish([event('a')])
    await begun.opened
    await backend.close()

    const next = openBackend(file)
    const { deliveries } = await consume(next)
    await idle(next)
    expect(deliveries).toMatchObject([{ attempt: 1, isRedelivered: true }])
  })

  it('does not hand out again what is still at work, and keeps what becomes of it', async () => {
    const { bus } = openBus()
    const begun = gate()
    const end = gate()
    const calls: number[] = []
    bus.on('order.*', async (_, { attempt }) => {
      calls.push(attempt)
      begun.open()
      await end.opened
      throw new Error('no')
    })
    await bus.start()
    await bus.publish('order.placed', {})
    await begun.opened
    await bus.pause()
    await bus.resume()
    end.open()
    await bus.idle()

    expect(calls).toEqual([1])
    expect(await bus.deadLetters.list()).toHaveLength(1)
  })

  it('closes in a handler, twice and at once, and before anything was done', async () => {
    const unused = openBus()
    await unused.bus.close()
    const { bus } = openBus()
    let closing: Promise<void> | undefined
    const begun = gate()
    bus.on('order.*', async () => {
      closing = bus.close({ deadlineMs: 50 })
      begun.open()
      await closing
    })
    await bus.start()
    await bus.publish('order.placed', {})
    await begun.opened
    await Promise.all([closing, bus.close(), bus.close()])

    await expect(bus.publish('order.placed', {})).rejects.toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
  })
})

describe('the file', () => {
  it('can be read by people: names, and events as JSON', async () => {
    const file = makeFile()
    const backend = openBackend(file)
    const bus = new EventBus({ backend })
    await bus.publish('order.placed', { total: 12 }, { id: 'a', key: 'k' })
    await bus.close()
    const handle = new Database(file)

    const row = handle.prepare('SELECT id, name, key, body FROM eventsets_events').get([]) as { body: string }
    handle.close()
    expect(row).toMatchObject({ id: 'a', name: 'order.placed', key: 'k' })
    expect(JSON.parse(row.body)).toMatchObject({ id: 'a', data: { total: 12 } })
    expect(readFileSync(file).subarray(0, 15).toString()).toBe('SQLite format 3')
  })
})
