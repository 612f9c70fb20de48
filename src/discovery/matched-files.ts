import { type Dirent, lstatSync, opendirSync, type readdirSync, realpathSync } from 'node:fs'
import { isAbsolute, join, resolve, sep } from 'node:path'
import { matchesGlob } from '../core/glob.ts'
import type { Problem } from '../core/problem.ts'
import { type Origin, problemOf, shortPath } from './origin.ts'
import { reasonOf } from './set-file.ts'

/**
 * So many files, patterns and folders deep, and no more: nobody writes that many, and looking takes time. `entries` are
 * what is seen in folders on the way to the files, all patterns together: a glob may stand for a whole disk.
 */
export const LIMITS = { patterns: 50, patternLength: 200, files: 200, depth: 8, entries: 50_000 } as const

export interface MatchedFiles {
  /** Absolute paths, in the order of the patterns, each pattern's sorted by code units. */
  readonly files: readonly string[]
  readonly problems: readonly Problem[]
}

/**
 * The files that patterns lead to. For a plugin they must be in its folder, symbolic links followed.
 *
 * The globs of a plugin come from a stranger: they are matched part by part and without regular expressions, in a time
 * that grows with pattern times path and no faster.
 */
export async function matchFiles(origin: Origin, patterns: readonly string[]): Promise<MatchedFiles> {
  const seen = new Set<string>()
  const look = createLook()
  const files = new Set<string>()
  const problems: Problem[] = []
  const limit = (reason: string, hint?: string) =>
    problems.push(problemOf(origin, { code: 'EVENTSETS_PLUGIN_LIMIT', step: 'read', reason, hint }))
  if (patterns.length > LIMITS.patterns)
    limit(`"sets" lists ${patterns.length} patterns, and at most ${LIMITS.patterns} are looked at`)
  for (const pattern of patterns.slice(0, LIMITS.patterns)) {
    const found = refusePattern(origin, pattern) ?? (await findFiles(origin, pattern, look))
    if (look.isOver) {
      limit(
        `in the folders that ${JSON.stringify(pattern)} in "sets" leads to there are more than ${LIMITS.entries} entries, and files beyond that are not found`,
        'Write where the files are, such as "./sets/*.json".',
      )
    } else if (!Array.isArray(found)) problems.push(found)
    for (const file of Array.isArray(found) ? found : []) {
      if (seen.has(file)) continue
      if (seen.size === LIMITS.files) {
        limit(`"sets" leads to more than ${LIMITS.files} files, and the others are not read`)
        return { files: [...files], problems }
      }
      seen.add(file)
      const real = resolveFile(origin, file)
      if (typeof real === 'string') files.add(real)
      else problems.push(real)
    }
    if (look.isOver) break
  }
  return { files: [...files], problems }
}

interface Look {
  /** What is in a folder, as far as it may still be looked at. */
  list(folder: string): Dirent[]
  /** Whether there was more than may be looked at. */
  readonly isOver: boolean
}

function createLook(): Look {
  let left: number = LIMITS.entries
  return {
    get isOver() {
      return left < 0
    },
    list(folder) {
      const entries: Dirent[] = []
      if (left < 0) return entries
      const directory = opendirSync(folder, { bufferSize: 256 })
      try {
        for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
          if (--left < 0) break
          entries.push(entry)
        }
      } finally {
        directory.closeSync()
      }
      return entries
    },
  }
}

/** The paths that a pattern leads to, at least one, or why there are none. */
async function findFiles(origin: Origin, pattern: string, look: Look): Promise<string[] | Problem> {
  const parts = pattern.split('/')
  const first = parts.findIndex(isGlob)
  const fixed = first === -1 ? pattern : first === 0 ? '.' : `${parts.slice(0, first).join('/')}/`
  const path = resolve(origin.folder, fixed)
  if (!isThere(path)) return noFiles(origin, pattern)
  if (first === -1) return [path]
  const folder = resolveFile(origin, path)
  if (typeof folder !== 'string') return folder
  const found = await glob(
    folder,
    parts.slice(first).filter((part) => part !== '' && part !== '.'),
    look,
  )
  return found.length > 0 ? found.sort() : noFiles(origin, pattern)
}

function isGlob(pattern: string): boolean {
  return /[*?]/.test(pattern)
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    // It is, and whoever reads it will say what is wrong with it.
    return true
  }
}

async function glob(folder: string, parts: readonly string[], look: Look): Promise<string[]> {
  const [part = ''] = parts
  // What nearly everybody writes, `sets/*.json`, needs no more than a look into a folder. To load the library takes
  // longer than all the rest of discovery.
  if (parts.length === 1 && part !== '**') return listMatching(folder, part, look)
  // At the end it stands for what is in the folders.
  const pattern = parts.at(-1) === '**' ? [...parts, '*'] : parts
  const { default: fastGlob } = await import('fast-glob')
  const entries = fastGlob.globSync('**', {
    cwd: folder,
    deep: parts.includes('**') ? LIMITS.depth : parts.length,
    onlyFiles: false,
    objectMode: true,
    followSymbolicLinks: false,
    suppressErrors: true,
    ignore: ['**/node_modules/**'],
    // It is asked for entries with their types, and for nothing else that it can do.
    fs: { readdirSync: look.list as unknown as typeof readdirSync },
  })
  return entries
    .filter(({ dirent, path }) => isFileOrLink(dirent) && matchesParts(pattern, path.split('/')))
    .map(({ path }) => join(folder, path))
}

function listMatching(folder: string, part: string, look: Look): string[] {
  try {
    return look
      .list(folder)
      .filter((entry) => isFileOrLink(entry) && !entry.name.startsWith('.') && matchesGlob(part, entry.name))
      .map(({ name }) => join(folder, name))
  } catch {
    return []
  }
}

/** Where a link leads is looked at later, since somebody should hear of it when it leads to nothing. */
function isFileOrLink(entry: Pick<Dirent, 'isFile' | 'isSymbolicLink'>): boolean {
  return entry.isFile() || entry.isSymbolicLink()
}

/** Whether a path matches a glob, both in parts; `**` stands for any number of folders. */
function matchesParts(pattern: readonly string[], path: readonly string[]): boolean {
  // Which beginnings of the path the pattern so far can stand for.
  let reached = path.map((_, index) => index === 0)
  reached.push(path.length === 0)
  for (const part of pattern) {
    const next = reached.map(() => false)
    for (const [index, isReached] of reached.entries()) {
      if (part === '**') next[index] = isReached || (next[index - 1] ?? false)
      else if (isReached && index < path.length) next[index + 1] = matchesGlob(part, path[index] as string)
    }
    reached = next
  }
  return reached.at(-1) === true
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
function resolveFile(origin: Origin, file: string): string | Problem {
  try {
    const real = realpathSync(file)
    if (origin.kind === 'application' || real === origin.folder || isInside(real, origin.folder)) return real
    return problemOf(origin, {
      code: 'EVENTSETS_PLUGIN_PATH',
      step: 'locate',
      file,
      reason: `${shortPath(origin, file)} is a link that leads out of the package`,
      hint: 'Put what it leads to into the package.',
    })
  } catch (error) {
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
    : /[[\]{}()!]/.test(pattern)
      ? 'In a glob only "*", "**" and "?" stand for something else; list further paths one by one.'
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
