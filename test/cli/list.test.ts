import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import { payment } from './records.ts'
import { hasTerminal, runCli, runInTerminal, temporaryFolder } from './run-cli.ts'

function folderWithPayment(): string {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'payment.json'), JSON.stringify(payment))
  return folder
}

describe('list', () => {
  it('shows the sets in force, highest priority first', () => {
    const { stdout, stderr, status } = runCli(['list', '--set', 'payment.json'], { cwd: folderWithPayment() })
    const lines = stdout.trimEnd().split('\n')

    expect(lines[0]).toMatch(/^SET +PRIORITY +FIELDS +MAPPINGS +MARKERS +SOURCE +DESCRIPTION$/)
    expect(lines.slice(1).map((line) => line.split(/ +/).slice(0, 2))).toEqual([
      ['database', '90'],
      ['http', '80'],
      ['payment', '50'],
      ['system', '-100'],
    ])
    expect(lines[3]).toMatch(/^payment +50 +1 +1 +💰 💳 +payment\.json +Payments$/)
    expect([stderr, status]).toEqual(['', 0])
  })

  it('aligns columns as a terminal counts them, an emoji being two wide', () => {
    const { stdout } = runCli(['list', '--set', 'payment.json'], { cwd: folderWithPayment() })
    const starts = stdout
      .trimEnd()
      .split('\n')
      .map((line) => stringWidth(/^.* {2,}(?=\S)/.exec(line)?.[0] ?? ''))

    expect(new Set(starts).size).toBe(1)
  })

  it('keeps a set on one line in a pipe, however long its description', () => {
    const cwd = folderWithPayment()
    const description = 'long '.repeat(100).trim()
    writeFileSync(join(cwd, 'payment.json'), JSON.stringify({ ...payment, description }))

    const { stdout } = runCli(['list', '--set', 'payment.json'], { cwd, env: { COLUMNS: '40' } })

    expect(stdout).toContain(description)
    expect(stdout.trimEnd().split('\n')).toHaveLength(5)
  })

  it('shows keys instead of emoji with --ascii, and where EVENTSETS_ASCII asks for it', () => {
    const cwd = folderWithPayment()
    const row = /^payment +50 +1 +1 +paid state +payment\.json +Payments$/m

    expect(runCli(['list', '--ascii', '--set', 'payment.json'], { cwd }).stdout).toMatch(row)
    expect(runCli(['list', '--set', 'payment.json'], { cwd, env: { EVENTSETS_ASCII: '1' } }).stdout).toMatch(
      row,
    )
  })

  it('has a stable document for programs', () => {
    const { stdout } = runCli(['list', '--json', '--set', 'payment.json'], { cwd: folderWithPayment() })
    const { version, sets } = JSON.parse(stdout)

    expect(version).toBe(1)
    expect(sets.map(({ name }: { name: string }) => name)).toEqual(['database', 'http', 'payment', 'system'])
    expect(sets[2]).toEqual({
      name: 'payment',
      description: 'Payments',
      priority: 50,
      source: { kind: 'file', file: expect.stringMatching(/payment\.json$/) },
      fields: 1,
      mappings: 1,
      markers: [
        { key: 'paid', marker: '💰', text: 'paid' },
        { key: 'default', marker: '💳', text: 'state' },
      ],
    })
  })

  it('has lines with tabs for programs', () => {
    const { stdout } = runCli(['list', '--plain', '--set', 'payment.json'], { cwd: folderWithPayment() })

    expect(stdout.split('\n')[2]).toBe('payment\t50\t1\t1\t💰 💳\tPayments\tpayment.json')
  })

  it('refuses two forms at once', () => {
    const { stderr, status } = runCli(['list', '--json', '--plain'])

    expect(stderr).toContain("option '--json' cannot be used with option '--plain'")
    expect(status).toBe(2)
  })
})

describe.runIf(hasTerminal)('list in a terminal', () => {
  it.each([80, 60])('fits %d columns, with descriptions below the sets', (columns) => {
    const { stdout } = runInTerminal('eventsets list --no-color', { columns })
    const lines = stdout.trimEnd().split('\n')

    expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(columns)
    expect(stdout).toMatch(/^http .*\n {2}HTTP requests and responses$/m)
    expect(lines.at(-1)).toBe('eventsets show <set> tells what a set maps.')
  })
})
