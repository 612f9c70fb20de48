let isGuarded = false

/** A reader that has gone (`eventsets list | head -1`) is no error: what it wanted, it has. */
function guardStreams(): void {
  if (isGuarded) return
  isGuarded = true
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
}

/** Results go to standard output. */
export function print(text: string): void {
  guardStreams()
  process.stdout.write(text)
}

/** Everything else goes to standard error. */
export function printError(text: string): void {
  guardStreams()
  process.stderr.write(text)
}
