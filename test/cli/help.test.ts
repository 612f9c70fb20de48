import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import { root, runCli, temporaryFolder } from './run-cli.ts'

describe('help', () => {
  it.each([['--help'], ['-h'], ['help'], ['app.log', '--help'], ['--json', '-h']])(
    'is on standard output, examples first, and exits 0: %s %s',
    (...args) => {
      const { stdout, stderr, status } = runCli(args)

      expect(stdout).toMatch(/^Examples:\n {2}\$ node app\.js \| eventsets /)
      expect(stdout.indexOf('Usage: eventsets')).toBeGreaterThan(stdout.indexOf('$ eventsets show'))
      expect([stderr, status]).toEqual(['', 0])
    },
  )

  it('fits 80 columns', () => {
    for (const args of [['--help'], ['help', 'list'], ['help', 'show'], ['help', 'worker']]) {
      const widths = runCli(args)
        .stdout.split('\n')
        .map((line) => stringWidth(line))
      expect(Math.max(...widths)).toBeLessThanOrEqual(80)
    }
  })

  it.each(['list', 'show', 'worker'])('is there for %s, in each way to ask for it', (command) => {
    const { stdout, stderr, status } = runCli(['help', command])

    expect(stdout).toMatch(new RegExp(`^Examples:\\n {2}\\$ eventsets ${command}`))
    expect(stdout).toContain(`Usage: eventsets ${command}`)
    expect([stderr, status]).toEqual(['', 0])
    expect(runCli([command, '--help']).stdout).toBe(stdout)
    expect(runCli([command, '-h']).stdout).toBe(stdout)
  })

  it('of a command that does not exist names the nearest and exits 2', () => {
    const { stdout, stderr, status } = runCli(['help', 'lst'])

    expect(stderr).toBe('eventsets: no command is called "lst"; did you mean "list"?\n')
    expect([stdout, status]).toEqual(['', 2])
  })
})

describe('wrong options', () => {
  it.each([
    { args: ['--jsn'], complaint: "unknown option '--jsn'\n(Did you mean --json?)" },
    {
      args: ['app.log', '--singel-line'],
      complaint: "unknown option '--singel-line'\n(Did you mean --single-line?)",
    },
    { args: ['-Sz'], complaint: "unknown option '-z'" },
    { args: ['--single-line=maybe'], complaint: "unknown option '--single-line=maybe'" },
    { args: ['list', '--markers', 'none'], complaint: "unknown option '--markers=none'" },
    { args: ['--plain'], complaint: "unknown option '--plain'" },
    { args: ['-L'], complaint: "option '-L, --minimum-level <level>' argument missing" },
    { args: ['app.log', '--set'], complaint: "option '--set <file>' argument missing" },
    { args: ['list', 'http'], complaint: 'too many arguments' },
    { args: ['show', 'http', 'system'], complaint: 'too many arguments' },
  ])('are told on standard error, with the nearest, and exit 2: $args', ({ args, complaint }) => {
    const { stdout, stderr, status } = runCli(args, { cwd: temporaryFolder() })

    expect(stderr.startsWith('eventsets: ')).toBe(true)
    expect(stderr).toContain(complaint)
    expect(stderr).toContain('--help" for ')
    expect([stdout, status]).toEqual(['', 2])
  })
})

describe('--version', () => {
  it.each(['--version', '-V'])('is the number and nothing else: %s', (flag) => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

    const { stdout, stderr, status } = runCli([flag])

    expect([stdout, stderr, status]).toEqual([`${version}\n`, '', 0])
  })

  it('is found among other options too', () => {
    expect(runCli(['--json', '--version']).stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/)
  })
})

describe('--debug', () => {
  it.each([
    { args: ['show', 'nothing', '--debug'], env: {} },
    { args: ['--debug', '--set', 'gone.json'], env: {} },
    { args: ['show', 'nothing'], env: { DEBUG: 'eventsets' } },
    { args: ['show', 'nothing'], env: { DEBUG: 'eventsets:*' } },
  ])('shows the stack of an error: $args $env', ({ args, env }) => {
    expect(runCli(args, { env }).stderr).toMatch(/\n {4}at .*\n/)
  })

  it('is needed for that', () => {
    expect(runCli(['show', 'nothing']).stderr).not.toContain('    at ')
    expect(runCli(['show', 'nothing'], { env: { DEBUG: 'other' } }).stderr).not.toContain('    at ')
  })
})
