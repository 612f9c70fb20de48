import { compileLabels, compileLevel, type Labels, type Numbers } from './level-label.ts'
import { getPaints, type Paints, paint } from './paint.ts'
import { type CustomColours, createPalette } from './palette.ts'

/** Writes the label of a level in its colour. Levels of the user's own come with the call. */
export interface Colorizer {
  (
    level?: number | string,
    levels?: { readonly customLevels?: Labels | undefined; readonly customLevelNames?: Numbers | undefined },
  ): string
  readonly message: (input: string | number) => string
  readonly greyMessage: (input: string | number) => string
  readonly property: (input: string | number) => string
  /** All colours by name; without colour functions that leave a text as it is. */
  readonly colors: Paints
}

/** pino-pretty's function of this name, for renderers that build on it: colours are `[level number, colour]`. */
export function colorizerFactory(
  useColors = false,
  customColors?: CustomColours,
  useOnlyCustomProps = false,
): Colorizer {
  const palette = createPalette(useColors, customColors, useOnlyCustomProps)
  const painter = (colour: typeof palette.message) =>
    colour ? (input: string | number) => paint(input, colour) : (input: string | number) => input as string
  const colorize = (
    level: Parameters<Colorizer>[0],
    { customLevels, customLevelNames }: Parameters<Colorizer>[1] = {},
  ) => {
    const findLabel = compileLabels(useOnlyCustomProps, { labels: customLevels, numbers: customLevelNames })
    return compileLevel(findLabel, palette)(level) as string
  }
  return Object.assign(colorize, {
    message: painter(palette.message),
    greyMessage: painter(palette.greyMessage),
    property: painter(palette.property),
    colors: getPaints(useColors),
  })
}
