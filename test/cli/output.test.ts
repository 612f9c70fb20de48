import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { failure, request } from './records.ts'
import { runCli, runShell, startCli, temporaryFolder } from './run-cli.ts'

describe('a reader that goes away', () => {
  const LINES = 50_000

  it.each([
    'eventsets app.log',
    'eventsets --json app.log',
    'eventsets app.log app.log',
    'eventsets < app.log',
    'cat app.log | eventsets',
    'eventsets list',
    'eventsets list --json',
    'eventsets show database',
    'eventsets show database --json',
    'eventsets --help',
    'eventsets --version',
  ])('is no error: %s | head -1', (line) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'app.log'), `${request}\n`.repeat(LINES))

    const { stdout, stderr, status } = runShell(`${line} | head -1; exit \${PIPESTATUS[@]: -2:1}`, {
      cwd: folder,
    })

    expect(stdout.split('\n')).toHaveLength(2)
    expect([stderr, status]).toEqual(['', 0])
  })

  it('is no error when it never reads at all', () => {
    const { stderr, status } = runShell(`eventsets list | true; exit \${PIPESTATUS[0]}`)

    expect([stderr, status]).toEqual(['', 0])
  })

  it('is no error on standard error either', () => {
    const { status } = runShell('eventsets gone.log 2> >(true); exit $?', { cwd: temporaryFolder() })

    expect(status).toBe(2)
  })
})

describe.runIf(existsSync('/dev/full'))('a full disk', () => {
  it.each([
    'eventsets app.log',
    'cat app.log | eventsets --json',
    'eventsets -f app.log',
    'eventsets list',
    'eventsets show http',
    'eventsets --help',
    'eventsets --version',
  ])('is told in one sentence, and the exit code is 2: %s', (line) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'app.log'), `${request}\n`)

    const { stderr, status } = runShell(`${line} > /dev/full`, { cwd: folder })

    expect(stderr).toBe(
      'eventsets: cannot write to standard output: no space is left on the device (ENOSPC).\n',
    )
    expect(status).toBe(2)
  })

  it('for messages loses only the messages', () => {
    const { status } = runShell('eventsets gone.log 2> /dev/full', { cwd: temporaryFolder() })

    expect(status).toBe(2)
  })
})

describe('standard output that is closed', () => {
  it('is told, not thrown', () => {
    const { stderr, status } = runShell(`echo '${request}' | eventsets >&-; exit $?`)

    // Node opens /dev/null in its place, so there may be nothing to tell.
    expect(stderr).not.toContain('    at ')
    expect([0, 2]).toContain(status)
  })
})

describe('a slow reader', () => {
  it('gets every line', () => {
    const folder = temporaryFolder()
    const count = 30_000
    writeFileSync(join(folder, 'app.log'), `${failure}\n`.repeat(count))

    // It does not begin before the pipe has long been full.
    const { stdout } = runShell(
      'eventsets --json app.log | { read -r first; echo "$first" | wc -l; wc -l; }',
      { cwd: folder },
    )

    expect(stdout.match(/\d+/g)?.map(Number)).toEqual([1, count - 1])
  })

  it('gets every byte of a document', () => {
    const { stdout } = runShell('eventsets show database --json | { read -r first; echo "$first"; cat; }')

    expect(JSON.parse(stdout).set.name).toBe('database')
  })
})

describe('kill -9', () => {
  it('leaves what was written, in whole, and the log untouched', async () => {
    const file = join(temporaryFolder(), 'app.log')
    const log = Array.from({ length: 20_000 }, (_, n) => `{"level":30,"n":${n}}\n`).join('')
    writeFileSync(file, log)
    const { child, until, ended } = startCli(['--json', file])

    await until('"n":0}')
    child.kill('SIGKILL')
    const { stdout } = await ended

    expect(log.startsWith(stdout)).toBe(true)
    expect(readFileSync(file, 'utf8')).toBe(log)
  })
})

describe('what goes where', () => {
  it('keeps results on standard output and everything else off it', () => {
    expect(runCli(['list']).stderr).toBe('')
    expect(runCli(['show', 'htp']).stdout).toBe('')
    expect(runCli(['--nonsense']).stdout).toBe('')
  })
})
