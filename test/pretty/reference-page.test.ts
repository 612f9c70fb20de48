import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { resolveOptions } from '../../src/pretty/options.ts'

interface Exceptions {
  readonly skippedFiles: { readonly [file: string]: string }
  readonly exceptions: readonly { readonly file: string; readonly title: string; readonly reason: string }[]
}

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const exceptionsFile = '../../scripts/pino-pretty/exceptions.mjs'

describe('docs/reference/pino-pretty.md', () => {
  const page = read('docs/reference/pino-pretty.md')
  const rows = page.split('\n').filter((line) => line.startsWith('| `'))

  test('it lists exactly the options, with their defaults', () => {
    const { colorize: _, ...defaults } = resolveOptions()
    const listed = rowsBelow('## Options').filter(([name]) => name !== '`colorize`')

    expect(listed.map(([name]) => name)).toEqual(Object.keys(defaults).sort().map(code))
    for (const [name = '', value = ''] of listed) {
      const actual = defaults[name.slice(1, -1) as keyof typeof defaults]
      if (actual === undefined) expect(value).toMatch(/^(none|all)$/)
      else expect(value).toBe(code(JSON.stringify(actual).replaceAll('"', "'").replaceAll(',', ', ')))
    }
  })

  test('it says of every test of pino-pretty that is not passed why', async () => {
    const { skippedFiles, exceptions } = (await import(exceptionsFile)) as Exceptions
    const expected = [
      ...Object.entries(skippedFiles).map(([file, reason]) => `| ${code(file)} | ${reason} |`),
      ...exceptions.map(({ file, title, reason }) => `| ${code(file)} | ${title} | ${reason} |`),
    ]

    expect(rows.filter((row) => row.includes('.test.js`'))).toEqual(expected)
  })

  test('it names the version that it was compared with', () => {
    const { version } = createRequire(import.meta.url)('pino-pretty/package.json') as { version: string }

    expect(page).toContain(`pino-pretty ${version.split('.').slice(0, 2).join('.')} `)
  })

  function rowsBelow(heading: string): string[][] {
    const section = page.slice(page.indexOf(heading)).split('\n## ')[0] ?? ''
    return section
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      )
  }
})

const code = (text: string) => `\`${text}\``
