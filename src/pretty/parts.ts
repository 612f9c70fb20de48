import { stripControlCharacters } from './control-characters.ts'
import {
  type CustomLevels,
  compileLabels,
  compileLevel,
  parseCustomLevels,
  STANDARD_LEVELS,
} from './level-label.ts'
import { type PrettyOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import type { Colour } from './paint.ts'
import { type CustomColours, createPalette, NO_COLOURS, type Palette } from './palette.ts'
import { compileTime } from './time-text.ts'

/** The codes before and after a coloured text. Both are empty without colour; an empty text never has any. */
export type ColourPair = readonly [open: string, close: string]

/** The pieces a line is made of, for whoever writes lines from bytes: the renderer writes with the same ones. */
export interface Parts {
  readonly eol: string
  /** The level as it stands in the line; `undefined` where none does. */
  level(value: unknown): string | undefined
  /** The time as it stands in the line, for a record that has this value in its time; `undefined` where none does. */
  time(value: unknown): string | undefined
  /** Around a key of the record that has a line of its own. */
  readonly property: ColourPair
  readonly message: ColourPair
  /** Around the fields where they share the line of the message. */
  readonly grey: ColourPair
}

export function compileParts(options?: PrettyOptions): Parts {
  const resolved = resolveOptions(options)
  return assembleParts(resolved, compilePalettes(resolved))
}

export interface Palettes {
  readonly line: Palette
  readonly object: Palette
}

export function compilePalettes({
  colorize,
  colorizeObjects,
  customColors,
  customLevels,
  useOnlyCustomProps,
}: ResolvedOptions): Palettes {
  const { numbers } = parseCustomLevels(customLevels as CustomLevels)
  const toKey = (level: string): string | number => {
    const isCustom = useOnlyCustomProps ? customLevels : numbers[level] !== undefined
    return (isCustom ? numbers : STANDARD_LEVELS.numbers)[level] ?? level
  }
  const custom = listCustomColours(customColors)?.map(([level, name]) => [toKey(level), name] as const)
  const line = createPalette(colorize, custom as CustomColours | undefined, useOnlyCustomProps)
  return { line, object: colorizeObjects ? line : NO_COLOURS }
}

function listCustomColours(
  colours: PrettyOptions['customColors'],
): readonly (readonly [level: string, colour: string])[] | undefined {
  if (!colours) return undefined
  if (typeof colours === 'object') return Object.entries(colours)
  if (typeof colours !== 'string') throw new Error('options.customColors must be of type string or object.')
  return colours.split(',').map((text) => {
    const [level = '', colour = ''] = text.split(':')
    return [level, colour]
  })
}

export function assembleParts(options: ResolvedOptions, { line, object }: Palettes): Parts {
  const formatTime = compileTime(options.translateTime)
  return {
    eol: toEol(options),
    level: compileLevel(compileColouredLabels(options), line),
    time: (value) => (value === null ? undefined : `[${stripControlCharacters(formatTime(value))}]`),
    property: toPair(object.property),
    message: toPair(line.message),
    grey: toPair(object.greyMessage),
  }
}

/** Without custom levels `useOnlyCustomProps` has nothing to say. */
function compileColouredLabels({ customLevels, useOnlyCustomProps }: ResolvedOptions) {
  return compileLabels(
    useOnlyCustomProps,
    useOnlyCustomProps && !customLevels ? {} : parseCustomLevels(customLevels as CustomLevels),
  )
}

function toPair(colour: Colour | undefined): ColourPair {
  return colour === undefined ? ['', ''] : [colour.open, colour.close]
}

export function toEol({ crlf }: ResolvedOptions): string {
  return crlf ? '\r\n' : '\n'
}
