// JSON, byte by byte: where a value ends, and whether it is valid. Only what is surely valid is taken: everything
// else is -1, and whoever asked goes the long way, through JSON.parse. A newline is the end of everything: the
// caller has made sure that there is one.

const STRING: i32 = 1
const NUMBER: i32 = 2
const BOOLEAN: i32 = 3
const NULL: i32 = 4
const OBJECT: i32 = 5
const ARRAY: i32 = 6

const QUOTE: i32 = 34
const COMMA: i32 = 44
const COLON: i32 = 58
const OPENING_BRACKET: i32 = 91
const BACKSLASH: i32 = 92
const CLOSING_BRACKET: i32 = 93
const OPENING_BRACE: i32 = 123
const CLOSING_BRACE: i32 = 125

/** What is nested more deeply goes the long way. */
const MAX_DEPTH: i32 = 60

/** The kind of the value that was skipped last. */
let kind: i32 = 0

function skipSpace(at: i32): i32 {
  while (true) {
    const byte = load8(at)
    if (byte > 32 || (byte !== 32 && byte !== 9 && byte !== 13)) return at
    at++
  }
}

/** Whether the string that was skipped last is nothing but harmless ASCII. Only told where text is written. */
let isPlain: bool = false

/** From behind the opening quote to the closing one. */
function endOfString(at: i32): i32 {
  if (isText) {
    at = findUnplain(at)
    isPlain = load8(at) === QUOTE
    if (isPlain) return at
  }
  while (true) {
    at = findStop(at)
    const byte = load8(at)
    if (byte === QUOTE) return at
    if (byte !== BACKSLASH) return -1
    at = skipEscape(at)
    if (at < 0) return -1
  }
}

/** From a backslash to behind its escape. */
function skipEscape(at: i32): i32 {
  switch (load8(at + 1)) {
    case 34: // "
    case 47: // /
    case 92: // \
    case 98: // b
    case 102: // f
    case 110: // n
    case 114: // r
    case 116: // t
      return at + 2
    case 117: // u
      return isHex(load8(at + 2)) && isHex(load8(at + 3)) && isHex(load8(at + 4)) && isHex(load8(at + 5))
        ? at + 6
        : -1
    default:
      return -1
  }
}

function isHex(byte: i32): bool {
  return (byte >= 48 && byte <= 57) || ((byte | 32) >= 97 && (byte | 32) <= 102)
}

function isDigit(byte: i32): bool {
  return byte >= 48 && byte <= 57
}

function endOfNumber(at: i32): i32 {
  let byte = load8(at)
  if (byte === 45) byte = load8(++at)
  if (byte === 48) byte = load8(++at)
  else {
    if (!isDigit(byte)) return -1
    do byte = load8(++at)
    while (isDigit(byte))
  }
  if (byte === 46) {
    byte = load8(++at)
    if (!isDigit(byte)) return -1
    do byte = load8(++at)
    while (isDigit(byte))
  }
  if ((byte | 32) === 101) {
    byte = load8(++at)
    if (byte === 43 || byte === 45) byte = load8(++at)
    if (!isDigit(byte)) return -1
    do byte = load8(++at)
    while (isDigit(byte))
  }
  return at
}

/** From the first byte of a value to behind it; `kind` tells what it was. */
function skipValue(at: i32, depth: i32): i32 {
  const byte = load8(at)
  if (byte === QUOTE) {
    kind = STRING
    at = endOfString(at + 1)
    return at < 0 ? -1 : at + 1
  }
  if (byte === OPENING_BRACE) {
    at = skipObject(at + 1, depth)
    kind = OBJECT
    return at
  }
  if (byte === OPENING_BRACKET) {
    at = skipArray(at + 1, depth)
    kind = ARRAY
    return at
  }
  if (byte <= 57) {
    kind = NUMBER
    return endOfNumber(at)
  }
  // The first four bytes of the words, as they stand in memory.
  const head = load32(at)
  if (head === 0x65757274) {
    kind = BOOLEAN
    return at + 4
  }
  if (head === 0x736c6166 && load8(at + 4) === 101) {
    kind = BOOLEAN
    return at + 5
  }
  if (head === 0x6c6c756e) {
    kind = NULL
    return at + 4
  }
  return -1
}

function skipObject(at: i32, depth: i32): i32 {
  if (depth >= MAX_DEPTH) return -1
  at = skipSpace(at)
  if (load8(at) === CLOSING_BRACE) return at + 1
  while (true) {
    if (load8(at) !== QUOTE) return -1
    at = endOfString(at + 1)
    if (at < 0) return -1
    at = skipValue(skipColon(at + 1), depth + 1)
    if (at < 0) return -1
    at = skipSpace(at)
    const byte = load8(at)
    if (byte === CLOSING_BRACE) return at + 1
    if (byte !== COMMA) return -1
    at = skipSpace(at + 1)
  }
}

/** To the value behind a colon. Where there is none, to the byte that is there instead, which begins no value. */
function skipColon(at: i32): i32 {
  if (load8(at) === COLON) {
    const byte = load8(at + 1)
    return byte > 32 ? at + 1 : skipSpace(at + 1)
  }
  at = skipSpace(at)
  return load8(at) === COLON ? skipSpace(at + 1) : NO_VALUE
}

/** An address at which the host has put a byte that begins no value. */
const NO_VALUE: i32 = 8

function skipArray(at: i32, depth: i32): i32 {
  if (depth >= MAX_DEPTH) return -1
  at = skipSpace(at)
  if (load8(at) === CLOSING_BRACKET) return at + 1
  while (true) {
    at = skipValue(at, depth + 1)
    if (at < 0) return -1
    at = skipSpace(at)
    const byte = load8(at)
    if (byte === CLOSING_BRACKET) return at + 1
    if (byte !== COMMA) return -1
    at = skipSpace(at + 1)
  }
}
