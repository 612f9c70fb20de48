export { type ColourSituation, decideColour } from './colour.ts'
export { createRenderer, type PinoPrettyOptions, type Render, type RendererOptions } from './renderer.ts'
export { indentContinuation, toSafeRecord, toSafeText } from './safe-text.ts'
