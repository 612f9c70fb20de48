import { createEnricher, type Enricher, type Enrichment, type LogRecord } from '../core/enricher.ts'
import { formatMarkers, MAX_MARKER_LENGTH } from '../core/message.ts'
import type { EventSetRegistry } from '../core/registry.ts'
import { isPlainObject } from '../core/shape.ts'
import {
  createRenderer,
  type PinoPrettyOptions,
  type Render,
  type RendererOptions,
} from '../pretty/renderer.ts'
import { toSafeBytes, toSafeText } from '../pretty/safe-text.ts'
import type { Additions } from '../scanner/line-scanner.ts'
import {
  hasOwnLevels,
  type Levels,
  levelNumber,
  listLevels,
  resolveLevels,
  STANDARD_LEVELS,
} from './levels.ts'
import type { LineOptions } from './options.ts'
import type { PinoConfig } from './pino-config.ts'
import { reportOnStderr, reportTransformationError } from './report.ts'
import { appendMembers, findStringMember, insertAt, toByteString, toJsonBytes } from './splice.ts'

/** How lines are enriched and written, and what does not come with the options. */
export interface LineConverterOptions extends LineOptions {
  /** Functions that pino-pretty takes; they cannot travel to a worker. */
  readonly customPrettifiers?: PinoPrettyOptions['customPrettifiers'] | undefined
  readonly messageFormatFunction?: PinoPrettyOptions['messageFormat'] | undefined
  /** Text goes to a terminal: then nothing that claims to be a record may act on it, even when it cannot be read. */
  readonly isTerminal?: boolean | undefined
}

/** The plain way from a line to what takes its place: parse it, enrich it, write it. What is faster has to do the same. */
export interface LineConverter {
  /** One line, as a byte string; `newline` is what the input had at its end. Never throws. */
  convert(buffer: Buffer, start: number, end: number, newline: '\n' | ''): string
  /** What the line of a record gets. */
  additionsFor(record: LogRecord): Additions
  /** Whether lines of a level are shown; absent when all are. */
  readonly isShown: ((level: unknown) => boolean) | undefined
  readonly names: Names
  /** The options of the text, as the renderer gets them; absent for JSON. */
  readonly rendererOptions: RendererOptions | undefined
}

export type EnricherFor = (names: Names) => Enricher

/** Enrichers by the keys they depend on: a logger's configuration mostly changes nothing, and compiling takes time. */
export function createEnrichers(registry: EventSetRegistry, options: LineConverterOptions): EnricherFor {
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

export function createLineConverter(
  enricherFor: EnricherFor,
  options: LineConverterOptions,
  config: PinoConfig | undefined,
): LineConverter {
  const names = resolveNames(options, config)
  const enricher = enricherFor(names)
  if (config) reportUnknownLevel(options, names.levels)
  const isShown = createLevelFilter(options, names.levels)
  const { levelKey = 'level' } = options
  const isJson = options.output === 'json'
  const rendererOptions = isJson ? undefined : resolveRendererOptions(options, names)
  const { write, additionsFor } = isJson
    ? createJsonWriter(enricher, options, names)
    : createTextWriter(enricher, options, createRenderer(rendererOptions))

  const isForTerminal = options.isTerminal === true && !isJson
  return {
    convert(buffer, start, end, newline) {
      const line = buffer.toString('latin1', start, end)
      const record = parseRecord(line, buffer, start, end)
      if (record === undefined)
        return (isForTerminal && line.trimStart().startsWith('{') ? toSafeBytes(line) : line) + newline
      if (isShown && !isShown(record[levelKey])) return ''
      try {
        return write(record, line, newline)
      } catch {
        // Whatever a renderer cannot digest is still a log line, and somebody wants to read it.
        return isJson
          ? line + newline
          : toByteString(toSafeText(buffer.toString('utf8', start, end))) + newline
      }
    },
    additionsFor,
    isShown,
    names,
    rendererOptions,
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

export interface Names {
  readonly messageKey: string
  readonly errorKey: string
  readonly levels: Levels
  /** For pino-pretty: the custom levels, where there are any. */
  readonly customLevels: LineOptions['customLevels']
}

function resolveNames(options: LineConverterOptions, config: PinoConfig | undefined): Names {
  const fromLogger = config && hasOwnLevels(config.levels.values) ? config.levels.values : undefined
  // Without any, pino-pretty puts "undefined" for the level into a message format.
  const forFormat = typeof options.messageFormat === 'string' ? STANDARD_LEVELS : undefined
  // A logger that tells its levels has those and the ones that the options name: the option alone would leave the
  // usual ones without a name.
  const together = config && {
    ...config.levels.values,
    ...Object.fromEntries(listLevels(options.customLevels)),
  }
  const customLevels =
    options.customLevels === undefined ? (fromLogger ?? forFormat) : (together ?? options.customLevels)
  return {
    messageKey: options.messageKey ?? config?.messageKey ?? 'msg',
    errorKey: options.errorKey ?? config?.errorKey ?? 'err',
    levels: resolveLevels(customLevels),
    customLevels,
  }
}

function createLevelFilter({ minimumLevel }: LineConverterOptions, levels: Levels): LineConverter['isShown'] {
  const minimum = minimumLevel === undefined ? undefined : levelNumber(minimumLevel, levels)
  if (minimum === undefined) return undefined
  return (level) => {
    const number = levelNumber(level, levels)
    return number === undefined || number >= minimum
  }
}

/** An unknown `minimumLevel` may be a level of the logger's own. When that turns out to be wrong, somebody should know. */
function reportUnknownLevel({ minimumLevel }: LineConverterOptions, levels: Levels): void {
  if (minimumLevel === undefined || levelNumber(minimumLevel, levels) !== undefined) return
  const known = [...levels.keys()].join(', ')
  reportOnStderr(
    `eventsets: the option "minimumLevel" is ${JSON.stringify(minimumLevel)}, and no level is called that (known are ${known}): all levels are shown.`,
  )
}

interface LineWriter {
  write(record: LogRecord, line: string, newline: '\n' | ''): string
  additionsFor(record: LogRecord): Additions
}

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

function createJsonWriter(
  enricher: Enricher,
  options: LineConverterOptions,
  { messageKey }: Names,
): LineWriter {
  const {
    markers: place = 'field',
    markersField = 'markers',
    metadata: withMetadata = true,
    ascii = false,
  } = options
  const style = ascii ? 'brackets' : options.markerStyle
  const bytesOf = createJsonCache()
  const additionsFor = (record: LogRecord): Additions => {
    const enrichment = enricher.enrich(record)
    if (enrichment.carried !== undefined) return CARRIED
    const members: string[] = []
    if (withMetadata && enrichment.metadata) {
      for (const [key, value] of Object.entries(enrichment.metadata)) {
        members.push(`${bytesOf(key)}:${bytesOf(value)}`)
      }
    }
    const markers = markerTexts(enrichment, ascii)
    let prefix = ''
    // Even an empty list: it says that the record has been enriched, and that nothing is to be added again.
    if (
      place === 'field' &&
      (markers.length > 0 || members.length > 0) &&
      !Object.hasOwn(record, markersField)
    ) {
      members.push(`${bytesOf(markersField)}:[${markers.map(bytesOf).join(',')}]`)
    } else if (place === 'message' && markers.length > 0) {
      const text = formatMarkers(markers, style)
      if (record[messageKey] === undefined) members.push(`${bytesOf(messageKey)}:${bytesOf(text)}`)
      else prefix = prefixFor(record[messageKey], text)
    }
    return { prefix, members: members.join(','), isCarried: false }
  }
  return {
    additionsFor,
    write(record, line, newline) {
      const { prefix, members } = additionsFor(record)
      let enriched = line
      if (prefix !== '') {
        const offset = findStringMember(line, messageKey)
        if (offset !== -1) enriched = insertAt(line, offset, prefix)
      }
      if (members !== '') enriched = appendMembers(enriched, members, isEmpty(record))
      return enriched + newline
    },
  }
}

const CARRIED: Additions = { prefix: '', members: '', isCarried: true }

/** What to put before the text of a message: nothing where it is no text, or has its markers already. */
function prefixFor(message: unknown, markers: string): string {
  if (typeof message !== 'string' || message === markers || message.startsWith(`${markers} `)) return ''
  return toJsonBytes(message === '' ? markers : `${markers} `).slice(1, -1)
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

function createTextWriter(enricher: Enricher, options: LineConverterOptions, render: Render): LineWriter {
  const {
    markers: place = 'message',
    markersField = 'markers',
    metadata: withMetadata = false,
    ascii = false,
  } = options
  const style = ascii ? 'brackets' : options.markerStyle
  const enrich = (record: LogRecord) => {
    let enrichment = enricher.enrich(record)
    // Markers that a record brings in its field are emoji; in the text form they have to be found anew.
    const isCarried = enrichment.carried !== undefined && enrichment.carried.length > 0
    if (isCarried && ascii) enrichment = enricher.enrich({ ...record, [markersField]: undefined })
    const texts = markerTexts(enrichment, ascii)
    const markers = place === 'none' ? [] : enrichment.carried === undefined ? texts : tidyCarried(texts)
    return { markers, metadata: enrichment.metadata, isCarried }
  }
  return {
    additionsFor(record) {
      const { markers, isCarried } = enrich(record)
      const prefix = markers.length === 0 ? '' : formatMarkers(markers.map(toSafeText), style)
      return { prefix: toByteString(prefix), members: '', isCarried }
    },
    write(record) {
      const { markers, metadata, isCarried } = enrich(record)
      let shown = record
      if (withMetadata && metadata) shown = { ...shown, ...metadata }
      if (place === 'field') {
        if (markers.length > 0) shown = { ...shown, [markersField]: markers }
      } else if (isCarried) {
        const { [markersField]: _, ...others } = shown
        shown = others
      }
      return toByteString(render(shown, place === 'message' ? markers : []))
    },
  }
}

function resolveRendererOptions(options: LineConverterOptions, names: Names): RendererOptions {
  const { messageFormat, messageFormatFunction, errorLikeObjectKeys, errorProps } = options
  return {
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
  }
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
