import { type EventsetsError, ValidationError } from '../core/errors.ts'
import { type BufferedWriter, createBufferedWriter, type OnFull } from '../log-stream/buffered-writer.ts'
import type { LogStreamDriver } from '../log-stream/driver.ts'
import { findLogStreamDriver } from '../log-stream/find-driver.ts'
import { openSpillFile, type SpillFile } from '../log-stream/spill-file.ts'
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
    onFull: asked = spillPath === undefined ? 'drop' : 'spill',
    maxBufferBytes = DEFAULT_BUFFER_BYTES,
    maxSpillBytes = DEFAULT_SPILL_BYTES,
    closeTimeoutMs = DEFAULT_CLOSE_TIMEOUT_MS,
    maxLen,
    mkdir = false,
  } = options
  if (asked === 'spill' && spillPath === undefined) throw withoutPath()
  const writer = driver.openWriter(url, { maxLen, timeoutMs: TRY_MS })
  const report = (message: string) => tell(toSafeText(message))
  const spill =
    asked === 'spill' && spillPath !== undefined
      ? trySpillFile({ path: spillPath, maxBytes: maxSpillBytes, mkdir }, report)
      : undefined
  const onFull = asked === 'spill' && !spill ? 'drop' : asked
  const buffered = createBufferedWriter({
    writer,
    name: describeUrl(url),
    maxBytes: maxBufferBytes,
    onFull,
    spill,
    closeTimeoutMs,
    lossRecord: (lines) => wordLoss(lines, options),
    report,
  })
  return watched(buffered, onFull)
}

/** A disk that is full, or a folder that is missing, is no reason to have no log at all. */
function trySpillFile(
  options: Parameters<typeof openSpillFile>[0],
  report: (message: string) => void,
): SpillFile | undefined {
  try {
    const spill = openSpillFile(options)
    for (const { path, reason } of spill.passedOver)
      report(
        `eventsets: ${JSON.stringify(path)} is left as it is: ${reason}. Lines that find no room in memory go to ${JSON.stringify(spill.path)}.`,
      )
    return spill
  } catch (error) {
    const { message } = error as EventsetsError
    report(`${message} Without it, lines that find no room in memory are dropped.`)
    return undefined
  }
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
function watched(writer: BufferedWriter, onFull: OnFull): BufferedWriter {
  let isHurried = false
  const watch = watchMainThread((isSilent) => writer.hurry(isSilent || isHurried))
  return {
    ...writer,
    hurry(should) {
      isHurried = should
      writer.hurry(should)
    },
    hasRoom(onRoom) {
      if (onFull === 'block') watch.meet()
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
