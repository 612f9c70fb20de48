import { EventsetsError } from '../core/errors.ts'
import { toSafeJson } from '../pretty/safe-json.ts'
import { COMMANDS } from './arguments.ts'
import { ExitCode } from './exit-code.ts'
import { printError } from './output.ts'

/** Tells a person what went wrong, and gives the exit code for it. */
export function reportError(error: unknown, argv: readonly string[]): number {
  const isDebugging = argv.includes('--debug') || /^eventsets/.test(process.env.DEBUG ?? '')
  if (!(error instanceof EventsetsError)) {
    // Unknown: a defect of ours, and the stack is what a report needs.
    const stack = error instanceof Error ? error.stack : String(error)
    printError(`eventsets: this should not have happened; please report it.\n${stack}\n`)
    return ExitCode.FAILURE
  }
  const { code, message, hint, stack } = error
  // A program that asked for one JSON document is told in JSON; in the view, JSON lines are for a file.
  if (argv.includes('--json') && argv.some((argument) => COMMANDS.includes(argument)))
    printError(`${toSafeJson({ error: { code, message, hint } })}\n`)
  else printError(`eventsets: ${message}\n${hint === undefined || message.includes(hint) ? '' : `${hint}\n`}`)
  if (isDebugging) printError(`${stack}\n`)
  return ExitCode.FAILURE
}
