import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { appPath, runApp, temporaryFolder } from '../fixtures/apps/run-app.ts'
import { orders } from '../fixtures/orders.ts'

const COUNT = 100_000
/** Some megabytes: more than any pipe holds. */
const HELD_COUNT = 50_000
const json = { target: 'eventsets', options: { output: 'json', sets: [orders], metadata: false } }
const heldReader = `"$NODE" ${JSON.stringify(appPath('held-reader.mjs'))}`
const releaseWhenLogged = (stderr: string, release: () => void) => {
  if (stderr.includes('logged')) release()
}

/** The numbers of the lines, which must be 0, 1, 2 ... */
function expectAllInOrder(text: string, count: number): void {
  const lines = text.split('\n')
  expect(lines).toHaveLength(count + 1)
  const wrong = lines.findIndex(
    (line, n) =>
      line !== (n === count ? '' : `{"level":30,"n":${n},"state":"paid","msg":"order","markers":["💰"]}`),
  )
  expect(wrong).toBe(-1)
}

describe('100,000 lines', () => {
  test.each([
    { end: 'natural', status: 0 },
    { end: 'exit', status: 0 },
    { end: 'throw', status: 1 },
    { end: 'sigterm', status: 0 },
  ])('it writes them all, in order, when the end is $end', async ({ end, status }) => {
    const finished = await runApp('many-lines', { transport: json, count: COUNT, end })

    expectAllInOrder(finished.stdout, COUNT)
    expect(finished.status).toBe(status)
  })

  test('it waits for a reader that has not begun when all is logged', async () => {
    const { stdout, status } = await runApp(
      'many-lines',
      { transport: json, count: HELD_COUNT, end: 'exit' },
      { pipedInto: heldReader, onStderr: releaseWhenLogged },
    )

    expectAllInOrder(stdout, HELD_COUNT)
    expect(status).toBe(0)
  })

  test('it retries what a full pipe refuses, when the application has made it non-blocking', async () => {
    const { stdout, status } = await runApp(
      'many-lines',
      { transport: json, count: HELD_COUNT, end: 'exit', touchStdout: true },
      { pipedInto: heldReader, onStderr: releaseWhenLogged },
    )

    expectAllInOrder(stdout, HELD_COUNT)
    expect(status).toBe(0)
  })

  test('it writes them all as text', async () => {
    const { stdout } = await runApp('many-lines', {
      transport: { target: 'eventsets', options: { sets: [orders], hideObject: true } },
      count: 30_000,
      end: 'exit',
    })

    expect(stdout).toBe('INFO: [💰] order\n'.repeat(30_000))
  })
})

describe('a reader that goes away', () => {
  test('it is quiet, and the application ends as if nothing had happened', async () => {
    const { stdout, stderr, status } = await runApp(
      'many-lines',
      { transport: json, count: HELD_COUNT, end: 'natural' },
      { pipedInto: 'head -1' },
    )

    expect(stdout).toBe('{"level":30,"n":0,"state":"paid","msg":"order","markers":["💰"]}\n')
    expect(stderr).toBe('logged\nstatus 0\n')
    expect(status).toBe(0)
  })

  test('it is quiet in a pipeline too', async () => {
    const { stderr, status } = await runApp(
      'many-lines',
      {
        transport: { pipeline: [{ target: 'eventsets', options: { sets: [orders] } }] },
        count: HELD_COUNT,
        end: 'exit',
      },
      { pipedInto: 'head -1' },
    )

    expect(stderr).toBe('logged\nstatus 0\n')
    expect(status).toBe(0)
  })
})

describe.skipIf(!existsSync('/dev/full'))('a disk that is full', () => {
  test('it says so once on stderr, and the application lives', async () => {
    const { stderr, status } = await runApp('many-lines', {
      transport: { target: 'eventsets', options: { destination: '/dev/full' } },
      count: 1000,
      end: 'natural',
    })

    const lines = stderr.split('\n').filter((line) => line !== 'logged' && line !== '')
    expect(lines[0]).toBe(
      'eventsets: cannot write to /dev/full: no space is left on the device (ENOSPC). Up to 16 MiB of lines are kept in memory and written as soon as it works again.',
    )
    expect(lines[1]).toMatch(/^eventsets: \d+ lines could not be written to \/dev\/full and are lost\.$/)
    expect(lines).toHaveLength(2)
    expect(status).toBe(0)
  })

  test('it does not change the exit code that the application chose', async () => {
    const { stderr, status } = await runApp(
      'many-lines',
      { transport: { target: 'eventsets' }, count: 10, end: 'throw' },
      { redirect: '> /dev/full' },
    )

    expect(stderr).toContain('cannot write to standard output: no space is left on the device (ENOSPC)')
    expect(stderr).toContain('nobody catches this')
    expect(status).toBe(1)
  })
})

describe('the in-process stream', () => {
  const lines = Array.from({ length: 20_000 }, (_, n) => `{"level":30,"n":${n},"msg":"order"}\n`).join('')

  test.each([
    { sync: true, end: 'exit' },
    { sync: true, end: 'throw' },
    { sync: false, end: 'natural' },
    { sync: false, end: 'exit' },
    { sync: false, end: 'throw' },
  ])('it writes all lines to standard output with sync $sync when the end is $end', async ({ sync, end }) => {
    const { stdout, status } = await runApp('in-process', {
      stream: { output: 'json', sync },
      count: 20_000,
      end,
    })

    expect(stdout).toBe(lines)
    expect(status).toBe(end === 'throw' ? 1 : 0)
  })

  test('it writes all lines to a file although the process ends in the same tick', async () => {
    const destination = join(temporaryFolder(), 'app.log')
    await runApp('in-process', {
      stream: { output: 'json', sync: false, destination },
      count: 20_000,
      end: 'exit',
    })

    expect(readFileSync(destination, 'utf8')).toBe(lines)
  })

  test.each([true, false])('it is quiet when the reader goes away, with sync %s', async (sync) => {
    const { stderr, status } = await runApp(
      'in-process',
      { stream: { output: 'json', sync }, count: 20_000 },
      { pipedInto: 'head -1' },
    )

    expect(stderr).toBe('logged\nstatus 0\n')
    expect(status).toBe(0)
  })
})
