import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { extract } from 'tar-stream'
import { EventsetsError } from '../core/errors.ts'
import { reasonOf } from '../discovery/set-file.ts'
import { readFileBytes } from './file-bytes.ts'
import { quote } from './quote.ts'
import { withTemporaryFolder } from './temporary-folder.ts'

/** Far more than a package of event sets has. What is larger is something else, or wants to fill the disk. */
export interface UnpackLimits {
  readonly packedBytes: number
  readonly unpackedBytes: number
  readonly entries: number
  /** Those that the names of the files come to; a single name can be hundreds deep. */
  readonly folders: number
  /** How many folders a file lies in. */
  readonly depth: number
  /** Of all names together. */
  readonly nameBytes: number
  /** For reading and for writing, each. */
  readonly milliseconds: number
}

export const UNPACK_LIMITS: UnpackLimits = {
  packedBytes: 64 * 1024 * 1024,
  unpackedBytes: 128 * 1024 * 1024,
  entries: 5000,
  folders: 5000,
  depth: 32,
  nameBytes: 1024 * 1024,
  milliseconds: 20_000,
}

/**
 * Unpacks a tarball of npm into a folder of its own, hands that to `use`, and removes it.
 *
 * Regular files only, as npm does: no links are made, so none can lead anywhere. Nothing is written before every
 * name in the archive has been looked at. The folder goes whatever happens, SIGINT and SIGTERM among it.
 *
 * @throws EventsetsError for what is no such archive, or one that is too large or tries to reach elsewhere.
 */
export async function withUnpacked<T>(
  file: string,
  use: (folder: string) => Promise<T>,
  limits: UnpackLimits = UNPACK_LIMITS,
): Promise<T> {
  const entries = await readEntries(file, limits)
  return await withTemporaryFolder(
    (reason) => refuse(file, `there is no room for its files: ${reason}`),
    async (folder) => {
      writeEntries(file, folder, entries, limits)
      return await use(folder)
    },
  )
}

/** Writes the files; the names have been looked at. */
function writeEntries(
  file: string,
  folder: string,
  entries: ReadonlyMap<string, Buffer>,
  { milliseconds }: UnpackLimits,
): void {
  const deadline = performance.now() + milliseconds
  for (const [name, content] of entries) {
    if (performance.now() > deadline) throw refuse(file, 'writing its files takes too long')
    try {
      const path = join(folder, name)
      mkdirSync(dirname(path), { recursive: true })
      // Never over something that is there: names may be one on a file system that does not know case.
      writeFileSync(path, content, { flag: 'wx' })
    } catch (error) {
      // A name that is a file and a folder at once, is too long, or is there in another case; or a full disk.
      throw refuse(file, `${quote(name)} cannot be unpacked: ${reasonOf(error)}`)
    }
  }
}

function refuse(file: string, reason: string): EventsetsError {
  return new EventsetsError(`cannot read the tarball ${JSON.stringify(file)}: ${reason}`, {
    code: 'EVENTSETS_INPUT',
    hint: 'A tarball of a package is what "npm pack" makes.',
  })
}

/** Name -> content of the regular files, names without the folder that all of them are in. */
async function readEntries(file: string, limits: UnpackLimits): Promise<ReadonlyMap<string, Buffer>> {
  const archive = unzip(file, limits)
  const entries = new Map<string, Buffer>()
  const deadline = performance.now() + limits.milliseconds
  const unpacking = extract()
  // In slices, since a header can be made to cost much time and little room.
  const slices = Readable.from(slice(archive, deadline))
  slices.on('error', (error) => unpacking.destroy(error))
  slices.pipe(unpacking)
  const names = createNameCheck(limits)
  try {
    for await (const entry of unpacking) {
      const { type, name } = entry.header
      names.count(name)
      // Its types leave out that it can be read so.
      const content = await collect(entry as unknown as AsyncIterable<Uint8Array>)
      if (type !== 'file' && type !== 'contiguous-file') continue
      const path = names.accept(name)
      if (entries.has(path)) throw new Error(`it has two entries named ${quote(path)}`)
      entries.set(path, content)
    }
  } catch (error) {
    throw refuse(file, (error as Error).message)
  } finally {
    slices.destroy()
    unpacking.destroy()
  }
  return entries
}

function unzip(file: string, { packedBytes, unpackedBytes }: UnpackLimits): Buffer {
  try {
    const bytes = readFileBytes(file, packedBytes)
    if (bytes === undefined) throw new Error(`it has more than ${packedBytes} bytes`)
    return gunzipSync(bytes, { maxOutputLength: unpackedBytes })
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw refuse(file, `unpacked it has more than ${unpackedBytes} bytes`)
    throw refuse(
      file,
      code.startsWith('Z_') ? `it is no gzip file, or a broken one (${message})` : reasonOf(error),
    )
  }
}

function* slice(archive: Buffer, deadline: number): Generator<Buffer> {
  for (let from = 0; from < archive.length; from += SLICE_BYTES) {
    if (performance.now() > deadline) throw new Error('unpacking it takes too long')
    yield archive.subarray(from, from + SLICE_BYTES)
  }
}

const SLICE_BYTES = 16 * 1024

async function collect(entry: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of entry) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** What the names of an archive add up to, and whether each can be written. */
function createNameCheck({ entries, folders, depth, nameBytes }: UnpackLimits) {
  const made = new Set<string>()
  let count = 0
  let bytes = 0
  return {
    /** Every entry counts, whatever it is. */
    count(name: string): void {
      if (++count > entries) throw new Error(`it has more than ${entries} entries`)
      bytes += Buffer.byteLength(name)
      if (bytes > nameBytes) throw new Error(`the names in it have more than ${nameBytes} bytes`)
    },
    /** The path of a file within the package. */
    accept(name: string): string {
      const path = checkName(name)
      const inFolders = path.split('/').slice(0, -1)
      if (inFolders.length > depth)
        throw new Error(`it has a file more than ${depth} folders deep, ${quote(path)}`)
      for (const end of inFolders.keys()) made.add(inFolders.slice(0, end + 1).join('/'))
      if (made.size > folders) throw new Error(`it has more than ${folders} folders`)
      return path
    },
  }
}

/** npm takes off the first folder, whatever it is called. */
function checkName(name: string): string {
  const [first, ...rest] = name.split('/', MAX_NAME_LENGTH)
  const isSafe = [first, ...rest].every(
    (segment = '') => segment !== '.' && segment !== '..' && SEGMENT.test(segment),
  )
  if (!isSafe || rest.length === 0 || name.length > MAX_NAME_LENGTH)
    throw new Error(
      `it has an entry with the name ${quote(name)}, which leads out of the package or is no path`,
    )
  return rest.join('/')
}

const MAX_NAME_LENGTH = 1000

/** No control characters, no separators of Windows. */
const SEGMENT = /^[^\u0000-\u001f\u007f\\:]{1,255}$/
