import { randomUUID } from 'node:crypto'
import { type Issue, type LogStreamWriter, type LogStreamWriterOptions, ValidationError } from 'eventsets'
import { createConnection } from '../connection.ts'
import { connectionError } from '../failures.ts'
import { readStreamUrl, type StreamPlace } from './stream-url.ts'
import { forgetScript, writeScript } from './write-script.ts'

const DEFAULT_TIMEOUT_MS = 10_000
/** A server that owes an answer for so long is given up. */
const SOCKET_TIMEOUT_MS = 5000
/** For how long the server knows how far a writer was that it has lost. After that, its last batch may come twice. */
const NOTED_MS = 7 * 24 * 60 * 60 * 1000
/** At the end nobody waits for more than this. */
const FORGET_MS = 300

/**
 * Writes lines to a stream, each as an entry with the field `line`. Connects when it writes for the first time.
 *
 * @throws EventsetsError for a wrong URL, ValidationError for wrong options.
 */
export function openLogStreamWriter(url: string, options: LogStreamWriterOptions = {}): LogStreamWriter {
  const place = readStreamUrl(url)
  checkOptions(options)
  const { key, tag, serverUrl } = place
  const { maxLen = 0, timeoutMs = DEFAULT_TIMEOUT_MS } = options
  const connection = createConnection(
    { url: serverUrl, client: undefined, stream: tag, blockMs: 0, socketTimeoutMs: SOCKET_TIMEOUT_MS },
    // Whoever writes is told when it does not work.
    () => {},
  )
  const noteKey = `{${tag}}:writer:${randomUUID()}`
  const numbers = new WeakMap<readonly Uint8Array[], number>()
  let last = 0

  /** The same for a batch that is tried again, by which the server knows that it has it. */
  const numberOf = (lines: readonly Uint8Array[]): number => {
    const known = numbers.get(lines)
    // Another one has come between, so that the server would take it for known anyway: twice is better than never.
    if (known === last) return known
    numbers.set(lines, ++last)
    return last
  }
  const writer: LogStreamWriter = {
    async write(lines) {
      if (lines.length === 0) return
      const args = [key, noteKey, NOTED_MS, numberOf(lines), maxLen, ...lines.map(toBuffer)]
      try {
        // The client takes bytes as well.
        await connection.run(writeScript, args as (string | number)[], performance.now() + timeoutMs)
      } catch (error) {
        throw connectionError(error, timeoutMs)
      }
    },
    async close() {
      if (last > 0 && connection.isReady)
        await connection.run(forgetScript, [noteKey], performance.now() + FORGET_MS).catch(() => {})
      connection.close()
    },
  }
  places.set(writer, { ...place, maxLen })
  return writer
}

/** Where a writer of this package writes. */
export interface WriterPlace extends StreamPlace {
  /** How many lines the stream keeps; 0 for all. */
  readonly maxLen: number
}

const places = new WeakMap<LogStreamWriter, WriterPlace>()

/**
 * Where a writer writes, for readers of the same server: they can do it for it, in the step in which they acknowledge.
 * Nothing for one that somebody else has made.
 */
export function placeOf(writer: LogStreamWriter): WriterPlace | undefined {
  return places.get(writer)
}

function toBuffer(line: Uint8Array): Buffer {
  return Buffer.isBuffer(line) ? line : Buffer.from(line.buffer, line.byteOffset, line.byteLength)
}

/** @throws ValidationError with everything that is wrong. */
function checkOptions({ maxLen, timeoutMs }: LogStreamWriterOptions): void {
  const issues: Issue[] = Object.entries({ maxLen, timeoutMs })
    .filter(([, value]) => value !== undefined && !(Number.isSafeInteger(value) && value >= 1))
    .map(([path]) => ({ path, code: 'format', message: 'expected a whole number, 1 or more' }))
  if (issues.length > 0)
    throw new ValidationError('The options for writing log lines are', issues, {
      code: 'EVENTSETS_INVALID_OPTIONS',
    })
}
