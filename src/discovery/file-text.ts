import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'

/** Which file it was that has been read: what is judged later has to be the same one. */
export interface FileIdentity {
  readonly dev: number
  readonly ino: number
}

export type FileText =
  | { readonly kind: 'text'; readonly text: string; readonly identity: FileIdentity }
  /** A size is known but for files that have none, such as those of /proc. */
  | { readonly kind: 'large'; readonly bytes: number | undefined }
  /** Nothing is there; or what is there is no file, or cannot be taken for text. */
  | { readonly kind: 'missing' | 'directory' | 'special' | 'utf-16' }

/** What is the matter with a text in UTF-16. */
export const NOT_UTF_8 = 'written in UTF-16, and only UTF-8 is read'

/**
 * The text of a regular file of at most so many bytes. What a file says about its size is not relied on: it may grow, or
 * have none. Never waits: a named pipe is none.
 *
 * With `isIdentified` false it is not asked again which file has been opened: for very many files that are data,
 * whosever they are, that is worth a call for each.
 *
 * @throws what the file system says, such as that it may not be read.
 */
export function readFileText(file: string, maxBytes: number, isIdentified = true): FileText {
  // Asked first: to open a device may do something, and nothing at all is the usual answer.
  const stats = statSync(file, { throwIfNoEntry: false })
  if (stats === undefined) return { kind: 'missing' }
  if (!stats.isFile()) return { kind: stats.isDirectory() ? 'directory' : 'special' }
  if (stats.size > maxBytes) return { kind: 'large', bytes: stats.size }
  // By now it may have become a pipe, and whoever opens one that nobody writes to waits for ever.
  const fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const opened = isIdentified ? fstatSync(fd) : stats
    if (!opened.isFile()) return { kind: 'special' }
    const bytes = readBytes(fd, maxBytes + 1, opened.size)
    if (bytes.length > maxBytes) return { kind: 'large', bytes: undefined }
    if (isUtf16(bytes)) return { kind: 'utf-16' }
    return { kind: 'text', text: bytes.toString('utf8'), identity: { dev: opened.dev, ino: opened.ino } }
  } finally {
    closeSync(fd)
  }
}

/** Nearly every file that is read here is smaller. */
const CHUNK_BYTES = 64 * 1024

let chunk: Buffer | undefined

/** The bytes of a file, at most so many. They are there until the next file is read. */
function readBytes(fd: number, maxBytes: number, expectedBytes: number): Buffer {
  chunk ??= Buffer.allocUnsafeSlow(CHUNK_BYTES)
  const parts: Buffer[] = []
  let total = 0
  while (total < maxBytes) {
    const bytes = readSync(fd, chunk, 0, Math.min(chunk.length, maxBytes - total), null)
    if (bytes === 0) break
    total += bytes
    const part = chunk.subarray(0, bytes)
    // A file in one piece, and that is most of them, need not be copied.
    if (parts.length === 0 && total === expectedBytes) return part
    parts.push(Buffer.from(part))
  }
  return Buffer.concat(parts)
}

/** By the mark in front, or by half of a first character that is nothing: JSON and YAML begin with a character of ASCII. */
function isUtf16(bytes: Buffer): boolean {
  const [first, second] = bytes
  if (second === undefined) return false
  return (
    (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || first === 0 || second === 0
  )
}
