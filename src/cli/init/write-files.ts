import { lstatSync, mkdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs'
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
  const undo: (() => void)[] = []
  let current = folder
  try {
    for (const { path, text } of files) {
      const file = join(folder, path)
      current = dirname(file)
      makeFolder(current, undo)
      current = file
      // Never onto what has come into being meanwhile.
      writeFileSync(file, text, { flag: 'wx' })
      undo.push(() => unlinkSync(file))
    }
  } catch (cause) {
    for (const step of undo.reverse()) step()
    const at = current === folder ? title : current.slice(folder.length + 1)
    throw new EventsetsError(`cannot make a plugin in ${title}: ${at}: ${whyNot(cause)}`, {
      code: 'EVENTSETS_DESTINATION',
      hint: 'Nothing was made.',
      cause,
    })
  }
}

function makeFolder(folder: string, undo: (() => void)[]): void {
  if (exists(folder) || dirname(folder) === folder) return
  makeFolder(dirname(folder), undo)
  mkdirSync(folder)
  undo.push(() => rmdirSync(folder))
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
