import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import { formatPlain, formatTable, wrapText } from '../../src/cli/table.ts'

const style = { bold: (text: string) => text, dim: (text: string) => `<${text}>` }

describe('formatTable', () => {
  it('aligns by the columns of a terminal: emoji are two wide, combining marks none', () => {
    const table = formatTable(
      [{ cells: ['📥', 'x'] }, { cells: ['ab', 'x'] }, { cells: ['e\u0301', 'x'] }, { cells: ['文字', 'x'] }],
      { style },
    )

    const starts = table
      .trimEnd()
      .split('\n')
      .map((line) => stringWidth(line))
    expect(starts).toEqual([7, 7, 7, 7])
  })

  it('drops columns in which nothing stands, unless they have a heading', () => {
    expect(formatTable([{ cells: ['a', '', 'b'] }], { style })).toBe('a  b\n')
    expect(formatTable([{ cells: ['a', '', 'b'] }], { header: ['A', 'X', 'B'], style })).toBe(
      'A  X  B\na     b\n',
    )
  })

  it('wraps the last column to the width', () => {
    expect(formatTable([{ cells: ['key', 'one two three four five six seven'] }], { width: 30, style })).toBe(
      'key  one two three four five\n     six seven\n',
    )
  })

  it('puts the last column below when there is no room beside the others', () => {
    expect(formatTable([{ cells: ['a'.repeat(25), 'some words that go below'] }], { width: 30, style })).toBe(
      `${'a'.repeat(25)}\n  some words that go below\n`,
    )
  })

  it('puts text below a row, styled line by line', () => {
    expect(formatTable([{ cells: ['a'], below: ['one two three four five'] }], { width: 22, style })).toBe(
      'a\n<  one two three four>\n<  five>\n',
    )
  })

  it('never wraps without a width', () => {
    const long = 'word '.repeat(200).trim()

    expect(formatTable([{ cells: ['a', long] }], { style })).toBe(`a  ${long}\n`)
  })

  it('takes a hundred thousand rows, and none', () => {
    expect(
      formatTable(
        Array.from({ length: 100_000 }, () => ({ cells: ['a', 'b'] })),
        { style },
      ),
    ).toHaveLength(500_000)
    expect(formatTable([], { style })).toBe('')
  })
})

describe('wrapText', () => {
  it('breaks between words only', () => {
    expect(wrapText('a bb ccc a-very-long-word d', 6)).toBe('a bb\nccc\na-very-long-word\nd')
  })
})

describe('formatPlain', () => {
  it('keeps every cell in its column and every row on its line', () => {
    expect(formatPlain([['a\tb', 'c\nd', '\u001b[31me']])).toBe('a b\tc d\t[31me\n')
  })
})
