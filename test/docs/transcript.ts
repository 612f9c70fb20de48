/**
 * What a program printed, or what a page shows of it when that is the same: `…` stands for the rest of a line, a line
 * of `…` for any lines.
 */
export function asShown(actual: string, shown: string): string {
  const pattern = mask(shown)
    .split('\n')
    .map((line) => (line.trim() === '…' ? '(?:\\n.*)*' : `\n${line.split('…').map(escapeRegExp).join('.*')}`))
    .join('')
  return new RegExp(`^${pattern}$`).test(`\n${mask(actual)}`) ? mask(shown) : mask(actual)
}

/** Times, process ids and host names differ from run to run, and nobody sees space at the end of a line. */
export function mask(text: string): string {
  return text
    .replace(/\d\d:\d\d:\d\d\.\d{3}/g, 'TIME')
    .replace(/ \(\d+\)/g, ' (PID)')
    .replace(/"time":\d+/g, '"time":0')
    .replace(/"pid":\d+,"hostname":"[^"]*"/g, '"pid":0,"hostname":"host"')
    .replace(/[ \t]+$/gm, '')
    .trim()
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
