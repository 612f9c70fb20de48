import { writeSync } from 'node:fs'
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
