import { expect, test } from 'vitest'
import type { EventSet } from '../../src/core/event-set.ts'
import type { LineProcessorOptions } from '../../src/pino/line-processor.ts'
import { chunkOf, expectSame, HEAD, registryOf, type Step } from './differential.ts'

// What a scanner remembers has its bounds; what is beyond them must be forgotten, or found out anew.

const json: LineProcessorOptions = { output: 'json' }
const numbers = (count: number) => [...Array(count).keys()]
const mapped: EventSet = {
  name: 'test',
  mappings: [
    {
      name: 'value',
      visualMarkers: { v1: '🦄', v9000: '🐌', low: '🔽', default: '❔' },
      ranges: { low: [null, 100] },
    },
    { name: 'word', visualMarkers: { select: '🔎', default: '❔' }, transformations: { '*': 'firstWord' } },
    ...numbers(14).map((index) => ({ name: `m${index}`, visualMarkers: { ok: '✅', bad: '❌' } })),
  ],
  fieldMappings: [
    { logKey: 'state', mapping: 'value' },
    { logKey: 'amount', mapping: 'value' },
    { logKey: 'sql', mapping: 'word' },
    ...numbers(14).map((index) => ({ logKey: `f${index}`, mapping: `m${index}` })),
  ],
}
const registry = () => registryOf([mapped])

test.each<[string, string[], LineProcessorOptions?]>([
  ['more values than it remembers', numbers(26_000).map((index) => `{"state":"v${index % 13_000}"}`), json],
  [
    'more long values than fit into its memory',
    numbers(4000).map((index) => `{"state":"1${'é'.repeat(110)}${index % 2000}"}`),
    json,
  ],
  [
    'values longer than it remembers',
    numbers(50).map((index) => `{"state":"1${'x'.repeat(200 + index * 5)}"}`),
    json,
  ],
  [
    'texts of which the first word counts, with every length and end of it',
    numbers(260).flatMap((length) =>
      ['', ' ', '(', ';', ',', '\\t', 'é', '\\u0020'].map((end) => `{"sql":"${'s'.repeat(length)}${end}x"}`),
    ),
    json,
  ],
  [
    'more combinations than it remembers',
    // Seven thousand of the sixteen thousand that these fields can have, twice.
    numbers(14_000).map((index) => {
      const bits = (index % 7000) * 2
      return `{${numbers(14)
        .map((field) => `"f${field}":"${((bits >> field) & 1) === 1 ? 'ok' : 'bad'}"`)
        .join(',')}}`
    }),
    json,
  ],
  [
    'more levels than it remembers',
    numbers(600).map((index) => `{"level":${index % 300},"time":1,"msg":"a"}`),
  ],
  [
    'more lists of markers than it remembers',
    numbers(2400).map((index) => `{${HEAD},"markers":["m${index % 1200}"],"msg":"a"}`),
  ],
  [
    'times of more seconds than it remembers',
    numbers(3000).map(
      (index) => `{"level":30,"time":${1_767_600_000_000 + ((index * 7919) % 1500) * 997},"msg":"a"}`,
    ),
  ],
  [
    'times that differ by as many seconds as it remembers',
    numbers(600).map(
      (index) => `{"level":30,"time":${1_767_600_000_000 + (index % 3) * 256_000 + index},"msg":"a"}`,
    ),
  ],
  [
    'numbers on, between and beyond the ends of ranges',
    [
      '-1e999',
      '-0',
      '0',
      '99.999',
      '100',
      '100.0',
      '1e2',
      '100.00000000000001',
      '100.5',
      '1e999',
      '123456789012345678',
    ].map((number) => `{"amount":${number}}`),
    json,
  ],
  [
    'more values in a record than it takes down',
    [10, 59, 60, 61, 100].map(
      (count) =>
        `{${numbers(count)
          .map((index) => `"f${index % 14}${' '.repeat(index)}":"ok"`)
          .join(',')},"state":"v1"}`,
    ),
    json,
  ],
  [
    'more keys in an object than it looks through',
    [198, 199, 200, 201, 400].flatMap((count) => {
      const members = numbers(count).map((index) => `"k${index}":${index}`)
      return [
        `{${HEAD},${members.join(',')}}`,
        `{${HEAD},${members.join(',')},"k0":1}`,
        `{${HEAD},"a":{${members.join(',')},"k7":1}}`,
      ]
    }),
  ],
  [
    'more errors than it keeps',
    [14, 15, 16, 17].map(
      (count) =>
        `{${HEAD},${numbers(count)
          .map((index) => `"e${index}":{"stack":"a\\nb"}`)
          .join(',')}}`,
    ),
    { errorLikeObjectKeys: numbers(20).map((index) => `e${index}`) },
  ],
  [
    'deeper values than it follows',
    numbers(70).flatMap((depth) => [
      `{${HEAD},"a":${'['.repeat(depth)}1${']'.repeat(depth)}}`,
      `{${HEAD},"a":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`,
    ]),
  ],
])('it writes the same for %s', (_, lines, options) => {
  expectSame({ options, registry, steps: [chunkOf(lines)] })
})

test.each(['json', 'pretty'] as const)('it writes long lines and short ones alike, as %s', (output) => {
  const lines: string[] = []
  for (const length of [
    65_000, 65_400, 65_536, 65_700, 131_072, 262_144, 300_000, 1_048_500, 1_048_600, 1_300_000,
  ]) {
    lines.push(`{${HEAD},"k":"${'x'.repeat(length)}","state":"v1"}`, `{${HEAD},"state":"v1","msg":"next"}`)
    lines.push(
      `{${HEAD},"k":[${'1,'.repeat(length / 2)}1]}`,
      `${'text '.repeat(length / 5)}`,
      `{${HEAD},"k":"é"}`,
    )
  }
  const bytes = chunkOf(lines)
  for (const size of [bytes.length, 100_003]) {
    const steps: Step[] = []
    for (let at = 0; at < bytes.length; at += size) steps.push({ room: bytes.subarray(at, at + size) })
    expectSame({ options: { output }, registry, steps })
  }
})

test('it writes the same for a log with more text than its output holds', () => {
  const lines = numbers(20_000).map((index) =>
    index % 7 === 0
      ? `plain text ${index}`
      : `{${HEAD},"state":"v${index % 40}","req":{"id":${index},"k":["a",{"b":null}]},"msg":"m ${index}"}`,
  )
  for (const options of [
    json,
    {},
    { singleLine: true, minimumLevel: 40 },
    { ...json, markers: 'message' },
  ] as const)
    expect(expectSame({ options, registry, steps: [chunkOf(lines)] })).toContain('plain text 19999')
})

test('it forgets nothing of a line when sets and keys change in the middle of it', () => {
  const late: EventSet = {
    name: 'late',
    priority: 900,
    mappings: [{ name: 'any', visualMarkers: { default: '🆕' } }],
    fieldMappings: [{ logKey: 'state', mapping: 'any' }],
  }
  const line = `{${HEAD},"state":"v1","msg":"a","message":"b"}\n`
  const config = { levels: { labels: {}, values: { audit: 30 } }, messageKey: 'message', errorKey: 'error' }
  for (const output of ['json', 'pretty'] as const) {
    const text = expectSame({
      options: { output },
      registry,
      steps: [
        Buffer.from(line + line.slice(0, 60)),
        (_, sets) => sets.registerEventSet(late),
        { room: Buffer.from(line.slice(60, 70)) },
        { room: Buffer.from(line.slice(70) + line + line.slice(0, 20)) },
        (processor) => processor.configure(config),
        Buffer.from(line.slice(20) + line),
        (_, sets) => sets.removeEventSet('late'),
        { room: Buffer.from(line) },
      ],
    })
    expect(text.match(/🆕/gu)).toHaveLength(5 - 1)
    expect(text.match(/🦄/gu)).toHaveLength(2)
  }
})

test('it takes over a set that is registered between the making of room and the bytes that are put there', () => {
  const line = `{${HEAD},"state":"v1","msg":"a"}\n`
  const late: EventSet = { ...mapped, name: 'late', priority: 900 }
  const steps: Step[] = [
    Buffer.from(line),
    (processor, sets) => {
      const room = processor.room()
      const bytes = room.write(line)
      sets.removeEventSet('test')
      let text = ''
      processor.takeFrom(room, bytes, (part) => {
        text += part.toString()
      })
      expect(text).not.toContain('🦄')
      sets.registerEventSet(late)
    },
    Buffer.from(line),
  ]
  expect(expectSame({ registry, steps }).match(/🦄/gu)).toHaveLength(2)
})
