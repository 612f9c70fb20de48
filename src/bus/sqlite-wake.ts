import type { Clock } from './clock.ts'
import type { SqliteConsumption } from './sqlite-consumption.ts'
import type { Database } from './sqlite-database.ts'

/** All in this process who use a file, by its path: they need not wait until they look. */
const users = new Map<string, Set<Wake>>()

/** Told that there may be something to do: for a group, or for all. */
type Wake = (group?: string) => void

export interface Neighbours {
  /** Tells all who use the file in this process that there may be something to do, the caller included. */
  readonly wake: Wake
  readonly leave: () => void
}

/** @param file Undefined for a database that nobody else can use. */
export function enterFile(file: string | undefined, wake: Wake): Neighbours {
  if (file === undefined) return { wake, leave: () => {} }
  const together = users.get(file) ?? new Set()
  users.set(file, together)
  together.add(wake)
  return {
    wake(group) {
      for (const each of together) each(group)
    },
    leave() {
      together.delete(wake)
      if (together.size === 0) users.delete(file)
    },
  }
}

export interface Poll {
  /** Looks from now on, as long as somebody consumes. */
  begin(): void
  end(): void
}

/** After a failure it is looked less often. */
const PAUSE_MS = 1000

/** Notices what other processes have written. That is a number in the memory that they share, and costs no reading. */
export function createPoll(
  database: Database,
  clock: Clock,
  pollMs: number,
  consumptions: ReadonlySet<SqliteConsumption>,
): Poll {
  const version = database.prepare<{ readonly data_version: number }>('PRAGMA data_version')
  let last: number | undefined
  let hasFailed = false
  let cancel: (() => void) | undefined

  const plan = (ms: number) => {
    cancel = clock.delay(ms, look)
  }
  const look = () => {
    cancel = undefined
    if (consumptions.size === 0) return
    try {
      const now = version.get()?.data_version
      if (now !== last) for (const consumption of consumptions) consumption.wake()
      last = now
      hasFailed = false
    } catch (error) {
      if (!hasFailed) for (const consumption of consumptions) consumption.report(error)
      hasFailed = true
    }
    plan(hasFailed ? PAUSE_MS : pollMs)
  }
  return {
    begin() {
      if (!cancel) plan(pollMs)
    },
    end() {
      cancel?.()
    },
  }
}
