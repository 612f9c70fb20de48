import { isatty } from 'node:tty'
import { EventsetsError, ValidationError } from '../core/errors.ts'
import { type FileWriter, openFileWriter } from '../pino/file-writer.ts'
import { createLineProcessor, type LineProcessor, type LineProcessorOptions } from '../pino/line-processor.ts'
import { findLevelIssues, type LineOptions } from '../pino/options.ts'
import { decideColour } from '../pretty/colour.ts'
import { ExitCode } from './exit-code.ts'
import { followFiles } from './follow.ts'
import { type InputFile, openInputs, readFileChunks, readStandardInput } from './input.ts'
import { printError } from './output.ts'
import { loadRegistry } from './sets.ts'

type Flags = { readonly [flag: string]: unknown }

/** `eventsets [file...]`: the lines of files or of standard input, with their markers. */
export async function view(names: readonly string[], flags: Flags, showHelp: () => void): Promise<number> {
  const fromStandardInput = names.length === 0 || names.every((name) => name === '-')
  if (fromStandardInput && isatty(0)) {
    printError('eventsets: no input: name a log file, or pipe a log into it.\n\n')
    showHelp()
    return ExitCode.FAILURE
  }
  const options = toLineOptions(flags)
  const registry = loadRegistry(flags.set as string[])
  const { files, problems } = openInputs(names)
  for (const problem of problems) printError(`eventsets: ${problem}\n`)

  const writer = openFileWriter(1, { report: () => {} })
  const createProcessor = () => createLineProcessor(registry, options)
  if (fromStandardInput) await pass(readStandardInput(), createProcessor(), writer)
  else if (flags.follow === true) {
    const wasInterrupted = await followFiles(files, createProcessor, writer)
    if (wasInterrupted) return ExitCode.INTERRUPTED
  } else await passFiles(files, createProcessor(), writer)

  if (writer.failure !== undefined)
    throw new EventsetsError(writer.failure.replace(/^eventsets: /, ''), { code: 'EVENTSETS_DESTINATION' })
  writer.close()
  return problems.length > 0 ? ExitCode.FAILURE : ExitCode.OK
}

async function passFiles(
  files: readonly InputFile[],
  processor: LineProcessor,
  writer: FileWriter,
): Promise<void> {
  for (const [index, file] of files.entries()) {
    const lastByte = await pass(
      file.name === '-' ? readStandardInput() : readFileChunks(file),
      processor,
      writer,
    )
    // Else the last line of one file and the first of the next would become one.
    if (lastByte !== undefined && lastByte !== NEWLINE && index < files.length - 1)
      writer.write(Buffer.from('\n'))
    if (writer.isBroken || writer.failure !== undefined) return
  }
}

const NEWLINE = 10

/** Everything of one input through the processor; gives the last byte written. */
async function pass(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  processor: LineProcessor,
  writer: FileWriter,
): Promise<number | undefined> {
  let lastByte: number | undefined
  const write = (bytes: Buffer) => {
    lastByte = bytes.at(-1) ?? lastByte
    writer.write(bytes)
  }
  for await (const chunk of chunks) {
    write(processor.push(chunk))
    // Nobody reads on, or nothing can be written: reading the rest would be work for nothing.
    if (writer.isBroken || writer.failure !== undefined) return lastByte
  }
  write(processor.end())
  return lastByte
}

function toLineOptions(flags: Flags): LineProcessorOptions {
  const { json, color, follow, set, debug, useOnlyCustomProps, colorizeObjects, ...rest } = flags
  const asBoolean = useOnlyCustomProps === undefined ? undefined : useOnlyCustomProps !== 'false'
  const options = {
    ...rest,
    ascii: rest.ascii ?? isAsciiAsked(),
    output: json === true ? 'json' : 'pretty',
    colorize: decideColour({ asked: color as boolean | undefined, isTerminal: isatty(1), env: process.env }),
    ...(colorizeObjects === false ? { colorizeObjects } : {}),
    ...(asBoolean === undefined ? {} : { useOnlyCustomProps: asBoolean }),
    ...(rest.translateTime === 'true' || rest.translateTime === 'false'
      ? { translateTime: rest.translateTime === 'true' }
      : {}),
  } as LineOptions
  const issues = findLevelIssues(options).map((issue) => ({ ...issue, path: '--minimum-level' }))
  if (issues.length > 0)
    throw new ValidationError('the command line is', issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
  return options
}

/** `EVENTSETS_ASCII=1` says once and for all that a terminal has no emoji. */
export function isAsciiAsked(): boolean {
  const { EVENTSETS_ASCII: asked = '' } = process.env
  return asked !== '' && asked !== '0' && asked !== 'false'
}
