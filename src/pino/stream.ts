import { Writable } from 'node:stream'
import sonicBoom from 'sonic-boom'
import type { Issue } from '../core/issue.ts'
import { type EventSetRegistry, isRegistry } from '../core/registry.ts'
import { isPlainObject } from '../core/shape.ts'
import { findApplicationFile } from '../discovery/discover.ts'
import { getRegistry } from '../discovery/process-registry.ts'
import type { BufferedWriter } from '../log-stream/buffered-writer.ts'
import { isUrl } from '../log-stream/is-url.ts'
import type { PinoPrettyOptions } from '../pretty/renderer.ts'
import { describeWriteFailure, openFile, openFileWriter } from './file-writer.ts'
import { createLineProcessor } from './line-processor.ts'
import { parseStreamOptions, type TransportOptions } from './options.ts'
import { readPinoConfig } from './pino-config.ts'
import { reportOnStderr } from './report.ts'
import { isTerminal, resolveTerminal } from './terminal.ts'

/** Options of the in-process stream: the transport's, and what cannot travel to a worker. */
export interface StreamOptions
  extends Omit<TransportOptions, 'destination' | 'messageFormat' | 'sets' | 'override'> {
  /** The sets to use. The registry of the process unless given. */
  readonly registry?: EventSetRegistry | undefined
  /** A file descriptor, a path, the URL of a stream on a server, or a stream. Default 1, standard output. */
  readonly destination?: number | string | { write(bytes: Buffer): unknown } | undefined
  readonly messageFormat?: PinoPrettyOptions['messageFormat'] | undefined
  readonly customPrettifiers?: PinoPrettyOptions['customPrettifiers'] | undefined
  /** Write before the log call returns. Default true; false gathers lines and writes them in the background. */
  readonly sync?: boolean | undefined
}

/** A stream that pino writes to in its own thread. */
export interface EventsetsStream extends Writable {
  /** Writes out what is still gathered. Nothing to do when `sync`; nothing that could be done for a server. */
  flushSync(): void
  /** The same, and waits for a server up to `closeTimeoutMs`. */
  flush(done: () => void): void
}

/**
 * A stream for `pino(options, eventsetsStream({ registry }))`: the same output as the transport's, in this thread.
 * It shares the registry, so a set registered at run time shows on the very next line.
 *
 * What is wrong with a URL is found out later, and is an `error` event of the stream.
 *
 * @throws ValidationError naming every wrong option; EventsetsError when the destination cannot be opened.
 */
export function eventsetsStream(input: StreamOptions = {}): EventsetsStream {
  const own = ['registry', 'destination', 'customPrettifiers', 'messageFormat'] as const
  const issues = isRegistry(input) ? [REGISTRY_AS_OPTIONS] : findOwnIssues(input)
  const { destination, messageFormat, ...options } = {
    ...parseStreamOptions(withoutFunctions(input), own, issues),
    destination: input.destination ?? 1,
    messageFormat: input.messageFormat,
  }
  const registry = input.registry ?? getRegistry()
  const sink = openSink(destination, options, (error) => stream.destroy(error))
  const isShown =
    typeof destination === 'number'
      ? isTerminal(destination)
      : typeof destination === 'object' && 'isTTY' in destination && destination.isTTY === true
  const processor = createLineProcessor(registry, {
    ...options,
    output: options.output ?? (isUrl(destination) ? 'json' : 'pretty'),
    ...resolveTerminal(options, isShown),
    customPrettifiers: input.customPrettifiers,
    ...(typeof messageFormat === 'function' ? { messageFormatFunction: messageFormat } : { messageFormat }),
  })
  let isEnriching = false
  const stream = new Writable({
    decodeStrings: true,
    write(chunk: Buffer, _encoding, done) {
      isEnriching = true
      const bytes = processor.push(chunk)
      isEnriching = false
      sink.write(bytes)
      if (sink.hasRoom === undefined || sink.hasRoom(done)) done()
    },
    final(done) {
      sink.write(processor.end())
      sink.end(done)
    },
    destroy(error, done) {
      sink.abandon?.()
      done(error)
    },
  })
  // pino announces its levels and keys with an event on the stream itself.
  stream.on('message', (message: unknown) => {
    const config = readPinoConfig(message)
    if (config) processor.configure(config)
  })
  // A transformation or a prettifier that logs would be called by its own lines, for ever: these pass as they are.
  const write = stream.write
  const guarded = (...chunk: Parameters<typeof write>): boolean => {
    if (!isEnriching) return write.apply(stream, chunk)
    sink.write(Buffer.from(chunk[0]))
    return true
  }
  const flush = (done: () => void) => {
    sink.flushSync()
    if (sink.flush) sink.flush(done)
    else done()
  }
  return Object.assign(stream, { flush, flushSync: sink.flushSync, write: guarded as typeof write })
}

const REGISTRY_AS_OPTIONS: Issue = {
  path: '',
  code: 'type',
  message: 'expected options, got a registry; write eventsetsStream({ registry })',
}

interface Sink {
  write(bytes: Buffer): void
  /** Of a server only: whether more may come at once; otherwise `onRoom` is called when it may. */
  readonly hasRoom?: (onRoom: () => void) => boolean
  readonly flush?: (done: () => void) => void
  flushSync(): void
  /** Of a server only: the stream ends without an end, and what was not written is told. */
  readonly abandon?: () => void
  end(done: () => void): void
}

function openSink(
  destination: NonNullable<StreamOptions['destination']>,
  options: TransportOptions,
  onError: (error: Error) => void,
): Sink {
  if (isUrl(destination)) return openServerSink(destination, options, onError)
  if (typeof destination === 'object') {
    return {
      write: (bytes) => void (bytes.length > 0 && destination.write(bytes)),
      flushSync: () => {},
      end: (done) => done(),
    }
  }
  return options.sync === false
    ? openBackgroundSink(destination, options)
    : openDirectSink(destination, options)
}

function openDirectSink(destination: number | string, options: TransportOptions): Sink {
  const writer = openFileWriter(destination, options)
  // What a full disk did not take yet, and what is lost for good, is settled at the end of the process.
  process.on('exit', writer.close)
  return {
    write: writer.write,
    flushSync: () => {},
    end(done) {
      process.off('exit', writer.close)
      writer.close()
      done()
    },
  }
}

/** How much is kept in memory while it cannot be written. */
const MAX_GATHERED_BYTES = 16 * 1024 * 1024

function openBackgroundSink(destination: number | string, options: TransportOptions): Sink {
  // Opened by ourselves, so that a path that cannot be opened is an error here and not an event later, and so that
  // a process that exits at once finds the file open.
  const fd = typeof destination === 'string' ? openFile(destination, options) : destination
  const sonic = new sonicBoom.SonicBoom({
    fd,
    sync: false,
    contentMode: 'buffer',
    maxLength: MAX_GATHERED_BYTES,
  } as never)
  let isBroken = false
  let isReported = false
  let isExiting = false
  let lostLines = 0
  sonic.on('drop', () => lostLines++)
  sonic.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has gone is no fault of the application, and nobody listens for errors of a log stream.
    if (error.code === 'EPIPE') isBroken = true
    else if (!isReported) reportOnStderr(describeWriteFailure(destination, error))
    isReported = true
  })
  const flushSync = () => {
    if (isBroken) return
    try {
      sonic.flushSync()
    } catch {
      // Not open yet, or gone: there is no later time to try at.
    }
  }
  const settle = () => {
    isExiting = true
    flushSync()
    if (lostLines > 0)
      reportOnStderr(`eventsets: ${lostLines} writes of log lines had to be dropped and are lost.`)
  }
  process.on('exit', settle)
  return {
    write(bytes) {
      if (isBroken || bytes.length === 0) return
      sonic.write(bytes as never)
      // Nothing is done in the background any more.
      if (isExiting) flushSync()
    },
    flushSync,
    end(done) {
      process.off('exit', settle)
      if (isBroken) return done()
      sonic.once('close', done)
      sonic.end()
    },
  }
}

/** What is written before there is anything to write to waits for it. */
function openServerSink(url: string, options: TransportOptions, onError: (error: Error) => void): Sink {
  let early: Buffer[] = []
  let writer: BufferedWriter | undefined
  const opening = openServer(url, options).then((opened) => {
    writer = opened
    for (const bytes of early.splice(0)) opened.write(bytes)
    return opened
  })
  opening.catch(onError)
  const whenOpen = (use: (opened: BufferedWriter) => void) => {
    if (writer) use(writer)
    // What is wrong has been told.
    else opening.then(use, () => {})
  }
  // Nothing can be waited for any more: what is left is on the disk after that, or it is said that it is lost.
  const settle = () => {
    process.off('exit', settle)
    writer?.closeNow()
    const lines = early.length
    early = []
    if (lines > 0)
      reportOnStderr(`eventsets: ${lines} writes of log lines came too late to be sent and are lost.`)
  }
  process.on('exit', settle)
  return {
    write(bytes) {
      if (bytes.length === 0) return
      if (writer) writer.write(bytes)
      else early.push(Buffer.from(bytes))
    },
    hasRoom: (onRoom) => writer === undefined || writer.hasRoom(onRoom),
    flush: (done) => whenOpen((opened) => opened.flush(done)),
    flushSync: () => {},
    abandon: settle,
    end: (done) =>
      whenOpen((opened) => {
        opened.close(() => {
          process.off('exit', settle)
          done()
        })
      }),
  }
}

async function openServer(url: string, options: TransportOptions): Promise<BufferedWriter> {
  const { findLogStream } = await import('./log-stream-output.ts')
  const { open } = await findLogStream(url, findApplicationFile(), reportOnStderr)
  return open(options)
}

function withoutFunctions({
  registry: _,
  destination: __,
  customPrettifiers: ___,
  messageFormat,
  ...data
}: StreamOptions) {
  return { ...data, ...(typeof messageFormat === 'function' ? {} : { messageFormat }) }
}

function findOwnIssues({ registry, destination, customPrettifiers }: StreamOptions): Issue[] {
  const issues: Issue[] = []
  const expect = (isRight: boolean, path: string, what: string) => {
    if (!isRight) issues.push({ path, code: 'type', message: `expected ${what}` })
  }
  expect(
    registry === undefined || isRegistry(registry),
    'registry',
    'an EventSetRegistry, such as getRegistry()',
  )
  expect(
    destination === undefined || isDestination(destination),
    'destination',
    'a file descriptor, a path, a URL, or a stream',
  )
  expect(
    customPrettifiers === undefined ||
      (isPlainObject(customPrettifiers) &&
        Object.values(customPrettifiers).every((prettify) => typeof prettify === 'function')),
    'customPrettifiers',
    'an object of functions',
  )
  return issues
}

function isDestination(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0
  if (typeof value === 'string') return value !== ''
  return isPlainObject(value) && typeof value.write === 'function'
}
