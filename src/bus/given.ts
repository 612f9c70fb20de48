import { quote } from './quote.ts'

/** So much of a text is shown. */
const MOST_SHOWN = 60

/** What somebody has given, as it stands in a message about options. Of what may hold a password only the kind is told. */
export function wordGiven(input: unknown): string {
  if (typeof input === 'string') return input.includes('://') ? 'a URL' : quote(input, MOST_SHOWN)
  if (typeof input === 'function') return wordFunction(input)
  if (typeof input === 'bigint') return `${input}n`
  if (typeof input === 'symbol') return 'a symbol'
  if (typeof input !== 'object' || input === null) return String(input)
  if (input instanceof Date) return 'a Date'
  return Array.isArray(input) ? 'a list' : 'an object'
}

function wordFunction({ name }: { readonly name: unknown }): string {
  return typeof name === 'string' && name !== '' ? `the function ${quote(name, MOST_SHOWN)}` : 'a function'
}
