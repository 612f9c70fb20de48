import Database from 'libsql'
import { describe, expect, it } from 'vitest'
import { makeFile, openBus, startProcess, until } from './sqlite-files.ts'

describe('tables that somebody else has written to', () => {
  function tamper(file: string, sqlOf: (table: string) => string): void {
    const other = new Database(file)
    const tables = other.prepare(
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'eventsets%'`,
    )
    for (const { name } of tables.all() as { name: string }[]) other.exec(sqlOf(name))
    other.close()
  }

  it('that are dropped are no longer published to, and health says what is missing', async () => {
    const file = makeFile()
    const { bus, errors } = openBus(file, { leaseMs: 100 })
    bus.on('order.*', () => {})
    await bus.start()
    tamper(file, (table) => `DROP TABLE ${table}`)

    await expect(bus.publish('order.placed', 1)).rejects.toMatchObject({
      name: 'ConnectionError',
      message: expect.stringContaining('no such table'),
    })
    expect(await bus.health()).toMatchObject({
      status: 'unhealthy',
      reasons: [expect.stringContaining('no such table')],
    })
    await until(() => errors.length > 0)
    expect(errors[0]).toMatchObject({ message: expect.stringContaining('no such table') })
  })

  it.each<[string, (table: string) => string]>([
    ['all of them', (table) => `DELETE FROM ${table}`],
    ['the consumers', (table) => (table.endsWith('_consumers') ? `DELETE FROM ${table}` : '')],
  ])('that are emptied, %s, take events, which a consumer that is there handles', async (_, sqlOf) => {
    const file = makeFile()
    const { bus, backend } = openBus(file, { leaseMs: 100 })
    const seen: unknown[] = []
    bus.on('order.*', ({ data }) => void seen.push(data))
    await bus.start()
    await bus.publish('order.placed', 'before')
    await bus.idle()
    tamper(file, sqlOf)

    await bus.publish('order.placed', 'after')
    await until(() => seen.length === 2)

    expect(seen).toEqual(['before', 'after'])
    expect(await backend.groups()).toMatchObject([{ consumers: 1 }])
  })

  it('without its group find a consumer that begins anew', async () => {
    const file = makeFile()
    const { bus, backend } = openBus(file, { leaseMs: 100 })
    const seen: unknown[] = []
    bus.on('order.*', ({ data }) => void seen.push(data))
    await bus.start()
    tamper(file, (table) => (table.endsWith('_groups') ? `DELETE FROM ${table}` : ''))
    await until(async () => (await backend.groups()).length === 1)

    await bus.publish('order.placed', 'after')
    await until(() => seen.length === 1)

    expect(await backend.groups()).toMatchObject([{ consumers: 1 }])
  })
})

describe('the consumers of a group', () => {
  it('are those that are there, however many have come and gone, stopped or been killed', async () => {
    const file = makeFile()
    const { bus, backend } = openBus(file, { leaseMs: 200 }, { group: 'shop' })
    bus.on('order.*', () => {})
    await bus.start()
    for (let round = 0; round < 3; round++) {
      const stopping = startProcess('hold', { file, group: 'shop', leaseMs: 200 })
      const dying = startProcess('hold', { file, group: 'shop', leaseMs: 200 })
      await stopping.said('ready')
      await dying.said('ready')
      stopping.tell({ close: true })
      await stopping.ended()
      await dying.kill()
    }
    const passing = openBus(file, {}, { group: 'shop' })
    passing.bus.on('order.*', () => {})
    await passing.bus.start()
    await passing.bus.pause()
    await passing.bus.resume()
    await passing.bus.close()

    await until(async () => (await backend.groups())[0]?.consumers === 1)

    await bus.close()
    const handle = new Database(file)
    expect(handle.prepare('SELECT count(*) AS count FROM eventsets_consumers').get([])).toMatchObject({
      count: 0,
    })
    handle.close()
  })
})
