import { join } from 'node:path'
import Database from 'libsql'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EventBus, sqliteTransaction } from '../../src/bus/index.ts'
import {
  idsOf,
  makeFile,
  makeFolder,
  openBackend,
  openBus,
  readLedger,
  startProcess,
  until,
} from './sqlite-files.ts'

function openHandle(file = makeFile()): InstanceType<typeof Database> {
  const handle = new Database(file)
  onTestFinished(() => {
    if (handle.open) handle.close()
  })
  handle.exec('CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY)')
  return handle
}

function orders(handle: InstanceType<typeof Database>): string[] {
  return (handle.prepare('SELECT id FROM orders ORDER BY rowid').all() as { id: string }[]).map(
    ({ id }) => id,
  )
}

describe('a transaction in the file of the SQLite backend', () => {
  it.each([
    ['on the handle of the backend', (handle: InstanceType<typeof Database>) => openBackend(handle)],
    [
      'on another handle',
      (handle: InstanceType<typeof Database>) => {
        const [{ file } = { file: '' }] = handle.prepare('PRAGMA database_list').all() as { file: string }[]
        return openBackend(file)
      },
    ],
  ])('stores rows and events together, and needs no relay, %s', async (_, open) => {
    const handle = openHandle()
    const backend = open(handle)
    const { outbox } = backend
    const bus = new EventBus({ backend })
    onTestFinished(() => bus.close())
    const seen: unknown[] = []
    bus.on('order.*', ({ data }) => {
      // Whoever hears of an order finds it.
      seen.push({ data, orders: orders(handle) })
    })
    await bus.start()

    const place = async (id: string, isFailing: boolean) => {
      handle.exec('BEGIN IMMEDIATE')
      try {
        handle.prepare('INSERT INTO orders VALUES (?)').run(id)
        await bus.transaction((tx) => tx.publish('order.placed', id), { outbox, handle })
        if (isFailing) throw new Error('no stock')
        handle.exec('COMMIT')
      } catch {
        handle.exec('ROLLBACK')
      }
    }
    await place('one', false)
    await place('two', true)
    await place('three', false)
    await until(() => seen.length === 2)
    await bus.idle()

    expect(orders(handle)).toEqual(['one', 'three'])
    expect(seen).toMatchObject([{ data: 'one' }, { data: 'three', orders: ['one', 'three'] }])
    expect((seen[0] as { orders: string[] }).orders).toContain('one')
  })

  it('makes the tables of the backend where they are missing, even if it is taken back', async () => {
    const handle = openHandle()
    const { bus, backend } = openBus(handle)
    const publish = (id: string) =>
      bus.transaction((tx) => tx.publish('order.placed', id, { id }), { outbox: backend.outbox, handle })
    handle.exec('BEGIN')
    await publish('one')
    handle.exec('ROLLBACK')
    handle.exec('BEGIN')
    await publish('two')
    handle.exec('COMMIT')

    const ids: string[] = []
    for await (const { id } of bus.replay()) ids.push(id)
    expect(ids).toEqual(['two'])
  })

  it('keeps the time at which an event is to be delivered', async () => {
    const handle = openHandle()
    const { bus, backend } = openBus(handle)
    const deliverAt = Date.now() + 60
    let cameAt = 0
    bus.on('order.*', () => {
      cameAt = Date.now()
    })
    await bus.start()
    handle.exec('BEGIN')
    await bus.transaction((tx) => tx.publish('order.reminder', 1, { deliverAt }), {
      outbox: backend.outbox,
      handle,
    })
    handle.exec('COMMIT')
    await until(() => cameAt > 0)

    expect(cameAt).toBeGreaterThanOrEqual(deliverAt)
  })

  it('is refused without a transaction: rows and events would not be stored together', async () => {
    const handle = openHandle()
    const { bus, backend } = openBus(handle)

    const transaction = bus.transaction((tx) => tx.publish('order.placed', 1), {
      outbox: backend.outbox,
      handle,
    })

    await expect(transaction).rejects.toMatchObject({
      code: 'EVENTSETS_TRANSACTION',
      hint: expect.stringContaining('Begin one'),
    })
    expect((await backend.health()).queueDepth).toBe(0)
  })

  it('has rows and events together when its process is killed, at any of many moments', async () => {
    const folder = makeFolder()
    const [file, ledger] = [join(folder, 'shop.db'), join(folder, 'committed.ndjson')]
    for (let round = 0; round < 10; round++) {
      const shop = startProcess('transact', { file, ledger, prefix: `r${round}`, rollBackEvery: 4 })
      await shop.said(`committed ${1 + ((round * 5) % 9)}`)
      await shop.kill()
    }
    const handle = openHandle(file)
    const { bus } = openBus(file)
    const seen: string[] = []
    bus.on('order.*', ({ id }) => void seen.push(id))
    await bus.start()
    await bus.idle()

    const committed = readLedger<{ id: string }>(ledger)
    expect(committed.length).toBeGreaterThan(10)
    expect(seen).toEqual(orders(handle))
    for (const { id } of committed) expect(idsOf(seen.map((each) => ({ id: each })))).toContain(id)
  })
})

describe('sqliteTransaction', () => {
  it('lets many wait for one handle: each has a transaction of its own', async () => {
    const handle = openHandle()
    const { bus, backend } = openBus(handle)
    const { outbox } = backend
    const place = (id: string) =>
      sqliteTransaction(handle, async () => {
        handle.prepare('INSERT INTO orders VALUES (?)').run(id)
        await bus.transaction((tx) => tx.publish('order.placed', id, { id }), { outbox, handle })
        await new Promise((resolve) => setImmediate(resolve))
        if (id.startsWith('bad')) throw new Error(id)
        return id
      })

    const results = await Promise.allSettled(['one', 'bad one', 'two', 'bad two', 'three'].map(place))

    expect(results).toMatchObject([
      { value: 'one' },
      { reason: { message: 'bad one' } },
      { value: 'two' },
      { reason: { message: 'bad two' } },
      { value: 'three' },
    ])
    const ids: string[] = []
    for await (const { id } of bus.replay()) ids.push(id)
    expect(ids.sort()).toEqual(['one', 'three', 'two'])
    expect(orders(handle).sort()).toEqual(ids)
  })

  it('takes back everything when it cannot be committed', async () => {
    const handle = openHandle()
    handle.exec(`
      PRAGMA foreign_keys = ON;
      CREATE TABLE lines (order_id TEXT REFERENCES orders (id) DEFERRABLE INITIALLY DEFERRED)`)

    const transaction = sqliteTransaction(handle, () => handle.exec(`INSERT INTO lines VALUES ('nobody')`))

    await expect(transaction).rejects.toMatchObject({ message: expect.stringContaining('FOREIGN KEY') })
    expect(handle.inTransaction).toBe(false)
  })

  it('gives up waiting for a transaction that does not end', async () => {
    const handle = openHandle()
    handle.exec('BEGIN')

    const transaction = sqliteTransaction(handle, () => {}, { busyTimeoutMs: 20 })

    await expect(transaction).rejects.toMatchObject({ name: 'ConnectionError' })
    handle.exec('ROLLBACK')
  })
})
