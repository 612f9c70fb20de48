import { EventsetsError } from '../core/errors.ts'
import { type FileWriter, openFileWriter } from '../pino/file-writer.ts'
import { toSafeText } from '../pretty/safe-text.ts'
import { disarmCommands } from './ci-commands.ts'

/** Standard output, written synchronously: what has been written is not lost, however the process ends. */
export function openStandardOutput(): FileWriter {
  return openFileWriter(1, { report: () => {} })
}

/**
 * Says that nothing can be written, if so. A reader that has gone (`eventsets list | head -1`) is no failure: what
 * it wanted, it has.
 *
 * @throws EventsetsError
 */
export function checkWritten({ failure }: FileWriter): void {
  if (failure !== undefined)
    throw new EventsetsError(failure.replace(/^eventsets: /, ''), { code: 'EVENTSETS_DESTINATION' })
}

/**
 * Results go to standard output.
 *
 * @throws EventsetsError when they cannot be written.
 */
export function print(text: string): void {
  const writer = openStandardOutput()
  writer.write(Buffer.from(text))
  checkWritten(writer)
}

/** Everything else goes to standard error. It may quote a file, so nothing in it may act on a terminal or a CI system. */
export function printError(text: string): void {
  openFileWriter(2, { report: () => {} }).write(Buffer.from(disarmCommands(toSafeText(text))))
}
