// What a subject found, as text for a terminal or as Markdown for the documentation.

/**
 * A subject's report:
 * `{ title, notes: string[], tables: [{ columns: string[], rows: string[][] }] }`; the first column is text.
 * What else a subject tells is for others: `reached` for the targets, `chart` for the picture.
 */
export function renderReport(report, { markdown }) {
  const tables = report.tables.map((table) => (markdown ? markdownTable(table) : textTable(table)))
  const heading = markdown ? `### ${report.title}` : `${report.title}\n${'='.repeat(report.title.length)}`
  return [heading, report.notes.join('\n'), ...tables].filter((part) => part !== '').join('\n\n')
}

function markdownTable({ columns, rows }) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const rule = columns.map((_, index) => (index === 0 ? '---' : '--:'))
  return [line(columns), line(rule), ...rows.map(line)].join('\n')
}

function textTable({ columns, rows }) {
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => row[index].length)),
  )
  const line = (cells) =>
    cells
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[index])))
      .join('  ')
  return [line(columns), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

/** `1234567` as `1235k`, `912` as `912`. */
export function formatCount(value) {
  return value >= 10_000 ? `${Math.round(value / 1000)}k` : String(Math.round(value))
}

/** No more digits than mean something: `0.034`, `1.23`, `45.6`, `789`. */
export function formatNumber(value) {
  if (value >= 100) return String(Math.round(value))
  if (value >= 10) return value.toFixed(1)
  return value >= 1 ? value.toFixed(2) : value.toFixed(3)
}

export const formatSpread = ({ median, min, max }) =>
  `${formatNumber(median)} (${formatNumber(min)} - ${formatNumber(max)})`
