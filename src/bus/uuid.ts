import { randomFillSync } from 'node:crypto'

/** Random bytes are fetched for many ids at once: asking the system each time takes longer than all the rest. */
const pool = new Uint8Array(8 * 512)
let used = pool.length

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * A UUID of version 7 (RFC 9562): sorts by time, and within a millisecond by `sequence`, of which the last 12 bits count.
 *
 * @param time Milliseconds since 1970.
 */
export function createUuid(time: number, sequence: number): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const at = used
  used += 8
  const byte = (value: number) => hex[value & 0xff] as string
  const random = (index: number) => hex[pool[at + index] as number] as string
  const high = Math.floor(time / 0x10000)
  return (
    byte(high >>> 24) +
    byte(high >>> 16) +
    byte(high >>> 8) +
    byte(high) +
    '-' +
    byte(time / 0x100) +
    byte(time) +
    '-' +
    byte(0x70 | ((sequence >>> 8) & 0x0f)) +
    byte(sequence) +
    '-' +
    byte(0x80 | ((pool[at] as number) & 0x3f)) +
    random(1) +
    '-' +
    random(2) +
    random(3) +
    random(4) +
    random(5) +
    random(6) +
    random(7)
  )
}
