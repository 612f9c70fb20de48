import { createEnricher, type Enricher, type Enrichment, type LogRecord } from '../core/enricher.ts'
import { formatMarkers, MAX_MARKER_LENGTH } from '../core/message.ts'
import type { EventSetRegistry } from '../core/registry.ts'
import { isPlainObject } from '../core/shape.ts'
import { createRenderer, type PinoPrettyOptions, type Render } from '../pretty/renderer.ts'
import { toSafeBytes, toSafeText } from '../pretty/safe-text.ts'
import { hasOwnLevels, type Levels, levelNumber, resolveLevels, STANDARD_LEVELS } from './levels.ts'
import { createLineSplitter } from './line-splitter.ts'
import type { LineOptions } from './options.ts'
import type { PinoConfig } from './pino-config.ts'
import { reportOnStderr, reportTransformationError } from './report.ts'
import { appendMembers, findStringMember, insertAt, toByteString, toJsonBytes } from './splice.ts'

/** Bytes of log lines in, bytes of enriched lines out. */
export interface LineProcessor {
  /** Chunks may end anywhere; what is not yet a whole line is kept. Never throws. */
  push(chunk: Buffer): Buffer
  /** What is left of an input whose last line has no newline. */
  end(): Buffer
  /** Takes over the levels and keys of a logger. What the options name themselves stays. */
  configure(config: PinoConfig): void
}

export interface LineProcessorOptions extends LineOptions {
  /** Functions that pino-pretty takes; they cannot travel to a worker. */
  readonly customPrettifiers?: PinoPrettyOptions['customPrettifiers'] | undefined
  readonly messageFormatFunction?: PinoPrettyOptions['messageFormat'] | undefined
  /** Text goes to a terminal: then nothing that claims to be a record may act on it, even when it cannot be read. */
  readonly isTerminal?: boolean | undefined
}

/** A line of more bytes than this passes through as it is. */
export const DEFAULT_MAX_LINE_BYTES = 1024 * 1024

const EMPTY = Buffer.alloc(0)

export function createLineProcessor(
  registry: EventSetRegistry,
  options: LineProcessorOptions,
): LineProcessor {
  const enricherFor = createEnrichers(registry, options)
  let convert = createConverter(enricherFor, options, undefined)
  const isForTerminal = options.isTerminal === true && options.output !== 'json'
  // Output is gathered as a byte string: appending is cheap, and one write a chunk is all the system sees.
  let output = ''
  let parts: Buffer[] = []
  let cutCharacter = ''

  const splitter = createLineSplitter(
    {
      line(buffer, start, end, isTerminated) {
        output += convert(buffer, start, end, isTerminated ? '\n' : '')
      },
      overlong(bytes) {
        flushText()
        if (!isForTerminal) parts.push(Buffer.from(bytes))
        else {
          // A character may be cut by the end of a part; its beginning waits for the rest.
          const text = cutCharacter + bytes.toString('latin1')
          cutCharacter = /[\xc2-\xf4][\x80-\xbf]{0,2}$/.exec(text)?.[0] ?? ''
          output += toSafeBytes(text.slice(0, text.length - cutCharacter.length))
        }
      },
    },
    options.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES,
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

  return {
    push(chunk) {
      splitter.push(chunk)
      return take()
    },
    end() {
      splitter.end()
      output += toSafeBytes(cutCharacter)
      cutCharacter = ''
      return take()
    },
    configure(config) {
      convert = createConverter(enricherFor, options, config)
    },
  }
}

/** One line, as the byte string that takes its place; `newline` is what the input had at its end. */
type Convert = (buffer: Buffer, start: number, end: number, newline: '\n' | '') => string

type EnricherFor = (names: Names) => Enricher

/** Enrichers by the keys they depend on: a logger's configuration mostly changes nothing, and compiling takes time. */
function createEnrichers(registry: EventSetRegistry, options: LineProcessorOptions): EnricherFor {
  const enrichers = new Map<string, Enricher>()
  return ({ messageKey, errorKey }) => {
    const keys = JSON.stringify([messageKey, errorKey])
    const enricher =
      enrichers.get(keys) ??
      createEnricher(registry, {
        messageKey,
        errorKey,
        nestedKey: options.nestedKey,
        markersField: options.markersField,
        ascii: options.ascii,
        onTransformationError: reportTransformationError,
      })
    enrichers.set(keys, enricher)
    return enricher
  }
}

function createConverter(
  enricherFor: EnricherFor,
  options: LineProcessorOptions,
  config: PinoConfig | undefined,
): Convert {
  const names = resolveNames(options, config)
  const enricher = enricherFor(names)
  if (config) reportUnknownLevel(options, names.levels)
  const isShown = createLevelFilter(options, names.levels)
  const write =
    options.output === 'json'
      ? createJsonWriter(enricher, options, names)
      : createPrettyWriter(enricher, options, names)

  const isForTerminal = options.isTerminal === true && options.output !== 'json'
  return (buffer, start, end, newline) => {
    const line = buffer.toString('latin1', start, end)
    const record = parseRecord(line, buffer, start, end)
    if (record === undefined)
      return (isForTerminal && line.trimStart().startsWith('{') ? toSafeBytes(line) : line) + newline
    if (!isShown(record)) return ''
    try {
      return write(record, line, newline)
    } catch {
      // Whatever a renderer cannot digest is still a log line, and somebody wants to read it.
      return options.output === 'json'
        ? line + newline
        : toByteString(toSafeText(buffer.toString('utf8', start, end))) + newline
    }
  }
}

function parseRecord(line: string, buffer: Buffer, start: number, end: number): LogRecord | undefined {
  // What does not begin like an object is no record; JSON.parse would only find that out more slowly.
  if (line.charCodeAt(0) !== 123 && !line.trimStart().startsWith('{')) return undefined
  const text = /[\x80-\xff]/.test(line) ? buffer.toString('utf8', start, end) : line
  try {
    const record: unknown = JSON.parse(text)
    return isPlainObject(record) ? record : undefined
  } catch {
    return undefined
  }
}

interface Names {
  readonly messageKey: string
  readonly errorKey: string
  readonly levels: Levels
  /** For pino-pretty: the custom levels, where there are any. */
  readonly customLevels: LineOptions['customLevels']
}

function resolveNames(options: LineProcessorOptions, config: PinoConfig | undefined): Names {
  const fromLogger = config && hasOwnLevels(config.levels.values) ? config.levels.values : undefined
  // Without any, pino-pretty puts "undefined" for the level into a message format.
  const forFormat = typeof options.messageFormat === 'string' ? STANDARD_LEVELS : undefined
  const customLevels = options.customLevels ?? fromLogger ?? forFormat
  return {
    messageKey: options.messageKey ?? config?.messageKey ?? 'msg',
    errorKey: options.errorKey ?? config?.errorKey ?? 'err',
    levels: resolveLevels(customLevels),
    customLevels,
  }
}

function createLevelFilter({ minimumLevel, levelKey = 'level' }: LineProcessorOptions, levels: Levels) {
  const minimum = minimumLevel === undefined ? undefined : levelNumber(minimumLevel, levels)
  return (record: LogRecord): boolean => {
    if (minimum === undefined) return true
    const level = levelNumber(record[levelKey], levels)
    return level === undefined || level >= minimum
  }
}

/** An unknown `minimumLevel` may be a level of the logger's own. When that turns out to be wrong, somebody should know. */
function reportUnknownLevel({ minimumLevel }: LineProcessorOptions, levels: Levels): void {
  if (minimumLevel === undefined || levelNumber(minimumLevel, levels) !== undefined) return
  const known = [...levels.keys()].join(', ')
  reportOnStderr(
    `eventsets: the option "minimumLevel" is ${JSON.stringify(minimumLevel)}, and no level is called that (known are ${known}): all levels are shown.`,
  )
}

type Write = (record: LogRecord, line: string, newline: '\n' | '') => string

/** The markers to show for a record: those it carries, or those it has just earned. */
function markerTexts({ markers, carried }: Enrichment, ascii: boolean): readonly string[] {
  return carried ?? markers.map(({ marker, text }) => (ascii ? text : marker))
}

/** Markers that a record brings are somebody else's: at most so many, and nothing that reads like more than a marker. */
function tidyCarried(carried: readonly string[]): string[] {
  return carried
    .slice(0, 20)
    .map((marker) =>
      marker
        .replace(/[[\]\s]+/g, ' ')
        .trim()
        .slice(0, MAX_MARKER_LENGTH),
    )
    .filter((marker) => marker !== '')
}

function createJsonWriter(enricher: Enricher, options: LineProcessorOptions, { messageKey }: Names): Write {
  const {
    markers: place = 'field',
    markersField = 'markers',
    metadata: withMetadata = true,
    ascii = false,
  } = options
  const style = ascii ? 'brackets' : options.markerStyle
  const bytesOf = createJsonCache()
  return (record, line, newline) => {
    const enrichment = enricher.enrich(record)
    if (enrichment.carried !== undefined) return line + newline
    const members: string[] = []
    if (withMetadata && enrichment.metadata) {
      for (const [key, value] of Object.entries(enrichment.metadata)) {
        members.push(`${bytesOf(key)}:${bytesOf(value)}`)
      }
    }
    const markers = markerTexts(enrichment, ascii)
    const isChanged = markers.length > 0 || members.length > 0
    let enriched = line
    // Even an empty list: it says that the record has been enriched, and that nothing is to be added again.
    if (place === 'field' && isChanged && !Object.hasOwn(record, markersField)) {
      members.push(`${bytesOf(markersField)}:[${markers.map(bytesOf).join(',')}]`)
    } else if (place === 'message' && markers.length > 0) {
      const prefix = formatMarkers(markers, style)
      if (record[messageKey] === undefined) members.push(`${bytesOf(messageKey)}:${bytesOf(prefix)}`)
      else enriched = prefixInJson(line, messageKey, record[messageKey], prefix)
    }
    if (members.length > 0) enriched = appendMembers(enriched, members.join(','), isEmpty(record))
    return enriched + newline
  }
}

/** What is added to lines is always the same few words, so their bytes are kept. All of them come from the sets. */
function createJsonCache(): (value: string | number | boolean) => string {
  const cache = new Map<string | number | boolean, string>()
  return (value) => {
    let bytes = cache.get(value)
    if (bytes === undefined) {
      bytes = toJsonBytes(value)
      cache.set(value, bytes)
    }
    return bytes
  }
}

/** The line with the markers at the beginning of its message, where that is text and does not have them already. */
function prefixInJson(line: string, messageKey: string, text: unknown, prefix: string): string {
  if (typeof text !== 'string' || text === prefix || text.startsWith(`${prefix} `)) return line
  const offset = findStringMember(line, messageKey)
  return offset === -1
    ? line
    : insertAt(line, offset, toJsonBytes(text === '' ? prefix : `${prefix} `).slice(1, -1))
}

function createPrettyWriter(enricher: Enricher, options: LineProcessorOptions, names: Names): Write {
  const {
    markers: place = 'message',
    markersField = 'markers',
    metadata: withMetadata = false,
    ascii = false,
  } = options
  const render = createPrettyRenderer(options, names)
  return (record) => {
    let enrichment = enricher.enrich(record)
    // Markers that a record brings in its field are emoji; in the text form they have to be found anew.
    const isCarriedInField = enrichment.carried !== undefined && enrichment.carried.length > 0
    if (isCarriedInField && ascii) enrichment = enricher.enrich({ ...record, [markersField]: undefined })
    const texts = markerTexts(enrichment, ascii)
    const markers = place === 'none' ? [] : enrichment.carried === undefined ? texts : tidyCarried(texts)
    let shown = record
    if (withMetadata && enrichment.metadata) shown = { ...shown, ...enrichment.metadata }
    if (place === 'field') {
      if (markers.length > 0) shown = { ...shown, [markersField]: markers }
    } else if (isCarriedInField) {
      const { [markersField]: _, ...others } = shown
      shown = others
    }
    return toByteString(render(shown, place === 'message' ? markers : []))
  }
}

function createPrettyRenderer(options: LineProcessorOptions, names: Names): Render {
  const { messageFormat, messageFormatFunction, errorLikeObjectKeys, errorProps } = options
  return createRenderer({
    ...pick(options, PASSED_ON),
    markerStyle: options.ascii ? 'brackets' : options.markerStyle,
    customPrettifiers: options.customPrettifiers,
    messageFormat: messageFormatFunction ?? messageFormat,
    messageKey: names.messageKey,
    customLevels: names.customLevels,
    errorLikeObjectKeys: [
      ...new Set([...(splitKeys(errorLikeObjectKeys) ?? ['err', 'error']), names.errorKey]),
    ],
    errorProps: splitKeys(errorProps)?.join(','),
  })
}

/** Keys as pino-pretty's command takes them, `"err,error"`, or as a list. */
function splitKeys(keys: LineOptions['errorProps']): readonly string[] | undefined {
  return typeof keys === 'string' ? keys.split(',') : keys
}

/** Options that pino-pretty gets as they are. */
const PASSED_ON = [
  'colorize',
  'colorizeObjects',
  'crlf',
  'customColors',
  'hideObject',
  'ignore',
  'include',
  'levelFirst',
  'levelKey',
  'levelLabel',
  'singleLine',
  'timestampKey',
  'translateTime',
  'useOnlyCustomProps',
] as const

function pick<T extends object, K extends keyof T>(source: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(
    keys.filter((key) => source[key] !== undefined).map((key) => [key, source[key]]),
  ) as Pick<T, K>
}

function isEmpty(record: LogRecord): boolean {
  for (const _ in record) return false
  return true
}
