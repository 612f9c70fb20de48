import { isatty } from 'node:tty'

/** The codes around a coloured text; `reopen` takes the place of a `close` inside it. */
export interface Colour {
  readonly open: string
  readonly close: string
  readonly reopen: string
}

export type Paint = (text: string | number) => string

/** Colour functions by name, as custom prettifiers get them. */
export type Paints = Readonly<Record<string, Paint>>

const HUES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white']

const COLOURS: ReadonlyMap<string, Colour> = new Map([
  ['reset', colour(0, 0)],
  // One code ends both of these, so what was bold or dim has to be begun again after it.
  ['bold', colour(1, 22, '\u001b[22m\u001b[1m')],
  ['dim', colour(2, 22, '\u001b[22m\u001b[2m')],
  ['italic', colour(3, 23)],
  ['underline', colour(4, 24)],
  ['inverse', colour(7, 27)],
  ['hidden', colour(8, 28)],
  ['strikethrough', colour(9, 29)],
  ['gray', colour(90, 39)],
  ...HUES.flatMap((hue, index): [string, Colour][] => {
    const background = `bg${hue.charAt(0).toUpperCase()}${hue.slice(1)}`
    return [
      [hue, colour(30 + index, 39)],
      [`${hue}Bright`, colour(90 + index, 39)],
      [background, colour(40 + index, 49)],
      [`${background}Bright`, colour(100 + index, 49)],
    ]
  }),
])

function colour(open: number, close: number, reopen?: string): Colour {
  const codes = { open: `\u001b[${open}m`, close: `\u001b[${close}m` }
  return { ...codes, reopen: reopen ?? codes.open }
}

/** The colour of that name; what has no such name is white. */
export function findColour(name: string): Colour {
  return (COLOURS.get(name) ?? COLOURS.get('white')) as Colour
}

/** The text in a colour. Nothing stays nothing: codes around it would only be in the way. */
export function paint(text: unknown, { open, close, reopen }: Colour): string {
  if (text === '' || text === undefined) return ''
  const string = `${text}`
  // colorette looks for codes only behind the first few characters, and its bytes are the measure.
  const inner = string.indexOf(close, open.length + 1)
  if (inner === -1) return open + string + close
  return open + string.slice(0, inner) + string.slice(inner).replaceAll(close, () => reopen) + close
}

const COLOURED: Paints = Object.fromEntries(
  [...COLOURS].map(([name, codes]) => [name, (text: string | number) => paint(text, codes)]),
)

const PLAIN: Paints = Object.fromEntries([...COLOURS.keys()].map((name) => [name, String]))

export function getPaints(useColor: boolean): Paints {
  return useColor ? COLOURED : PLAIN
}

/** What pino-pretty takes for a terminal with colours. Ours is {@link decideColour}, which also knows `FORCE_COLOR=0`. */
export const isColorSupported: boolean = detectColorSupport()

function detectColorSupport(): boolean {
  const { argv, env, platform } = process
  if ('NO_COLOR' in env || argv.includes('--no-color')) return false
  if ('FORCE_COLOR' in env || argv.includes('--color')) return true
  const isDumb = env.TERM === 'dumb'
  if (platform === 'win32' && !isDumb) return true
  if (isatty(1) && env.TERM && !isDumb) return true
  return 'CI' in env && ('GITHUB_ACTIONS' in env || 'GITLAB_CI' in env || 'CIRCLECI' in env)
}
