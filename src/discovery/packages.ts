import { existsSync } from 'node:fs'
import module from 'node:module'
import { dirname, join } from 'node:path'
import { isPlainObject } from '../core/shape.ts'
import { type FileIdentity, NOT_UTF_8, readFileText } from './file-text.ts'

/** The package.json that says what an application depends on. */
export interface Project {
  readonly folder: string
  /** The path of its package.json. */
  readonly file: string
  readonly manifest: { readonly [key: string]: unknown }
  readonly identity: FileIdentity
}

export type FoundProject =
  | { readonly project: Project | undefined; readonly unreadable?: undefined }
  | { readonly project?: undefined; readonly unreadable: { readonly file: string; readonly error: unknown } }

/** The nearest package.json from a folder upward. */
export function findProject(from: string): FoundProject {
  for (const folder of upward(from)) {
    const file = join(folder, 'package.json')
    const read = readIfThere(file, true)
    if (read === undefined) continue
    try {
      if (read.text === undefined) throw new TypeError(`it ${read.refusal.reason}`)
      const manifest: unknown = JSON.parse(read.text.replace(/^\ufeff/, ''))
      if (!isPlainObject(manifest)) throw new TypeError('it holds no object')
      return { project: { folder, file, manifest, identity: read.identity } }
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
  /** The text of its package.json, or why nobody knows what it says. */
  readonly text: string | Refusal
}

/** Why a package.json is not taken for text, as a clause that follows its name. */
export interface Refusal {
  readonly isTooLarge: boolean
  readonly reason: string
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
    const read = folder === undefined ? undefined : readIfThere(join(folder, 'package.json'))
    return folder === undefined || read === undefined
      ? undefined
      : { folder, text: read.text ?? read.refusal }
  }
  for (const parent of upward(from)) {
    const folder = join(parent, 'node_modules', name)
    const read = readIfThere(join(folder, 'package.json'))
    if (read !== undefined) return { folder, text: read.text ?? read.refusal }
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

type ReadPackageJson =
  | { readonly text: string; readonly identity: FileIdentity }
  | { readonly text?: undefined; readonly refusal: Refusal }

function readIfThere(file: string, isIdentified = false): ReadPackageJson | undefined {
  try {
    const read = readFileText(file, MAX_PACKAGE_JSON_BYTES, isIdentified)
    if (read.kind === 'text') return read
    if (read.kind === 'utf-16') return { refusal: { isTooLarge: false, reason: `is ${NOT_UTF_8}` } }
    if (read.kind !== 'large') return undefined
    const reason = `has more than the ${MAX_PACKAGE_JSON_BYTES} bytes that are read`
    return { refusal: { isTooLarge: true, reason } }
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
