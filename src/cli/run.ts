import { writeSync } from 'node:fs'
import { ExitCode } from './exit-code.ts'

/** Runs the command with its arguments and gives its exit code. Loads what these arguments need, and no more. */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) return await printVersion()
    const { readArguments } = await import('./arguments.ts')
    const { isView, operands, flags, canonical } = readArguments(argv)
    if (!isView) {
      const { runProgram } = await import('./program.ts')
      return await runProgram(canonical)
    }
    const { view } = await import('./view.ts')
    return await view(operands, flags)
  } catch (error) {
    const { reportError } = await import('./report-error.ts')
    return reportError(error, argv)
  }
}

/** Scripts ask for the version often, so this loads next to nothing. */
async function printVersion(): Promise<number> {
  const { readVersion } = await import('./version.ts')
  const text = `${readVersion()}\n`
  try {
    writeSync(1, text)
  } catch {
    // The long way knows what to do about a reader that has gone, or a full disk.
    const { print } = await import('./output.ts')
    print(text)
  }
  return ExitCode.OK
}
