import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/**
 * The bytes of a regular file, or `undefined` when there are more than `maxBytes`. Whatever the file says about its
 * size: it may grow, have none, or have become a pipe by now, and whoever opens one waits.
 *
 * @throws what the file system says, such as that the file may not be read.
 */
export function readFileBytes(file: string, maxBytes: number): Buffer | undefined {
  const fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile()) throw new Error('it is not a regular file')
    if (stats.size > maxBytes) return undefined
    const parts: Buffer[] = []
    let total = 0
    while (total <= maxBytes) {
      const part = Buffer.allocUnsafe(Math.min(PART_BYTES, Math.max(stats.size - total, 0) + 1))
      const bytes = readSync(fd, part)
      if (bytes === 0) return Buffer.concat(parts)
      parts.push(part.subarray(0, bytes))
      total += bytes
    }
    return undefined
  } finally {
    closeSync(fd)
  }
}

const PART_BYTES = 1024 * 1024
