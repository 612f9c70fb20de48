import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { type Header, pack } from 'tar-stream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { paymentSet, pluginManifest } from '../../src/lint/example.ts'
import { lintTarball } from '../../src/lint/index.ts'
import { UNPACK_LIMITS, withUnpacked } from '../../src/lint/unpack.ts'
import { codesOf, makeFolder } from './example-folder.ts'

interface Entry {
  readonly name: string
  readonly type?: Header['type']
  readonly linkname?: string
  readonly content?: string
}

const sound: readonly Entry[] = [
  { name: 'package/package.json', content: JSON.stringify(pluginManifest()) },
  { name: 'package/LICENSE', content: 'MIT\n' },
  { name: 'package/README.md', content: '# Payments\n' },
  { name: 'package/sets/payment.json', content: JSON.stringify(paymentSet()) },
]

async function archive(entries: readonly Entry[]): Promise<Buffer> {
  const packing = pack()
  // Its types ask for the whole header, of which it fills in most.
  for (const { content = '', ...header } of entries) packing.entry(header as Header, content)
  packing.finalize()
  return await buffer(packing as unknown as AsyncIterable<Uint8Array>)
}

/** A tarball in a folder of its own. */
async function makeTarball(entries: readonly Entry[]): Promise<string> {
  return writeTarball(gzipSync(await archive(entries)))
}

function writeTarball(bytes: Buffer): string {
  const file = join(makeFolder({}), 'acme-1.0.0.tgz')
  writeFileSync(file, bytes)
  return file
}

/** An empty folder for temporary files, for this test alone. */
function useTemporaryFolder(): string {
  const folder = makeFolder({})
  vi.stubEnv('TMPDIR', folder)
  onTestFinished(() => void vi.unstubAllEnvs())
  return folder
}

const limits = { ...UNPACK_LIMITS, packedBytes: 1e6, unpackedBytes: 1e6, entries: 100, milliseconds: 60_000 }

describe('lintTarball', () => {
  it('finds nothing in a sound plugin, and leaves nothing behind', async () => {
    const file = await makeTarball(sound)
    const folder = useTemporaryFolder()

    expect(await lintTarball(file)).toEqual([])
    expect(readdirSync(folder)).toEqual([])
  })

  it('finds a set that is missing in what npm has packed, and shows files as below the tarball', async () => {
    const folder = makeFolder({
      'package.json': pluginManifest({ files: ['lib'] }),
      'sets/payment.json': paymentSet(),
    })
    const { status } = spawnSync('npm', ['pack', '--silent'], { cwd: folder })
    const file = join(folder, 'eventsets-plugin-payment-1.0.0.tgz')
    const found = await lintTarball(file)

    expect(status).toBe(0)
    expect(codesOf(found)).toEqual(['missing-license-file', 'missing-readme', 'no-set-files'])
    expect(found[0]?.file).toBe(join(file, 'package.json'))
  })

  it('reads what git packs, with another folder and a header for all entries', async () => {
    const entries = sound.map(({ name, ...entry }) => ({
      ...entry,
      name: name.replace('package/', 'acme-1f3a/'),
    }))
    const comment = '16 comment=1f3a\n'
    const header = await archive([{ name: 'pax_global_header', content: comment }])
    // Its type, and the sum of all bytes in which the sum itself counts as spaces.
    header[156] = 'g'.charCodeAt(0)
    header.fill(' ', 148, 156)
    const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    const bytes = Buffer.concat([header.subarray(0, 1024), await archive(entries)])

    expect(await lintTarball(writeTarball(gzipSync(bytes)))).toEqual([])
  })

  it('has no use for links and folders, and makes none', async () => {
    const file = await makeTarball([
      ...sound,
      { name: 'package/sets', type: 'directory' },
      { name: 'package/sets/link.json', type: 'symlink', linkname: '/etc/passwd' },
      { name: '../../../hard.json', type: 'link', linkname: '/etc/passwd' },
    ])

    expect(await lintTarball(file)).toEqual([])
  })

  it.each([
    '../outside.json',
    'package/../../outside.json',
    '/absolute.json',
    'package//etc/passwd',
    'package/sets/..',
    'package/./a.json',
    'package/a\\..\\b.json',
    'package/C:/a.json',
    'package/a\nb.json',
    'package/\u001b[2J.json',
    'alone.json',
  ])('refuses an archive with the name %j, and writes nothing', async (name) => {
    const file = await makeTarball([...sound, { name, content: 'x' }])
    const folder = useTemporaryFolder()

    await expect(lintTarball(file)).rejects.toMatchObject({
      code: 'EVENTSETS_INPUT',
      message: expect.stringMatching(
        /leads out of the package or is no path|Invalid tar header|Unexpected end/,
      ),
    })
    expect(readdirSync(folder)).toEqual([])
    expect(existsSync(join(file, '..', 'outside.json'))).toBe(false)
  })

  it.each([
    ['twice', 'package/sets/payment.json'],
    ['as a file and as a folder', 'package/sets'],
  ])('refuses an archive that has a name %s', async (_, name) => {
    const file = await makeTarball([...sound, { name, content: 'x' }])

    await expect(lintTarball(file)).rejects.toMatchObject({ code: 'EVENTSETS_INPUT' })
  })

  it.each([
    ['empty', Buffer.alloc(0)],
    ['no gzip file', Buffer.from('hello')],
    ['gzip of something else', gzipSync('hello '.repeat(500))],
    ['gzip of nothing', gzipSync('')],
    ['cut off', gzipSync('x'.repeat(1000)).subarray(0, 20)],
    ['a tar header with a wrong checksum', gzipSync(Buffer.alloc(1024, 'a'))],
  ])('rejects what is %s', async (_, bytes) => {
    await expect(lintTarball(writeTarball(bytes))).rejects.toMatchObject({
      code: 'EVENTSETS_INPUT',
    })
  })

  it('rejects an archive that ends in the middle of a file', async () => {
    const bytes = gzipSync((await archive(sound)).subarray(0, 700))

    await expect(lintTarball(writeTarball(bytes))).rejects.toMatchObject({
      message: expect.stringContaining('Unexpected end of data'),
    })
  })

  it('does not wait for a pipe, and reads a file that has no size no further than it may', async () => {
    const folder = makeFolder({})
    spawnSync('mkfifo', [join(folder, 'pipe.tgz')])

    await expect(lintTarball(join(folder, 'pipe.tgz'))).rejects.toMatchObject({
      message: expect.stringContaining('it is not a regular file'),
    })
    if (process.platform !== 'linux') return
    await expect(lintTarball('/proc/self/environ')).rejects.toMatchObject({
      message: expect.stringContaining('it is no gzip file'),
    })
  })

  it('rejects a file that is not there', async () => {
    await expect(lintTarball(join(makeFolder({}), 'no.tgz'))).rejects.toMatchObject({
      message: expect.stringContaining('there is no such file'),
    })
  })
})

describe('withUnpacked', () => {
  const read = async (folder: string) => readFileSync(join(folder, 'LICENSE'), 'utf8')

  it('gives what the function gives, and passes on what it throws', async () => {
    const file = await makeTarball(sound)

    expect(await withUnpacked(file, read)).toBe('MIT\n')
    await expect(withUnpacked(file, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
  })

  it('refuses a small file that unpacks to a large one', async () => {
    const file = await makeTarball([...sound, { name: 'package/zeros', content: '0'.repeat(2e6) }])

    await expect(withUnpacked(file, read, limits)).rejects.toMatchObject({
      message: expect.stringContaining('unpacked it has more than 1000000 bytes'),
    })
  })

  it('refuses a large file without reading it', async () => {
    const file = writeTarball(Buffer.alloc(2e6))

    await expect(withUnpacked(file, read, limits)).rejects.toMatchObject({
      message: expect.stringContaining('it has more than 1000000 bytes'),
    })
  })

  it('refuses more entries than a package has', async () => {
    const many = Array.from({ length: 200 }, (_, index) => ({ name: `package/${index}`, content: '' }))

    await expect(withUnpacked(await makeTarball(many), read, limits)).rejects.toMatchObject({
      message: expect.stringContaining('more than 100 entries'),
    })
  })

  it('refuses what takes too long', async () => {
    const file = await makeTarball(sound)

    await expect(withUnpacked(file, read, { ...limits, milliseconds: -1 })).rejects.toMatchObject({
      message: expect.stringContaining('takes too long'),
    })
  })

  it.each([
    [
      'a file in more folders than anybody makes',
      `package/${'a/'.repeat(33)}a.json`,
      /more than 32 folders deep/,
    ],
    ['a part of a name that no file system takes', `package/${'a'.repeat(256)}`, /is no path/],
    ['a name without end', `package/${'a/'.repeat(100_000)}a.json`, /is no path/],
  ])('refuses %s, and writes nothing', async (_, name, reason) => {
    const file = await makeTarball([...sound, { name, content: 'x' }])
    const folder = useTemporaryFolder()

    await expect(withUnpacked(file, read, limits)).rejects.toMatchObject({
      code: 'EVENTSETS_INPUT',
      message: expect.stringMatching(reason),
    })
    expect(readdirSync(folder)).toEqual([])
  })

  it('refuses few files in many folders, and writes nothing', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `package/${`${index}/`.repeat(30)}a.json`)
    const file = await makeTarball([...sound, ...names.map((name) => ({ name, content: '' }))])
    const folder = useTemporaryFolder()

    await expect(withUnpacked(file, read, { ...limits, folders: 300 })).rejects.toMatchObject({
      message: expect.stringContaining('more than 300 folders'),
    })
    expect(await withUnpacked(file, read, { ...limits, folders: 301 })).toBe('MIT\n')
    expect(readdirSync(folder)).toEqual([])
  })

  it('refuses names that are long all together, also of what is no file', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `package/${'a'.repeat(80)}${index}`)
    const entries = names.map((name) => ({ name, type: 'directory' as const }))
    const file = await makeTarball([...sound, ...entries])

    await expect(withUnpacked(file, read, { ...limits, nameBytes: 4000 })).rejects.toMatchObject({
      message: expect.stringContaining('more than 4000 bytes'),
    })
  })

  it('says so where there is no room for its files', async () => {
    const file = await makeTarball(sound)
    vi.stubEnv('TMPDIR', join(makeFolder({}), 'no such folder'))
    onTestFinished(() => void vi.unstubAllEnvs())

    await expect(withUnpacked(file, read)).rejects.toMatchObject({
      code: 'EVENTSETS_INPUT',
      message: expect.stringContaining('there is no room for its files'),
    })
  })

  it('leaves no listener behind', async () => {
    const count = () => ['SIGINT', 'SIGTERM', 'SIGHUP', 'exit'].map((name) => process.listenerCount(name))
    const before = count()
    const file = await makeTarball(sound)
    const [during] = await Promise.all([
      withUnpacked(file, async () => count()),
      withUnpacked(file, async () => count()),
    ])

    expect(during).toEqual(before.map((listeners) => listeners + 1))
    expect(count()).toEqual(before)
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'leaves nothing behind when %s ends the process',
    async (signal) => {
      const { child, folder } = await unpackAndWait(await makeTarball(sound), '')

      expect(existsSync(join(folder, 'LICENSE'))).toBe(true)
      child.kill(signal)
      expect(await once(child, 'exit')).toEqual([null, signal])
      expect(existsSync(folder)).toBe(false)
    },
  )

  it('leaves nothing behind when somebody ends the process, and lets others listen to signals', async () => {
    const listener = "process.on('SIGTERM', () => process.exit(7))"
    const { child, folder } = await unpackAndWait(await makeTarball(sound), listener)

    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([7, null])
    expect(existsSync(folder)).toBe(false)
  })
})

/** A process that has unpacked a tarball, and stays like that. */
async function unpackAndWait(file: string, code: string) {
  const built = new URL('../../dist/lint/all.js', import.meta.url)
  const program = `
    import { withUnpacked } from ${JSON.stringify(built.href)}
    ${code}
    setInterval(() => {}, 1000)
    await withUnpacked(${JSON.stringify(file)}, (folder) => {
      process.stdout.write(folder)
      return new Promise(() => {})
    })`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [folder] = await once(child.stdout, 'data')
  return { child, folder: String(folder) }
}
