import stringWidth from 'string-width'

/** A column is as wide as its widest cell, counted in the columns of a terminal: an emoji takes two. */
export function formatTable(rows: readonly (readonly string[])[], indent = ''): string {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...rows.map((row) => stringWidth(row[column] ?? ''))),
  )
  return rows
    .map((row) =>
      `${indent}${row
        .map((cell, column) => (column === row.length - 1 ? cell : padEnd(cell, widths[column] ?? 0)))
        .join('  ')}`.trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}

function padEnd(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - stringWidth(cell)))
}

/** Rows as text for programs: tabs between cells, one row a line. */
export function formatPlain(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map((cell) => cell.replace(/[\t\n\r]/g, ' ')).join('\t')}\n`).join('')
}
