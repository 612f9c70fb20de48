import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compileTypeScript, programsOf, runTypeScript } from '../bus/run-typescript.ts'
import { blocksOf } from './page.ts'

const guides = readdirSync(new URL('../../docs/guides', import.meta.url)).filter((name) =>
  name.startsWith('bus-'),
)

describe('the guides of the bus', () => {
  it('show TypeScript that compiles, and mistakes that do not', () => {
    const programs = guides
      .flatMap((name) =>
        blocksOf(readFileSync(new URL(`../../docs/guides/${name}`, import.meta.url), 'utf8')),
      )
      .filter(({ language }) => language === 'ts')
      .map(({ code }) => code)

    expect(programs.some((code) => code.includes('// error: '))).toBe(true)
    expect(compileTypeScript(programs).complaints).toBe('')
  })

  it.each(
    ['bus-typescript.md', 'bus-validation.md', 'bus-errors-and-retries.md'].flatMap((name) =>
      programsOf(`docs/guides/${name}`).map((program) => ({ name, ...program })),
    ),
  )('show in $name what really happens: $output', ({ code, output }) => {
    expect(runTypeScript(code)).toBe(output)
  })
})
