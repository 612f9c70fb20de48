import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { SqliteBackend, StoredEvent } from '../../src/bus/index.ts'
import { gate, makeFile, makeFolder, openBackend, openBus, startProcess, until } from './sqlite-files.ts'

function event(id: string, data: unknown = {}): StoredEvent {
  const name = 'order.placed'
  return { id, name, data, source: 'test', time: 1_700_000_000_000, correlationId: id, priority: 50 }
}

async function stored(backend: SqliteBackend): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of backend.replay?.({}) ?? []) ids.push(id)
  return ids
}

/** Publishes until that is rejected, and gives why. */
async function refusalOf(backend: SqliteBackend): Promise<Error> {
  for (let n = 0; ; n++) {
    try {
      await backend.publish([event(`after-${n}`)])
    } catch (error) {
      return error as Error
    }
  }
}

/** A database that a process has left behind that was killed: what it has published is in the log beside it. */
async function leaveBehind(): Promise<string> {
  const folder = makeFolder()
  const file = join(folder, 'bus.db')
  const publisher = startProcess('publish', { file, ledger: join(folder, 'ledger'), prefix: 'p', keys: 1 })
  await publisher.said('published 5')
  await publisher.kill()
  return file
}

const parts = (file: string) => [file, `${file}-wal`, `${file}-shm`]

describe('the file of a running bus', () => {
  it.each<[string, string, (file: string) => void]>([
    ['removed', 'has been removed', (file) => parts(file).forEach((part) => void rmSync(part))],
    ['moved away', 'has been removed', (file) => renameSync(file, `${file}.old`)],
    [
      'replaced by a copy of it',
      'has been replaced',
      (file) => {
        copyFileSync(file, `${file}.copy`)
        renameSync(`${file}.copy`, file)
      },
    ],
    ['emptied', 'has been emptied', (file) => truncateSync(file)],
    ['parted from its log', '-wal" of the SQLite database has been removed', (file) => rmSync(`${file}-wal`)],
  ])('that is %s is noticed: publishing is rejected, and health says what to do', async (_, what, harm) => {
    const file = makeFile()
    const { bus, backend, errors } = openBus(file, { leaseMs: 100 })
    bus.on('order.*', () => {})
    await bus.start()
    await backend.publish([event('before')])
    await bus.idle()

    harm(file)

    expect(await refusalOf(backend)).toMatchObject({
      name: 'ConnectionError',
      code: 'EVENTSETS_CONNECTION',
      message: expect.stringContaining(what),
      hint: expect.stringMatching(/\.$/),
    })
    expect(await backend.health()).toMatchObject({
      status: 'unhealthy',
      reasons: [expect.stringMatching(new RegExp(`${what}.*(?:Put it back|restore it)`))],
    })
    expect(await bus.health()).toMatchObject({ status: 'unhealthy' })
    // A consumer that has nothing to do hears of it by its signs of life.
    await until(() => errors.length > 0)
    expect(errors[0]).toMatchObject({ message: expect.stringContaining(what) })
  })

  it('that is cut short is noticed, where what is missing is in the log no more', async () => {
    const file = makeFile()
    const backend = openBackend(file)
    await backend.publish(Array.from({ length: 50 }, (_, n) => event(`e${n}`, 'x'.repeat(4000))))
    const other = new Database(file)
    other.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    other.close()
    expect(await backend.health()).toMatchObject({ status: 'healthy' })

    truncateSync(file, statSync(file).size - 40_960)

    expect(await backend.health()).toMatchObject({
      status: 'unhealthy',
      reasons: [expect.stringContaining('has been cut short')],
    })
    expect(await refusalOf(backend)).toMatchObject({ message: expect.stringContaining('has been cut short') })
  })

  it('that is vacuumed is still the same', async () => {
    const file = makeFile()
    const backend = openBackend(file, { historySize: 0 })
    await backend.publish(Array.from({ length: 50 }, (_, n) => event(`e${n}`, 'x'.repeat(4000))))
    const other = new Database(file)
    other.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    expect(await backend.health()).toMatchObject({ status: 'healthy' })
    const before = statSync(file).size
    other.exec(`DELETE FROM eventsets_events WHERE id <> 'e0'`)
    other.exec('VACUUM')
    other.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    other.close()

    expect(statSync(file).size).toBeLessThan(before)
    expect(await backend.health()).toMatchObject({ status: 'healthy' })
    await backend.publish([event('after')])
    expect(await stored(backend)).toEqual(['e0', 'after'])
  })

  it('that is moved away and back again goes on as if nothing had been', async () => {
    const file = makeFile()
    const backend = openBackend(file)
    await backend.publish([event('before')])
    const away = `${file}.away`
    mkdirSync(away)
    renameSync(file, join(away, 'bus.db'))
    expect(await backend.health()).toMatchObject({ status: 'unhealthy' })
    await expect(backend.publish([event('rejected')])).rejects.toMatchObject({ name: 'ConnectionError' })
    renameSync(join(away, 'bus.db'), file)

    await backend.publish([event('after')])

    expect(await backend.health()).toMatchObject({ status: 'healthy' })
    expect(await stored(backend)).toEqual(['before', 'after'])
  })

  it('may be closed when it is gone', async () => {
    const file = makeFile()
    const { bus } = openBus(file)
    bus.on('order.*', () => {})
    await bus.start()
    for (const part of parts(file)) rmSync(part)

    await bus.close({ deadlineMs: 100 })

    expect(existsSync(file)).toBe(false)
  })
})

describe('a file that somebody has damaged before it is opened', () => {
  it('says that it was emptied, and its log stays as it is', async () => {
    const file = await leaveBehind()
    const log = readFileSync(`${file}-wal`)
    truncateSync(file)
    const backend = openBackend(file)

    await expect(backend.publish([event('a')])).rejects.toMatchObject({
      name: 'ConnectionError',
      message: expect.stringContaining('is empty, and its log is not'),
      hint: expect.stringContaining('restore it'),
    })
    expect(await backend.health()).toMatchObject({
      status: 'unhealthy',
      reasons: [expect.stringContaining('is empty, and its log is not')],
    })
    expect(readFileSync(`${file}-wal`).equals(log)).toBe(true)
  })

  it('says that it was cut short', async () => {
    const file = makeFile()
    const handle = new Database(file)
    handle.exec('PRAGMA journal_mode = WAL; CREATE TABLE numbers (text TEXT)')
    const insert = handle.prepare('INSERT INTO numbers VALUES (?)')
    for (let n = 0; n < 100; n++) insert.run('x'.repeat(1000))
    handle.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    handle.close()
    truncateSync(file, 8192)

    await expect(openBackend(file).publish([event('a')])).rejects.toMatchObject({
      name: 'ConnectionError',
      message: expect.stringContaining('is shorter than it says'),
      hint: expect.stringContaining('restore it'),
    })
  })

  it('is a new database when it is empty and has no log', async () => {
    const file = makeFile()
    writeFileSync(file, '')
    const backend = openBackend(file)

    await backend.publish([event('a')])

    expect(await stored(backend)).toEqual(['a'])
  })
})

describe('a disk that is full', () => {
  it('makes the health of the backend unhealthy with the reason, until something can be written again', async () => {
    const file = makeFile()
    const handle = new Database(file)
    onTestFinished(() => void handle.close())
    const { bus, backend } = openBus(handle)
    await bus.publish('order.placed', 'small')
    expect(await backend.health()).toMatchObject({ status: 'healthy' })
    const { page_count: pages } = handle.prepare('PRAGMA page_count').get([]) as { page_count: number }
    handle.exec(`PRAGMA max_page_count = ${pages}`)
    await expect(bus.publish('order.placed', 'x'.repeat(100_000))).rejects.toMatchObject({
      message: expect.stringContaining('full'),
    })

    for (let look = 0; look < 2; look++)
      expect(await backend.health()).toMatchObject({
        status: 'unhealthy',
        reasons: [expect.stringMatching(/is full\. Make room on the disk/)],
        queueDepth: 1,
      })
    expect(await bus.health()).toMatchObject({ status: 'unhealthy' })
    handle.exec('PRAGMA max_page_count = 100000')

    // Nobody has to publish first: it is tried.
    expect(await backend.health()).toMatchObject({ status: 'healthy', reasons: [] })
    const left = handle.prepare('SELECT key FROM eventsets_meta').all()
    expect(left).toEqual([{ key: 'version' }])
  })

  it('is told as long as it is, even where there is room for the signs of life of a consumer', async () => {
    const handle = new Database(makeFile())
    onTestFinished(() => void handle.close())
    const { bus, backend, errors } = openBus(handle, { leaseMs: 100 })
    const end = gate()
    bus.on('order.*', () => end.opened)
    await bus.start()
    const { page_count: pages } = handle.prepare('PRAGMA page_count').get([]) as { page_count: number }
    handle.exec(`PRAGMA max_page_count = ${pages}`)
    await expect(bus.publish('order.placed', 'x'.repeat(100_000))).rejects.toThrow('full')

    const beats = () =>
      (handle.prepare('SELECT max(beat) AS beat FROM eventsets_consumers').get([]) as { beat: number }).beat
    const before = beats()
    await until(() => beats() > before + 1)

    expect(await backend.health()).toMatchObject({ status: 'unhealthy' })
    expect(errors).toEqual([])
    handle.exec('PRAGMA max_page_count = 100000')
    await bus.publish('order.placed', 'x'.repeat(100_000))
    expect(await backend.health()).toMatchObject({ status: 'healthy' })
    end.open()
  })

  it('is no matter of the health when a single event could not be stored', async () => {
    const handle = new Database(makeFile())
    onTestFinished(() => void handle.close())
    const backend = openBackend(handle)
    await backend.publish([event('first')])
    handle.exec(`
      CREATE TRIGGER guard BEFORE INSERT ON eventsets_events WHEN NEW.id = 'bad'
      BEGIN SELECT RAISE(ABORT, 'not this one'); END`)
    await expect(backend.publish([event('bad')])).rejects.toMatchObject({ name: 'ConnectionError' })

    expect(await backend.health()).toMatchObject({ status: 'healthy' })
  })
})
