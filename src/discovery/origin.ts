import { join, relative } from 'node:path'
import type { Issue } from '../core/issue.ts'
import { formatIssue } from '../core/issue.ts'
import type { Problem, ProblemCode, ProblemStep } from '../core/problem.ts'
import type { EventSetSource } from '../core/source.ts'
import { formatPackage } from '../core/source.ts'

/** Who brings sets, and the folder that its paths begin at. */
export type Origin = PluginOrigin | ApplicationOrigin

/** A package. Its paths must not lead out of its folder. */
export interface PluginOrigin {
  readonly kind: 'plugin'
  readonly package: string
  readonly version: string | undefined
  /** The real path, without symbolic links. */
  readonly folder: string
}

/** The application itself, in its package.json or its configuration. */
export interface ApplicationOrigin {
  readonly kind: 'application'
  readonly folder: string
  /** The file that says so. */
  readonly file: string
}

export interface ProblemDetail {
  readonly code: ProblemCode
  readonly step: ProblemStep
  readonly file?: string | undefined
  /** A clause that follows who it is about: `sets/a.json is larger than 1 MiB`. */
  readonly reason: string
  readonly hint?: string | undefined
  readonly issues?: readonly Issue[]
}

/** A problem of a plugin or the application, in a message that stands alone. */
export function problemOf(origin: Origin, { reason, issues = [], ...detail }: ProblemDetail): Problem {
  const list = issues.map((issue) => `\n  ${oneLine(formatIssue(issue))}`).join('')
  const { hint } = detail
  return {
    package: origin.kind === 'plugin' ? origin.package : undefined,
    version: origin.kind === 'plugin' ? origin.version : undefined,
    file: origin.kind === 'application' ? origin.file : join(origin.folder, 'package.json'),
    ...detail,
    hint: hint === undefined ? undefined : oneLine(hint),
    message: `${oneLine(describeOrigin(origin))}: ${oneLine(reason)}${list === '' ? '.' : `:${list}`}`,
    issues,
  }
}

const MAX_LINE_TOLD = 1000

/** Names of files and keys come from strangers, and a line break in one would begin a line of its own. */
export function oneLine(text: string): string {
  const short = text.length > MAX_LINE_TOLD ? `${text.slice(0, MAX_LINE_TOLD)}…` : text
  return short.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, escaped)
}

/** As JSON writes it, which leaves some of these as they are. */
function escaped(character: string): string {
  const written = JSON.stringify(character).slice(1, -1)
  return written === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : written
}

/** `Plugin @acme/billing 1.2.0`, or the file of the application. */
function describeOrigin(origin: Origin): string {
  return origin.kind === 'plugin'
    ? `Plugin ${formatPackage(origin.package, origin.version)}`
    : `In ${origin.file}`
}

/** A file as its author knows it: from the folder of the package, or of the configuration. */
export function shortPath(origin: Origin, file: string): string {
  return relative(origin.folder, file).replaceAll('\\', '/') || file
}

export function sourceOf(origin: Origin, file: string): EventSetSource {
  return origin.kind === 'plugin'
    ? { kind: 'package', package: origin.package, version: origin.version, file }
    : { kind: 'file', file }
}
