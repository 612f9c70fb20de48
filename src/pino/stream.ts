import { Writable } from 'node:stream'
import { isatty } from 'node:tty'
import sonicBoom from 'sonic-boom'
import type { Issue } from '../core/issue.ts'
import { type EventSetRegistry, isRegistry } from '../core/registry.ts'
import { isPlainObject } from '../core/shape.ts'
import { getRegistry } from '../discovery/process-registry.ts'
import type { PinoPrettyOptions } from '../pretty/renderer.ts'
import { describeWriteFailure, openFile, openFileWriter } from './file-writer.ts'
import { createLineProcessor } from './line-processor.ts'
import { parseStreamOptions, type TransportOptions } from './options.ts'
import { readPinoConfig } from './pino-config.ts'
import { reportOnStderr } from './report.ts'
import { resolveTerminal } from './terminal.ts'

/** Options of the in-process stream: the transport's, and what cannot travel to a worker. */
export interface StreamOptions
  extends Omit<TransportOptions, 'destination' | 'messageFormat' | 'sets' | 'override'> {
  /** The sets to use. The registry of the process unless given. */
  readonly registry?: EventSetRegistry | undefined
  /** A file descriptor, a path, or a stream. Default 1, standard output. */
  readonly destination?: number | string | { write(bytes: Buffer): unknown } | undefined
  readonly messageFormat?: PinoPrettyOptions['messageFormat'] | undefined
  readonly customPrettifiers?: PinoPrettyOptions['customPrettifiers'] | undefined
  /** Write before the log call returns. Default true; false gathers lines and writes them in the background. */
  readonly sync?: boolean | undefined
}

/** A stream that pino writes to in its own thread. */
export interface EventsetsStream extends Writable {
  /** Writes out what is still gathered. Nothing to do when `sync`. */
  flushSync(): void
}

/**
 * A stream for `pino(options, eventsetsStream({ registry }))`: the same output as the transport's, in this thread.
 * It shares the registry, so a set registered at run time shows on the very next line.
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
  const sink = openSink(destination, options)
  const isTerminal =
    typeof destination === 'number'
      ? isatty(destination)
      : typeof destination === 'object' && 'isTTY' in destination && destination.isTTY === true
  const processor = createLineProcessor(registry, {
    ...options,
    output: options.output ?? 'pretty',
    ...resolveTerminal(options, isTerminal),
    customPrettifiers: input.customPrettifiers,
    ...(typeof messageFormat === 'function' ? { messageFormatFunction: messageFormat } : { messageFormat }),
  })
  const stream = new Writable({
    decodeStrings: true,
    write(chunk: Buffer, _encoding, done) {
      sink.write(processor.push(chunk))
      done()
    },
    final(done) {
      sink.write(processor.end())
      sink.end(done)
    },
  })
  // pino announces its levels and keys with an event on the stream itself.
  stream.on('message', (message: unknown) => {
    const config = readPinoConfig(message)
    if (config) processor.configure(config)
  })
  return Object.assign(stream, { flushSync: sink.flushSync })
}

const REGISTRY_AS_OPTIONS: Issue = {
  path: '',
  code: 'type',
  message: 'expected options, got a registry; write eventsetsStream({ registry })',
}

interface Sink {
  write(bytes: Buffer): void
  flushSync(): void
  end(done: () => void): void
}

function openSink(destination: NonNullable<StreamOptions['destination']>, options: TransportOptions): Sink {
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
  return {
    write: writer.write,
    flushSync: () => {},
    end(done) {
      writer.close()
      done()
    },
  }
}

function openBackgroundSink(destination: number | string, options: TransportOptions): Sink {
  // Opened by ourselves, so that a path that cannot be opened is an error here and not an event later, and so that
  // a process that exits at once finds the file open.
  const fd = typeof destination === 'string' ? openFile(destination, options) : destination
  const sonic = new sonicBoom.SonicBoom({
    fd,
    sync: false,
    contentMode: 'buffer',
  } as never)
  let isBroken = false
  let isReported = false
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
  process.on('exit', flushSync)
  return {
    write: (bytes) => void (!isBroken && bytes.length > 0 && sonic.write(bytes as never)),
    flushSync,
    end(done) {
      process.off('exit', flushSync)
      if (isBroken) return done()
      sonic.once('close', done)
      sonic.end()
    },
  }
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
    'a file descriptor, a path, or a stream',
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
