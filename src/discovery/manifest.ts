import {
  type DeepReadonly,
  described,
  list,
  nonEmpty,
  object,
  optional,
  type TypeOf,
  wholeNumber,
} from '../core/shape.ts'

/** What the `eventsets` key of a package.json may say is counted in versions, so that it can change one day. */
export const API_VERSION = 1

/** The keyword by which people find plugins on npm. Discovery goes by the `eventsets` key alone. */
export const PLUGIN_KEYWORD = 'eventsets-plugin'

/** The one place that says what a plugin writes under `eventsets` in its package.json. */
export const manifestShape = object({
  /** The set files: paths and globs. */
  sets: optional(
    described(
      list(nonEmpty('a pattern')),
      'The files with event sets, one set in each: paths in the package, or globs such as "./sets/*.json".',
    ),
  ),
  /** The version of this key's format. */
  apiVersion: optional(
    described(
      wholeNumber('the API version'),
      `The version of the format of this key. ${API_VERSION} unless given.`,
    ),
  ),
  /** A module that exports sets with functions. */
  module: optional(
    described(
      nonEmpty('the module'),
      'A module in the package that exports event sets with functions. It is loaded only where the application names the package under "plugins".',
    ),
  ),
})

/** The `eventsets` key of a plugin's package.json. */
export type PluginManifest = DeepReadonly<TypeOf<typeof manifestShape>>
