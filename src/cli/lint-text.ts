import picocolors from 'picocolors'
import stringWidth from 'string-width'
import type { Finding } from '../lint/finding.ts'
import { decideColour } from '../pretty/colour.ts'
import { disarmCommands } from './ci-commands.ts'
import {
  countLevels,
  formatPlace,
  groupByFile,
  isFailure,
  type LintReport,
  summarise,
} from './lint-report.ts'
import { toCell, wrapText } from './table.ts'
import { terminalWidth } from './terminal.ts'

/** Findings below their files, each with place, level and code, and what to do about it. */
export function formatText(report: LintReport, color: boolean | undefined): string {
  const style = createStyle(color)
  const width = terminalWidth()
  const groups = [...groupByFile(report.findings)].map(([title, all]) => {
    const findings = all.slice(0, MOST_SHOWN)
    const size = (cells: readonly string[]) =>
      cells.reduce((most, cell) => Math.max(most, stringWidth(cell)), 0)
    const columns = {
      place: size(findings.map((finding) => toCell(formatPlace(finding)))),
      code: size(findings.map(({ code }) => code)),
    }
    const told = new Map<string, string>()
    const lines = findings.map((finding) => {
      const { code, hint } = finding
      if (hint === undefined) return formatFinding(finding, columns, width, style)
      // What to do about findings of one kind is told with the first.
      const first = told.get(`${code} ${hint}`)
      if (first === undefined) told.set(`${code} ${hint}`, formatPlace(finding))
      const reference = first === '' ? 'as above' : `as for ${first}`
      const shown = first === undefined ? hint : reference
      return formatFinding({ ...finding, hint: shown }, columns, width, style)
    })
    return `${style.underline(toCell(title))}\n${lines.join('')}${countHidden(all)}\n`
  })
  return disarmCommands(`${groups.join('')}${formatSummary(report, style)}`)
}

/** Of one file. Nobody reads on; for programs there are formats that have all of them. */
const MOST_SHOWN = 200

function countHidden(findings: readonly Finding[]): string {
  const hidden = findings.slice(MOST_SHOWN)
  return hidden.length === 0 ? '' : `  … and ${countLevels(hidden)} more; --json has them\n`
}

type Style = ReturnType<typeof createStyle>

function createStyle(color: boolean | undefined) {
  return picocolors.createColors(
    decideColour({ asked: color, isTerminal: process.stdout.isTTY, env: process.env }),
  )
}

interface Columns {
  readonly place: number
  readonly code: number
}

const LEVEL_WIDTH = 'error'.length
/** With less room than this, messages are not squeezed beside the codes. */
const MIN_MESSAGE = 30

function formatFinding(finding: Finding, columns: Columns, width: number | undefined, style: Style): string {
  const { code, level } = finding
  const place = toCell(formatPlace(finding)).padEnd(columns.place)
  const head = `  ${style.dim(place)}  ${colourLevel(level, style)}  ${style.dim(code.padEnd(columns.code))}`
  const indent = 2 + columns.place + 2 + LEVEL_WIDTH + 2
  const beside = indent + columns.code + 2
  const message = toCell(finding.message)
  const hint = toCell(finding.hint ?? '')
  const hintLines = (from: number) =>
    hint === '' ? '' : `${indentLines(`→ ${hint}`, from, width).split('\n').map(style.dim).join('\n')}\n`
  if (width === undefined || width - beside >= MIN_MESSAGE)
    return `${head}  ${indentLines(message, beside, width).trimStart()}\n${hintLines(beside)}`
  return `${head.trimEnd()}\n${indentLines(message, 4, width)}\n${hintLines(4)}`
}

function indentLines(text: string, from: number, width: number | undefined): string {
  const start = ' '.repeat(from)
  return start + (width === undefined ? text : wrapText(text, width - from, start))
}

function colourLevel(level: Finding['level'], style: Style): string {
  const padded = level.padEnd(LEVEL_WIDTH)
  if (level === 'error') return style.red(padded)
  return level === 'warn' ? style.yellow(padded) : style.cyan(padded)
}

function formatSummary(report: LintReport, style: Style): string {
  const { findings } = report
  const summary = summarise(report)
  if (findings.length === 0) return `${style.green(summary)}\n`
  const isFailed = findings.some((finding) => isFailure(report, finding))
  const [{ url, code }] = findings as [Finding]
  const pages = `Each code has a page: ${url.replace(`${code}.md`, '<code>.md')}`
  return `${isFailed ? style.bold(summary) : summary}\n${style.dim(pages)}\n`
}
