import { closeSync, constants, fstatSync, openSync, readSync, statSync, write, writeSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { EventsetsError } from '../core/errors.ts'
import { describeWriteFailure } from '../pino/file-writer.ts'

/** Where lines go that must have arrived before they are acknowledged. */
export interface WorkerOutput {
  /**
   * Resolves when the system has taken all of it. False: the reader of the pipe has gone, and nobody knows how much of it
   * arrived.
   *
   * @throws EventsetsError when it cannot be written.
   */
  write(bytes: Buffer): Promise<boolean>
  close(): void
}

/** How often it is looked whether somebody reads a named pipe. */
const LOOK_MS = 50

/**
 * Opens a file to append to, or standard output: `-`. It is written in the background: signs of life go on while nobody
 * reads. A named pipe is waited for until somebody reads it.
 *
 * @returns Undefined when the waiting was ended.
 * @throws EventsetsError when the file cannot be opened.
 */
export async function openWorkerOutput(to: string, end: AbortSignal): Promise<WorkerOutput | undefined> {
  const isOwn = to !== '-'
  const fd = isOwn ? await openPath(to, end) : 1
  if (fd === undefined) return undefined
  const name = isOwn ? to : 1
  return {
    async write(bytes) {
      let written = 0
      let waitMs = 1
      while (written < bytes.length) {
        try {
          written += await writeSome(fd, bytes, written)
          waitMs = 1
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException
          if (code === 'EPIPE') return false
          if (code !== 'EAGAIN') throw failed(name, error)
          // The pipe is non-blocking, and its reader is slow.
          await wait(waitMs)
          waitMs = Math.min(waitMs * 2, 50)
        }
      }
      return true
    },
    close() {
      if (isOwn) closeSync(fd)
    },
  }
}

function writeSome(fd: number, bytes: Buffer, from: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, from, bytes.length - from, null, (error, count) => {
      if (error) reject(error)
      else resolve(count)
    })
  })
}

async function openPath(path: string, end: AbortSignal): Promise<number | undefined> {
  if (!isPipe(path)) return openToAppend(path)
  while (!end.aborted) {
    const fd = openPipe(path)
    if (fd !== undefined) return fd
    // An end is no failure.
    await wait(LOOK_MS, undefined, { signal: end }).catch(() => {})
  }
  return undefined
}

function isPipe(path: string): boolean {
  try {
    return statSync(path).isFIFO()
  } catch {
    // What is wrong with it shows when it is opened.
    return false
  }
}

/** Undefined when nobody reads it. To open it otherwise would wait for that, and for no signal. */
function openPipe(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return undefined
    throw failed(path, error)
  }
}

function openToAppend(path: string): number {
  try {
    const fd = openSync(path, 'a')
    // Whoever was killed while writing has left a part of a line, and the next one must not be glued to it.
    if (isCutShort(path, fd)) writeSync(fd, '\n')
    return fd
  } catch (error) {
    throw failed(path, error)
  }
}

function isCutShort(path: string, fd: number): boolean {
  const stats = fstatSync(fd)
  if (!stats.isFile() || stats.size === 0) return false
  const last = Buffer.alloc(1)
  const reading = openSync(path, 'r')
  try {
    return readSync(reading, last, 0, 1, stats.size - 1) === 1 && last[0] !== NEWLINE
  } finally {
    closeSync(reading)
  }
}

const NEWLINE = 10

function failed(destination: string | number, error: unknown): EventsetsError {
  const message = describeWriteFailure(destination, error).replace(/^eventsets: /, '')
  return new EventsetsError(message, { code: 'EVENTSETS_DESTINATION', cause: error })
}
