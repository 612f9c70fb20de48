/**
 * What could act on a terminal or hide text in it: C0 controls but tab and newline, DEL and C1; characters that
 * switch the direction of writing; everything that shows nothing (zero-width characters, variation selectors, fillers,
 * tags, the blank of braille); the two Unicode line separators. The few format characters that do show, such as the
 * Arabic number signs, stay; so does the selector that makes an emoji of a sign, behind a sign.
 */
const UNSAFE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u2800]|(?!\ufe0f|[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2])[\p{Default_Ignorable_Code_Point}\p{Cf}]|(?<!\p{Extended_Pictographic})\ufe0f|\p{Surrogate}/gu

/** Nearly all text of a log; it needs no closer look. */
const PLAIN = /^[\t\n\x20-\x7e]*$/

/** Nothing deeper than this is shown: no person reads it, and walking it could exhaust the stack. */
const MAX_DEPTH = 64

/** The text without anything that could colour, hide or reorder it. Tabs and newlines stay. */
export function toSafeText(text: string): string {
  return PLAIN.test(text) ? text : text.replace(UNSAFE, replaceUnsafe)
}

/**
 * The same for a byte string, for lines that cannot be read as text: the UTF-8 forms of the unsafe characters.
 * Newlines and tabs stay. A question mark takes the place of what goes: with nothing there, the bytes around it
 * could become an unsafe character themselves.
 */
export function toSafeBytes(bytes: string): string {
  return bytes.replace(UNSAFE_BYTES, '?')
}

const UNSAFE_BYTES =
  /[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f\xad]|\xcd\x8f|\xd8\x9c|\xe1(?:\x85[\x9f\xa0]|\x9e[\xb4\xb5]|\xa0[\x8b-\x8f])|\xe2(?:\x80[\x8b-\x8f\xa8-\xae]|\x81[\xa0-\xaf]|\xa0\x80)|\xe3\x85\xa4|\xef(?:\xb8[\x80-\x8f]|\xbb\xbf|\xbe\xa0|\xbf[\xb0-\xbb])|\xf3\xa0[\x80-\xbf][\x80-\xbf]/g

/** Half a surrogate pair becomes what it is written as anyway: two halves must not meet when the rest is gone. */
function replaceUnsafe(character: string): string {
  const code = character.charCodeAt(0)
  return character.length === 1 && code >= 0xd800 && code <= 0xdfff ? '\ufffd' : ''
}

/** The parsed record with nothing but safe text in it, keys included: the record itself, or a copy where it has to be. */
export function toSafeRecord(record: { readonly [key: string]: unknown }): Record<string, unknown> {
  return toSafeValue(record, 0) as Record<string, unknown>
}

function toSafeValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return toSafeText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === MAX_DEPTH) return Array.isArray(value) ? '[…]' : '{…}'
  return Array.isArray(value) ? toSafeList(value, depth + 1) : toSafeObject(value, depth + 1)
}

function toSafeList(list: readonly unknown[], depth: number): readonly unknown[] {
  let safe: unknown[] | undefined
  for (let index = 0; index < list.length; index++) {
    const element = toSafeValue(list[index], depth)
    if (element === list[index]) continue
    safe ??= [...list]
    safe[index] = element
  }
  return safe ?? list
}

function toSafeObject(object: object, depth: number): object {
  const keys = Object.keys(object)
  const values = object as Record<string, unknown>
  // Whatever is no plain object may have a text form of its own, which nobody has looked at.
  let safe: Record<string, unknown> | undefined =
    Object.getPrototypeOf(object) === Object.prototype ? undefined : {}
  let counts: Map<string, number> | undefined
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string
    const value = values[key]
    const safeValue = toSafeValue(value, depth)
    let safeKey = toSafeKey(key)
    if (safe === undefined) {
      if (safeKey === key && (safeValue === value || Number.isNaN(value))) continue
      safe = {}
      for (const before of keys.slice(0, index)) setField(safe, before, values[before])
    }
    if (safeKey !== key) {
      counts ??= new Map()
      safeKey = findFreeKey(safeKey, object, safe, counts)
    }
    setField(safe, safeKey, safeValue)
  }
  return safe ?? object
}

/** The keys of a log are few, and looked at once. Those that hostile records are full of must not fill the memory. */
const plainKeys = new Set<string>()
const MAX_PLAIN_KEYS = 1000

function toSafeKey(key: string): string {
  if (plainKeys.has(key)) return key
  const safe = toSafeText(key)
  if (safe === key && plainKeys.size < MAX_PLAIN_KEYS) plainKeys.add(key)
  return safe
}

/** Plain assignment would set the prototype: in a log "__proto__" is a field like any other. */
function setField(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}

/**
 * The name for a key that had to be changed: never that of another one, since `"msg\u200b"` must not hide the real
 * `msg`. The counts keep a record of nothing but such keys from taking for ever.
 */
function findFreeKey(key: string, object: object, taken: object, counts: Map<string, number>): string {
  let free = key
  let count = counts.get(key) ?? 1
  while (Object.hasOwn(object, free) || Object.hasOwn(taken, free)) free = `${key}_${++count}`
  counts.set(key, count)
  return free
}

/**
 * The rendered text of one record with every line after the first indented, so that a newline in a message can
 * never pass for the beginning of another record.
 */
export function indentContinuation(text: string): string {
  const end = text.endsWith('\n') ? text.length - 1 : text.length
  let indented = ''
  let from = 0
  for (let newline = text.indexOf('\n'); newline !== -1 && newline < end; ) {
    const next = newline + 1
    if (!text.startsWith('    ', next)) {
      indented += `${text.slice(from, next)}    `
      from = next
    }
    newline = text.indexOf('\n', next)
  }
  return from === 0 ? text : indented + text.slice(from)
}
