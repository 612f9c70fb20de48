import { resolve } from 'node:path'
import type { Finding } from './finding.ts'
import { type Checked, checkPackage } from './lint-package.ts'
import { withUnpacked } from './unpack.ts'

/**
 * Checks a plugin as `npm pack` made it. Its files appear in findings as if the tarball were a folder.
 *
 * @throws EventsetsError when it is no tarball of a package, or one that is too large or tries to reach elsewhere.
 */
export async function lintTarball(file: string): Promise<Finding[]> {
  return [...(await checkTarball(file)).findings]
}

export async function checkTarball(file: string): Promise<Checked> {
  const shownAs = resolve(file)
  return await withUnpacked(file, (folder) => checkPackage(folder, { isPublished: true, shownAs }))
}
