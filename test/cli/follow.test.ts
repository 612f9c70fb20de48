import { appendFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCli, runShell, startCli, temporaryFolder } from './run-cli.ts'

const line = (msg: string) => `{"level":30,"msg":"${msg}"}\n`
const showing = (...messages: string[]) => messages.map((msg) => `INFO: ${msg}\n`).join('')

function startFollowing(content: string, ...args: string[]) {
  const file = join(temporaryFolder(), 'app.log')
  writeFileSync(file, content)
  return { file, ...startCli(['-f', file, ...args]) }
}

describe('--follow', () => {
  it('shows a file and what is added to it, also in pieces', async () => {
    const { file, child, until, ended } = startFollowing(line('one'))

    await until('one')
    appendFileSync(file, line('two') + line('three').slice(0, 12))
    await until('two')
    appendFileSync(file, line('three').slice(12))
    await until('three')
    child.kill('SIGINT')

    expect((await ended).stdout).toBe(showing('one', 'two', 'three'))
  })

  it('begins again when the file is cut short', async () => {
    const { file, child, until, ended } = startFollowing(line('a long first line'))

    await until('first')
    truncateSync(file)
    appendFileSync(file, line('short'))
    await until('short')
    child.kill('SIGINT')

    expect((await ended).stdout).toBe(showing('a long first line', 'short'))
  })

  it('goes on in the new file when the file is rotated, after the last lines of the old one', async () => {
    const { file, child, until, ended } = startFollowing(line('one'))

    await until('one')
    renameSync(file, `${file}.1`)
    appendFileSync(`${file}.1`, `${line('two')}{"level":30,"msg":"cut`)
    writeFileSync(file, line('three'))
    await until('three')
    renameSync(file, `${file}.2`)
    writeFileSync(file, line('four'))
    await until('four')
    child.kill('SIGINT')

    expect((await ended).stdout).toBe(
      `${showing('one', 'two')}{"level":30,"msg":"cut\n${showing('three', 'four')}`,
    )
  })

  it('waits for a file that is removed to come back', async () => {
    const { file, child, until, ended } = startFollowing(line('one'))

    await until('one')
    rmSync(file)
    writeFileSync(file, line('two'))
    await until('two')
    child.kill('SIGINT')

    expect((await ended).stdout).toBe(showing('one', 'two'))
  })

  it('shows several files, each with its own lines', async () => {
    const { file, child, until, ended } = startFollowing('{"level":30,', `${temporaryFolder()}/gone.log`)
    const other = `${file}.other`
    writeFileSync(other, '')
    child.kill('SIGKILL')
    await ended
    const both = startCli(['-f', file, other])

    appendFileSync(other, line('other'))
    await both.until('other')
    appendFileSync(file, '"msg":"first"}\n')
    await both.until('first')
    both.child.kill('SIGINT')

    expect((await both.ended).stdout).toBe(showing('other', 'first'))
    void until
  })

  it('shows the last lines without a newline when it is interrupted, and exits 130', async () => {
    const { file, child, until, ended } = startFollowing(`${line('one')}`)

    await until('one')
    appendFileSync(file, `${line('two')}{"level":30,"msg":"unfinished`)
    await until('two')
    child.kill('SIGINT')
    const { stdout, stderr, status } = await ended

    expect(stdout).toBe(`${showing('one', 'two')}{"level":30,"msg":"unfinished\n`)
    expect([stderr, status]).toEqual(['', 130])
  })

  it('ends on SIGTERM with 143', async () => {
    const { child, until, ended } = startFollowing(line('one'))

    await until('one')
    child.kill('SIGTERM')

    expect((await ended).status).toBe(143)
  })

  it('ends quietly with 0 when nobody reads on', async () => {
    const { file, child, until, ended } = startFollowing(line('one'))

    await until('one')
    child.stdout?.destroy()
    appendFileSync(file, line('two'))
    const { stderr, status } = await ended

    expect([stderr, status]).toEqual(['', 0])
  })

  it('answers a signal while it still reads a large file', async () => {
    const file = join(temporaryFolder(), 'large.log')
    writeFileSync(file, line('x'.repeat(1000)).repeat(100_000))
    const { child, until, ended } = startCli(['-f', file, '--json'])

    await until('xxx')
    child.kill('SIGINT')
    const { stdout, status } = await ended

    expect(status).toBe(130)
    expect(stdout.length).toBeLessThan(100_000_000)
  })

  it('shows what it can, and tells what it cannot follow', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'app.log')
    writeFileSync(file, line('one'))
    const { child, until, ended } = startCli(['-f', 'gone.log', file, '-', '/dev/null'], { cwd: folder })

    await until('one')
    child.kill('SIGINT')
    const { stderr } = await ended

    expect(stderr.split('\n')).toEqual([
      'eventsets: cannot read "gone.log": there is no such file.',
      'eventsets: cannot follow standard input beside files. Leave out "-", or leave out the files.',
      'eventsets: cannot follow "/dev/null": it is not a regular file. Pipe it in: eventsets < /dev/null',
      '',
    ])
  })

  it('ends with 2 when there is nothing to follow', () => {
    const { stderr, status } = runCli(['-f', 'gone.log'], { cwd: temporaryFolder() })

    expect(stderr).toBe('eventsets: cannot read "gone.log": there is no such file.\n')
    expect(status).toBe(2)
  })

  it('reads standard input as always', () => {
    const { stdout, status } = runShell(`echo '${line('one').trim()}' | eventsets -f`)

    expect([stdout, status]).toEqual([showing('one'), 0])
  })
})

describe('a pipe', () => {
  it('is read to its end when Ctrl-C reaches the application and the command', async () => {
    const { child, until, ended } = startCli([])

    child.stdin?.write(line('one'))
    await until('one')
    child.kill('SIGINT')
    child.stdin?.write(line('last words'))
    await until('last words')
    child.stdin?.end('{"level":30,"msg":"unfinished')
    const { stdout, status } = await ended

    expect(stdout).toBe(`${showing('one', 'last words')}{"level":30,"msg":"unfinished`)
    expect(status).toBe(0)
  })

  it('is left at a second Ctrl-C', async () => {
    const { child, until, ended } = startCli([])

    child.stdin?.write(line('message 0.'))
    await until('message 0.')
    // When the first one has arrived cannot be seen from here, so there is one after each line that is shown.
    let interrupts = 0
    for (let isRunning = true; isRunning; ) {
      child.kill('SIGINT')
      child.stdin?.write(line(`message ${++interrupts}.`))
      isRunning = await until(`message ${interrupts}.`).then(
        () => true,
        () => false,
      )
    }

    expect(interrupts).toBeGreaterThan(1)
    expect((await ended).signal).toBe('SIGINT')
  })

  it('is shown line by line, while the application runs', async () => {
    const { child, until, ended } = startCli([])

    for (const message of ['one', 'two', 'three']) {
      child.stdin?.write(line(message))
      await until(message)
    }
    child.stdin?.end()

    expect((await ended).status).toBe(0)
  })
})
