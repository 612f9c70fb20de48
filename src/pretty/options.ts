import type { CustomLevels } from './level-label.ts'
import { isColorSupported, type Paints } from './paint.ts'
import type { TranslateTime } from './time-text.ts'

/** A record as functions of the user get it. */
// biome-ignore lint/suspicious/noExplicitAny: what is in a record only its user knows, and pino-pretty says so too
export type PrettyRecord = Record<string, any>

/** What a function gets beside the value. The labels are there for a level only. */
export interface PrettifierExtras {
  readonly colors: Paints
  readonly label: string
  readonly labelColorized: string
}

// biome-ignore lint/suspicious/noExplicitAny: see PrettyRecord
export type Prettifier = (value: any, key: string, log: any, extras: PrettifierExtras) => string

export type MessageFormatFunction = (
  log: PrettyRecord,
  messageKey: string,
  levelLabel: string,
  extras: Pick<PrettifierExtras, 'colors'>,
) => string

/** pino-pretty's options, as far as they are about text. */
export interface PrettyOptions {
  /** Colour. Default: whether standard output is a terminal that has it. */
  readonly colorize?: boolean | undefined
  /** Colour in objects too. Default: true. */
  readonly colorizeObjects?: boolean | undefined
  /** End lines with CR LF. Default: false. */
  readonly crlf?: boolean | undefined
  /** Colours of levels, `'info:blue,error:red'` or an object; `message`, `greyMessage` and `property` are names too. */
  readonly customColors?: string | { readonly [level: string]: string } | null | undefined
  /** Levels of your own, `'audit:35'` or an object. */
  readonly customLevels?: CustomLevels | object
  /** Functions that write the value of a key. */
  readonly customPrettifiers?: Prettifiers | undefined
  /** Keys that hold errors. Default: `['err', 'error']`. */
  readonly errorLikeObjectKeys?: readonly string[] | undefined
  /** Keys to show below the stack of a record that is an error itself, with commas; `*` for all. Default: none. */
  readonly errorProps?: string | undefined
  /** Only the message line, no fields. Default: false. */
  readonly hideObject?: boolean | undefined
  /** Keys to leave out, with commas; dots lead into objects, `\\.` is a dot. Default: 'hostname'. */
  readonly ignore?: string | undefined
  /** The only keys to show, written the same way. Default: all. */
  readonly include?: string | undefined
  /** The level before the time. Default: false. */
  readonly levelFirst?: boolean | undefined
  /** The key of the level. Default: 'level'. */
  readonly levelKey?: string | undefined
  /** What stands for the level's name in `messageFormat`. Default: 'levelLabel'. */
  readonly levelLabel?: string | undefined
  /** A template with keys in braces, or a function. Default: the message as it is. */
  readonly messageFormat?: string | false | MessageFormatFunction | undefined
  /** The key of the message. Default: 'msg'. */
  readonly messageKey?: string | undefined
  /** Records below this level give no text. */
  readonly minimumLevel?: string | number | undefined
  /** The fields in one line, behind the message. Default: false. */
  readonly singleLine?: boolean | undefined
  /** The key of the time. Default: 'time'. */
  readonly timestampKey?: string | undefined
  /** `false` for the number as it is, `true` for the local time of day, or a mask; `SYS:` before it means local time. */
  readonly translateTime?: TranslateTime
  /** Custom levels and colours take the place of the standard ones instead of joining them. Default: true. */
  readonly useOnlyCustomProps?: boolean | undefined
}

export type ResolvedOptions = ReturnType<typeof resolveOptions>

type Prettifiers = { readonly [key: string]: Prettifier }

const DEFAULTS = {
  colorize: isColorSupported,
  colorizeObjects: true,
  crlf: false,
  customColors: undefined,
  customLevels: undefined,
  customPrettifiers: {},
  errorLikeObjectKeys: ['err', 'error'],
  errorProps: '',
  hideObject: false,
  ignore: 'hostname',
  include: undefined,
  levelFirst: false,
  levelKey: 'level',
  levelLabel: 'levelLabel',
  messageFormat: undefined,
  messageKey: 'msg',
  minimumLevel: undefined,
  singleLine: false,
  timestampKey: 'time',
  translateTime: true,
  useOnlyCustomProps: true,
} satisfies PrettyOptions

/** The options with their defaults. An option that is there counts, even where it is `undefined`. */
export function resolveOptions(given: PrettyOptions = {}) {
  const { messageKey, levelKey, levelLabel, timestampKey, customPrettifiers, ...options } = {
    ...(DEFAULTS as PrettyOptions),
    ...given,
  }
  return {
    ...options,
    colorize: isOn(options.colorize),
    colorizeObjects: isOn(options.colorizeObjects),
    crlf: isOn(options.crlf),
    // Anything but `false` hides, as in pino-pretty.
    hideObject: (options.hideObject as unknown) !== 'false' && options.hideObject !== false,
    levelFirst: isOn(options.levelFirst),
    singleLine: isOn(options.singleLine),
    useOnlyCustomProps: isOn(options.useOnlyCustomProps),
    translateTime: parseBoolean(options.translateTime) as TranslateTime,
    // What cannot be left out: pino-pretty fails on `undefined` here.
    customPrettifiers: customPrettifiers ?? (DEFAULTS.customPrettifiers as Prettifiers),
    errorLikeObjectKeys: options.errorLikeObjectKeys ?? DEFAULTS.errorLikeObjectKeys,
    errorProps: options.errorProps ?? DEFAULTS.errorProps,
    messageKey: messageKey ?? DEFAULTS.messageKey,
    levelKey: levelKey ?? DEFAULTS.levelKey,
    levelLabel: levelLabel ?? DEFAULTS.levelLabel,
    timestampKey: timestampKey ?? DEFAULTS.timestampKey,
  }
}

const isOn = (value: unknown): boolean => Boolean(parseBoolean(value))

/** Configuration files and command lines bring booleans as text. */
function parseBoolean(value: unknown): unknown {
  return value === 'true' ? true : value === 'false' ? false : value
}
