import { execFileSync } from 'node:child_process'
import { closeSync, constants, existsSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openFileWriter } from '../../src/pino/file-writer.ts'
import { temporaryFolder } from '../fixtures/apps/run-app.ts'

test('it appends unless told otherwise', () => {
  const path = join(temporaryFolder(), 'log')
  writeFileSync(path, 'old\n')
  for (const append of [undefined, true]) {
    const writer = openFileWriter(path, { append })
    writer.write(Buffer.from('new\n'))
    writer.close()
  }

  expect(readFileSync(path, 'utf8')).toBe('old\nnew\nnew\n')
})

test('it has written when it returns', () => {
  const path = join(temporaryFolder(), 'log')
  const writer = openFileWriter(path)
  writer.write(Buffer.from('now\n'))

  expect(readFileSync(path, 'utf8')).toBe('now\n')
  writer.close()
})

test.each([
  { name: 'missing/log', code: 'ENOENT', hint: 'set the option "mkdir" to true' },
  { name: '.', code: 'EISDIR', hint: 'name a file in the option "destination"' },
  { name: 'file/log', code: 'ENOTDIR', hint: 'Check the option "destination"' },
])('it says what is wrong with a path ($code), and what to do', ({ name, code, hint }) => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'file'), '')
  const path = join(folder, name)

  expect(() => openFileWriter(path)).toThrow(
    expect.objectContaining({ code: 'EVENTSETS_DESTINATION', message: expect.stringContaining(code) }),
  )
  expect(() => openFileWriter(path)).toThrow(JSON.stringify(path))
  expect(() => openFileWriter(path)).toThrow(hint)
})

test('it is broken, silently, once the reader of a pipe has gone', () => {
  const { reader, writer: fd } = openPipe()
  const reports: string[] = []
  const writer = openFileWriter(fd, { report: (message) => reports.push(message) })
  closeSync(reader)
  writer.write(Buffer.from('nobody reads this\n'))
  writer.write(Buffer.from('nor this\n'))
  writer.close()

  expect(writer.isBroken).toBe(true)
  expect(reports).toEqual([])
})

test.skipIf(!existsSync('/dev/full'))(
  'it keeps what a full disk refuses, and tells how much was lost',
  () => {
    const reports: string[] = []
    const writer = openFileWriter('/dev/full', { report: (message) => reports.push(message) })
    for (let n = 0; n < 3; n++) writer.write(Buffer.from('line\n'))
    const failure = writer.failure
    writer.close()

    expect(failure).toBe('eventsets: cannot write to /dev/full: no space is left on the device (ENOSPC).')
    expect(reports).toHaveLength(2)
    expect(reports[1]).toBe('eventsets: 3 lines could not be written to /dev/full and are lost.')
  },
)

test('it reports a descriptor that is not open', () => {
  const reports: string[] = []
  const writer = openFileWriter(987, { report: (message) => reports.push(message) })
  writer.write(Buffer.from('line\n'))
  writer.close()

  expect(reports[0]).toContain('file descriptor 987: the file descriptor is not open for writing (EBADF)')
})

/** Both ends of a pipe, the writing one refusing to wait when it is full. */
function openPipe(): { reader: number; writer: number } {
  const path = join(temporaryFolder(), 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  onTestFinished(() => closeSync(writer))
  return { reader, writer }
}

test('it writes through a pipe what fits into it', () => {
  const { reader, writer: fd } = openPipe()
  const writer = openFileWriter(fd)
  writer.write(Buffer.from('line\n'))
  const bytes = Buffer.alloc(10)

  expect(bytes.toString('utf8', 0, readSync(reader, bytes))).toBe('line\n')
  closeSync(reader)
})

/** A descriptor whose disk is full, and a function that puts a file with room in its place. */
function fullDisk(): { readonly fd: number; readonly makeRoom: () => string } {
  const fd = openSync('/dev/full', 'w')
  const makeRoom = () => {
    const path = join(temporaryFolder(), 'log')
    closeSync(fd)
    // The lowest free number is given out next, which is the one just freed.
    expect(openSync(path, 'a')).toBe(fd)
    return path
  }
  onTestFinished(() => closeSync(fd))
  return { fd, makeRoom }
}

const tenMebibytes = `${'x'.repeat(1023)}\n`.repeat(10 * 1024)

test.skipIf(!existsSync('/dev/full')).each([
  [
    'drops the rest of a line whose beginning was dropped',
    [tenMebibytes, `${tenMebibytes}cut`],
    'rest\nnext\n',
    'next\n',
  ],
  [
    'ends a line whose rest was dropped',
    [`${tenMebibytes}stump`, `${tenMebibytes}tail\n`],
    'next\n',
    'stump\nnext\n',
  ],
  ['leaves a line alone that comes in parts', [`${tenMebibytes}one `], 'line\n', 'one line\n'],
])('it %s', (_, whileFull, after, end) => {
  const { fd, makeRoom } = fullDisk()
  const writer = openFileWriter(fd, { report: () => {} })
  for (const text of whileFull) writer.write(Buffer.from(text))
  const path = makeRoom()
  writer.write(Buffer.from(after))
  writer.close()

  expect(readFileSync(path, 'utf8') === tenMebibytes + end).toBe(true)
})

test.skipIf(!existsSync('/dev/full'))('it tries again by itself when nothing more is written', async () => {
  const { fd, makeRoom } = fullDisk()
  const reports: string[] = []
  const recovered = new Promise<void>((resolve) => {
    const writer = openFileWriter(fd, {
      report: (message) => {
        reports.push(message)
        if (reports.length === 2) resolve()
      },
    })
    writer.write(Buffer.from('kept\n'))
  })
  const path = makeRoom()
  // The writer's own timer does not keep a process alive; something has to, until it has run.
  const alive = setInterval(() => {}, 100)
  await recovered
  clearInterval(alive)

  expect(readFileSync(path, 'utf8')).toBe('kept\n')
  expect(reports[1]).toContain('can be written again. Nothing was lost.')
})
