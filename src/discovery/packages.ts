import { existsSync, readFileSync, statSync } from 'node:fs'
import module from 'node:module'
import { dirname, join } from 'node:path'
import { isPlainObject } from '../core/shape.ts'

/** The package.json that says what an application depends on. */
export interface Project {
  readonly folder: string
  /** The path of its package.json. */
  readonly file: string
  readonly manifest: { readonly [key: string]: unknown }
}

export type FoundProject =
  | { readonly project: Project | undefined; readonly unreadable?: undefined }
  | { readonly project?: undefined; readonly unreadable: { readonly file: string; readonly error: unknown } }

/** The nearest package.json from a folder upward. */
export function findProject(from: string): FoundProject {
  for (const folder of upward(from)) {
    const file = join(folder, 'package.json')
    const text = readIfThere(file)
    if (text === undefined) continue
    try {
      const manifest: unknown = JSON.parse(text.replace(/^\ufeff/, ''))
      if (!isPlainObject(manifest)) throw new TypeError('it holds no object')
      return { project: { folder, file, manifest } }
    } catch (error) {
      return { unreadable: { file, error } }
    }
  }
  return { project: undefined }
}

/** The packages that an application names in its package.json, by name in the order of code units. */
export function dependencyNames({ manifest }: Project): string[] {
  const kinds = ['dependencies', 'optionalDependencies', 'devDependencies']
  const names = kinds.flatMap((kind) => (isPlainObject(manifest[kind]) ? Object.keys(manifest[kind]) : []))
  return [...new Set(names)].filter(isPackageName).sort()
}

/** Whether a text can be the name of a package, and not a path that leads somewhere else. */
export function isPackageName(name: string): boolean {
  return /^(?:@[\w.~-]+\/)?[\w~-][\w.~-]*$/.test(name)
}

/** `@acme/billing/extra` as the package and `./extra`. */
export function splitRequest(request: string): { readonly name: string; readonly subpath: string } {
  const segments = request.split('/')
  const count = request.startsWith('@') ? 2 : 1
  const rest = segments.slice(count).join('/')
  return { name: segments.slice(0, count).join('/'), subpath: rest === '' ? '.' : `./${rest}` }
}

export interface InstalledPackage {
  /** Where it was found; on the way there may be symbolic links. */
  readonly folder: string
  /** The text of its package.json. */
  readonly text: string
}

/**
 * A package as the application sees it. `undefined` when it is not installed.
 *
 * By looking into node_modules, upward from the application, as Node does it. Not by resolving
 * `<name>/package.json`: of the packages that have an export map every third does not let it out. Where Yarn's
 * Plug'n'Play is active there is no node_modules, and Yarn is asked.
 */
export function findPackage(name: string, from: string): InstalledPackage | undefined {
  const pnp = findPnpApi(from)
  if (pnp) {
    const folder = askPnp(pnp, name, from)
    const text = folder === undefined ? undefined : readIfThere(join(folder, 'package.json'))
    return folder === undefined || text === undefined ? undefined : { folder, text }
  }
  for (const parent of upward(from)) {
    const folder = join(parent, 'node_modules', name)
    const text = readIfThere(join(folder, 'package.json'))
    if (text !== undefined) return { folder, text }
  }
  return undefined
}

/** Whether the packages are installed with Yarn's Plug'n'Play, and this process was not started through Yarn. */
export function isPnpInactive(from: string): boolean {
  if (process.versions.pnp) return false
  for (const folder of upward(from)) {
    if (existsSync(join(folder, '.pnp.cjs'))) return true
    if (existsSync(join(folder, 'node_modules'))) return false
  }
  return false
}

interface PnpApi {
  resolveToUnqualified(
    request: string,
    issuer: string,
    options: { readonly considerBuiltins: boolean },
  ): string | null
}

function findPnpApi(from: string): PnpApi | undefined {
  const { findPnpApi: find } = module as { findPnpApi?: (path: string) => PnpApi | null }
  return find?.(join(from, 'package.json')) ?? undefined
}

function askPnp(pnp: PnpApi, name: string, from: string): string | undefined {
  try {
    return (
      pnp.resolveToUnqualified(name, join(from, 'package.json'), { considerBuiltins: false }) ?? undefined
    )
  } catch {
    // It throws for what is not installed.
    return undefined
  }
}

/** More than any package.json has that a person has written. */
const MAX_PACKAGE_JSON_BYTES = 4 * 1024 * 1024

function readIfThere(file: string): string | undefined {
  try {
    const stats = statSync(file, { throwIfNoEntry: false })
    // A named pipe would keep whoever opens it waiting for ever.
    if (!stats?.isFile() || stats.size > MAX_PACKAGE_JSON_BYTES) return undefined
    return readFileSync(file, 'utf8')
  } catch {
    // Not for us: what cannot be read declares nothing.
    return undefined
  }
}

function* upward(from: string): Generator<string> {
  let folder = from
  for (;;) {
    yield folder
    const parent = dirname(folder)
    if (parent === folder) return
    folder = parent
  }
}
