import fc from 'fast-check'
import type { LineProcessorOptions } from '../../src/pino/line-processor.ts'
import { hostileJson, hostileRecord, hostileText } from '../properties/hostile-records.ts'

// Byte strings (latin1): what is wrong with a line may be its bytes.

const utf8 = (text: string) => Buffer.from(text, 'utf8').toString('latin1')

const word = fc.constantFrom(
  ...['request completed', 'hello', 'payment_processed', 'pay_done', 'PAY.done', 'a.b_c', '[odd] hello', ''],
  ...[
    '[✅] hello',
    '[✅][🔥] x',
    '[✅][',
    '✅ hello',
    '[2xx] a',
    '⚠️ x',
    'paid',
    'lost',
    'POST',
    'ok',
    'OK',
    'bad',
  ],
  ...[
    'connect ECONNREFUSED 127.0.0.1:5432',
    'SELECT * FROM users',
    '5',
    '204',
    '5.50',
    '2xx',
    'default',
    'info',
  ],
  ...[
    'Error: x\n    at a (b.js:1:2)',
    'C:\\dir\\new',
    '"q"',
    'naïve café',
    '日本',
    'İ',
    '\u212a',
    'constructor',
  ],
)
const text = fc.oneof(
  { weight: 4, arbitrary: word },
  hostileText,
  fc.string({ unit: 'binary', maxLength: 8 }),
)

/** A text as the inside of a JSON string, some of its characters as escapes that nobody needs. */
const content = fc.tuple(text, fc.array(fc.nat(3), { minLength: 1, maxLength: 5 })).map(([value, dice]) => {
  const plain = JSON.stringify(value).slice(1, -1)
  if (dice[0] !== 3) return utf8(plain)
  return utf8(
    plain.replace(/[^\\]|\\(?:u.{4}|.)/gsu, (piece, at: number) =>
      piece.startsWith('\\') || dice[at % dice.length] !== 3
        ? piece
        : [...Array(piece.length).keys()].map((index) => toEscape(piece.charCodeAt(index), at)).join(''),
    ),
  )
})

function toEscape(code: number, at: number): string {
  if (code === 47 && at % 2 === 0) return '\\/'
  const hex = code.toString(16).padStart(4, '0')
  return `\\u${at % 2 === 0 ? hex : hex.toUpperCase()}`
}

const string = content.map((inner) => `"${inner}"`)
const number = fc.oneof(
  fc.constantFrom(
    ...[
      '0',
      '-0',
      '5',
      '5.5',
      '204',
      '404',
      '1e999',
      '-1e999',
      '1E+2',
      '0.10',
      '1.0',
      '12345678901234567890',
    ],
    ...['0.0000001', '0.000001', '5e-324', '1e21', '123456789012345', '0.1234567890123456', '200.5', '2e2'],
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer({ min: 0, max: 700 }).map(String),
)
const scalar = fc.oneof(string, number, fc.constantFrom('true', 'false', 'null'))
const value = fc.oneof(
  { weight: 5, arbitrary: scalar },
  scalar.map((inner) => `[${inner}]`),
  hostileJson.map(utf8),
)

const level = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('10', '20', '30', '40', '50', '60') },
  fc.constantFrom('35', '30.5', '3e1', '"info"', '"INFO"', '"audit"', '"odd"', '"in\\u200bfo"', '"a:"', '""'),
  value,
)
const time = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1_767_600_000_000, max: 1_767_600_200_000 }).map(String) },
  fc.integer({ min: -1000, max: 4_000_000_000 }).map((second) => String(second * 1000 + 7)),
  fc.constantFrom(
    '0',
    '-1',
    '170000000000',
    '17000000000000',
    '1700000000000.5',
    '1.7e12',
    '8640000000000001',
  ),
  fc.constantFrom('"2024-03-31T01:30:00Z"', '"1700000000000"', '"x"', '"12:00:"', '"a\\nb"', '"\\u202e"'),
  value,
)
const error = fc
  .tuple(string, string, value)
  .map(
    ([message, stack, cause]) =>
      `{"type":"Error","message":${message},"stack":${stack},"cause":{"stack":${stack},"code":${cause}}}`,
  )
const carried = fc.array(string, { maxLength: 3 }).map((markers) => `[${markers.join(',')}]`)

const keyName = fc.constantFrom(
  ...[
    'method',
    'status',
    'statusCode',
    'req',
    'res',
    'code',
    'type',
    'stack',
    'caller',
    'timestamp',
    'state',
  ],
  ...[
    'http.method',
    'http',
    'request',
    'a',
    'b',
    'a.b',
    'b.c',
    'a.b.c',
    'x.status',
    'pay',
    'pay.status',
    'extra',
  ],
  ...[
    'b.extra',
    'message',
    'severity',
    'ts',
    '__proto__',
    'constructor',
    '',
    '0',
    '12',
    '01',
    'k1',
    'k2',
    'toJSON',
  ],
)
const key = fc.oneof({ weight: 6, arbitrary: keyName.map(utf8) }, content)

type Member = readonly [key: string, value: string]
const pair = <K extends string>(name: K, arbitrary: fc.Arbitrary<string>) =>
  arbitrary.map((data): Member => [name, data])

const member: fc.Arbitrary<Member> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(key, value) },
  { weight: 2, arbitrary: pair('msg', fc.oneof(string, value)) },
  pair('level', level),
  pair('time', time),
  pair('name', value),
  pair('pid', value),
  pair('markers', fc.oneof({ weight: 3, arbitrary: carried }, value)),
  fc.tuple(fc.constantFrom('err', 'error', 'reason'), fc.oneof(error, value)),
  // Objects below known keys, and keys twice in them.
  fc
    .tuple(key, fc.array(fc.tuple(key, value), { maxLength: 4 }))
    .map(([name, members]): Member => [name, objectOf(members)]),
)

function objectOf(members: readonly Member[], space = ''): string {
  const inner = members.map(([name, data]) => `"${name}"${space}:${space}${data}`).join(`${space},${space}`)
  return `${space}{${space}${inner}${space}}${space}`
}

/** Valid records: what a logger writes first, and then anything. */
const record = fc
  .record({
    head: fc.subarray<Member>([
      ['level', '30'],
      ['time', '1767600000123'],
      ['pid', '4242'],
      ['hostname', '"web-1"'],
    ]),
    members: fc.array(member, { maxLength: 7 }),
    message: fc.option(string, { freq: 5 }),
    space: fc.oneof({ weight: 6, arbitrary: fc.constant('') }, fc.constantFrom(' ', '\t', '\r', ' \t ')),
  })
  .map(({ head, members, message, space }) =>
    objectOf([...head, ...members, ...(message === null ? [] : [['msg', message] as const])], space),
  )

const piece = fc.oneof(
  fc.constantFrom(
    ...[
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      'e',
      '.',
      '-',
      ' ',
      '\t',
      '\r',
      '\0',
      '\x1f',
      '\x7f',
      '\\u',
    ],
    ...[
      '\x80',
      '\xc0\x80',
      '\xc2',
      '\xe2\x80',
      '\xe2\x80\x8b',
      '\xed\xa0\x80',
      '\xf0\x9f\x98',
      '\xf4\x90\x80\x80',
    ],
    ...['\xff', '\xef\xbb\xbf', '\xe0\x80\x80', 'NaN', "'", 'tru', '{}', '\\"', '\\x'],
  ),
  fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
)
/** A line with some bytes put in, taken out, written over, doubled or cut off. */
const mutated = fc
  .tuple(record, fc.array(fc.tuple(fc.nat(4), fc.nat(), piece, fc.nat(20)), { minLength: 1, maxLength: 3 }))
  .map(([line, changes]) => {
    let text = line
    for (const [kind, place, inserted, length] of changes) {
      const at = place % (text.length + 1)
      const [before, after] = [text.slice(0, at), text.slice(at)]
      if (kind === 0) text = before + inserted + after
      else if (kind === 1) text = before + after.slice(1 + length)
      else if (kind === 2) text = before + inserted + after.slice(inserted.length)
      else if (kind === 3) text = before + after.slice(0, length) + after
      else text = before
    }
    return text
  })

const other = fc.oneof(
  hostileRecord.map(utf8),
  hostileJson.map(utf8),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.constantFrom(
    '',
    '\r',
    '{}',
    ' { } ',
    '{}\r',
    '[]',
    'null',
    '\xef\xbb\xbf{}',
    '{}{}',
    '{"a":1,}',
    'text',
    '{',
  ),
  fc.tuple(fc.constantFrom('[', '{"a":'), fc.integer({ min: 1, max: 200 })).map(([opening, depth]) => {
    const closing = opening === '[' ? ']' : '}'
    return `{"level":30,"b":${opening.repeat(depth)}1${closing.repeat(depth)},"msg":"deep"}`
  }),
  fc
    .integer({ min: 60, max: 210 })
    .map((count) => `{"level":30,${[...Array(count).keys()].map((index) => `"k${index}":1`).join(',')}}`),
)

/** Any line, without its newline, as a byte string. */
export const anyLine = fc
  .oneof({ weight: 5, arbitrary: record }, { weight: 3, arbitrary: mutated }, { weight: 2, arbitrary: other })
  .map((line) => line.replaceAll('\n', ' '))

/** Lines that are JSON more often than not, and just not JSON nearly as often. */
export const nearlyJson = fc.oneof(record, mutated).map((line) => line.replaceAll('\n', ' '))

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 1 })
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
const topKey = fc.constantFrom(
  ...[
    'msg',
    'message',
    'level',
    'time',
    'name',
    'err',
    'error',
    'state',
    'a',
    'a.b',
    'stack',
    'markers',
    'type',
  ],
  ...['severity', 'pid', 'ts', 'timestamp', 'caller', 'status'],
)

const common = {
  markers: maybe(fc.constantFrom('message', 'field', 'none')),
  markerStyle: maybe(fc.constantFrom('brackets', 'plain')),
  markersField: rarely(fc.constantFrom('a.b', 'extra', 'b.extra', 'tags')),
  ascii: rarely(fc.constant(true)),
  minimumLevel: rarely(fc.constantFrom(40, 'info', 'audit', 30.5)),
  messageKey: rarely(topKey),
  errorKey: rarely(topKey),
  levelKey: rarely(topKey),
  customLevels: rarely(fc.constantFrom('audit:35,odd:99', 'info:1')),
  isTerminal: rarely(fc.constant(true)),
}

/** Options in any combination. */
export const anyOptions: fc.Arbitrary<LineProcessorOptions> = fc
  .oneof(
    fc.record({ ...common, output: fc.constant('json'), metadata: maybe(fc.boolean()) }),
    fc.record({
      ...common,
      output: fc.constant('pretty'),
      // Text with metadata, or with markers as a field, is left to the plain way.
      markers: rarely(fc.constantFrom('message', 'field', 'none')),
      colorize: fc.boolean(),
      colorizeObjects: rarely(fc.constant(false)),
      singleLine: maybe(fc.boolean()),
      levelFirst: rarely(fc.constant(true)),
      hideObject: rarely(fc.constant(true)),
      crlf: rarely(fc.constant(true)),
      timestampKey: rarely(topKey),
      useOnlyCustomProps: rarely(fc.constant(false)),
      customColors: rarely(fc.constantFrom('info:red,message:bgBlue', 'odd:magenta,property:green')),
      errorLikeObjectKeys: rarely(
        fc.constantFrom('err,error,state', 'error', 'toString', 'a,b', 'time', 'a.b'),
      ),
      translateTime: maybe(
        fc.constantFrom(
          ...[
            true,
            false,
            'SYS:standard',
            'HH:MM',
            'UTC:yyyy',
            'SYS:HH:MM:ss.l',
            'UTC:h:MM:ss TT Z',
            'L',
            'l',
          ],
          ...["'853'l", 's.l', 'ss ss', 'lL', 'M:ss', "HH:MM:ss.l'ü'", 'x:'],
        ),
      ),
      ignore: maybe(
        fc.constantFrom(
          ...[
            '',
            'pid,hostname',
            'time,pid,hostname',
            'level',
            'name',
            'err',
            'err.stack',
            'stack',
            'timestamp',
          ],
          ...['caller,stack', 'a,b', 'a, b', 'hostname,', '__proto__', '0', 'markers', 'state'],
        ),
      ),
    }),
  )
  .map(
    (options) =>
      Object.fromEntries(
        Object.entries(options).filter(([, option]) => option !== undefined),
      ) as LineProcessorOptions,
  )
