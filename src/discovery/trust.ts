import { lstatSync, readlinkSync, type Stats, statSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FileIdentity } from './file-text.ts'

/** Who looks for sets, and so whose files count. */
export type Role =
  /** An application takes nothing from a file of somebody who could not change its code anyway. */
  | 'application'
  /** Whoever reads logs, maybe in a folder of others, takes data from anywhere, and code from nobody else. */
  | 'reader'

export interface Judged {
  /** Where it has been read: what stands there now has to be the same file. */
  readonly identity?: FileIdentity | undefined
  /** The configuration that names it. */
  readonly namedBy?: string | undefined
}

export interface Trust {
  /** Why a file does not count, as a clause; `undefined` where it does. */
  findDistrust(file: string, judged?: Judged): string | undefined
}

/**
 * What may be relied on: files that nobody else can change or put in their place. They, all folders above them and all
 * links on the way belong to the user of the process, to the administrator, or, for an application, to somebody whose
 * code runs in it.
 *
 * `asked` is a configuration that has been asked for: it counts, whosever it is, and what it names may be its owner's.
 */
export function createTrust(role: Role, asked: string | undefined): Trust {
  const ownId = process.getuid?.()
  // There are no such owners on Windows.
  if (ownId === undefined) return { findDistrust: () => undefined }
  let made: Standard | undefined
  const standard = (): Standard => {
    made ??= joinStandards([
      { owners: [ownId, 0], isOpen: false },
      ...(role === 'application' ? [standardOfCode()] : []),
    ])
    return made
  }
  return {
    findDistrust(file, { identity, namedBy } = {}) {
      if (file === asked) return undefined
      const isAskedFor = namedBy !== undefined && namedBy === asked
      const wanted = isAskedFor ? joinStandards([standard(), standardOf(statOf(namedBy))]) : standard()
      return findFlaw(file, identity, wanted)
    },
  }
}

interface Standard {
  /** The ids of users. */
  readonly owners: readonly number[]
  /** Whether what is relied on anyway can be changed by everybody, as all files on some file systems. */
  readonly isOpen: boolean
}

function joinStandards(standards: readonly Standard[]): Standard {
  return {
    owners: standards.flatMap(({ owners }) => owners),
    isOpen: standards.some(({ isOpen }) => isOpen),
  }
}

function standardOf(stats: Stats | undefined): Standard {
  return { owners: stats ? [stats.uid] : [], isOpen: stats !== undefined && isOpenToAll(stats) }
}

/**
 * Those who can change the code that runs here: this module, the folders that it stands in, and the application into
 * which it is installed. So a container may run as root what belongs to another user.
 */
function standardOfCode(): Standard {
  // In a bundle this may be nothing at all.
  const { url } = import.meta as { readonly url?: string }
  if (!url?.startsWith('file:')) return { owners: [], isOpen: false }
  const code = fileURLToPath(url)
  const standards = [...pathsTo(code)].map((path) => standardOf(statOf(path)))
  // The folders may be the administrator's, and the files in them of the user who has deployed them.
  const [home = '', ...inside] = code.split(`${sep}node_modules${sep}`)
  const folder = statOf(home)
  if (inside.length > 0 && folder && (folder.mode & WRITABLE_BY_ALL) === 0) {
    const { owners } = standardOf(statOf(join(home, 'package.json')))
    standards.push({ owners, isOpen: false })
  }
  return joinStandards(standards)
}

function* pathsTo(path: string): Generator<string> {
  for (let at = path; ; at = dirname(at)) {
    yield at
    if (dirname(at) === at) return
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    // Whose it is cannot be told, so nothing follows from it.
    return undefined
  }
}

const MAX_LINKS = 40

/** Goes the way to a file link by link, as the system does it. */
function findFlaw(
  file: string,
  identity: FileIdentity | undefined,
  { owners, isOpen }: Standard,
): string | undefined {
  const root = resolve('/')
  // In some containers users of the machine have no id, and its administrator is only known by this.
  const administrator = statOf(root)?.uid
  let waiting = resolve(file).split(sep).slice(1)
  let at = root
  for (let links = 0; waiting.length > 0; ) {
    const [name = '', ...rest] = waiting
    waiting = rest
    if (name === '' || name === '.') continue
    if (name === '..') {
      at = dirname(at)
      continue
    }
    const path = join(at, name)
    const stats = lookAt(path)
    if (stats === undefined) {
      // Yarn has folders that are on no disk.
      if (process.versions.pnp && rest.length > 0) {
        at = path
        continue
      }
      return 'it cannot be looked at'
    }
    const isFolder = rest.length > 0 && !stats.isSymbolicLink()
    const what = rest.length === 0 && !stats.isSymbolicLink() ? 'it' : JSON.stringify(path)
    if (!owners.includes(stats.uid) && !(isFolder && stats.uid === administrator))
      return `${what} belongs to another user (with the id ${stats.uid})`
    if (stats.isSymbolicLink()) {
      if (++links > MAX_LINKS) return 'its symbolic links go round in a circle'
      const target = readLink(path)
      if (target === undefined) return 'it cannot be looked at'
      waiting = [...target.split(sep), ...rest]
      if (isAbsolute(target)) at = root
      continue
    }
    if (!isOpen && isOpenToAll(stats)) return `${what} can be changed by everybody`
    if (rest.length === 0 && identity && (stats.dev !== identity.dev || stats.ino !== identity.ino))
      return 'it has just been replaced'
    at = path
  }
  return undefined
}

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

const WRITABLE_BY_ALL = 0o002
const STICKY = 0o1000

/** In a folder such as /tmp everybody can make files, but not replace those of others. */
function isOpenToAll(stats: Stats): boolean {
  if ((stats.mode & WRITABLE_BY_ALL) === 0) return false
  return !(stats.isDirectory() && (stats.mode & STICKY) !== 0)
}
