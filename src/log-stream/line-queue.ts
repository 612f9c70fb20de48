/** Whole lines that go together. */
export interface CutLines {
  /** Without their line ends. */
  readonly lines: readonly Uint8Array[]
  /** With their line ends. */
  readonly bytes: number
}

/** How much goes together at most, but for a line that alone is more. */
export interface CutLimits {
  readonly lines: number
  /** With line ends. */
  readonly bytes: number
}

/** Lines in the order they came in, as views of the bytes they came in. */
export interface LineQueue {
  /** How many bytes there are, with line ends. */
  readonly bytes: number
  /** Adds whole lines. The bytes are kept, not copied. */
  push(lines: Uint8Array): void
  /** The first lines, or nothing where there are none. */
  take(limits: CutLimits): CutLines | undefined
  /** All that is left, in one piece. */
  takeAll(): Buffer
}

const NEWLINE = 10

export function createLineQueue(): LineQueue {
  let chunks: Uint8Array[] = []
  /** Where the first line begins: in which chunk, and where in that. */
  let head = 0
  let at = 0
  let queuedBytes = 0

  const forget = () => {
    // One by one would be slow where there are thousands.
    if (head < 1024 && head < chunks.length) return
    chunks = chunks.slice(head)
    head = 0
  }
  return {
    get bytes() {
      return queuedBytes
    },
    push(lines) {
      if (lines.length === 0) return
      chunks.push(lines)
      queuedBytes += lines.length
    },
    take(limits) {
      const lines: Uint8Array[] = []
      let bytes = 0
      while (head < chunks.length && lines.length < limits.lines) {
        const chunk = chunks[head] as Uint8Array
        const end = endOfLine(chunk, at)
        if (lines.length > 0 && bytes + end - at > limits.bytes) break
        lines.push(withoutEnd(chunk, at, end))
        bytes += end - at
        at = end
        if (at < chunk.length) continue
        head++
        at = 0
      }
      forget()
      queuedBytes -= bytes
      return lines.length === 0 ? undefined : { lines, bytes }
    },
    takeAll() {
      const [first, ...rest] = chunks.slice(head)
      const all = first === undefined ? Buffer.alloc(0) : Buffer.concat([first.subarray(at), ...rest])
      chunks = []
      head = 0
      at = 0
      queuedBytes = 0
      return all
    },
  }
}

/** The first lines of bytes that hold nothing but whole lines. */
export function cutLines(bytes: Uint8Array, limits: CutLimits): CutLines {
  const lines: Uint8Array[] = []
  let at = 0
  while (at < bytes.length && lines.length < limits.lines) {
    const end = endOfLine(bytes, at)
    if (lines.length > 0 && end > limits.bytes) break
    lines.push(withoutEnd(bytes, at, end))
    at = end
  }
  return { lines, bytes: at }
}

/** How many of the bytes are whole lines that take no more than so many. */
export function wholeLinesWithin(bytes: Uint8Array, mostBytes: number): number {
  if (mostBytes >= bytes.length) return bytes.length
  return mostBytes <= 0 ? 0 : bytes.lastIndexOf(NEWLINE, mostBytes - 1) + 1
}

export function countLines(bytes: Uint8Array): number {
  let lines = 0
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) lines++
  return lines
}

/** Behind the line end. */
function endOfLine(bytes: Uint8Array, start: number): number {
  const newline = bytes.indexOf(NEWLINE, start)
  return newline === -1 ? bytes.length : newline + 1
}

function withoutEnd(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return bytes.subarray(start, bytes[end - 1] === NEWLINE ? end - 1 : end)
}
