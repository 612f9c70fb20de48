import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { extract } from 'tar-stream'
import { EventsetsError } from '../core/errors.ts'
import { reasonOf } from '../discovery/set-file.ts'
import { quote } from './quote.ts'

/** Far more than a package of event sets has. What is larger is something else, or wants to fill the disk. */
export interface UnpackLimits {
  readonly packedBytes: number
  readonly unpackedBytes: number
  readonly entries: number
  readonly milliseconds: number
}

const LIMITS: UnpackLimits = {
  packedBytes: 64 * 1024 * 1024,
  unpackedBytes: 128 * 1024 * 1024,
  entries: 5000,
  milliseconds: 20_000,
}

/**
 * Unpacks a tarball of npm into a folder of its own, hands that to `use`, and removes it.
 *
 * Regular files only, as npm does: no links are made, so none can lead anywhere. Nothing is written before every
 * name in the archive has been looked at.
 *
 * @throws EventsetsError for what is no such archive, or one that is too large or tries to reach elsewhere.
 */
export async function withUnpacked<T>(
  file: string,
  use: (folder: string) => Promise<T>,
  limits: UnpackLimits = LIMITS,
): Promise<T> {
  const entries = await readEntries(file, limits)
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'eventsets-')))
  try {
    for (const [name, content] of entries) {
      const path = join(folder, name)
      mkdirSync(dirname(path), { recursive: true })
      // Never over something that is there: names may be one on a file system that does not know case.
      writeFileSync(path, content, { flag: 'wx' })
    }
    return await use(folder)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (!WRITE_FAILURES.has(code)) throw error
    throw refuse(file, `its files cannot be unpacked: ${reasonOf(error)}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A name that is a file and a folder at once, is too long, or is there in another case. */
const WRITE_FAILURES: ReadonlySet<string> = new Set(['EEXIST', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'EINVAL'])

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
  let count = 0
  try {
    for await (const entry of unpacking) {
      const { type, name } = entry.header
      if (++count > limits.entries) throw new Error(`it has more than ${limits.entries} entries`)
      // Its types leave out that it can be read so.
      const content = await collect(entry as unknown as AsyncIterable<Uint8Array>)
      if (type !== 'file' && type !== 'contiguous-file') continue
      const path = checkName(name)
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
    const { size } = statSync(file)
    if (size > packedBytes) throw new Error(`it has ${size} bytes, and at most ${packedBytes} are read`)
    return gunzipSync(readFileSync(file), { maxOutputLength: unpackedBytes })
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

/** npm takes off the first folder, whatever it is called. */
function checkName(name: string): string {
  const [first, ...rest] = name.split('/')
  const isSafe = [first, ...rest].every(
    (segment = '') => segment !== '.' && segment !== '..' && SEGMENT.test(segment),
  )
  if (!isSafe || rest.length === 0 || name.length > 1000)
    throw new Error(
      `it has an entry with the name ${quote(name)}, which leads out of the package or is no path`,
    )
  return rest.join('/')
}

/** No control characters, no separators of Windows. */
const SEGMENT = /^[^\u0000-\u001f\u007f\\:]{1,255}$/
