import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { Issue } from '../core/issue.ts'
import type { Problem } from '../core/problem.ts'
import { findShapeIssues, isPlainObject } from '../core/shape.ts'
import { type FoundSets, readSetFiles } from './found-set.ts'
import { API_VERSION, manifestShape, PLUGIN_KEYWORD, type PluginManifest } from './manifest.ts'
import { type PluginOrigin, problemOf } from './origin.ts'
import type { InstalledPackage } from './packages.ts'
import type { SetBudget } from './set-budget.ts'
import { reasonOf } from './set-file.ts'

/**
 * The sets of a dependency, if it is a plugin: data only, no code of it runs.
 *
 * `folders` has the real folders of the plugins met so far, since a package may be there under two names.
 */
export async function readPlugin(
  name: string,
  installed: InstalledPackage,
  folders: Set<string>,
  budget?: SetBudget,
): Promise<FoundSets> {
  // Nearly all packages are none, and reading their text is quicker than parsing it.
  const { text } = installed
  const isCalledPlugin = typeof text === 'string' && text.includes(`"${PLUGIN_KEYWORD}"`)
  if (!isCalledPlugin && typeof text === 'string' && !isKeyPossible(text)) return NOTHING
  const { plugin, manifest, packageJson, problems } = openPlugin(name, installed)
  if (plugin === undefined) return { sets: [], problems }
  if (manifest === undefined) {
    const isEmpty = isCalledPlugin && problems.length === 0 && hasKeyword(packageJson)
    return { sets: [], problems: isEmpty ? [withoutKey(plugin)] : problems }
  }
  if (folders.has(plugin.folder)) return NOTHING
  folders.add(plugin.folder)
  const found = await readSetFiles(plugin, manifest.sets ?? [], budget)
  const idle = manifest.sets === undefined && manifest.module !== undefined ? [notEnabled(plugin)] : []
  return { sets: found.sets, problems: [...problems, ...found.problems, ...idle] }
}

const NOTHING: FoundSets = { sets: [], problems: [] }

/** In JSON any letter may be written as its number: those of ASCII, in small letters, from 61 to 7a. */
function isKeyPossible(text: string): boolean {
  return text.includes('"eventsets"') || text.includes('\\u006') || text.includes('\\u007')
}

export interface OpenedPlugin {
  readonly plugin?: PluginOrigin
  /** What it says under `eventsets`, as far as that is valid. */
  readonly manifest?: PluginManifest | undefined
  readonly packageJson?: { readonly [key: string]: unknown }
  readonly problems: readonly Problem[]
}

/** What a package says of itself, checked. */
export function openPlugin(name: string, { folder, text }: InstalledPackage): OpenedPlugin {
  let plugin: PluginOrigin = { kind: 'plugin', package: name, version: undefined, folder }
  const file = join(folder, 'package.json')
  const fail = (step: 'read' | 'parse' | 'validate', reason: string, issues: readonly Issue[] = []) =>
    problemOf(plugin, { code: 'EVENTSETS_PLUGIN_MANIFEST', step, file, reason, issues })
  if (typeof text !== 'string') {
    const code = text.isTooLarge ? 'EVENTSETS_PLUGIN_LIMIT' : 'EVENTSETS_PLUGIN_MANIFEST'
    const reason = `its package.json ${text.reason}, so nobody knows whether it has event sets`
    const hint = 'Name it under "exclude" in your configuration if it is no plugin.'
    return { problems: [problemOf(plugin, { code, step: 'read', file, reason, hint })] }
  }
  let packageJson: { readonly [key: string]: unknown }
  try {
    plugin = { ...plugin, folder: realpathSync(folder) }
    const parsed: unknown = JSON.parse(text.replace(/^\ufeff/, ''))
    if (!isPlainObject(parsed)) return { problems: [fail('parse', 'package.json holds no object')] }
    packageJson = parsed
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'is not valid JSON' : 'cannot be read'
    return { problems: [fail('parse', `package.json ${reason}: ${reasonOf(error)}`)] }
  }
  const { version: ownVersion } = packageJson
  if (typeof ownVersion === 'string' && VERSION.test(ownVersion)) plugin = { ...plugin, version: ownVersion }
  const { eventsets } = packageJson
  if (eventsets === undefined) return { plugin, packageJson, problems: [] }
  const version = isPlainObject(eventsets) ? eventsets.apiVersion : undefined
  if (typeof version === 'number' && Number.isInteger(version) && version !== API_VERSION) {
    const problem = problemOf(plugin, {
      code: 'EVENTSETS_PLUGIN_API_VERSION',
      step: 'validate',
      file,
      reason: `it is written for version ${version} of the plugin format, and this eventsets knows version ${API_VERSION}`,
      hint: version > API_VERSION ? 'Update eventsets.' : 'Update the plugin.',
    })
    return { problems: [problem] }
  }
  const issues = findShapeIssues(manifestShape, eventsets)
  if (issues.length === 0) return { plugin, packageJson, manifest: eventsets as PluginManifest, problems: [] }
  const problems = [fail('validate', 'the key "eventsets" in its package.json is not valid', issues)]
  // A key too many does no harm to the others.
  const isHarmless = issues.every(({ code }) => code === 'unknown_key')
  return { plugin, packageJson, manifest: isHarmless ? (eventsets as PluginManifest) : {}, problems }
}

/** Enough to recognise one; what else stands there is not repeated in messages. */
const VERSION = /^[\w.+-]{1,64}$/

function hasKeyword(packageJson: { readonly [key: string]: unknown } = {}): boolean {
  const { keywords } = packageJson
  return Array.isArray(keywords) && keywords.includes(PLUGIN_KEYWORD)
}

/** It calls itself a plugin, and brings nothing: its author has misspelt the key, most likely. */
function withoutKey(plugin: PluginOrigin): Problem {
  return problemOf(plugin, {
    code: 'EVENTSETS_PLUGIN_MANIFEST',
    step: 'validate',
    reason: `it has the keyword ${PLUGIN_KEYWORD}, but no key "eventsets" in its package.json`,
    hint: 'Its author has to write { "eventsets": { "sets": ["./sets/*.json"] } }.',
  })
}

function notEnabled(plugin: PluginOrigin): Problem {
  return problemOf(plugin, {
    code: 'EVENTSETS_PLUGIN_NOT_ENABLED',
    step: 'import',
    reason: 'its sets are in a module, and code runs only where the application has asked for it',
    hint: `Name ${JSON.stringify(plugin.package)} under "plugins" in your configuration, or under "exclude".`,
  })
}
