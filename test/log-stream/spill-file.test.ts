import {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openSpillFile, type SpillFile } from '../../src/log-stream/spill-file.ts'
import { openFolder } from '../bus-backends/temporary-folder.ts'

const MAX_BYTES = 1000

function open(path: string, maxBytes = MAX_BYTES): SpillFile {
  return openSpillFile({ path, maxBytes, mkdir: false })
}

function take(file: SpillFile, mostBytes: number): string | undefined {
  const lines = file.peek(mostBytes)
  if (lines) file.release(lines.length)
  return lines?.toString()
}

const line = fc
  .string({ unit: 'grapheme-ascii', maxLength: 120 })
  .map((text) => `${text.replaceAll('\n', '')}\n`)
const step = fc.oneof(
  fc.record({ do: fc.constant('append' as const), lines: fc.array(line, { maxLength: 12 }) }),
  fc.record({ do: fc.constant('prepend' as const), lines: fc.array(line, { maxLength: 4 }) }),
  fc.record({ do: fc.constant('take' as const), bytes: fc.integer({ min: 1, max: 600 }) }),
  fc.record({ do: fc.constant('reopen' as const) }),
)

describe('a spill file', () => {
  it('gives what it was given, in order, as far as there was room, whatever is done and however often it is opened', () => {
    const folder = openFolder()
    let files = 0
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const path = join(folder, `spill-${files++}`)
        let file = open(path)
        let expected: string[] = []
        const size = () => expected.join('').length
        for (const each of steps) {
          if (each.do === 'reopen') {
            file.close()
            file = open(path)
          } else if (each.do === 'take') {
            const lines = take(file, each.bytes)
            expect(expected.join('').startsWith(lines ?? '')).toBe(true)
            expect(lines === undefined).toBe(expected.length === 0)
            expected = expected.slice((lines?.split('\n').length ?? 1) - 1)
          } else {
            const fitting: string[] = []
            const candidates = each.do === 'append' ? each.lines : [...each.lines].reverse()
            for (const candidate of candidates) {
              if (size() + [...fitting, candidate].join('').length > MAX_BYTES) break
              fitting.push(candidate)
            }
            const bytes = file[each.do](Buffer.from(each.lines.join('')))
            expect(bytes).toBe(fitting.join('').length)
            expected = each.do === 'append' ? [...expected, ...fitting] : [...fitting.reverse(), ...expected]
          }
          expect(file.unreadBytes).toBe(size())
        }
        let rest = ''
        for (let lines = take(file, 100); lines !== undefined; lines = take(file, 100)) rest += lines
        expect(rest).toBe(expected.join(''))
        file.close()
        expect(existsSync(path)).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  it('gives a line that is longer than what was asked for as a whole', () => {
    const file = open(join(openFolder(), 'spill'))
    file.append(Buffer.from(`${'x'.repeat(700)}\nshort\n`))

    expect(take(file, 10)).toBe(`${'x'.repeat(700)}\n`)
    file.close()
  })

  it('gives the disk its room back when nothing waits', () => {
    const path = join(openFolder(), 'spill')
    const file = open(path, 1_000_000)
    file.append(Buffer.alloc(500_000, 'a line\n'))
    const full = statSync(path).size
    while (take(file, 100_000));

    expect(full).toBeGreaterThan(500_000)
    expect(statSync(path).size).toBeLessThan(100)
    file.close()
  })

  it('can be read by its owner alone', () => {
    const path = join(openFolder(), 'spill')
    const file = open(path)

    expect(statSync(path).mode & 0o077).toBe(0)
    file.close()
  })

  it('has a number where another has the path, and comes before what is new when it was left', () => {
    const folder = openFolder()
    const path = join(folder, 'spill')
    const first = open(path)
    const second = open(path)
    second.append(Buffer.from('of the second\n'))
    first.close()
    second.close()

    expect(readdirSync(folder)).toEqual(['spill.1'])

    const third = open(path)
    third.append(Buffer.from('of the third\n'))

    expect([take(third, 100), take(third, 100), take(third, 100)]).toEqual([
      'of the second\n',
      'of the third\n',
      undefined,
    ])
    third.close()
    expect(readdirSync(folder)).toEqual([])
  })

  it('says so, and goes on, when somebody has cut it off', () => {
    const path = join(openFolder(), 'spill')
    const file = open(path)
    file.append(Buffer.from('first\n'))
    truncateSync(path, 10)

    expect(file.peek(100)).toBe(undefined)
    expect(file.failure).toMatchObject({ message: expect.stringContaining('cut off') })
    expect(file.append(Buffer.from('second\n'))).toBe(7)
    expect(take(file, 100)).toBe('second\n')
    file.close()
  })

  it.each([
    { what: 'something else', make: (path: string) => writeFileSync(path, 'precious') },
    {
      what: 'numbers that cannot be',
      make: (path: string) =>
        writeFileSync(path, Buffer.concat([Buffer.from('eventsets spill\x01'), Buffer.alloc(48, 0xff)])),
    },
    {
      what: 'a link to somewhere else',
      make(path: string) {
        writeFileSync(`${path}-target`, '')
        symlinkSync(`${path}-target`, path)
      },
    },
    {
      what: 'the beginning of a header',
      make: (path: string) =>
        writeFileSync(path, Buffer.concat([Buffer.from('eventsets spill\x01'), Buffer.alloc(4)])),
    },
  ])('leaves a file as it is that holds $what, and takes the next number', ({ make }) => {
    const folder = openFolder()
    const path = join(folder, 'spill')
    make(path)
    const before = readFileSync(path)
    const file = open(path)

    expect(file.path).toBe(`${path}.1`)
    expect(file.passedOver).toMatchObject([{ path, reason: expect.stringMatching(/^it (is|holds) /) }])
    expect(file.append(Buffer.from('a line\n'))).toBe(7)
    expect(take(file, 100)).toBe('a line\n')
    file.close()
    expect(readFileSync(path)).toEqual(before)
    expect(readdirSync(folder).filter((name) => /lock|\.1$/.test(name))).toEqual([])
  })

  it('takes the next number where there is a folder', () => {
    const path = openFolder()
    const file = open(path)

    expect(file.path).toBe(`${path}.1`)
    file.close()
    expect(existsSync(`${path}.1`)).toBe(false)
  })

  it('is an error where there is no folder for it', () => {
    expect(() => open(join(openFolder(), 'missing', 'spill'))).toThrow(
      expect.objectContaining({ code: 'EVENTSETS_DESTINATION' }),
    )
  })

  it('has the room that was asked for, whatever room one had that was left', () => {
    const folder = openFolder()
    const path = join(folder, 'spill')
    const small = open(path)
    small.append(Buffer.from(`${'x'.repeat(MAX_BYTES - 1)}\n`))
    small.close()
    const large = open(path, 2 * MAX_BYTES)

    expect(large.append(Buffer.from(`${'y'.repeat(MAX_BYTES)}\n`))).toBe(MAX_BYTES + 1)
    expect(take(large, 10)).toMatch(/^x+\n$/)
    expect(take(large, 10)).toMatch(/^y+\n$/)
    large.close()
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([
    { where: 'at the end', prepended: '', appended: 'a1\na2\na3\n', left: ['a1\na2\n'], lostBytes: 3 },
    // What is put before is at the end of the circle.
    {
      where: 'in the middle',
      prepended: 'b1\nb2\n',
      appended: 'a1\na2\na3\n',
      left: ['b1\n', 'a2\na3\n'],
      lostBytes: 6,
    },
  ])('gives what is there when somebody has cut it off $where, and says how much is lost', (given) => {
    const { prepended, appended, left, lostBytes } = given
    const path = join(openFolder(), 'spill')
    const file = open(path)
    file.append(Buffer.from(appended))
    file.prepend(Buffer.from(prepended))
    truncateSync(path, statSync(path).size - 1)
    const losses: unknown[] = []
    const found: string[] = []
    do {
      const lines = file.peek(100)
      if (file.failure) losses.push(file.failure)
      if (!lines) continue
      found.push(lines.toString())
      file.release(lines.length)
    } while (file.unreadBytes > 0)

    expect(found).toEqual(left)
    expect(losses).toMatchObject([
      { message: expect.stringContaining(` ${lostBytes} bytes of lines are lost`) },
    ])
    file.close()
  })
})
