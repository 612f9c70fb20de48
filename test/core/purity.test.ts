import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const folder = new URL('../../src/core/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.ts'))

/** What a file imports or exports from elsewhere, static and dynamic. */
function importsOf(source: string): string[] {
  const withoutComments = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const found = withoutComments.matchAll(
    /(?<!')\bfrom\s*'([^']+)'|(?<!')\bimport\s*\(?\s*'([^']+)'|\brequire\s*\(\s*'([^']+)'/g,
  )
  return [...found].map(([, from, loaded, required]) => from ?? loaded ?? required ?? '')
}

describe('src/core', () => {
  it('has files that are read here', () => {
    expect(files).toContain('enricher.ts')
    expect(importsOf(readFileSync(new URL('event-set.ts', folder), 'utf8'))).toContain('./shape.ts')
  })

  it.each(files)('imports nothing but its own files: %s', (file) => {
    const allowed = new Set(files.map((name) => `./${name}`))
    const imports = importsOf(readFileSync(new URL(file, folder), 'utf8'))

    expect(imports.filter((name) => !allowed.has(name))).toEqual([])
  })

  it.each(files)('reads no clock, chance, environment, console or process: %s', (file) => {
    const source = readFileSync(new URL(file, folder), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')

    expect(source).not.toMatch(
      /\b(?:process\.|console\.|globalThis\b|Date\.now|new Date\b|Math\.random|performance\.|setTimeout|setInterval|fetch\()/,
    )
  })
})
