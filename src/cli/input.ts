import { accessSync, closeSync, constants, fstatSync, openSync, read, readSync, statSync } from 'node:fs'
import { nearestNames } from '../core/nearest.ts'
import { oneLine } from '../discovery/origin.ts'
import { COMMANDS } from './arguments.ts'

export interface Inputs {
  /** Files that can be read; `-` is standard input. */
  readonly names: readonly string[]
  /** A sentence for each file that cannot be read. The others are read all the same. */
  readonly problems: readonly string[]
}

/** Looks at all files before anything is read, so that every wrong name is known at once. */
export function checkInputs(given: readonly string[]): Inputs {
  const names: string[] = []
  const problems: string[] = []
  for (const name of given) {
    try {
      if (name === '-') {
        // Read once, it is over: a second "-" has nothing to add.
        if (names.includes(name)) continue
        if (fstatSync(0).isDirectory()) throw directoryError()
      } else {
        if (statSync(name).isDirectory()) throw directoryError()
        accessSync(name, constants.R_OK)
      }
      names.push(name)
    } catch (error) {
      problems.push(describeProblem(name, error))
    }
  }
  return { names, problems }
}

/** Why a file cannot be read, as a sentence. */
export function describeProblem(name: string, error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such file',
    EACCES: 'permission denied',
    EISDIR: 'it is a directory; name a log file',
    EBADF: 'it is not open for reading',
    EMFILE: 'too many files are open',
  }
  const [command] = code === 'ENOENT' ? nearestNames(name, COMMANDS) : []
  const hint = command === undefined ? '.' : `. Did you mean the command "${command}"?`
  return `cannot read ${name === '-' ? 'standard input' : JSON.stringify(name)}: ${reasons[code] ?? oneLine(message)}${hint}`
}

function directoryError(): Error {
  return Object.assign(new Error('is a directory'), { code: 'EISDIR' })
}

/** Something to read, one piece after the other. */
export interface Input {
  /** Puts bytes into a buffer and gives how many; 0 is the end. */
  read(into: Buffer): number | Promise<number>
  close(): void
}

/** `-` is standard input. */
export function openInput(name: string): Input {
  if (name !== '-') return openFile(openSync(name, 'r'))
  const stats = fstatSync(0)
  return stats.isFile() ? openFile(0) : openPipe(stats.isCharacterDevice())
}

/** A file is read synchronously: nothing else is to be done meanwhile, and it is the fastest way. */
function openFile(fd: number): Input {
  return {
    read: (into) => readSync(fd, into),
    close: () => {
      if (fd !== 0) closeSync(fd)
    },
  }
}

/**
 * What comes through a pipe is read in the background, straight into the buffer: a signal must not wait for it. What
 * cannot be read like that, a terminal or a pipe that somebody has made non-blocking, is read as a stream.
 */
function openPipe(isTerminal: boolean): Input {
  // Ctrl-C ends the application before us in the pipe; its last lines are still to come. The second one ends us.
  const ignoreOnce = () => {}
  process.once('SIGINT', ignoreOnce)
  let chunks: AsyncIterator<Buffer> | undefined
  let rest: Buffer = Buffer.alloc(0)

  const readStream = async (into: Buffer): Promise<number> => {
    chunks ??= (process.stdin as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
    if (rest.length === 0) {
      const { done, value } = await chunks.next()
      if (done) return 0
      rest = value
    }
    const bytes = rest.copy(into)
    rest = rest.subarray(bytes)
    return bytes
  }
  const readPipe = (into: Buffer): Promise<number> =>
    new Promise((resolve, reject) => {
      read(0, into, 0, into.length, null, (error, bytes) => {
        if (!error) resolve(bytes)
        else if (error.code === 'EOF') resolve(0)
        else if (error.code === 'EAGAIN') resolve(readStream(into))
        else reject(error)
      })
    })
  return {
    read: (into) => (isTerminal || chunks ? readStream(into) : readPipe(into)),
    close: () => {
      process.off('SIGINT', ignoreOnce)
    },
  }
}
