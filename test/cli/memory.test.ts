import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { request } from './records.ts'
import { main, runProgram, temporaryFolder } from './run-cli.ts'

const MEGABYTE = 1024 * 1024
/** Tells the most memory the process ever held, when it ends. */
const REPORT_MEMORY = `--import=data:text/javascript,${encodeURIComponent(
  'process.on("exit", () => process.stderr.write(String(process.resourceUsage().maxRSS)))',
)}`

/** The most memory in megabytes that showing a file takes. */
function memoryFor(file: string, args: readonly string[]): number {
  const line = `"$0" "$@" > /dev/null`
  const { stderr, status } = runProgram('sh', [
    '-c',
    line,
    process.execPath,
    REPORT_MEMORY,
    main,
    ...args,
    file,
  ])
  expect(status).toBe(0)
  return Number(stderr) / 1024
}

function writeLog(block: Buffer, megabytes: number): string {
  const file = join(temporaryFolder(), 'large.log')
  const fd = openSync(file, 'w')
  for (let bytes = 0; bytes < megabytes * MEGABYTE; ) bytes += writeSync(fd, block)
  closeSync(fd)
  return file
}

/** Long records: what is kept would show, and there are not too many of them for a quick test. */
const record = `${request.slice(0, -1)},"padding":"${'x'.repeat(2000)}"}\n`
const lines = Buffer.from(record.repeat(Math.ceil(MEGABYTE / record.length)))

describe('memory', () => {
  it('stays flat over 200 MB of JSON lines', () => {
    expect(memoryFor(writeLog(lines, 200), ['--json'])).toBeLessThan(150)
  })

  it('stays flat over a single line of 200 MB', () => {
    expect(memoryFor(writeLog(Buffer.alloc(MEGABYTE, 'x'), 200), ['--json'])).toBeLessThan(150)
  })
})
