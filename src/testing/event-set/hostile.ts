import { createEnricher, type LogRecord } from '../../core/enricher.ts'
import { type ConformanceCase, expectNone, quote } from '../conformance-case.ts'
import { registryOf, type Subject } from './subject.ts'
import { recordsFor, setField, tryFields } from './trial.ts'

/** What nobody should log, and somebody does. */
export function hostileCase(subject: Subject): ConformanceCase {
  const { set, others } = subject
  return {
    name: 'takes hostile values without harm',
    run() {
      const problems = new Set<string>()
      let attempt = ''
      const enricher = createEnricher(registryOf([...others, set]), {
        onTransformationError: (error, mapping) => {
          const reason = error instanceof Error ? error.message : String(error)
          problems.add(
            `A transformation of mapping ${quote(mapping.name)} has thrown for ${attempt}: ${quote(reason)}. Give back what it cannot handle.`,
          )
        },
      })
      const known = new Set(
        [...others, set].flatMap(({ mappings = [] }) =>
          mappings.flatMap(({ visualMarkers = {} }) => Object.values(visualMarkers)),
        ),
      )
      for (const [title, record] of hostileRecords(subject)) {
        attempt = title
        try {
          for (const { marker } of enricher.enrich(record).markers)
            if (!known.has(marker)) problems.add(`${title} shows ${quote(marker)}, which is no marker.`)
        } catch (error) {
          problems.add(`${title} makes the enricher throw: ${quote(error)}.`)
        }
      }
      expectNone([...problems], `Set ${quote(set.name)} cannot handle everything that is logged`)
    },
  }
}

const LONG = 'x'.repeat(1_000_000)

const hostileValues: readonly (readonly [title: string, value: unknown])[] = [
  ['an empty text', ''],
  ['a text of a million characters', LONG],
  ['a text of control characters', '\u0000\u0007\b\u001b[2J\u001b]0;title\u0007\u009b31m\r\n\u202e\u200b'],
  ['half a surrogate pair', '\ud83d'],
  ['the text "__proto__"', '__proto__'],
  ['the text "constructor"', 'constructor'],
  ['the text "toString"', 'toString'],
  ['a text of brackets', '[[[]]][✅]'],
  ['minus zero', -0],
  ['a number that is none', Number.NaN],
  ['an endless number', Number.POSITIVE_INFINITY],
  ['the largest number', Number.MAX_VALUE],
  ['a bigint', 2n ** 70n],
  ['true', true],
  ['an empty object', {}],
  [
    'an object with "__proto__"',
    JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{}}}'),
  ],
  ['an object without a prototype', Object.create(null)],
  [
    'an object that cannot be made text',
    {
      toString() {
        throw new Error('no text')
      },
    },
  ],
  ['an empty list', []],
  ['a list of lists', [[[[1]]]]],
  ['a list of two', ['a', 'b']],
  ['a list of one long text', [LONG]],
  ['a date', new Date(Number.NaN)],
  ['an error', new Error(LONG.slice(0, 1000))],
  ['a function', () => 'value'],
  ['a symbol', Symbol('value')],
]

function* hostileRecords(subject: Subject): Generator<[title: string, record: LogRecord]> {
  for (const { field, places } of tryFields(subject))
    for (const place of places)
      for (const [title, value] of hostileValues)
        for (const record of recordsFor(field, place, value)) {
          yield [`${title} as ${quote(place.name)}`, record]
          break
        }
  for (const [title, value] of hostileValues) {
    const record = { msg: value }
    for (const { names } of subject.fields) for (const name of names) setField(record, name, value)
    yield [`${title} everywhere`, record]
  }
}
