import pino from 'pino'
import pinoPretty from 'pino-pretty'
import { describe, expect, test } from 'vitest'
import { createLineProcessor, type LineProcessorOptions } from '../../src/pino/line-processor.ts'
import { createRenderer, type RendererOptions } from '../../src/pretty/renderer.ts'
import { ordersRegistry } from '../fixtures/orders.ts'

/** What pino writes for all kinds of log calls. */
function realLines(options: pino.LoggerOptions = {}): string[] {
  const lines: string[] = []
  const logger = pino(
    { level: 'trace', name: 'shop', ...options },
    { write: (line: string) => void lines.push(line) },
  )
  logger.trace('trace')
  logger.info({ a: { b: [1, { c: 'd' }] }, list: [], empty: {}, no: null }, 'nested %s', 'text')
  logger.warn({ text: 'quote " backslash \\ umlaut ü emoji 🎉 tab\t' }, 'wörds')
  logger.error(new Error('plain error'))
  logger.error({ err: new TypeError('with cause', { cause: new Error('the cause') }) }, 'failed')
  logger.error({ error: Object.assign(new Error('coded'), { code: 'ENOENT', path: '/tmp' }) })
  logger.fatal({ err: new AggregateError([new Error('one'), new Error('two')], 'both') })
  logger.info({ type: 'Error', stack: 'Error: old style\n    at here', code: 7 }, 'old style')
  logger.info({ level: 35, msg: 'inside' })
  logger.info({ caller: 'file.ts:1', n: 1e21, t: true }, '')
  logger.child({ module: 'a' }, { msgPrefix: '[x] ' }).debug('child')
  logger.info({ multi: 'line one\nline two' }, 'a field of two lines')
  return [
    ...lines,
    '{"level":"warn","time":"2024-01-01T00:00:00.000Z","msg":"labels"}\n',
    '{"level":99,"time":1,"msg":5}\n',
    '{"level":30,"timestamp":1700000000000,"msg":true}\n',
    '{"level":30,"msg":{"an":"object"}}\n',
    '{"a":1}\n',
    '{}\n',
    '{"msg":"only a message"}\n',
    '{"time":"no date","pid":1,"hostname":"host"}\n',
  ]
}

const optionSets: Omit<RendererOptions, 'markerStyle'>[] = [
  {},
  { colorize: true },
  { colorize: true, colorizeObjects: false },
  { singleLine: true },
  { singleLine: true, colorize: true },
  { translateTime: false },
  { translateTime: 'SYS:standard' },
  { translateTime: 'UTC:yyyy-mm-dd HH:MM:ss.l o' },
  { ignore: 'pid,hostname,time' },
  { ignore: 'a.b,err.stack' },
  { include: 'level,time,msg' },
  { messageFormat: '{pid} - {a.b} - {msg}' },
  { messageFormat: '{if module}<{module}> {end}{msg}' },
  { levelFirst: true, colorize: true },
  { hideObject: true },
  { customColors: 'info:red,message:bgBlue', colorize: true },
  { customLevels: { odd: 99, own: 35 } as never, colorize: true, customColors: 'odd:magenta' },
  { customLevels: 'odd:99,own:35' as never, useOnlyCustomProps: false },
  { errorProps: 'code,path' },
  { errorProps: '*' },
  { errorLikeObjectKeys: ['err', 'error', 'a'] },
  { messageKey: 'text' },
  { levelKey: 'n' },
  { timestampKey: 'timestamp' },
  { crlf: true },
  { singleLine: true, colorize: true, levelFirst: true, translateTime: 'HH:MM', ignore: 'pid' },
]

describe('the bytes of pino-pretty', () => {
  test.each(optionSets)('it writes with %j', (options) => {
    const theirs = pinoPretty.prettyFactory({ colorize: false, ...options } as pinoPretty.PrettyOptions)
    const processor = createLineProcessor(ordersRegistry(), {
      colorize: false,
      markers: 'none',
      ...(options as LineProcessorOptions),
    })
    for (const line of realLines()) {
      expect(processor.push(Buffer.from(line)).toString()).toBe(theirs(line.trimEnd()))
    }
  })

  // Only in process, where pino tells it the levels: elsewhere it writes "undefined" for the level.
  test.each([
    { messageFormat: '{levelLabel} - {pid} - {msg}' },
    { levelLabel: 'LABEL', messageFormat: '{LABEL} {msg}' },
  ])('it writes in process with %j', (options) => {
    const customLevels = pino.levels.values
    const theirs = pinoPretty.prettyFactory({ colorize: false, customLevels, ...options })
    const processor = createLineProcessor(ordersRegistry(), { colorize: false, markers: 'none', ...options })

    for (const line of realLines()) {
      expect(processor.push(Buffer.from(line)).toString()).toBe(theirs(line.trimEnd()))
    }
  })

  test('it writes for a logger with levels and keys of its own', () => {
    const lines = realLines({ messageKey: 'text', errorKey: 'problem', customLevels: { own: 35 } })
    const options = {
      messageKey: 'text',
      customLevels: 'own:35',
      errorLikeObjectKeys: ['err', 'error', 'problem'],
    }
    const theirs = pinoPretty.prettyFactory({
      ...options,
      colorize: true,
    } as unknown as pinoPretty.PrettyOptions)
    const processor = createLineProcessor(ordersRegistry(), { ...options, colorize: true })

    for (const line of lines) {
      expect(processor.push(Buffer.from(line)).toString()).toBe(theirs(line.trimEnd()))
    }
  })
})

describe('what pino-pretty does not do', () => {
  const record = { level: 30, msg: 'one\ntwo', other: 'a' }

  test('it indents the second line of a message', () => {
    expect(createRenderer({ colorize: false, hideObject: true })(record, [])).toBe('INFO: one\n    two\n')
  })

  test('it ends the line with singleLine and hideObject together', () => {
    expect(createRenderer({ colorize: false, hideObject: true, singleLine: true })({ msg: 'a' }, [])).toBe(
      'a\n',
    )
    expect(
      createRenderer({ colorize: false, hideObject: true, singleLine: true, crlf: true })({ msg: 'a' }, []),
    ).toBe('a\r\n')
  })

  test('it takes out of a marker what could act on a terminal', () => {
    expect(createRenderer({ colorize: false })({ msg: 'a' }, ['\u001b[31m✅\n'])).toBe('[[31m✅\n    ] a\n')
  })

  test('it leaves the record as it is', () => {
    const frozen = Object.freeze({ ...record })
    createRenderer({ colorize: false })(frozen, ['✅'])

    expect(frozen).toEqual(record)
  })
})

test.each([
  ['brackets', 'text', '[a][b] text\n'],
  ['plain', 'text', 'a b text\n'],
  ['brackets', '', '[a][b]\n'],
  ['brackets', undefined, '[a][b]\n'],
  ['brackets', null, '[a][b]\n'],
  ['brackets', 5, '[a][b] 5\n'],
  ['brackets', false, '[a][b] false\n'],
  ['brackets', '[a][b] text', '[a][b] text\n'],
] as const)('it writes markers in %s before the message %j', (markerStyle, msg, expected) => {
  expect(createRenderer({ colorize: false, markerStyle, ignore: 'x' })({ msg }, ['a', 'b'])).toBe(expected)
})
