import { quote } from './safe-text.ts'

/** How much of a text is shown. */
const MOST_SHOWN = 60

/** What was given instead of what was expected: `5`, `"drop"`, `a list`. A URL is not shown, since it may have a password. */
export function wordGiven(value: unknown): string {
  if (typeof value === 'string') return wordText(value)
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol') return 'a symbol'
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return 'a list'
  return typeof (value as { readonly then?: unknown }).then === 'function' ? 'a promise' : 'an object'
}

function wordText(text: string): string {
  if (text.includes('://')) return 'a URL'
  return text.length > MOST_SHOWN ? `${quote(text.slice(0, MOST_SHOWN))}...` : quote(text)
}
