import { writeSync } from 'node:fs'
import type { Problem } from '../core/problem.ts'
import { toSafeText } from '../pretty/safe-text.ts'

/** Straight to the descriptor: `process.stderr` of a worker is lost at `process.exit`, like its stdout. */
export function reportOnStderr(message: string): void {
  try {
    writeSync(2, `${message}\n`)
  } catch {
    // Nobody can be told.
  }
}

/** What happens to a transformation that throws where nobody else would tell its author. */
export function reportTransformationError(error: unknown, { name }: { readonly name: string }): void {
  const reason = error instanceof Error ? error.message : String(error)
  reportOnStderr(
    toSafeText(
      `eventsets: a transformation of mapping ${JSON.stringify(name)} has thrown: ${reason}. Its values count as unchanged.`,
    ),
  )
}

/** Of several transports in one worker each meets the same problems, and nobody wants to read them twice. */
const reported = new Set<string>()

/** What is wrong with plugins and the configuration, once. */
export function reportProblems(problems: readonly Problem[]): void {
  for (const { message, hint } of problems) {
    if (reported.has(message)) continue
    reported.add(message)
    // A list of issues ends with a line of its own.
    const gap = message.includes('\n') ? '\n  ' : ' '
    reportOnStderr(toSafeText(`eventsets: ${message}${hint === undefined ? '' : `${gap}${hint}`}`))
  }
}
