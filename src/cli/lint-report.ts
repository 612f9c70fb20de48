import { isAbsolute, relative, sep } from 'node:path'
import { type Finding, isAtLeast } from '../lint/finding.ts'
import type { Checked } from '../lint/lint-package.ts'
import type { FindingLevel } from '../lint/rule.ts'

/** What lint has to tell, however it is written. */
export interface LintReport {
  /** By file. Files are as seen from the working directory. */
  readonly findings: readonly Finding[]
  /** All that was looked at, what has no findings among them. */
  readonly files: readonly string[]
  /** From this level on a finding is a failure. */
  readonly failOn: FindingLevel
}

export function createReport(checked: readonly Checked[], failOn: FindingLevel): LintReport {
  const findings = checked.flatMap((each) => each.findings)
  return {
    findings: findings.map((finding) => ({
      ...finding,
      file: finding.file === undefined ? undefined : showPath(finding.file),
    })),
    files: [...new Set(checked.flatMap(({ files }) => files.map(showPath)))],
    failOn,
  }
}

export function isFailure({ failOn }: LintReport, { level }: Finding): boolean {
  return isAtLeast(level, failOn)
}

/** The findings of each file, and of whatever else has some. */
export function groupByFile(findings: readonly Finding[]): ReadonlyMap<string, readonly Finding[]> {
  const groups = new Map<string, Finding[]>()
  for (const finding of findings) {
    const title = finding.file ?? nameOwner(finding)
    const group = groups.get(title) ?? []
    groups.set(title, group)
    group.push(finding)
  }
  return groups
}

/** What a finding is about, where that is no file. */
function nameOwner({ set, package: name }: Finding): string {
  if (name !== undefined) return `package ${name}`
  return set === undefined ? 'this application' : `event set ${set}`
}

/** `12:7`, or what is known of the place. */
export function formatPlace({ line, column, path }: Finding): string {
  return line === undefined ? path : `${line}:${column ?? 1}`
}

/** `2 errors, 1 warning`. */
export function countLevels(findings: readonly Finding[]): string {
  const counts = [
    ['error', 'error', 'errors'],
    ['warn', 'warning', 'warnings'],
    ['info', 'info', 'infos'],
  ].flatMap(([level, one, many]) => {
    const count = findings.filter((finding) => finding.level === level).length
    return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`]
  })
  return counts.join(', ')
}

export function summarise({ findings, files }: LintReport): string {
  // Without sets of one's own there is none.
  const looked = files.length === 0 ? '' : files.length === 1 ? ' in 1 file' : ` in ${files.length} files`
  return `${findings.length === 0 ? 'Nothing found' : countLevels(findings)}${looked}.`
}

/** A path as seen from the working directory; one outside of it is absolute. */
function showPath(file: string): string {
  const near = relative(process.cwd(), file)
  const isOutside = near === '' || near === '..' || near.startsWith(`..${sep}`) || isAbsolute(near)
  const shown = (isOutside ? file : near).replaceAll(sep, '/')
  // A line that begins with two colons is a command to the machines of GitHub.
  return shown.startsWith(':') ? `./${shown}` : shown
}
