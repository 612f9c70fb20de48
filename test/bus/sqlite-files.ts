import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'libsql'
import { onTestFinished } from 'vitest'
import {
  EventBus,
  type EventBusOptions,
  type SqliteBackend,
  type SqliteBackendOptions,
  sqliteBackend,
} from '../../src/bus/index.ts'

/** A folder that is gone after the test. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'eventsets-sqlite-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The path of a database that is not there yet. */
export function makeFile(): string {
  return join(makeFolder(), 'bus.db')
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

export interface OpenBus {
  readonly bus: EventBus
  readonly backend: SqliteBackend
  readonly errors: Error[]
}

/** A bus on a backend of its own, which closes after the test. */
export function openBus(
  database?: SqliteBackendOptions['database'],
  options: Partial<SqliteBackendOptions> = {},
  busOptions: EventBusOptions = {},
): OpenBus {
  const backend = openBackend(database, options)
  const errors: Error[] = []
  const bus = new EventBus({ backend, onError: (error) => errors.push(error), ...busOptions })
  onTestFinished(() => bus.close({ deadlineMs: 1000 }))
  return { bus, backend, errors }
}

/** Waits until something is so that nobody tells of: it is looked again and again. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** A process of its own that does one of the things in `sqlite-process.mjs`. */
export interface Process {
  readonly child: ChildProcess
  tell(message: object): void
  /** Resolves with the first message that has this, whether it has come already or not. */
  said(what: string): Promise<Readonly<Record<string, unknown>>>
  /** Ends it with SIGKILL, and resolves when it has ended. */
  kill(): Promise<void>
  /** Resolves when it has ended by itself. */
  ended(): Promise<number | null>
}

const script = fileURLToPath(new URL('sqlite-process.mjs', import.meta.url))

export function startProcess(role: string, options: object): Process {
  const child = fork(script, [role, JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const messages: Record<string, unknown>[] = []
  const exit = once(child, 'exit')
  child.on('message', (message) => messages.push(message as Record<string, unknown>))
  const kill = async () => {
    child.kill('SIGKILL')
    await exit
  }
  onTestFinished(kill)
  return {
    child,
    tell: (message) => void child.send(message),
    async said(what) {
      for (;;) {
        const found = messages.find((message) => what in message)
        if (found) return found
        await Promise.race([
          once(child, 'message'),
          exit.then(([code, signal]) => {
            throw new Error(`The process has ended (${signal ?? code}) and never said "${what}".`)
          }),
        ])
      }
    },
    kill,
    ended: async () => (await exit)[0],
  }
}

/** The lines that a process has written for sure. */
export function readLedger<T = Record<string, unknown>>(path: string): T[] {
  if (!existsSync(path)) return []
  // Whoever was killed while writing has left a part of a line.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line))
}

export function idsOf(entries: readonly { readonly id?: unknown }[]): Set<unknown> {
  return new Set(entries.map(({ id }) => id))
}

/** A promise that is settled from outside. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}
