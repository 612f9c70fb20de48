import { readdirSync, realpathSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { EventsetsError } from '../core/errors.ts'
import { formatIssue, formatPath } from '../core/issue.ts'
import { findShapeIssues, isPlainObject } from '../core/shape.ts'
import { API_VERSION, manifestShape } from '../discovery/manifest.ts'
import type { PluginOrigin } from '../discovery/origin.ts'
import { findApplicationKey, tellApplication } from './application.ts'
import { tellFaults } from './faults.ts'
import { createFinding, type Finding, type Subject, sortFindings, toFinding } from './finding.ts'
import { spotOfIssue } from './issues.ts'
import { readOwnVersion } from './own-version.ts'
import { checkPackageFiles } from './package-files.ts'
import { listPackedFiles, type PackLimits } from './packed-files.ts'
import { invalidManifest, unknownApiVersion } from './rules/manifest.ts'
import { packingFails, unreadableFile } from './rules/set-files.ts'
import { packageRules, publicationRules } from './rules.ts'
import { readSourceFile } from './source-file.ts'

/** What was checked, and what was found. */
export interface Checked {
  readonly findings: readonly Finding[]
  /** The files that were looked at, those without findings among them. */
  readonly files: readonly string[]
}

export interface PackageOptions {
  /** Whether the folder is the package as it was published. Otherwise npm is asked what it would pack. */
  readonly isPublished?: boolean | undefined
  /** What the folder is called in findings. Its path unless given. */
  readonly shownAs?: string | undefined
  /** How long npm may take, and how much memory. */
  readonly packLimits?: PackLimits | undefined
}

/**
 * Checks a plugin in its folder: package.json, whether the sets would be in the published package, and the sets.
 *
 * @throws EventsetsError when there is no package.json to be read.
 */
export async function lintPackage(folder: string): Promise<Finding[]> {
  return [...(await checkPackage(folder)).findings]
}

export async function checkPackage(folder: string, options: PackageOptions = {}): Promise<Checked> {
  const { isPublished = false, shownAs = resolve(folder), packLimits } = options
  const root = openFolder(folder)
  const show = (file: string) => join(shownAs, relative(root, file))
  const manifestFile = show(join(root, 'package.json'))
  const { document, failure } = readSourceFile(join(root, 'package.json'), 'package.json')
  if (failure !== undefined) {
    if (failure.rule.code === unreadableFile.code) throw noPackage(folder, failure.message)
    const subject = { file: manifestFile, set: undefined, package: undefined, document: undefined }
    const place = { path: '', position: undefined, message: failure.message, hint: failure.hint }
    return { findings: [createFinding(failure.rule, subject, place)], files: [manifestFile] }
  }
  const manifest = document.isWhole && isPlainObject(document.value) ? document.value : undefined
  const name = typeof manifest?.name === 'string' ? manifest.name : undefined
  const subject: Subject = { file: manifestFile, set: undefined, package: name, document }
  if (manifest === undefined) {
    const spot = { path: [], message: 'package.json holds no object' }
    const findings = document.isWhole ? [toFinding(invalidManifest, subject, spot)] : []
    return { findings: [...tellFaults(document, subject), ...findings], files: [manifestFile] }
  }
  const applicationKey = findApplicationKey(manifest)
  if (applicationKey !== undefined) {
    const finding = tellApplication(subject, ['eventsets', applicationKey])
    return { findings: sortFindings([...tellFaults(document, subject), finding]), files: [manifestFile] }
  }

  const version = typeof manifest.version === 'string' ? manifest.version : undefined
  const plugin: PluginOrigin = { kind: 'plugin', package: name ?? basename(root), version, folder: root }
  const isAsked = !isPublished && manifest.private !== true
  const packed = isAsked ? await listPackedFiles(root, manifest, packLimits) : undefined
  const { findings, files } = await checkPackageFiles(
    { plugin, subject, packed: packed?.files },
    manifest.eventsets,
  )
  const showFile = (finding: Finding): Finding =>
    finding.file === undefined || finding.file === manifestFile
      ? finding
      : { ...finding, file: show(finding.file) }
  return {
    findings: sortFindings([
      ...tellFaults(document, subject),
      ...askRules(manifest, root, subject),
      ...checkKey(manifest, subject),
      ...(packed?.failure === undefined ? [] : [tellPacking(packed.failure, subject)]),
      ...findings.map(showFile),
    ]),
    files: [manifestFile, ...files.map(show)],
  }
}

type Manifest = { readonly [key: string]: unknown }

function openFolder(folder: string): string {
  try {
    return realpathSync(folder)
  } catch {
    throw noPackage(folder, 'there is no such folder')
  }
}

function noPackage(folder: string, reason: string): EventsetsError {
  return new EventsetsError(`${JSON.stringify(folder)} is no package: ${reason}`, {
    code: 'EVENTSETS_INPUT',
    hint: 'A plugin is a folder with a package.json. Name set files one by one: eventsets lint sets/*.json',
  })
}

function askRules(manifest: Manifest, root: string, subject: Subject): Finding[] {
  const { eventsets } = manifest
  const asked = {
    manifest,
    plugin: isPlainObject(eventsets) ? eventsets : undefined,
    topFiles: readdirSync(root),
    ownVersion: readOwnVersion(),
  }
  return [...packageRules, ...(manifest.private === true ? [] : publicationRules)].flatMap((rule) =>
    [...rule.check(asked)].map((spot) => toFinding(rule, subject, spot)),
  )
}

function tellPacking(reason: string, subject: Subject): Finding {
  const message = `npm cannot tell what it would publish: ${reason.slice(0, MAX_REASON_LENGTH)}`
  const hint = 'Simplify "files", .npmignore and .gitignore; "npm pack --dry-run" shows what npm says.'
  return toFinding(packingFails, subject, { path: ['files'], message, hint })
}

/** A reason of npm's may quote a path or a glob of any length. */
const MAX_REASON_LENGTH = 300

/** The shape of the key `eventsets`. */
function checkKey(manifest: Manifest, subject: Subject): Finding[] {
  const { eventsets } = manifest
  if (eventsets === undefined) return []
  const apiVersion = isPlainObject(eventsets) ? eventsets.apiVersion : undefined
  if (Number.isInteger(apiVersion) && apiVersion !== API_VERSION) {
    const message = `the plugin is written for version ${apiVersion} of the plugin format, and this eventsets knows version ${API_VERSION}`
    const hint = `Write "apiVersion": ${API_VERSION}, or lint the plugin with the version of eventsets it is for.`
    return [toFinding(unknownApiVersion, subject, { path: ['eventsets', 'apiVersion'], message, hint })]
  }
  return findShapeIssues(manifestShape, eventsets).map((issue) => {
    const isOfApplication = issue.code === 'unknown_key' && manifest.private === true
    const spot = spotOfIssue(issue, ['eventsets'])
    const message = formatIssue({ ...issue, path: formatPath(spot.path) })
    const hint = isOfApplication
      ? 'This is the folder of an application? There, run "eventsets lint" alone.'
      : undefined
    return toFinding(invalidManifest, subject, { ...spot, message, hint })
  })
}
