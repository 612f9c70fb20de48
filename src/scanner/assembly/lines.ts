// A chunk of whole lines, from a chunk of memory to the output.

/** The place behind what has been written to the output. */
let out: i32 = 0

/** Up to where the input has been copied to the output. */
let copied: i32 = 0

/**
 * Takes the lines from `start` to `end`, the byte behind a newline. What they come to is handed to the host by
 * `flush`, the rest of it is what stands at the output at the end; its end is given.
 */
export function run(start: i32, end: i32): i32 {
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
