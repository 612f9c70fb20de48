import { randomUUID } from 'node:crypto'
import { type Issue, type LogStreamWriter, type LogStreamWriterOptions, ValidationError } from 'eventsets'
import { evaluateBytes } from '../evaluate.ts'
import { connectionError } from '../failures.ts'
import { atMost } from '../timeout.ts'
import { openLink } from './link.ts'
import { readStreamUrl, type StreamPlace } from './stream-url.ts'
import { writeScript } from './write-script.ts'

const DEFAULT_TIMEOUT_MS = 10_000
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
  let loss: Error | undefined
  const link = openLink(serverUrl, {
    onLost: (error) => {
      loss = error
    },
    onBack: () => {
      loss = undefined
    },
  })
  const noteKey = `{${tag}}:writer:${randomUUID()}`
  const numbers = new WeakMap<readonly Uint8Array[], number>()
  let last = 0
  /** What nobody waits for any more may still be answered. To send it once more would only keep a slow line busy. */
  let underWay: { readonly lines: readonly Uint8Array[]; readonly done: Promise<unknown> } | undefined

  /** The same for a batch that is tried again, by which the server knows that it has it. */
  const numberOf = (lines: readonly Uint8Array[]): number => {
    const known = numbers.get(lines)
    // Another one has come between, so that the server would take it for known anyway: twice is better than never.
    if (known === last) return known
    numbers.set(lines, ++last)
    return last
  }
  const send = (lines: readonly Uint8Array[]): Promise<unknown> => {
    const args = [NOTED_MS, numberOf(lines), maxLen, ...lines.map(toBuffer)]
    const done = link.call((client) => evaluateBytes(client, writeScript, [key, noteKey], args))
    const current = { lines, done }
    underWay = current
    const forget = () => {
      if (underWay === current) underWay = undefined
    }
    done.then(forget, forget)
    return done
  }
  const writer: LogStreamWriter = {
    async write(lines) {
      if (lines.length === 0) return
      const done = underWay?.lines === lines ? underWay.done : send(lines)
      let isDone = false
      try {
        await atMost(
          timeoutMs,
          done.then(() => {
            isDone = true
          }),
        )
      } catch (error) {
        throw connectionError(error, timeoutMs)
      }
      if (!isDone) throw connectionError(loss ?? new Error('There was no answer in time.'), timeoutMs)
    },
    async close() {
      if (last > 0 && link.isReady)
        await atMost(
          FORGET_MS,
          link
            .call((client) => client.del(noteKey))
            .then(
              () => {},
              () => {},
            ),
        )
      await link.end()
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
