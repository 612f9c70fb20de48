/** A way into a record, segment by segment. */
export type FieldPath = readonly string[]

/**
 * Splits a key at its dots. A backslash makes a dot part of a name, and an empty segment at the end counts for nothing.
 */
export function splitPath(key: string): FieldPath {
  const segments: string[] = []
  let segment = ''
  let isEscaped = false
  for (const character of key) {
    if (character === '\\') isEscaped = true
    else if (character === '.' && !isEscaped) {
      segments.push(segment)
      segment = ''
    } else {
      segment += character
      isEscaped = false
    }
  }
  if (segment !== '') segments.push(segment)
  return segments
}

/** Reads what lies at the end of a path; `undefined` where the path leads nowhere. */
export function compileReader(path: FieldPath): (record: object) => unknown {
  if (path.length === 1) {
    const [key] = path as [string]
    return (record) => (Object.hasOwn(record, key) ? (record as Record<string, unknown>)[key] : undefined)
  }
  return (record) => {
    let value: unknown = record
    for (const segment of path) {
      if (value === null || value === undefined || !Object.hasOwn(value, segment)) return undefined
      value = (value as Record<string, unknown>)[segment]
    }
    return value
  }
}

/** Whether something lies at the end of a path, were it `undefined`. Unlike reading, this looks into objects only. */
export function hasPath(record: object, path: FieldPath): boolean {
  let value: unknown = record
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return false
    value = (value as Record<string, unknown>)[segment]
  }
  return path.length > 0
}
