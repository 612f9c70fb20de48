import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readDocument } from '../../src/lint/document.ts'

describe('readDocument', () => {
  it('tells line and column as people count them, whatever ends a line', () => {
    const document = readDocument('{\r\n  "a": [\n    1,\r    "💰", 2\n  ]\n}')

    expect(document.locate(['a'], 'key')).toEqual({ line: 2, column: 3 })
    expect(document.locate(['a'], 'value')).toEqual({ line: 2, column: 8 })
    expect(document.locate(['a', 0], 'value')).toEqual({ line: 3, column: 5 })
    // An emoji is two code units.
    expect(document.locate(['a', 2], 'value')).toEqual({ line: 4, column: 11 })
  })

  it('does not count a byte order mark', () => {
    expect(readDocument('\ufeff{"a": 1}').locate(['a'], 'key')).toEqual({ line: 1, column: 2 })
    expect(readDocument('\ufeff{"a": 1}').faults).toEqual([])
  })

  it('tells the place around a part that is not there', () => {
    const document = readDocument('{ "a": { "b": 1 } }')

    expect(document.locate(['a', 'c', 3], 'key')).toEqual({ line: 1, column: 8 })
    expect(document.locate(['x'], 'value')).toEqual({ line: 1, column: 1 })
  })

  it('takes the last of several equal keys, as JSON.parse does, and tells of the others', () => {
    const document = readDocument('{ "a": 1, "b": { "c": 1, "c": 2 }, "a": 3 }')

    expect(document.value).toEqual({ a: 3, b: { c: 2 } })
    expect(document.locate(['a'], 'value')).toEqual({ line: 1, column: 41 })
    expect(document.faults.map(({ kind, offset }) => [kind, offset])).toEqual([
      ['duplicate-key', 25],
      ['duplicate-key', 35],
    ])
  })

  it('keeps what is said in a text with comments and commas too many, and tells of each', () => {
    const { value, isWhole, faults } = readDocument('{ // one\n "a": [1, 2,], /* two */ "b": 1, }')

    expect(value).toEqual({ a: [1, 2], b: 1 })
    expect(isWhole).toBe(true)
    expect(faults.map(({ kind, offset }) => [kind, offset])).toEqual([
      ['syntax', 21],
      ['syntax', 42],
      ['comment', 2],
      ['comment', 24],
    ])
  })

  it.each([
    ['', 'the file is empty'],
    [' \n', 'the file is empty'],
    ["{ 'a': 1 }", 'a text in single quotation marks'],
    ['{ a: 1 }', '"a" is no JSON'],
    ['{ "a" 1 }', 'expected ":" behind a key, got "1"'],
    ['{ "a": 1 "b": 2 }', 'expected "," between two entries, got "\\"b\\""'],
    ['{ "a": "x }', 'a text without its closing quotation mark'],
    ['{ "a": "\\x" }', 'an escape that JSON does not have'],
    ['{ "a": "\\u12" }', 'an escape such as \\u0041 has four hexadecimal digits'],
    ['{ "a": "\t" }', 'a control character in a text'],
    ['{ "a": 1. }', '"1." is no number of JSON'],
    ['{ "a": 1', 'expected "}", got the end of the file'],
    ['[1', 'expected "]", got the end of the file'],
    ['{} {}', 'expected the end of the file, got "{"'],
    ['{ "a": }', 'expected a value, got "}"'],
  ])('says what is wrong with %j', (text, message) => {
    expect(readDocument(text).faults.map((fault) => fault.message)).toContain(message)
  })

  it('has "__proto__" as a key like any other', () => {
    const { value } = readDocument('{ "__proto__": { "x": 1 } }')

    expect(Object.keys(value as object)).toEqual(['__proto__'])
    expect((value as { x?: unknown }).x).toBeUndefined()
  })

  it('takes no more of a text that goes too deep than to say so', () => {
    const { value, isWhole, faults } = readDocument('['.repeat(1_000_000))

    expect([value, isWhole]).toEqual([undefined, false])
    expect(faults).toMatchObject([
      { kind: 'syntax', offset: 100, message: expect.stringMatching('100 levels') },
    ])
  })

  it('tells a limited number of errors of what is no JSON at all', () => {
    const { faults } = readDocument('hello world '.repeat(10_000))

    expect(faults).toHaveLength(20)
    expect(faults.at(-1)?.message).toMatch(/; and \d+ more errors behind it$/)
  })

  it.each([
    ['errors', 'x '.repeat(500_000), 20],
    ['commas with much behind them', `[${', '.repeat(300_000)}]`, 20],
    ['comments', `{${'//\n'.repeat(300_000)}}`, 200],
    ['keys that stand twice', `{${'"a":1,'.repeat(150_000)}"a":1}`, 200],
  ])(
    'tells a limited number of %s in a file that is full of them, and how many there are',
    (_, text, most) => {
      const { faults } = readDocument(text)
      const told = faults.map(({ message }) => /; and (\d+) more errors behind it$/.exec(message)?.[1])

      expect(faults).toHaveLength(most)
      expect(told.slice(0, -1).every((more) => more === undefined)).toBe(true)
      expect(Number(told.at(-1))).toBeGreaterThan(100_000)
    },
  )

  it.each(['[1, ]', '[1,\n\t \r\n]', '{"a": 1, }'])('sees the comma before the end in %j', (text) => {
    expect(readDocument(text).faults.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^a comma before "[\]}]"$/),
    ])
  })

  it('gives the value that JSON.parse gives', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(undefined, 2), (text, indent) => {
        const pretty = JSON.stringify(JSON.parse(text), null, indent)
        const { value, isWhole, faults } = readDocument(pretty)

        expect([value, isWhole, faults]).toEqual([JSON.parse(pretty), true, []])
      }),
    )
  })

  it('finds an error in exactly the texts that JSON.parse refuses', () => {
    const piece = fc.constantFrom(
      ...'{}[]:,"\\/* \n\t0123-+.eEtruefalsn\u00a0\u0000\ud800',
      'null',
      '"a"',
      'u00e9',
    )
    const text = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
      // Sound JSON with one thing put in, or taken out.
      fc
        .tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.nat({ max: 1 }), fc.oneof(piece, fc.constant('')))
        .map(([json, at, count, put]) => {
          const from = at % (json.length + 1)
          return json.slice(0, from) + put + json.slice(from + count)
        }),
    )
    fc.assert(
      fc.property(text, (input) => {
        let isValid = true
        try {
          JSON.parse(input)
        } catch {
          isValid = false
        }
        const errors = readDocument(input).faults.filter(({ kind }) => kind !== 'duplicate-key')

        expect(errors.length === 0).toBe(isValid)
      }),
      { numRuns: 5000 },
    )
  })
})
