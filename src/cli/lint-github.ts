import type { Finding } from '../lint/finding.ts'
import { disarmAnywhere } from './ci-commands.ts'
import { type LintReport, summarise } from './lint-report.ts'
import { toCell } from './table.ts'

/** Workflow commands of GitHub Actions: it shows each finding beside its line in a pull request. */
export function formatGithub(report: LintReport): string {
  const lines = report.findings.map((finding) => `${formatCommand(finding)}\n`)
  return `${lines.join('')}${summarise(report)}\n`
}

const COMMANDS = { error: 'error', warn: 'warning', info: 'notice' } as const

function formatCommand({ level, code, file, line, column, message, hint }: Finding): string {
  const properties = Object.entries({ file, line, col: column, title: `eventsets: ${code}` })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${escapeProperty(clean(String(value)))}`)
  const text = [message, hint ?? ''].map(clean).filter((part) => part !== '')
  return `::${COMMANDS[level]} ${properties.join(',')}::${escapeData(text.join('\n'))}`
}

/** Other systems read these lines too. */
function clean(text: string): string {
  return disarmAnywhere(toCell(text))
}

/** As the runner of GitHub takes it apart again. */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
