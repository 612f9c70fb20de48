const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/
const ALL = new RegExp(CONTROL, 'g')

/** The value as text without control characters; tabs and newlines stay. What pino-pretty takes out, and no more. */
export function stripControlCharacters(value: unknown): string {
  const text = String(value)
  return CONTROL.test(text) ? text.replace(ALL, '') : text
}
