import { describe, expect, test } from 'vitest'
import { EventSetRegistry } from '../../src/core/registry.ts'
import { createLineProcessor, type LineProcessorOptions } from '../../src/pino/line-processor.ts'
import { ordersRegistry } from '../fixtures/orders.ts'

/** What a processor makes of lines, in one chunk. */
function run(
  input: string | Buffer,
  options: LineProcessorOptions = {},
  registry = ordersRegistry(),
): string {
  const processor = createLineProcessor(registry, { colorize: false, ...options })
  return Buffer.concat([processor.push(Buffer.from(input)), processor.end()]).toString('utf8')
}

const json = { output: 'json' } as const
const jsonMessage = { output: 'json', markers: 'message' } as const
const paid = '{"level":30,"state":"paid","carrier":"ship","msg":"sent"}\n'

describe('where the markers are', () => {
  test.each([
    ['JSON, in a field unless told otherwise', json, '"msg":"sent","order.ok":true,"markers":["💰","🚢"]}'],
    [
      'JSON, in the field',
      { ...json, markers: 'field' },
      '"msg":"sent","order.ok":true,"markers":["💰","🚢"]}',
    ],
    ['JSON, in the message', jsonMessage, '"msg":"[💰][🚢] sent","order.ok":true}'],
    ['JSON, nowhere', { ...json, markers: 'none' }, '"msg":"sent","order.ok":true}'],
    ['JSON, in a field of another name', { ...json, markersField: 'm' }, '"order.ok":true,"m":["💰","🚢"]}'],
    ['JSON, without metadata', { ...json, metadata: false }, '"msg":"sent","markers":["💰","🚢"]}'],
    ['JSON, as text', { ...json, ascii: true }, '"markers":["paid","ship"]}'],
    ['JSON, plain in the message', { ...jsonMessage, markerStyle: 'plain' }, '"msg":"💰 🚢 sent","order.ok"'],
    [
      'JSON, as text in the message, which is never plain',
      { ...jsonMessage, ascii: true, markerStyle: 'plain' },
      '"msg":"[paid][ship] sent"',
    ],
  ] as const)('it puts them where %s says', (_, options, expected) => {
    expect(run(paid, options as LineProcessorOptions)).toContain(expected)
  })

  test.each([
    ['unless told otherwise', {}, 'INFO: [💰][🚢] sent\n    state: "paid"\n    carrier: "ship"\n'],
    [
      'in the message',
      { markers: 'message' },
      'INFO: [💰][🚢] sent\n    state: "paid"\n    carrier: "ship"\n',
    ],
    ['nowhere', { markers: 'none' }, 'INFO: sent\n    state: "paid"\n    carrier: "ship"\n'],
    ['plain', { markerStyle: 'plain', hideObject: true }, 'INFO: 💰 🚢 sent\n'],
    ['as text', { ascii: true, hideObject: true }, 'INFO: [paid][ship] sent\n'],
    [
      'with metadata',
      { metadata: true, ignore: 'state,carrier' },
      'INFO: [💰][🚢] sent\n    order.ok: true\n',
    ],
    [
      'in a field',
      { markers: 'field', singleLine: true, ignore: 'state,carrier' },
      'INFO: sent {"markers":["💰","🚢"]}\n',
    ],
  ] as const)('it puts them into text %s', (_, options, expected) => {
    expect(run(paid, options as LineProcessorOptions)).toBe(expected)
  })

  test('it shows the class of an HTTP status in its text form', () => {
    const registry = ordersRegistry()
    registry.registerEventSet({
      name: 'web',
      mappings: [{ name: 'status', ranges: { '2xx': [200, 299] }, visualMarkers: { '2xx': '✅' } }],
      fieldMappings: [{ logKey: 'res.statusCode', mapping: 'status' }],
    })

    expect(
      run('{"res":{"statusCode":204},"msg":"done"}\n', { ascii: true, hideObject: true }, registry),
    ).toBe('[2xx] done\n')
  })
})

describe('JSON lines', () => {
  test.each([
    ['odd spacing', ' { "state" :\t"paid" }  ', ' { "state" :\t"paid" ,"order.ok":true,"markers":["💰"]}  '],
    ['a carriage return', '{"state":"paid"}\r', '{"state":"paid","order.ok":true,"markers":["💰"]}\r'],
    [
      'numbers too big for JavaScript',
      '{"id":12345678901234567890,"pi":3.10,"state":"ship"}',
      '{"id":12345678901234567890,"pi":3.10,"state":"ship","markers":["📦"]}',
    ],
    [
      'a duplicate key, of which the last counts',
      '{"state":"lost","state":"paid"}',
      '{"state":"lost","state":"paid","order.ok":true,"markers":["💰"]}',
    ],
    [
      '__proto__ as data',
      '{"__proto__":{"state":"paid"},"state":"lost"}',
      '{"__proto__":{"state":"paid"},"state":"lost","order.ok":false,"markers":["💥"]}',
    ],
    ['__proto__ alone', '{"__proto__":{"state":"paid"}}', '{"__proto__":{"state":"paid"}}'],
    ['an empty object', '{}', '{}'],
    ['nothing to add', '{"level":30,"msg":"plain"}', '{"level":30,"msg":"plain"}'],
    [
      'metadata the record has',
      '{"state":"paid","order.ok":0}',
      '{"state":"paid","order.ok":0,"markers":["💰"]}',
    ],
    ['a field of markers that is not ours', '{"state":"ship","markers":7}', '{"state":"ship","markers":7}'],
    ['markers already', '{"state":"paid","markers":["💰"]}', '{"state":"paid","markers":["💰"]}'],
    ['no markers already', '{"state":"paid","markers":[]}', '{"state":"paid","markers":[]}'],
  ])('it keeps every byte of a line with %s', (_, line, expected) => {
    expect(run(`${line}\n`, json)).toBe(`${expected}\n`)
  })

  test('it keeps bytes that are no UTF-8, and reads around them', () => {
    const line = Buffer.from('{"a":"\xff\xc3","state":"paid"}\n', 'latin1')
    const processor = createLineProcessor(ordersRegistry(), { ...json, metadata: false })

    expect(processor.push(line)).toEqual(
      Buffer.concat([line.subarray(0, -2), Buffer.from(',"markers":["💰"]}\n')]),
    )
  })

  test.each([
    ['text', '{"state":"paid","msg":"a"}', '{"state":"paid","msg":"[💰] a","order.ok":true}'],
    ['an empty text', '{"state":"paid","msg":""}', '{"state":"paid","msg":"[💰]","order.ok":true}'],
    ['none', '{"state":"paid"}', '{"state":"paid","order.ok":true,"msg":"[💰]"}'],
    ['null', '{"state":"paid","msg":null}', '{"state":"paid","msg":null,"order.ok":true}'],
    ['a number', '{"state":"paid","msg":5}', '{"state":"paid","msg":5,"order.ok":true}'],
    ['an object', '{"state":"paid","msg":{"a":1}}', '{"state":"paid","msg":{"a":1},"order.ok":true}'],
    [
      'two texts',
      '{"msg":"a","state":"paid","msg":"b"}',
      '{"msg":"a","state":"paid","msg":"[💰] b","order.ok":true}',
    ],
    [
      'escapes',
      '{"state":"paid","msg":"\\"\\u00e4\\n"}',
      '{"state":"paid","msg":"[💰] \\"\\u00e4\\n","order.ok":true}',
    ],
    [
      'an escaped key',
      '{"state":"paid","\\u006dsg":"a"}',
      '{"state":"paid","\\u006dsg":"[💰] a","order.ok":true}',
    ],
    ['markers already', '{"state":"paid","msg":"[💰] a"}', '{"state":"paid","msg":"[💰] a"}'],
    ['markers alone', '{"state":"paid","msg":"[💰]"}', '{"state":"paid","msg":"[💰]"}'],
  ])('it writes the markers into a message that is %s', (_, line, expected) => {
    expect(run(`${line}\n`, jsonMessage)).toBe(`${expected}\n`)
  })

  test('it writes the markers into the message of another key', () => {
    expect(
      run('{"state":"ship","msg":"no","message":"a"}\n', { ...jsonMessage, messageKey: 'message' }),
    ).toBe('{"state":"ship","msg":"no","message":"[📦] a"}\n')
  })
})

describe('what is no record', () => {
  const inputs = [
    'no JSON at all\n',
    '{"level":30,"msg":"trunc\n',
    '{"level":30,"msg":"trunc',
    '{"a":1} trailing\n',
    '[1,{"state":"paid"}]\n',
    '"text"\n',
    '5\n',
    'null\n',
    '\n',
    '\r\n',
    '   \n',
    'nul \0 inside\n',
    'crlf\r\n\r\n',
    'no newline at the end',
    '\u001b[31mthe application coloured this itself\u001b[39m\n',
    '\ufeff{"state":"paid"}\n',
    `${'x'.repeat(5000)}\n`,
  ]
  test.each(['json', 'pretty'] as const)('it passes through unchanged, byte for byte, as %s', (output) => {
    const bytes = Buffer.concat([
      ...inputs.map((text) => Buffer.from(text.endsWith('\n') ? text : `${text}\n`)),
      Buffer.from('\xff\xfe\xc3\n\x80', 'latin1'),
    ])
    for (let at = 0; at <= 600; at++) {
      const processor = createLineProcessor(ordersRegistry(), { output })
      const parts = [
        processor.push(bytes.subarray(0, at)),
        processor.push(bytes.subarray(at)),
        processor.end(),
      ]
      if (!Buffer.concat(parts).equals(bytes)) expect.fail(`split at ${at}: ${Buffer.concat(parts)}`)
    }
  })

  test('it does the same to records wherever their bytes are split', () => {
    const bytes = Buffer.from(`${paid}no json\n{"state":"lost","msg":"ünïcödé 🎉"}\r\n\n{"state":"paid"}`)
    for (const output of ['json', 'pretty'] as const) {
      const whole = run(bytes, { output })
      for (let at = 0; at <= bytes.length; at++) {
        const processor = createLineProcessor(ordersRegistry(), { output, colorize: false })
        const parts = [
          processor.push(bytes.subarray(0, at)),
          processor.push(bytes.subarray(at)),
          processor.end(),
        ]
        expect(Buffer.concat(parts).toString('utf8')).toBe(whole)
      }
    }
  })

  test.each(['json', 'pretty'] as const)(
    'it passes on lines over the limit, and reads the next, as %s',
    (output) => {
      const huge = `{"state":"paid","msg":"${'x'.repeat(2000)}"}\n`

      const lines = run(`${paid}${huge}${paid}`, { output, maxLineBytes: 1024 })

      expect(lines).toContain(huge)
      expect(lines.split('💰')).toHaveLength(3)
    },
  )

  test('it has a limit of one mebibyte', () => {
    const huge = (length: number) => `{"state":"ship","a":"${'x'.repeat(length - 23)}"}\n`

    expect(run(huge(1024 * 1024), json)).toContain('"markers":["📦"]}\n')
    expect(run(huge(1024 * 1024 + 1), json)).toBe(huge(1024 * 1024 + 1))
  })
})

describe('minimumLevel', () => {
  const lines = [
    '{"level":20,"msg":"debug"}',
    '{"level":30,"msg":"info"}',
    '{"level":"audit","msg":"audit"}',
    '{"level":"WARN","msg":"warn"}',
    '{"msg":"none"}',
    'no record',
  ].map((line) => `${line}\n`)

  test.each([
    [30, ['info', 'audit', 'warn', 'none']],
    ['info', ['info', 'audit', 'warn', 'none']],
    ['40', ['warn', 'none']],
    ['audit', ['audit', 'warn', 'none']],
    [undefined, ['debug', 'info', 'audit', 'warn', 'none']],
  ])('it leaves out what is below %s, and never what has no level', (minimumLevel, expected) => {
    const shown = run(lines.join(''), { ...json, minimumLevel, customLevels: { audit: 35 } })

    expect(shown).toBe(
      [
        ...lines.filter((line) => expected.some((name) => line.includes(`"msg":"${name}"`))),
        'no record\n',
      ].join(''),
    )
  })
})

describe('the configuration of a logger', () => {
  const config = {
    levels: {
      labels: { 35: 'audit' },
      values: { trace: 10, debug: 20, info: 30, audit: 35, warn: 40, error: 50, fatal: 60 },
    },
    messageKey: 'message',
    errorKey: 'problem',
  }
  const line = '{"level":35,"state":"paid","message":"a","msg":"field"}\n'

  test('it is taken over when it comes', () => {
    const processor = createLineProcessor(ordersRegistry(), { colorize: false, ignore: 'state' })
    processor.configure(config)

    expect(processor.push(Buffer.from(line)).toString()).toBe('AUDIT: [💰] a\n    msg: "field"\n')
  })

  test('it does not replace what the options name', () => {
    const options = {
      colorize: false,
      messageKey: 'msg',
      customLevels: { own: 35 },
      ignore: 'state',
    } as const
    const processor = createLineProcessor(ordersRegistry(), options)
    processor.configure(config)

    expect(processor.push(Buffer.from(line)).toString()).toBe('OWN: [💰] field\n    message: "a"\n')
  })

  test('its levels keep their names beside those that the options name', () => {
    const processor = createLineProcessor(ordersRegistry(), { colorize: false, customLevels: 'own:36' })
    processor.configure(config)

    const shown = [30, 35, 36].map((level) => processor.push(Buffer.from(`{"level":${level}}\n`)).toString())
    expect(shown).toEqual(['INFO:\n', 'AUDIT:\n', 'OWN:\n'])
  })

  test('it keeps half a line that came before', () => {
    const processor = createLineProcessor(ordersRegistry(), { colorize: false, ignore: 'state,msg' })
    const first = processor.push(Buffer.from(line.slice(0, 20)))
    processor.configure(config)

    expect(first).toHaveLength(0)
    expect(processor.push(Buffer.from(line.slice(20))).toString()).toBe('AUDIT: [💰] a\n')
  })

  test('it leaves the standard levels alone when a logger has no others', () => {
    const processor = createLineProcessor(ordersRegistry(), { colorize: false })
    processor.configure({
      ...config,
      levels: { labels: {}, values: { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } },
    })

    expect(processor.push(Buffer.from('{"level":35,"message":"a"}\n')).toString()).toBe('USERLVL: a\n')
  })
})

describe('keys of a record', () => {
  test('it finds fields below the nested key', () => {
    expect(run('{"data":{"state":"paid"},"msg":"a"}\n', { nestedKey: 'data', hideObject: true })).toBe(
      '[💰] a\n',
    )
  })

  test('it finds an error below the error key', () => {
    const registry = ordersRegistry()
    registry.registerEventSet({
      name: 'problems',
      mappings: [{ name: 'code', visualMarkers: { eoops: '😱' } }],
      fieldMappings: [{ logKey: 'err.code', mapping: 'code' }],
    })

    expect(run('{"problem":{"code":"EOOPS"}}\n', { ...json, errorKey: 'problem' }, registry)).toContain('😱')
  })

  test('it shows levels that are labels', () => {
    expect(run('{"level":"warn","state":"paid","msg":"a"}\n', { hideObject: true })).toBe('WARN: [💰] a\n')
  })
})

describe('twice', () => {
  const lines = `${paid}{"state":"lost"}\n{"state":"paid","msg":""}\n{"state":"paid","msg":7}\nno record\n{}\n`

  test.each([
    ['JSON with a field', json],
    ['JSON with the message', jsonMessage],
    ['JSON with plain markers', { ...jsonMessage, markerStyle: 'plain' }],
    ['JSON as text', { ...json, ascii: true }],
    ['JSON as text in the message', { ...jsonMessage, ascii: true }],
    ['JSON without markers', { ...json, markers: 'none' }],
  ] as const)('it changes nothing more: %s', (_, options) => {
    const once = run(lines, options as LineProcessorOptions)

    expect(run(once, options as LineProcessorOptions)).toBe(once)
  })

  test('it shows in text the markers that a JSON line carries, and not the field', () => {
    const registry: EventSetRegistry = ordersRegistry()
    const carried = run(paid, { ...json, metadata: false })
    registry.removeEventSet('orders')

    expect(run(carried, {}, registry)).toBe('INFO: [💰][🚢] sent\n    state: "paid"\n    carrier: "ship"\n')
  })

  test('it shows a message that carries its markers as it is', () => {
    expect(run(run(paid, { ...jsonMessage, metadata: false }), { hideObject: true })).toBe(
      'INFO: [💰][🚢] sent\n',
    )
  })

  test('it finds the text form anew for a record that carries emoji', () => {
    expect(run(run(paid, { ...json, metadata: false }), { ascii: true, hideObject: true })).toBe(
      'INFO: [paid][ship] sent\n',
    )
  })
})

test('it sees a set that is registered between two lines', () => {
  const registry = ordersRegistry()
  const processor = createLineProcessor(registry, json)
  const line = Buffer.from('{"colour":"red"}\n')
  const before = processor.push(line).toString()
  registry.registerEventSet({
    name: 'colours',
    mappings: [{ name: 'colour', visualMarkers: { red: '🔴' } }],
    fieldMappings: [{ logKey: 'colour', mapping: 'colour' }],
  })

  expect(before).toBe('{"colour":"red"}\n')
  expect(processor.push(line).toString()).toBe('{"colour":"red","markers":["🔴"]}\n')
})

test('it shows a record that cannot be rendered as its line, made safe', () => {
  const line = '{"name":{"toString":"\u202ex"},"msg":"a"}\n'

  expect(run(line)).toBe('{"name":{"toString":"x"},"msg":"a"}\n')
})

describe('text for a terminal', () => {
  const terminal = { isTerminal: true, maxLineBytes: 1024 }
  const hostile = 'a\u009b31mb\u202ec\u200bd\u001b]0;x\u0007\re'

  test('it takes what could act on the terminal out of a record that is cut off', () => {
    expect(run(`{"msg":"${hostile}\n`, terminal)).toBe('{"msg":"a?31mb?c?d?]0;x??e\n')
  })

  test('it takes it out of a line over the limit, newline and all else kept', () => {
    const long = `{"msg":"${hostile.repeat(200)}"}\n`

    expect(run(long, terminal)).toBe(`{"msg":"${'a?31mb?c?d?]0;x??e'.repeat(200)}"}\n`)
  })

  test('it does so when a character is cut by the end of a chunk, or made by what goes', () => {
    const processor = createLineProcessor(ordersRegistry(), { colorize: false, ...terminal })
    const chunks = [`{"msg":"${'x'.repeat(2000)}\xc2`, '\x9b31m\xc2\x07\x9b', '2J"}\n']

    const output = chunks
      .map((chunk) => processor.push(Buffer.from(chunk, 'latin1')).toString('latin1'))
      .join('')

    expect(output).toBe(`{"msg":"${'x'.repeat(2000)}?31m\xc2?\x9b2J"}\n`)
    expect(Buffer.from(output, 'latin1').toString('utf8')).not.toContain('\u009b')
  })

  test('it leaves a line that is no record as it is, colours and all', () => {
    expect(run('\u001b[32mok\u001b[39m\n', terminal)).toBe('\u001b[32mok\u001b[39m\n')
  })

  test.each([
    ['JSON', { ...terminal, output: 'json' } as const],
    ['text for a file', { maxLineBytes: 1024 }],
  ])('it leaves everything as it is in %s', (_, options) => {
    expect(run(`{"msg":"${hostile}\n`, options)).toBe(`{"msg":"${hostile}\n`)
  })
})

describe('metadata without a marker', () => {
  const registry = new EventSetRegistry()
  registry.registerEventSet({
    name: 'quiet',
    mappings: [{ name: 'size', metadataFields: { big: { weight: 'heavy' } } }],
    fieldMappings: [{ logKey: 'size', mapping: 'size' }],
  })
  registry.registerEventSet({
    name: 'loud',
    mappings: [{ name: 'weight', visualMarkers: { heavy: '🐘' } }],
    fieldMappings: [{ logKey: 'weight', mapping: 'weight' }],
  })

  test('it marks a record as enriched, so that the second time no other set reads what was added', () => {
    const once = run('{"size":"big"}\n', json, registry)

    expect(once).toBe('{"size":"big","weight":"heavy","markers":[]}\n')
    expect(run(once, json, registry)).toBe(once)
  })
})
