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
