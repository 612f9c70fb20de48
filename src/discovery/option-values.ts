import { quoteShort, type Report } from '../core/issue.ts'
import { didYouMean } from '../core/nearest.ts'
import { isPlainObject } from '../core/shape.ts'

/** The options that name a key of a record. */
export const KEY_OPTIONS: readonly string[] = [
  'markersField',
  'messageKey',
  'levelKey',
  'timestampKey',
  'errorKey',
  'nestedKey',
]

/**
 * What is wrong with the value of an option although its type is right: a key without a name, a level without a number,
 * a colour that does not exist. In code these pass, as they do in pino-pretty; in a configuration and on a command line
 * they are a slip that somebody wants to hear of.
 */
export function checkOptionValue(name: string, value: unknown, report: Report): void {
  if (KEY_OPTIONS.includes(name) && value === '')
    report([name], 'format', 'the name of a key must not be empty')
  if (name === 'customLevels') checkCustomLevels(name, value, report)
  if (name === 'customColors') checkCustomColours(name, value, report)
}

function checkCustomLevels(name: string, value: unknown, report: Report): void {
  if (typeof value !== 'string') return
  for (const pair of value.split(',')) {
    if (/^[^:]+:\d+$/.test(pair)) continue
    report([name], 'format', () => `${quoteShort(pair)} is not a name and a number, such as "audit:35"`)
  }
}

function checkCustomColours(name: string, value: unknown, report: Report): void {
  for (const [level, colour, given] of listColours(value)) {
    if (level === '' || colour === '') {
      report([name], 'format', () => `${quoteShort(given)} is not a level and a colour, such as "info:blue"`)
    } else if (!COLOURS.includes(colour)) {
      report([name], 'format', () => {
        const help =
          didYouMean(colour, COLOURS) || `; known are ${COLOURS.slice(0, 9).join(', ')} and the like`
        return `no colour is called ${quoteShort(colour)}${help}`
      })
    }
  }
}

function listColours(value: unknown): (readonly [level: string, colour: string, given: string])[] {
  if (typeof value === 'string') {
    return value.split(',').map((pair) => {
      const [level = '', colour = ''] = pair.split(':')
      return [level, colour, pair]
    })
  }
  const entries = isPlainObject(value) ? Object.entries(value) : []
  return entries.map(([level, colour]) => [level, String(colour), `${level}:${String(colour)}`])
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
