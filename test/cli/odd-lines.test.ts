import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { request } from './records.ts'
import { runCli, temporaryFolder } from './run-cli.ts'

const big = 'x'.repeat(5 * 1024 * 1024)
const odd: readonly { readonly name: string; readonly bytes: Buffer }[] = [
  { name: 'text', bytes: Buffer.from('Server listening at http://127.0.0.1:3000\n') },
  { name: 'coloured text', bytes: Buffer.from('\u001b[32mready\u001b[0m\n') },
  { name: 'an empty line', bytes: Buffer.from('\n') },
  { name: 'empty lines and spaces', bytes: Buffer.from('\n\n  \n\t\n') },
  { name: 'truncated JSON', bytes: Buffer.from('{"level":30,"msg":"cut\n') },
  { name: 'JSON that is no object', bytes: Buffer.from('[1,{"a":2}]\n"text"\n42\nnull\n') },
  { name: 'two objects on a line', bytes: Buffer.from('{"level":30}{"level":30}\n') },
  { name: 'NUL', bytes: Buffer.from('a\0b\n\0\n{"level":30,\0}\n') },
  { name: 'CRLF', bytes: Buffer.from('first\r\nsecond\r\n') },
  { name: 'invalid UTF-8', bytes: Buffer.from([0x66, 0xff, 0xfe, 0xc3, 0x28, 0x0a]) },
  { name: 'random bytes', bytes: Buffer.concat([randomBytes(100_000), Buffer.from('\n')]) },
  { name: 'no final newline', bytes: Buffer.from('first\nlast') },
  { name: 'a line of 5 MB', bytes: Buffer.from(`${big}\nnext\n`) },
  { name: 'a record of 5 MB', bytes: Buffer.from(`{"level":30,"msg":"${big}"}\nnext\n`) },
]

describe.each(odd)('$name', ({ bytes }) => {
  it.each([[], ['--json']])('passes through unchanged, from a pipe and a file: %s', (...args) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'odd.log'), bytes)

    for (const finished of [runCli(args, { input: bytes }), runCli([...args, 'odd.log'], { cwd: folder })]) {
      expect(finished.bytes.equals(bytes)).toBe(true)
      expect([finished.stderr, finished.status]).toEqual(['', 0])
    }
  })

  it('does not disturb the records around it', () => {
    const before = Buffer.from(`${request}\n`)

    const { stdout, bytes: shown } = runCli(['-S', '--no-metadata'], {
      input: Buffer.concat([before, bytes]),
    })

    const first = 'INFO: [📥][✅] request completed {"req":{"method":"GET"},"res":{"statusCode":200}}\n'
    expect(stdout.startsWith(first)).toBe(true)
    expect(shown.subarray(Buffer.byteLength(first)).equals(bytes)).toBe(true)
  })
})

describe('records that are odd inside', () => {
  it('keeps invalid UTF-8, CRLF and everything else of a record in JSON', () => {
    const record = Buffer.concat([
      Buffer.from('{"level":30,"bad":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('","res":{"statusCode":200}'),
    ])
    const { bytes } = runCli(['--json'], { input: Buffer.concat([record, Buffer.from('}\r\n')]) })

    expect(bytes.subarray(0, record.length).equals(record)).toBe(true)
    expect(bytes.toString('latin1').endsWith('}\r\n')).toBe(true)
    expect(bytes.toString()).toContain('"markers":["✅"]')
  })

  it('reads longer lines when it is told', () => {
    const record = `{"level":30,"res":{"statusCode":200},"msg":"${big}"}\n`

    expect(runCli(['--json'], { input: record }).stdout).toBe(record)
    expect(runCli(['--json', '--max-line-bytes', '10000000'], { input: record }).stdout).toContain(
      '"markers":["✅"]',
    )
  })

  it('lets no text of a record act on the terminal', () => {
    const hostile = '\u001b]0;title\u0007\u001b[2J\u009b31m\u202eback\u200b\r'
    const { stdout } = runCli([], {
      input: `${JSON.stringify({ level: 30, msg: `m${hostile}`, [`k${hostile}`]: `v${hostile}` })}\n`,
    })

    expect(stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e\u200b]/)
  })

  it('lets no message pass for another record', () => {
    const { stdout } = runCli([], { input: `${JSON.stringify({ level: 30, msg: 'a\nERROR: forged' })}\n` })

    expect(stdout).toMatch(/^INFO: a\n +ERROR: forged\n$/)
  })
})
