// Reads stdin in chunks, synchronously, and hands over whole lines: the cheapest way in that Node has.
import { readSync, writeSync } from 'node:fs'

const CHUNK_BYTES = 256 * 1024

/**
 * Calls `onLines(buffer, start, end)` with byte ranges that end at a line break (the last one may not).
 */
export function readLineChunks(onLines) {
  let buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  let filled = 0
  for (;;) {
    if (filled === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2)
    const read = readSync(0, buffer, filled, buffer.length - filled, null)
    if (read === 0) break
    filled += read
    const end = buffer.lastIndexOf(10, filled - 1) + 1
    if (end === 0) continue
    onLines(buffer, 0, end)
    buffer.copyWithin(0, end, filled)
    filled -= end
  }
  if (filled > 0) onLines(buffer, 0, filled)
}

export function writeAll(chunk, start = 0, end = chunk.length) {
  for (let done = start; done < end; ) done += writeSync(1, chunk, done, end - done)
}
