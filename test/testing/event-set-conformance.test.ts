import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { EventSet } from '../../src/index.ts'
import * as testing from '../../src/testing/index.ts'
import { root, runProgram, temporaryFolder } from '../cli/run-cli.ts'
import { setFiles } from '../sets/load.ts'

const { eventSetConformance } = testing

describe.each([...setFiles])('sets/%s.json', (_, set) => {
  for (const { name, run } of eventSetConformance(set, { override: true })) it(name, run)
})

describe('the runner of node:test', () => {
  it('passes the built-in sets', () => {
    const { stdout, status } = runNodeTest(
      `import { builtInSets } from 'eventsets'
       for (const set of builtInSets)
         for (const { name, run } of eventSetConformance(set, { override: true })) test(\`\${set.name} \${name}\`, run)`,
    )

    expect(countOf(stdout, 'fail')).toBe(0)
    expect(countOf(stdout, 'pass')).toBe(
      [...setFiles.values()].flatMap((set) => [...eventSetConformance(set, { override: true })]).length,
    )
    expect(status).toBe(0)
  })

  it('fails a broken set, and shows what is wrong with it', () => {
    const { stdout, status } = runNodeTest(
      `const set = {
         name: 'order',
         mappings: [{ name: 'status', ranges: { late: [10, null] }, visualMarkers: { lost: 'LOST' } }],
         fieldMappings: [{ logKey: 'order.status', mapping: 'status' }],
       }
       for (const { name, run } of eventSetConformance(set)) test(name, run)`,
    )

    expect(stdout).toContain('not ok 3 - shows every marker of mapping "status"')
    expect(stdout).toContain('Range "late" has no marker: add one under this key to visualMarkers.')
    expect(stdout).toContain('"lost" of mapping "status" has "LOST" (U+004C U+004F U+0053 U+0054)')
    expect(status).toBe(1)
  })
})

describe('the options', () => {
  const tax: EventSet = {
    name: 'tax',
    mappings: [{ name: 'rate', visualMarkers: { full: '💯', none: '🆓' } }],
  }
  const invoice: EventSet = {
    name: 'invoice',
    fieldMappings: [{ logKey: 'invoice.tax', eventSetName: 'tax', mapping: 'rate' }],
  }
  const shout: EventSet = {
    name: 'shout',
    mappings: [
      {
        name: 'word',
        visualMarkers: { hello: '👋' },
        transformations: { '*': (value) => String(value).replace('!', '') },
      },
    ],
    fieldMappings: [{ logKey: 'shout.word', mapping: 'word' }],
  }

  it('linkedSets has the sets that a set takes mappings from', () => {
    expect(failuresOf(invoice)).toEqual(['is a valid event set'])
    expect(failuresOf(invoice, { linkedSets: [tax] })).toEqual([])
  })

  it('override lets a set have the name of a built-in one', () => {
    const http: EventSet = {
      name: 'http',
      priority: 80,
      mappings: [{ name: 'verb', visualMarkers: { get: '📥' } }],
      fieldMappings: [{ logKey: 'http.request.method', mapping: 'verb' }],
    }

    expect(failuresOf(http)).toEqual(['has a name that no built-in set has'])
    expect(failuresOf(http, { override: true })).toEqual([])
  })

  it('code lets a set have functions', () => {
    expect(failuresOf(shout)).toEqual(['is data: JSON keeps all of it'])
    expect(failuresOf(shout, { code: true })).toEqual([])
  })
})

describe('a failure', () => {
  it('has everything that is wrong in one message, a problem a line', () => {
    const set: EventSet = {
      name: 'order',
      mappings: [
        { name: 'status', ranges: { late: [10, null], lost: [null, 1] }, visualMarkers: { 'a.b': '📦' } },
      ],
      fieldMappings: [{ logKey: 'order.status', mapping: 'status', valueType: 'integer' }],
    }

    expect(messageOf(set, 'shows every marker of mapping "status"')).toBe(
      `Mapping "status" of set "order":
  - Range "late" has no marker: add one under this key to visualMarkers.
  - Range "lost" has no marker: add one under this key to visualMarkers.
  - Never shown, since valueType "integer" lets no such value through: choose another one, or leave it out. This concerns "a.b".`,
    )
  })

  it('tells the same about many values once, and names a few of them', () => {
    const words = Array.from({ length: 30 }, (_, index) => `word${index}`)
    const set: EventSet = {
      name: 'order',
      mappings: [{ name: 'status', visualMarkers: Object.fromEntries(words.map((word) => [word, '📦'])) }],
      fieldMappings: [{ logKey: 'order.status', mapping: 'status', valueType: 'number' }],
    }

    const [, ...problems] = messageOf(set, 'shows every marker of mapping "status"').split('\n')

    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/"word0", "word1", .* and 23 more\.$/)
  })

  it('cannot act on the terminal that it is shown in', () => {
    const set: EventSet = {
      name: 'order',
      mappings: [{ name: 'st\u001b[2Jatus\u202e', visualMarkers: { 'a\u009b31m': '\u0007x' } }],
      fieldMappings: [{ logKey: 'order.\u001bstatus', mapping: 'st\u001b[2Jatus\u202e' }],
    }

    const texts = [...eventSetConformance(set)].flatMap((each) => [each.name, messageOf(set, each.name)])

    expect(texts.join('')).toContain('[2Jatus')
    expect(texts.join('')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
  })
})

describe('docs/reference/testing.md', () => {
  const page = readFileSync(join(root, 'docs/reference/testing.md'), 'utf8')

  it('lists the cases, all of them and no others', () => {
    const section = page.split('### The cases\n')[1]?.split('\n## ')[0] ?? ''
    const listed = [...section.matchAll(/^\| (?!Case|-)([^|]+) \|/gm)].map(([, name]) => name)
    const names = [...eventSetConformance([...setFiles.values()][0], { override: true })].map(({ name }) =>
      name.replace(/"[^"]*"/, '"…"').replace(/\[\d+\]/, '[…]'),
    )

    expect(listed).toEqual([...new Set(names)])
  })

  it('lists the functions of lint', () => {
    const listed = [...page.matchAll(/^\| `(lint\w+)\(/gm)].map(([, name]) => name)

    expect(listed.sort()).toEqual(
      Object.keys(testing)
        .filter((name) => name.startsWith('lint'))
        .sort(),
    )
  })
})

/** Runs a file of tests in which `test` and `eventSetConformance` are there, with the package as it is built. */
function runNodeTest(text: string) {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'eventsets'))
  const file = join(folder, 'set.test.mjs')
  writeFileSync(
    file,
    `import { test } from 'node:test'\nimport { eventSetConformance } from 'eventsets/testing'\n${text}\n`,
  )
  return runProgram(process.execPath, ['--test', '--test-reporter=tap', file])
}

function countOf(tap: string, outcome: 'pass' | 'fail'): number {
  return Number(new RegExp(`^# ${outcome} (\\d+)$`, 'm').exec(tap)?.[1])
}

function failuresOf(set: unknown, options?: Parameters<typeof eventSetConformance>[1]): string[] {
  return [...eventSetConformance(set, options)].flatMap(({ name, run }) => {
    try {
      run()
      return []
    } catch {
      return [name]
    }
  })
}

function messageOf(set: unknown, name: string): string {
  try {
    for (const each of eventSetConformance(set)) if (each.name === name) each.run()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
