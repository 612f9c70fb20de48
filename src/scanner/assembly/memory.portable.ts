// Memory and the host, in JavaScript: the counterpart of memory.wasm.ts. Becomes the head of createPortableScanner.
type i32 = number
type f64 = number
type bool = boolean

const { classify, decide, passSlowly, flush, describe, fillSecond } = host
const bytes = new Uint8Array(memory)
const words = new Int32Array(memory)
const floats = new Float64Array(memory)

function load8(at: i32): i32 {
  return bytes[at] as number
}

function store8(at: i32, value: i32): void {
  bytes[at] = value
}

function load32(at: i32): i32 {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

function word(at: i32): i32 {
  return words[at >> 2] as number
}

function setWord(at: i32, value: i32): void {
  words[at >> 2] = value
}

function float(at: i32): f64 {
  return floats[at >> 3] as number
}

function copy(to: i32, from: i32, length: i32): void {
  // Below this a loop is faster than the call.
  if (length > 48) bytes.copyWithin(to, from, from + length)
  else for (let i = 0; i < length; i++) bytes[to + i] = bytes[from + i] as number
}

function put(to: i32, from: i32, length: i32): i32 {
  copy(to, from, length)
  return to + length
}

function putSpaces(to: i32, count: i32): i32 {
  const end = to + count
  while (to < end) bytes[to++] = 32
  return end
}

function clear(at: i32, length: i32): void {
  bytes.fill(0, at, at + length)
}

function isSame(a: i32, b: i32, length: i32): bool {
  for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false
  return true
}

function multiply(a: i32, b: i32): i32 {
  return Math.imul(a, b)
}

function toInteger(value: f64): i32 {
  return value | 0
}

function toFloat(value: i32): f64 {
  return value
}

/** For each byte: 1 where a string ends or is not itself, 2 where it is not harmless ASCII either. */
const kinds = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === 34 || byte === 92 || byte < 32 ? 3 : byte >= 127 ? 2 : 0,
)

function findStop(at: i32): i32 {
  while (((kinds[bytes[at] as number] as number) & 1) === 0) at++
  return at
}

function findUnplain(at: i32): i32 {
  while (kinds[bytes[at] as number] === 0) at++
  return at
}

function findNewline(at: i32): i32 {
  while (bytes[at] !== 10) at++
  return at
}
