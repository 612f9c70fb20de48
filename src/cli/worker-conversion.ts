import type { EventSetRegistry } from '../core/registry.ts'
import type { LogBatch } from '../log-stream/driver.ts'
import { createLineProcessor, type LineProcessorOptions, loadScanner } from '../pino/line-processor.ts'
import { toSafeBytes } from '../pretty/safe-text.ts'

/** What becomes of the lines of a batch, each with its newline. */
export type Convert = (batch: LogBatch) => Buffer

/** Enriches the lines of batches. Those that nobody has survived pass as they are. */
export async function createConversion(
  registry: EventSetRegistry,
  options: LineProcessorOptions,
): Promise<Convert> {
  await loadScanner()
  const processor = createLineProcessor(registry, options)
  // They come over the network, and whatever they are, nothing of it may act on the terminal.
  const tidy = options.isTerminal !== true ? undefined : options.output === 'json' ? toSafeLine : toSafeText
  return ({ lines, isDeadly = false }) => {
    if (isDeadly) return joinLines(tidy ? lines.map(toSafeLine) : lines)
    return processor.push(joinLines(tidy ? lines.map(tidy) : lines))
  }
}

function toSafeLine(line: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = line
  const text = Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
  return Buffer.from(toSafeBytes(text), 'latin1')
}

/** What is written as text is made safe where it is written, if it is a record. */
function toSafeText(line: Uint8Array): Uint8Array {
  return line[0] === OPENING_BRACE ? line : toSafeLine(line)
}

const OPENING_BRACE = 0x7b
const NEWLINE = 10

function joinLines(lines: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.allocUnsafe(lines.reduce((sum, { length }) => sum + length + 1, 0))
  let at = 0
  for (const line of lines) {
    bytes.set(line, at)
    at += line.length
    bytes[at++] = NEWLINE
  }
  return bytes
}

/** Lines without their newlines, as views of the bytes. */
export function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, start)
    lines.push(bytes.subarray(start, end === -1 ? undefined : end))
    start = end === -1 ? bytes.length : end + 1
  }
  return lines
}
