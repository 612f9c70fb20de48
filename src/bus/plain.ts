import { reasonOf } from './errors.ts'

/** Deeper than anybody reads. */
const MAX_DEPTH = 20

/**
 * The nearest to a value that JSON can hold, for what somebody else has measured. Never throws: what cannot be read, or
 * leads back to where it came from, becomes a text that says so.
 */
export function toPlain(value: unknown): unknown {
  return convert(value, [])
}

function convert(value: unknown, above: readonly object[]): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  // A BigInt, NaN, a symbol.
  if (typeof value !== 'object') return typeof value === 'function' ? '[function]' : reasonOf(value)
  if (above.includes(value)) return '[circular]'
  if (above.length >= MAX_DEPTH) return '[too deep]'
  try {
    return convertObject(value, [...above, value])
  } catch {
    return '[unreadable]'
  }
}

function convertObject(value: object, above: readonly object[]): unknown {
  const { toJSON } = value as { readonly toJSON?: unknown }
  if (typeof toJSON === 'function') return convert(toJSON.call(value), above)
  if (value instanceof Error) return reasonOf(value)
  if (value instanceof Set) return convert([...value], above)
  if (value instanceof Map) return convert([...value], above)
  if (Array.isArray(value)) return value.map((item) => convert(item, above))
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  return Object.fromEntries(entries.map(([key, inner]) => [key, convert(inner, above)]))
}
