import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { failure, request } from './records.ts'
import { hasTerminal, main, runCli, runInTerminal, runProgram, runShell, temporaryFolder } from './run-cli.ts'

const shown = (text: string) => text.match(/^\S+: .*$/gm)
const REQUEST = 'INFO: [📥][✅] request completed'
const FAILURE = 'ERROR: [📤][🔥] request errored'

describe('what is read', () => {
  it('shows a file', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'app.log'), `${request}\n${failure}\n`)

    const { stdout, stderr, status } = runCli(['app.log'], { cwd: folder })

    expect(shown(stdout)).toEqual([REQUEST, FAILURE])
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })

  it('shows several files in their order', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'b.log'), `${request}\n`)
    writeFileSync(join(folder, 'a.log'), `${failure}\n`)

    expect(shown(runCli(['b.log', 'a.log'], { cwd: folder }).stdout)).toEqual([REQUEST, FAILURE])
  })

  it('shows standard input, be it a pipe, a file, or named "-"', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'app.log'), `${request}\n`)

    for (const line of ['cat app.log | eventsets', 'eventsets < app.log', 'cat app.log | eventsets -']) {
      const { stdout, status } = runShell(line, { cwd: folder })
      expect(shown(stdout), line).toEqual([REQUEST])
      expect(status, line).toBe(0)
    }
  })

  it('shows standard input among files, where "-" stands, and once', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'a.log'), `${failure}\n`)

    const { stdout, status } = runCli(['a.log', '-', 'a.log', '-'], { cwd: folder, input: `${request}\n` })

    expect(shown(stdout)).toEqual([FAILURE, REQUEST, FAILURE])
    expect(status).toBe(0)
  })

  it('shows a named pipe, and what a process substitution writes', () => {
    const { stdout, status } = runShell(`eventsets <(echo '${request}') <(echo '${failure}')`)

    expect(shown(stdout)).toEqual([REQUEST, FAILURE])
    expect(status).toBe(0)
  })

  it('shows nothing for empty input, and that is fine', () => {
    const { stdout, stderr, status } = runCli([], { input: '' })

    expect([stdout, stderr, status]).toEqual(['', '', 0])
  })

  it.each(['--json', '--markers=none'])(
    'keeps lines of two files apart where a final newline is missing (%s)',
    (flag) => {
      const folder = temporaryFolder()
      writeFileSync(join(folder, 'a.log'), 'first')
      writeFileSync(join(folder, 'empty.log'), '')
      writeFileSync(join(folder, 'b.log'), 'second\n')
      writeFileSync(join(folder, 'c.log'), 'third')

      const { stdout } = runCli([flag, 'a.log', 'empty.log', 'b.log', 'c.log'], { cwd: folder })

      expect(stdout).toBe('first\nsecond\nthird')
    },
  )

  it('takes a file whose name is a command by its path, or after "--"', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'list'), `${request}\n`)

    expect(shown(runCli(['./list'], { cwd: folder }).stdout)).toEqual([REQUEST])
    expect(shown(runCli(['--', 'list'], { cwd: folder }).stdout)).toEqual([REQUEST])
  })

  it('takes a file for a file where an option could have a value', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'app.log'), `${request}\n`)

    expect(shown(runCli(['-t', 'app.log'], { cwd: folder }).stdout)).toEqual([REQUEST])
    expect(shown(runCli(['-U', 'app.log'], { cwd: folder }).stdout)).toEqual([REQUEST])
  })
})

describe('what cannot be read', () => {
  it('tells all of it at once, shows the rest, and exits 2', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'app.log'), `${request}\n`)
    mkdirSync(join(folder, 'logs'))

    const { stdout, stderr, status } = runCli(['gone.log', 'logs', 'app.log', 'app.log/x'], { cwd: folder })

    expect(shown(stdout)).toEqual([REQUEST])
    expect(stderr.split('\n')).toEqual([
      'eventsets: cannot read "gone.log": there is no such file.',
      'eventsets: cannot read "logs": it is a directory; name a log file.',
      expect.stringMatching(/^eventsets: cannot read "app.log\/x": .+/),
      '',
    ])
    expect(status).toBe(2)
  })

  // The superuser may read everything.
  it.skipIf(process.getuid?.() === 0)('tells of a file without permission', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'secret.log'), request)
    chmodSync(join(folder, 'secret.log'), 0)

    const { stderr, status } = runCli(['secret.log'], { cwd: folder })

    expect(stderr).toBe('eventsets: cannot read "secret.log": permission denied.\n')
    expect(status).toBe(2)
  })

  it('takes a mistyped command for a file, and says what may have been meant', () => {
    const { stderr, status } = runCli(['lsit'], { cwd: temporaryFolder() })

    expect(stderr).toBe(
      'eventsets: cannot read "lsit": there is no such file. Did you mean the command "list"?\n',
    )
    expect(status).toBe(2)
  })

  it('tells of a directory as standard input', () => {
    const { stderr, status } = runShell('eventsets < /')

    expect(stderr).toBe('eventsets: cannot read standard input: it is a directory; name a log file.\n')
    expect(status).toBe(2)
  })

  it('tells of a file that turns out to be unreadable while it is read, and goes on with the next', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'app.log'), `${request}\n`)

    // Opens for reading, and then cannot be read without an address.
    const { stdout, stderr, status } = runCli(['/proc/self/mem', 'app.log'], { cwd: folder })

    expect(shown(stdout)).toEqual([REQUEST])
    expect(stderr).toMatch(/^eventsets: cannot read "\/proc\/self\/mem": .+\n$/)
    expect(status).toBe(2)
  })

  it('shows the name of a file without letting it act on the terminal', () => {
    const { stderr } = runCli(['\u001b[31mred\u009b31m\u202e.log'])

    expect(stderr).not.toMatch(/[\u001b\u009b\u202e]/)
  })
})

describe.runIf(hasTerminal)('without input, in a terminal', () => {
  it.each(['eventsets', 'eventsets --json', 'eventsets -f', 'eventsets -'])(
    'shows examples on stderr and exits 2: %s',
    (line) => {
      const { stdout, status } = runInTerminal(`${line} >/dev/null`)
      const quiet = runInTerminal(`${line} 2>/dev/null`)

      expect(stdout).toMatch(/^eventsets: no input: name a log file, or pipe a log into it\./)
      expect(stdout).toContain('$ node app.js | eventsets')
      expect(stdout).toContain('Run "eventsets --help"')
      expect(status).toBe(2)
      expect(quiet.stdout).toBe('')
    },
  )

  it('shows a file all the same', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'app.log'), `${request}\n`)

    const { stdout, status } = runInTerminal('eventsets app.log', { cwd: folder })

    expect(stdout).toContain('[📥][✅] request completed')
    expect(status).toBe(0)
  })
})

it('runs as a program of its own', () => {
  const { stdout, status } = runProgram(main, ['--version'])

  expect(stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/)
  expect(status).toBe(0)
})
