import { writeSync } from 'node:fs'
import { readVersion } from './version.ts'

/** Runs the command with its arguments, and leaves its exit code to the process. Loads what these arguments need, and no more. */
export async function run(argv: readonly string[]): Promise<void> {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V') && printVersion()) return
  // All that it takes to show a log in one import, and so in few files: each one takes Node its time.
  const { runCommand } = await import('./command.ts')
  await runCommand(argv)
}

/** Scripts ask for the version often, so this takes next to nothing. False when there is something the matter. */
function printVersion(): boolean {
  try {
    writeSync(1, `${readVersion()}\n`)
    return true
  } catch {
    // The long way knows what to do about a reader that has gone, or a full disk.
    return false
  }
}
