/** What a string needs escapes for in JSON. */
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/

const UNSERIALIZABLE = JSON.stringify('[unable to serialize, circular reference is too complex to analyze]')

/**
 * A value as JSON, `undefined` for what JSON leaves out. An object inside itself is written as `"[Circular]"`.
 *
 * Never throws: what cannot be written at all is replaced by a text that says so.
 */
export function toJson(value: unknown, indent?: number): string | undefined {
  try {
    return JSON.stringify(value, null, indent)
  } catch {
    return toJsonWithoutCycles(value, indent)
  }
}

/** A text in quotes, as in JSON, but with backslashes as they are. */
export function quoteReadably(text: string): string {
  return ESCAPED.test(text) ? unescapeBackslashes(JSON.stringify(text)) : `"${text}"`
}

/** Windows paths are easier to read, and to copy, without the escapes. */
export function unescapeBackslashes(text: string): string {
  return text.includes('\\\\') ? text.replaceAll('\\\\', '\\') : text
}

function toJsonWithoutCycles(value: unknown, indent: number | undefined): string | undefined {
  try {
    const copy = copyGraph(value, new Map())
    breakCycles({ value: copy }, 'value', [])
    return JSON.stringify(copy, null, indent)
  } catch {
    return UNSERIALIZABLE
  }
}

/** A copy with the same cycles. What has no fields to lead into a cycle stays, and with it its own JSON form. */
function copyGraph(value: unknown, copies: Map<unknown, object>): unknown {
  if (typeof value !== 'object' || value === null) return value
  const known = copies.get(value)
  if (known !== undefined) return known
  const keys = Object.keys(value)
  if (keys.length === 0) return value
  const copy = Array.isArray(value)
    ? value.slice()
    : (Object.create(Object.getPrototypeOf(value) as object | null) as object)
  copies.set(value, copy)
  for (const key of keys) setField(copy, key, copyGraph((value as Record<string, unknown>)[key], copies))
  return copy
}

/** Cut once, a cycle is cut for every object that shares it, and the next one to be visited finds the text there. */
function breakCycles(parent: object, key: string, ancestors: unknown[]): void {
  const value = (parent as Record<string, unknown>)[key]
  if (typeof value !== 'object' || value === null) return
  if (ancestors.includes(value)) setField(parent, key, '[Circular]')
  else {
    ancestors.push(value)
    for (const inner of Object.keys(value)) breakCycles(value, inner, ancestors)
    ancestors.pop()
  }
}

function setField(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}
