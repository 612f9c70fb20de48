import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLineProcessor, type LineProcessorOptions } from '../../src/pino/line-processor.ts'
import { ordersRegistry } from '../fixtures/orders.ts'
import { hostileRecord, hostileText } from './hostile-records.ts'

/** Written down anew, not imported: what no terminal may get from a record. */
const UNSAFE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/u

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const keyName = fc.constantFrom('msg', 'message', 'level', 'time', 'name', 'err', 'state', 'a.b', 'stack')

const options = fc.record({
  colorizeObjects: maybe(fc.boolean()),
  singleLine: maybe(fc.boolean()),
  hideObject: maybe(fc.boolean()),
  levelFirst: maybe(fc.boolean()),
  crlf: maybe(fc.boolean()),
  useOnlyCustomProps: maybe(fc.boolean()),
  translateTime: maybe(fc.constantFrom(true, false, 'SYS:standard', 'HH:MM', 'UTC:yyyy')),
  messageFormat: maybe(
    fc.constantFrom(
      '{msg}',
      '{levelLabel} {name} {err.stack} {msg}',
      '{if state}{state}\n{end}{msg}',
      '{msg}{msg}',
      'x',
    ),
  ),
  errorProps: maybe(fc.constantFrom('*', 'code,cause,name', 'stack,__proto__')),
  errorLikeObjectKeys: maybe(fc.constantFrom('err,error,state', 'name', 'toString')),
  ignore: maybe(fc.constantFrom('time,pid,hostname', 'level,time,msg', 'err.stack', 'hostname')),
  include: maybe(fc.constantFrom('level,msg', 'err,state', 'stack,type')),
  customLevels: maybe(fc.constantFrom('audit:35,odd:99', 'info:1')),
  customColors: maybe(fc.constantFrom('info:red,message:bgBlue', 'odd:magenta,property:green')),
  messageKey: maybe(keyName),
  levelKey: maybe(keyName),
  timestampKey: maybe(keyName),
  markers: maybe(fc.constantFrom('message', 'field', 'none')),
  markerStyle: maybe(fc.constantFrom('brackets', 'plain')),
  ascii: maybe(fc.boolean()),
  metadata: maybe(fc.boolean()),
}) as fc.Arbitrary<LineProcessorOptions>

function render(line: string, given: LineProcessorOptions, registry = ordersRegistry()): string {
  const processor = createLineProcessor(registry, { colorize: false, ...given })
  return processor.push(Buffer.from(`${line}\n`)).toString('utf8')
}

/** What of a text would act on a terminal; newlines and, where asked for, their carriage returns are lines. */
function unsafeIn(text: string, isCrlf: boolean | undefined): string | undefined {
  return UNSAFE.exec(isCrlf ? text.replaceAll('\r\n', '\n') : text)?.[0]
}

test('it writes nothing of a record that could act on a terminal', () => {
  fc.assert(
    fc.property(hostileRecord, options, (line, given) => {
      expect(unsafeIn(render(line, given), given.crlf)).toBeUndefined()
    }),
    { numRuns: 800 },
  )
})

test('it writes a record as lines of which all but the first begin with four spaces, and ends the last', () => {
  fc.assert(
    fc.property(hostileRecord, options, (line, given) => {
      const text = render(line, given)

      expect(text === '' || text.endsWith('\n')).toBe(true)
      const [, ...others] = text.split('\n').slice(0, -1)
      expect(others.filter((other) => !other.startsWith('    '))).toEqual([])
    }),
    { numRuns: 800 },
  )
})

test('it writes no colour but its own: without the codes the text is that of no colour', () => {
  fc.assert(
    fc.property(hostileRecord, options, (line, given) => {
      const coloured = render(line, { ...given, colorize: true })

      // A message that ends with a newline may leave an empty last line, of which the colour makes a visible one.
      expect(coloured.replace(/\u001b\[\d{1,2}m/g, '').trimEnd()).toBe(render(line, given).trimEnd())
    }),
    { numRuns: 500 },
  )
})

test('it begins a record with its own time and level, whatever its texts say', () => {
  fc.assert(
    fc.property(hostileText, hostileText, hostileText, options, (msg, name, text, given) => {
      const { levelFirst, singleLine, hideObject, crlf, markers, markerStyle, ascii } = given
      const line = JSON.stringify({
        level: 30,
        time: 1_700_000_000_000,
        msg,
        name,
        [text]: text,
        state: text,
      })

      const shown = render(line, { levelFirst, singleLine, hideObject, crlf, markers, markerStyle, ascii })

      const heads = shown.split('\n').filter((part) => part !== '' && !part.startsWith('    '))
      expect(heads).toHaveLength(1)
      expect(heads[0]).toMatch(levelFirst ? /^INFO \[22:13:20\.000\]/ : /^\[22:13:20\.000\] INFO/)
    }),
    { numRuns: 500 },
  )
})

test('it writes nothing unsafe of a set either: markers, text forms and metadata', () => {
  fc.assert(
    fc.property(hostileText, hostileText, hostileText, options, (marker, key, metadata, given) => {
      const registry = ordersRegistry()
      try {
        registry.registerEventSet({
          name: 'hostile',
          mappings: [
            {
              name: 'any',
              visualMarkers: { [`x${key}`]: `x${marker}` },
              metadataFields: { [`x${key}`]: { [`x${metadata}`]: metadata } },
            },
          ],
          fieldMappings: [{ logKey: 'any', mapping: 'any' }],
        })
      } catch {
        // Sets are checked before anything is shown of them.
      }
      const text = render(
        JSON.stringify({ level: 30, any: `x${key}`, msg: 'a' }),
        { ...given, metadata: true },
        registry,
      )

      expect(unsafeIn(text, given.crlf)).toBeUndefined()
      expect(
        text
          .split('\n')
          .slice(1, -1)
          .filter((part) => !part.startsWith('    ')),
      ).toEqual([])
    }),
    { numRuns: 500 },
  )
})

test.each([
  ['a forged record in a message', { level: 30, msg: 'ok\n[12:00:00.000] FATAL (1): forged' }],
  [
    'a forged record in a message, by a carriage return',
    { level: 30, msg: 'ok\r[12:00:00.000] FATAL: forged' },
  ],
  ['a forged record in a name', { level: 30, name: 'a): x\n[12:00:00.000] FATAL (1', msg: 'ok' }],
  ['a forged record in a host name', { level: 30, pid: 1, hostname: 'a\nFATAL: forged', msg: 'ok' }],
  ['a forged record in a time', { level: 30, time: '1\nFATAL: forged', msg: 'ok' }],
  ['a forged record in a caller', { level: 30, caller: 'x>\nFATAL: forged', msg: 'ok' }],
  ['a forged record in a key', { level: 30, 'a\nFATAL: forged': 1, msg: 'ok' }],
  ['a forged record in a stack', { level: 30, err: { stack: 'Error\nFATAL: forged' }, msg: 'ok' }],
  ['a forged record in an old stack', { level: 30, type: 'Error', stack: 'Error\nFATAL: forged', msg: 'ok' }],
  ['a forged record in the markers it carries', { level: 30, markers: ['a]\nFATAL: forged'], msg: 'ok' }],
])('it does not fall for %s', (_, record) => {
  for (const given of [
    {},
    { singleLine: true },
    { errorProps: '*' },
    { messageFormat: '{name} {err.stack} {msg}' },
  ]) {
    const shown = render(JSON.stringify(record), given)

    expect(shown.split('\n').filter((line) => line !== '' && !line.startsWith('    '))).toHaveLength(1)
    expect(shown).not.toMatch(/^(\[.*\] )?FATAL/m)
  }
})
