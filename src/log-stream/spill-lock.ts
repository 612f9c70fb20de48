import { randomUUID } from 'node:crypto'
import {
  closeSync,
  futimesSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { hostname } from 'node:os'

/** That a file is one process's own. */
export interface SpillLock {
  /** Says that its owner is alive, to those who cannot see the process. */
  refresh(): void
  /** Whether it has been taken away: its owner was not heard of for too long. */
  isLost(): boolean
  release(): void
}

/** How long a process that others cannot see may be silent before it is taken for dead. */
const SILENCE_MS = 30_000
const MAX_LOCK_BYTES = 4096

/**
 * Claims a file for this process; gives nothing where somebody else has it who is alive. Node has no locks of the
 * system's, so this is a file beside it that tells whose it is.
 *
 * @throws what the system says when the lock cannot be made.
 */
export function claimFile(path: string): SpillLock | undefined {
  const lock = `${path}.lock`
  return createLock(lock) ?? (isAbandoned(lock) ? takeOver(lock) : undefined)
}

function createLock(lock: string): SpillLock | undefined {
  const token = randomUUID()
  const fd = openNew(lock)
  if (fd === undefined) return undefined
  try {
    writeSync(fd, JSON.stringify({ ...whoAmI(), token }))
  } catch (error) {
    // A full disk has room for the name, and nobody could tell whose it is.
    closeSync(fd)
    rmSync(lock, { force: true })
    throw error
  }
  return {
    refresh() {
      const now = new Date()
      try {
        futimesSync(fd, now, now)
      } catch {
        // Whoever takes it for abandoned finds out that it is not when it asks for the process.
      }
    },
    isLost: () => readOwner(lock)?.token !== token,
    release() {
      if (readOwner(lock)?.token === token) rmSync(lock, { force: true })
      closeSync(fd)
    },
  }
}

/** One at a time, or two could take over what the other has just made. */
function takeOver(lock: string): SpillLock | undefined {
  const turn = `${lock}.turn`
  if (isOld(turn)) rmSync(turn, { force: true })
  const fd = openNew(turn)
  if (fd === undefined) return undefined
  try {
    if (!isAbandoned(lock)) return undefined
    rmSync(lock, { force: true })
    return createLock(lock)
  } finally {
    closeSync(fd)
    rmSync(turn, { force: true })
  }
}

function openNew(path: string): number | undefined {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
}

interface Owner {
  readonly host: string
  /** Among which processes its number counts: containers have their own. */
  readonly processes: string
  readonly pid: number
  /** When it began, since numbers are used again. */
  readonly began: string
  readonly token: string
}

function isAbandoned(lock: string): boolean {
  const owner = readOwner(lock)
  const own = whoAmI()
  if (owner?.host !== own.host || owner.processes !== own.processes) return isOld(lock)
  return beginOf(owner.pid) !== owner.began
}

function isOld(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats !== undefined && Date.now() - stats.mtimeMs > SILENCE_MS
}

function readOwner(lock: string): Owner | undefined {
  try {
    // Whatever else somebody may have put there could be without end.
    const stats = lstatSync(lock)
    if (!stats.isFile() || stats.size > MAX_LOCK_BYTES) return undefined
    return JSON.parse(readFileSync(lock, 'utf8')) as Owner
  } catch {
    // It is just being written, or was left half written.
    return undefined
  }
}

function whoAmI(): Omit<Owner, 'token'> {
  return { host: hostname(), processes: processSpace(), pid: process.pid, began: beginOf(process.pid) ?? '' }
}

function processSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    // Only Linux has it.
    return ''
  }
}

/** When a process has begun, as far as the system tells; nothing where there is no such process. */
function beginOf(pid: number): string | undefined {
  try {
    // The name of the program is in parentheses and may hold anything.
    const [, rest = ''] = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? []
    return rest.split(' ')[19] ?? ''
  } catch {
    return isAlive(pid) ? '' : undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It is there, and somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
