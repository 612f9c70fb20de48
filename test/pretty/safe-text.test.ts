import { describe, expect, test } from 'vitest'
import { indentContinuation, toSafeRecord, toSafeText } from '../../src/pretty/safe-text.ts'

describe('toSafeText', () => {
  test.each([
    ['a colour', 'a\u001b[31mb', 'a[31mb'],
    ['a colour that begins with the one-character CSI', 'a\u009b31mb', 'a31mb'],
    [
      'a link',
      '\u001b]8;;https://evil.example\u0007text\u001b]8;;\u0007',
      ']8;;https://evil.exampletext]8;;',
    ],
    ['a write to the clipboard', '\u001b]52;c;cm0gLXJm\u0007', ']52;c;cm0gLXJm'],
    ['backspaces', 'safe\b\b\b\bevil', 'safeevil'],
    ['a carriage return', 'ERROR\rINFO', 'ERRORINFO'],
    ['a NUL, a DEL and a bell', 'a\u0000b\u007fc\u0007', 'abc'],
    ['vertical tab, form feed and next line', 'a\vb\fc\u0085d', 'abcd'],
    ['a reversed direction', 'a\u202etxt.exe\u202c', 'atxt.exe'],
    ['isolated directions', '\u2066a\u2069\u200e\u200f\u061c', 'a'],
    ['zero-width characters', 'ad\u200bm\u200ci\u200dn\u2060\ufeff', 'admin'],
    ['line and paragraph separators', 'a\u2028b\u2029c', 'abc'],
    ['annotations and invisible tags', 'a\ufff9b\ufffb\u{e0001}\u{e0041}\u{e007f}', 'ab'],
  ])('it takes out %s', (_, text, expected) => {
    expect(toSafeText(text)).toBe(expected)
  })

  test.each([
    'tab\tand\nnewline',
    'ünïcödé',
    '🎉📥👍🏽',
    'עברית العربية',
    '日本語',
    '\u{1f1e9}\u{1f1ea}',
    '',
  ])('it leaves %j as it is', (text) => {
    expect(toSafeText(text)).toBe(text)
  })

  test('it lets no two halves meet that make an invisible character together', () => {
    const text = toSafeText('\udb40\u200b\udc41 \udb40\udb40\udc41\udc41')

    expect(text).not.toMatch(/\udb40[\udc00-\udc7f]/)
    expect(text).toBe('\ufffd\ufffd \ufffd\ufffd')
  })
})

describe('toSafeRecord', () => {
  test('it makes keys and values safe at every depth, and leaves the rest alone', () => {
    const record = { 'a\u001b': ['b\u202e', { 'c\u200b': 'd\u0007', n: 1, t: true, z: null }] }

    expect(toSafeRecord(record)).toEqual({ a: ['b', { c: 'd', n: 1, t: true, z: null }] })
    expect(record).toEqual({ 'a\u001b': ['b\u202e', { 'c\u200b': 'd\u0007', n: 1, t: true, z: null }] })
  })

  test('it lets no key with something hidden in it take the place of another', () => {
    expect(toSafeRecord({ msg: 'real', 'msg\u200b': 'fake', '\u200bmsg': 'fake too' })).toEqual({
      msg: 'real',
      msg_2: 'fake',
      msg_3: 'fake too',
    })
    expect(toSafeRecord({ 'level\u200b': 60, level: 30, level_2: 1 })).toEqual({
      level_3: 60,
      level: 30,
      level_2: 1,
    })
  })

  test('it is done in no time with a record of nothing but such keys', () => {
    const hidden = (n: number) => n.toString(2).replaceAll('0', '\u200b').replaceAll('1', '\u200c')
    const record = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, n) => [n % 2 === 0 ? `a${hidden(n)}` : `a_${n}`, n]),
    )

    expect(Object.keys(toSafeRecord(record))).toHaveLength(20_000)
  })

  test('it takes __proto__ for data', () => {
    const safe = toSafeRecord(JSON.parse('{"__proto__":{"a":"b\\u001b"}}'))

    expect(Object.keys(safe)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(safe)).toBe(Object.prototype)
    expect((safe as { a?: unknown }).a).toBeUndefined()
  })

  test('it ends at a depth that nobody reads, instead of exhausting the stack', () => {
    const depth = 100_000
    const record = JSON.parse(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`)

    expect(JSON.stringify(toSafeRecord(record))).toContain('[…]')
  })
})

describe('indentContinuation', () => {
  test.each([
    ['one line\n', 'one line\n'],
    ['no newline', 'no newline'],
    ['', ''],
    ['\n', '\n'],
    ['a\nb\n', 'a\n    b\n'],
    ['a\n    b\n', 'a\n    b\n'],
    ['a\n   b\n', 'a\n       b\n'],
    ['a\n\nb\n', 'a\n    \n    b\n'],
    ['a\nb', 'a\n    b'],
    ['a\r\nb\r\n', 'a\r\n    b\r\n'],
    ['\nb\n', '\n    b\n'],
  ])('it makes %j into %j', (text, expected) => {
    expect(indentContinuation(text)).toBe(expected)
  })
})
