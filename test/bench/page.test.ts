import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { load } from './load.ts'

const { replacePart } = await load('page.mjs')

const page = readFileSync(new URL('../../docs/reference/performance.md', import.meta.url), 'utf8')
const PARTS = ['figures', 'another seed']

/** What stands between the comments of a part, and what stands around them. */
function cut(text: string, part: string) {
  const [before = '', behind = ''] = text.split(new RegExp(`<!-- bench: ${part}\\..* -->\\n`))
  const [inside, after] = behind.split(`<!-- bench: end of ${part} -->\n`)
  return { before, inside, after }
}

describe('replacePart', () => {
  it.each(PARTS)('replaces the part of the page between the comments of "%s", and nothing else', (part) => {
    const replaced = cut(replacePart(page, part, 'New $& figures\n'), part)

    expect(replaced).toEqual({ ...cut(page, part), inside: '\nNew $& figures\n\n' })
  })

  it.each(PARTS)('changes nothing when "%s" is written again', (part) => {
    const once = replacePart(page, part, '| a |\n')

    expect(replacePart(once, part, '| a |\n')).toBe(once)
  })

  it('keeps the other part', () => {
    const replaced = PARTS.reduce((text, part) => replacePart(text, part, `of ${part}`), page)

    expect(PARTS.map((part) => cut(replaced, part).inside?.trim())).toEqual(['of figures', 'of another seed'])
  })

  it.each([
    ['without comments', '# Performance\n'],
    ['with one comment twice', page + page],
    ['with the end before the beginning', page.split('\n').reverse().join('\n')],
  ])('refuses a page %s', (_, wrong) => {
    expect(() => replacePart(wrong, 'figures', 'x')).toThrow(/bench: (?:end of )?figures/)
  })
})

describe('docs/reference/performance.md', () => {
  it.each(PARTS)('has the targets in the part "%s"', (part) => {
    expect(cut(page, part).inside).toContain('### Targets')
  })

  it('names a heading of the page for each part once', () => {
    const headings = [...page.matchAll(/^##+ (.*)$/gm)].map(([, heading]) => heading)

    expect(headings.filter((heading) => heading === 'Figures')).toHaveLength(1)
  })
})
