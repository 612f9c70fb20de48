import { isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as resolveExports from 'resolve.exports'
import type { Problem } from '../core/problem.ts'
import { importModule } from './code-module.ts'
import { checkSets, type FoundSets, joinFound, readSetFiles } from './found-set.ts'
import type { PluginManifest } from './manifest.ts'
import { isInside } from './matched-files.ts'
import { type ApplicationOrigin, type Origin, type PluginOrigin, problemOf, sourceOf } from './origin.ts'
import { findPackage, isPackageName } from './packages.ts'
import { openPlugin } from './plugin.ts'

/** What the application has named under `plugins`: a package or a path. Its code may run. */
export async function readConfiguredPlugin(
  entry: string,
  application: ApplicationOrigin,
  from: string,
  importTimeoutMs: number,
): Promise<FoundSets> {
  const path = pathOf(entry, application.folder)
  if (path !== undefined) return await readModule(application, path, entry, importTimeoutMs)
  const { name, subpath } = splitRequest(entry)
  const installed = isPackageName(name) ? findPackage(name, from) : undefined
  if (installed === undefined) {
    const problem = problemOf(application, {
      code: 'EVENTSETS_PLUGIN_NOT_FOUND',
      step: 'locate',
      reason: `the plugin ${JSON.stringify(entry)} is not installed`,
      hint: `Install it (npm install ${name}), or take it out of "plugins".`,
    })
    return { sets: [], problems: [problem] }
  }
  const { plugin, manifest, packageJson, problems } = openPlugin(name, installed)
  if (plugin === undefined) return { sets: [], problems }
  const data = await readSetFiles(plugin, manifest?.sets ?? [])
  const file = findModule(plugin, manifest, packageJson, subpath)
  const code =
    file === undefined
      ? { sets: [], problems: [] }
      : typeof file === 'string'
        ? await readModule(plugin, file, subpath === '.' ? 'its module' : entry, importTimeoutMs)
        : { sets: [], problems: [file] }
  return joinFound([{ sets: [], problems }, data, code])
}

/** The file that a configured package is to be imported from; nothing where it brings data only. */
function findModule(
  plugin: PluginOrigin,
  manifest: PluginManifest | undefined,
  packageJson: { readonly [key: string]: unknown } = {},
  subpath: string,
): string | Problem | undefined {
  if (subpath === '.' && manifest?.module === undefined && manifest?.sets !== undefined) return undefined
  const file = join(
    plugin.folder,
    (subpath === '.' ? manifest?.module : undefined) ?? findEntry(packageJson, subpath) ?? '',
  )
  if (file === join(plugin.folder) || !isInside(file, plugin.folder)) {
    return problemOf(plugin, {
      code: 'EVENTSETS_PLUGIN_NOT_FOUND',
      step: 'locate',
      reason: `there is no module ${JSON.stringify(subpath)} in it`,
      hint: 'Its package.json says what can be imported, under "exports" or "main".',
    })
  }
  return file
}

function findEntry(packageJson: { readonly [key: string]: unknown }, subpath: string): string | undefined {
  try {
    const [exported] = resolveExports.exports(packageJson, subpath) ?? []
    if (exported !== undefined) return exported
  } catch {
    // Its exports do not have it.
    return undefined
  }
  if (subpath !== '.') return subpath
  return resolveExports.legacy(packageJson, { browser: false, fields: ['main'] }) || './index.js'
}

/** The sets that a module exports: as its default, or under the name `sets`. */
async function readModule(
  origin: Origin,
  file: string,
  name: string,
  importTimeoutMs: number,
): Promise<FoundSets> {
  const { exports, failure } = await importModule(file, name, importTimeoutMs)
  if (failure) return { sets: [], problems: [problemOf(origin, failure)] }
  const exported = exports.sets ?? exports.default
  const candidates = Array.isArray(exported) ? exported : exported === undefined ? [] : [exported]
  if (candidates.length === 0) {
    const problem = problemOf(origin, {
      code: 'EVENTSETS_PLUGIN_NO_SETS',
      step: 'import',
      file,
      reason: `${name} exports no event sets`,
      hint: 'Export a set or a list of sets, as default or under the name "sets".',
    })
    return { sets: [], problems: [problem] }
  }
  const nameOf = (index: number) => (Array.isArray(exported) ? `${name}[${index}]` : name)
  return checkSets(origin, candidates, sourceOf(origin, file), nameOf)
}

/** The file that an entry leads to, where it is a path. */
function pathOf(entry: string, folder: string): string | undefined {
  if (entry.startsWith('file:')) return fileURLToPath(entry)
  return /^\.{1,2}(?:[/\\]|$)/.test(entry) || isAbsolute(entry) ? resolve(folder, entry) : undefined
}

/** `@acme/billing/extra` as the package and `./extra`. */
function splitRequest(request: string): { readonly name: string; readonly subpath: string } {
  const segments = request.split('/')
  const count = request.startsWith('@') ? 2 : 1
  const rest = segments.slice(count).join('/')
  return { name: segments.slice(0, count).join('/'), subpath: rest === '' ? '.' : `./${rest}` }
}
