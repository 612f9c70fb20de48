/** Lets go of the modules of others that run in this process, which may have left a server or a timer that never ends. */
let release: (() => void) | undefined

/** Code of a configuration has run, and `letGo` says that its time is over. */
export function noteCodeRun(letGo: () => void): void {
  release = letGo
}

/**
 * Ends the command when its work is done, whatever modules of others would like to go on with.
 *
 * Only then by force. Ours is all written by now; what they have written may not be, where a pipe takes its time.
 */
export async function endCommand(exitCode: number): Promise<void> {
  process.exitCode = exitCode
  if (!release) return
  release()
  await Promise.all([process.stdout, process.stderr].map(waitForWritten))
  process.exit(exitCode)
}

function waitForWritten(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) {
      resolve()
      return
    }
    // A reader that has gone is told of as an error, too.
    stream.once('error', () => resolve())
    stream.write('', () => resolve())
  })
}
