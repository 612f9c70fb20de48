import { readArguments } from './arguments.ts'
import { endCommand } from './ending.ts'
import { reportError } from './report-error.ts'
import { view } from './view.ts'

/** Runs the command to its end. */
export async function runCommand(argv: readonly string[]): Promise<void> {
  await endCommand(await execute(argv))
}

/** Shows a log where that is all there is to do; everything else is left to commander. */
async function execute(argv: readonly string[]): Promise<number> {
  try {
    const { isView, operands, flags, canonical } = readArguments(argv)
    if (isView) return await view(operands, flags)
    const { runProgram } = await import('./program.ts')
    return await runProgram(canonical)
  } catch (error) {
    return reportError(error, argv)
  }
}
