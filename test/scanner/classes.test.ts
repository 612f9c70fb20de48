import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileSets } from '../../src/core/compile.ts'
import type { EventMapping, FieldMapping } from '../../src/core/event-set.ts'
import type { Scalar } from '../../src/core/value.ts'
import { createClasses, isKnownBeginning, traitsOf } from '../../src/scanner/classes.ts'
import { buildPlaceTree, type Place } from '../../src/scanner/place-tree.ts'
import { registryOf } from './differential.ts'

/** The place of the log key `a`, which these field mappings have with one mapping each. */
function placeOf(...fields: (Omit<EventMapping, 'name'> & { field?: Partial<FieldMapping> })[]): Place {
  const registry = registryOf(
    fields.map(({ field, ...mapping }, index) => ({
      name: `set${index}`,
      mappings: [{ name: 'any', ...mapping }],
      fieldMappings: [{ logKey: 'a', mapping: 'any', ...field }],
    })),
    false,
  )
  const tree = buildPlaceTree(
    compileSets(registry, () => {}),
    {
      messageKey: 'msg',
      errorKey: 'err',
      roles: new Map(),
      slowKeys: [],
      metadataNames: [],
    },
  )
  return tree?.root.children.get('a') as Place
}

const statuses = {
  ranges: { '2xx': [200, 299], '4xx': [400, 499] },
  visualMarkers: { '2xx': '✅', '4xx': '❌' },
} as const

describe('classes', () => {
  test('it gives the same class to values that mean the same, and other classes to others', () => {
    const classOf = createClasses(placeOf({ visualMarkers: { ok: '✅', bad: '❌' } }))

    expect(classOf('OK')).toBe(classOf('ok'))
    expect(classOf('x')).toBe(classOf('y'))
    expect(new Set(['ok', 'bad', 'x'].map((value) => classOf(value))).size).toBe(3)
  })

  test('it begins with 1 and counts on', () => {
    const classOf = createClasses(placeOf(statuses))

    expect([200, 404, 204, 302, '404'].map((value) => classOf(value))).toEqual([1, 2, 1, 3, 2])
  })

  test('it tells apart what only a type, a condition or a second set tells apart', () => {
    const typed = createClasses(
      placeOf({ visualMarkers: { default: '✅' }, field: { valueType: 'integer' } }),
    )
    const conditional = createClasses(
      placeOf({ visualMarkers: { default: '✅' }, field: { when: { a: 'x*' } } }),
    )
    const twice = createClasses(placeOf({ visualMarkers: { ok: '✅' } }, { visualMarkers: { x: '❌' } }))

    expect(typed(5)).not.toBe(typed(5.5))
    expect(conditional('xy')).not.toBe(conditional('y'))
    expect(twice('x')).not.toBe(twice('y'))
  })

  test('it tells apart the same value in messages about different sets', () => {
    const classOf = createClasses(placeOf({ visualMarkers: { default: '✅' } }))

    expect(classOf('a', 'one')).not.toBe(classOf('a', 'two'))
  })
})

describe('traits', () => {
  test.each<[string, Parameters<typeof placeOf>]>([
    ['ranges', [{ visualMarkers: { r: '✅', s: '❌' }, ranges: { r: [-5, 5.5], s: [7, null] } }]],
    [
      'numbers as keys',
      [{ visualMarkers: { '200': '✅', '5.5': '❌', '1e21': '🦄', '-3': '🔥', default: '❔' } }],
    ],
    ['both, in two sets', [statuses, { visualMarkers: { '404': '🦄' }, field: { valueType: 'integer' } }]],
  ])('it names limits between which all numbers mean the same: %s', (_, fields) => {
    const place = placeOf(...fields)
    const classOf = createClasses(place)
    const limits = traitsOf(place).limits as readonly number[]
    const number = fc.oneof(
      fc.constantFrom(...limits),
      fc
        .constantFrom(...limits)
        .chain((limit) => fc.constantFrom(limit - 1, limit + 1, limit - 0.5, limit + 1e-9)),
      fc.double({ min: -1e15, max: 1e15, noNaN: true }),
    )

    expect(limits).toEqual([...limits].sort((a, b) => a - b))
    fc.assert(
      fc.property(number, number, (one, other) => {
        const slot = (value: number) => [
          limits.filter((limit) => limit < value).length,
          limits.includes(value),
        ]
        fc.pre(`${slot(one)}` === `${slot(other)}` && Number.isInteger(one) === Number.isInteger(other))

        expect(classOf(one)).toBe(classOf(other))
      }),
      { numRuns: 300 },
    )
  })

  test('it names a length beyond which all texts that begin with a letter mean the same', () => {
    const place = placeOf({ visualMarkers: { 'a-key-of-some-length': '✅', default: '❔' } })
    const classOf = createClasses(place)

    expect(traitsOf(place).longest).toBe('a-key-of-some-length'.length)
    expect(classOf(`${'a-key-of-some-length'}x`)).toBe(classOf('x'.repeat(50)))
  })

  test('it measures keys in lower case, in which some are longer', () => {
    expect(traitsOf(placeOf({ visualMarkers: { ['İ'.repeat(20)]: '✅' } })).longest).toBe(40)
  })

  test('it lets a first word stand for a text only where nothing looks at the rest', () => {
    const mapping = { visualMarkers: { select: '🔎' }, transformations: { '*': 'firstWord' } } as const

    expect(traitsOf(placeOf(mapping)).isFirstWordOnly).toBe(true)
    expect(traitsOf(placeOf(mapping, { visualMarkers: { 'select 1': '✅' } })).isFirstWordOnly).toBe(false)
    expect(traitsOf(placeOf({ ...mapping, field: { when: { a: 's*' } } })).isFirstWordOnly).toBe(false)
    expect(traitsOf(placeOf({ ...mapping, field: { when: { a: '*' } } })).isFirstWordOnly).toBe(true)
    expect(traitsOf(placeOf({ ...mapping, field: { valueType: 'boolean' } })).isFirstWordOnly).toBe(false)
  })

  test('it leaves to the plain way what goes through a function', () => {
    const place = placeOf({ visualMarkers: { ok: '✅' }, transformations: { odd: () => 'ok' } })

    expect(traitsOf(place)).toMatchObject({ isSlow: true, limits: undefined, longest: undefined })
  })

  test('it says nothing of numbers and lengths where a value is changed or compared before', () => {
    const changed = traitsOf(placeOf({ ...statuses, transformations: { '*': 'statusClass' } }))
    const compared = traitsOf(placeOf({ ...statuses, field: { when: { a: '2*' } } }))

    for (const traits of [changed, compared])
      expect(traits).toMatchObject({ limits: undefined, longest: undefined })
  })
})

test.each<[string, boolean]>([
  ['[✅]', true],
  ['[❌]', false],
  ['✅', true],
  ['[✅', false],
  [`[${'x'.repeat(65)}]`, false],
])('it takes %s for the beginning of an enriched message: %s', (beginning, expected) => {
  expect(isKnownBeginning(beginning, new Set<string>(['✅', 'x'.repeat(65)]))).toBe(expected)
})

test('it gives no class when there are too many', () => {
  const visualMarkers = Object.fromEntries([...Array(100).keys()].map((index) => [`k${index}`, '✅']))
  const classOf = createClasses(placeOf({ visualMarkers })) as (value: Scalar, context: string) => number

  for (let context = 0; context < 600; context++)
    for (let index = 0; index < 100; index++) classOf(`k${index}`, `${context}`)

  expect(classOf('k0', '0')).toBe(1)
  expect(classOf('k0', 'one more')).toBe(0)
})
