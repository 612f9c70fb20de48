import { collectClaims, hasCondition, namesOf, takesAll } from '../claims.ts'
import { paymentSet, setExample } from '../example.ts'
import { quote } from '../quote.ts'
import { plainRule, setRule } from '../rule.ts'

/** The parser finds it. */
export const duplicateLogKey = plainRule({
  code: 'duplicate-log-key',
  level: 'error',
  title: 'two field mappings of a set have one name',
  why: 'The first takes every value of that log key, so the second never gets one. The set is not loaded.',
  bad: setExample(
    paymentSet({
      fieldMappings: [
        { logKey: 'payment.status', mapping: 'status' },
        { logKey: 'payment.state', aliases: ['payment.status'], mapping: 'status' },
      ],
    }),
  ),
  good: setExample(
    paymentSet({
      fieldMappings: [{ logKey: 'payment.status', aliases: ['payment.state'], mapping: 'status' }],
    }),
  ),
})

export const unreachableField = setRule({
  code: 'unreachable-field',
  level: 'warn',
  title: 'a field mapping never gets a value of one of its names',
  why: 'Another one before it takes every value of that log key that it could have: the same type or a wider one, in the same records or in all.',
  bad: setExample(
    paymentSet({
      mappings: [
        { name: 'amount', ranges: { large: [1000, null] }, visualMarkers: { large: '🐬', 0: '🎁' } },
      ],
      fieldMappings: [
        { logKey: 'payment.amount', mapping: 'amount', valueType: 'number' },
        { logKey: 'payment.amount', mapping: 'amount', valueType: 'integer' },
      ],
    }),
  ),
  good: setExample(
    paymentSet({
      mappings: [
        { name: 'amount', ranges: { large: [1000, null] }, visualMarkers: { large: '🐬', 0: '🎁' } },
      ],
      fieldMappings: [{ logKey: 'payment.amount', mapping: 'amount', valueType: 'number' }],
    }),
  ),
  *check({ set, links }) {
    for (const [name, claims] of collectClaims(set, links)) {
      // So many with one name nobody writes; comparing each with each takes its time.
      for (const [place, claim] of claims.slice(0, 100).entries()) {
        const taker = claims.slice(0, place).find(({ field }) => takesAll(field, claim.field))
        if (taker === undefined) continue
        // The parser has told already.
        if (!hasCondition(taker.field) && taker.field.valueType === undefined) continue
        yield {
          path: claim.path,
          message: `fieldMappings[${taker.index}] takes every value of ${quote(name)} before this field mapping`,
          hint: 'Give the two different conditions in "when" or different types in "valueType", or remove one.',
        }
      }
    }
  },
})

export const repeatedAlias = setRule({
  code: 'repeated-alias',
  level: 'warn',
  title: 'a field mapping lists a name twice',
  why: 'The second has no effect. Most often another name was meant; flat and nested spellings of one log key need no alias.',
  bad: setExample(
    paymentSet({
      fieldMappings: [{ logKey: 'payment.status', aliases: ['payment.status'], mapping: 'status' }],
    }),
  ),
  good: setExample(
    paymentSet({
      fieldMappings: [{ logKey: 'payment.status', aliases: ['paymentStatus'], mapping: 'status' }],
    }),
  ),
  *check({ set: { fieldMappings = [] } }) {
    for (const [index, field] of fieldMappings.entries()) {
      const seen = new Set<string>()
      for (const { name, path } of namesOf(field, index)) {
        if (seen.has(name)) yield { path, message: `${quote(name)} is listed twice`, hint: 'Remove one.' }
        seen.add(name)
      }
    }
  },
})

export const malformedLogKey = setRule({
  code: 'malformed-log-key',
  level: 'warn',
  title: 'a log key has an empty part, or white space around it',
  why: 'It is compared letter by letter with the keys of a record, and hardly any logger writes such a key.',
  bad: setExample(paymentSet({ fieldMappings: [{ logKey: 'payment..status', mapping: 'status' }] })),
  good: setExample(paymentSet()),
  *check({ set: { fieldMappings = [] } }) {
    for (const [index, field] of fieldMappings.entries()) {
      const names = namesOf(field, index).map((name) => ({ ...name, at: 'value' as const }))
      const conditions = Object.keys(field.when ?? {}).map((name) => ({
        name,
        path: ['fieldMappings', index, 'when', name],
        at: 'key' as const,
      }))
      for (const { name, ...place } of [...names, ...conditions]) {
        if (name.split('.').every((part) => part !== '' && part.trim() === part)) continue
        const message = `the log key ${quote(name)} has an empty part, or one with white space around it`
        yield { ...place, message, hint: 'Parts of a log key are joined with single dots.' }
      }
    }
  },
})

export const broadLogKey = setRule({
  code: 'broad-log-key',
  level: 'warn',
  title: 'a set takes a log key that everybody uses',
  why: 'The owner of a log key keeps every value of it, also those for which it has no marker, and no other set is asked. A broad name such as `status` is safe with a condition in "when", with a "valueType", or in a set with a priority below 0, which everybody else goes before.',
  bad: setExample(paymentSet({ fieldMappings: [{ logKey: 'status', mapping: 'status' }] })),
  good: setExample(
    paymentSet({
      fieldMappings: [{ logKey: 'status', mapping: 'status', when: { 'payment.id': '*' } }],
    }),
  ),
  *check({ set: { fieldMappings = [], priority = 0 } }) {
    if (priority < 0) return
    for (const [index, field] of fieldMappings.entries()) {
      if (field.valueType !== undefined || hasCondition(field)) continue
      for (const { name, path } of namesOf(field, index)) {
        if (!BROAD.has(name)) continue
        yield {
          path,
          message: `${quote(name)} is a log key that everybody uses, and this set takes every value of it`,
          hint: 'Say in "when" which records are meant, or give the field mapping a "valueType".',
        }
      }
    }
  },
})

export const impossibleCondition = setRule({
  code: 'impossible-condition',
  level: 'warn',
  title: 'a condition can never hold',
  why: 'A field mapping counts where every log key in "when" matches one of its globs. An empty list has none that could match.',
  bad: setExample(
    paymentSet({ fieldMappings: [{ logKey: 'payment.status', mapping: 'status', when: { msg: [] } }] }),
  ),
  good: setExample(
    paymentSet({
      fieldMappings: [{ logKey: 'payment.status', mapping: 'status', when: { msg: ['payment_*'] } }],
    }),
  ),
  *check({ set: { fieldMappings = [] } }) {
    for (const [index, { when = {} }] of fieldMappings.entries()) {
      for (const [name, globs] of Object.entries(when)) {
        if (!Array.isArray(globs) || globs.length > 0) continue
        yield {
          path: ['fieldMappings', index, 'when', name],
          message: `no value of ${quote(name)} can match an empty list of globs`,
          hint: 'Add a glob; "*" stands for any value.',
        }
      }
    }
  },
})

/** Top-level names that mean something else in every second application. */
const BROAD: ReadonlySet<string> = new Set(
  `action category code component count data description duration error err event host hostname id key kind label
  level message method module msg name operation path phase pid reason result service severity size source stage
  state status success tag target task text time timestamp title type url user value version`.split(/\s+/),
)
