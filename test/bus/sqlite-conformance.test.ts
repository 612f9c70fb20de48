import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'libsql'
import { describe, it } from 'vitest'
import { type SqliteBackend, sqliteBackend } from '../../src/bus/index.ts'
import { busBackendConformance } from '../../src/testing/index.ts'
import { victimsOf } from '../bus-backends/victim.ts'
import { makeFile, startProcess } from './sqlite-files.ts'

/** A process that dies is missed soon, and nobody is missed who is only slow. */
const LEASE_MS = 1000
/** Some cases have little time for what they do, and disks may be slow. What is killed, loses nothing by it. */
const synchronous = 'normal'

/** For the same reason, its tables are made before. */
async function prepared(backend: SqliteBackend): Promise<SqliteBackend> {
  await backend.groups()
  return backend
}

describe('the SQLite backend on a file', () => {
  const make = async () => {
    const file = makeFile()
    const open = () => sqliteBackend({ database: file, driver: Database, leaseMs: LEASE_MS, synchronous })
    return {
      backend: await prepared(open()),
      reopen: open,
      ...victimsOn(file),
      poison: async () => {
        const handle = new Database(file)
        // Under a name that somebody listens to.
        const insert = handle.prepare(`
          INSERT INTO eventsets_events (id, name, priority, stored_at, size, body)
          SELECT ?, name, 50, 0, 10, CAST(? AS TEXT) FROM eventsets_events LIMIT 1`)
        const bodies = [
          Buffer.from('{"id":'),
          Buffer.from('null'),
          Buffer.from('{"name":7}'),
          Buffer.from([0x22, 0xff, 0x22]),
        ]
        for (const [index, body] of bodies.entries()) insert.run(`poison-${index}`, body)
        handle.close()
      },
      dispose: () => remove(file),
    }
  }
  for (const { name, run } of busBackendConformance(make)) it(name, run)
})

describe('the SQLite backend on a handle that others use', () => {
  const make = async () => {
    const file = makeFile()
    const handle = new Database(file)
    const open = () => sqliteBackend({ database: handle, leaseMs: LEASE_MS, synchronous })
    return {
      backend: await prepared(open()),
      reopen: open,
      ...victimsOn(file),
      dispose: () => remove(file),
    }
  }
  for (const { name, run } of busBackendConformance(make)) it(name, run)
})

describe('the SQLite backend in memory', () => {
  const make = () => prepared(sqliteBackend({ database: ':memory:', driver: Database }))
  for (const { name, run } of busBackendConformance(make)) it(name, run)
})

/** Processes that are killed. */
function victimsOn(file: string) {
  return victimsOf((role, order) => startProcess(role, { file, leaseMs: LEASE_MS, ...order }))
}

function remove(file: string): void {
  rmSync(dirname(file), { recursive: true, force: true })
}
