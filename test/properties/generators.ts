import fc from 'fast-check'
import type { EventMapping, EventSet, FieldMapping } from '../../src/index.ts'

// Small pools, so that names and values collide: two sets on one key, flat and nested, bare and full, in and out of
// a table. What is rare in logs must be common here.

const setNames = ['pay', 'x', 'a', 'a.b', 'pay_card'] as const
const logKeys = [
  ...['status', 'a', 'b', 'c', 'a.b', 'b.c', 'a.b.c', 'x.status', 'x.a', 'msg'],
  ...['pay.status', 'pay.a', 'pay.a.b', 'pay_card.status', 'a.status', 'a.b.status'],
] as const
const tableKeys = [
  'ok',
  'bad',
  '5',
  '5.5',
  'true',
  'default',
  'other',
  '2xx',
  '',
  'constructor',
  '__proto__',
] as const
const markers = ['✅', '❌', '🔥', '⚠️CLIENT', '💳🟢'] as const
const globs = ['*', 'ok', '?', 'pay*', '*o*', 'h?llo', '5*', 'TRUE', '', 'a.b', '[✅]*'].filter(
  (glob) => glob !== '',
)

const textValue = fc.constantFrom(
  ...[
    'ok',
    'OK',
    ' ok ',
    'bad',
    'odd',
    '',
    '5',
    '5.50',
    ' 7',
    '-1',
    'true',
    'FALSE',
    'default',
    'x.ok',
    '2xx',
    '204',
  ],
  ...['constructor', '__proto__', 'NaN', '0x10'],
)
const scalarValue = fc.oneof(textValue, fc.constantFrom(0, 5, 5.5, 7, -3, 204, 503, 1e21), fc.boolean())

const keyCase = fc.constantFrom(
  (key: string) => key,
  (key: string) => key.toUpperCase(),
)

/** A table with some of the keys, in lower or upper case; no two that differ in case only. */
function tableOf<T>(value: fc.Arbitrary<T>, keys: readonly string[] = tableKeys) {
  return fc
    .uniqueArray(fc.tuple(fc.constantFrom(...keys), keyCase, value), {
      selector: ([key]) => key,
      maxLength: 6,
    })
    .map((entries) => {
      const table: Record<string, T> = {}
      for (const [key, change, inner] of entries) {
        Object.defineProperty(table, change(key), { value: inner, enumerable: true })
      }
      return table
    })
}

const range = fc
  .tuple(fc.option(fc.integer({ min: -5, max: 600 })), fc.option(fc.integer({ min: -5, max: 600 })))
  .map(([low, high]): [number | null, number | null] =>
    low !== null && high !== null && low > high ? [high, low] : [low, high],
  )

const transformation = fc.constantFrom(
  ...(['trim', 'lastSegment', 'statusClass'] as const),
  () => 'ok',
  () => 5,
  () => undefined,
  (value: unknown) => `${value}xx`.slice(-3),
  () => {
    throw new Error('a transformation that fails')
  },
)

function mappingOf(metadataNames: readonly string[]): fc.Arbitrary<Omit<EventMapping, 'name'>> {
  const metadata = fc.dictionary(fc.constantFrom(...metadataNames), scalarValue, {
    maxKeys: 3,
    noNullPrototype: true,
  })
  return fc.record(
    {
      visualMarkers: tableOf(fc.constantFrom(...markers)),
      ranges: tableOf(range, ['2xx', 'ok', 'high', 'low']).map(reachable),
      metadataFields: tableOf(metadata),
      transformations: tableOf(transformation, ['*', 'ok', '5', 'odd']),
      defaultKey: fc.constantFrom('other', 'default', 'none'),
    },
    { requiredKeys: ['visualMarkers'], noNullPrototype: true },
  )
}

type Ranges = Record<string, [number | null, number | null]>

/** The ranges without those of which an earlier one takes every number: a set with such a range is refused. */
function reachable(ranges: Ranges): Ranges {
  const kept: Ranges = {}
  for (const [key, [low, high]] of Object.entries(ranges)) {
    const isTaken = Object.values(kept).some(
      ([from, to]) => (from ?? -Infinity) <= (low ?? -Infinity) && (to ?? Infinity) >= (high ?? Infinity),
    )
    if (!isTaken) kept[key] = [low, high]
  }
  return kept
}

const sometimes = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 3 })
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

const fieldOf = fc.record({
  logKey: fc.constantFrom(...logKeys),
  aliases: sometimes(fc.array(fc.constantFrom(...logKeys), { maxLength: 3 })),
  link: fc.nat(),
  valueType: rarely(
    fc.constantFrom('string' as const, 'integer' as const, 'number' as const, 'boolean' as const),
  ),
  defaultOverrideKey: rarely(fc.constantFrom('other', 'OK', 'none')),
  defaultValue: rarely(scalarValue),
  when: rarely(
    fc.dictionary(
      fc.constantFrom(...logKeys, 'other.key'),
      fc.oneof(fc.constantFrom(...globs), fc.array(fc.constantFrom(...globs), { maxLength: 2 })),
      { maxKeys: 2, noNullPrototype: true },
    ),
  ),
})

/** Names of metadata, some of which are log keys, so that what is added could be taken for something new. */
export const anyMetadataNames = ['extra', 'b.extra', 'status', 'a.b', 'a', 'msg', 'markers', '__proto__']
/** Names of metadata that no set maps. */
export const foreignMetadataNames = ['extra', 'b.extra', 'c.d', 'constructor']

interface EventSetsOptions {
  readonly metadataNames?: readonly string[]
  /** All priorities are different, and no set links to another: the order of registration must not matter. */
  readonly independent?: boolean
}

/** Some valid sets, in an order in which they can be registered. */
export function eventSets({
  metadataNames = anyMetadataNames,
  independent = false,
}: EventSetsOptions = {}): fc.Arbitrary<EventSet[]> {
  const draft = fc.record({
    name: fc.constantFrom(...setNames),
    priority: fc.integer({ min: -3, max: independent ? 1000 : 3 }),
    mappings: fc.array(mappingOf(metadataNames), { minLength: 1, maxLength: 3 }),
    fields: fc.array(fieldOf, { minLength: 1, maxLength: 5 }),
  })
  return fc
    .uniqueArray(draft, {
      minLength: 1,
      maxLength: 4,
      comparator: (a, b) => a.name === b.name || (independent && a.priority === b.priority),
    })
    .map((drafts) => {
      const sets: EventSet[] = []
      for (const { name, priority, mappings, fields } of drafts) {
        const named = mappings.map((mapping, index) => ({ ...mapping, name: `m${index}` }))
        const linkable = independent ? [] : sets.flatMap((set) => linksTo(set))
        const links = [
          ...named.map((mapping) => ({ mapping: mapping.name })),
          { eventSetName: 'm0' },
          ...linkable,
        ]
        // A field that would make the set invalid, one of its keys being taken, is left out.
        const taken = new Set<string>()
        const fieldMappings = fields.flatMap(({ link, ...field }): FieldMapping[] => {
          const names = [field.logKey, ...(field.aliases ?? [])]
          if (names.some((logKey) => taken.has(logKey))) return []
          if (!field.when && !field.valueType) for (const logKey of names) taken.add(logKey)
          return [{ ...field, ...links[link % links.length] }]
        })
        sets.push({ name, priority, mappings: named, fieldMappings })
      }
      return sets
    })
}

function linksTo({ name, mappings = [] }: EventSet): Pick<FieldMapping, 'mapping' | 'eventSetName'>[] {
  return mappings.map((mapping) => ({ mapping: mapping.name, eventSetName: name }))
}

const message = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      ...[
        'hello',
        'pay_done',
        'pay',
        'PAY.done',
        'pay_card_declined',
        'a.b_c',
        'a:b',
        'x-1',
        'pay done',
        '',
        'payment',
      ],
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...['[✅] hello', '[✅][🔥]', '[odd] hello', '[✅]hello', '✅ hello', '[⚠️CLIENT] x', '[✅][', '❌'],
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(undefined, null, 5, true, ['pay_done'], ['a', 'b'], { a: 'ok' }) },
)

const fieldValue = fc
  .oneof(
    { weight: 8, arbitrary: scalarValue },
    { weight: 1, arbitrary: fc.constantFrom(null, ['ok'], ['ok', 'bad'], [], [['ok']], [null], {}) },
  )
  // Records are built and frozen, so no two may share an object.
  .map((value): unknown => structuredClone(value))

/**
 * Records about these sets: their log keys, in full and without the name of the set, and a few others; flat, nested
 * and both, in any order.
 */
export function recordsFor(sets: readonly EventSet[]): fc.Arbitrary<Record<string, unknown>> {
  const known = sets.flatMap(({ name, fieldMappings = [] }) =>
    fieldMappings.flatMap(({ logKey, aliases = [], when = {} }) =>
      [logKey, ...aliases, ...Object.keys(when)].flatMap((key) =>
        key.startsWith(`${name}.`) ? [key, key.slice(name.length + 1)] : [key],
      ),
    ),
  )
  const about = sets.flatMap(({ name }) => [`${name}_done`, `${name}.done`])
  const written = fc.record({
    logKey: fc.constantFrom(...known, 'extra', 'b.extra', 'status', 'a'),
    value: fieldValue,
    // One bit for each dot: whether an object begins there.
    nesting: fc.nat({ max: 3 }),
  })
  return fc
    .record({
      fields: fc.array(written, { minLength: 1, maxLength: 6 }),
      message: fc.tuple(fc.oneof(message, fc.constantFrom(...about)), fc.nat({ max: 6 })),
      markers: rarely(rarely(fc.constantFrom(['🦄'], [], [1], 'text', null))),
    })
    .map(({ fields, message: [msg, place], markers: carried }) => {
      const record: Record<string, unknown> = {}
      for (const [index, { logKey, value, nesting }] of fields.entries()) {
        if (index === place) record['msg'] = msg
        if (logKey !== 'msg') write(record, logKey.split('.'), nesting, value)
      }
      if (carried !== undefined) record['markers'] = carried
      return record
    })
}

function write(
  target: Record<string, unknown>,
  segments: readonly string[],
  nesting: number,
  value: unknown,
): void {
  const [first = '', second, ...rest] = segments
  if (second === undefined) target[first] ??= value
  else if (nesting % 2 === 0) write(target, [`${first}.${second}`, ...rest], nesting >> 1, value)
  else {
    target[first] ??= {}
    const inner = target[first]
    // Where something else stands already, the value is lost.
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) {
      write(inner as Record<string, unknown>, [second, ...rest], nesting >> 1, value)
    }
  }
}

/** Sets, and a record about them. */
export function scenarios(options?: EventSetsOptions): fc.Arbitrary<[EventSet[], Record<string, unknown>]> {
  return eventSets(options).chain((sets) => fc.tuple(fc.constant(sets), recordsFor(sets)))
}
