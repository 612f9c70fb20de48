import { type Colour, findColour } from './paint.ts'

/** The colours of a line: by level number, and by what else is coloured. Nothing in it without colour. */
export interface Palette {
  readonly isColoured: boolean
  readonly byLevel: { readonly [level: string]: Colour }
  readonly message: Colour | undefined
  readonly greyMessage: Colour | undefined
  readonly property: Colour | undefined
}

/** Level numbers, or names such as `message`, with the names of their colours. */
export type CustomColours = readonly (readonly [level: string | number, colour: string])[]

export const NO_COLOURS: Palette = {
  isColoured: false,
  byLevel: {},
  message: undefined,
  greyMessage: undefined,
  property: undefined,
}

const TEXTS = { default: 'white', message: 'cyan', greyMessage: 'gray', property: 'magenta' }
const LEVELS = { 10: 'gray', 20: 'blue', 30: 'green', 40: 'yellow', 50: 'red', 60: 'bgRed' }

/** With colours of the user's own and `useOnlyCustomProps`, the levels that they leave out are all white. */
export function createPalette(
  useColors: boolean,
  customColours?: CustomColours,
  useOnlyCustomProps?: boolean,
): Palette {
  if (!useColors) return NO_COLOURS
  const isCustomOnly = customColours !== undefined && useOnlyCustomProps
  const names = {
    ...TEXTS,
    ...(isCustomOnly ? {} : LEVELS),
    ...Object.fromEntries(customColours ?? []),
  }
  const byLevel: Record<string, Colour> = {}
  for (const [level, name] of Object.entries(names)) byLevel[level] = findColour(name)
  const { message, greyMessage, property } = byLevel
  return { isColoured: true, byLevel, message, greyMessage, property }
}
