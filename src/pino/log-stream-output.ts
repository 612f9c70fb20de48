import { type EventsetsError, ValidationError } from '../core/errors.ts'
import { type BufferedWriter, createBufferedWriter } from '../log-stream/buffered-writer.ts'
import type { LogStreamDriver } from '../log-stream/driver.ts'
import { findLogStreamDriver } from '../log-stream/find-driver.ts'
import { openSpillFile } from '../log-stream/spill-file.ts'
import { describeUrl } from '../log-stream/stream-url.ts'
import { toSafeText } from '../pretty/safe-text.ts'
import { watchMainThread } from './main-thread.ts'
import type { TransportOptions } from './options.ts'

/** A stream on a server that lines can be written to, as far as it was found. */
export interface FoundLogStream {
  /** @throws EventsetsError when there is no driver for it, or when an option or the URL is wrong. */
  open(options: TransportOptions): BufferedWriter
}

/** How much waits in memory for the server, unless told otherwise. */
const DEFAULT_BUFFER_BYTES = 16 * 1024 * 1024
const DEFAULT_SPILL_BYTES = 1024 * 1024 * 1024
/** Half of the time that pino waits for its worker. */
const DEFAULT_CLOSE_TIMEOUT_MS = 5000
/** How long one try to write takes at most: what is wrong is to be told before the process ends. */
const TRY_MS = 2500

type Tell = (message: string) => void

/**
 * Looks for what can write to a URL. Never rejects: what is wrong is said when it is opened.
 *
 * @param tell Told of what a person should know. Given, and not imported: what the transport shares with a file that few
 * of them load would be one more file for all.
 */
export async function findLogStream(
  url: string,
  project: string | undefined,
  tell: Tell,
): Promise<FoundLogStream> {
  try {
    const driver = await findLogStreamDriver(url, { project })
    return { open: (options) => openLogStream(driver, url, options, tell) }
  } catch (error) {
    return {
      open() {
        throw error as EventsetsError
      },
    }
  }
}

function openLogStream(
  driver: LogStreamDriver,
  url: string,
  options: TransportOptions,
  tell: Tell,
): BufferedWriter {
  const {
    spillPath,
    onFull = spillPath === undefined ? 'drop' : 'spill',
    maxBufferBytes = DEFAULT_BUFFER_BYTES,
    maxSpillBytes = DEFAULT_SPILL_BYTES,
    closeTimeoutMs = DEFAULT_CLOSE_TIMEOUT_MS,
    maxLen,
    mkdir = false,
  } = options
  if (onFull === 'spill' && spillPath === undefined) throw withoutPath()
  const writer = driver.openWriter(url, { maxLen, timeoutMs: TRY_MS })
  const spill =
    onFull === 'spill' && spillPath !== undefined
      ? openSpillFile({ path: spillPath, maxBytes: maxSpillBytes, mkdir })
      : undefined
  return watched(
    createBufferedWriter({
      writer,
      name: describeUrl(url),
      maxBytes: maxBufferBytes,
      onFull,
      spill,
      closeTimeoutMs,
      lossRecord: (lines) => wordLoss(lines, options),
      report: (message) => tell(toSafeText(message)),
    }),
  )
}

function withoutPath(): ValidationError {
  const message =
    'is required where "onFull" is "spill": the file that lines go to when there is no room in memory'
  return new ValidationError(
    'The options of the destination are',
    [{ path: 'spillPath', code: 'missing', message }],
    { code: 'EVENTSETS_INVALID_OPTIONS' },
  )
}

/** Keeps a thread waiting only as long as it does not wait for this one: otherwise both would wait for ever. */
function watched(writer: BufferedWriter): BufferedWriter {
  let isHurried = false
  const watch = watchMainThread((isSilent) => writer.hurry(isSilent || isHurried))
  return {
    ...writer,
    hurry(should) {
      isHurried = should
      writer.hurry(should)
    },
    hasRoom(onRoom) {
      const hasRoom = writer.hasRoom(() => {
        watch.rest()
        onRoom()
      })
      if (!hasRoom) watch.start()
      return hasRoom
    },
    close(done) {
      watch.stop()
      writer.close(done)
    },
  }
}

/** Level 40 is `warn`. */
function wordLoss(
  lines: number,
  { output = 'json', messageKey = 'msg', levelKey = 'level' }: TransportOptions,
): string {
  const message = `${lines} log ${lines === 1 ? 'line' : 'lines'} had to be dropped here, since the server did not take them in time`
  if (output === 'pretty') return `WARN: eventsets: ${message}`
  return JSON.stringify({
    [levelKey]: 40,
    time: Date.now(),
    pid: process.pid,
    [messageKey]: message,
    eventsets: { droppedLines: lines },
  })
}
