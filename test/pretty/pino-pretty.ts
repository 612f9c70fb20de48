import { createRequire } from 'node:module'
import type { PrettyOptions } from '../../src/pretty/options.ts'
import { prettyFactory } from '../../src/pretty/pretty-factory.ts'

// Loaded as CommonJS, as its users do: the types of its ES form leave options out.
const pinoPretty = createRequire(import.meta.url)('pino-pretty') as {
  readonly prettyFactory: (options: object) => (input: unknown) => string | undefined
}

/** Options that the types of neither have, but that reach both from a command line or a configuration file. */
export type LooseOptions = { readonly [Option in keyof PrettyOptions]: unknown }

/** The text of both for an input. `undefined` for what pino-pretty fails on: then there is nothing to be equal to. */
export function compileBoth(options: LooseOptions) {
  const theirs = pinoPretty.prettyFactory(options)
  const ours = prettyFactory(options as PrettyOptions)
  return (input: unknown) => {
    const expected = attempt(() => theirs(input))
    return expected && { ours: ours(input), theirs: expected.value }
  }
}

function attempt<T>(run: () => T): { readonly value: T } | undefined {
  try {
    return { value: run() }
  } catch {
    return undefined
  }
}
