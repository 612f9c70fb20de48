export { type Colorizer, colorizerFactory } from './colorizer.ts'
export { type ColourSituation, decideColour } from './colour.ts'
export { dropIn as 'module.exports' } from './drop-in.ts'
export type {
  MessageFormatFunction,
  Prettifier,
  PrettifierExtras,
  PrettyOptions,
  PrettyRecord,
} from './options.ts'
export { isColorSupported, type Paints } from './paint.ts'
export { type Prettify, prettyFactory } from './pretty-factory.ts'
export {
  build,
  build as default,
  build as PinoPretty,
  type PrettyStream,
  type PrettyStreamOptions,
} from './pretty-stream.ts'
export { createRenderer, type PinoPrettyOptions, type Render, type RendererOptions } from './renderer.ts'
export { indentContinuation, toSafeRecord, toSafeText } from './safe-text.ts'
export type { PrettyDestination } from './stream-destination.ts'
