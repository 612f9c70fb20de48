import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'libsql'
import { describe, it } from 'vitest'
import { sqliteBackend } from '../../src/bus/index.ts'
import { busBackendConformance } from '../../src/testing/index.ts'
import { makeFile, startProcess } from './sqlite-files.ts'

/** A process that dies is missed soon, and nobody is missed who is only slow. */
const LEASE_MS = 1000

describe('the SQLite backend on a file', () => {
  const make = () => {
    const file = makeFile()
    const open = () => sqliteBackend({ database: file, driver: Database, leaseMs: LEASE_MS })
    return {
      backend: open(),
      reopen: open,
      startVictim: async (group: string) => {
        const victim = startProcess('hold', { file, group, leaseMs: LEASE_MS })
        await victim.said('ready')
        return {
          holds: async (count: number) => void (await victim.said(`holds ${count}`)),
          kill: victim.kill,
        }
      },
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
      dispose: () => rmSync(dirname(file), { recursive: true, force: true }),
    }
  }
  for (const { name, run } of busBackendConformance(make)) it(name, run)
})

describe('the SQLite backend on a handle that others use', () => {
  const make = () => {
    const handle = new Database(makeFile())
    return {
      backend: sqliteBackend({ database: handle }),
      reopen: () => sqliteBackend({ database: handle }),
      startVictim: async (group: string) => {
        const file = handle.prepare('PRAGMA database_list').all() as { file: string }[]
        const victim = startProcess('hold', { file: file[0]?.file, group, leaseMs: 500 })
        await victim.said('ready')
        return {
          holds: async (count: number) => void (await victim.said(`holds ${count}`)),
          kill: victim.kill,
        }
      },
    }
  }
  for (const { name, run } of busBackendConformance(make)) it(name, run)
})

describe('the SQLite backend in memory', () => {
  const make = () => sqliteBackend({ database: ':memory:', driver: Database })
  for (const { name, run } of busBackendConformance(make)) it(name, run)
})
