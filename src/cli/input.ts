import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { didYouMean } from '../core/nearest.ts'

export interface InputFile {
  readonly name: string
  /** -1 for standard input. */
  readonly fd: number
}

export interface Inputs {
  readonly files: readonly InputFile[]
  /** A sentence for each file that cannot be read. The others are read all the same. */
  readonly problems: readonly string[]
}

const CHUNK_BYTES = 256 * 1024

/** Opens all files before anything is read, so that every wrong name is known at once. */
export function openInputs(names: readonly string[]): Inputs {
  const files: InputFile[] = []
  const problems: string[] = []
  for (const name of names) {
    try {
      const fd = name === '-' ? -1 : openSync(name, 'r')
      if (fd !== -1 && fstatSync(fd).isDirectory()) {
        closeSync(fd)
        problems.push(`cannot read ${JSON.stringify(name)}: it is a directory. Name a log file.`)
      } else files.push({ name, fd })
    } catch (error) {
      problems.push(describeProblem(name, error as NodeJS.ErrnoException))
    }
  }
  return { files, problems }
}

function describeProblem(name: string, { code, message }: NodeJS.ErrnoException): string {
  const reasons: Record<string, string> = { ENOENT: 'there is no such file', EACCES: 'permission denied' }
  const command = code === 'ENOENT' ? didYouMean(name, ['list', 'show', 'help']) : ''
  const hint =
    command === '' ? '' : `${command.replace('; did', '. Did').replace('mean', 'mean the command')}`
  return `cannot read ${JSON.stringify(name)}: ${reasons[code ?? ''] ?? message}${hint}`
}

/** The bytes of a file, read synchronously: nothing else is to be done meanwhile, and it is the fastest way. */
export function* readFileChunks({ fd }: InputFile): Generator<Buffer> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  try {
    for (let bytes = readSync(fd, buffer); bytes > 0; bytes = readSync(fd, buffer))
      yield buffer.subarray(0, bytes)
  } finally {
    closeSync(fd)
  }
}

/** The bytes of standard input: as a file where it is one, as a stream where it is a pipe or a terminal. */
export async function* readStandardInput(): AsyncGenerator<Buffer> {
  if (fstatSync(0).isFile()) {
    yield* readFileChunks({ name: '-', fd: 0 })
    return
  }
  // Ctrl-C ends the application before us in the pipe; its last lines are still to come. The second one ends us.
  const ignoreOnce = () => {}
  process.once('SIGINT', ignoreOnce)
  try {
    yield* process.stdin as AsyncIterable<Buffer>
  } finally {
    process.off('SIGINT', ignoreOnce)
  }
}
