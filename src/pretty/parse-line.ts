const PROTO_KEY =
  /"(?:_|\\u005f){2}(?:p|\\u0070)(?:r|\\u0072)(?:o|\\u006f)(?:t|\\u0074)(?:o|\\u006f)(?:_|\\u005f){2}"\s*:/i
const CONSTRUCTOR_KEY =
  /"(?:c|\\u0063)(?:o|\\u006f)(?:n|\\u006e)(?:s|\\u0073)(?:t|\\u0074)(?:r|\\u0072)(?:u|\\u0075)(?:c|\\u0063)(?:t|\\u0074)(?:o|\\u006f)(?:r|\\u0072)"\s*:/i

/**
 * The value of a line of JSON; `undefined` for anything else.
 *
 * Keys that could reach a prototype are kept away from functions of the user: `__proto__` is taken out, and a line
 * with a `constructor` that has a `prototype` counts as no JSON at all.
 */
export function parseLine(input: unknown): unknown {
  const text = toText(input)
  if (text === undefined) return undefined
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null) return value
  if (!PROTO_KEY.test(text) && !CONSTRUCTOR_KEY.test(text)) return value
  return removePrototypes(value) ? value : undefined
}

function toText(input: unknown): string | undefined {
  const text = typeof input === 'string' ? input : isBytes(input) ? input.toString() : undefined
  return text?.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

function isBytes(input: unknown): input is Buffer | string {
  return Buffer.isBuffer(input) || input instanceof String
}

function parseJson(text: string): unknown {
  // Lines that are no JSON are common, and nobody reads the stacks of these errors.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Whether nothing forbidden is left. */
function removePrototypes(value: object): boolean {
  const waiting = [value as Record<string, unknown>]
  for (const object of waiting) {
    Reflect.deleteProperty(object, '__proto__')
    if (Object.hasOwn(object, 'constructor') && hasPrototype(object['constructor'])) return false
    for (const inner of Object.values(object))
      if (typeof inner === 'object' && inner !== null) waiting.push(inner as Record<string, unknown>)
  }
  return true
}

function hasPrototype(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype')
}
