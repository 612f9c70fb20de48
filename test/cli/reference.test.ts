import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../src/cli/arguments.ts'
import { ExitCode } from '../../src/cli/exit-code.ts'
import { type CliOption, listOptions, setOptions, streamOptions, viewOptions } from '../../src/cli/option.ts'
import { root } from './run-cli.ts'

const page = readFileSync(join(root, 'docs/reference/cli.md'), 'utf8')

/** The text of a section, up to the next heading of its level. */
function section(heading: string): string {
  const from = page.indexOf(`\n## ${heading}\n`)
  expect(from, heading).not.toBe(-1)
  const to = page.indexOf('\n## ', from + 1)
  return page.slice(from, to === -1 ? undefined : to)
}

/** The first cells of the rows of all tables in a text. */
function firstCells(text: string): string[] {
  return [...text.matchAll(/^\| (?!-)([^|]+?) +\|/gm)].map(([, cell = '']) => cell)
}

/** What the page should have in the first column for the options: `-L`, `--minimum-level <level>`. */
function spellings(options: readonly CliOption[]): string[] {
  return options
    .flatMap(({ name, short, value, negation, isOnByDefault }) => [
      ...(isOnByDefault
        ? []
        : [
            `${short === undefined ? '' : `\`-${short}\`, `}\`--${name}${value === undefined ? '' : ` ${value}`}\``,
          ]),
      ...(negation === undefined ? [] : [`\`--no-${name}\``]),
    ])
    .sort()
}

const HELP = '`-h`, `--help`'
const VERSION = '`-V`, `--version`'

describe('docs/reference/cli.md', () => {
  it('has the options of the view, all of them and no others', () => {
    const documented = firstCells(section('Options of the view')).filter((cell) => cell.startsWith('`-'))

    expect(documented.sort()).toEqual([...spellings(viewOptions), HELP, VERSION].sort())
  })

  it('has the options of list and show, all of them and no others', () => {
    const documented = firstCells(section('Options of list and show')).filter((cell) => cell.startsWith('`-'))

    expect(documented.sort()).toEqual([...spellings([...setOptions, ...listOptions]), HELP].sort())
  })

  it('has the options of worker that the view has not, all of them and no others', () => {
    const documented = firstCells(section('Options of worker')).filter((cell) => cell.startsWith('`-'))

    expect(documented.sort()).toEqual(spellings(streamOptions))
  })

  it('has the choices of every option that has some', () => {
    for (const { name, choices = [] } of [...viewOptions, ...streamOptions]) {
      const row = page.split('\n').find((line) => line.includes(`--${name} `))
      for (const choice of choices) expect(row, name).toContain(`\`${choice}\``)
    }
  })

  it('has the commands', () => {
    const documented = firstCells(page.slice(0, page.indexOf('\n## '))).flatMap(
      (cell) => /^`eventsets ([a-z]+)/.exec(cell)?.[1] ?? [],
    )

    expect(documented.sort()).toEqual([...COMMANDS].sort())
  })

  it('has the exit codes', () => {
    const documented = firstCells(section('Exit codes')).flatMap((cell) =>
      /^\d+$/.test(cell) ? [Number(cell)] : [],
    )

    expect(documented).toEqual(Object.values(ExitCode))
  })

  it('has the variables of the environment that the program reads', () => {
    const sources = ['cli', 'discovery', 'pino', 'pretty'].flatMap((folder) =>
      readdirSync(join(root, 'src', folder))
        .filter((name) => name.endsWith('.ts'))
        .map((name) => readFileSync(join(root, 'src', folder, name), 'utf8')),
    )
    const read = sources.flatMap((text) =>
      [...text.matchAll(/\benv\.([A-Z_]+)|\b(EVENTSETS_[A-Z_]+):/g)].map(([, a, b]) => a ?? b),
    )
    const documented = firstCells(section('Environment')).flatMap(
      (cell) => /^`([A-Z_]+)`$/.exec(cell)?.[1] ?? [],
    )

    expect(documented.sort()).toEqual([...new Set(read)].sort())
  })
})
