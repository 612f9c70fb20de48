import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesGlob } from '../../src/core/glob.ts'
import {
  createEnricher,
  createRegistry,
  type EnricherOptions,
  type Enrichment,
  type EventSet,
  EventSetRegistry,
  type LogRecord,
  type MarkerStyle,
  parseEventSet,
  prefixMessage,
} from '../../src/index.ts'
import { eventSets, foreignMetadataNames, recordsFor, scenarios } from './generators.ts'
import { globPattern, model } from './model.ts'

function enrich(sets: readonly EventSet[], record: LogRecord, options?: EnricherOptions): Enrichment {
  const registry = new EventSetRegistry()
  for (const set of sets) registry.registerEventSet(set)
  return createEnricher(registry, options).enrich(record)
}

/** What an enrichment says, without the keys that the model does not tell. */
function saying({ markers, metadata, carried }: Enrichment) {
  return {
    markers: markers.map(({ key: _, ...marker }) => marker),
    metadata: metadata && Object.entries(metadata),
    carried,
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}

describe('the generated sets and records', () => {
  it('are valid, and often enough of interest', () => {
    const counts = { markers: 0, several: 0, metadata: 0, carried: 0, nothing: 0 }
    fc.assert(
      fc.property(scenarios(), ([sets, record]) => {
        for (const set of sets) expect(parseEventSet(set).issues).toBeUndefined()
        const { markers, metadata, carried } = enrich(sets, record)
        if (markers.length > 0) counts.markers++
        if (markers.length > 1) counts.several++
        if (metadata) counts.metadata++
        if (carried) counts.carried++
        if (markers.length === 0 && !metadata && !carried) counts.nothing++
      }),
      // A fixed seed: what is looked at here is the generator, and a count near its limit must not depend on luck.
      { numRuns: 500, seed: 1 },
    )

    for (const count of Object.values(counts)) expect(count, JSON.stringify(counts)).toBeGreaterThan(10)
  })
})

describe('the compiled enricher', () => {
  it('says what the plain model of the semantics says', () => {
    fc.assert(
      fc.property(scenarios(), ([sets, record]) => {
        expect(saying(enrich(sets, record))).toEqual(model(sets, record))
      }),
      { numRuns: 3000 },
    )
  })

  it('says the same of a record whatever the order of its fields', () => {
    const shuffled = scenarios().chain(([sets, record]) =>
      fc.tuple(
        fc.constant(sets),
        fc.constant(record),
        fc
          .shuffledSubarray(Object.entries(record), { minLength: Object.keys(record).length })
          .map((entries) => Object.fromEntries(entries)),
      ),
    )
    fc.assert(
      fc.property(shuffled, ([sets, record, other]) => {
        // Of two equally flat spellings of one log key the first counts; such records are left out.
        fc.pre(!hasEquallyFlatSpellings(record))

        expect(saying(enrich(sets, other))).toEqual(saying(enrich(sets, record)))
      }),
    )
  })

  it('says the same whatever the order of registration of sets of different priorities', () => {
    const shuffled = scenarios({ independent: true }).chain(([sets, record]) =>
      fc.tuple(fc.constant(sets), fc.shuffledSubarray(sets, { minLength: sets.length }), fc.constant(record)),
    )
    fc.assert(
      fc.property(shuffled, ([sets, others, record]) => {
        expect(enrich(others, record)).toEqual(enrich(sets, record))
      }),
    )
  })

  it('says the same when sets come one by one, and when others come and go', () => {
    fc.assert(
      fc.property(scenarios(), ([sets, record]) => {
        const registry = new EventSetRegistry()
        const enricher = createEnricher(registry)
        for (const set of sets) {
          registry.registerEventSet(set)
          registry.registerEventSet({ name: 'passing', priority: 9, mappings: set.mappings ?? [] })
          enricher.enrich(record)
          registry.removeEventSet('passing')
        }

        expect(enricher.enrich(record)).toEqual(enrich(sets, record))
      }),
    )
  })

  it('says the same of a set that went through JSON', () => {
    const isData = (set: EventSet) =>
      (set.mappings ?? []).every(({ transformations = {} }) =>
        Object.values(transformations).every((transformation) => typeof transformation === 'string'),
      )
    fc.assert(
      fc.property(scenarios(), ([sets, record]) => {
        fc.pre(sets.every(isData))

        expect(enrich(JSON.parse(JSON.stringify(sets)), record)).toEqual(enrich(sets, record))
      }),
    )
  })

  it('never throws and never changes a record, not even one that nobody would log', () => {
    const odd = fc.oneof(
      fc.object({ maxDepth: 5, withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
      fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }),
      fc.anything() as fc.Arbitrary<Record<string, unknown>>,
    )
    const withOdd = eventSets().chain((sets) => fc.tuple(fc.constant(sets), fc.oneof(recordsFor(sets), odd)))
    const builtIn = createEnricher(createRegistry())
    fc.assert(
      fc.property(withOdd, ([sets, record]) => {
        const before = structuredCloneOf(record)
        const frozen = deepFreeze(record)

        expect(enrich(sets, frozen)).toBeDefined()
        expect(builtIn.enrich(frozen)).toBeDefined()
        expect(frozen).toEqual(before)
      }),
    )
  })

  it('gives the same answer again', () => {
    fc.assert(
      fc.property(scenarios(), ([sets, record]) => {
        const registry = new EventSetRegistry()
        for (const set of sets) registry.registerEventSet(set)
        const enricher = createEnricher(registry)

        expect(enricher.enrich(record)).toEqual(enricher.enrich(record))
      }),
    )
  })
})

describe('enriching twice', () => {
  /** The record as text output has it: markers before the message, metadata beside. */
  function withPrefix(
    record: LogRecord,
    { markers, metadata }: Enrichment,
    ascii: boolean,
    style: MarkerStyle,
  ) {
    const shown = markers.map(({ marker, text }) => (ascii ? text : marker))
    const msg = prefixMessage(record['msg'], shown, style) ?? record['msg']
    return { ...record, ...metadata, ...(msg === undefined ? {} : { msg }) }
  }

  const isText = (message: unknown) =>
    message === undefined || message === null || typeof message !== 'object'
  const forms = fc.constantFrom([false, 'brackets'], [false, 'plain'], [true, 'brackets']) as fc.Arbitrary<
    [boolean, MarkerStyle]
  >

  it('changes nothing, with the markers in the message', () => {
    fc.assert(
      fc.property(scenarios(), forms, ([sets, record], [ascii, style]) => {
        const first = enrich(sets, record, { ascii })
        fc.pre(first.markers.length > 0 && isText(record['msg']))
        const enriched = withPrefix(record, first, ascii, style)
        const second = enrich(sets, enriched, { ascii })

        expect(second).toEqual({ markers: [], metadata: undefined, carried: [] })
        expect(withPrefix(enriched, second, ascii, style)).toEqual(enriched)
      }),
      { numRuns: 1000 },
    )
  })

  it('changes nothing, with the markers in a field', () => {
    fc.assert(
      fc.property(scenarios(), ([sets, record]) => {
        const first = enrich(sets, record)
        fc.pre(first.markers.length > 0 && !Object.hasOwn(record, 'markers'))
        const shown = first.markers.map(({ marker }) => marker)

        expect(enrich(sets, { ...record, ...first.metadata, markers: shown })).toEqual({
          markers: [],
          metadata: undefined,
          carried: shown,
        })
      }),
    )
  })

  it('changes nothing where only metadata was added, as long as no set maps what was added', () => {
    fc.assert(
      fc.property(scenarios({ metadataNames: foreignMetadataNames }), ([sets, record]) => {
        const first = enrich(sets, record)
        const second = enrich(sets, { ...record, ...first.metadata })

        expect(second.markers).toEqual(first.markers)
        expect(second.metadata).toBeUndefined()
      }),
    )
  })
})

describe('matchesGlob', () => {
  const pattern = fc.string({
    unit: fc.constantFrom('a', 'b', '*', '?', '.', '[', '\\', '\n'),
    maxLength: 12,
  })
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '[', ']', '\\', '\n', '*'), maxLength: 20 })

  it('finds what a regular expression finds', () => {
    fc.assert(
      fc.property(pattern, text, (glob, value) => {
        expect(matchesGlob(glob, value)).toBe(globPattern(glob).test(value))
      }),
      { numRuns: 5000 },
    )
  })

  it('finds every text in a pattern made from it', () => {
    const pair = text.chain((value) =>
      fc.tuple(
        fc.constant(value),
        fc
          .array(fc.constantFrom('same', 'any', 'run'), { minLength: value.length, maxLength: value.length })
          .map((kinds) => kinds.map((kind, at) => ({ same: value[at], any: '?', run: '*' })[kind]).join('')),
      ),
    )
    fc.assert(
      fc.property(pair, ([value, glob]) => {
        fc.pre(!value.includes('*'))

        expect(matchesGlob(glob, value)).toBe(true)
      }),
    )
  })

  it('is done in bounded time', () => {
    const nasty = fc.string({ unit: fc.constantFrom('a', '*', '?'), minLength: 500, maxLength: 1000 })
    const long = fc.string({ unit: fc.constantFrom('a', 'a', 'a', 'b'), minLength: 500, maxLength: 1000 })
    fc.assert(
      fc.property(nasty, long, (glob, value) => {
        const start = performance.now()
        matchesGlob(`${glob}x`, value)

        expect(performance.now() - start).toBeLessThan(500)
      }),
      { numRuns: 50 },
    )
  })
})

function hasEquallyFlatSpellings(record: LogRecord): boolean {
  const seen = new Set<string>()
  const walk = (value: object, path: string, depth: number): boolean =>
    Object.entries(value).some(([key, inner]) => {
      const here = path === '' ? key : `${path}.${key}`
      const spelling = `${here} ${depth}`
      if (seen.has(spelling)) return true
      seen.add(spelling)
      return (
        typeof inner === 'object' && inner !== null && !Array.isArray(inner) && walk(inner, here, depth + 1)
      )
    })
  return walk(record, '', 0)
}

/** A copy to compare with. What cannot be cloned (functions, symbols) is compared with itself. */
function structuredCloneOf<T>(value: T): T {
  try {
    return structuredClone(value)
  } catch {
    return value
  }
}
