import { ValidationError } from '../core/errors.ts'
import type { Issue } from '../core/issue.ts'
import { didYouMean } from '../core/nearest.ts'
import type { ConfiguredOptions } from '../discovery/configuration.ts'
import { findLevelIssues } from '../pino/levels.ts'
import type { LineProcessorOptions } from '../pino/line-processor.ts'
import type { LineOptions } from '../pino/options.ts'
import { resolveTerminal } from '../pino/terminal.ts'
import type { Flags } from './arguments.ts'

/**
 * What the flags of the view ask for, and the configuration where they say nothing. Whether it is text or JSON, only
 * the flags say: what the configuration says is meant for the application's own output.
 *
 * @throws ValidationError naming every flag whose value makes no sense.
 */
export function toLineOptions(
  flags: Flags,
  configured: ConfiguredOptions,
  isTerminal: boolean,
): LineProcessorOptions {
  const { json, color, follow, set, debug, discovery, config, ...others } = flags
  const { useOnlyCustomProps, translateTime, maxLineBytes, ...rest } = others
  const { output, destination, append, mkdir, sync, ...defaults } = configured
  const given = { ...defaults, ...rest, output: json === true ? 'json' : 'pretty' } as LineOptions
  const colorize = (color as boolean | undefined) ?? defaults.colorize
  const options = {
    ...given,
    ...resolveTerminal({ ...given, colorize }, isTerminal),
    ...(translateTime === undefined ? {} : { translateTime: toBoolean(translateTime) }),
    ...(maxLineBytes === undefined ? {} : { maxLineBytes: Number(maxLineBytes) }),
    ...(useOnlyCustomProps === undefined ? {} : { useOnlyCustomProps: toBoolean(useOnlyCustomProps) }),
  } as LineProcessorOptions
  const issues = [
    ...findEmptyKeys(options),
    ...findLimitIssues(maxLineBytes),
    ...findCustomLevelIssues(options),
    ...findCustomColourIssues(options),
    ...findLevelIssues(options).map((issue) => ({
      ...issue,
      path: rest.minimumLevel === undefined ? 'minimumLevel of the configuration' : '--minimum-level',
    })),
  ]
  if (issues.length > 0)
    throw new ValidationError('the command line is', issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
  return options
}

function toBoolean(value: unknown): unknown {
  return value === 'true' ? true : value === 'false' ? false : value
}

const KEYS = ['markersField', 'messageKey', 'levelKey', 'timestampKey', 'errorKey', 'nestedKey'] as const

function findEmptyKeys(options: LineOptions): Issue[] {
  return KEYS.filter((name) => options[name] === '').map((name) => ({
    path: `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    code: 'format',
    message: 'the name of a key must not be empty',
  }))
}

function findLimitIssues(maxLineBytes: unknown): Issue[] {
  if (maxLineBytes === undefined || (/^\d+$/.test(`${maxLineBytes}`) && Number(maxLineBytes) >= 1024))
    return []
  const message = `the limit is a whole number of at least 1024, not ${JSON.stringify(maxLineBytes)}`
  return [{ path: '--max-line-bytes', code: 'format', message }]
}

function findCustomLevelIssues({ customLevels }: LineOptions): Issue[] {
  return splitPairs(customLevels)
    .filter((pair) => !/^[^:]+:\d+$/.test(pair))
    .map((pair) => ({
      path: '--custom-levels',
      code: 'format',
      message: `${JSON.stringify(pair)} is not a name and a number, such as "audit:35"`,
    }))
}

function findCustomColourIssues({ customColors }: LineOptions): Issue[] {
  return splitPairs(customColors).flatMap((pair): Issue[] => {
    const [level = '', colour = ''] = pair.split(':')
    const path = '--custom-colors'
    if (level === '' || colour === '') {
      const message = `${JSON.stringify(pair)} is not a level and a colour, such as "info:blue"`
      return [{ path, code: 'format', message }]
    }
    if (COLOURS.includes(colour)) return []
    const help = didYouMean(colour, COLOURS) || `; known are ${COLOURS.slice(0, 9).join(', ')} and the like`
    return [{ path, code: 'format', message: `no colour is called ${JSON.stringify(colour)}${help}` }]
  })
}

function splitPairs(pairs: unknown): string[] {
  return typeof pairs === 'string' ? pairs.split(',') : []
}

const BASE_COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white', 'gray']
const BRIGHT = BASE_COLOURS.slice(0, 8).map(capitalise)
/** Those of colorette, which pino-pretty takes its colours from. */
const COLOURS: readonly string[] = [
  ...BASE_COLOURS,
  ...BRIGHT.map((name) => `bg${name}`),
  ...BRIGHT.map((name) => `${name.toLowerCase()}Bright`),
  ...BRIGHT.map((name) => `bg${name}Bright`),
  ...['reset', 'bold', 'dim', 'italic', 'underline', 'inverse', 'hidden', 'strikethrough'],
]

function capitalise(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`
}
