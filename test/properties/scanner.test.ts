import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import type { EventSet } from '../../src/core/event-set.ts'
import { createLineProcessor, loadScanner } from '../../src/pino/line-processor.ts'
import { toSafeText } from '../../src/pretty/safe-text.ts'
import { chunkOf, expectSame, HEAD, KINDS, play, registryOf, type Step } from '../scanner/differential.ts'
import { anyLine, anyOptions, nearlyJson } from '../scanner/log-lines.ts'
import { anyMetadataNames, eventSets, recordsFor } from './generators.ts'

// Transformations that fail and levels that nobody knows are reported, here thousands of times.
vi.hoisted(() => vi.resetModules())
vi.mock('../../src/pino/report.ts', () => ({ reportOnStderr() {}, reportTransformationError() {} }))

await loadScanner()

/** How often each law is tried: a normal run has seconds for it, a check before a release a minute. */
const RUNS = process.env.CI === 'true' ? 4 : 1

/** Names of metadata that are fields of loggers and of errors as well. */
const metadataNames = [...anyMetadataNames, 'error', 'err', 'err.code', 'level', 'time', 'x.y', '0']

/** A set that a test registers while lines come. */
const LATE: EventSet = {
  name: 'late',
  priority: 999,
  mappings: [{ name: 'any', visualMarkers: { ok: '🆕', default: '🆗' } }],
  fieldMappings: ['state', 'level', 'status', 'a'].map((logKey) => ({ logKey, mapping: 'any' })),
}

const CONFIGS = [
  { levels: { values: { audit: 35, info: 30 }, labels: {} }, messageKey: 'message', errorKey: 'error' },
  { levels: { values: {}, labels: {} }, messageKey: 'msg', errorKey: 'err' },
]

const change = fc.constantFrom<Step>(
  (_, registry) => {
    if (!registry.hasEventSet('late')) registry.registerEventSet(LATE)
  },
  (_, registry) => {
    if (registry.hasEventSet('late')) registry.removeEventSet('late')
  },
  ...CONFIGS.map(
    (config): Step =>
      (processor) =>
        processor.configure(config),
  ),
)

/** Sets, and lines of which some are about them. */
const log = fc
  .oneof({ weight: 2, arbitrary: eventSets({ metadataNames }) }, fc.constant<EventSet[]>([]))
  .chain((sets) => {
    const about = sets.length === 0 ? anyLine : recordsFor(sets).map(toLine)
    const line = fc.oneof({ weight: 3, arbitrary: anyLine }, about)
    const lines = fc.array(line, { minLength: 1, maxLength: 25 })
    return fc.record({ sets: fc.constant(sets), withBuiltIn: fc.boolean(), lines })
  })

function toLine(record: Record<string, unknown>): string {
  return Buffer.from(JSON.stringify({ level: 30, time: 1_767_600_000_000, ...record })).toString('latin1')
}

test('it writes what the plain way writes, by either scanner, whatever the lines, the sets and the options', () => {
  fc.assert(
    fc.property(log, anyOptions, ({ sets, withBuiltIn, lines }, options) => {
      // Twice, so that what has been remembered of a line is used.
      const chunk = chunkOf(lines, 'latin1')
      expectSame({ options, registry: () => registryOf(sets, withBuiltIn), steps: [chunk, chunk] })
    }),
    { numRuns: 300 * RUNS },
  )
})

test('it writes the same wherever the chunks end, and whatever is changed between them', () => {
  fc.assert(
    fc.property(
      log,
      anyOptions,
      fc.array(fc.tuple(fc.nat(), fc.constantFrom('push', 'room'), fc.option(change, { freq: 3 })), {
        maxLength: 8,
      }),
      ({ sets, withBuiltIn, lines }, options, cuts) => {
        const bytes = chunkOf(lines, 'latin1')
        const steps: Step[] = []
        let from = 0
        for (const [cut, way, between] of cuts
          .map(([place, ...rest]) => [place % (bytes.length + 1), ...rest] as const)
          .sort(([a], [b]) => a - b)) {
          const chunk = bytes.subarray(from, cut)
          steps.push(way === 'room' ? { room: chunk } : chunk)
          if (between) steps.push(between)
          from = cut
        }
        steps.push(bytes.subarray(from))
        expectSame({ options, registry: () => registryOf(sets, withBuiltIn), steps })
      },
    ),
    { numRuns: 150 * RUNS },
  )
})

test.each(KINDS)('it takes for a record what JSON.parse takes for one, by %s', (scanner) => {
  // A set that has something to say about every record with a level.
  const set: EventSet = {
    name: 'every',
    mappings: [{ name: 'level', visualMarkers: { default: '🦄' } }],
    fieldMappings: [{ logKey: 'level', mapping: 'level' }],
  }
  const processor = createLineProcessor(registryOf([set], false), { output: 'json', scanner })
  fc.assert(
    fc.property(nearlyJson, (inner) => {
      // Whatever is wrong is inside: in front of it is a level, behind it a brace.
      const line = Buffer.from(`{"level":30,"k":${inner}}`, 'latin1')
      let record: Record<string, unknown> | undefined
      try {
        record = JSON.parse(line.toString('utf8'))
      } catch {
        // No record.
      }
      const isOdd = record !== undefined && (typeof record['level'] === 'object' || 'markers' in record)
      fc.pre(!isOdd)
      const out = processor.push(Buffer.concat([line, Buffer.from('\n')]))

      expect(out.includes('"markers":["🦄"]')).toBe(record !== undefined)
      expect(out.subarray(0, line.lastIndexOf('}')).equals(line.subarray(0, line.lastIndexOf('}')))).toBe(
        true,
      )
    }),
    { numRuns: 2000 * RUNS },
  )
})

/** Every code point and every half of a surrogate pair, as a text. */
function* everyCharacter(): Generator<string> {
  for (let code = 0; code <= 0x10ffff; code++) {
    yield code >= 0xd800 && code <= 0xdfff ? String.fromCharCode(code) : String.fromCodePoint(code)
  }
}

/** So many of the characters that are shown are tried at a time: they can only be copied as they are. */
const GROUP = 400

/**
 * All characters as texts: those that are not shown each alone, so that none of them hides behind another one that
 * sends the line the long way.
 */
const characters = (() => {
  const shown: string[] = []
  const texts: string[] = []
  for (const character of everyCharacter()) {
    if (toSafeText(character) === character) shown.push(character)
    else texts.push(`x${character}y`)
  }
  for (let at = 0; at < shown.length; at += GROUP) texts.push(shown.slice(at, at + GROUP).join(''))
  return texts
})()

const PLACES: Record<string, (json: string) => string> = {
  message: (json) => `{${HEAD},"msg":${json}}`,
  value: (json) => `{${HEAD},"k":${json},"msg":"a"}`,
  'value in a list': (json) => `{${HEAD},"k":[{"k":${json}}],"msg":"a"}`,
  key: (json) => `{${HEAD},${json}:1,"msg":"a"}`,
  'key in an object': (json) => `{${HEAD},"k":{${json}:1},"msg":"a"}`,
  stack: (json) => `{${HEAD},"err":{"type":"Error","stack":${json}},"msg":"a"}`,
  name: (json) => `{"level":30,"time":1767600000000,"name":${json},"msg":"a"}`,
}

/** Escapes are taken apart in the same way everywhere, so that a short run need not look at all places. */
const ESCAPED_PLACES = RUNS === 1 ? ['message', 'value'] : Object.keys(PLACES)

test.each(Object.keys(PLACES))(
  'it shows every character of Unicode in a %s as the plain way does',
  (place) => {
    const write = PLACES[place] as (json: string) => string
    const lines = characters.map((text) => write(toRawJson(text)))
    expectSame({ steps: [chunkOf(lines)] })
  },
)

test.each(ESCAPED_PLACES)('it shows every character of Unicode in a %s, written as an escape', (place) => {
  const write = PLACES[place] as (json: string) => string
  const lines = characters.map((text) => write(toEscapedJson(text)))
  expectSame({ steps: [chunkOf(lines)] })
})

/** As JSON with no escape that JSON does not ask for. In UTF-8 there are no halves of a surrogate pair. */
function toRawJson(text: string): string {
  return `"${text.replace(/\p{Surrogate}/gu, '\ufffd').replace(/["\\\u0000-\u001f]/g, (character) => JSON.stringify(character).slice(1, -1))}"`
}

function toEscapedJson(text: string): string {
  return `"${text.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`
}

test.each(KINDS)('it writes the same for a line whatever lines have come before, by %s', (scanner) => {
  const processors = new Map<string, ReturnType<typeof createLineProcessor>>()
  fc.assert(
    fc.property(anyLine, fc.constantFrom<'json' | 'pretty'>('json', 'pretty'), (line, output) => {
      const chunk = chunkOf([line], 'latin1')
      const processor =
        processors.get(output) ?? createLineProcessor(registryOf(), { output, colorize: false, scanner })
      processors.set(output, processor)
      const expected = play({ options: { output }, steps: [chunk] }, 'none')

      expect(processor.push(chunk).toString('latin1')).toBe(expected.toString('latin1'))
    }),
    { numRuns: 500 * RUNS },
  )
})
