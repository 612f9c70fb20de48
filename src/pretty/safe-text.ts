/**
 * What could act on a terminal or hide text in it: C0 controls but tab and newline, DEL and C1; the characters that
 * switch the direction of writing; zero-width characters; the two Unicode line separators; invisible tag characters.
 */
const UNSAFE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g

/** Nothing deeper than this is shown: no person reads it, and walking it could exhaust the stack. */
const MAX_DEPTH = 64

/** The text without anything that could colour, hide or reorder it. Tabs and newlines stay. */
export function toSafeText(text: string): string {
  return text.replace(UNSAFE, '')
}

/** A copy of a parsed record in which every string, keys included, is safe text. */
export function toSafeRecord(record: { readonly [key: string]: unknown }): Record<string, unknown> {
  return toSafeValue(record, 0) as Record<string, unknown>
}

function toSafeValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return toSafeText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === MAX_DEPTH) return Array.isArray(value) ? '[…]' : '{…}'
  if (Array.isArray(value)) return value.map((element) => toSafeValue(element, depth + 1))
  const safe: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value)) {
    const safeKey = toSafeText(key)
    const safeInner = toSafeValue(inner, depth + 1)
    // Plain assignment would set the prototype: in a log "__proto__" is a field like any other.
    if (safeKey === '__proto__')
      Object.defineProperty(safe, safeKey, {
        value: safeInner,
        enumerable: true,
        configurable: true,
        writable: true,
      })
    else safe[safeKey] = safeInner
  }
  return safe
}

/**
 * The rendered text of one record with every line after the first indented, so that a newline in a message can
 * never pass for the beginning of another record.
 */
export function indentContinuation(text: string): string {
  const end = text.endsWith('\n') ? text.length - 1 : text.length
  let newline = text.indexOf('\n')
  if (newline === -1 || newline >= end) return text
  let indented = ''
  let from = 0
  for (; newline !== -1 && newline < end; newline = text.indexOf('\n', from)) {
    indented += text.slice(from, newline + 1)
    from = newline + 1
    if (!text.startsWith('    ', from)) indented += '    '
  }
  return indented + text.slice(from)
}
