import { toSafeJson } from '../pretty/safe-json.ts'
import { disarmJson } from './ci-commands.ts'
import type { LintReport } from './lint-report.ts'

/** One document for programs. What is not known is null. */
export function formatJson({ findings, files }: LintReport): string {
  const count = (level: string) => findings.filter((finding) => finding.level === level).length
  const document = {
    version: 1,
    summary: { error: count('error'), warn: count('warn'), info: count('info') },
    files,
    findings: findings.map((finding) =>
      Object.fromEntries(Object.entries(finding).map(([key, value]) => [key, value ?? null])),
    ),
  }
  return `${disarmJson(toSafeJson(document, 2))}\n`
}
