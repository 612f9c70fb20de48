import { EventsetsError } from '../core/errors.ts'
import type { FindingLevel } from '../lint/rule.ts'
import type { Flags } from './arguments.ts'
import { ExitCode } from './exit-code.ts'
import { formatGithub } from './lint-github.ts'
import { checkHere } from './lint-here.ts'
import { formatJson } from './lint-json.ts'
import { formatJunit } from './lint-junit.ts'
import { createReport, isFailure, type LintReport } from './lint-report.ts'
import { formatSarif } from './lint-sarif.ts'
import { checkTargets } from './lint-target.ts'
import { formatText } from './lint-text.ts'
import { print } from './output.ts'
import { reportError } from './report-error.ts'
import { requireWorkingDirectory } from './working-directory.ts'

/** `eventsets lint [target...]`: what is wrong with event sets and plugins, or with everything in force. */
export async function lint(targets: readonly string[], flags: Flags): Promise<number> {
  const format = chooseFormat(flags)
  requireWorkingDirectory()
  const { checked, errors } =
    targets.length === 0 ? { checked: await checkHere(flags), errors: [] } : await checkTargets(targets)
  const report = createReport(checked, (flags.failOn as FindingLevel | undefined) ?? 'warn')
  // Beside targets that are not there, the others are told all the same.
  if (checked.length > 0) print(format(report, flags))
  for (const error of errors) reportError(error, process.argv.slice(2))
  if (errors.length > 0) return ExitCode.FAILURE
  return report.findings.some((finding) => isFailure(report, finding)) ? ExitCode.FINDINGS : ExitCode.OK
}

type Format = (report: LintReport, flags: Flags) => string

const FORMATS: { readonly [name: string]: Format } = {
  text: (report, { color }) => formatText(report, color as boolean | undefined),
  json: formatJson,
  github: formatGithub,
  sarif: formatSarif,
  junit: formatJunit,
}

/** @throws EventsetsError when two are asked for. */
function chooseFormat({ json, format = json ? 'json' : 'text' }: Flags): Format {
  const chosen = FORMATS[format as string]
  if (chosen !== undefined && (!json || format === 'json')) return chosen
  throw new EventsetsError(`"--json" and "--format ${format}" are two formats.`, {
    code: 'EVENTSETS_INVALID_OPTIONS',
    hint: 'Leave one of them out.',
  })
}
