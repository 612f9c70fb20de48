/** Where an event set comes from. */
export type EventSetSource =
  /** It comes with eventsets. */
  | { readonly kind: 'built-in' }
  /** A plugin: an npm package, and the file in it. */
  | {
      readonly kind: 'package'
      readonly package: string
      readonly version: string | undefined
      /** The absolute path. */
      readonly file: string
    }
  /** A file of the application's own: a set, or a module that exports some. */
  | { readonly kind: 'file'; readonly file: string }
  /** It stands in the configuration itself. */
  | { readonly kind: 'configuration'; readonly file: string }
  /** The application has registered it in code, or given it in the options of a transport. */
  | { readonly kind: 'code' }

/** `@acme/billing 1.2.0 (sets/billing.json)`, for people. */
export function formatSource(source: EventSetSource): string {
  switch (source.kind) {
    case 'built-in':
      return 'eventsets itself'
    case 'package':
      return formatPackage(source.package, source.version)
    case 'file':
    case 'configuration':
      return source.file
    case 'code':
      return 'the code of the application'
  }
}

/** `@acme/billing 1.2.0`; a package need not have a version. */
export function formatPackage(name: string, version: string | undefined): string {
  return version === undefined ? name : `${name} ${version}`
}

/** Whether both are one place, so that a set from there is the same set. Code has no place. */
export function isSameSource(one: EventSetSource, other: EventSetSource): boolean {
  if (one.kind !== other.kind || one.kind === 'code') return false
  return one.kind === 'built-in' || one.file === (other as typeof one).file
}
