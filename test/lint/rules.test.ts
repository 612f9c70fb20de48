import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { rules } from '../../src/lint/rules.ts'
import { codesOf, lintExample } from './example-folder.ts'

describe.each(rules.map((rule) => [rule.code, rule] as const))('%s', (code, { level, bad, good }) => {
  it('is found in its bad example, with the level and the page that it has', async () => {
    const found = (await lintExample(bad)).filter((finding) => finding.code === code)

    expect(found).not.toEqual([])
    for (const finding of found) {
      expect(finding.level).toBe(level)
      expect(finding.url).toBe(`https://unpkg.com/eventsets/docs/reference/lint/${code}.md`)
    }
  })

  it('is not found in its good example, nor is anything else that is wrong', async () => {
    const found = await lintExample(good)

    expect(codesOf(found)).not.toContain(code)
    expect(found.filter((finding) => finding.level !== 'info')).toEqual([])
  })
})

describe('the rules', () => {
  it('have codes of their own, in words joined with dashes', () => {
    const codes = rules.map((rule) => rule.code)

    expect(new Set(codes).size).toBe(codes.length)
    for (const code of codes) expect(code).toMatch(/^[a-z0-9]+(-[a-z0-9]+)+$/)
  })

  it('have a page each in the documentation, and there are no other pages', () => {
    const pages = readdirSync(fileURLToPath(new URL('../../docs/reference/lint', import.meta.url)))

    expect(pages.sort()).toEqual(rules.map((rule) => `${rule.code}.md`).sort())
  })
})
