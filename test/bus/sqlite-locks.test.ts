import Database from 'libsql'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { SqliteBackend, StoredEvent } from '../../src/bus/index.ts'
import { gate, makeFile, openBackend, openBus, startProcess, until } from './sqlite-files.ts'

function event(id: string): StoredEvent {
  const name = 'order.placed'
  return { id, name, data: {}, source: 'test', time: 1_700_000_000_000, correlationId: id, priority: 50 }
}

async function stored(backend: SqliteBackend): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of backend.replay?.({}) ?? []) ids.push(id)
  return ids
}

function openHandle(file = makeFile()): InstanceType<typeof Database> {
  const handle = new Database(file)
  onTestFinished(() => {
    if (handle.open) handle.close()
  })
  return handle
}

/** Somebody who holds the lock of a file, in a process of their own. */
async function lock(file: string): Promise<() => Promise<void>> {
  const holder = startProcess('lock', { file })
  await holder.said('ready')
  return async () => {
    holder.tell({ close: true })
    await holder.ended()
  }
}

describe('a transaction of somebody else on the same handle', () => {
  it('is waited for, so that what is published is no part of it', async () => {
    const handle = openHandle()
    const backend = openBackend(handle)
    await backend.publish([event('before')])
    handle.exec('CREATE TABLE orders (id TEXT); BEGIN; INSERT INTO orders VALUES (1)')

    const publishing = backend.publish([event('meanwhile')])
    await new Promise((resolve) => setImmediate(resolve))
    expect(handle.inTransaction).toBe(true)
    handle.exec('ROLLBACK')
    await publishing

    expect(await stored(backend)).toEqual(['before', 'meanwhile'])
    expect(handle.prepare('SELECT count(*) AS count FROM orders').get([])).toMatchObject({ count: 0 })
  })

  it('is not waited for without end, and the error says how to publish in it', async () => {
    const handle = openHandle()
    const backend = openBackend(handle, { busyTimeoutMs: 30 })
    await backend.publish([event('before')])
    handle.exec('BEGIN')

    await expect(backend.publish([event('inside')])).rejects.toMatchObject({
      name: 'ConnectionError',
      hint: expect.stringContaining('bus.transaction(run, { outbox, handle })'),
    })
    handle.exec('COMMIT')
    expect(await stored(backend)).toEqual(['before'])
  })

  it('is found by the error of the driver where a handle does not say that it has one', async () => {
    const handle = openHandle()
    const mute = {
      prepare: (sql: string) => handle.prepare(sql),
      exec: (sql: string) => handle.exec(sql),
      close() {},
    }
    const backend = openBackend(mute)
    await backend.publish([event('before')])
    handle.exec('BEGIN')
    const publishing = backend.publish([event('after')])
    await new Promise((resolve) => setImmediate(resolve))
    handle.exec('ROLLBACK')
    await publishing

    expect(await stored(backend)).toEqual(['before', 'after'])
  })
})

describe('a lock of another process', () => {
  it('is waited for while the event loop goes on', async () => {
    const file = makeFile()
    const backend = openBackend(file)
    await backend.publish([event('before')])
    const unlock = await lock(file)

    let hasResolved = false
    const publishing = backend.publish([event('after')]).then(() => {
      hasResolved = true
    })
    let turns = 0
    await until(() => ++turns > 20)
    expect(hasResolved).toBe(false)
    await unlock()
    await publishing

    expect(await stored(backend)).toEqual(['before', 'after'])
  })

  it('is not waited for longer than asked, and nothing has been stored then', async () => {
    const file = makeFile()
    const backend = openBackend(file, { busyTimeoutMs: 30 })
    await backend.publish([event('before')])
    const unlock = await lock(file)

    const publishing = Promise.allSettled([backend.publish([event('a')]), backend.publish([event('b')])])
    expect(await publishing).toMatchObject([
      {
        status: 'rejected',
        reason: { name: 'ConnectionError', hint: expect.stringContaining('busyTimeoutMs') },
      },
      { status: 'rejected' },
    ])
    await unlock()
    await backend.publish([event('c')])

    expect(await stored(backend)).toEqual(['before', 'c'])
  })

  it('delays what has become of an event, and it is stored once', async () => {
    const file = makeFile()
    const { bus, backend, errors } = openBus(file, { busyTimeoutMs: 30 })
    const begun = gate()
    const end = gate()
    let calls = 0
    bus.on('order.*', async () => {
      calls++
      begun.open()
      await end.opened
    })
    await bus.start()
    await bus.publish('order.placed', {})
    await begun.opened
    const unlock = await lock(file)
    end.open()
    await until(() => errors.length > 0)
    await unlock()
    await until(async () => (await backend.health()).inFlight === 0)

    expect(calls).toBe(1)
    expect(errors[0]).toMatchObject({ name: 'ConnectionError' })
    expect(await bus.deadLetters.list()).toEqual([])
  })

  it('does not keep the bus from closing', async () => {
    const file = makeFile()
    const { bus } = openBus(file)
    bus.on('order.*', () => {})
    await bus.start()
    const unlock = await lock(file)
    const publishing = bus.publish('order.placed', {}).catch((error) => error)

    await bus.close({ deadlineMs: 100 })

    expect(await publishing).toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
    await unlock()
  })

  it('is not needed for reading', async () => {
    const file = makeFile()
    const backend = openBackend(file)
    await backend.publish([event('before')])
    const unlock = await lock(file)

    expect(await stored(backend)).toEqual(['before'])
    expect(await backend.health()).toMatchObject({ status: 'healthy', queueDepth: 1 })
    await unlock()
  })
})

describe('a database that fails', () => {
  it('rejects the one publish that it cannot store, and no other of the same turn', async () => {
    const handle = openHandle()
    const backend = openBackend(handle)
    await backend.publish([event('first')])
    handle.exec(`
      CREATE TRIGGER guard BEFORE INSERT ON eventsets_events WHEN NEW.id = 'bad'
      BEGIN SELECT RAISE(ABORT, 'not this one'); END`)

    const results = await Promise.allSettled(
      ['a', 'bad', 'b'].map((id) => backend.publish([event(id), event(`${id}-2`)])),
    )

    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: { message: expect.stringContaining('not this one') } })
    expect(await stored(backend)).toEqual(['first', 'a', 'a-2', 'b', 'b-2'])
  })

  it('that is full says so, loses nothing that it has, and goes on when there is room', async () => {
    const handle = openHandle()
    const { bus, backend, errors } = openBus(handle)
    const seen: unknown[] = []
    bus.on('order.*', ({ data }) => void seen.push(data))
    await bus.publish('order.placed', 'small')
    const { page_count: pages } = handle.prepare('PRAGMA page_count').get([]) as { page_count: number }
    handle.exec(`PRAGMA max_page_count = ${pages + 1}`)

    await expect(bus.publish('order.placed', 'x'.repeat(100_000))).rejects.toMatchObject({
      name: 'ConnectionError',
      message: expect.stringContaining('full'),
      hint: expect.stringContaining('disk'),
    })
    handle.exec('PRAGMA max_page_count = 100000')
    await bus.publish('order.placed', 'after')
    await bus.start()
    await bus.idle()

    expect(seen).toEqual(['small', 'after'])
    expect(errors).toEqual([])
    expect(await backend.health()).toMatchObject({ status: 'healthy' })
  })

  it('whose handle is closed under it tells so, and the bus can be closed', async () => {
    const handle = openHandle()
    const { bus, errors } = openBus(handle)
    bus.on('order.*', () => {})
    await bus.start()
    handle.close()

    await expect(bus.publish('order.placed', {})).rejects.toMatchObject({
      name: 'ConnectionError',
      hint: expect.stringContaining('after the bus'),
    })
    await until(() => errors.length > 0)
    await bus.close({ deadlineMs: 100 })
  })
})
