import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { dataDir } from '@electric-sql/pglite-prepopulatedfs'
import type { Pool, PoolClient } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import {
  EventBus,
  memoryBackend,
  type PostgresClient,
  postgresOutbox,
  type StoredEvent,
  startRelay,
} from '../../src/bus/index.ts'
import { makeFolder, readLedger, startProcess, until } from './sqlite-files.ts'

let database: PGlite

beforeAll(async () => {
  // A database that is already set up: making one takes seconds.
  database = await PGlite.create({ loadDataDir: await dataDir() })
  await database.exec('CREATE TABLE orders (id text PRIMARY KEY)')
})
afterAll(() => database.close())
beforeEach(() =>
  database.exec('TRUNCATE orders; DROP TABLE IF EXISTS eventsets_outbox, eventsets_outbox_relay'),
)

function openBus() {
  const backend = memoryBackend()
  const published: StoredEvent[] = []
  const watched = {
    ...backend,
    async publish(events: readonly StoredEvent[]) {
      published.push(...events)
      await backend.publish(events)
    },
  }
  const bus = new EventBus({ backend: watched, source: 'shop' })
  onTestFinished(() => bus.close())
  return { bus, published }
}

async function rows(): Promise<unknown[]> {
  return (await database.query<{ id: string }>('SELECT id FROM orders ORDER BY id')).rows.map(({ id }) => id)
}

describe('postgresOutbox', () => {
  it('stores rows and events together, and a relay publishes them in order', async () => {
    const outbox = postgresOutbox({ client: database })
    await outbox.createTables()
    await outbox.createTables()
    const { bus, published } = openBus()
    const place = (id: string, isFailing: boolean) =>
      database
        .transaction(async (handle) => {
          await handle.query('INSERT INTO orders VALUES ($1)', [id])
          await bus.transaction(
            async (tx) => {
              await tx.publish('order.placed', { id }, { key: id })
              await tx.publish('order.paid', { id, note: 'a\u0000b \ud800 \u2028 "quoted" 🦜' }, { key: id })
            },
            { outbox, handle },
          )
          if (isFailing) throw new Error('no stock')
        })
        .catch((error) => expect(error).toMatchObject({ message: 'no stock' }))
    await place('one', false)
    await place('two', true)
    await place('three', false)
    const relay = startRelay({ outbox, bus, pollMs: 5 })
    await until(async () => (await outbox.read(1)).length === 0)
    await relay.stop()

    expect(await rows()).toEqual(['one', 'three'])
    expect(published).toMatchObject([
      { name: 'order.placed', data: { id: 'one' }, key: 'one', source: 'shop' },
      { name: 'order.paid', data: { id: 'one', note: 'a\u0000b \ud800 \u2028 "quoted" 🦜' } },
      { name: 'order.placed', data: { id: 'three' } },
      { name: 'order.paid', data: { id: 'three' } },
    ])
  })

  it('writes nothing when the function of the transaction throws', async () => {
    const outbox = postgresOutbox({ client: database })
    await outbox.createTables()
    const { bus } = openBus()

    const failing = database.transaction((handle) =>
      bus.transaction(
        async (tx) => {
          await tx.publish('order.placed', 1)
          throw new Error('undone')
        },
        { outbox, handle },
      ),
    )

    await expect(failing).rejects.toThrow('undone')
    expect(await outbox.read(10)).toEqual([])
  })

  it('writes as many events as there are in one transaction', async () => {
    const outbox = postgresOutbox({ client: database })
    await outbox.createTables()
    const { bus } = openBus()

    await database.transaction((handle) =>
      bus.transaction(
        async (tx) => {
          for (let n = 0; n < 2500; n++) await tx.publish('order.placed', n)
        },
        { outbox, handle },
      ),
    )

    const entries = await outbox.read(10_000)
    const numbers = entries.map(({ body }) => (JSON.parse(String(body)) as { data: number }).data)
    expect(numbers).toEqual(Array.from({ length: 2500 }, (_, n) => n))
    await outbox.remove(entries.slice(0, 2499))
    expect(await outbox.read(10)).toHaveLength(1)
  })

  it('says what to do when its tables are missing, and the caller can take everything back', async () => {
    const outbox = postgresOutbox({ client: database })
    const { bus } = openBus()

    const transaction = database.transaction(async (handle) => {
      await handle.query('INSERT INTO orders VALUES ($1)', ['one'])
      await bus.transaction((tx) => tx.publish('order.placed', 1), { outbox, handle })
    })

    await expect(transaction).rejects.toMatchObject({
      name: 'ConnectionError',
      hint: expect.stringContaining('createTables()'),
    })
    expect(await rows()).toEqual([])
  })

  it('lives in a schema of its own where that is asked for', async () => {
    await database.exec('CREATE SCHEMA IF NOT EXISTS shop')
    const outbox = postgresOutbox({ client: database, table: 'shop.order' })
    await outbox.createTables()
    const { bus } = openBus()

    await database.transaction((handle) =>
      bus.transaction((tx) => tx.publish('order.placed', 1), { outbox, handle }),
    )

    expect(await outbox.read(10)).toHaveLength(1)
    expect((await database.query('SELECT name FROM shop.order')).rows).toEqual([{ name: 'order.placed' }])
  })

  it('gives the right to publish to one relay, by the clock of the server', async () => {
    const outbox = postgresOutbox({ client: database })
    await outbox.createTables()

    expect(await outbox.claim('a', 60_000)).toBe(true)
    expect(await outbox.claim('b', 60_000)).toBe(false)
    expect(await outbox.claim('a', 60_000)).toBe(true)
    await database.exec(`UPDATE eventsets_outbox_relay SET until = now() - interval '1 ms'`)
    expect(await outbox.claim('b', 60_000)).toBe(true)
    expect(await outbox.claim('a', 60_000)).toBe(false)
    await outbox.release('b')
    expect(await outbox.claim('a', 60_000)).toBe(true)
  })

  it('finds what is committed later under a lower number', async () => {
    const outbox = postgresOutbox({ client: database })
    await outbox.createTables()
    const { bus, published } = openBus()
    const insert = (seq: number) => {
      const body = JSON.stringify({
        id: `e${seq}`,
        name: 'order.placed',
        data: seq,
        source: 's',
        time: 1,
        correlationId: 'c',
        priority: 50,
      })
      return database.query(
        'INSERT INTO eventsets_outbox (seq, name, body) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3)',
        [seq, 'order.placed', body],
      )
    }
    await insert(2)
    const relay = startRelay({ outbox, bus, pollMs: 5 })
    onTestFinished(() => relay.stop())
    await until(() => published.length === 1)
    await insert(1)
    await until(() => published.length === 2)

    expect(published.map(({ id }) => id)).toEqual(['e2', 'e1'])
  })

  it('tells everything that is wrong with its options at once', () => {
    expect(() => postgresOutbox({ client: {}, table: 'Robert"); DROP TABLE students; --' } as never)).toThrow(
      expect.objectContaining({
        code: 'EVENTSETS_INVALID_OPTIONS',
        issues: [expect.objectContaining({ path: 'client' }), expect.objectContaining({ path: 'table' })],
      }),
    )
  })

  it('takes a pool and a client of pg', () => {
    const check = (pool: Pool, client: PoolClient): PostgresClient[] => {
      postgresOutbox({ client: pool })
      return [pool, client]
    }
    expect(check).toBeTypeOf('function')
  })
})

describe('a PostgreSQL whose process is killed', () => {
  it('has rows and events together, and a relay publishes all that was committed', async () => {
    const folder = join(makeFolder(), 'postgres')
    const ledger = join(makeFolder(), 'committed.ndjson')
    // A folder that is already set up, as above.
    await (await PGlite.create(folder, { loadDataDir: await dataDir() })).close()
    for (let round = 0; round < 3; round++) {
      const shop = startProcess('transactPostgres', { folder, ledger, prefix: `r${round}` })
      await shop.said(`committed ${5 + round}`)
      await shop.kill()
    }

    const left = await PGlite.create(folder)
    onTestFinished(() => left.close())
    const outbox = postgresOutbox({ client: left })
    const { bus, published } = openBus()
    const relay = startRelay({ outbox, bus, pollMs: 5 })
    await until(async () => (await outbox.read(1)).length === 0)
    await relay.stop()

    const found = (await left.query<{ id: string }>('SELECT id FROM orders')).rows.map(({ id }) => id)
    const committed = readLedger<{ id: string }>(ledger).map(({ id }) => id)
    expect(committed.length).toBeGreaterThanOrEqual(18)
    for (const id of committed) expect(found).toContain(id)
    expect(published.map(({ id }) => id).sort()).toEqual([...found].sort())
  })
})
