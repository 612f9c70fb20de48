import { describe, expect, test } from 'vitest'
import { compileParts } from '../../src/pretty/parts.ts'
import { prettyFactory } from '../../src/pretty/pretty-factory.ts'

describe('the parts of a line', () => {
  test.each([
    { colorize: false },
    { colorize: true },
    { colorize: true, crlf: true, translateTime: 'UTC:HH:MM:ss' },
    { colorize: true, customLevels: 'odd:30', customColors: 'odd:cyan,message:bold,property:red' },
    { colorize: true, colorizeObjects: false, translateTime: false },
  ])('they make the line that the renderer writes with %j', (options) => {
    const { eol, level, time, message, property, grey } = compileParts(options)
    const record = { level: 30, time: 1_700_000_000_000, msg: 'text', key: 5 }
    const head = `${time(record.time)} ${level(record.level)}: ${message.join(record.msg)}`

    expect(prettyFactory(options)(record)).toBe(`${head}${eol}    ${property.join('key')}: 5${eol}`)
    expect(prettyFactory({ ...options, singleLine: true })(record)).toBe(
      `${head} ${grey.join('{"key":5}')}${eol}`,
    )
  })

  test('they are nothing where a record has no level to speak of, or no time', () => {
    const { level, time } = compileParts({ customLevels: [] })

    expect(level(30)).toBeUndefined()
    expect(time(null)).toBeUndefined()
  })
})
