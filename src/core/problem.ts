import type { Issue } from './issue.ts'

/** Permanent names of what can keep a plugin, a configuration or one of its parts from working. */
export type ProblemCode =
  | 'EVENTSETS_ALREADY_EXISTS'
  | 'EVENTSETS_INVALID_EVENT_SET'
  | 'EVENTSETS_INVALID_CONFIGURATION'
  | 'EVENTSETS_LISTENER'
  | 'EVENTSETS_NOT_TRUSTED'
  | 'EVENTSETS_PLUGIN_API_VERSION'
  | 'EVENTSETS_PLUGIN_CODE'
  | 'EVENTSETS_PLUGIN_EXIT'
  | 'EVENTSETS_PLUGIN_LIMIT'
  | 'EVENTSETS_PLUGIN_MANIFEST'
  | 'EVENTSETS_PLUGIN_NO_FILES'
  | 'EVENTSETS_PLUGIN_NO_SETS'
  | 'EVENTSETS_PLUGIN_NOT_ENABLED'
  | 'EVENTSETS_PLUGIN_NOT_FOUND'
  | 'EVENTSETS_PLUGIN_PATH'
  | 'EVENTSETS_PLUGIN_READ'
  | 'EVENTSETS_PLUGIN_TIMEOUT'

/** What was being done: finding a package, reading and parsing a file, judging it, importing code, registering a set. */
export type ProblemStep = 'locate' | 'read' | 'parse' | 'validate' | 'import' | 'register'

/** Something that is wrong with a plugin or the configuration. It keeps that part from working, and nothing else. */
export interface Problem {
  readonly code: ProblemCode
  readonly step: ProblemStep
  /** The plugin, where it is one. */
  readonly package: string | undefined
  readonly version: string | undefined
  /** The absolute path of the file concerned, where there is one. */
  readonly file: string | undefined
  /** What happened and where, as sentences that stand alone. */
  readonly message: string
  /** What to do next. */
  readonly hint: string | undefined
  /** Each issue of an invalid set, manifest or configuration. */
  readonly issues: readonly Issue[]
}
