import { describe, expect, it } from 'vitest'
import type { EventMapping, EventSet, FieldMapping } from '../../src/index.ts'
import { eventSetConformance } from '../../src/testing/index.ts'

const result: EventMapping = { name: 'result', visualMarkers: { done: '✅', lost: '💔' } }

/** A set of one mapping and the field mappings that lead to it. */
function setOf(mapping: Omit<EventMapping, 'name'>, ...fields: Partial<FieldMapping>[]): EventSet {
  return {
    name: 'job',
    mappings: [{ ...mapping, name: 'result' }],
    fieldMappings: (fields.length > 0 ? fields : [{}]).map((field) => ({
      logKey: 'job.result',
      mapping: 'result',
      ...field,
    })),
  }
}

const unusual: Record<string, EventSet> = {
  'has a narrower range before a wider one': setOf({
    ranges: { very_slow: [5000, null], slow: [1000, null] },
    visualMarkers: { very_slow: '🐌', slow: '🐢' },
  }),
  'has exact numbers as exceptions from a range, its ends among them': setOf({
    ranges: { bad: [400, 499] },
    visualMarkers: { bad: '❌', 400: '💢', 404: '🤷', 499: '💔' },
  }),
  'has ranges of seconds that are looked up as milliseconds': setOf({
    ranges: { slow: [250, 1000] },
    visualMarkers: { slow: '🐢' },
    transformations: { '*': 'secondsToMs' },
  }),
  'has classes of numbers': setOf(
    { visualMarkers: { '2xx': '✅', '5xx': '🔥' }, transformations: { '*': 'statusClass' } },
    { valueType: 'integer' },
  ),
  'has error codes that stand in a text': setOf(
    { visualMarkers: { econnrefused: '🙅' }, transformations: { '*': 'errorCode' } },
    { valueType: 'string' },
  ),
  'has numbers as text': setOf({ visualMarkers: { 7: '🎰', '-1': '❌' } }, { valueType: 'string' }),
  'has nothing but true and false': setOf(
    { visualMarkers: { true: '✅', false: '❌' } },
    { valueType: 'boolean' },
  ),
  'has keys in capitals': setOf({
    visualMarkers: { DONE: '✅' },
    metadataFields: { Done: { 'job.ok': true } },
  }),
  'has keys that every object has': setOf({
    visualMarkers: JSON.parse('{ "__proto__": "👻", "constructor": "🧱", "toString": "📝" }'),
  }),
  'has nothing but a default': setOf({ visualMarkers: { default: '📦' } }),
  'has a default key of another name, which a range has too': setOf({
    ranges: { usual: [0, 9] },
    visualMarkers: { usual: '📦', many: '🐘' },
    defaultKey: 'usual',
  }),
  'has a default of its own for one log key': setOf(
    { visualMarkers: { done: '✅', odd: '🦄', default: '📦' } },
    { defaultOverrideKey: 'odd' },
    { logKey: 'job.other' },
  ),
  'reads the message': setOf({ visualMarkers: { 'job done': '✅' } }, { logKey: 'msg', valueType: 'string' }),
  'reads a log key of one letter': setOf(result, { logKey: 'j' }),
  'reads a log key that goes by a prototype': setOf(result, { logKey: 'job.__proto__.result' }),
  'reads a field only where the message says so': setOf(result, {
    logKey: 'status',
    when: { msg: ['job *', 'job'] },
  }),
  'reads some values of a field that others read too': setOf(result, {
    logKey: 'err.code',
    when: { 'err.code': ['done', 'lo?t'] },
  }),
  'asks for a field around its own one': setOf(result, {
    logKey: 'query.result',
    when: { query: 'select*', kind: '*' },
  }),
  'takes a second name of a meaning, so that nobody marks it twice': setOf(
    result,
    { aliases: ['err.code'], when: { 'job.result': ['done', 'lost'] } },
    { logKey: 'job.outcome' },
  ),
  'speaks for an absent field': setOf(
    result,
    { defaultValue: 'done' },
    { logKey: 'job.outcome', valueType: 'string' },
  ),
  'takes a mapping of a built-in set': {
    name: 'gateway',
    fieldMappings: [
      { logKey: 'upstream.code', eventSetName: 'http', mapping: 'status', valueType: 'integer' },
    ],
  },
  'names its mapping by the log key': {
    name: 'job',
    mappings: [result],
    fieldMappings: [{ logKey: 'job.result' }],
  },
  'has a higher priority than a built-in set, and a marker for all that it takes': {
    name: 'job',
    priority: 200,
    mappings: [{ name: 'state', visualMarkers: { stopped: '🛑', default: '🏃' } }],
    fieldMappings: [{ logKey: 'process.state', mapping: 'state' }],
  },
}

describe('a set that', () => {
  it.each(Object.entries(unusual))('%s passes', (_, set) => {
    for (const { name, run } of eventSetConformance(set)) expect(run, name).not.toThrow()
  })
})
