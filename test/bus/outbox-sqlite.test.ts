import { join } from 'node:path'
import Database from 'libsql'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EventBus, memoryBackend, type StoredEvent, sqliteOutbox, startRelay } from '../../src/bus/index.ts'
import {
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
  return handle
}

describe('sqliteOutbox', () => {
  it('keeps events with the rows of a transaction, and a relay publishes them', async () => {
    const handle = openHandle()
    const outbox = sqliteOutbox({ database: handle })
    const bus = new EventBus({ backend: memoryBackend() })
    onTestFinished(() => bus.close())
    const seen: unknown[] = []
    bus.on('order.*', ({ data, key, source }) => void seen.push({ data, key, source }))
    handle.exec('CREATE TABLE orders (id TEXT)')

    handle.exec('BEGIN')
    handle.prepare('INSERT INTO orders VALUES (?)').run('one')
    await bus.transaction(
      async (tx) => {
        await tx.publish('order.placed', 'one', { key: 'k' })
        await tx.publish('order.paid', 'one', { key: 'k', source: 'till' })
      },
      { outbox, handle },
    )
    handle.exec('COMMIT')
    handle.exec('BEGIN')
    await bus.transaction((tx) => tx.publish('order.placed', 'two'), { outbox, handle })
    handle.exec('ROLLBACK')
    expect(seen).toEqual([])

    const relay = startRelay({ outbox, bus, pollMs: 5 })
    onTestFinished(() => relay.stop())
    await until(() => seen.length === 2)
    await relay.stop()

    expect(seen).toEqual([
      { data: 'one', key: 'k', source: 'eventsets' },
      { data: 'one', key: 'k', source: 'till' },
    ])
    expect(await outbox.read(10)).toEqual([])
  })

  it('is refused without a transaction', async () => {
    const handle = openHandle()
    const bus = new EventBus()
    onTestFinished(() => bus.close())
    const outbox = sqliteOutbox({ database: handle })

    await expect(
      bus.transaction((tx) => tx.publish('order.placed', 1), { outbox, handle }),
    ).rejects.toMatchObject({
      code: 'EVENTSETS_TRANSACTION',
    })
  })

  it('tells everything that is wrong with its options at once', () => {
    expect(() => sqliteOutbox({ database: {} as never, table: 'a b', tabel: 1 } as never)).toThrow(
      expect.objectContaining({
        code: 'EVENTSETS_INVALID_OPTIONS',
        issues: [
          expect.objectContaining({ path: 'database' }),
          expect.objectContaining({ path: 'table' }),
          expect.objectContaining({ path: 'tabel' }),
        ],
      }),
    )
  })

  it('gives the right to publish to one relay, until that is silent for a lease', async () => {
    let now = 1_000_000
    const clock = { now: () => now, delay: () => () => {} }
    const file = makeFile()
    const one = sqliteOutbox({ database: openHandle(file), clock })
    const two = sqliteOutbox({ database: openHandle(file), clock })

    expect(await one.claim('a', 1000)).toBe(true)
    expect(await two.claim('b', 1000)).toBe(false)
    now += 900
    expect(await one.claim('a', 1000)).toBe(true)
    now += 900
    expect(await two.claim('b', 1000)).toBe(false)
    now += 101
    expect(await two.claim('b', 1000)).toBe(true)
    expect(await one.claim('a', 1000)).toBe(false)
    now -= 3_600_000
    expect(await one.claim('a', 1000)).toBe(true)
    await two.release('b')
    expect(await two.claim('b', 1000)).toBe(false)
    await one.release('a')
    expect(await two.claim('b', 1000)).toBe(true)
  })
})

describe('an outbox in another file than the bus', () => {
  it('loses nothing when the process is killed between commit and relay, at any of many moments', async () => {
    const folder = makeFolder()
    const [file, busFile, ledger] = ['shop.db', 'bus.db', 'committed.ndjson'].map((name) =>
      join(folder, name),
    )
    for (let round = 0; round < 8; round++) {
      const shop = startProcess('transact', { file, busFile, ledger, prefix: `r${round}`, rollBackEvery: 3 })
      await shop.said(`committed ${1 + ((round * 5) % 7)}`)
      await shop.kill()
    }
    for (let round = 0; round < 2; round++)
      await startProcess('relay', { file, busFile, leaseMs: 100, dieAfterPublishing: 5 }).ended()
    const handle = openHandle(file as string)
    const outbox = sqliteOutbox({ database: handle })
    const { bus, backend } = openBus(busFile as string)
    const seen: string[] = []
    bus.on('order.*', ({ id }) => void seen.push(id))
    await bus.start()
    const relay = startRelay({ outbox, backend, pollMs: 5, leaseMs: 100 })
    await until(async () => (await outbox.read(1)).length === 0)
    await relay.stop()
    await bus.idle()

    const rows = handle.prepare('SELECT id FROM orders ORDER BY rowid').all() as { id: string }[]
    const committed = readLedger<{ id: string }>(ledger as string).map(({ id }) => id)
    expect(committed.length).toBeGreaterThan(8)
    expect(seen).toEqual(rows.map(({ id }) => id))
    for (const id of committed) expect(seen).toContain(id)
  })

  it('publishes again what a relay had published when it was killed, under the same ids', async () => {
    const folder = makeFolder()
    const [file, busFile] = [join(folder, 'shop.db'), join(folder, 'bus.db')]
    const handle = openHandle(file)
    const outbox = sqliteOutbox({ database: handle })
    const bus = new EventBus()
    onTestFinished(() => bus.close())
    handle.exec('BEGIN')
    await bus.transaction(
      async (tx) => {
        for (let n = 0; n < 12; n++) await tx.publish('order.placed', n, { id: `order-${n}` })
      },
      { outbox, handle },
    )
    handle.exec('COMMIT')

    const dying = startProcess('relay', { file, busFile, leaseMs: 100, dieAfterPublishing: 5 })
    await dying.ended()
    expect(await outbox.read(100)).toHaveLength(12)

    const backend = openBackend(busFile)
    const published: string[] = []
    const watched = {
      ...backend,
      async publish(events: readonly StoredEvent[]) {
        published.push(...events.map(({ id }) => id))
        await backend.publish(events)
      },
    }
    const relay = startRelay({ outbox, backend: watched, pollMs: 5, leaseMs: 100 })
    await until(async () => (await outbox.read(1)).length === 0)
    await relay.stop()

    const ids = Array.from({ length: 12 }, (_, n) => `order-${n}`)
    expect(published).toEqual(ids)
    const stored: string[] = []
    for await (const { id } of backend.replay?.({}) ?? []) stored.push(id)
    expect(stored).toEqual(ids)
  })
})
