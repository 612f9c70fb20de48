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
