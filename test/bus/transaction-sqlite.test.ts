import { realpathSync, rmSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import Database from 'libsql'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EventBus, memoryBackend, sqliteOutbox, sqliteTransaction } from '../../src/bus/index.ts'
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

function tables(handle: InstanceType<typeof Database>): string[] {
  const rows = handle.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all()
  return (rows as { name: string }[]).map(({ name }) => name)
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

  it.each([
    ['another file', () => openHandle()],
    ['a database in memory', () => openHandle(':memory:')],
  ])('is refused where the handle has %s open: nobody would publish from there', async (_, open) => {
    const handle = open()
    const file = makeFile()
    const { bus, backend } = openBus(file)

    const transaction = sqliteTransaction(handle, () =>
      bus.transaction((tx) => tx.publish('order.placed', 1), { outbox: backend.outbox, handle }),
    )

    await expect(transaction).rejects.toMatchObject({
      code: 'EVENTSETS_TRANSACTION',
      message: expect.stringMatching(
        /^The handle of the outbox has .* open, and the SQLite backend has ".*bus\.db"/,
      ),
      hint: expect.stringContaining('sqliteOutbox'),
    })
    await expect(transaction).rejects.toThrow(realpathSync(file))
    expect(tables(handle)).toEqual(['orders'])
  })

  it('is taken where a link leads to the file of the backend', async () => {
    const file = makeFile()
    const folder = join(makeFolder(), 'link')
    symlinkSync(dirname(file), folder)
    const handle = openHandle(join(folder, basename(file)))
    const { bus, backend } = openBus(file)

    await sqliteTransaction(handle, () =>
      bus.transaction((tx) => tx.publish('order.placed', 1), { outbox: backend.outbox, handle }),
    )

    expect((await backend.health()).queueDepth).toBe(1)
  })

  it('is refused for what is no database', async () => {
    const { bus, backend } = openBus(makeFile())
    const target = { outbox: backend.outbox, handle: 'shop.db' as never }

    await expect(bus.transaction((tx) => tx.publish('order.placed', 1), target)).rejects.toMatchObject({
      code: 'EVENTSETS_TRANSACTION',
      message: expect.stringContaining('is no open database'),
    })
  })

  it.each([
    ['the backend', (handle: InstanceType<typeof Database>) => openBackend(handle)],
    [
      'sqliteOutbox',
      (database: InstanceType<typeof Database>) => ({
        ...memoryBackend(),
        outbox: sqliteOutbox({ database }),
      }),
    ],
  ])('is refused when the file of %s has been removed, as publishing is', async (_, open) => {
    const file = makeFile()
    const handle = openHandle(file)
    // Without it, SQLite notices by itself.
    handle.exec('PRAGMA journal_mode = WAL')
    const backend = open(handle)
    const bus = new EventBus({ backend, onError: () => {} })
    onTestFinished(() => bus.close())
    const place = () =>
      sqliteTransaction(handle, () =>
        bus.transaction((tx) => tx.publish('order.placed', 1), { outbox: backend.outbox, handle }),
      )
    await place()

    rmSync(file)
    let refusal: unknown
    // It is looked at every tenth of a second.
    await until(() =>
      place().then(
        () => false,
        (error) => {
          refusal = error
          return true
        },
      ),
    )

    expect(refusal).toMatchObject({
      name: 'ConnectionError',
      message: expect.stringContaining('has been removed'),
      hint: expect.stringContaining('Put it back'),
    })
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
  it('tells everything that is wrong with its arguments', async () => {
    const transaction = sqliteTransaction('x.db' as never, undefined as never, { busyTimeout: 5 } as never)

    await expect(transaction).rejects.toMatchObject({
      code: 'EVENTSETS_INVALID_OPTIONS',
      message: expect.stringMatching(
        /3 issues.*handle: expected an open database.*run: expected a function.*did you mean "busyTimeoutMs"/s,
      ),
    })
  })

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
