import type { EventSetRegistry } from '../core/registry.ts'
import { toSafeBytes } from '../pretty/safe-text.ts'
import { CHUNK_BYTES, LONGEST_LINE_BYTES } from '../scanner/limits.ts'
import type { LineScanner } from '../scanner/line-scanner.ts'
import type { ScannerKind } from '../scanner/scanner.ts'
import {
  createEnrichers,
  createLineConverter,
  type LineConverter,
  type LineConverterOptions,
} from './line-converter.ts'
import { createLineSplitter } from './line-splitter.ts'
import type { PinoConfig } from './pino-config.ts'
import { reportOnStderr } from './report.ts'

type Write = (bytes: Buffer) => void

/** Bytes of log lines in, bytes of enriched lines out. */
export interface LineProcessor {
  /** Chunks may end anywhere; what is not yet a whole line is kept. Never throws. */
  push(chunk: Buffer): Buffer
  /** The same, but what comes of it is handed to `write`, whose bytes are valid only while it runs. */
  pass(chunk: Buffer, write: Write): void
  /** Where the next bytes may be put at once, to save a copy. Valid until the next call. */
  room(): Buffer
  /** Takes so many bytes that have been put there. */
  takeFrom(room: Buffer, bytes: number, write: Write): void
  /** What is left of an input whose last line has no newline. */
  end(): Buffer
  /** Takes over the levels and keys of a logger. What the options name themselves stays. */
  configure(config: PinoConfig): void
}

export interface LineProcessorOptions extends LineConverterOptions {
  /** The scanner to use from the first byte on. Unless given, EVENTSETS_SCANNER chooses one for when there is enough to read. */
  readonly scanner?: ScannerKind | 'none' | undefined
}

/** A line of more bytes than this passes through as it is. */
export const DEFAULT_MAX_LINE_BYTES = 1024 * 1024

/** The scanner is worth its start only where more than this is to be read. */
export const WORTHWHILE_BYTES = 32 * 1024

let loaded: typeof import('./fast-lines.ts') | undefined
let loading: Promise<void> | undefined

/** Loads the scanner, once. Lines that come before it is there go the long way. Never rejects. */
export function loadScanner(): Promise<void> {
  loading ??= import('./fast-lines.ts').then(
    (module) => {
      loaded = module
    },
    // The long way does all that it does.
    () => {},
  )
  return loading
}

const NEWLINE = 10
const EMPTY = Buffer.alloc(0)

export function createLineProcessor(
  registry: EventSetRegistry,
  options: LineProcessorOptions,
): LineProcessor {
  const enricherFor = createEnrichers(registry, options)
  let converter = createLineConverter(enricherFor, options, undefined)
  const isForTerminal = options.isTerminal === true && options.output !== 'json'
  const maxLineBytes = options.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES
  // Output is gathered as a byte string: appending is cheap, and one write a chunk is all the system sees.
  let output = ''
  let parts: Buffer[] = []
  let cutCharacter = ''
  /** Where to write while a chunk is taken. */
  let currentWrite: Write | undefined

  const splitter = createLineSplitter(
    {
      line(buffer, start, end, isTerminated) {
        output += converter.convert(buffer, start, end, isTerminated ? '\n' : '')
      },
      overlong(bytes) {
        flushText()
        if (!isForTerminal && currentWrite) {
          // Not kept until the chunk is done: such lines may be endless, and copies of them add up.
          handOut(currentWrite)
          currentWrite(bytes)
        } else if (!isForTerminal) parts.push(Buffer.from(bytes))
        else {
          // A character may be cut by the end of a part; its beginning waits for the rest.
          const text = cutCharacter + bytes.toString('latin1')
          cutCharacter = /[\xc2-\xf4][\x80-\xbf]{0,2}$/.exec(text)?.[0] ?? ''
          output += toSafeBytes(text.slice(0, text.length - cutCharacter.length))
        }
      },
    },
    maxLineBytes,
  )

  const flushText = () => {
    if (output !== '') parts.push(Buffer.from(output, 'latin1'))
    output = ''
  }
  const take = (): Buffer => {
    flushText()
    const bytes =
      parts.length === 0 ? EMPTY : parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
    parts = []
    return bytes
  }

  const choose = createChoice(registry, options, maxLineBytes)
  let pushedBytes = 0
  let fast: LineScanner | undefined
  /** Bytes of the line that is not whole yet, at the beginning of the scanner's input. */
  let heldBytes = 0

  /** Hands the line that is not whole yet over to the long way. */
  const spill = () => {
    if (fast && heldBytes > 0) splitter.push(fast.memory.subarray(fast.input, fast.input + heldBytes))
    heldBytes = 0
  }
  /** The scanner that is to take the next bytes, or `undefined` when they go the long way. */
  const next = (bytes: number): LineScanner | undefined => {
    pushedBytes += bytes
    if (!splitter.isAtLineStart) return undefined
    const current = choose(pushedBytes, converter)
    // The sets or the keys are others than a moment ago.
    if (current !== fast) spill()
    fast = current
    return splitter.isAtLineStart ? fast : undefined
  }
  /** Takes `bytes` more that stand in the input of the scanner. */
  const advance = (scanner: LineScanner, bytes: number, write: Write) => {
    const { memory, input } = scanner
    const end = input + heldBytes + bytes
    const newline = memory.subarray(input + heldBytes, end).lastIndexOf(NEWLINE)
    const linesEnd = newline === -1 ? input : input + heldBytes + newline + 1
    if (linesEnd > input) scanner.run(input, linesEnd, write)
    heldBytes = end - linesEnd
    if (heldBytes > 0 && linesEnd > input) memory.copyWithin(input, linesEnd, end)
    if (heldBytes <= LONGEST_LINE_BYTES) return
    // Longer than the scanner takes: the long way, up to the end of the line.
    spill()
    handOut(write)
  }
  /** The long way for a chunk, at most to the end of the line that is begun. Gives how much was taken. */
  const pushSlowly = (chunk: Buffer): number => {
    const newline = splitter.isAtLineStart ? -1 : chunk.indexOf(NEWLINE)
    const taken = newline === -1 ? chunk.length : newline + 1
    splitter.push(taken === chunk.length ? chunk : chunk.subarray(0, taken))
    return taken
  }

  const passAll = (chunk: Buffer, write: Write): void => {
    let at = 0
    while (at < chunk.length) {
      const scanner = next(at === 0 ? chunk.length : 0)
      if (!scanner) {
        at += pushSlowly(at === 0 ? chunk : chunk.subarray(at))
        continue
      }
      handOut(write)
      const bytes = Math.min(chunk.length - at, CHUNK_BYTES)
      chunk.copy(scanner.memory, scanner.input + heldBytes, at, at + bytes)
      at += bytes
      advance(scanner, bytes, write)
    }
    handOut(write)
  }
  const pass = (chunk: Buffer, write: Write) =>
    carefully(write, (to) => {
      currentWrite = to
      passAll(chunk, to)
      currentWrite = undefined
    })
  const handOut = (write: Write) => {
    const bytes = take()
    if (bytes.length > 0) write(bytes)
  }

  let plainRoom: Buffer | undefined
  let roomOf: LineScanner | undefined
  return {
    push(chunk) {
      const all: Buffer[] = []
      // A copy: what the scanner hands out is valid only for the moment.
      pass(chunk, (bytes) => all.push(Buffer.from(bytes)))
      return all.length === 1 ? (all[0] as Buffer) : Buffer.concat(all)
    },
    pass,
    room() {
      // The first bytes tell whether there is enough to read for the scanner to be worth its start.
      roomOf = pushedBytes === 0 ? undefined : next(0)
      if (roomOf === undefined) {
        plainRoom ??= Buffer.allocUnsafe(CHUNK_BYTES)
        return plainRoom
      }
      const start = roomOf.input + heldBytes
      return roomOf.memory.subarray(start, start + CHUNK_BYTES)
    },
    takeFrom(room, bytes, write) {
      if (bytes === 0) return
      const scanner = roomOf
      // Whoever waited for the bytes may have registered a set meanwhile.
      if (scanner === undefined || scanner !== next(0)) return pass(room.subarray(0, bytes), write)
      pushedBytes += bytes
      carefully(write, (to) => advance(scanner, bytes, to))
    },
    end() {
      spill()
      splitter.end()
      output += toSafeBytes(cutCharacter)
      cutCharacter = ''
      return take()
    },
    configure(config) {
      converter = createLineConverter(enricherFor, options, config)
    },
  }
}

/** A `write` that throws must not leave a chunk half taken: it is let through when all has been done. */
function carefully(write: Write, action: (write: Write) => void): void {
  let failure: { readonly error: unknown } | undefined
  action((bytes) => {
    try {
      write(bytes)
    } catch (error) {
      failure ??= { error }
    }
  })
  if (failure) throw failure.error
}

/** Gives the scanner for what has been pushed so far and the converter in force, and makes it when there is none yet. */
function createChoice(registry: EventSetRegistry, options: LineProcessorOptions, maxLineBytes: number) {
  const asked = options.scanner ?? askedScanner()
  let made:
    | { readonly scanner: LineScanner | undefined; readonly of: LineConverter; readonly version: number }
    | undefined
  return (pushedBytes: number, converter: LineConverter): LineScanner | undefined => {
    if (asked === 'none' || (!options.scanner && pushedBytes < WORTHWHILE_BYTES)) return undefined
    if (!loaded) {
      if (options.scanner)
        throw new Error('The scanner that is asked for has not been loaded: await loadScanner().')
      void loadScanner()
      return undefined
    }
    if (made?.of !== converter || made.version !== registry.version) {
      const isOverlongPossible = maxLineBytes < CHUNK_BYTES + LONGEST_LINE_BYTES
      const scanner = isOverlongPossible
        ? undefined
        : tryTo(loaded.createFastLines, asked, registry, options, converter)
      made = { scanner, of: converter, version: registry.version }
    }
    return made.scanner
  }
}

/** The scanner, or nothing where there is no memory for it: the long way does all that it does. */
function tryTo(
  create: typeof import('./fast-lines.ts').createFastLines,
  ...parameters: Parameters<typeof create>
): LineScanner | undefined {
  try {
    return create(...parameters)
  } catch {
    return undefined
  }
}

function askedScanner(): ScannerKind | undefined {
  const { EVENTSETS_SCANNER: asked = '' } = process.env
  if (asked === 'js' || asked === 'wasm') return asked
  if (asked !== '')
    reportOnStderr(
      `eventsets: EVENTSETS_SCANNER is ${JSON.stringify(asked)}; known are "js" and "wasm". The default is used.`,
    )
  return undefined
}
