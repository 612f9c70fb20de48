import { describe, expect, it } from 'vitest'
import { load } from './load.ts'

const { formatCount, formatNumber, formatSpread, renderReport } = await load('report.mjs')

const report = {
  title: 'Speed',
  notes: ['Measured twice.'],
  tables: [
    {
      columns: ['command', 'lines/s'],
      rows: [
        ['a | b', '10k'],
        ['c', '5'],
      ],
    },
  ],
}

describe('renderReport', () => {
  it('lines up the columns for a terminal, figures to the right', () => {
    const text = renderReport(report, { markdown: false })

    expect(text).toBe(
      [
        'Speed',
        '=====',
        '',
        'Measured twice.',
        '',
        'command  lines/s',
        '-------  -------',
        'a | b        10k',
        'c              5',
      ].join('\n'),
    )
  })

  it('writes Markdown whose cells keep their bars', () => {
    const text = renderReport(report, { markdown: true })

    expect(text).toBe(
      [
        '### Speed',
        '',
        'Measured twice.',
        '',
        '| command | lines/s |',
        '| --- | --: |',
        '| a \\| b | 10k |',
        '| c | 5 |',
      ].join('\n'),
    )
  })
})

describe('figures', () => {
  it.each([
    [0.0341, '0.034'],
    [1.234, '1.23'],
    [45.67, '45.7'],
    [789.4, '789'],
  ])('show as many digits as mean something: %d', (value, expected) => {
    expect(formatNumber(value)).toBe(expected)
  })

  it('shorten large counts only', () => {
    expect([912, 9999, 1_234_567].map(formatCount)).toEqual(['912', '9999', '1235k'])
  })

  it('show the spread behind the median', () => {
    expect(formatSpread({ median: 2, min: 1, max: 30 })).toBe('2.00 (1.00 - 30.0)')
  })
})
