// Generated from src/scanner/assembly by `npm run build`. Do not edit. Source: 6271bc1ef6acecbe
import type { Scanner, ScannerHost } from './scanner.ts'

type i32 = number
type f64 = number
type bool = boolean

/** The scanner in JavaScript, for where WebAssembly or its SIMD is missing. */
export function createPortableScanner(memory: ArrayBuffer, host: ScannerHost): Scanner {
  // Memory and the host, in JavaScript: the counterpart of memory.wasm.ts. Becomes the head of createPortableScanner.

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

  // Where things are in memory. The host lays it out and writes the addresses, one word each, from CONFIG on.

  const CONFIG: i32 = 1024

  const ONE: i32 = -1640531535
  const TWO: i32 = -2048144789
  const THREE: i32 = -1028477387

  /** Open addressing, 16 bytes a slot: hash, length << 16 | parent, address of the key, place (0 is a free slot). */
  let keys: i32 = 0
  let keyMask: i32 = 0
  /** A bit for each hash of a key that there is. */
  let keyFilter: i32 = 0
  let keyFilterMask: i32 = 0
  let longestKey: i32 = 0
  /** 48 bytes a place, see place.ts. */
  let places: i32 = 0
  /** A word a place: the line in which it was last seen. */
  let stamps: i32 = 0
  let placeCount: i32 = 0

  /** Values seen before. 16 bytes a slot: hash, place << 4 | kind, address of length and bytes, class (0 is free). */
  let values: i32 = 0
  let valueMask: i32 = 0
  let valuePool: i32 = 0
  let valuePoolEnd: i32 = 0

  /** Combinations seen before. 16 bytes a slot: hash, length, address of the combination, outcome (0 is free). */
  let outcomes: i32 = 0
  let outcomeMask: i32 = 0
  let outcomePool: i32 = 0
  let outcomePoolEnd: i32 = 0

  /** The combination of the line at hand: a word for each value that matters. */
  let combination: i32 = 0
  /** For each possible first byte of a message, what has to be found out about it. */
  let firstBytes: i32 = 0
  /** 16 bytes a class of level: whether it is hidden, address and length of its text. */
  let levels: i32 = 0
  /** 64 bytes a second: the second as a number, address and length of its text, place of the milliseconds in it. */
  let seconds: i32 = 0
  /** What the host has described. */
  let scratch: i32 = 0
  let output: i32 = 0
  let outputEnd: i32 = 0
  /** The fields of the line at hand, as text. */
  let body: i32 = 0
  let bodyLimit: i32 = 0
  /** Where the errors of the line at hand are, and the keys of the objects that are being written. */
  let errors: i32 = 0
  let keyList: i32 = 0

  /** For each first byte of a key at the top, a bit for each length (its lowest five bits) that one has. */
  let topKeys: i32 = 0
  /** The beginnings of lines, see line.ts. */
  let heads: i32 = 0

  let messagePlace: i32 = 0
  let bracketPlace: i32 = 0
  let isText: bool = false
  let isSingleLine: bool = false
  let isLevelFirst: bool = false
  let isObjectHidden: bool = false
  let hasCarriageReturn: bool = false
  /** Address and length of the colour codes: around a key, a message, a line of JSON. */
  let keyOpen: i32 = 0
  let keyOpenLength: i32 = 0
  let keyClose: i32 = 0
  let keyCloseLength: i32 = 0
  let messageOpen: i32 = 0
  let messageOpenLength: i32 = 0
  let messageClose: i32 = 0
  let messageCloseLength: i32 = 0
  let greyOpen: i32 = 0
  let greyOpenLength: i32 = 0
  let greyClose: i32 = 0
  let greyCloseLength: i32 = 0

  /** Takes over what the host has written to CONFIG. */
  function configure(): void {
    keys = word(CONFIG)
    keyMask = word(CONFIG + 4)
    longestKey = word(CONFIG + 8)
    places = word(CONFIG + 12)
    stamps = word(CONFIG + 16)
    values = word(CONFIG + 20)
    valueMask = word(CONFIG + 24)
    valuePool = word(CONFIG + 28)
    valuePoolEnd = word(CONFIG + 32)
    outcomes = word(CONFIG + 36)
    outcomeMask = word(CONFIG + 40)
    outcomePool = word(CONFIG + 44)
    outcomePoolEnd = word(CONFIG + 48)
    combination = word(CONFIG + 52)
    firstBytes = word(CONFIG + 56)
    levels = word(CONFIG + 60)
    seconds = word(CONFIG + 64)
    scratch = word(CONFIG + 68)
    output = word(CONFIG + 72)
    outputEnd = word(CONFIG + 76)
    body = word(CONFIG + 80)
    messagePlace = word(CONFIG + 84)
    bracketPlace = word(CONFIG + 88)
    const modes = word(CONFIG + 92)
    isText = (modes & 1) !== 0
    isSingleLine = (modes & 2) !== 0
    isLevelFirst = (modes & 4) !== 0
    isObjectHidden = (modes & 8) !== 0
    hasCarriageReturn = (modes & 16) !== 0
    keyOpen = word(CONFIG + 96)
    keyOpenLength = word(CONFIG + 100)
    keyClose = word(CONFIG + 104)
    keyCloseLength = word(CONFIG + 108)
    messageOpen = word(CONFIG + 112)
    messageOpenLength = word(CONFIG + 116)
    messageClose = word(CONFIG + 120)
    messageCloseLength = word(CONFIG + 124)
    greyOpen = word(CONFIG + 128)
    greyOpenLength = word(CONFIG + 132)
    greyClose = word(CONFIG + 136)
    greyCloseLength = word(CONFIG + 140)
    placeCount = word(CONFIG + 144)
    bodyLimit = word(CONFIG + 148)
    errors = word(CONFIG + 152)
    keyList = word(CONFIG + 156)
    keyFilter = word(CONFIG + 160)
    keyFilterMask = word(CONFIG + 164)
    heads = word(CONFIG + 168)
    topKeys = word(CONFIG + 172)
    forgetValues()
    forgetOutcomes()
  }

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

  // What a value means. All values of a place that mean the same are a class, and a class is a small number: the host
  // tells it when a value is seen for the first time, from then on its bytes are enough.

  /** Bits of the flags of a place. */
  const HAS_CHILDREN: i32 = 1
  /** It matters whether a record has it. */
  const IS_PRESENCE: i32 = 2
  /** Its value matters. */
  const HAS_VALUE: i32 = 4
  /** A record that has it goes the long way. */
  const IS_SLOW: i32 = 8
  /** Only the first word of a text matters. */
  const FIRST_WORD_ONLY: i32 = 16
  /** Numbers between two of its limits are of one class. */
  const HAS_LIMITS: i32 = 32
  /** Long texts that begin with a letter are of one class. */
  const LONG_IS_OTHER: i32 = 64

  const PLACE_BYTES: i32 = 48

  // The words of a place: flags; role; number of limits, their address, the address of the classes between them; the
  // length of a long text in bytes, and its class.
  function flagsOf(place: i32): i32 {
    return word(places + place * PLACE_BYTES)
  }

  function roleOf(place: i32): i32 {
    return word(places + place * PLACE_BYTES + 4)
  }

  const FIRST_WORD: i32 = 7
  const PREFIX: i32 = 8
  const LONGEST_REMEMBERED: i32 = 256
  const MOST_REMEMBERED: i32 = 12000

  let valuesRemembered: i32 = 0
  let valuePoolNext: i32 = 0

  function forgetValues(): void {
    clear(values, (valueMask + 1) * 16)
    valuesRemembered = 0
    valuePoolNext = valuePool
  }

  /** The class of a text (without its quotes) or another scalar, 0 when it has to go the long way. */
  function classOf(place: i32, type: i32, start: i32, end: i32): i32 {
    if (type === NUMBER) {
      if ((flagsOf(place) & HAS_LIMITS) !== 0) {
        const value = simpleNumber(start, end)
        if (value === value) return classOfNumber(place, value, start, end)
      }
      return rememberedClass(place, type, start, end)
    }
    if (type === STRING) {
      const flags = flagsOf(place)
      if ((flags & LONG_IS_OTHER) !== 0) {
        const at = places + place * PLACE_BYTES
        if (end - start > word(at + 20) && isLetter(load8(start))) return word(at + 24)
      }
      if ((flags & FIRST_WORD_ONLY) !== 0) {
        const wordEnd = endOfFirstWord(start, end)
        if (wordEnd > 0) return rememberedClass(place, FIRST_WORD, start, wordEnd)
      }
    }
    return rememberedClass(place, type, start, end)
  }

  function isLetter(byte: i32): bool {
    return (byte | 32) >= 97 && (byte | 32) <= 122
  }

  /** Where the first word of a text ends, 0 when that is not plain to see. */
  function endOfFirstWord(start: i32, end: i32): i32 {
    const limit = end - start > 190 ? start + 190 : end
    for (let at = start; at < limit; at++) {
      const byte = load8(at)
      if (byte >= 128 || byte === BACKSLASH || byte < 32) return 0
      if (byte === 32 || byte === 40 || byte === 59 || byte === COMMA) return at === start ? 0 : at
    }
    return limit === end && end > start ? end : 0
  }

  /** A decimal number of at most 15 digits, without exponent; NaN for all others. Such a number is exact. */
  function simpleNumber(start: i32, end: i32): f64 {
    let at = start
    const isNegative = load8(at) === 45
    if (isNegative) at++
    if (end - at > 16) return NaN
    let value: f64 = 0
    let digits: i32 = 0
    let decimals: i32 = -1
    for (; at < end; at++) {
      const byte = load8(at)
      if (byte === 46) decimals = digits
      else if (isDigit(byte)) {
        value = value * 10 + toFloat(byte - 48)
        digits++
      } else return NaN
    }
    if (digits > 15) return NaN
    if (decimals >= 0) {
      let power: f64 = 1
      for (let i: i32 = decimals; i < digits; i++) power *= 10
      value /= power
    }
    return isNegative ? -value : value
  }

  /** The classes of numbers: below the first limit, equal to it, between it and the next, and so on, each for whole and other numbers. */
  function classOfNumber(place: i32, value: f64, start: i32, end: i32): i32 {
    const at = places + place * PLACE_BYTES
    const count = word(at + 8)
    const limits = word(at + 12)
    let low: i32 = 0
    let high = count
    while (low < high) {
      const middle = (low + high) >> 1
      if (float(limits + middle * 8) < value) low = middle + 1
      else high = middle
    }
    const isLimit = low < count && float(limits + low * 8) === value
    const slot = word(at + 16) + (low * 4 + (isLimit ? 2 : 0) + (Math.floor(value) === value ? 1 : 0)) * 4
    let found = word(slot)
    if (found === 0) {
      found = classify(place, NUMBER, start, end)
      setWord(slot, found)
    }
    return found
  }

  function rememberedClass(place: i32, type: i32, start: i32, end: i32): i32 {
    const length = end - start
    if (length > LONGEST_REMEMBERED) return classify(place, type, start, end)
    const tag = (place << 4) | type
    const hash = hashBytes(start, length, tag)
    let slot = values + (hash & valueMask) * 16
    while (true) {
      const found = word(slot + 12)
      if (found === 0) break
      if (word(slot) === hash && word(slot + 4) === tag) {
        const at = word(slot + 8)
        if (word(at) === length && isSame(at + 4, start, length)) return found
      }
      slot += 16
      if (slot > values + valueMask * 16) slot = values
    }
    const found = classify(place, type, start, end)
    if (found === 0) return 0
    if (valuesRemembered >= MOST_REMEMBERED || valuePoolNext + length + 8 > valuePoolEnd) {
      forgetValues()
      slot = values + (hash & valueMask) * 16
    }
    setWord(valuePoolNext, length)
    copy(valuePoolNext + 4, start, length)
    setWord(slot, hash)
    setWord(slot + 4, tag)
    setWord(slot + 8, valuePoolNext)
    setWord(slot + 12, found)
    valuePoolNext = (valuePoolNext + length + 7) & ~3
    valuesRemembered++
    return found
  }

  function hashBytes(start: i32, length: i32, seed: i32): i32 {
    let hash = multiply(seed ^ length, ONE)
    let at = start
    const end = start + length
    while (at + 4 <= end) {
      hash = multiply(hash ^ load32(at), TWO)
      hash ^= hash >>> 15
      at += 4
    }
    if (at < end) hash = multiply(hash ^ (load32(at) & ((1 << ((end - at) << 3)) - 1)), TWO)
    hash ^= hash >>> 13
    hash = multiply(hash, THREE)
    return hash ^ (hash >>> 16)
  }

  // What firstBytes says about a message.
  /** It could match a glob, or is a value itself: all of it has to be looked at. */
  const MAY_MATCH: i32 = 1
  /** It could be the name of an event, when it is a single word. */
  const MAY_NAME_EVENT: i32 = 2
  /** It could begin with markers. */
  const MAY_CARRY: i32 = 4

  /** The class of a message for which nothing of it matters. */
  const ORDINARY: i32 = 1

  /** The class of a message, 0 when the line has to go the long way. */
  function classOfMessage(start: i32, end: i32): i32 {
    if (start === end) return rememberedClass(messagePlace, STRING, start, end)
    const first = load8(firstBytes + load8(start))
    if (first === 0) return ORDINARY
    if ((first & MAY_CARRY) !== 0) {
      const prefixEnd = endOfCarried(start, end)
      if (prefixEnd === 0) return 0
      // Class 1: it begins like that, but not with a marker.
      if (rememberedClass(bracketPlace, PREFIX, start, prefixEnd) !== 1) return 0
    }
    if ((first & MAY_MATCH) !== 0) return rememberedClass(messagePlace, STRING, start, end)
    if ((first & MAY_NAME_EVENT) !== 0 && isSingleWord(start, end))
      return rememberedClass(messagePlace, STRING, start, end)
    return ORDINARY
  }

  /** Where the first thing that could be a marker ends: a bracket, or a word. 0 when that is not plain to see. */
  function endOfCarried(start: i32, end: i32): i32 {
    const last = load8(start) === OPENING_BRACKET ? CLOSING_BRACKET : 32
    const limit = end - start > LONGEST_REMEMBERED ? start + LONGEST_REMEMBERED : end
    for (let at = start; at < limit; at++) {
      const byte = load8(at)
      if (byte === BACKSLASH) return 0
      if (byte === last) return last === 32 ? at : at + 1
    }
    return last === 32 && limit === end ? end : 0
  }

  function isSingleWord(start: i32, end: i32): bool {
    for (let at = start; at < end; at++) {
      const byte = load8(at)
      // Letters, digits and the separators . _ : - are all there is in the name of an event. An escape could be any.
      if (!isLetter(byte) && !(byte >= 45 && byte <= 58 && byte !== 47) && byte !== 95 && byte !== BACKSLASH)
        return false
      if (byte === BACKSLASH) return true
    }
    return true
  }

  // What a combination of values comes to: the bytes that a line gets. The host tells it once, by the rules of the
  // enricher; lines with the same combination get the same.

  const MOST_OUTCOMES: i32 = 6000
  const LONGEST_COMBINATION: i32 = 60

  let combinationLength: i32 = 0
  let outcomesRemembered: i32 = 0
  let outcomePoolNext: i32 = 0

  function forgetOutcomes(): void {
    clear(outcomes, (outcomeMask + 1) * 16)
    outcomesRemembered = 0
    outcomePoolNext = outcomePool
  }

  /** Reserves bytes for an outcome; the host asks for them while it decides. Gives 0 when there are not as many. */
  function reserve(length: i32): i32 {
    if (outcomePoolNext + length > outcomePoolEnd) return 0
    const at = outcomePoolNext
    outcomePoolNext = (outcomePoolNext + length + 7) & ~7
    return at
  }

  /** The address of the outcome of the combination at hand, 0 when the line has to go the long way. */
  function outcomeOf(lineStart: i32, lineEnd: i32): i32 {
    const bytes = combinationLength * 4
    const hash = hashBytes(combination, bytes, combinationLength)
    let slot = outcomes + (hash & outcomeMask) * 16
    while (true) {
      const found = word(slot + 12)
      if (found === 0) break
      if (word(slot) === hash && word(slot + 4) === bytes && isSame(word(slot + 8), combination, bytes))
        return found
      slot += 16
      if (slot > outcomes + outcomeMask * 16) slot = outcomes
    }
    if (outcomesRemembered >= MOST_OUTCOMES || outcomePoolNext + 16384 > outcomePoolEnd) {
      forgetOutcomes()
      slot = outcomes + (hash & outcomeMask) * 16
    }
    const found = decide(lineStart, lineEnd)
    if (found === 0) return 0
    const kept = reserve(bytes)
    if (kept === 0) return found
    copy(kept, combination, bytes)
    setWord(slot, hash)
    setWord(slot + 4, bytes)
    setWord(slot + 8, kept)
    setWord(slot + 12, found)
    outcomesRemembered++
    return found
  }

  function note(place: i32, found: i32): bool {
    if (combinationLength >= LONGEST_COMBINATION) return false
    setWord(combination + combinationLength * 4, (place << 16) | found)
    combinationLength++
    return true
  }

  // One pass over a line: what it has that matters, and where its members are.

  /** The value of a place that is there, whatever it is. */
  const PRESENT: i32 = 0xffff

  // Roles that members at the top of a record have of themselves, whether or not a set knows them.
  const MESSAGE: i32 = 1
  const LEVEL: i32 = 2
  const TIME: i32 = 3
  const NAME: i32 = 4
  const PID: i32 = 5
  const HOSTNAME: i32 = 6
  /** Not shown. */
  const SKIPPED: i32 = 7
  const ERROR: i32 = 8
  /** Markers that the record brings. */
  const CARRIED: i32 = 9

  /** How a message is there: not at all, as a text, as an empty one, as something else. */
  const MESSAGE_TEXT: i32 = 1
  const MESSAGE_EMPTY: i32 = 2
  const MESSAGE_OTHER: i32 = 3

  /** Then the stamps are wiped and counting begins anew: a number that comes round must not look like the last one. */
  const MOST_LINES: i32 = 1 << 30

  /** The number of the line at hand. */
  let line: i32 = 0
  let isHidden: bool = false
  let isEmptyObject: bool = false
  let messageForm: i32 = 0
  /** Where the text of the message begins and ends. */
  let messageStart: i32 = 0
  let messageEnd: i32 = 0
  /** The brace that ends the record. */
  let closingBrace: i32 = 0

  /** The place of a key below another place, 0 when nobody knows it. */
  function findKey(hash: i32, tag: i32, start: i32, length: i32): i32 {
    // Most keys are known to nobody, and this tells without touching the table, which may be large.
    const bit = hash & keyFilterMask
    if (length > longestKey || (load8(keyFilter + (bit >> 3)) & (1 << (bit & 7))) === 0) return 0
    let slot = keys + (hash & keyMask) * 16
    while (true) {
      const place = word(slot + 12)
      if (place === 0) return 0
      if (word(slot) === hash && word(slot + 4) === tag && isSame(word(slot + 8), start, length)) return place
      slot += 16
      if (slot > keys + keyMask * 16) slot = keys
    }
  }

  /** From the first and the last four bytes and the length: cheap, and keys that agree in all of them are rare. */
  function hashKey(tag: i32, start: i32, length: i32): i32 {
    let head = load32(start)
    let tail: i32 = 0
    if (length < 4) head &= (1 << (length << 3)) - 1
    else tail = load32(start + length - 4)
    let hash = multiply(head ^ multiply(tag, THREE), ONE)
    hash = multiply(hash ^ (hash >>> 15) ^ tail, TWO)
    return hash ^ (hash >>> 13)
  }

  function beginLine(): void {
    if (++line === MOST_LINES) {
      clear(stamps, placeCount * 4)
      line = 1
    }
    combinationLength = 1
    level = 0
    isHidden = false
    isEmptyObject = false
    messageForm = 0
    messageClass = 0
    messageStart = 0
    messageEnd = 0
  }

  /** From the end of the record to the newline behind it, or -1 when there is more on the line. */
  function endOfLine(at: i32): i32 {
    closingBrace = at
    at = skipSpace(at + 1)
    setWord(combination, (messageForm << 16) | messageClass)
    return load8(at) === 10 ? at : -1
  }

  /** From the brace that opens a record to the newline behind it, or -1 when the line has to go the long way. */
  function scanLine(at: i32): i32 {
    beginLine()
    const lineStart = at
    const head = heads + (load8(at + 9) & 7) * HEAD_BYTES
    at = skipHead(at, head)
    let isHead = at === lineStart
    let digitsAt: i32 = 0
    if (isHead) {
      at = skipSpace(at + 1)
      if (load8(at) === CLOSING_BRACE) {
        isEmptyObject = true
        return endOfLine(at)
      }
    }
    while (true) {
      if (load8(at) !== QUOTE) return -1
      const keyStart = at + 1
      const keyEnd = findStop(keyStart)
      // An escape in a key, or no JSON.
      if (load8(keyEnd) !== QUOTE) return -1
      const start = skipColon(keyEnd + 1)
      const length = keyEnd - keyStart
      const tag = length << 16
      // Most keys begin with a letter, or have a length, that no known one has: not even worth a hash.
      const isPossible = (word(topKeys + (load8(keyStart) << 2)) & (1 << (length & 31))) !== 0
      const place = isPossible ? findKey(hashKey(tag, keyStart, length), tag, keyStart, length) : 0
      if (isHead && (place !== 0 || keyStart - lineStart > LONGEST_HEAD)) {
        isHead = false
        if (digitsAt !== 0) keepHead(head, lineStart, digitsAt, keyStart - 1)
      }
      if (place === 0) {
        at = skipValue(start, 1)
        if (isHead) {
          if (kind === NUMBER && digitsAt === 0 && at - start === TIME_DIGITS && isTime(start)) digitsAt = start
          else if (kind === OBJECT || kind === ARRAY) isHead = false
        }
      } else if (roleOf(place) === MESSAGE) at = visitMessage(place, start)
      else at = visit(place, start, 1)
      if (at < 0) return -1
      at = skipSpace(at)
      const byte = load8(at)
      if (byte === CLOSING_BRACE) return endOfLine(at)
      if (byte !== COMMA) return -1
      at = skipSpace(at + 1)
    }
  }

  // What most lines begin with: a level, a time, a process, a host. Where nobody cares about any of them, the bytes that
  // were found to be right once are only compared, all but the digits of the time. One such beginning is kept for each
  // level: 16 bytes (where the digits are, where it ends, both from its start), then its bytes.
  const HEAD_BYTES: i32 = 144
  const LONGEST_HEAD: i32 = 120
  const TIME_DIGITS: i32 = 13

  /** From the opening brace to the first key behind the beginning that is kept, or to nowhere when it is another one. */
  function skipHead(at: i32, head: i32): i32 {
    const digits = word(head)
    if (digits === 0 || !isSame(at, head + 16, digits) || !isTime(at + digits)) return at
    const behind = digits + TIME_DIGITS
    const length = word(head + 4)
    return isSame(at + behind, head + 16 + behind, length - behind) ? at + length : at
  }

  /** Whether 13 digits begin here, such as a number may have. */
  function isTime(at: i32): bool {
    if (load8(at) === 48) return false
    for (let i: i32 = 0; i < TIME_DIGITS; i++) if (!isDigit(load8(at + i))) return false
    return true
  }

  function keepHead(head: i32, lineStart: i32, digitsAt: i32, end: i32): void {
    setWord(head, digitsAt - lineStart)
    setWord(head + 4, end - lineStart)
    copy(head + 16, lineStart, end - lineStart)
  }

  let messageClass: i32 = 0

  function visitMessage(place: i32, start: i32): i32 {
    if (!isFirstVisit(place)) return -1
    if (load8(start) === QUOTE) {
      const end = endOfString(start + 1)
      if (end < 0) return -1
      messageStart = start + 1
      messageEnd = end
      messageForm = end === start + 1 ? MESSAGE_EMPTY : MESSAGE_TEXT
      messageClass = classOfMessage(start + 1, end)
      return messageClass === 0 ? -1 : end + 1
    }
    messageForm = MESSAGE_OTHER
    const end = skipValue(start, 1)
    if (end < 0 || isText || kind === ARRAY || kind === OBJECT) return -1
    if (kind !== NULL) {
      messageClass = classOf(place, kind, start, end)
      if (messageClass === 0) return -1
    }
    return end
  }

  /**
   * Marks a place as seen on this line; false when it has been already. Of two members with one key the last counts, and
   * what the first had to say does not: rare, and left to JSON.parse.
   */
  function isFirstVisit(place: i32): bool {
    if (word(stamps + place * 4) === line) return false
    setWord(stamps + place * 4, line)
    return true
  }

  /** Takes down the class of a value; false when the line has to go the long way. */
  function noteValue(place: i32, type: i32, start: i32, end: i32): bool {
    // A list of one value stands for it.
    if (type === ARRAY) return false
    const found =
      type === STRING ? classOf(place, STRING, start + 1, end - 1) : classOf(place, type, start, end)
    return found !== 0 && note(place, found)
  }

  /** The value of a known place: takes down what matters of it. Gives where it ends, or -1. */
  function visit(place: i32, start: i32, depth: i32): i32 {
    if (!isFirstVisit(place)) return -1
    const flags = flagsOf(place)
    if ((flags & IS_SLOW) !== 0) return -1
    const byte = load8(start)
    if (byte === OPENING_BRACE) {
      const end =
        (flags & HAS_CHILDREN) !== 0 ? walkObject(place, start + 1, depth) : skipObject(start + 1, depth)
      kind = OBJECT
      if (end < 0 || ((flags & IS_PRESENCE) !== 0 && !note(place, PRESENT))) return -1
      const own = roleOf(place)
      return own === LEVEL || own === CARRIED ? -1 : end
    }
    const end = skipValue(start, depth)
    if (end < 0) return -1
    const type = kind
    const role = roleOf(place)
    if (role === LEVEL && !noteLevel(place, type, start, end)) return -1
    if (role === CARRIED) {
      if (type !== ARRAY) return -1
      const found = rememberedClass(place, ARRAY, start, end)
      return found !== 0 && note(place, found) ? end : -1
    }
    if ((flags & HAS_VALUE) !== 0 && type !== NULL) return noteValue(place, type, start, end) ? end : -1
    return (flags & IS_PRESENCE) !== 0 && !note(place, PRESENT) ? -1 : end
  }

  /** The members of an object below a known place. */
  function walkObject(parent: i32, at: i32, depth: i32): i32 {
    if (depth >= MAX_DEPTH) return -1
    at = skipSpace(at)
    if (load8(at) === CLOSING_BRACE) return at + 1
    while (true) {
      if (load8(at) !== QUOTE) return -1
      const keyStart = at + 1
      const keyEnd = findStop(keyStart)
      if (load8(keyEnd) !== QUOTE) return -1
      const start = skipColon(keyEnd + 1)
      const length = keyEnd - keyStart
      const tag = (length << 16) | parent
      const place = findKey(hashKey(tag, keyStart, length), tag, keyStart, length)
      at = place === 0 ? skipValue(start, depth + 1) : visit(place, start, depth + 1)
      if (at < 0) return -1
      at = skipSpace(at)
      const byte = load8(at)
      if (byte === CLOSING_BRACE) return at + 1
      if (byte !== COMMA) return -1
      at = skipSpace(at + 1)
    }
  }

  /** The class of the level at hand, 0 when there is none. */
  let level: i32 = 0

  /** Kinds under which levels are remembered, beside what a set may have to say about the same values. */
  const LEVEL_STRING: i32 = 9
  const LEVEL_OTHER: i32 = 10

  function noteLevel(place: i32, type: i32, start: i32, end: i32): bool {
    if (type === ARRAY || type === NULL) return false
    level =
      type === STRING
        ? rememberedClass(place, LEVEL_STRING, start + 1, end - 1)
        : rememberedClass(place, LEVEL_OTHER, start, end)
    if (level === 0) return false
    isHidden = word(levels + level * 16) !== 0
    return true
  }

  // Text for people, as src/pretty writes it, from the bytes of a line to the bytes of its text: the fields while the
  // line is read, the line before them, whose markers are known only then, afterwards.

  /** What is written between two looks at the room that is left. */
  const SLACK: i32 = 1024

  // The parts of the line before the fields: where each value begins and ends, and of what kind it is.
  let timeStart: i32 = 0
  let timeEnd: i32 = 0
  let timeKind: i32 = 0
  let nameStart: i32 = 0
  let nameEnd: i32 = 0
  let pidStart: i32 = 0
  let pidEnd: i32 = 0
  let hostnameStart: i32 = 0
  let hostnameEnd: i32 = 0
  let isMessagePlain: bool = false
  /** Whether the record brings a list in the field for markers. */
  let hasList: bool = false
  /** How many errors there are; each is kept as two words, where its key and where its value begins. */
  let errorCount: i32 = 0
  const MOST_ERRORS: i32 = 16
  const ROOM_FOR_ERRORS: i32 = 65536

  /** The fields that have been written: from `body` to here. */
  let bodyEnd: i32 = 0

  /** Text: a line is written whole, or taken back and sent the long way. */
  function runText(start: i32, end: i32): void {
    let at = start
    while (at < end) {
      const lineStart = at
      const first = load8(at)
      if (first === OPENING_BRACE) {
        at = scanText(at)
        if (at >= 0 && !isHidden) {
          const outcome = outcomeOf(lineStart, at)
          if (outcome === 0 || !writeRecord(outcome)) at = -1
        }
        if (at < 0) at = takeLongWay(lineStart)
      } else if (first === 10 || (first > 32 && first < 128)) {
        at = findNewline(at)
        append(lineStart, at + 1 - lineStart)
      } else at = takeLongWay(lineStart)
      at++
    }
  }

  /** From the brace that opens a record to the newline behind it, or -1; writes the fields on the way. */
  function scanText(at: i32): i32 {
    beginLine()
    depth = 0
    keyCount = 0
    errorCount = 0
    timeStart = 0
    nameStart = 0
    pidStart = 0
    hostnameStart = 0
    hasList = false
    bodyEnd = body
    limit = bodyLimit
    let bloom: i32 = 0
    let separator: i32 = OPENING_BRACE
    at = skipSpace(at + 1)
    // A record without anything has no line to put its markers into.
    if (load8(at) === CLOSING_BRACE) return -1
    while (true) {
      if (load8(at) !== QUOTE) return -1
      const keyStart = at + 1
      const keyEnd = endOfShownKey(keyStart)
      if (load8(keyEnd) !== QUOTE || isMovedKey(keyStart, keyEnd)) return -1
      const start = skipColon(keyEnd + 1)
      const length = keyEnd - keyStart
      const tag = length << 16
      const hash = hashKey(tag, keyStart, length)
      const bit = 1 << (hash & 31)
      if ((bloom & bit) !== 0 && isKeyKnown(0, hash, keyStart, length)) return -1
      bloom |= bit
      if (!keepKey(hash, keyStart, length)) return -1
      const place = findKey(hash, tag, keyStart, length)
      const role = place === 0 ? 0 : roleOf(place)
      if (role === 0) {
        let to = bodyEnd
        if (to + SLACK + length > bodyLimit) return -1
        if (isSingleLine) {
          store8(to++, separator)
          separator = COMMA
          store8(to++, QUOTE)
          to = put(to, keyStart, length)
          store8(to++, QUOTE)
          store8(to++, COLON)
        } else {
          to = putSpaces(to, 4)
          if (length > 0) {
            if (keyOpenLength > 0) to = put(to, keyOpen, keyOpenLength)
            to = put(to, keyStart, length)
            if (keyOpenLength > 0) to = put(to, keyClose, keyCloseLength)
          }
          store8(to++, COLON)
          store8(to++, 32)
        }
        const indentation = isSingleLine ? COMPACT : 4
        to =
          place === 0
            ? writeValue(to, start, indentation, SINGLE_BACKSLASH)
            : writePlaced(to, place, start, indentation, SINGLE_BACKSLASH)
        if (to < 0) return -1
        bodyEnd = isSingleLine ? to : endLine(to)
        at = valueEnd
      } else {
        at = role === MESSAGE ? visitMessage(place, start) : visit(place, start, 1)
        if (at < 0 || !keepPart(role, keyStart, start, at)) return -1
      }
      at = skipSpace(at)
      const byte = load8(at)
      if (byte === CLOSING_BRACE) return endOfLine(at)
      if (byte !== COMMA) return -1
      at = skipSpace(at + 1)
    }
  }

  /** Keeps what the line before the fields is made of; false when it is of an odd kind. */
  function keepPart(role: i32, keyStart: i32, start: i32, end: i32): bool {
    switch (role) {
      case MESSAGE:
        isMessagePlain = isPlain
        return true
      case TIME:
        timeStart = start
        timeEnd = end
        timeKind = kind
        return kind === NUMBER || kind === STRING
      case NAME:
        nameStart = start + 1
        nameEnd = end - 1
        return kind === STRING && isPlain && end - start > 2 && end - start < 256
      case PID:
        pidStart = start
        pidEnd = end
        return kind === NUMBER && isProcessId(start, end)
      case HOSTNAME:
        hostnameStart = start + 1
        hostnameEnd = end - 1
        return kind === STRING && isPlain && end - start > 2 && end - start < 256
      case ERROR: {
        const at = errors + errorCount * 8
        setWord(at, keyStart)
        setWord(at + 4, start)
        errorCount++
        return errorCount < MOST_ERRORS
      }
      case CARRIED:
        hasList = true
        return true
      default:
        return true
    }
  }

  /** A process has a whole number that is not 0; whatever else is there is left to the long way. */
  function isProcessId(start: i32, end: i32): bool {
    if (end - start > 10 || load8(start) < 49) return false
    for (let at = start; at < end; at++) if (!isDigit(load8(at))) return false
    return true
  }

  /** Writes the record whose fields have just been written; false when it needs the long way. */
  function writeRecord(outcome: i32): bool {
    const prefixLength = word(outcome)
    if (hasList && (word(outcome + 16) === 0 || mayRepeat(word(outcome + 4), prefixLength))) return false
    const needed =
      SLACK * 2 +
      prefixLength +
      (messageEnd - messageStart) +
      (bodyEnd - body) +
      (errorCount > 0 ? ROOM_FOR_ERRORS : 0)
    if (out + needed > outputEnd) {
      flush(output, out)
      out = output
      if (out + needed > outputEnd) return false
    }
    limit = outputEnd
    let at = writeHead(out)
    // A line that would begin with its message, or be empty, is not worth a way of its own.
    if (at === out || at < 0) return false
    store8(at++, COLON)
    if (messageForm !== 0 || prefixLength > 0) {
      store8(at++, 32)
      const isNothing = prefixLength === 0 && messageForm === MESSAGE_EMPTY
      if (!isNothing) at = put(at, messageOpen, messageOpenLength)
      at = put(at, word(outcome + 4), prefixLength)
      if (messageForm === MESSAGE_TEXT) {
        if (prefixLength > 0) store8(at++, 32)
        const textAt = at
        at = isMessagePlain
          ? put(at, messageStart, messageEnd - messageStart)
          : writeText(at, messageStart, messageEnd, 0)
        // Nothing of it can be shown: then it counts as a message that is not there.
        if (at < 0 || at === textAt) return false
      }
      if (!isNothing) at = put(at, messageClose, messageCloseLength)
    }
    if (isObjectHidden) {
      out = endLine(at)
      return true
    }
    const length = bodyEnd - body
    if (isSingleLine) {
      // Quirk for quirk as pino-pretty has it: the space is left out only where nothing but "\n" would follow.
      if (length > 0 || errorCount > 0 || hasCarriageReturn) store8(at++, 32)
      if (length > 0) {
        at = put(at, greyOpen, greyOpenLength)
        at = put(at, body, length)
        store8(at++, CLOSING_BRACE)
        at = put(at, greyClose, greyCloseLength)
      }
      at = endLine(at)
    } else at = put(endLine(at), body, length)
    if (errorCount > 0) {
      // Errors are rare, so they may be looked at twice.
      at = writeErrors(at)
      if (at < 0) return false
    }
    out = at
    return true
  }

  /** Whether the message may begin with the markers that the record brings. Then they are not shown twice. */
  function mayRepeat(prefix: i32, length: i32): bool {
    if (length === 0 || messageForm !== MESSAGE_TEXT) return false
    if (!isMessagePlain) return true
    return messageEnd - messageStart >= length && isSame(messageStart, prefix, length)
  }

  /** Time, level and origin, up to the colon. */
  function writeHead(begin: i32): i32 {
    let at = begin
    const levelText = level === 0 ? 0 : word(levels + level * 16 + 4)
    const levelLength = level === 0 ? 0 : word(levels + level * 16 + 8)
    if (isLevelFirst) at = put(at, levelText, levelLength)
    if (timeStart !== 0) {
      if (at !== begin) store8(at++, 32)
      at = writeTime(at, timeKind, timeStart, timeEnd)
      if (at < 0) return -1
    }
    if (!isLevelFirst && levelLength > 0) {
      if (at !== begin) store8(at++, 32)
      at = put(at, levelText, levelLength)
    }
    if ((nameStart | pidStart | hostnameStart) === 0 || at === begin) return at
    store8(at++, 32)
    store8(at++, 40)
    if (nameStart !== 0) at = put(at, nameStart, nameEnd - nameStart)
    if (pidStart !== 0) {
      if (nameStart !== 0) store8(at++, 47)
      at = put(at, pidStart, pidEnd - pidStart)
    }
    if (hostnameStart !== 0) {
      if ((nameStart | pidStart) !== 0) store8(at++, 32)
      store8(at++, 111)
      store8(at++, 110)
      store8(at++, 32)
      at = put(at, hostnameStart, hostnameEnd - hostnameStart)
    }
    store8(at++, 41)
    return at
  }

  function endLine(at: i32): i32 {
    if (hasCarriageReturn) store8(at++, 13)
    store8(at++, 10)
    return at
  }

  function writeTime(at: i32, type: i32, start: i32, end: i32): i32 {
    if (type !== NUMBER) return describeTime(at, type, start, end)
    // Most lines are of the second of the line before: then its digits are the same, and those of the millisecond are
    // the last three.
    if (
      end - start === 13 &&
      isSame(start, lastSecondAt, 10) &&
      isDigit(load8(start + 10)) &&
      isDigit(load8(start + 11)) &&
      isDigit(load8(start + 12))
    ) {
      at = put(at, word(lastSecond + 8), word(lastSecond + 12))
      const digits = word(lastSecond + 16)
      if (digits < 0) {
        store8(digits + at, load8(start + 10))
        store8(digits + at + 1, load8(start + 11))
        store8(digits + at + 2, load8(start + 12))
      }
      return at
    }
    if (end - start > 15 || load8(start) === 45) return describeTime(at, type, start, end)
    const time = simpleNumber(start, end)
    const second = Math.floor(time / 1000)
    // NaN is not equal to itself, and a fraction is not equal to the whole.
    if (Math.floor(time) !== time) return describeTime(at, type, start, end)
    const slot = seconds + (toInteger(second % 256) << 6)
    // The slot may be that of the last second, and is about to be another's.
    store8(lastSecondAt, 0)
    if (float(slot) !== second && fillSecond(slot, second) === 0) return describeTime(at, type, start, end)
    at = put(at, word(slot + 8), word(slot + 12))
    const digits = word(slot + 16)
    if (digits < 0) {
      const milliseconds = toInteger(time - second * 1000)
      const hundreds = toInteger(toFloat(milliseconds) / 100)
      const tens = toInteger(toFloat(milliseconds - hundreds * 100) / 10)
      store8(digits + at, 48 + hundreds)
      store8(digits + at + 1, 48 + tens)
      store8(digits + at + 2, 48 + milliseconds - hundreds * 100 - tens * 10)
    }
    if (end - start === 13) {
      copy(lastSecondAt, start, 10)
      lastSecond = slot
    }
    return at
  }

  /** The slot of the second that was written last, and an address at which its ten digits are kept. */
  let lastSecond: i32 = 0
  const lastSecondAt: i32 = 16

  // What the host is asked to describe.
  const TIME_TEXT: i32 = 1
  const NUMBER_TEXT: i32 = 2
  const STRING_JSON: i32 = 3

  function describeTime(at: i32, type: i32, start: i32, end: i32): i32 {
    if (type !== NUMBER && type !== STRING) return -1
    const length = describe(TIME_TEXT, start, end)
    return length < 0 || length > 255 ? -1 : put(at, scratch, length)
  }

  function writeErrors(at: i32): i32 {
    for (let index: i32 = 0; index < errorCount; index++) {
      const keyStart = word(errors + index * 8)
      const start = word(errors + index * 8 + 4)
      const keyLength = endOfShownKey(keyStart) - keyStart
      if (at + SLACK + keyLength > limit) return -1
      at = putSpaces(at, 4)
      at = put(at, keyStart, keyLength)
      store8(at++, COLON)
      store8(at++, 32)
      at = writeValue(at, start, 4, IS_ERROR)
      if (at < 0) return -1
      at = endLine(at)
    }
    return at
  }

  /** No indentation: all in one line. */
  const COMPACT: i32 = -1

  // How a value is written.
  /** Two backslashes become one, as pino-pretty shows them. */
  const SINGLE_BACKSLASH: i32 = 1
  /** The stack is shown as lines. */
  const IS_ERROR: i32 = 2

  /** Where the value that was written last ends in the input. */
  let valueEnd: i32 = 0
  /** How far may be written. */
  let limit: i32 = 0
  let depth: i32 = 0

  /** A value as JSON.stringify would write it; gives the end of what it has written, or -1. */
  function writeValue(at: i32, start: i32, indentation: i32, style: i32): i32 {
    const byte = load8(start)
    if (byte === QUOTE) {
      kind = STRING
      return writeString(at, start + 1, style)
    }
    if (byte === OPENING_BRACE) {
      at = writeObject(at, start + 1, indentation, style, 0)
      kind = OBJECT
      return at
    }
    if (byte === OPENING_BRACKET) {
      at = writeArray(at, start + 1, indentation, style)
      kind = ARRAY
      return at
    }
    if (byte <= 57) {
      kind = NUMBER
      return writeNumber(at, start)
    }
    valueEnd = skipValue(start, 0)
    return valueEnd < 0 ? -1 : put(at, start, valueEnd - start)
  }

  /** The same for the value of a known place: takes down what matters of it, as `visit` does. */
  function writePlaced(at: i32, place: i32, start: i32, indentation: i32, style: i32): i32 {
    if (!isFirstVisit(place)) return -1
    const flags = flagsOf(place)
    if ((flags & IS_SLOW) !== 0) return -1
    if (load8(start) === OPENING_BRACE) {
      at = writeObject(at, start + 1, indentation, style, (flags & HAS_CHILDREN) !== 0 ? place : 0)
      kind = OBJECT
      return at
    }
    at = writeValue(at, start, indentation, style)
    if (at < 0 || (flags & HAS_VALUE) === 0 || kind === NULL) return at
    return noteValue(place, kind, start, valueEnd) ? at : -1
  }

  function writeNumber(at: i32, start: i32): i32 {
    const end = endOfNumber(start)
    if (end < 0) return -1
    valueEnd = end
    if (isCanonical(start, end)) return put(at, start, end - start)
    const length = describe(NUMBER_TEXT, start, end)
    return length < 0 ? -1 : put(at, scratch, length)
  }

  /** Whether a number is written as JSON.stringify would write it: few digits, no needless ones, no exponent. */
  function isCanonical(start: i32, end: i32): bool {
    if (end - start > 16) return false
    let at = start
    if (load8(at) === 45) at++
    const first = at
    while (at < end && isDigit(load8(at))) at++
    if (at === end) return end - first <= 15 && (load8(start) !== 45 || load8(first) !== 48)
    if (load8(at) !== 46) return false
    const point = at++
    while (at < end && isDigit(load8(at))) at++
    if (at !== end || end - first > 16 || load8(end - 1) === 48) return false
    // 0.0000001 is written as 1e-7.
    return load8(first) !== 48 || end - point <= 7
  }

  function writeString(at: i32, start: i32, style: i32): i32 {
    store8(at++, QUOTE)
    const stop = findUnplain(start)
    if (load8(stop) === QUOTE) {
      valueEnd = stop + 1
      if (at + SLACK + (stop - start) > limit) return -1
      at = put(at, start, stop - start)
    } else {
      const end = endOfString(stop)
      if (end < 0) return -1
      valueEnd = end + 1
      at = writeOddString(at, start, end, style)
      if (at < 0) return -1
    }
    store8(at++, QUOTE)
    return at
  }

  /** A text with escapes or characters beyond ASCII, as JSON. */
  function writeOddString(at: i32, start: i32, end: i32, style: i32): i32 {
    if (at + SLACK + (end - start) > limit) return -1
    const begin = at
    let from = start
    while (true) {
      const stop = findUnplain(from)
      at = put(at, from, stop - from)
      if (stop >= end) return at
      const byte = load8(stop)
      if (byte === BACKSLASH) {
        const escaped = load8(stop + 1)
        from = stop + 2
        if (escaped === BACKSLASH) {
          store8(at++, BACKSLASH)
          if (style !== SINGLE_BACKSLASH) store8(at++, BACKSLASH)
        } else if (escaped === 110 || escaped === 116 || escaped === QUOTE) {
          store8(at++, BACKSLASH)
          store8(at++, escaped)
        } else if (escaped === 47) store8(at++, 47)
        else if (escaped === 117) return describeString(begin, start, end, style)
        // The other escapes are control characters, which are not shown.
      } else {
        if (byte === 127) return describeString(begin, start, end, style)
        const safeEnd = endOfSafe(stop, end)
        if (safeEnd < 0) return describeString(begin, start, end, style)
        at = put(at, stop, safeEnd - stop)
        from = safeEnd
      }
    }
  }

  /** The host takes a text apart and puts it together again; two backslashes become one here, where they have to. */
  function describeString(at: i32, start: i32, end: i32, style: i32): i32 {
    const length = describe(STRING_JSON, start, end)
    if (length < 0) return -1
    if (at + SLACK + length > limit) return -1
    if (style !== SINGLE_BACKSLASH) return put(at, scratch, length)
    for (let i: i32 = 0; i < length; i++) {
      const byte = load8(scratch + i)
      store8(at++, byte)
      if (byte === BACKSLASH) {
        i++
        if (load8(scratch + i) !== BACKSLASH) store8(at++, load8(scratch + i))
      }
    }
    return at
  }

  /**
   * A text as itself, its escapes undone. Lines after the first are indented by so much; 0 is for a message, whose
   * further lines keep what they have.
   */
  function writeText(at: i32, start: i32, end: i32, indentation: i32): i32 {
    if (at + SLACK + (end - start) > limit) return -1
    let from = start
    while (true) {
      const stop = findUnplain(from)
      at = put(at, from, stop - from)
      if (stop >= end) return at
      const byte = load8(stop)
      if (byte === BACKSLASH) {
        const escaped = load8(stop + 1)
        from = stop + 2
        if (escaped === 110) {
          if (at + SLACK + (end - from) > limit) return -1
          if (indentation === 0) {
            const indented = afterNewline(from, end)
            if (indented < 0) return -1
            store8(at++, 10)
            at = putSpaces(at, indented)
            continue
          }
          if (at + SLACK + indentation + (end - from) > limit) return -1
          at = putSpaces(endLine(at), indentation)
        } else if (escaped === 116) store8(at++, 9)
        else if (escaped === BACKSLASH || escaped === QUOTE || escaped === 47) store8(at++, escaped)
        else if (escaped === 117) return -1
      } else {
        const safeEnd = byte === 127 ? -1 : endOfSafe(stop, end)
        if (safeEnd < 0) return -1
        at = put(at, stop, safeEnd - stop)
        from = safeEnd
      }
    }
  }

  /**
   * By how much the rest of a message is indented behind a newline in it, as `indentContinuation` does: not at all where
   * it is already. -1 where that depends on what is left out, or on what follows the message.
   */
  function afterNewline(at: i32, end: i32): i32 {
    let spaces: i32 = 0
    while (spaces < 4 && at < end && load8(at) === 32) {
      spaces++
      at++
    }
    if (spaces === 4) return 0
    if (at >= end) return -1
    if (load8(at) !== BACKSLASH) return 4
    const escaped = load8(at + 1)
    return escaped === 110 || escaped === 116 || escaped === QUOTE || escaped === BACKSLASH || escaped === 47
      ? 4
      : -1
  }

  /** From behind the opening brace. `parent` is its place, 0 when nothing below it matters. */
  function writeObject(at: i32, start: i32, indentation: i32, style: i32, parent: i32): i32 {
    if (++depth > MAX_DEPTH) return -1
    start = skipSpace(start)
    store8(at++, OPENING_BRACE)
    const keysFrom = keyCount
    if (load8(start) !== CLOSING_BRACE) {
      const inner = indentation === COMPACT ? COMPACT : indentation + 2
      let bloom: i32 = 0
      while (true) {
        if (load8(start) !== QUOTE) return -1
        const keyStart = start + 1
        const keyEnd = endOfShownKey(keyStart)
        if (load8(keyEnd) !== QUOTE || isMovedKey(keyStart, keyEnd)) return -1
        const length = keyEnd - keyStart
        const tag = (length << 16) | parent
        const hash = hashKey(tag, keyStart, length)
        const bit = 1 << (hash & 31)
        if ((bloom & bit) !== 0 && isKeyKnown(keysFrom, hash, keyStart, length)) return -1
        bloom |= bit
        if (!keepKey(hash, keyStart, length) || at + SLACK + length > limit) return -1

        if (inner !== COMPACT) at = putSpaces(endLine(at), inner)
        store8(at++, QUOTE)
        at = put(at, keyStart, length)
        store8(at++, QUOTE)
        store8(at++, COLON)
        start = skipColon(keyEnd + 1)
        const isStack = style === IS_ERROR && length === 5 && load8(start) === QUOTE && isStackKey(keyStart)
        if (isStack) {
          const end = endOfString(start + 1)
          at = putSpaces(endLine(at), inner + 4)
          at = writeText(at, start + 1, end, inner + 4)
          valueEnd = end + 1
        } else {
          if (inner !== COMPACT) store8(at++, 32)
          const place = parent === 0 ? 0 : findKey(hash, tag, keyStart, length)
          at = place === 0 ? writeValue(at, start, inner, style) : writePlaced(at, place, start, inner, style)
        }
        if (at < 0) return -1
        start = skipSpace(valueEnd)
        const byte = load8(start)
        if (byte === CLOSING_BRACE) break
        if (byte !== COMMA) return -1
        // Behind the lines of a stack pino-pretty has no comma.
        if (!isStack) store8(at++, COMMA)
        start = skipSpace(start + 1)
      }
      // Each of many that end here writes a line.
      if (at + SLACK > limit) return -1
      if (inner !== COMPACT) at = putSpaces(endLine(at), indentation)
    }
    keyCount = keysFrom
    depth--
    valueEnd = start + 1
    store8(at++, CLOSING_BRACE)
    return at
  }

  /** "stack" */
  function isStackKey(at: i32): bool {
    return load32(at) === 0x63617473 && load8(at + 4) === 107
  }

  function writeArray(at: i32, start: i32, indentation: i32, style: i32): i32 {
    if (++depth > MAX_DEPTH) return -1
    start = skipSpace(start)
    store8(at++, OPENING_BRACKET)
    if (load8(start) !== CLOSING_BRACKET) {
      const inner = indentation === COMPACT ? COMPACT : indentation + 2
      while (true) {
        if (at + SLACK > limit) return -1
        if (inner !== COMPACT) at = putSpaces(endLine(at), inner)
        at = writeValue(at, start, inner, style)
        if (at < 0) return -1
        start = skipSpace(valueEnd)
        const byte = load8(start)
        if (byte === CLOSING_BRACKET) break
        if (byte !== COMMA) return -1
        store8(at++, COMMA)
        start = skipSpace(start + 1)
      }
      // Each of many that end here writes a line.
      if (at + SLACK > limit) return -1
      if (inner !== COMPACT) at = putSpaces(endLine(at), indentation)
    }
    depth--
    valueEnd = start + 1
    store8(at++, CLOSING_BRACKET)
    return at
  }

  // The keys of the objects that are being written, 12 bytes each: hash, address, length. No key may be there twice.
  let keyCount: i32 = 0
  const MOST_KEYS: i32 = 200

  /** False when there are too many. */
  function keepKey(hash: i32, start: i32, length: i32): bool {
    const at = keyList + keyCount * 12
    setWord(at, hash)
    setWord(at + 4, start)
    setWord(at + 8, length)
    keyCount++
    return keyCount < MOST_KEYS
  }

  function isKeyKnown(from: i32, hash: i32, start: i32, length: i32): bool {
    for (let index = from; index < keyCount; index++) {
      const at = keyList + index * 12
      if (word(at) === hash && word(at + 8) === length && isSame(word(at + 4), start, length)) return true
    }
    return false
  }

  /** From behind the quote of a key to the closing one. Where the key is not shown as it stands, to some other byte. */
  function endOfShownKey(at: i32): i32 {
    const stop = findUnplain(at)
    if (load8(stop) < 128) return stop
    const end = findStop(stop)
    return load8(end) === QUOTE && isSafe(stop, end) ? end : stop
  }

  /** Whether an object shows a key elsewhere, or not at all: whole numbers come first, and `__proto__` is none. */
  function isMovedKey(start: i32, end: i32): bool {
    const first = load8(start)
    if (isDigit(first)) {
      let at = start
      while (isDigit(load8(at))) at++
      return at === end
    }
    return first === 95 && end - start === 9 && load32(start) === 0x72705f5f
  }

  function isSafe(at: i32, end: i32): bool {
    while (at < end) {
      if (load8(at) < 127) at = findUnplain(at)
      if (at >= end) break
      if (load8(at) < 128) return false
      at = endOfSafe(at, end)
      if (at < 0) return false
    }
    return true
  }

  /**
   * From a byte beyond ASCII to the next byte of ASCII, or -1 when there is something in between that is not shown as
   * it is: bytes that are no UTF-8, or a character that hides or turns round what stands around it. It need not tell
   * them apart exactly: the blocks in which there are any are all left to the host.
   */
  function endOfSafe(at: i32, end: i32): i32 {
    while (at < end) {
      const first = load8(at)
      if (first < 128) return at
      const second = load8(at + 1)
      if ((second & 0xc0) !== 0x80) return -1
      if (first < 0xe0) {
        // C1 controls and the soft hyphen; the grapheme joiner; the mark that turns Arabic letters round.
        if (first < 0xc2) return -1
        if (first === 0xc2 && (second < 0xa0 || second === 0xad)) return -1
        if ((first === 0xcd && second === 0x8f) || (first === 0xd8 && second === 0x9c)) return -1
        at += 2
      } else if (first < 0xf0) {
        const third = load8(at + 2)
        if ((third & 0xc0) !== 0x80) return -1
        if (first === 0xe0 && second < 0xa0) return -1
        // Fillers of Hangul, vowels of Khmer that show nothing, selectors of Mongolian.
        if (first === 0xe1 && (second === 0x85 || second === 0x9e || second === 0xa0)) return -1
        // General punctuation has the zero-width and direction characters beside dashes, quotes and the ellipsis.
        if (first === 0xe2) {
          if (second === 0x80 && (third < 0x90 || third > 0xa7)) return -1
          if (second === 0x81 || (second === 0xa0 && third === 0x80)) return -1
        }
        if (first === 0xe3 && second === 0x85) return -1
        // Surrogates, and what stands behind the private use area.
        if (first === 0xed && second >= 0xa0) return -1
        if (first === 0xef && second >= 0xb8) return -1
        at += 3
      } else {
        // Emoji and what is around them; the rest is rare.
        if (first !== 0xf0 || second !== 0x9f) return -1
        if ((load8(at + 2) & 0xc0) !== 0x80 || (load8(at + 3) & 0xc0) !== 0x80) return -1
        at += 4
      }
    }
    return at
  }

  // A chunk of whole lines, from a chunk of memory to the output.

  /** The place behind what has been written to the output. */
  let out: i32 = 0

  /** Up to where the input has been copied to the output. */
  let copied: i32 = 0

  /**
   * Takes the lines from `start` to `end`, the byte behind a newline. What they come to is handed to the host by
   * `flush`, the rest of it is what stands at the output at the end; its end is given.
   */
  function run(start: i32, end: i32): i32 {
    out = output
    if (isText) runText(start, end)
    else runJson(start, end)
    return out
  }

  /** JSON: the bytes stay as they are, and what is added is put between them. */
  function runJson(start: i32, end: i32): void {
    let at = start
    copied = start
    while (at < end) {
      const lineStart = at
      const first = load8(at)
      if (first === OPENING_BRACE) {
        at = scanLine(at)
        if (at >= 0) {
          if (isHidden) {
            copyUpTo(lineStart)
            copied = at + 1
          } else if (!addTo(lineStart, at)) at = -1
        }
        if (at < 0) at = takeLongWay(lineStart)
      } else if (first > 32 && first < 128) at = findNewline(at)
      else if (first !== 10) at = takeLongWay(lineStart)
      at++
    }
    copyUpTo(end)
  }

  /** Puts into the line what it has earned; false when that has to be found out the long way. */
  function addTo(lineStart: i32, lineEnd: i32): bool {
    const outcome = outcomeOf(lineStart, lineEnd)
    if (outcome === 0) return false
    // The words of an outcome: length and address of the text before the message, and of the members at the end.
    const prefixLength = word(outcome)
    if (prefixLength > 0) {
      copyUpTo(messageStart)
      append(word(outcome + 4), prefixLength)
    }
    const length = word(outcome + 8)
    if (length > 0) {
      copyUpTo(closingBrace)
      if (!isEmptyObject) append(COMMA_AT, 1)
      append(word(outcome + 12), length)
    }
    return true
  }

  /** An address at which the host has put a comma. */
  const COMMA_AT: i32 = 9

  /** Gives the newline at the end of the line. */
  function takeLongWay(lineStart: i32): i32 {
    if (!isText) copyUpTo(lineStart)
    const lineEnd = findNewline(lineStart)
    out = passSlowly(lineStart, lineEnd, out)
    copied = lineEnd + 1
    return lineEnd
  }

  function copyUpTo(end: i32): void {
    append(copied, end - copied)
    copied = end
  }

  function append(from: i32, length: i32): void {
    while (out + length > outputEnd) {
      const fitting = outputEnd - out
      copy(out, from, fitting)
      flush(output, outputEnd)
      out = output
      from += fitting
      length -= fitting
    }
    copy(out, from, length)
    out += length
  }

  return { configure, hashKey, reserve, run }
}
