import stringWidth from 'string-width'
import { toSafeText } from '../pretty/safe-text.ts'
import { disarmCommands } from './ci-commands.ts'

export interface TableRow {
  readonly cells: readonly string[]
  /** Lines below the row, indented, that may use the whole width. */
  readonly below?: readonly string[]
}

export interface TableLayout {
  readonly header?: readonly string[]
  readonly indent?: string
  /** The columns of the terminal. The last column wraps to fit; without a width no line ever does. */
  readonly width?: number | undefined
  readonly style: TableStyle
}

/** How parts of the output stand out, where there is colour. */
export interface TableStyle {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
}

/** With less room than this the last column is not squeezed, and wraps on lines of its own. */
const MIN_LAST_COLUMN = 20
const GAP = '  '

/**
 * Rows as aligned text. Columns are counted as a terminal does: an emoji takes two.
 *
 * Cells may come from anybody: nothing in them can act on the terminal, begin a line or give a CI system a command.
 */
export function formatTable(rows: readonly TableRow[], layout: TableLayout): string {
  const { indent = '', width, style } = layout
  const { body, header } = dropEmptyColumns(
    rows.map(({ cells }) => cells.map(toCell)),
    layout.header,
  )
  const all = header ? [header, ...body] : body
  const columns = largest(all.map((cells) => cells.length))
  const widths = Array.from({ length: columns - 1 }, (_, column) =>
    largest(all.map((cells) => stringWidth(cells[column] ?? ''))),
  )
  const formatRow = (cells: readonly string[]): string => {
    const first = widths.map((size, column) => padEnd(cells[column] ?? '', size) + GAP).join('')
    const start = indent + first
    const hanging = stringWidth(start)
    const last = cells[columns - 1] ?? ''
    if (width === undefined) return `${start}${last}`.trimEnd()
    if (width - hanging >= MIN_LAST_COLUMN)
      return `${start}${wrapText(last, width - hanging, ' '.repeat(hanging))}`.trimEnd()
    return `${start.trimEnd()}${last === '' ? '' : `\n${formatBelow(last, indent, width)}`}`
  }
  const lines = body.flatMap((cells, index) => [
    formatRow(cells),
    ...(rows[index]?.below ?? []).map((text) =>
      styleLines(formatBelow(toCell(text), indent, width), style.dim),
    ),
  ])
  if (header) lines.unshift(style.bold(formatHeader(header, widths, indent)))
  return disarmCommands(lines.map((line) => `${line}\n`).join(''))
}

function dropEmptyColumns(body: string[][], header?: readonly string[]) {
  const isUsed = (column: number) =>
    header !== undefined || body.some((cells) => (cells[column] ?? '') !== '')
  return { header, body: body.map((cells) => cells.filter((_, column) => isUsed(column))) }
}

function formatHeader(header: readonly string[], widths: readonly number[], indent: string): string {
  return (
    indent +
    header
      .map((cell, column) => padEnd(cell, widths[column] ?? 0))
      .join(GAP)
      .trimEnd()
  )
}

function formatBelow(text: string, indent: string, width: number | undefined): string {
  const start = `${indent}${GAP}`
  if (width === undefined) return start + text
  return start + wrapText(text, Math.max(MIN_LAST_COLUMN, width - start.length), start)
}

/** Colour must not run over a line's end: a pager shows single lines. */
function styleLines(text: string, style: (text: string) => string): string {
  return text.split('\n').map(style).join('\n')
}

/** The text on lines of at most `width` columns, broken between words. Lines after the first begin with `hanging`. */
export function wrapText(text: string, width: number, hanging = ''): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && stringWidth(longer) > width) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line].join(`\n${hanging}`)
}

/** Rows as text for programs: tabs between cells, one row a line. */
export function formatPlain(rows: readonly (readonly string[])[]): string {
  return disarmCommands(rows.map((cells) => `${cells.map(toCell).join('\t')}\n`).join(''))
}

/** Text that stays on its line and in its column. */
export function toCell(text: string): string {
  return toSafeText(text).replace(/\s+/g, ' ').trim()
}

function padEnd(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - stringWidth(cell)))
}

/** Not `Math.max(...)`, which takes only so many arguments. */
function largest(numbers: readonly number[]): number {
  return numbers.reduce((most, number) => Math.max(most, number), 0)
}
