import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { EventsetsError } from '../core/errors.ts'
import { wholeLinesWithin } from './line-queue.ts'
import { claimFile, type SpillLock } from './spill-lock.ts'

/** Lines on a disk, in their order. What has been appended survives the end of the process, however it ends. */
export interface SpillFile {
  /** The file of this process: the given path, or that with a number where another process has it. */
  readonly path: string
  /** What stands in the way at the path, and at the numbers behind it, and is left as it is. */
  readonly passedOver: readonly PassedOver[]
  /** How many bytes wait, those that dead processes left behind included. */
  readonly unreadBytes: number
  /** Takes whole lines as far as there is room, and gives how many bytes that were. Never throws: `failure` says why. */
  append(lines: Uint8Array): number
  /** Puts lines before all others, as far as there is room: the last ones. Gives how many bytes that were. */
  prepend(lines: Uint8Array): number
  /**
   * The first lines: so many bytes, or one line where that is longer. Nothing where there are none, or none can be read.
   * What somebody has cut off is left out, and `failure` says how much that was.
   */
  peek(mostBytes: number): Buffer | undefined
  /** Forgets the first lines, which are somewhere else by now. */
  release(bytes: number): void
  /** Tells when lines were found that a process has left behind which has died meanwhile. */
  onFound(listener: () => void): void
  /** Why the last call did not do all it should have, apart from room. */
  readonly failure: unknown
  /** Leaves what waits to the next process, and the file is gone where nothing waits. */
  close(): void
}

/** A file that is not one of ours, or is damaged. */
export interface PassedOver {
  readonly path: string
  /** As the rest of a sentence about it. */
  readonly reason: string
}

export interface SpillFileOptions {
  readonly path: string
  /** How many bytes the lines of this process take at most. */
  readonly maxBytes: number
  /** Make the folders of the path. */
  readonly mkdir: boolean
}

/** How often it is looked for what dead processes have left. */
const LOOK_MS = 5000
/** So many processes share a path, each with a file of its own. */
const MAX_FILES = 256

/**
 * Opens a file for lines that find no room elsewhere. A file that another process uses is left to it, and a number is
 * put behind the path; so it is where something else stands there. What a process left behind that is dead comes first.
 *
 * @throws EventsetsError when no file can be opened there.
 */
export function openSpillFile({ path: given, maxBytes, mkdir }: SpillFileOptions): SpillFile {
  const path = resolve(given)
  let opened: OpenedOwn
  try {
    if (mkdir) mkdirSync(dirname(path), { recursive: true })
    opened = openOwn(path, maxBytes)
  } catch (error) {
    throw cannotOpen(given, error)
  }
  const { passedOver } = opened
  let { own } = opened
  /** Those of dead processes, in the order they were found. */
  let left = [...opened.left]
  let failure: unknown

  let tellFound = () => {}
  const look = () => {
    for (const ring of [own, ...left]) ring.lock.refresh()
    const found = findLeft(path, [own, ...left])
    left.push(...found)
    if (found.length > 0) tellFound()
  }
  const secureOwn = () => {
    if (!own.lock.isLost()) return
    // This process was asleep for so long that somebody else has taken its file over.
    closeRing(own, false)
    const again = openOwn(path, maxBytes)
    own = again.own
    left.push(...again.left)
  }
  const careful = <T>(otherwise: T, action: () => T): T => {
    failure = undefined
    try {
      return action()
    } catch (error) {
      failure = error
      return otherwise
    }
  }
  const forget = (ring: Ring, bytes: number) => {
    // Whoever has taken it over sends it once more.
    if (ring.lock.isLost()) return leaveToOther(ring)
    ring.start = Math.min(ring.end, ring.start + bytes)
    if (unreadOf(ring) > 0) return writeHeader(ring)
    if (ring === own) return clear(own, maxBytes)
    left = left.filter((other) => other !== ring)
    closeRing(ring, true)
  }
  const leaveToOther = (ring: Ring) => {
    if (ring === own) return secureOwn()
    left = left.filter((other) => other !== ring)
    closeRing(ring, false)
  }
  /** Where the lines come from that were looked at last. */
  let peeked: Ring | undefined

  careful(undefined, look)
  const timer = setInterval(() => careful(undefined, look), LOOK_MS).unref()
  return {
    get path() {
      return own.path
    },
    passedOver,
    get unreadBytes() {
      return left.reduce((sum, ring) => sum + unreadOf(ring), unreadOf(own))
    },
    get failure() {
      return failure
    },
    onFound(listener) {
      tellFound = listener
    },
    append: (lines) =>
      careful(0, () => {
        secureOwn()
        const bytes = wholeLinesWithin(lines, own.capacity - unreadOf(own))
        if (bytes === 0) return 0
        writeAt(own, own.end, lines.subarray(0, bytes))
        own.end += bytes
        writeHeader(own)
        return bytes
      }),
    prepend: (lines) =>
      careful(0, () => {
        secureOwn()
        const tooMany = Math.max(0, lines.length - (own.capacity - unreadOf(own)))
        const start = tooMany === 0 ? 0 : lines.indexOf(NEWLINE, tooMany - 1) + 1
        if (tooMany > 0 && start === 0) return 0
        const last = lines.subarray(start)
        if (last.length === 0) return 0
        writeAt(own, own.start - last.length, last)
        own.start -= last.length
        writeHeader(own)
        return last.length
      }),
    peek: (mostBytes) =>
      careful(undefined, () => {
        for (let lostBytes = 0; ; ) {
          peeked = left.find(unreadOf) ?? own
          const lines = unreadOf(peeked) === 0 ? undefined : readLines(peeked, mostBytes)
          if (lostBytes > 0)
            failure = new Error(`the file has been cut off, and ${lostBytes} bytes of lines are lost`)
          if (lines || unreadOf(peeked) === 0) return lines
          const bytes = unreadableBytes(peeked)
          if (!peeked.lock.isLost()) lostBytes += bytes
          forget(peeked, bytes)
        }
      }),
    release: (bytes) =>
      careful(undefined, () => {
        if (peeked) forget(peeked, bytes)
      }),
    close() {
      clearInterval(timer)
      for (const ring of [...left, own]) careful(undefined, () => closeRing(ring, unreadOf(ring) === 0))
    },
  }
}

/**
 * A file that lines are written to in a circle: behind its end it goes on at the beginning. Places are counted on
 * without end, and the header says where the lines begin and end.
 */
interface Ring {
  readonly path: string
  readonly fd: number
  readonly lock: SpillLock
  capacity: number
  start: number
  end: number
}

const NEWLINE = 10
const MAGIC = Buffer.from('eventsets spill\x01', 'latin1')
const HEADER_BYTES = 64

function unreadOf({ start, end }: Ring): number {
  return end - start
}

interface OpenedOwn {
  readonly own: Ring
  /** What was left behind where another size was asked for: it is emptied, and nothing is added. */
  readonly left: readonly Ring[]
  readonly passedOver: readonly PassedOver[]
}

function openOwn(path: string, maxBytes: number): OpenedOwn {
  const left: Ring[] = []
  const passedOver: PassedOver[] = []
  try {
    for (let number = 0; number < MAX_FILES; number++) {
      const candidate = number === 0 ? path : `${path}.${number}`
      const lock = claimFile(candidate)
      if (!lock) continue
      const ring = tryRing(candidate, lock, maxBytes)
      if ('reason' in ring) passedOver.push(ring)
      else if (ring.capacity === maxBytes) return { own: ring, left, passedOver }
      else if (unreadOf(ring) > 0) left.push(ring)
      else {
        left.push(ring)
        clear(ring, maxBytes)
        left.pop()
        return { own: ring, left, passedOver }
      }
    }
  } catch (error) {
    for (const ring of left) closeRing(ring, false)
    throw error
  }
  for (const ring of left) closeRing(ring, false)
  throw new Error(`${MAX_FILES} processes use it already, or something else stands there`)
}

function tryRing(path: string, lock: SpillLock, maxBytes: number): Ring | PassedOver {
  try {
    return openRing(path, lock, maxBytes)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (error instanceof Unusable) return { path, reason: message }
    if (code === 'ELOOP') return { path, reason: 'it is a link' }
    if (code === 'EISDIR') return { path, reason: 'it is a folder' }
    throw error
  }
}

/** What is there is not for us. */
class Unusable extends Error {}

/** The files of processes that are dead and have left something. */
function findLeft(path: string, known: readonly Ring[]): Ring[] {
  const folder = dirname(path)
  const name = basename(path)
  const candidates = readdirSync(folder)
    .filter(
      (file) =>
        file === name || (file.startsWith(`${name}.`) && /^\d{1,3}$/.test(file.slice(name.length + 1))),
    )
    .map((file) => join(folder, file))
    .filter((file) => !known.some((ring) => ring.path === file))
  return candidates.flatMap((file) => {
    const lock = claimFile(file)
    // Somebody may have ended, and taken it away, just now.
    if (!lock || !existsSync(file)) {
      lock?.release()
      return []
    }
    try {
      const ring = openRing(file, lock, 0)
      if (unreadOf(ring) > 0) return [ring]
      closeRing(ring, true)
    } catch {
      // It is not one of ours, or cannot be read: it is left as it is, and its lock has been released.
    }
    return []
  })
}

function openRing(path: string, lock: SpillLock, maxBytes: number): Ring {
  let fd: number | undefined
  try {
    // Links are not followed: where everybody can write, they may lead anywhere.
    const { O_RDWR, O_CREAT, O_NOFOLLOW = 0 } = constants
    fd = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600)
    const stats = fstatSync(fd)
    if (!stats.isFile()) throw new Unusable('it is no file')
    if (process.getuid && stats.uid !== process.getuid()) throw new Unusable('it belongs to another user')
    const ring: Ring = { path, fd, lock, capacity: 0, start: 0, end: 0 }
    if (stats.size === 0) clear(ring, maxBytes)
    else readHeader(ring)
    return ring
  } catch (error) {
    if (fd !== undefined) closeSync(fd)
    lock.release()
    throw error
  }
}

function closeRing({ path, fd, lock }: Ring, isDone: boolean): void {
  if (isDone && !lock.isLost()) rmSync(path, { force: true })
  closeSync(fd)
  lock.release()
}

/** Nothing waits any more, and the disk has its room back. */
function clear(ring: Ring, maxBytes: number): void {
  ring.capacity = maxBytes
  // Not zero: something may be put before it.
  ring.start = maxBytes
  ring.end = maxBytes
  writeHeader(ring)
  ftruncateSync(ring.fd, HEADER_BYTES)
}

function readHeader(ring: Ring): void {
  const header = Buffer.alloc(HEADER_BYTES)
  const bytes = readSync(ring.fd, header, 0, HEADER_BYTES, 0)
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) throw new Unusable('it holds something else')
  const [capacity = 0, start = 0, end = 0] = [16, 24, 32].map((at) => Number(header.readBigUInt64LE(at)))
  const isSound =
    bytes === HEADER_BYTES &&
    [capacity, start, end].every(Number.isSafeInteger) &&
    capacity > 0 &&
    start <= end &&
    end - start <= capacity
  if (!isSound) throw new Unusable('it is damaged')
  ring.capacity = capacity
  ring.start = start
  ring.end = end
}

/** At once, so that at every moment the file says what is true. */
function writeHeader({ fd, capacity, start, end }: Ring): void {
  const header = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(header)
  for (const [index, value] of [capacity, start, end].entries())
    header.writeBigUInt64LE(BigInt(value), 16 + 8 * index)
  writeAll(fd, header, 0)
}

function writeAt({ fd, capacity }: Ring, place: number, bytes: Uint8Array): void {
  const at = place % capacity
  const fitting = Math.min(bytes.length, capacity - at)
  writeAll(fd, bytes.subarray(0, fitting), HEADER_BYTES + at)
  writeAll(fd, bytes.subarray(fitting), HEADER_BYTES)
}

function writeAll(fd: number, bytes: Uint8Array, at: number): void {
  for (let written = 0; written < bytes.length; )
    written += writeSync(fd, bytes, written, bytes.length - written, at + written)
}

/** Nothing where the file does not have the first line as a whole. */
function readLines(ring: Ring, mostBytes: number): Buffer | undefined {
  const unread = readableBytes(ring)
  if (unread === 0) return undefined
  for (let bytes = Math.min(unread, mostBytes); ; bytes = Math.min(unread, bytes * 2)) {
    const read = readAt(ring, ring.start, bytes)
    if (read === undefined) return undefined
    const end = (bytes > mostBytes ? read.indexOf(NEWLINE) : read.lastIndexOf(NEWLINE)) + 1
    if (end > 0) return read.subarray(0, end)
    if (bytes === unread) return unread === unreadOf(ring) ? read : undefined
  }
}

/** How much of what is unread, from its beginning, the file has: somebody may have cut it off. */
function readableBytes(ring: Ring): number {
  const { fd, capacity, start } = ring
  const unread = unreadOf(ring)
  const presentBytes = Math.max(0, fstatSync(fd).size - HEADER_BYTES)
  const at = start % capacity
  const untilEnd = Math.min(unread, capacity - at)
  const before = Math.min(untilEnd, Math.max(0, presentBytes - at))
  return before < untilEnd ? before : before + Math.min(unread - untilEnd, presentBytes)
}

/** How far it is to the first line behind a gap: to the beginning of the circle, and on to a line end. */
function unreadableBytes(ring: Ring): number {
  const { capacity, start, end } = ring
  const gap = start + readableBytes(ring)
  const behind = { ...ring, start: Math.min(end, gap + capacity - (gap % capacity)) }
  const rest = readableBytes(behind)
  for (let bytes = Math.min(rest, 65_536); bytes > 0; bytes = Math.min(rest, bytes * 2)) {
    // What is there of a line that began in the gap.
    const lineEnd = (readAt(behind, behind.start, bytes)?.indexOf(NEWLINE) ?? -1) + 1
    if (lineEnd > 0) return behind.start + lineEnd - start
    if (bytes === rest) break
  }
  return behind.start + rest - start
}

function readAt({ fd, capacity }: Ring, place: number, count: number): Buffer | undefined {
  const bytes = Buffer.alloc(count)
  const at = place % capacity
  const fitting = Math.min(count, capacity - at)
  const isWhole =
    readAll(fd, bytes.subarray(0, fitting), HEADER_BYTES + at) &&
    readAll(fd, bytes.subarray(fitting), HEADER_BYTES)
  return isWhole ? bytes : undefined
}

function readAll(fd: number, bytes: Buffer, at: number): boolean {
  for (let read = 0; read < bytes.length; ) {
    const count = readSync(fd, bytes, read, bytes.length - read, at + read)
    if (count === 0) return false
    read += count
  }
  return true
}

function cannotOpen(path: string, error: unknown): EventsetsError {
  const { message } = error as Error
  const hint = 'Check the option "spillPath"; its folder is made where "mkdir" is true.'
  return new EventsetsError(`eventsets cannot keep lines in ${JSON.stringify(path)}: ${message}. ${hint}`, {
    code: 'EVENTSETS_DESTINATION',
    hint,
    cause: error,
  })
}
