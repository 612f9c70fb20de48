import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { EventsetsError } from '../core/errors.ts'
import { reportOnStderr } from './report.ts'

export interface FileWriterOptions {
  /** Keep what a file holds. Default true. */
  readonly append?: boolean | undefined
  /** Make the directories of the path. Default false. */
  readonly mkdir?: boolean | undefined
  /** Told what a person should know: that lines wait, that lines were lost. Default: a line on stderr. */
  readonly report?: ((message: string) => void) | undefined
}

/** Writes bytes to a file descriptor or a file, and gives none up lightly. */
export interface FileWriter {
  /** Writes all the bytes before it returns, or keeps them for later when the file cannot take them. Never throws. */
  write(bytes: Buffer): void
  /** Tries once more to write what was kept, and closes what it opened. */
  close(): void
  /** The reader has closed the pipe; nothing that is written arrives anywhere. */
  readonly isBroken: boolean
  /** Why the file cannot be written at the moment, as a sentence. */
  readonly failure: string | undefined
}

/** How much is kept in memory while a file cannot be written. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024

const RETRY_MS = 1000
const NEWLINE = 10
const EMPTY = Buffer.alloc(0)

/**
 * Opens a destination.
 *
 * Writing is synchronous: in a worker nothing else waits, and what has been written cannot be lost at exit.
 * Not through `process.stdout`, which in a worker is served by the main thread and loses everything at
 * `process.exit`.
 *
 * @throws EventsetsError when the file cannot be opened. The message stands alone.
 */
export function openFileWriter(destination: number | string, options: FileWriterOptions = {}): FileWriter {
  const { report = reportOnStderr } = options
  const fd = typeof destination === 'number' ? destination : openFile(destination, options)
  const name = nameOf(destination)
  let kept: Buffer[] = []
  let keptBytes = 0
  let lostLines = 0
  let failure: string | undefined
  let isBroken = false
  /** Whether what was accepted ends with a whole line. */
  let isLineWhole = true
  /** Whether something was dropped after what was accepted last, and whether the rest of its last line has to go too. */
  let hasGap = false
  let isDropping = false
  let retry: NodeJS.Timeout | undefined

  /** What could not be written, and whether the pipe is closed. */
  const writeAll = (bytes: Buffer): Buffer | undefined => {
    let written = 0
    let waitMs = 1
    while (written < bytes.length) {
      try {
        written += writeSync(fd, bytes, written, bytes.length - written)
        waitMs = 1
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'EAGAIN') {
          // Somebody has made the pipe non-blocking and its reader is slow: wait for it, as a blocking one would.
          sleep(waitMs)
          waitMs = Math.min(waitMs * 2, 50)
        } else if (code === 'EPIPE') {
          isBroken = true
          return undefined
        } else {
          if (failure === undefined) {
            failure = describeWriteFailure(destination, error)
            report(
              `${failure} Up to ${MAX_KEPT_BYTES / 1024 / 1024} MiB of lines are kept in memory and written as soon as it works again.`,
            )
          }
          return bytes.subarray(written)
        }
      }
    }
    return undefined
  }

  const writeKept = (): boolean => {
    while (kept.length > 0 && !isBroken) {
      const first = kept[0] as Buffer
      const rest = writeAll(first)
      if (rest) {
        kept[0] = rest
        keptBytes -= first.length - rest.length
        return false
      }
      kept.shift()
      keptBytes -= first.length
    }
    clearInterval(retry)
    retry = undefined
    if (failure !== undefined && !isBroken) {
      failure = undefined
      const lost =
        lostLines === 0 ? 'Nothing was lost.' : `${count(lostLines, 'line')} had to be dropped meanwhile.`
      report(`eventsets: ${name} can be written again. ${lost}`)
      lostLines = 0
    }
    return true
  }

  /** After something was dropped: the rest of a dropped line goes too, and a line that was cut off gets its end. */
  const closeGap = (bytes: Buffer): Buffer => {
    if (!hasGap) return bytes
    const start = isDropping ? bytes.indexOf(NEWLINE) + 1 : 0
    if (isDropping && start === 0) return EMPTY
    hasGap = false
    isDropping = false
    const whole = bytes.subarray(start)
    return isLineWhole ? whole : Buffer.concat([Buffer.of(NEWLINE), whole])
  }

  return {
    write(bytes) {
      if (isBroken || bytes.length === 0) return
      const isWritable = writeKept()
      const accepted = isWritable || keptBytes + bytes.length <= MAX_KEPT_BYTES ? closeGap(bytes) : undefined
      if (accepted === undefined) {
        lostLines += countLines(bytes)
        isDropping = bytes[bytes.length - 1] !== NEWLINE
        hasGap = true
        return
      }
      if (accepted.length === 0) return
      isLineWhole = accepted[accepted.length - 1] === NEWLINE
      const rest = isWritable ? writeAll(accepted) : accepted
      if (!rest || isBroken) return
      // A copy: the bytes may be a view of something that is used again.
      kept.push(Buffer.from(rest))
      keptBytes += rest.length
      // A quiet service may not write again for hours.
      retry ??= setInterval(writeKept, RETRY_MS).unref()
    },
    close() {
      clearInterval(retry)
      if (!writeKept() && !isBroken) {
        lostLines += kept.reduce((lines, bytes) => lines + countLines(bytes), 0)
        report(
          `eventsets: ${count(lostLines, 'line')} could not be written to ${name} and ${lostLines === 1 ? 'is' : 'are'} lost.`,
        )
        kept = []
      }
      if (typeof destination !== 'string') return
      try {
        closeSync(fd)
      } catch {
        // The bytes are written; a descriptor that cannot be closed harms nobody at exit.
      }
    },
    get isBroken() {
      return isBroken
    },
    get failure() {
      return failure
    },
  }
}

/** Why a destination cannot be written, as a sentence. */
export function describeWriteFailure(destination: number | string, error: unknown): string {
  return `eventsets: cannot write to ${nameOf(destination)}: ${describe(error)}.`
}

function nameOf(destination: number | string): string {
  if (typeof destination === 'string') return destination
  return STANDARD_NAMES[destination] ?? `file descriptor ${destination}`
}

const STANDARD_NAMES: { readonly [fd: number]: string } = { 1: 'standard output', 2: 'standard error' }

/** @throws EventsetsError when a descriptor is not open for writing. The message stands alone. */
export function assertWritable(fd: number): void {
  try {
    // Nothing is written, and the system says whether it could be.
    writeSync(fd, EMPTY)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EAGAIN' || code === 'EPIPE') return
    const hint = 'Check the option "destination".'
    throw new EventsetsError(`eventsets cannot write to ${nameOf(fd)}: ${describe(error)}. ${hint}`, {
      code: 'EVENTSETS_DESTINATION',
      hint,
      cause: error,
    })
  }
}

/** @throws EventsetsError when the file cannot be opened. The message stands alone. */
export function openFile(path: string, { append = true, mkdir = false }: FileWriterOptions = {}): number {
  try {
    if (mkdir) mkdirSync(dirname(path), { recursive: true })
    return openSync(path, append ? 'a' : 'w')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const hints: Record<string, string> = {
      ENOENT: 'Its directory does not exist; create it, or set the option "mkdir" to true.',
      EACCES: 'This user may not write there; change the permissions or the option "destination".',
      EPERM: 'This user may not write there; change the permissions or the option "destination".',
      EROFS: 'The file system is read-only; change the option "destination".',
      EISDIR: 'It is a directory; name a file in the option "destination".',
    }
    const hint = hints[code ?? ''] ?? 'Check the option "destination".'
    throw new EventsetsError(
      `eventsets cannot open ${JSON.stringify(path)} for writing: ${describe(error)}. ${hint}`,
      {
        code: 'EVENTSETS_DESTINATION',
        hint,
        cause: error,
      },
    )
  }
}

function describe(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  const words: Record<string, string> = {
    ENOSPC: 'no space is left on the device',
    EDQUOT: 'the disk quota is used up',
    EIO: 'the device reports an input/output error',
    EBADF: 'the file descriptor is not open for writing',
    EFBIG: 'the file would become too large',
    ENOENT: 'no such file or directory',
    EACCES: 'permission denied',
    EPERM: 'operation not permitted',
    EISDIR: 'is a directory',
    EROFS: 'the file system is read-only',
    ENOTDIR: 'a part of the path is not a directory',
  }
  const word = words[code ?? '']
  return word === undefined ? message : `${word} (${code})`
}

function countLines(bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines++
  return Math.max(lines, 1)
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

const sleeper = new Int32Array(new SharedArrayBuffer(4))

function sleep(ms: number): void {
  Atomics.wait(sleeper, 0, 0, ms)
}
