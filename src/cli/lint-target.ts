import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { basename, dirname, resolve, sep } from 'node:path'
import { EventsetsError } from '../core/errors.ts'
import { findPackage, findProject, isPackageName } from '../discovery/packages.ts'
import { reasonOf } from '../discovery/set-file.ts'
import { isConfigurationFile, tellApplication } from '../lint/application.ts'
import { lintSetFiles } from '../lint/lint-file.ts'
import { type Checked, checkPackage } from '../lint/lint-package.ts'
import { checkTarball } from '../lint/lint-tarball.ts'

export interface CheckedTargets {
  readonly checked: readonly Checked[]
  /** Why some of the targets could not be checked. */
  readonly errors: readonly EventsetsError[]
}

/** Checks set files, plugin folders, tarballs, and installed packages by their names. */
export async function checkTargets(targets: readonly string[]): Promise<CheckedTargets> {
  const checked: Checked[] = []
  const errors: EventsetsError[] = []
  const setFiles: string[] = []
  for (const target of new Set(targets)) {
    try {
      const result = await checkTarget(target)
      if (typeof result === 'string') setFiles.push(result)
      else checked.push(result)
    } catch (error) {
      errors.push(toInputError(target, error))
    }
  }
  // Sets that are named together may link to each other.
  if (setFiles.length > 0) checked.push({ findings: lintSetFiles(setFiles), files: setFiles })
  return { checked, errors }
}

/** What was found, or the path of a set file. */
async function checkTarget(target: string): Promise<Checked | string> {
  const stats = statSync(target, { throwIfNoEntry: false })
  if (stats === undefined) return await checkInstalled(target)
  if (stats.isDirectory()) return await checkPackage(target)
  if (!stats.isFile()) throw inputError(target, 'it is no regular file')
  if (basename(target) === 'package.json') return await checkPackage(dirname(target))
  if (/\.(?:tgz|tar\.gz)$/i.test(target)) return await checkTarball(target)
  const file = resolve(target)
  if (isConfigurationFile(file)) {
    const subject = { file, set: undefined, package: undefined, document: undefined }
    return { findings: [tellApplication(subject)], files: [file] }
  }
  accessSync(target, constants.R_OK)
  return file
}

/** A package of the application in the working directory. What is installed is as it was published. */
async function checkInstalled(name: string): Promise<Checked> {
  const { project } = findProject(process.cwd())
  const installed = isPackageName(name) ? findPackage(name, project?.folder ?? process.cwd()) : undefined
  if (installed === undefined)
    throw inputError(name, 'there is no such file or folder, and no package of that name is installed here')
  // One of a workspace is a link to the folder in which it is written.
  const isPublished = realpathSync(installed.folder).includes(`${sep}node_modules${sep}`)
  return await checkPackage(installed.folder, { isPublished })
}

function toInputError(target: string, error: unknown): EventsetsError {
  if (error instanceof EventsetsError) return error
  const { code } = error as NodeJS.ErrnoException
  // Whatever has no code is a defect of ours.
  if (code === undefined) throw error
  return inputError(target, reasonOf(error))
}

function inputError(target: string, reason: string): EventsetsError {
  return new EventsetsError(`cannot check ${JSON.stringify(target)}: ${reason}`, {
    code: 'EVENTSETS_INPUT',
    hint: 'Name a set file, the folder of a plugin, a tarball of "npm pack", or an installed package.',
  })
}
