import { describe, expect, test } from 'vitest'
import { appendMembers, findStringMember, toByteString, toJsonBytes } from '../../src/pino/splice.ts'

describe('findStringMember', () => {
  /** The text of the member from its found offset on, up to the quote. */
  function find(line: string, key = 'msg'): string | undefined {
    const bytes = toByteString(line)
    const offset = findStringMember(bytes, key)
    return offset === -1 ? undefined : Buffer.from(bytes.slice(offset), 'latin1').toString('utf8')
  }

  test.each([
    ['a plain one', '{"msg":"HERE"}', 'HERE"}'],
    ['one with odd spacing', '{ "a" : 1 ,\t"msg"  :   "HERE" }', 'HERE" }'],
    ['the last of two', '{"msg":"no","msg":"HERE"}', 'HERE"}'],
    ['an empty one', '{"msg":""}', '"}'],
    ['one after a nested one', '{"a":{"msg":"no"},"msg":"HERE"}', 'HERE"}'],
    ['one after a list', '{"a":["msg",{"msg":"no"}],"msg":"HERE"}', 'HERE"}'],
    ['one after a text that looks like it', '{"a":"\\"msg\\":\\"no\\"","msg":"HERE"}', 'HERE"}'],
    ['one after a text that ends with a backslash', '{"a":"\\\\","msg":"HERE"}', 'HERE"}'],
    ['one after a value that is the key', '{"a":"msg","msg":"HERE"}', 'HERE"}'],
    ['one whose key is written with escapes', '{"\\u006dsg":"HERE"}', 'HERE"}'],
  ])('it finds %s', (_, line, rest) => {
    expect(find(line)).toBe(rest)
  })

  test.each([
    ['it is absent', '{"a":1}'],
    ['it is no text', '{"msg":1}'],
    ['the last one is no text', '{"msg":"no","msg":null}'],
    ['it is nested only', '{"a":{"msg":"no"}}'],
    ['another key begins like it', '{"msg2":"no","amsg":"no"}'],
    ['its key is only a part of an escaped one', '{"\\"msg":"no"}'],
  ])('it finds none when %s', (_, line) => {
    expect(find(line)).toBeUndefined()
  })

  test('it finds a key with characters beyond ASCII, written plain or escaped', () => {
    expect(find('{"nächricht":"HERE"}', 'nächricht')).toBe('HERE"}')
    expect(find('{"n\\u00e4chricht":"HERE"}', 'nächricht')).toBe('HERE"}')
    expect(find('{"msg":"no","🎉":"HERE"}', '🎉')).toBe('HERE"}')
  })
})

describe('appendMembers', () => {
  test('it adds before the last brace, whatever follows it', () => {
    expect(appendMembers('{"a":"}"} \r', '"b":1', false)).toBe('{"a":"}","b":1} \r')
  })

  test('it needs no comma in an empty object', () => {
    expect(appendMembers('{ }', '"b":1', true)).toBe('{ "b":1}')
  })
})

describe('toJsonBytes', () => {
  test('it writes what could act on a terminal as an escape', () => {
    const value = 'a\u001b\u007f\u009b\u200b\u202e\u2066\ufeffz'
    const json = Buffer.from(toJsonBytes(value), 'latin1').toString('utf8')

    expect(json).toMatch(/^[ -~]+$/)
    expect(JSON.parse(json)).toBe(value)
  })

  test('it keeps emoji as they are', () => {
    expect(Buffer.from(toJsonBytes(['📥']), 'latin1').toString('utf8')).toBe('["📥"]')
  })
})
