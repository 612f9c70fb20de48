import { join } from 'node:path'
import Database from 'libsql'
import { onTestFinished } from 'vitest'
import {
  type EventBusOptions,
  type SqliteBackend,
  type SqliteBackendOptions,
  sqliteBackend,
} from '../../src/bus/index.ts'
import { type OpenBus, openBusOn } from '../bus-backends/open-bus.ts'
import { type Process, startProcess as start } from '../bus-backends/process.ts'
import { openFolder } from '../bus-backends/temporary-folder.ts'

export { gate } from '../bus-backends/gate.ts'
export { expectInOrder, idsOf, type Noted, readLedger } from '../bus-backends/ledger.ts'
export type { Process } from '../bus-backends/process.ts'
export { openFolder as makeFolder } from '../bus-backends/temporary-folder.ts'
export { until } from '../bus-backends/until.ts'

/** The path of a database that is not there yet. */
export function makeFile(): string {
  return join(openFolder(), 'bus.db')
}

/** A backend on a file, which closes after the test. */
export function openBackend(
  database: SqliteBackendOptions['database'] = makeFile(),
  options: Partial<SqliteBackendOptions> = {},
): SqliteBackend {
  const backend = sqliteBackend({ database, driver: Database, ...options })
  onTestFinished(() => backend.close())
  return backend
}

/** A bus on a backend of its own, which closes after the test. */
export function openBus(
  database?: SqliteBackendOptions['database'],
  options: Partial<SqliteBackendOptions> = {},
  busOptions: EventBusOptions = {},
): OpenBus<SqliteBackend> {
  return openBusOn(openBackend(database, options), busOptions)
}

/** A process that plays one of the roles in `sqlite-process.mjs`, and is killed after the test. */
export function startProcess(role: string, options: object): Process {
  const started = start(new URL('sqlite-process.mjs', import.meta.url), role, options)
  onTestFinished(started.kill)
  return started
}
