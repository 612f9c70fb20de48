import type { Finding } from '../lint/finding.ts'
import { disarmAnywhere } from './ci-commands.ts'
import { formatPlace, groupByFile, isFailure, type LintReport } from './lint-report.ts'
import { toCell } from './table.ts'

/**
 * JUnit's XML, which most CI systems show: a suite for each file, a case for each finding. Findings below the level
 * that fails are cases that pass, with the finding as their output; so is a file without findings.
 */
export function formatJunit(report: LintReport): string {
  const groups = groupByFile(report.findings)
  const titles = [...new Set([...report.files, ...groups.keys()])]
  const suites = titles.map((title) => formatSuite(title, groups.get(title) ?? [], report))
  const failures = report.findings.filter((finding) => isFailure(report, finding)).length
  const tests = suites.reduce((count, suite) => count + suite.tests, 0)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="eventsets lint" tests="${tests}" failures="${failures}" errors="0">`,
    ...suites.flatMap(({ lines }) => lines),
    '</testsuites>',
    '',
  ].join('\n')
}

function formatSuite(title: string, findings: readonly Finding[], report: LintReport) {
  const failures = findings.filter((finding) => isFailure(report, finding)).length
  const name = toXml(title)
  const tests = Math.max(1, findings.length)
  const cases =
    findings.length === 0
      ? [`    <testcase name="lint" classname="${name}"/>`]
      : findings.flatMap((finding) => formatCase(finding, name, isFailure(report, finding)))
  return {
    tests,
    lines: [
      `  <testsuite name="${name}" tests="${tests}" failures="${failures}" errors="0" skipped="0">`,
      ...cases,
      '  </testsuite>',
    ],
  }
}

function formatCase(finding: Finding, suite: string, isFailed: boolean): string[] {
  const { code, level, message, hint, url } = finding
  const place = formatPlace(finding)
  const name = toXml(place === '' ? code : `${code} at ${place}`)
  const text = [message, hint ?? '', url].map(toXml).filter((part) => part !== '')
  const body = isFailed
    ? `<failure type="${level}" message="${toXml(message)}">${text.join('\n')}</failure>`
    : `<system-out>${text.join('\n')}</system-out>`
  return [`    <testcase name="${name}" classname="${suite}">`, `      ${body}`, '    </testcase>']
}

/** Text for an element or an attribute. XML has no way to write most control characters; they are left out. */
function toXml(text: string): string {
  return (
    disarmAnywhere(toCell(text))
      .replace(NO_XML, '\ufffd')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&apos;')
      // A line must not begin with a command of GitHub.
      .replace(/^:/, '&#58;')
  )
}

/** Whatever is no `Char` of XML 1.0. */
const NO_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu
