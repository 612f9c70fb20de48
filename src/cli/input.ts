import { accessSync, closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { nearestNames } from '../core/nearest.ts'
import { COMMANDS } from './arguments.ts'

export interface Inputs {
  /** Files that can be read; `-` is standard input. */
  readonly names: readonly string[]
  /** A sentence for each file that cannot be read. The others are read all the same. */
  readonly problems: readonly string[]
}

const CHUNK_BYTES = 256 * 1024

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
  return `cannot read ${name === '-' ? 'standard input' : JSON.stringify(name)}: ${reasons[code] ?? message}${hint}`
}

function directoryError(): Error {
  return Object.assign(new Error('is a directory'), { code: 'EISDIR' })
}

/** The bytes of an input, `-` being standard input. */
export function readChunks(name: string): AsyncIterable<Buffer> | Iterable<Buffer> {
  if (name !== '-') return readFileChunks(openSync(name, 'r'))
  return fstatSync(0).isFile() ? readFileChunks(0) : readPipe()
}

/** The bytes of a file, read synchronously: nothing else is to be done meanwhile, and it is the fastest way. */
function* readFileChunks(fd: number): Generator<Buffer> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  try {
    for (let bytes = readSync(fd, buffer); bytes > 0; bytes = readSync(fd, buffer))
      yield buffer.subarray(0, bytes)
  } finally {
    if (fd !== 0) closeSync(fd)
  }
}

/** The bytes that come through a pipe, or from a terminal. */
async function* readPipe(): AsyncGenerator<Buffer> {
  // Ctrl-C ends the application before us in the pipe; its last lines are still to come. The second one ends us.
  const ignoreOnce = () => {}
  process.once('SIGINT', ignoreOnce)
  try {
    yield* process.stdin as AsyncIterable<Buffer>
  } finally {
    process.off('SIGINT', ignoreOnce)
  }
}
