import { expect, test } from 'vitest'
import { createLineSplitter } from '../../src/pino/line-splitter.ts'

/** What a splitter makes of chunks: whole lines as text, `$` for a newline it saw, `<>` around overlong parts. */
function split(chunks: readonly (string | Buffer)[], maxLineBytes = 1000): string[] {
  const seen: string[] = []
  const splitter = createLineSplitter(
    {
      line: (buffer, start, end, isTerminated) =>
        void seen.push(buffer.toString('latin1', start, end) + (isTerminated ? '$' : '')),
      overlong: (bytes) => void seen.push(`<${bytes.toString('latin1')}>`),
    },
    maxLineBytes,
  )
  for (const chunk of chunks) splitter.push(Buffer.from(chunk))
  splitter.end()
  return seen
}

test('it cuts at newlines and nowhere else', () => {
  expect(split(['a\nb\r\n\nc\0d\n'])).toEqual(['a$', 'b\r$', '$', 'c\0d$'])
})

test('it gives the last line without its newline when the input has none', () => {
  expect(split(['a\nb'])).toEqual(['a$', 'b'])
})

test('it gives nothing for an empty input', () => {
  expect(split([])).toEqual([])
  expect(split([''])).toEqual([])
})

test('it finds the same lines wherever the chunks end', () => {
  const text = 'one\n\ntwo and more\nthree'
  for (let a = 0; a <= text.length; a++) {
    for (let b = a; b <= text.length; b++) {
      expect(split([text.slice(0, a), text.slice(a, b), text.slice(b)])).toEqual(split([text]))
    }
  }
})

test('it keeps what it holds back when the owner of a chunk fills it again', () => {
  const seen: string[] = []
  const splitter = createLineSplitter(
    {
      line: (buffer, start, end) => void seen.push(buffer.toString('latin1', start, end)),
      overlong: () => {},
    },
    100,
  )
  const chunk = Buffer.from('first half, ')
  splitter.push(chunk)
  chunk.fill('x')
  splitter.push(Buffer.from('second half\n'))

  expect(seen).toEqual(['first half, second half'])
})

test('it takes a line of exactly the limit as a line, and one byte more as overlong', () => {
  expect(split(['12345\n123456\n'], 5)).toEqual(['12345$', '<123456\n>'])
  expect(split(['123', '45\n123', '456\n'], 5)).toEqual(['12345$', '<123>', '<456\n>'])
})

test('it passes an overlong line on in parts as they come, and goes on with the next line', () => {
  expect(split(['ab\n123456', '789', '0\ncd\n'], 5)).toEqual(['ab$', '<123456>', '<789>', '<0\n>', 'cd$'])
  expect(split(['123', '456', '789', '0\ncd\n'], 5)).toEqual(['<123>', '<456>', '<789>', '<0\n>', 'cd$'])
})

test('it loses and adds no byte, wherever the chunks end', () => {
  const text = 'a\n1234567\nb\n12345678901234567890\n\nend is long too'
  for (let a = 0; a <= text.length; a++) {
    for (let b = a; b <= text.length; b++) {
      const parts = split([text.slice(0, a), text.slice(a, b), text.slice(b)], 6)
      expect(parts.map((part) => part.replace(/\$$/, '\n').replace(/^<(.*)>$/s, '$1')).join('')).toBe(text)
    }
  }
})

test('it begins anew after its end', () => {
  const seen: string[] = []
  const splitter = createLineSplitter(
    {
      line: (buffer, start, end) => void seen.push(buffer.toString('latin1', start, end)),
      overlong: (bytes) => void seen.push(`<${bytes}>`),
    },
    5,
  )
  splitter.push(Buffer.from('far too long'))
  splitter.end()
  splitter.push(Buffer.from('ok\n'))
  splitter.end()

  expect(seen).toEqual(['<far too long>', 'ok'])
})
