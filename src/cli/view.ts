import type { FileWriter } from '../pino/file-writer.ts'
import {
  createLineProcessor,
  type LineProcessor,
  loadScanner,
  WORTHWHILE_BYTES,
} from '../pino/line-processor.ts'
import { isTerminal } from '../pino/terminal.ts'
import type { Flags } from './arguments.ts'
import { EXAMPLES } from './examples.ts'
import { ExitCode } from './exit-code.ts'
import { checkInputs, describeProblem, openInput } from './input.ts'
import { checkWritten, openStandardOutput, printError } from './output.ts'
import { isConfigurationProblem, loadSets } from './sets.ts'
import { toLineOptions } from './view-flags.ts'

/** `eventsets [file...]`: the lines of files or of standard input, with their markers. */
export async function view(given: readonly string[], flags: Flags): Promise<number> {
  const wanted = given.length === 0 ? ['-'] : given
  const isStandardInputOnly = wanted.every((name) => name === '-')
  if (isStandardInputOnly && isTerminal(0)) {
    printError(
      `eventsets: no input: name a log file, or pipe a log into it.\n\n${EXAMPLES}\nRun "eventsets --help" for all there is.\n`,
    )
    return ExitCode.FAILURE
  }
  const { registry, problems: found, options: configured } = await loadSets(flags)
  const { options, problems: ofOptions } = toLineOptions(flags, configured, isTerminal(1))

  let exitCode: number = ExitCode.OK
  const report = (problem: string) => {
    printError(`eventsets: ${problem}\n`)
    exitCode = ExitCode.FAILURE
  }
  for (const { message } of found.filter(isConfigurationProblem)) report(message)
  ofOptions.forEach(report)
  const ofPlugins = found.filter((problem) => !isConfigurationProblem(problem)).length
  // Not our user's fault, and no reason to keep a log from them.
  if (ofPlugins > 0) {
    const count = ofPlugins === 1 ? '1 problem' : `${ofPlugins} problems`
    printError(`eventsets: ${count} with plugins; "eventsets list" tells what is wrong.\n`)
  }
  const { names, problems } = checkInputs(wanted)
  problems.forEach(report)

  const writer = openStandardOutput()
  const createProcessor = () => createLineProcessor(registry, options)
  // A pipe is followed anyway.
  if (flags.follow === true && !isStandardInputOnly) {
    const { followFiles } = await import('./follow.ts')
    const signal = await followFiles(names, { createProcessor, writer, report })
    if (signal !== undefined) exitCode = signal === 'SIGINT' ? ExitCode.INTERRUPTED : ExitCode.TERMINATED
  } else await passAll(names, createProcessor(), writer, report)

  checkWritten(writer)
  return exitCode
}

/** Everything of all inputs through the processor, one after the other. */
async function passAll(
  names: readonly string[],
  processor: LineProcessor,
  writer: FileWriter,
  report: (problem: string) => void,
): Promise<void> {
  let lastByte = NEWLINE
  const write = (bytes: Buffer) => {
    if (bytes.length === 0) return
    writer.write(bytes)
    lastByte = bytes.at(-1) as number
  }
  for (const name of names) {
    // Else the last line of one file and the first of the next would become one.
    if (lastByte !== NEWLINE) write(Buffer.from([NEWLINE]))
    try {
      const input = openInput(name)
      try {
        for (;;) {
          const room = processor.room()
          const read = input.read(room)
          // A file is read at once; to wait even for that would cost a turn of the event loop a chunk.
          const bytes = typeof read === 'number' ? read : await read
          if (bytes === 0) break
          // A file leaves no moment in which it could be loaded by itself.
          if (bytes >= WORTHWHILE_BYTES) await loadScanner()
          processor.takeFrom(room, bytes, write)
          // Nobody reads on, or nothing can be written: reading the rest would be work for nothing.
          if (writer.isBroken || writer.failure !== undefined) return
        }
      } finally {
        input.close()
      }
    } catch (error) {
      report(describeProblem(name, error))
    }
    write(processor.end())
  }
}

const NEWLINE = 10
