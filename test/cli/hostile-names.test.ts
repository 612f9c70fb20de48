import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCli, temporaryFolder } from './run-cli.ts'

const FORGED = 'x\neventsets: forged\u009b2J\u001b[2J'

describe('what a name or an option holds is told without beginning a line of its own', () => {
  it.each<[what: string, args: (folder: string) => readonly string[]]>([
    ['an option that nobody knows', () => [`--${FORGED}`]],
    ['an option that a command does not know', () => ['list', `--${FORGED}`]],
    ['a value that nobody knows', () => ['lint', `--format=${FORGED}`]],
    ['a log file that is not there', () => [FORGED]],
    ['a name that is too long', () => [FORGED + 'x'.repeat(5000)]],
    ['a command that nobody knows', () => ['help', FORGED]],
    ['a set that is not there', () => ['list', '--set', FORGED]],
    ['a name of a set that nobody has', () => ['show', FORGED]],
    [
      'a set file with that in it',
      (folder) => {
        writeFileSync(join(folder, 'bad.json'), FORGED)
        return ['list', '--set', 'bad.json']
      },
    ],
    [
      'a named pipe to follow',
      (folder) => {
        execFileSync('mkfifo', [join(folder, FORGED)])
        return ['-f', FORGED]
      },
    ],
    ['a configuration that is not there', () => ['list', '--config', `${FORGED}.json`]],
  ])('%s', (_, args) => {
    const cwd = temporaryFolder()
    const { stdout, stderr, status } = runCli(args(cwd), { cwd, input: '' })
    const lines = `${stdout}${stderr}`.split('\n')

    expect(status).toBe(2)
    expect(lines.filter((line) => line.startsWith('eventsets: forged'))).toEqual([])
    expect(`${stdout}${stderr}`).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    expect(`${stdout}${stderr}`).toContain('eventset')
  })
})
