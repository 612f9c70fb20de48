import { describe, expect, it } from 'vitest'
import {
  type EventSet,
  type FieldMapping,
  formatIssue,
  parseEventSet,
  ValidationError,
} from '../../src/index.ts'
import { enrich, registryOf } from './marks.ts'

/** A set whose mappings each show their own name. */
function setOf(
  name: string,
  mappings: readonly string[],
  fieldMappings: readonly FieldMapping[] = [],
): EventSet {
  return {
    name,
    mappings: mappings.map((mapping) => ({
      name: mapping,
      visualMarkers: { default: `${name}/${mapping}` },
    })),
    fieldMappings,
  }
}

/** The mapping that a field of the set `own` leads to, as `set/mapping`. */
function resolved(
  field: FieldMapping,
  mappings: readonly string[],
  others: readonly EventSet[] = [],
): string | undefined {
  const own = setOf('own', mappings, [field])
  return enrich({ [field.logKey]: 'value' }, [...others, own]).markers[0]?.marker
}

/** The only issue of such a set at registration. */
function issueOf(field: FieldMapping, mappings: readonly string[], others: readonly EventSet[] = []): string {
  const registry = registryOf(...others)
  try {
    registry.registerEventSet(setOf('own', mappings, [field]))
  } catch (error) {
    const { issues } = error as ValidationError
    expect(issues).toHaveLength(1)
    expect(issues[0]?.code).toBe('dangling_link')
    return issues.map(formatIssue).join('\n')
  }
  throw new Error('the link leads somewhere')
}

describe('a link by "mapping"', () => {
  it('names a mapping of the set', () => {
    expect(resolved({ logKey: 'x', mapping: 'm' }, ['x', 'm'])).toBe('own/m')
  })

  it('names a mapping of another set with "eventSetName"', () => {
    expect(
      resolved({ logKey: 'x', mapping: 'm', eventSetName: 'other' }, ['m'], [setOf('other', ['m'])]),
    ).toBe('other/m')
  })

  it('may name its own set', () => {
    expect(resolved({ logKey: 'x', mapping: 'm', eventSetName: 'own' }, ['m'])).toBe('own/m')
  })

  it('is exact: upper and lower case count', () => {
    expect(issueOf({ logKey: 'x', mapping: 'M' }, ['m'])).toBe(
      'fieldMappings[0].mapping: no mapping "M" in set "own"; did you mean "m"?',
    )
  })

  it('is not looked for elsewhere when the set lacks it', () => {
    expect(issueOf({ logKey: 'status', mapping: 'gone' }, ['status'], [setOf('other', ['gone'])])).toBe(
      'fieldMappings[0].mapping: no mapping "gone" in set "own"; it has status',
    )
  })

  it('names what there is when nothing is near, and that there is nothing', () => {
    expect(issueOf({ logKey: 'x', mapping: 'wholly-different' }, ['a', 'b'])).toContain('; it has a, b')
    expect(issueOf({ logKey: 'x', mapping: 'm' }, [])).toContain('; it has none')
  })

  it('tells which set is missing', () => {
    expect(issueOf({ logKey: 'x', mapping: 'm', eventSetName: 'othr' }, ['m'], [setOf('other', ['m'])])).toBe(
      'fieldMappings[0].eventSetName: no event set "othr" is known; did you mean "other"?',
    )
  })
})

describe('the seed spelling: "eventSetName" without "mapping"', () => {
  const field = { logKey: 'payment.card.status', eventSetName: 'payment_status' }

  it('is a mapping of this set first', () => {
    expect(resolved(field, ['status', 'payment_status'], [setOf('payment_status', ['status'])])).toBe(
      'own/payment_status',
    )
  })

  it('is a set second: there the mapping is the one named like the last segment of the log key', () => {
    expect(resolved(field, ['status'], [setOf('payment_status', ['payment_card_status', 'status'])])).toBe(
      'payment_status/status',
    )
  })

  it('or the one named like the log key with _ for .', () => {
    expect(resolved(field, ['status'], [setOf('payment_status', ['other', 'payment_card_status'])])).toBe(
      'payment_status/payment_card_status',
    )
  })

  it('may be the name of this set', () => {
    expect(resolved({ logKey: 'http.status', eventSetName: 'own' }, ['status'])).toBe('own/status')
  })

  it('is an issue that looks at mappings and sets when it is neither', () => {
    expect(issueOf({ logKey: 'x', eventSetName: 'stauts' }, ['status'])).toBe(
      'fieldMappings[0].eventSetName: no mapping or event set "stauts" is known; did you mean "status"?',
    )
    expect(issueOf({ logKey: 'x', eventSetName: 'databse' }, ['m'], [setOf('database', ['m'])])).toBe(
      'fieldMappings[0].eventSetName: no mapping or event set "databse" is known; did you mean "database"?',
    )
  })

  it('is an issue when the set has no mapping of such a name', () => {
    expect(issueOf({ logKey: 'a.state', eventSetName: 'other' }, ['m'], [setOf('other', ['stat'])])).toBe(
      'fieldMappings[0].eventSetName: no mapping for "a.state": set "other" has none named "state" or "a_state"; name one with "mapping"; did you mean "stat"?',
    )
  })
})

describe('a link by neither', () => {
  it('is the mapping named like the last segment of the log key', () => {
    expect(resolved({ logKey: 'http.status' }, ['http_status', 'status'])).toBe('own/status')
  })

  it('or like the log key with _ for .', () => {
    expect(resolved({ logKey: 'http.res.status' }, ['http_res_status'])).toBe('own/http_res_status')
  })

  it('or the log key itself where it has one segment', () => {
    expect(resolved({ logKey: 'status' }, ['status'])).toBe('own/status')
  })

  it('does not look at aliases', () => {
    expect(issueOf({ logKey: 'a', aliases: ['status'] }, ['status'])).toBe(
      'fieldMappings[0]: no mapping for "a": set "own" has none named "a"; name one with "mapping"',
    )
  })
})

describe('a link in a set that is only parsed', () => {
  it('is an issue when it stays inside and leads nowhere', () => {
    expect(parseEventSet(setOf('own', ['m'], [{ logKey: 'x', mapping: 'n' }])).success).toBe(false)
    expect(parseEventSet(setOf('own', ['m'], [{ logKey: 'x' }])).success).toBe(false)
    expect(
      parseEventSet(setOf('own', ['m'], [{ logKey: 'x', mapping: 'n', eventSetName: 'own' }])).success,
    ).toBe(false)
  })

  it('is left for later when it leads to another set', () => {
    expect(parseEventSet(setOf('own', ['m'], [{ logKey: 'x', eventSetName: 'later' }])).success).toBe(true)
    expect(
      parseEventSet(setOf('own', ['m'], [{ logKey: 'x', eventSetName: 'later', mapping: 'n' }])).success,
    ).toBe(true)
  })

  it('is an issue at registration when the other set is not there yet', () => {
    const set = setOf('own', ['m'], [{ logKey: 'x', eventSetName: 'later', mapping: 'n' }])

    expect(() => registryOf(set, setOf('later', ['n']))).toThrow(ValidationError)
    expect(() => registryOf(setOf('later', ['n']), set)).not.toThrow()
  })

  it('names "this set" where the set has no name', () => {
    const { issues = [] } = parseEventSet({
      mappings: [{ name: 'm' }],
      fieldMappings: [{ logKey: 'x', mapping: 'n' }],
    })

    expect(issues.map(formatIssue)).toContain(
      'fieldMappings[0].mapping: no mapping "n" in this set; it has m',
    )
  })
})
