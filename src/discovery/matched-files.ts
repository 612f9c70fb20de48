import { readdirSync, realpathSync } from 'node:fs'
import { isAbsolute, join, sep } from 'node:path'
import type { Problem } from '../core/problem.ts'
import { type Origin, problemOf, shortPath } from './origin.ts'
import { reasonOf } from './set-file.ts'

/** So many files, patterns and folders deep, and no more: nobody writes that many, and looking takes time. */
export const LIMITS = { patterns: 50, patternLength: 200, files: 200, depth: 8 } as const

export interface MatchedFiles {
  /** Absolute paths, in the order of the patterns, each pattern's sorted by code units. */
  readonly files: readonly string[]
  readonly problems: readonly Problem[]
}

/**
 * The files that patterns lead to. For a plugin they must be in its folder, symbolic links followed.
 *
 * The globs of a plugin come from a stranger: no braces and no groups, which can stand for any number of patterns, and
 * few stars, which would take a long time on the names of many files.
 */
export async function matchFiles(origin: Origin, patterns: readonly string[]): Promise<MatchedFiles> {
  const files = new Set<string>()
  const problems: Problem[] = []
  if (patterns.length > LIMITS.patterns) {
    const reason = `"sets" lists ${patterns.length} patterns, and at most ${LIMITS.patterns} are looked at`
    problems.push(problemOf(origin, { code: 'EVENTSETS_PLUGIN_LIMIT', step: 'read', reason }))
  }
  for (const pattern of patterns.slice(0, LIMITS.patterns)) {
    const refused = refusePattern(origin, pattern)
    if (refused) {
      problems.push(refused)
      continue
    }
    const found = isGlob(pattern) ? await glob(origin.folder, pattern) : [join(origin.folder, pattern)]
    if (found.length === 0) problems.push(noFiles(origin, pattern))
    for (const file of found) {
      const real = resolveFile(origin, file, pattern)
      if (typeof real !== 'string') problems.push(real)
      else if (files.size < LIMITS.files) files.add(real)
      else {
        const reason = `"sets" leads to more than ${LIMITS.files} files, and the others are not read`
        problems.push(problemOf(origin, { code: 'EVENTSETS_PLUGIN_LIMIT', step: 'read', reason }))
        return { files: [...files], problems }
      }
    }
  }
  return { files: [...files], problems }
}

/** Whether a pattern may stand for several files. */
function isGlob(pattern: string): boolean {
  return /[*?[\]{}()!]/.test(pattern)
}

async function glob(cwd: string, pattern: string): Promise<string[]> {
  const simple = /^((?:[^*?[\]{}()!]+\/)*)\*([^*?[\]{}()!/]+)$/.exec(pattern)
  // What nearly everybody writes, `sets/*.json`, needs no more than a look into a folder. To load the library takes
  // longer than all the rest of discovery.
  if (simple) return listEndingWith(join(cwd, simple[1] ?? ''), simple[2] ?? '')
  const { default: fastGlob } = await import('fast-glob')
  const found = fastGlob.globSync(pattern.replace(/^\.\//, ''), {
    cwd,
    absolute: true,
    followSymbolicLinks: false,
    suppressErrors: true,
    braceExpansion: false,
    extglob: false,
    deep: LIMITS.depth,
    ignore: ['**/node_modules/**'],
  })
  return found.sort()
}

function listEndingWith(folder: string, ending: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(ending) && !entry.name.startsWith('.'))
      .map(({ name }) => join(folder, name))
      .sort()
  } catch {
    return []
  }
}

function refusePattern(origin: Origin, pattern: string): Problem | undefined {
  const quoted = JSON.stringify(pattern.slice(0, LIMITS.patternLength))
  const refuse = (reason: string, hint: string) =>
    problemOf(origin, { code: 'EVENTSETS_PLUGIN_PATH', step: 'locate', reason, hint })
  if (pattern.length > LIMITS.patternLength || pattern.includes('\0'))
    return refuse(`${quoted} in "sets" is not a path`, 'Write a short path, such as "./sets/*.json".')
  const segments = pattern.split('/')
  if (segments.some((segment) => segment !== '**' && segment.split('*').length > 3)) {
    return refuse(
      `${quoted} in "sets" has more than two stars in one part of the path`,
      'Write a simpler glob, such as "./sets/*.json".',
    )
  }
  if (origin.kind === 'application') return undefined
  if (isAbsolute(pattern) || /^[A-Za-z]:/.test(pattern) || segments.includes('..')) {
    return refuse(
      `${quoted} in "sets" leads out of the package`,
      'Write a path inside the package, such as "./sets/*.json".',
    )
  }
  return undefined
}

/** The real path of a file, or why it is not read. */
function resolveFile(origin: Origin, file: string, pattern: string): string | Problem {
  try {
    const real = realpathSync(file)
    if (origin.kind === 'application' || isInside(real, origin.folder)) return real
    return problemOf(origin, {
      code: 'EVENTSETS_PLUGIN_PATH',
      step: 'locate',
      file,
      reason: `${shortPath(origin, file)} is a link that leads out of the package`,
      hint: 'Put the file itself into the package.',
    })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return noFiles(origin, pattern)
    return problemOf(origin, {
      code: 'EVENTSETS_PLUGIN_READ',
      step: 'read',
      file,
      reason: `${shortPath(origin, file)} cannot be read: ${reasonOf(error)}`,
    })
  }
}

export function isInside(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}

function noFiles(origin: Origin, pattern: string): Problem {
  const what = isGlob(pattern) ? 'matches no file' : 'is not there'
  const hint = pattern.includes('\\')
    ? 'Paths are written with "/", on every system.'
    : origin.kind === 'plugin'
      ? 'Is it listed under "files" in package.json, so that it is in the published package? "eventsets lint" tells.'
      : `Paths are read from ${origin.folder}.`
  return problemOf(origin, {
    code: 'EVENTSETS_PLUGIN_NO_FILES',
    step: 'locate',
    reason: `${JSON.stringify(pattern)} in "sets" ${what}`,
    hint,
  })
}
