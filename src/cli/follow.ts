import { closeSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { FileWriter } from '../pino/file-writer.ts'
import type { LineProcessor } from '../pino/line-processor.ts'
import type { InputFile } from './input.ts'

/**
 * How often the files are looked at. Asked rather than watched: file system events are missing on network drives
 * and in containers, and a person does not notice a tenth of a second.
 */
const POLL_MS = 100

/**
 * Shows files and what is added to them, until a signal or the reader ends it. A file that is cut short is read
 * from its start again, and one that is replaced (rotated) is opened anew after its last bytes were read.
 *
 * Gives whether a signal ended it.
 */
export async function followFiles(
  files: readonly InputFile[],
  createProcessor: () => LineProcessor,
  writer: FileWriter,
): Promise<boolean> {
  const interruption = new AbortController()
  const interrupt = () => interruption.abort()
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  const followed = files
    .filter(({ fd }) => fd !== -1)
    .map((file) => followFile(file, createProcessor(), writer))
  try {
    while (followed.length > 0 && !writer.isBroken && writer.failure === undefined) {
      for (const file of followed) file.readOn()
      await wait(POLL_MS, undefined, { signal: interruption.signal })
    }
    return false
  } catch (error) {
    if (!interruption.signal.aborted) throw error
    for (const file of followed) file.end()
    return true
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

function followFile(file: InputFile, processor: LineProcessor, writer: FileWriter) {
  const buffer = Buffer.allocUnsafe(256 * 1024)
  let { fd } = file
  let position = 0
  let identity = identify(statOrUndefined(file.name))

  const readToEnd = () => {
    for (let bytes = readSync(fd, buffer, 0, buffer.length, position); bytes > 0; ) {
      position += bytes
      writer.write(processor.push(buffer.subarray(0, bytes)))
      bytes = writer.isBroken ? 0 : readSync(fd, buffer, 0, buffer.length, position)
    }
  }
  return {
    readOn() {
      readToEnd()
      const stats = statOrUndefined(file.name)
      // Gone for the moment, as during a rotation: the old file may still grow, and a new one will come.
      if (stats === undefined) return
      if (identify(stats) !== identity) {
        try {
          const next = openSync(file.name, 'r')
          writer.write(processor.end())
          closeSync(fd)
          fd = next
        } catch {
          return
        }
        identity = identify(stats)
        position = 0
        readToEnd()
      } else if (stats.size < position) {
        writer.write(processor.end())
        position = 0
        readToEnd()
      }
    },
    end() {
      writer.write(processor.end())
    },
  }
}

function statOrUndefined(name: string): Stats | undefined {
  try {
    return statSync(name)
  } catch {
    return undefined
  }
}

function identify(stats: Stats | undefined): string {
  return stats === undefined ? '' : `${stats.dev}:${stats.ino}`
}
