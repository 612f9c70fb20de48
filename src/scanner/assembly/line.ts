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
export function hashKey(tag: i32, start: i32, length: i32): i32 {
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
