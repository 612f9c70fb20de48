import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import { payment } from './records.ts'
import { hasTerminal, runCli, runInTerminal, temporaryFolder } from './run-cli.ts'

const shop = {
  name: 'shop',
  description: 'What a shop does',
  priority: 7,
  mappings: [
    {
      name: 'step',
      description: 'Where an order is',
      visualMarkers: { placed: '🛒', ordered: '🛒', sent: '📦', default: '❔', big: '🐘' },
      ranges: { big: [100, null], small: [null, 9], mid: [10, 99] },
      metadataFields: { sent: { 'order.left': true, 'order.by': 'post' } },
      transformations: { '*': 'trim' },
    },
    { name: 'empty' },
  ],
  fieldMappings: [
    {
      logKey: 'order.step',
      aliases: ['step', 'orderStep'],
      mapping: 'step',
      valueType: 'string',
      description: 'From the queue',
      when: { msg: ['order_*', 'shop_*'], app: 'shop' },
      defaultValue: 'placed',
      defaultOverrideKey: 'sent',
    },
    { logKey: 'verb', mapping: 'method', eventSetName: 'http' },
  ],
}

function showShop(...args: string[]) {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'shop.json'), JSON.stringify(shop))
  return runCli(['show', 'shop', '--set', 'shop.json', ...args], { cwd })
}

describe('show', () => {
  it('tells the fields of a set and what each value shows', () => {
    const { stdout, stderr, status } = showShop()

    expect(stdout).toBe(`shop  priority 7  from shop.json
What a shop does

Fields  of several names, the first that a record has counts
  LOG KEY     MAPPING         TYPE
  order.step  step            string
    or step, orderStep
    From the queue
    only when msg is order_* or shop_*, and app is shop
    taken as placed when absent beside other fields of the set
    any other value counts as sent
  verb        method of http  any

Mapping step  Where an order is
  every value passes trim first
  🛒                                 placed, ordered
  📦  order.left=true order.by=post  sent
  ❔                                 default (any other value)
  🐘                                 big (100 and more)
                                     small (up to 9), mid (10 to 99)

Mapping empty
  no markers
`)
    expect([stderr, status]).toEqual(['', 0])
  })

  it('shows keys instead of emoji with --ascii', () => {
    const { stdout } = showShop('--ascii')

    expect(stdout).toContain('[placed], [ordered]')
    // The text form of the default is the name of the mapping.
    expect(stdout).toContain('[step] (any other value)')
    expect(stdout).not.toMatch(/\p{Emoji_Presentation}/u)
  })

  it('has a stable document for programs, whose set can be used as a set', () => {
    const { stdout } = showShop('--json')

    expect(JSON.parse(stdout)).toEqual({
      version: 1,
      set: shop,
      source: { kind: 'file', file: expect.stringMatching(/shop\.json$/) },
    })
  })

  it('has lines with tabs for programs: set, log key, mapping, key, marker, aliases', () => {
    const lines = showShop('--plain').stdout.split('\n')

    expect(lines[0]).toBe('shop\torder.step\tstep\tplaced\t🛒\tstep,orderStep')
    expect(lines).toContain('shop\tverb\tmethod\tget\t📥\t')
    expect(showShop('--plain', '--ascii').stdout.split('\n')[3]).toBe(
      'shop\torder.step\tstep\tdefault\t[step]\tstep,orderStep',
    )
  })

  it.each(['http', 'database', 'system'])('shows the built-in set %s', (name) => {
    const { stdout, status } = runCli(['show', name])

    expect(stdout.startsWith(`${name}  priority `)).toBe(true)
    expect(status).toBe(0)
  })

  it.each([
    { name: 'htp', help: 'Did you mean "http"?' },
    { name: 'HTTP', help: 'Did you mean "http"?' },
    { name: 'nothing-like-it', help: 'Registered are database, http, system.' },
    { name: '', help: 'Registered are database, http, system.' },
  ])('tells that no set is named "$name", names the nearest, and exits 2', ({ name, help }) => {
    const { stdout, stderr, status } = runCli(['show', name])

    expect(stderr).toBe(`eventsets: No event set is named ${JSON.stringify(name)}. ${help}\n`)
    expect([stdout, status]).toEqual(['', 2])
  })

  it('tells a program what went wrong as JSON, on standard error', () => {
    const { stdout, stderr, status } = runCli(['show', 'htp', '--json'])

    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: 'EVENTSETS_NOT_FOUND',
        message: 'No event set is named "htp". Did you mean "http"?',
        hint: 'Did you mean "http"?',
      },
    })
    expect([stdout, status]).toEqual(['', 2])
  })

  it('asks for the name of a set', () => {
    const { stderr, status } = runCli(['show'])

    expect(stderr).toBe(
      'eventsets: missing required argument \'set\'\nRun "eventsets list" for the sets there are, "eventsets show --help" for more.\n',
    )
    expect(status).toBe(2)
  })
})

describe.runIf(hasTerminal)('show in a terminal', () => {
  it.each([80, 60])('fits %d columns', (columns) => {
    for (const name of ['http', 'database', 'system']) {
      const { stdout } = runInTerminal(`eventsets show ${name} --no-color`, { columns })
      const tooLong = stdout
        .split('\n')
        .filter((line) => stringWidth(line) > columns && line.trim().includes(' '))

      expect(tooLong).toEqual([])
    }
  })

  it('never colours across the end of a line', () => {
    const { stdout } = runInTerminal('eventsets show database', { columns: 60 })

    for (const line of stdout.split('\n')) {
      expect((line.match(/\u001b\[[12]m/g) ?? []).length).toBe((line.match(/\u001b\[22m/g) ?? []).length)
    }
  })
})

it('knows the set of a file as well as the built-in ones', () => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'payment.json'), JSON.stringify(payment))

  expect(runCli(['show', 'paymnt', '--set', 'payment.json'], { cwd }).stderr).toContain(
    'Did you mean "payment"?',
  )
})
