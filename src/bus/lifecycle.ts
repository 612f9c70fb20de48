/**
 * Events that many services have, under the names that many services give them. Join them with your own:
 * `EventBus<OrderEvents & LifecycleEvents>`.
 */
export type LifecycleEvents = ResourceEvents & ConnectionEvents & ActionEvents & PluginEvents & HandlerEvents

/** Something a service holds: a pool, a cache, a file. */
export interface ResourceEvents {
  readonly 'resource.registered': LifecycleData
  readonly 'resource.cleanup': LifecycleData
  readonly 'resource.error': LifecycleError
}

/** A way to something outside: a database, a broker, another service. */
export interface ConnectionEvents {
  readonly 'connection.registered': LifecycleData
  readonly 'connection.configured': LifecycleData
  readonly 'connection.error': LifecycleError
}

/** What `publishing` and `@publishes` tell of a call named `action.{name}`: of one action, or of any. */
export type ActionEvents<Name extends string = string> = {
  readonly [Event in `action.${Name}.start`]: ActionStart
} & {
  readonly [Event in `action.${Name}.success`]: ActionSuccess
} & {
  readonly [Event in `action.${Name}.failure`]: ActionFailure
}

/** What `publishRegistryEvents` tells of a registry of event sets. */
export interface PluginEvents {
  readonly 'plugin.registered': PluginData
  readonly 'plugin.initialized': PluginInitialized
  readonly 'plugin.removed': PluginData
  readonly 'plugin.error': PluginError
}

/** What a bus tells of its handlers. */
export interface HandlerEvents {
  readonly 'handler.failed': HandlerFailed
}

export interface LifecycleData {
  readonly name: string
  /** What it is: `pool`, `postgresql`. */
  readonly kind?: string | undefined
}

export interface LifecycleError extends LifecycleData {
  /** The message. */
  readonly error: string
}

/** Whatever was chosen to be published. */
export interface ActionStart {
  readonly [field: string]: unknown
}

export interface ActionSuccess extends ActionStart {
  readonly durationMs: number
}

export interface ActionFailure extends ActionStart {
  readonly durationMs: number
  /** The message, unless something else was chosen to be published. */
  readonly error?: string | undefined
}

/** An event set, and where it comes from. */
export interface PluginData {
  /** The name of the set. */
  readonly name: string
  readonly source: 'built-in' | 'package' | 'file' | 'configuration' | 'code'
  /** The package, where it comes from one. */
  readonly package: string | null
  readonly version: string | null
  /** The absolute path, where it comes from a file. */
  readonly file: string | null
}

export interface PluginInitialized extends PluginData {
  readonly priority: number
  /** How many log keys it marks. */
  readonly fields: number
  /** Whether it stands where another set of that name stood. */
  readonly isReplacement: boolean
}

/** Something that keeps a plugin, a configuration or one of their parts from working. */
export interface PluginError {
  /** A permanent name of what is wrong: `EVENTSETS_PLUGIN_READ`. */
  readonly code: string
  /** What was being done: `read`. */
  readonly step: string
  readonly error: string
  readonly hint: string | null
  readonly package: string | null
  readonly version: string | null
  readonly file: string | null
}

export interface HandlerFailed {
  readonly eventId: string
  readonly eventName: string
  /** The name of the handler. */
  readonly handler: string
  readonly attempts: number
  /** The message. */
  readonly error: string
}
