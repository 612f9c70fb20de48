import { quoteReadably, unescapeBackslashes } from './json-text.ts'

/**
 * The value of a field as JSON in one line, without the escapes of backslashes; `undefined` for what JSON leaves out.
 * `false` when it takes the whole object to find out: JSON.stringify knows cycles, and a form of its own may depend on
 * the key.
 */
export function toJsonLine(value: unknown): string | undefined | false {
  if (typeof value === 'string') return quoteReadably(value)
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null'
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (value === null) return 'null'
  if (typeof value === 'bigint' || typeof (value as { toJSON?: unknown })?.toJSON === 'function') return false
  try {
    const json = JSON.stringify(value)
    return json === undefined ? undefined : unescapeBackslashes(json)
  } catch {
    return false
  }
}
