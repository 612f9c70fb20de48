import { closeSync, lstatSync, mkdirSync, openSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AlreadyExistsError, EventsetsError } from '../../core/errors.ts'
import { reasonOf } from '../../discovery/set-file.ts'

export interface NewFile {
  /** From the folder, with "/". */
  readonly path: string
  readonly text: string
  /** What it is for, in a few words. */
  readonly purpose: string
}

/** Those of the files that are there already. */
export function findExisting(folder: string, paths: readonly string[]): string[] {
  return paths.filter((path) => exists(join(folder, path)))
}

/**
 * Refuses a folder that has any of these files: half a project and half a plugin would be neither.
 *
 * @throws AlreadyExistsError naming all of them.
 */
export function refuseExisting(folder: string, title: string, paths: readonly string[]): void {
  const existing = findExisting(folder, paths)
  if (existing.length === 0) return
  const list = existing.length === 1 ? '' : `${existing.slice(0, -1).join(', ')} and `
  throw new AlreadyExistsError(
    `${title} already has ${list}${existing.at(-1)}; nothing is overwritten, and nothing was made.`,
    { existing: existing.join(', '), hint: 'Name a new folder: eventsets init <dir>' },
  )
}

/**
 * Writes all of the files or none: what was made before something went wrong is removed again.
 *
 * @throws EventsetsError
 */
export function writeFiles(folder: string, title: string, files: readonly NewFile[]): void {
  const undo: Undo[] = []
  let current = '.'
  try {
    makeFolder(folder, undo)
    for (const { path, text } of files) {
      for (const parent of parentsOf(path)) {
        current = parent
        refuseLink(join(folder, parent))
        makeFolder(join(folder, parent), undo)
      }
      current = path
      makeFile(join(folder, path), text, undo)
    }
  } catch (cause) {
    const left = undo.reverse().flatMap((step) => step() ?? [])
    const at = current === '.' ? title : current
    throw new EventsetsError(`cannot make a plugin in ${title}: ${at}: ${whyNot(cause)}`, {
      code: 'EVENTSETS_DESTINATION',
      hint: left.length === 0 ? 'Nothing was made.' : `These could not be removed again: ${left.join(', ')}`,
      cause,
    })
  }
}

/** Takes back one thing that was made. Gives its path where that cannot be. */
type Undo = () => string | undefined

function undoing(path: string, remove: (path: string) => void): Undo {
  return () => {
    try {
      remove(path)
      return undefined
    } catch {
      return path
    }
  }
}

/** `.github` and `.github/workflows` for `.github/workflows/publish.yml`. */
function parentsOf(path: string): string[] {
  const names = path.split('/').slice(0, -1)
  return names.map((_, index) => names.slice(0, index + 1).join('/'))
}

/** Where somebody has put a link, the files would come to be in a folder that nobody has named. */
function refuseLink(folder: string): void {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink())
    throw new Error('it is a symbolic link, and nothing is written through one')
}

function makeFolder(folder: string, undo: Undo[]): void {
  if (exists(folder) || dirname(folder) === folder) return
  makeFolder(dirname(folder), undo)
  mkdirSync(folder)
  undo.push(undoing(folder, rmdirSync))
}

function makeFile(file: string, text: string, undo: Undo[]): void {
  // Never onto what has come into being meanwhile.
  const fd = openSync(file, 'wx')
  // From now on it is ours; on a full disk only a part of it may get there.
  undo.push(undoing(file, unlinkSync))
  try {
    writeFileSync(fd, text)
  } finally {
    closeSync(fd)
  }
}

/** A link that leads nowhere is there, too. Below what is no folder nothing is. */
function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
  }
}

function whyNot(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOTDIR' ? 'a file stands where a folder has to be' : reasonOf(error)
}
