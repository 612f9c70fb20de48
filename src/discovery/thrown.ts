/** What a stranger's code has thrown, which may be anything. */
export function describeThrown(error: unknown): string {
  return describe(error) + placeOf(error)
}

/** ` (/app/markers.mjs:3)`: where an error comes from, as far as its stack tells. */
function placeOf(error: unknown): string {
  try {
    const { stack } = error as { stack?: unknown }
    if (typeof stack !== 'string') return ''
    const [, path, line] = /(?:file:\/\/)?(\/[^\n():]{1,500}):(\d{1,9})/.exec(stack.slice(0, 10_000)) ?? []
    return path === undefined ? '' : ` (${path}:${line})`
  } catch {
    return ''
  }
}

function describe(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error) || 'an error without a message was thrown'
  } catch {
    return 'something was thrown that has no text'
  }
}
