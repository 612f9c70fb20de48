import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { oneLine } from '../discovery/origin.ts'
import type { FileWriter } from '../pino/file-writer.ts'
import type { LineProcessor } from '../pino/line-processor.ts'
import { quoteForShell } from './init/quote-for-shell.ts'
import { describeProblem } from './input.ts'

/**
 * How often the files are looked at. Asked rather than watched: file system events are missing on network drives
 * and in containers, and a person does not notice a tenth of a second.
 */
const POLL_MS = 100

const NEWLINE = Buffer.from('\n')

export interface FollowOptions {
  /** Each file has its own, since files may stop in mid-line. */
  readonly createProcessor: () => LineProcessor
  readonly writer: FileWriter
  /** Told of a file that cannot be followed, or no longer. */
  readonly report: (problem: string) => void
}

/**
 * Shows files and what is added to them, until a signal or the reader ends it. A file that is cut short is read
 * from its start again, and one that is replaced (rotated) is opened anew after its last bytes were read.
 *
 * Gives the signal that ended it, if one did.
 */
export async function followFiles(
  names: readonly string[],
  { createProcessor, writer, report }: FollowOptions,
): Promise<'SIGINT' | 'SIGTERM' | undefined> {
  const interruption = new AbortController()
  const { signal } = interruption
  const interrupt = (name: NodeJS.Signals) => interruption.abort(name)
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  let followed = names.flatMap((name) => openFollowed(name, createProcessor(), writer, report) ?? [])
  try {
    while (followed.length > 0 && !writer.isBroken && writer.failure === undefined) {
      let isMoreExpected = false
      followed = followed.filter((file) => {
        try {
          isMoreExpected = file.readOn() || isMoreExpected
          return true
        } catch (error) {
          file.end()
          report(describeProblem(file.name, error))
          return false
        }
      })
      // One chunk a turn: a large file must not keep a signal waiting.
      await (isMoreExpected ? nextTurn(undefined, { signal }) : wait(POLL_MS, undefined, { signal }))
    }
    return undefined
  } catch (error) {
    if (!signal.aborted) throw error
    for (const file of followed) file.end()
    return signal.reason
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

interface FollowedFile {
  readonly name: string
  /** Reads what there is, a chunk at most. Gives whether there may be more at once. */
  readOn(): boolean
  /** Shows the last line, though it has no newline yet. */
  end(): void
}

function openFollowed(
  name: string,
  processor: LineProcessor,
  writer: FileWriter,
  report: FollowOptions['report'],
): FollowedFile | undefined {
  if (name === '-' || !statSync(name).isFile()) {
    report(
      name === '-'
        ? 'cannot follow standard input beside files. Leave out "-", or leave out the files.'
        : `cannot follow ${JSON.stringify(name)}: it is not a regular file. Pipe it in: eventsets < ${oneLine(quoteForShell(name))}`,
    )
    return undefined
  }
  try {
    return followFile(name, processor, writer)
  } catch (error) {
    report(describeProblem(name, error))
    return undefined
  }
}

function followFile(name: string, processor: LineProcessor, writer: FileWriter): FollowedFile {
  const write = (bytes: Buffer) => writer.write(bytes)
  let fd = openSync(name, 'r')
  let identity = identify(fstatSync(fd))
  let position = 0

  const readChunk = (): boolean => {
    const room = processor.room()
    const bytes = readSync(fd, room, 0, room.length, position)
    position += bytes
    processor.takeFrom(room, bytes, write)
    return bytes > 0
  }
  const end = () => {
    const rest = processor.end()
    writer.write(rest)
    // Else the next line, of this file or another one, would be glued to it.
    if (rest.length > 0 && rest.at(-1) !== NEWLINE[0]) writer.write(NEWLINE)
  }
  const reopen = () => {
    const next = openSync(name, 'r')
    while (readChunk() && !writer.isBroken) {}
    end()
    closeSync(fd)
    fd = next
    identity = identify(fstatSync(fd))
    position = 0
  }
  return {
    name,
    readOn() {
      if (readChunk()) return true
      const stats = statOrUndefined(name)
      // Gone for the moment, as during a rotation: the old file may still grow, and a new one will come.
      if (stats === undefined) return false
      if (identify(stats) !== identity) {
        try {
          reopen()
        } catch {
          // Not readable yet, or gone again: the next look will tell.
          return false
        }
      } else if (stats.size < position) {
        end()
        position = 0
      } else return false
      return true
    },
    end,
  }
}

function statOrUndefined(name: string): Stats | undefined {
  try {
    return statSync(name)
  } catch {
    return undefined
  }
}

function identify({ dev, ino }: Stats): string {
  return `${dev}:${ino}`
}
