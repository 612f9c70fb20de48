import { existsSync, statSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Problem } from '../core/problem.ts'
import { isPlainObject } from '../core/shape.ts'
import type { CodeLoader, ImportedModule } from './code-module.ts'
import { checkSets, type FoundSets, joinFound, readSetFiles } from './found-set.ts'
import type { PluginManifest } from './manifest.ts'
import { isInside, LIMITS } from './matched-files.ts'
import { type ApplicationOrigin, type Origin, type PluginOrigin, problemOf, sourceOf } from './origin.ts'
import { findPackage, isPackageName, isPnpInactive, splitRequest } from './packages.ts'
import { openPlugin } from './plugin.ts'
import { describeThrown } from './thrown.ts'

/** What the application has named under `plugins`: a package or a path. Its code may run. */
export async function readConfiguredPlugin(
  entry: string,
  application: ApplicationOrigin,
  from: string,
  loader: CodeLoader,
): Promise<FoundSets> {
  const load: Load = (file, name) => loader.load(file, name, application.file)
  const path = pathOf(entry, application.folder)
  if (path !== undefined) {
    if (existsSync(path)) return await readModule(application, path, entry, load)
    const problem = problemOf(application, {
      code: 'EVENTSETS_PLUGIN_NOT_FOUND',
      step: 'locate',
      file: path,
      reason: `${JSON.stringify(entry)} in "plugins" is not there`,
      hint: `Paths are read from ${application.folder}.`,
    })
    return { sets: [], problems: [problem] }
  }
  const { name, subpath } = splitRequest(entry)
  const installed = isPackageName(name) ? findPackage(name, from) : undefined
  if (installed === undefined) {
    const problem = problemOf(application, {
      code: 'EVENTSETS_PLUGIN_NOT_FOUND',
      step: 'locate',
      reason: `the plugin ${JSON.stringify(entry)} is not installed`,
      hint: hintFor(entry, name, application.folder, from),
    })
    return { sets: [], problems: [problem] }
  }
  const { plugin, manifest, packageJson, problems } = openPlugin(name, installed)
  if (plugin === undefined) return { sets: [], problems }
  const data = await readSetFiles(plugin, manifest?.sets ?? [])
  const file = await findModule(plugin, manifest, packageJson, subpath)
  const code =
    file === undefined
      ? { sets: [], problems: [] }
      : typeof file === 'string'
        ? await readModule(plugin, file, subpath === '.' ? 'its module' : entry, load)
        : { sets: [], problems: [file] }
  return joinFound([{ sets: [], problems }, data, code])
}

type Load = (file: string, name: string) => Promise<ImportedModule>

function hintFor(entry: string, name: string, folder: string, from: string): string {
  if (existsSync(join(folder, entry))) return `A path begins with a dot: ${JSON.stringify(`./${entry}`)}.`
  if (!isPackageName(name)) return 'Write the name of a package, or a path that begins with "./".'
  if (isPnpInactive(from)) return 'Yarn knows where it is: start the application with "yarn node".'
  return `Install it (npm install ${name}), or take it out of "plugins".`
}

/** The file that a configured package is to be imported from; nothing where it brings data only. */
async function findModule(
  plugin: PluginOrigin,
  manifest: PluginManifest | undefined,
  packageJson: { readonly [key: string]: unknown } = {},
  subpath: string,
): Promise<string | Problem | undefined> {
  if (subpath === '.' && manifest?.module === undefined && manifest?.sets !== undefined) return undefined
  const named = subpath === '.' ? manifest?.module : undefined
  const file =
    named === undefined
      ? await findEntryFile(plugin.folder, packageJson, subpath)
      : findFile(join(plugin.folder, named))
  if (file === undefined || !isInside(file, plugin.folder)) {
    return problemOf(plugin, {
      code: 'EVENTSETS_PLUGIN_NOT_FOUND',
      step: 'locate',
      reason: `there is no module ${JSON.stringify(named ?? subpath)} in it`,
      hint: 'Its package.json says what can be imported, under "exports" or "main".',
    })
  }
  return file
}

/** The file that is imported by the name of a package in this folder, and a path in it. */
export async function findEntryFile(
  folder: string,
  packageJson: { readonly [key: string]: unknown },
  subpath = '.',
): Promise<string | undefined> {
  const entry = await findEntry(packageJson, subpath)
  return entry === undefined ? undefined : findFile(join(folder, entry))
}

async function findEntry(
  packageJson: { readonly [key: string]: unknown },
  subpath: string,
): Promise<string | undefined> {
  try {
    const { exports: resolveExports } = await import('resolve.exports')
    const [exported] = resolveExports(packageJson, subpath) ?? []
    if (exported !== undefined) return exported
  } catch {
    // Its exports do not have it.
    return undefined
  }
  if (subpath !== '.') return subpath
  return typeof packageJson.main === 'string' && packageJson.main !== '' ? packageJson.main : './index.js'
}

/** A `main` may leave out the ending, or name a folder. */
function findFile(path: string): string | undefined {
  const candidates = [path, `${path}.js`, join(path, 'index.js')]
  return candidates.find((file) => statSync(file, { throwIfNoEntry: false })?.isFile())
}

/** The sets that a module exports: as its default, or under the name `sets`. */
async function readModule(origin: Origin, file: string, name: string, load: Load): Promise<FoundSets> {
  const { exports, failure } = await load(file, name)
  if (failure) return { sets: [], problems: [problemOf(origin, failure)] }
  const none = (reason: string) => ({
    sets: [],
    problems: [
      problemOf(origin, {
        code: 'EVENTSETS_PLUGIN_NO_SETS',
        step: 'import',
        file,
        reason: `${name} exports ${reason}`,
        hint: 'Export a set or a list of sets, as default or under the name "sets".',
      }),
    ],
  })
  try {
    const exported = exports.sets ?? setsOfDefault(exports.default)
    const isList = Array.isArray(exported)
    const count = isList ? exported.length : 1
    if (exported === undefined || count === 0) return none('no event sets')
    if (count > LIMITS.files) return none(`${count} event sets, and at most ${LIMITS.files} are read`)
    const nameOf = (index: number) => (isList ? `${name}[${index}]` : name)
    const candidates = isList ? Array.from({ length: count }, (_, index) => exported[index]) : [exported]
    return checkSets(origin, candidates, sourceOf(origin, file), nameOf)
  } catch (error) {
    // A proxy may stand for a list.
    return none(`what cannot be read: ${describeThrown(error)}`)
  }
}

/** CommonJS gives what it exports as the default: `module.exports = { sets: [...] }`. */
function setsOfDefault(exported: unknown): unknown {
  const isCommonJs = isPlainObject(exported) && exported.sets !== undefined && exported.name === undefined
  return isCommonJs ? exported.sets : exported
}

/** The file that an entry leads to, where it is a path. */
function pathOf(entry: string, folder: string): string | undefined {
  if (/^\.{1,2}(?:[/\\]|$)/.test(entry) || isAbsolute(entry)) return resolve(folder, entry)
  try {
    return entry.startsWith('file:') ? fileURLToPath(entry) : undefined
  } catch {
    // Not every URL of a file is one on this machine.
    return undefined
  }
}
