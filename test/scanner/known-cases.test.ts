import { expect, test } from 'vitest'
import type { EventSet } from '../../src/core/event-set.ts'
import type { LineProcessorOptions } from '../../src/pino/line-processor.ts'
import { chunkOf, expectSame, HEAD, registryOf } from './differential.ts'

/** A set with one mapping, for the values of `state` unless told otherwise. */
function stateSet(
  visualMarkers: Record<string, string>,
  metadataFields: Record<string, Record<string, string | number>> = {},
  logKey = 'state',
): EventSet {
  return {
    name: 'test',
    priority: 500,
    mappings: [{ name: 'value', visualMarkers, metadataFields }],
    fieldMappings: [{ logKey, mapping: 'value' }],
  }
}

interface Case {
  readonly options?: LineProcessorOptions
  readonly sets?: readonly EventSet[]
  readonly lines: readonly string[]
}

// Each of these was once written otherwise by a scanner than by the plain way.
const cases: { readonly [title: string]: Case } = {
  'a time with characters that are not shown': {
    lines: ['{"time":"\\u202e","k":1}', '{"time":"2024\u200b","k":1}', '{"time":"\\b","k":1}'],
  },
  'a time of several lines': { lines: ['{"time":"\\nt","k":1}'] },
  'a format of time of several lines': {
    options: { translateTime: 'HH\nMM' },
    lines: [`{${HEAD},"msg":"a"}`, '{"level":30,"time":17.5,"msg":"a"}'],
  },
  'a level with characters that are not shown': { lines: ['{"level":"in\u200bfo","time":1,"msg":"a"}'] },
  'the name of a level of several lines': {
    options: { customLevels: { 'a\nb': 30 } },
    lines: [`{${HEAD},"msg":"a"}`],
  },
  'the name of a level that ends with a colon': {
    options: { customLevels: { 'a:': 30 } },
    lines: [`{${HEAD},"msg":"a"}`, '{"level":30,"msg":"a"}'],
  },
  'levels beyond all numbers, of which one is hidden': {
    options: { output: 'json', minimumLevel: 40 },
    lines: ['{"level":-1e999}', '{"level":1e999}', '{"level":-1e999}'],
  },
  'a message that begins with the markers that the record brings': {
    lines: [
      `{${HEAD},"markers":["foo"],"msg":"a"}`,
      `{${HEAD},"markers":["foo"],"msg":"[foo] b"}`,
      `{${HEAD},"markers":["foo"],"msg":"[foo]"}`,
      `{${HEAD},"markers":["foo","bar"],"msg":"a"}`,
      `{${HEAD},"markers":["foo","bar"],"msg":"[foo][b\\u0061r] b"}`,
    ],
  },
  'a message that begins with the markers that the record brings, without brackets': {
    options: { markerStyle: 'plain' },
    lines: [
      `{${HEAD},"markers":["foo"],"msg":"a"}`,
      `{${HEAD},"markers":["foo"],"msg":"foo b"}`,
      `{${HEAD},"markers":["foo"],"msg":"food"}`,
    ],
  },
  'markers that the record brings and of which nothing is shown': {
    options: { markerStyle: 'plain' },
    lines: [`{${HEAD},"markers":["\u2060"]}`, `{${HEAD},"markers":["\u2060"],"msg":"a"}`],
  },
  'a message that begins with a marker as it is shown, which is not as it stands in the set': {
    sets: [stateSet({ paid: '4️⃣' })],
    lines: [`{${HEAD},"state":"paid","msg":"a"}`, `{${HEAD},"state":"paid","msg":"[4⃣] a"}`],
  },
  'a message that begins with a plain marker with a blank in it': {
    options: { output: 'json', markers: 'message', markerStyle: 'plain' },
    sets: [stateSet({ paid: '🦄 hot' })],
    lines: ['{"state":"paid","msg":"a"}', '{"state":"paid","msg":"🦄 hot a"}'],
  },
  'a field for markers whose name is a path as well': {
    options: { output: 'json', markersField: 'x.y' },
    sets: [stateSet({ paid: '🦄' }, { paid: { 'x.y.z': 1, 'x.y': 2, other: 1 } })],
    lines: [
      '{"state":"paid","x":{"y":["a"]}}',
      '{"state":"paid","x.y":["a"]}',
      '{"state":"paid","x":{"y":["a"]}}',
    ],
  },
  'a field for markers that holds an object': {
    options: { output: 'json' },
    sets: [stateSet({ paid: '🦄' })],
    lines: ['{"state":"paid"}', '{"state":"paid","markers":{}}', '{"state":"paid","markers":{"a":1}}'],
  },
  'metadata with the name of the key for errors': {
    options: { output: 'json', errorKey: 'error' },
    sets: [stateSet({ paid: '🦄' }, { paid: { error: 1 } }, 'err.code')],
    lines: ['{"err":{"code":"paid"}}', '{"error":{"code":"paid"}}', '{"err":{"code":"paid"}}'],
  },
  'metadata below the key for errors': {
    options: { output: 'json', errorKey: 'error' },
    sets: [stateSet({ paid: '🦄' }, { paid: { 'error.kind': 1 } }, 'err.code')],
    lines: ['{"error":{"code":"paid","kind":2}}', '{"err":{"code":"paid","kind":2}}'],
  },
  'an error under the usual key, of a logger with another one': {
    options: { errorKey: 'error', errorLikeObjectKeys: ['error'] },
    sets: [stateSet({ paid: '🦄' }, {}, 'err.code')],
    lines: [
      `{${HEAD},"err":{"code":"paid","stack":"a\\nb"}}`,
      `{${HEAD},"error":{"code":"paid","stack":"a\\nb"}}`,
    ],
  },
  'a level under the key for errors': {
    options: { output: 'json', errorKey: 'error', levelKey: 'err', minimumLevel: 40 },
    sets: [stateSet({ paid: '🦄' }, {}, 'err')],
    lines: ['{"err":30}', '{"error":30}', '{"error":50}'],
  },
  'a value that only in lower case is as long as the key': {
    options: { output: 'json' },
    sets: [stateSet({ ['İ'.repeat(12)]: '🦄', default: '🐌' })],
    lines: [`{"state":"${'i\\u0307'.repeat(12)}"}`, `{"state":"i${'\\u0307\\u0069'.repeat(11)}\\u0307"}`],
  },
  'a key with half a surrogate pair': {
    options: { output: 'json' },
    sets: [stateSet({ paid: '🦄' }, {}, 'a\ud800')],
    lines: ['{"a\ufffd":"paid"}', '{"a\\ud800":"paid"}'],
  },
  'a name that is no name among those that are left out': {
    options: { ignore: 'hostname,' },
    lines: ['{"level":30,"":"a","undefined":1}'],
  },
  'a level under the other key for a time': {
    options: { levelKey: 'timestamp' },
    lines: ['{"timestamp":9,"k":1}', '{"time":1,"timestamp":30,"k":1}'],
  },
  'a time that counts as an error': {
    options: { timestampKey: 'ts', errorLikeObjectKeys: 'time,level' },
    lines: ['{"level":30,"time":2,"k":1}', '{"level":30,"ts":3,"time":{"a":1}}'],
  },
  'an error under the other key for a time': {
    options: { errorKey: 'timestamp' },
    lines: ['{"time":1,"timestamp":""}', '{"timestamp":{"stack":"a\\nb"}}'],
  },
}

for (const withBuiltIn of [true, false]) {
  test.each(Object.keys(cases))(
    `it writes %s like the plain way, ${withBuiltIn ? 'with' : 'without'} the built-in sets`,
    (title) => {
      const { options, sets, lines } = cases[title] as Case
      expectSame({ options, registry: () => registryOf(sets, withBuiltIn), steps: [chunkOf(lines)] })
    },
  )
}

test('it keeps to its memory where many lists end at the end of it', () => {
  for (let count = 995; count < 1035; count += 4) {
    const list = `${'['.repeat(58)}${'1,'.repeat(count)}1${']'.repeat(58)}`
    const line = `{${HEAD},"err":{"type":"Error","stack":"a\\nb"},"k":${list}}`

    const text = expectSame({ steps: [chunkOf([line, `{${HEAD},"msg":"next"}`])] })
    expect(text).toContain('next')
  }
})
