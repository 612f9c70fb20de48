import { paymentSet, setExample } from '../example.ts'
import type { Path } from '../path.ts'
import { quote } from '../quote.ts'
import { type Spot, setRule } from '../rule.ts'
import { findUnsafe } from '../unsafe-text.ts'

export const keysDifferInCase = setRule({
  code: 'keys-differ-in-case',
  level: 'error',
  title: 'two keys of a table differ in upper and lower case only',
  why: 'Values are compared without regard to case, so they are one key, and only one of the two could count. The set is not loaded.',
  bad: setExample(
    paymentSet({ mappings: [{ name: 'status', visualMarkers: { paid: '💰', PAID: '💵', refunded: '💱' } }] }),
  ),
  good: setExample(paymentSet()),
  *check({ set: { mappings = [] } }) {
    for (const [index, mapping] of mappings.entries()) {
      for (const table of ['visualMarkers', 'metadataFields', 'transformations', 'ranges'] as const) {
        const seen = new Map<string, string>()
        for (const key of Object.keys(mapping[table] ?? {})) {
          const same = seen.get(key.toLowerCase())
          if (same === undefined) seen.set(key.toLowerCase(), key)
          else {
            yield {
              path: ['mappings', index, table, key],
              at: 'key',
              message: `${quote(same)} and ${quote(key)} in "${table}" of the mapping ${quote(mapping.name)} are one key: case does not count`,
              hint: 'Remove one of them.',
            }
          }
        }
      }
    }
  },
})

export const unsafeText = setRule({
  code: 'unsafe-text',
  level: 'warn',
  title: 'a text has invisible or control characters',
  why: 'They come with copying, and nobody sees them: a log key with one in it is never found in a record. Where text is shown they are taken out.',
  bad: setExample(paymentSet({ fieldMappings: [{ logKey: 'payment.status\u200b', mapping: 'status' }] })),
  good: setExample(paymentSet()),
  check: ({ set }) => findUnsafeTexts(set, []),
})

function* findUnsafeTexts(value: unknown, path: Path): Generator<Spot> {
  if (typeof value === 'string') {
    const unsafe = findUnsafe(value)
    if (unsafe !== undefined) yield { path, message: `${quote(value)} has ${unsafe}`, hint: REWRITE }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      const isList = Array.isArray(value)
      const place = [...path, isList ? Number(key) : key]
      const unsafe = isList ? undefined : findUnsafe(key)
      if (unsafe !== undefined)
        yield { path: place, at: 'key', message: `the key ${quote(key)} has ${unsafe}`, hint: REWRITE }
      // A marker with such characters is a finding of its own.
      const isMarker = path.at(-1) === 'visualMarkers' && path.length === 3
      if (!isMarker) yield* findUnsafeTexts(inner, place)
    }
  }
}

const REWRITE = 'Write the text anew, rather than copying it.'
