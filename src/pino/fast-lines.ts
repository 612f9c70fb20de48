import type { EventSetRegistry } from '../core/registry.ts'
import { compileParts } from '../pretty/parts.ts'
import { toSafeText } from '../pretty/safe-text.ts'
import { createLineScanner, type LineScanner, type TextStyle } from '../scanner/line-scanner.ts'
import { chooseScanner, type ScannerKind } from '../scanner/scanner.ts'
import type { LineConverter, LineConverterOptions } from './line-converter.ts'
import { reportOnStderr } from './report.ts'

/**
 * The fast way from lines to what takes their place: the same bytes as the converter's, without an object per line.
 * `undefined` where an option asks for something that only the converter can do.
 */
export function createFastLines(
  asked: ScannerKind | undefined,
  registry: EventSetRegistry,
  options: LineConverterOptions,
  { additionsFor, convert, isShown, names, rendererOptions }: LineConverter,
): LineScanner | undefined {
  const { markersField = 'markers', levelKey = 'level', ascii = false, nestedKey } = options
  if (nestedKey !== undefined || !areMarkersPlain(registry, options)) return undefined
  const text = rendererOptions && toTextStyle(options, rendererOptions)
  if (rendererOptions && !text) return undefined
  const kind = chooseScanner(asked)
  if (asked === 'wasm' && kind === 'js')
    reportOnStderr(
      'eventsets: WebAssembly with SIMD is not there: the scanner in JavaScript takes its place, whatever EVENTSETS_SCANNER says.',
    )
  return createLineScanner(registry, {
    kind,
    text,
    levelKey,
    markersField,
    ascii,
    isShown,
    additionsFor,
    messageKey: names.messageKey,
    errorKey: names.errorKey,
    withMetadata: !text && options.metadata !== false,
    convert: (buffer, start, end) => convert(buffer, start, end, '\n'),
  })
}

/**
 * Whether a message that begins with its markers can be told by its first word. A marker of letters without brackets
 * looks like any word, and one with a blank in it is more than a word.
 */
function areMarkersPlain(registry: EventSetRegistry, { ascii, markerStyle }: LineConverterOptions): boolean {
  if (ascii || markerStyle !== 'plain') return true
  return registry.listEventSets().every((set) =>
    [...(set.mappings ?? []), ...registry.resolveLinks(set)].every((mapping) =>
      Object.values(mapping?.visualMarkers ?? {}).every((marker) => {
        const shown = toSafeText(marker)
        return shown.charCodeAt(0) > 127 && marker.charCodeAt(0) > 127 && !marker.includes(' ')
      }),
    ),
  )
}

/** `undefined` where the text takes more than the bytes of the line: fields put in another order, made up, or by a function. */
function toTextStyle(
  { markers, metadata }: LineConverterOptions,
  options: NonNullable<LineConverter['rendererOptions']>,
): TextStyle | undefined {
  const { customPrettifiers, ignore = 'hostname', include, levelKey = 'level', messageFormat } = options
  const { messageKey = 'msg', timestampKey = 'time', errorLikeObjectKeys = [] } = options
  const isPath = (key: string) => /[.\\]/.test(key)
  const isOdd =
    markers === 'field' ||
    metadata === true ||
    include !== undefined ||
    Boolean(messageFormat) ||
    Object.keys(customPrettifiers ?? {}).length > 0 ||
    [messageKey, levelKey, timestampKey, ignore].some(isPath) ||
    // pino-pretty takes no name for a name of its own.
    (ignore !== '' && ignore.split(',').includes(''))
  if (isOdd) return undefined
  const { property, message, grey, eol, level, time } = compileParts(options)
  return {
    property,
    message,
    grey,
    eol,
    level,
    time,
    toSafeText,
    timestampKey,
    errorKeys: errorLikeObjectKeys,
    ignoredKeys: ignore === '' ? [] : ignore.split(','),
    isSingleLine: options.singleLine === true,
    isLevelFirst: options.levelFirst === true,
    isObjectHidden: options.hideObject === true,
  }
}
