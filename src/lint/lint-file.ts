import type { Candidate } from './candidate.ts'
import { createFinding, type Finding, sortFindings } from './finding.ts'
import { lintCandidates } from './lint-candidates.ts'
import { builtInNeighbours, type LintOptions } from './lint-set.ts'
import { readSetSource } from './source-file.ts'

/** Checks the event set in a file. What keeps the file from being read is a finding too. Never throws. */
export function lintSetFile(file: string, options?: LintOptions): Finding[] {
  return lintSetFiles([file], options)
}

/** The same for sets that belong together, in the order of registration. */
export function lintSetFiles(
  files: readonly string[],
  { beside = builtInNeighbours }: LintOptions = {},
): Finding[] {
  const candidates: Candidate[] = []
  const findings: Finding[] = []
  for (const file of files) {
    const { document, failure } = readSetSource(file, 'the file')
    if (failure === undefined)
      candidates.push({ value: document.value, source: { kind: 'file', file }, document })
    else {
      const { rule, message, hint } = failure
      const subject = { file, set: undefined, package: undefined, document: undefined }
      findings.push(createFinding(rule, subject, { path: '', position: undefined, message, hint }))
    }
  }
  return sortFindings([...findings, ...lintCandidates(candidates, { beside, isOwn: () => true })])
}
