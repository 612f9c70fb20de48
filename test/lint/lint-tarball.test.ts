import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { type Header, pack } from 'tar-stream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { paymentSet, pluginManifest } from '../../src/lint/example.ts'
import { lintTarball } from '../../src/lint/index.ts'
import { withUnpacked } from '../../src/lint/unpack.ts'
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

const limits = { packedBytes: 1e6, unpackedBytes: 1e6, entries: 100, milliseconds: 60_000 }

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
      message: expect.stringContaining('it has 2000000 bytes'),
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
})
