import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { paymentSet, pluginManifest } from '../../src/lint/example.ts'
import { checkPackage } from '../../src/lint/lint-package.ts'
import { listPackedFiles, PACK_LIMITS } from '../../src/lint/packed-files.ts'
import { codesOf, makeFolder } from './example-folder.ts'

const plugin = {
  'package.json': pluginManifest(),
  LICENSE: 'MIT\n',
  'README.md': '# Payments\n',
  'sets/payment.json': paymentSet(),
}

/** Short enough for a test, and long enough for a process to start on a busy machine. */
const short = { ...PACK_LIMITS, timeoutMs: 5000 }

describe('listPackedFiles', () => {
  it('lists what npm packs', async () => {
    const folder = makeFolder({
      ...plugin,
      'notes.txt': 'mine',
      'sets/draft.json': '{}',
      'sets/.npmignore': 'draft.json',
    })
    const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json'], { cwd: folder, encoding: 'utf8' })
    const [{ files: packed }] = JSON.parse(stdout) as [{ files: { path: string }[] }]

    const { files } = await listPackedFiles(folder, pluginManifest() as never)

    expect([...(files ?? [])].sort()).toEqual(packed.map(({ path }) => path).sort())
    expect([...(files ?? [])].sort()).toEqual(['LICENSE', 'README.md', 'package.json', 'sets/payment.json'])
  })

  it.each([
    ['a pipe', '.npmignore', (file: string) => spawnSync('mkfifo', [file]), 'is no regular file'],
    [
      'a pipe further down',
      'sets/.gitignore',
      (file: string) => spawnSync('mkfifo', [file]),
      'is no regular file',
    ],
    ['a device', '.gitignore', (file: string) => symlinkSync('/dev/zero', file), 'is no regular file'],
    ['a folder', '.npmignore', (file: string) => mkdirSync(file), 'is no regular file'],
    ['a link that leads nowhere', '.npmignore', (file: string) => symlinkSync('no', file), 'cannot be read'],
  ])('does not read %s as a list of what to leave out', async (_, path, make, reason) => {
    const folder = makeFolder(plugin)
    make(join(folder, path))

    const { failure } = await listPackedFiles(folder, {})

    expect(failure).toContain(`${JSON.stringify(path)} ${reason}`)
  })

  it('does not read a list of what to leave out that nobody has written', async () => {
    const folder = makeFolder({ ...plugin, '.npmignore': 'a/b/c\n'.repeat(100_000) })

    expect((await listPackedFiles(folder, {})).failure).toBe('".npmignore" has more than 262144 bytes')
  })

  it.each([
    ['stars', `${'*a'.repeat(40)}b`, 'a'.repeat(250)],
    ['folders', `${'**/a/'.repeat(60)}b`, `${'a/'.repeat(400)}c`],
  ])('gives up a glob of %s that has no end', async (_, glob, path) => {
    const folder = makeFolder({ ...plugin, '.npmignore': `${glob}\n`, [path]: '' })

    const { failure = '' } = await listPackedFiles(folder, {}, short)

    expect(failure).toMatch(/^npm (?:was not done after 5 seconds|needed too much memory, or broke down)$/)
  })

  it('gives up a glob of braces that needs all memory there is', async () => {
    const files = Array.from({ length: 40 }, (_, index) => `${'{a,b}'.repeat(17)}${index}`)
    const folder = makeFolder(plugin)

    const { failure = '' } = await listPackedFiles(folder, { files }, { timeoutMs: 60_000, memoryMib: 64 })

    expect(failure).toBe('npm needed too much memory, or broke down')
  })

  it('says which folder cannot be read', async () => {
    const folder = makeFolder({ ...plugin, 'closed/file.txt': '' })
    chmodSync(join(folder, 'closed'), 0)

    const { files, failure = '' } = await listPackedFiles(folder, {})
    chmodSync(join(folder, 'closed'), 0o700)

    // Root may read everything.
    if (process.getuid?.() === 0) expect(files?.has('closed/file.txt')).toBe(true)
    else expect(failure).toContain('EACCES')
  })
})

describe('lint of a plugin that npm cannot pack', () => {
  it('is told with the rest, and no set is said to be missing', async () => {
    const folder = makeFolder({
      ...plugin,
      'package.json': pluginManifest({ files: [`${'*a'.repeat(40)}b`] }),
      ['a'.repeat(250)]: '',
    })

    const { findings } = await checkPackage(folder, { packLimits: short })

    expect(codesOf(findings)).toEqual(['packing-fails'])
    expect(findings[0]?.message).toContain('npm cannot tell what it would publish: npm ')
  })
})
