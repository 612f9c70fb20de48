import { compileLookup, type Lookup } from '../../core/lookup.ts'
import { formatSource } from '../../core/source.ts'
import { isOfType, type Scalar } from '../../core/value.ts'
import { conditionOf, takesAll, takesRecords } from '../claims.ts'
import { packageExample, paymentSet, pluginManifest, setExample } from '../example.ts'
import { quote, quoteAll } from '../quote.ts'
import { type FieldClaim, type Neighbour, neighbourRule } from '../rule.ts'

export const setNameTaken = neighbourRule({
  code: 'set-name-taken',
  level: 'error',
  title: 'another set has this name',
  why: 'The second set of a name is not loaded. A plugin cannot replace a set, so its author has to rename one. An application can rename its own set, leave out the package of the other one by naming it under `exclude` in the configuration, or say `"override": true` there: then its own sets replace those of plugins and the built-in ones. A set file that is checked by itself may be meant so, and gets a warning.',
  bad: packageExample({
    'package.json': pluginManifest(),
    LICENSE: 'MIT\n',
    'README.md': '# Payments\n',
    'sets/payment.json': paymentSet({ name: 'http' }),
  }),
  good: packageExample({
    'package.json': pluginManifest(),
    LICENSE: 'MIT\n',
    'README.md': '# Payments\n',
    'sets/payment.json': paymentSet(),
  }),
  *check({ own, others }) {
    const other = others.find(({ set, order }) => set.name === own.set.name && order < own.order)
    if (other === undefined) return
    yield {
      path: ['name'],
      message: `${wordSet(other)} has this name, so this set is not loaded beside it`,
      ...(own.source.kind === 'package'
        ? { hint: 'Give the set another name: a plugin cannot replace a set.' }
        : {
            level: 'warn',
            hint: 'Give the set another name, or set "override" to true in the configuration of the application to replace the other one.',
          }),
    }
  },
})

export const builtInPriority = neighbourRule({
  code: 'built-in-priority',
  level: 'info',
  title: 'a set has the priority of a built-in one',
  why: 'Markers stand in the order of priority. On a tie they stand in the order of registration, and the built-in set goes first.',
  bad: setExample(paymentSet({ priority: 80 })),
  good: setExample(paymentSet({ priority: 75 })),
  *check({ own, others }) {
    const { priority = 0 } = own.set
    const other = others.find(({ set, source }) => source.kind === 'built-in' && set.priority === priority)
    if (other === undefined || !own.isOwn) return
    yield {
      path: ['priority'],
      message: `${wordSet(other)} has the priority ${priority} too, and goes first`,
      hint: 'Take a higher or a lower one, to say which markers stand first.',
    }
  },
})

export const logKeyTie = neighbourRule({
  code: 'log-key-tie',
  level: 'warn',
  title: 'two sets of one priority take one log key',
  why: 'A value has one owner. Of two sets with the same priority it is the one that was registered first, which depends on the names of packages and the order of a configuration.',
  bad: packageExample({
    'package.json': pluginManifest(),
    LICENSE: 'MIT\n',
    'README.md': '# Payments\n',
    'sets/invoice.json': paymentSet({
      name: 'invoice',
      fieldMappings: [{ logKey: 'payment.status', mapping: 'status' }],
    }),
    'sets/payment.json': paymentSet(),
  }),
  good: packageExample({
    'package.json': pluginManifest(),
    LICENSE: 'MIT\n',
    'README.md': '# Payments\n',
    'sets/invoice.json': paymentSet({
      name: 'invoice',
      fieldMappings: [{ logKey: 'invoice.status', mapping: 'status' }],
    }),
    'sets/payment.json': paymentSet(),
  }),
  *check({ own, others }) {
    for (const other of others) {
      if (priorityOf(other) !== priorityOf(own) || other.order > own.order) continue
      for (const [name, mine, theirs] of sharedNames(own, other)) {
        const tie = pairs(mine, theirs).find(
          ([one, two]) => takesAll(one.field, two.field) || takesAll(two.field, one.field),
        )
        if (tie === undefined) continue
        yield {
          path: tie[0].path,
          message: `${wordSet(other)} takes ${quote(name)} too, with the same priority ${priorityOf(own)}`,
          hint: 'Give one of them a higher priority, or say in "when" which records are meant.',
        }
      }
    }
  },
})

export const shadowingName = neighbourRule({
  code: 'shadowing-name',
  level: 'warn',
  title: 'a log key or an alias takes values from another set and has no marker for them',
  why: 'The set of higher priority owns a log key, with all its values. Those for which it has no marker showed one before, and now show nothing.',
  bad: setExample(
    paymentSet({
      priority: 100,
      fieldMappings: [{ logKey: 'payment.status', aliases: ['req.method'], mapping: 'status' }],
    }),
  ),
  good: setExample(
    paymentSet({
      priority: 100,
      fieldMappings: [{ logKey: 'payment.status', aliases: ['payment.state'], mapping: 'status' }],
    }),
  ),
  *check({ own, others }) {
    for (const other of others) {
      if (priorityOf(other) >= priorityOf(own)) continue
      for (const [name, mine, theirs] of sharedNames(own, other)) {
        for (const [claim, victim] of pairs(mine, theirs)) {
          if (!takesRecords(claim.field, victim.field)) continue
          const lost = findLost(claim, victim)
          if (lost.length === 0) continue
          yield {
            path: claim.path,
            message: `${quote(name)} is taken from ${wordSet(other)}, and the markers it has for ${quoteAll(lost)} are lost`,
            hint: 'Say in "when" which records are meant, give the field mapping a "valueType", or the set a lower priority.',
          }
          break
        }
      }
    }
  },
})

export const shadowedName = neighbourRule({
  code: 'shadowed-name',
  level: 'warn',
  title: 'another set takes every value of a log key first',
  why: 'The set of higher priority owns a log key, whether it has a marker for a value or not, so under this name nothing ever reaches the set.',
  bad: setExample(paymentSet({ fieldMappings: [{ logKey: 'http.method', mapping: 'status' }] })),
  good: setExample(paymentSet()),
  *check({ own, others }) {
    if (!own.isOwn) return
    for (const other of others) {
      if (priorityOf(other) <= priorityOf(own)) continue
      for (const [name, mine, theirs] of sharedNames(own, other)) {
        for (const claim of mine) {
          if (!theirs.some(({ field }) => takesAll(field, claim.field))) continue
          yield {
            path: claim.path,
            message: `${wordSet(other)} has the higher priority ${priorityOf(other)} and takes every value of ${quote(name)}`,
            hint: 'Give this set a higher priority, or remove the name.',
          }
        }
      }
    }
  },
})

function priorityOf({ set }: Neighbour): number {
  return set.priority ?? 0
}

function wordSet({ set, source }: Neighbour): string {
  if (source.kind === 'built-in') return `the built-in set ${quote(set.name)}`
  return source.kind === 'code'
    ? `the set ${quote(set.name)}`
    : `the set ${quote(set.name)} of ${formatSource(source)}`
}

/** The names that two sets both take, with the field mappings of each. */
function sharedNames(own: Neighbour, other: Neighbour) {
  return [...own.claims].flatMap(([name, mine]) => {
    const theirs = other.claims.get(name)
    return theirs === undefined ? [] : [[name, distinct(mine), distinct(theirs)] as const]
  })
}

/** Of field mappings with the same type and condition only the first can ever have a value. */
function distinct(claims: readonly FieldClaim[]): readonly FieldClaim[] {
  if (claims.length === 1) return claims
  const kinds = new Map<string, FieldClaim>()
  for (const claim of claims) {
    const kind = `${claim.field.valueType}${conditionOf(claim.field)}`
    if (!kinds.has(kind)) kinds.set(kind, claim)
  }
  return [...kinds.values()].slice(0, MOST_COMPARED)
}

function pairs(mine: readonly FieldClaim[], theirs: readonly FieldClaim[]): [FieldClaim, FieldClaim][] {
  return mine.flatMap((one) => theirs.map((other): [FieldClaim, FieldClaim] => [one, other]))
}

/** The keys for which the one has a marker, and the other would take the value without one. */
function findLost(taker: FieldClaim, victim: FieldClaim): string[] {
  const before = lookupOf(victim)
  const now = lookupOf(taker)
  if (before === undefined || now === undefined) return []
  const takes = (value: Scalar, { field: { valueType } }: FieldClaim) =>
    valueType === undefined || isOfType(value, valueType)
  return samplesOf(victim)
    .filter(({ value }) => takes(value, taker) && takes(value, victim))
    .filter(({ value }) => before(value)?.marker !== undefined && now(value)?.marker === undefined)
    .map(({ key }) => key)
}

/** A value for each key that a field mapping can find. */
function samplesOf({ mapping }: FieldClaim): { readonly key: string; readonly value: Scalar }[] {
  const { visualMarkers = {}, ranges = {}, defaultKey = 'default' } = mapping ?? {}
  const exact = Object.keys(visualMarkers)
    .filter((key) => key !== defaultKey && !Object.hasOwn(ranges, key))
    .map((key) => ({ key, value: key }))
  const numbers = Object.entries(ranges).map(([key, [low, high]]) => ({ key, value: low ?? high ?? 0 }))
  return [...exact, ...numbers].slice(0, MOST_COMPARED)
}

function lookupOf({ mapping, field }: FieldClaim): Lookup | undefined {
  return mapping && compileLookup(mapping, field.defaultOverrideKey, () => {})
}

/** Nobody writes that many, and comparing each with each takes its time. */
const MOST_COMPARED = 200
