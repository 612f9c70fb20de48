import { realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { EventsetsError } from '../core/errors.ts'
import { isPlainObject } from '../core/shape.ts'
import { findEntryFile } from '../discovery/configured-plugin.ts'
import { findPackage } from '../discovery/packages.ts'
import { createTrust, type Role } from '../discovery/trust.ts'
import type { LogStreamDriver } from './driver.ts'
import { describeUrl, schemeOf } from './stream-url.ts'

/** The packages that carry lines, by the scheme of a URL, and what each of them needs beside it. */
const PACKAGES: { readonly [scheme: string]: DriverPackage } = {
  redis: { name: '@eventsets/redis-streams', needs: 'ioredis' },
  rediss: { name: '@eventsets/redis-streams', needs: 'ioredis' },
}

interface DriverPackage {
  readonly name: string
  readonly needs: string
}

export interface FindDriverOptions {
  /** The package.json of the application, as discovery has found it. */
  readonly project?: string | undefined
  /** Whose code may run. That which an application could run anyway unless given. */
  readonly role?: Role | undefined
}

/**
 * The driver for a URL such as `redis://host:6379/logs`: from the package that is installed beside eventsets, or among
 * the dependencies of the application. What is found from there runs only where nobody else could change it.
 *
 * @throws EventsetsError with a message that stands alone, and has no password in it.
 */
export async function findLogStreamDriver(
  url: string,
  { project, role = 'application' }: FindDriverOptions = {},
): Promise<LogStreamDriver> {
  const scheme = schemeOf(url)
  const wanted = Object.hasOwn(PACKAGES, scheme) ? PACKAGES[scheme] : undefined
  if (!wanted) {
    const known = Object.keys(PACKAGES).map((name) => `${name}://`)
    throw failed(
      url,
      `no package is known for ${scheme}://`,
      `Known are ${known.join(' and ')}; a file is given as a path.`,
    )
  }
  const file =
    (await findTrusted(url, wanted, ownFile(), 'application')) ??
    (await findTrusted(url, wanted, project, role))
  const install = `npm install ${wanted.name} ${wanted.needs}`
  if (file === undefined) throw failed(url, `the package "${wanted.name}" is not installed`, install)
  if (findPackage(wanted.needs, dirname(realpathSync(file))) === undefined)
    throw failed(url, `the package "${wanted.needs}" is not installed`, install)
  let exported: { readonly logStreamDriver?: Partial<LogStreamDriver> }
  try {
    exported = await import(pathToFileURL(file).href)
  } catch (cause) {
    const { message } = cause as Error
    throw failed(url, `the package "${wanted.name}" cannot be loaded: ${message}`, install, cause)
  }
  const { logStreamDriver: driver } = exported
  if (typeof driver?.openWriter !== 'function' || typeof driver.openReader !== 'function') {
    const latest = `npm install ${wanted.name}@latest ${wanted.needs}`
    throw failed(url, `the package "${wanted.name}" is too old for it`, latest)
  }
  return driver as LogStreamDriver
}

/** @throws EventsetsError for a package that is there, and that somebody else could change. */
async function findTrusted(
  url: string,
  { name }: DriverPackage,
  from: string | undefined,
  role: Role,
): Promise<string | undefined> {
  const file = from === undefined ? undefined : await findModule(name, dirname(from))
  if (file === undefined) return undefined
  const flaw = createTrust(role, undefined).findDistrust(file)
  if (flaw === undefined) return file
  const hint = 'Let it and its folders belong to you, or install it beside eventsets.'
  throw failed(url, `the package "${name}" at ${JSON.stringify(file)} is not run: ${flaw}`, hint)
}

/** The file that a package is imported from by a module in this folder. */
async function findModule(name: string, folder: string): Promise<string | undefined> {
  const installed = findPackage(name, folder)
  if (typeof installed?.text !== 'string') return undefined
  try {
    const packageJson: unknown = JSON.parse(installed.text)
    return isPlainObject(packageJson) ? await findEntryFile(installed.folder, packageJson) : undefined
  } catch {
    // Whatever that is, it is not the package.
    return undefined
  }
}

function ownFile(): string | undefined {
  // In a bundle this may be nothing at all.
  const { url } = import.meta as { readonly url?: string }
  return url?.startsWith('file:') ? fileURLToPath(url) : undefined
}

function failed(url: string, reason: string, hint: string, cause?: unknown): EventsetsError {
  return new EventsetsError(`eventsets cannot use ${describeUrl(url)}: ${reason}. ${hint}`, {
    code: 'EVENTSETS_LOG_STREAM',
    hint,
    cause,
  })
}
