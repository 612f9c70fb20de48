import { colorizerFactory } from './colorizer.ts'
import { decideColour } from './colour.ts'
import { isColorSupported } from './paint.ts'
import { prettyFactory } from './pretty-factory.ts'
import { build } from './pretty-stream.ts'
import { createRenderer } from './renderer.ts'
import { indentContinuation, toSafeRecord, toSafeText } from './safe-text.ts'

/**
 * What `require('eventsets/pretty')` gives: a function with everything else on it, as `require('pino-pretty')` does.
 * Its own, so that `build` stays a plain function for whoever imports it.
 */
export const dropIn = Object.assign((...args: Parameters<typeof build>) => build(...args), {
  build,
  colorizerFactory,
  createRenderer,
  decideColour,
  default: build,
  indentContinuation,
  isColorSupported,
  PinoPretty: build,
  prettyFactory,
  toSafeRecord,
  toSafeText,
})
