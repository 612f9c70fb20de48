import { EventEmitter } from 'node:events'
import { Duplex } from 'node:stream'
import type { Problem } from '../core/problem.ts'
import type { EventSetRegistry } from '../core/registry.ts'
import { discoverEventSets } from '../discovery/discover.ts'
import { createRegistry } from '../discovery/process-registry.ts'
import type { BufferedWriter } from '../log-stream/buffered-writer.ts'
import { isUrl } from '../log-stream/is-url.ts'
import { assertWritable, type FileWriter, openFileWriter } from './file-writer.ts'
import { createLineProcessor, type LineProcessor, type LineProcessorOptions } from './line-processor.ts'
import type { FoundLogStream } from './log-stream-output.ts'
import {
  configurationProblem,
  parseTransportOptions,
  type Surroundings,
  type TransportOptions,
} from './options.ts'
import { listenForPinoConfig, type PinoConfigSource } from './pino-config.ts'
import { followRegistrations } from './registration-channel.ts'
import { reportOnStderr, reportProblems } from './report.ts'
import { isTerminal, resolveTerminal } from './terminal.ts'

export { loadScanner } from './line-processor.ts'

/** What thread-stream wants of a transport. */
export interface WorkerDestination extends EventEmitter {
  write(text: string): boolean
  end(): void
  flush(callback: (error?: Error) => void): void
}

/** What the transport starts from: the sets and the options that are found where the application is. */
export interface Found extends Surroundings {
  readonly problems: readonly Problem[]
  /** The package.json of the application. */
  readonly project?: string | undefined
}

/** Looks for sets and a configuration. Never rejects: what is wrong with the options is said later, all at once. */
export async function findSurroundings(input: unknown): Promise<Found> {
  const { discovery, config } = (input ?? {}) as { discovery?: unknown; config?: unknown }
  const registry = createRegistry()
  const { options, problems, project } = await discoverEventSets({
    registry,
    discovery: typeof discovery === 'boolean' ? discovery : undefined,
    config: typeof config === 'string' || config === false ? config : undefined,
  })
  return { registry, defaults: options, problems, project }
}

/** Where lines go, if that is to be looked for first: what writes to a URL is not loaded for a file. */
export async function findDestination(
  input: unknown,
  { defaults, project }: Found,
): Promise<FoundLogStream | undefined> {
  const { destination = defaults.destination } = (input ?? {}) as { destination?: unknown }
  if (!isUrl(destination)) return undefined
  const { findLogStream } = await import('./log-stream-output.ts')
  return await findLogStream(destination, project, reportOnStderr)
}

/**
 * The pino transport: `pino({ transport: { target: 'eventsets' } })`.
 *
 * As a single target it is written straight on thread-stream's contract, without a stream in between. In a
 * pipeline or among several targets pino needs a real stream and gets one.
 *
 * @throws ValidationError naming every wrong option; EventsetsError when the destination cannot be opened.
 */
export function createTransport(
  input?: unknown,
  config = listenForPinoConfig(),
  { registry, defaults, problems }: Found = { registry: createRegistry(), defaults: {}, problems: [] },
  logStream?: FoundLogStream,
): WorkerDestination | Duplex {
  const isSingleTarget = typeof input === 'object' && input !== null && '$context' in input
  try {
    const parsed = parseTransportOptions(input, { registry, defaults })
    reportProblems([...problems, ...parsed.problems])
    const { options, configured } = parsed
    const stopFollowing = followRegistrations(registry)
    const release = () => {
      config.stop()
      stopFollowing()
    }
    const setting = { registry, options, configured, config, release, logStream }
    return isSingleTarget ? createDestination(setting) : createStage(setting)
  } catch (error) {
    config.stop()
    throw error
  }
}

interface Setting {
  readonly registry: EventSetRegistry
  readonly options: TransportOptions
  /** The options that the configuration says, and not the code. */
  readonly configured: ReadonlySet<string>
  readonly config: PinoConfigSource
  /** Lets go of what would keep the thread busy. */
  readonly release: () => void
  /** Where a URL leads. */
  readonly logStream: FoundLogStream | undefined
}

/**
 * How a destination that writes by itself does it: unless told otherwise as JSON to a server, as text elsewhere, in colour
 * as the terminal has it.
 */
function resolveOutput(options: TransportOptions): LineProcessorOptions {
  const { destination = 1, output = isUrl(destination) ? 'json' : 'pretty' } = options
  const isShown = typeof destination === 'number' && isTerminal(destination)
  return { ...options, output, ...resolveTerminal(options, isShown) }
}

/**
 * Where lines go. A destination of the configuration that cannot be opened does not keep the application from starting:
 * its lines go to standard output.
 *
 * @throws EventsetsError for one that the code names.
 */
function openDestination({ options, configured, logStream }: Setting): Output {
  const { destination = 1 } = options
  try {
    if (logStream) return toServer(logStream.open(options))
    // One that is not open would be found out at the first line, when that is lost.
    if (typeof destination === 'number' && configured.has('destination')) assertWritable(destination)
    return toFile(openFileWriter(destination, options))
  } catch (error) {
    if (!configured.has('destination')) throw error
    const { message } = error as Error
    reportProblems([configurationProblem([], `${message} Lines go to standard output.`)])
    return toFile(openFileWriter(1, options))
  }
}

/** What takes the lines at last. */
interface Output {
  write(bytes: Buffer): void
  /** Of a server only: whether more may come at once; otherwise `onRoom` is called when it may. */
  readonly hasRoom?: ((onRoom: () => void) => boolean) | undefined
  /** Of a server only: from now on nobody can be kept waiting. */
  readonly hurry?: (() => void) | undefined
  flush(done: () => void): void
  end(done: () => void): void
}

/** What it is given is in the file when it returns. */
function toFile({ write, close }: FileWriter): Output {
  return {
    write,
    flush: (done) => done(),
    end(done) {
      close()
      done()
    },
  }
}

function toServer({ write, hasRoom, hurry, flush, close }: BufferedWriter): Output {
  return { write, hasRoom, hurry: () => hurry(true), flush, end: close }
}

function createDestination(setting: Setting): WorkerDestination {
  const { registry, options, config, release } = setting
  const writer = openDestination(setting)
  let made: LineProcessor | undefined
  const processor = (): LineProcessor => {
    if (made) return made
    made = createLineProcessor(registry, resolveOutput(options))
    config.onConfig(made.configure)
    return made
  }
  // Sets and layout take longer to compile than all else takes here. pino need not wait for it to be ready: it is
  // done in the first moment without anything else to do, or at the first line.
  const idle = setImmediate(processor)
  return Object.assign(new EventEmitter(), {
    write(this: EventEmitter, text: string): boolean {
      config.poll()
      processor().pass(Buffer.from(text), writer.write)
      return writer.hasRoom === undefined || writer.hasRoom(() => this.emit('drain'))
    },
    end(this: EventEmitter): void {
      clearImmediate(idle)
      if (made) writer.write(made.end())
      writer.end(() => {
        release()
        // thread-stream ends the worker at once on this event; every byte is where it belongs by now.
        this.emit('close')
      })
    },
    flush: writer.flush,
  })
}

/**
 * A stream that finds out at the first chunk what it is for: read by a next stage, it hands on JSON lines (or
 * what `output` says); read by nobody, it is a destination.
 */
function createStage(setting: Setting): Duplex {
  const { registry, options, configured, config, release } = setting
  // A path that cannot be opened is reported at once, not with the first line.
  const opened =
    typeof options.destination === 'string' && !configured.has('destination')
      ? openDestination(setting)
      : undefined
  let processor: LineProcessor | undefined
  let writer: Output | undefined
  let resume: (() => void) | undefined

  const start = (): LineProcessor => {
    config.poll()
    if (processor) return processor
    const isRead = stage.readableFlowing !== null || stage.listenerCount('readable') > 0
    if (!isRead) writer = opened ?? openDestination(setting)
    else opened?.end(() => {})
    processor = createLineProcessor(
      registry,
      // What the configuration says is meant for what people see, and not for the next stage.
      isRead
        ? { ...options, output: (configured.has('output') ? undefined : options.output) ?? 'json' }
        : resolveOutput(options),
    )
    config.onConfig(processor.configure)
    return processor
  }
  const pass = (bytes: Buffer, done: () => void) => {
    if (writer) {
      writer.write(bytes)
      if (writer.hasRoom && !writer.hasRoom(done)) return
    } else if (bytes.length > 0 && !stage.push(bytes)) {
      resume = done
      return
    }
    done()
  }

  let next: NodeJS.WritableStream | undefined
  const stage = new Duplex({
    read() {
      const done = resume
      resume = undefined
      done?.()
    },
    write(chunk: Buffer, _encoding, done) {
      pass(start().push(chunk), done)
    },
    final(done) {
      const bytes = start().end()
      if (bytes.length > 0 && !writer) stage.push(bytes)
      stage.push(null)
      const finish = () => {
        release()
        if (next) afterClose(next, done)
        else done()
      }
      if (!writer) return finish()
      writer.write(bytes)
      // Nobody reads the other side, so it would never end, and a stream with an open side is never closed.
      stage.resume()
      writer.end(finish)
    },
    destroy(error, done) {
      // What was taken is still on its way, unless it has arrived at the end.
      if (error && writer?.hasRoom) writer.end(() => {})
      release()
      done(error)
    },
  })
  const end = stage.end.bind(stage) as (...given: unknown[]) => Duplex
  stage.end = (...given: unknown[]) => {
    // What it still holds has to get through before it ends.
    writer?.hurry?.()
    return end(...given)
  }
  stage.pipe = (destination, pipeOptions) => {
    next = destination
    return Duplex.prototype.pipe.call(stage, destination, pipeOptions) as typeof destination
  }
  return stage
}

/** Longer than any flush takes, shorter than the ten seconds that pino waits for its worker. */
const MAX_WAIT_FOR_NEXT_MS = 5000

/**
 * Calls `done` when the next stage has closed.
 *
 * pino ends the worker as soon as every stage has finished, and a last stage that writes in the background has
 * finished before it has written: pino-pretty then loses its last lines. Not finishing before it has closed keeps
 * the worker alive for it.
 */
function afterClose(next: NodeJS.WritableStream, done: () => void): void {
  if ((next as Duplex).closed) {
    done()
    return
  }
  const timer = setTimeout(finish, MAX_WAIT_FOR_NEXT_MS)
  function finish() {
    clearTimeout(timer)
    next.off('close', finish)
    done()
  }
  next.on('close', finish)
}
