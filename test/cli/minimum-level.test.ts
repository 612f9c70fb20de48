import { describe, expect, it } from 'vitest'
import { runCli } from './run-cli.ts'

const lines = [
  '{"level":10,"msg":"trace"}',
  '{"level":30,"msg":"info"}',
  '{"level":35,"msg":"audit"}',
  '{"level":40,"msg":"warn"}',
  '{"level":"error","msg":"labelled"}',
  '{"msg":"no level"}',
  'no record',
]
const input = `${lines.join('\n')}\n`
const messagesOf = (...args: string[]) => {
  const { stdout, stderr } = runCli(['--json', ...args], { input })
  expect(stderr).toBe('')
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => (line.startsWith('{') ? JSON.parse(line).msg : line))
}

describe('--minimum-level', () => {
  it.each([
    ['--minimum-level', 'warn'],
    ['-L', 'warn'],
    ['-Lwarn'],
    ['--minimumLevel=WARN'],
    ['-L', '40'],
    ['-L', '36'],
  ])('leaves out what is below a name or a number: %s %s', (...args) => {
    expect(messagesOf(...args)).toEqual(['warn', 'labelled', 'no level', 'no record'])
  })

  it('knows the levels that are given with it', () => {
    expect(messagesOf('-L', 'audit', '-x', 'audit:35')).toEqual([
      'audit',
      'warn',
      'labelled',
      'no level',
      'no record',
    ])
  })

  it('holds for text too', () => {
    const { stdout } = runCli(['-L', 'warn'], { input })

    expect(stdout).toBe('WARN: warn\nERROR: labelled\nno level\nno record\n')
  })

  it.each([
    { args: ['-L', 'wran'], help: '--minimum-level: no level is called "wran"; did you mean "warn"?' },
    { args: ['-L', 'audot', '-x', 'audit:35'], help: 'no level is called "audot"; did you mean "audit"?' },
    { args: ['-L', 'important'], help: 'known are trace, debug, info, warn, error, fatal' },
    { args: ['-L', ''], help: 'no level is called ""' },
  ])('refuses a level that nobody knows, naming the nearest: $args', ({ args, help }) => {
    const { stdout, stderr, status } = runCli(args, { input })

    expect(stderr).toContain(help)
    expect([stdout, status]).toEqual(['', 2])
  })
})

describe('values that make no sense', () => {
  it('are told all at once', () => {
    const { stdout, stderr, status } = runCli(
      [
        '-x',
        'audit,verbose:x',
        '-X',
        'info:blu,error',
        '-m',
        '',
        '--markers-field=',
        '-L',
        'wran',
        '--max-line-bytes',
        '1e3',
      ],
      { input },
    )

    expect(stderr).toContain('the command line is not valid (8 issues)')
    expect(stderr).toContain('--custom-levels: "audit" is not a name and a number, such as "audit:35"')
    expect(stderr).toContain('--custom-levels: "verbose:x" is not a name and a number')
    expect(stderr).toContain('--custom-colors: no colour is called "blu"; did you mean "blue"?')
    expect(stderr).toContain('--custom-colors: "error" is not a level and a colour, such as "info:blue"')
    expect(stderr).toContain('--message-key: the name of a key must not be empty')
    expect(stderr).toContain('--max-line-bytes: the limit is a whole number of at least 1024, not "1e3"')
    expect(stderr).toContain('--markers-field: the name of a key must not be empty')
    expect([stdout, status]).toEqual(['', 2])
  })
})
