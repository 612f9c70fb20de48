/** What a stream of bytes is cut into. Offsets are into `buffer`, the newline not included. */
export interface LineSink {
  /** A whole line. `isTerminated` is false only for the last one of an input without a final newline. */
  line(buffer: Buffer, start: number, end: number, isTerminated: boolean): void
  /** A part of a line over the limit; its newline comes as a part too. To be passed on as it is. */
  overlong(bytes: Buffer): void
}

export interface LineSplitter {
  /** Whether no line has been begun. */
  readonly isAtLineStart: boolean
  push(chunk: Buffer): void
  /** The input is over; what is left is its last line. Another input may follow. */
  end(): void
}

const NEWLINE = 10

/**
 * Cuts chunks of bytes into lines. Chunks may end in mid-line, and in mid-character.
 *
 * A line of more than `maxLineBytes` is never held whole: its parts are passed on as they come, so that memory
 * stays flat whatever is sent.
 */
export function createLineSplitter(sink: LineSink, maxLineBytes: number): LineSplitter {
  let held: Buffer[] = []
  let heldBytes = 0
  let isOverlong = false

  const release = (): Buffer => {
    const bytes = held.length === 1 ? (held[0] as Buffer) : Buffer.concat(held, heldBytes)
    held = []
    heldBytes = 0
    return bytes
  }

  return {
    get isAtLineStart() {
      return !isOverlong && heldBytes === 0
    },
    push(chunk) {
      let start = 0
      if (isOverlong || heldBytes > 0) {
        const newline = chunk.indexOf(NEWLINE)
        const end = newline === -1 ? chunk.length : newline
        if (isOverlong) {
          sink.overlong(chunk.subarray(0, newline === -1 ? end : end + 1))
          if (newline === -1) return
          isOverlong = false
        } else if (heldBytes + end > maxLineBytes) {
          sink.overlong(release())
          sink.overlong(chunk.subarray(0, newline === -1 ? end : end + 1))
          isOverlong = newline === -1
          if (isOverlong) return
        } else {
          held.push(Buffer.from(chunk.subarray(0, end)))
          heldBytes += end
          if (newline === -1) return
          const line = release()
          sink.line(line, 0, line.length, true)
        }
        start = end + 1
      }
      for (let end = chunk.indexOf(NEWLINE, start); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        if (end - start > maxLineBytes) sink.overlong(chunk.subarray(start, end + 1))
        else sink.line(chunk, start, end, true)
        start = end + 1
      }
      if (start === chunk.length) return
      if (chunk.length - start > maxLineBytes) {
        sink.overlong(chunk.subarray(start))
        isOverlong = true
      } else {
        // A copy: whoever owns the chunk may fill it again.
        held.push(Buffer.from(chunk.subarray(start)))
        heldBytes = chunk.length - start
      }
    },
    end() {
      isOverlong = false
      if (heldBytes === 0) return
      const line = release()
      sink.line(line, 0, line.length, false)
    },
  }
}
