import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli, temporaryFolder } from './run-cli.ts'

/** Clears the screen, names the window, colours by a C1 control, writes backwards, hides, returns and starts a line. */
const hostile =
  '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202e\u2066\u200b\u00ad\ufeff\r\nhttp  priority 9\n\tX\u2028Y\u{e0041}'
/** A marker is short and without brackets. */
const marker = '\u001b\u0007\u009b31m\u202e\u200b\r\nhttp  priority 9\n\tX\u2028'
const ACTING =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\u{e0041}/u

describe('a set full of hostile text', () => {
  const set = {
    name: 'evil',
    description: `description${hostile}`,
    mappings: [
      {
        name: `mapping${hostile}`,
        description: hostile,
        visualMarkers: { [`key${hostile}`]: marker, default: `d${marker}` },
        ranges: { [`range${hostile}`]: [1, 2] },
        metadataFields: { [`key${hostile}`]: { [`field${hostile}`]: `value${hostile}` } },
      },
    ],
    fieldMappings: [
      {
        logKey: `log${hostile}`,
        aliases: [`alias${hostile}`],
        mapping: `mapping${hostile}`,
        description: hostile,
        defaultValue: hostile,
        defaultOverrideKey: hostile,
        when: { [`when${hostile}`]: [`*${hostile}`] },
      },
    ],
  }
  let cwd = ''
  beforeAll(() => {
    cwd = temporaryFolder(afterAll)
    writeFileSync(join(cwd, 'evil.json'), JSON.stringify(set))
    writeFileSync(
      join(cwd, 'wrong.json'),
      JSON.stringify({ ...set, [`unknown${hostile}`]: 1, priority: hostile }),
    )
  })

  it.each([
    ['list'],
    ['list', '--plain'],
    ['list', '--json'],
    ['list', '--ascii'],
    ['show', 'evil'],
    ['show', 'evil', '--plain'],
    ['show', 'evil', '--json'],
    ['show', 'evil', '--ascii'],
  ])('cannot act on the terminal: %s %s %s', (...args) => {
    const { stdout, stderr, status } = runCli([...args, '--set', 'evil.json'], { cwd })

    expect([stderr, status]).toEqual(['', 0])
    expect(stdout).not.toMatch(ACTING)
  })

  it.each([['list'], ['show', 'evil']])('cannot begin a line of its own: %s %s', (...args) => {
    const { stdout } = runCli([...args, '--set', 'evil.json'], { cwd })

    expect(stdout).not.toMatch(/^http {2}priority 9/m)
  })

  it('takes one row each in --plain', () => {
    expect(runCli(['list', '--plain', '--set', 'evil.json'], { cwd }).stdout.split('\n')).toHaveLength(5)
    for (const row of runCli(['show', 'evil', '--plain', '--set', 'evil.json'], { cwd })
      .stdout.trimEnd()
      .split('\n'))
      expect(row.split('\t')).toHaveLength(6)
  })

  it('is the same values in --json', () => {
    const { stdout } = runCli(['show', 'evil', '--json', '--set', 'evil.json'], { cwd })

    expect(JSON.parse(stdout)).toMatchObject({ version: 1, set })
  })

  it('cannot act on the terminal through an error message', () => {
    const { stderr, status } = runCli(['--set', 'wrong.json'], { cwd, input: '' })

    expect(stderr).toContain('is not valid')
    expect(stderr).not.toMatch(ACTING)
    expect(status).toBe(2)
  })

  it('shows keys that every object has as the data they are', () => {
    const tricky = {
      name: 'tricky',
      mappings: [
        {
          name: 'm',
          visualMarkers: { constructor: '🏗', toString: '🧵' },
          metadataFields: { hasOwnProperty: { x: 1 } },
        },
      ],
      fieldMappings: [{ logKey: '__proto__', mapping: 'm' }],
    }
    writeFileSync(join(cwd, 'tricky.json'), JSON.stringify(tricky))

    const { stdout, stderr } = runCli(['show', 'tricky', '--set', 'tricky.json'], { cwd })

    expect(stderr).toBe('')
    expect(stdout).toContain('__proto__')
    expect(stdout).toMatch(/🏗 +constructor\n/)
    expect(stdout).toMatch(/x=1 +hasOwnProperty\n/)
  })
})
