import fc from 'fast-check'

/** Pieces of text that act on terminals, hide, reorder, forge, or confuse a renderer. */
const hostilePiece = fc.constantFrom(
  '\u001b[31m',
  '\u001b[2J',
  '\u001b]8;;https://evil.example\u0007',
  '\u001b]52;c;ZXZpbA==\u001b\\',
  '\u009b31m',
  '\u009d0;title\u009c',
  '\u0000',
  '\b\b\b',
  '\r',
  '\n',
  '\r\n',
  '\n\n',
  '\n[12:00:00.000] FATAL (1): forged\n',
  '\u0085',
  '\u2028',
  '\v\f',
  '\u007f',
  '\u202e',
  '\u2066',
  '\u200b',
  '\ufeff',
  '\udb40',
  '\udc41',
  '\u{e0041}',
  '\ud83d',
  '\\',
  '\\u001b[31m',
  '\\n',
  '"',
  '",\n"stack": "',
  '{msg}',
  '{if msg}x{end}',
  '$&',
  "$'",
  '    ',
  '\t',
  '🎉',
  'ü',
  '[💰]',
  'a',
  'word',
)

export const hostileText = fc
  .array(fc.oneof({ weight: 3, arbitrary: hostilePiece }, fc.string({ maxLength: 5 })), { maxLength: 6 })
  .map((pieces) => pieces.join(''))

const knownKey = fc.constantFrom(
  'level',
  'time',
  'timestamp',
  'msg',
  'message',
  'name',
  'pid',
  'hostname',
  'caller',
  'v',
  'err',
  'error',
  'type',
  'stack',
  'code',
  'cause',
  'aggregateErrors',
  'state',
  'carrier',
  'markers',
  'order.ok',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'toJSON',
  'length',
  'msg\u200b',
  'level\u0000',
)

const key = fc.oneof({ weight: 4, arbitrary: knownKey }, hostileText)

const scalar = fc.oneof(
  hostileText,
  fc.constantFrom('Error', 'paid', 'lost', 'info', 'FATAL', 'audit', 30, 50, 60, 35, 0, -1, 1e300),
  fc.integer(),
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc.boolean(),
  fc.constant(null),
)

/** JSON texts, objects among them with duplicate keys and with `__proto__`. */
const { value } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'json' },
    scalar.map((data) => JSON.stringify(data)),
    fc
      .array(tie('value'), { maxLength: 3, depthIdentifier: 'json' })
      .map((elements) => `[${elements.join(',')}]`),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(key, tie('value')), { maxLength: 6, depthIdentifier: 'json' })
    .map((members) => `{${members.map(([name, data]) => `${JSON.stringify(name)}:${data}`).join(',')}}`),
}))

/** A JSON object as text, of the members that loggers write and of hostile ones. */
export const hostileRecord = fc
  .array(
    fc.tuple(key, fc.oneof({ weight: 2, arbitrary: scalar.map((data) => JSON.stringify(data)) }, value)),
    {
      maxLength: 9,
    },
  )
  .map((members) => `{${members.map(([name, data]) => `${JSON.stringify(name)}:${data}`).join(',')}}`)

/** Any JSON text. */
export const hostileJson = value
