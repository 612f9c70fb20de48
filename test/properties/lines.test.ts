import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRegistry } from '../../src/discovery/process-registry.ts'
import {
  createLineProcessor,
  type LineProcessor,
  type LineProcessorOptions,
} from '../../src/pino/line-processor.ts'
import { orders } from '../fixtures/orders.ts'
import { hostileJson, hostileRecord } from './hostile-records.ts'

const registry = createRegistry()
registry.registerEventSet(orders)

const jsonOptions = fc.constantFrom<LineProcessorOptions>(
  { output: 'json' },
  { output: 'json', metadata: false },
  { output: 'json', ascii: true },
  { output: 'json', markers: 'message' },
  { output: 'json', markers: 'message', ascii: true },
  { output: 'json', markers: 'message', markerStyle: 'plain' },
  { output: 'json', markers: 'none' },
  { output: 'json', markers: 'message', messageKey: 'message' },
)
const anyOptions = fc.oneof(
  jsonOptions,
  fc.constantFrom<LineProcessorOptions>(
    { output: 'pretty', colorize: false },
    { output: 'pretty', colorize: true, singleLine: true },
    { output: 'pretty', colorize: false, minimumLevel: 40 },
  ),
)

/** Lines as logs have them: records, texts, and bytes that are neither. */
const line = fc.oneof(
  { weight: 4, arbitrary: hostileRecord.map((text) => Buffer.from(text)) },
  hostileJson.map((text) => Buffer.from(text)),
  hostileRecord.map((text) => Buffer.from(text.slice(0, -1))),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(hostileRecord, fc.uint8Array({ maxLength: 8 }))
    .map(([text, bytes]) => Buffer.concat([Buffer.from(text.slice(0, -1)), bytes, Buffer.from('}')])),
  fc.constantFrom('', '\r', '{}', ' { } ', '{}\r', '{"state":"paid"}\r').map((text) => Buffer.from(text)),
)

const input = fc
  .tuple(fc.array(line, { maxLength: 8 }), fc.boolean())
  .map(([lines, isTerminated]) =>
    Buffer.concat(
      lines.flatMap((bytes, index) =>
        index < lines.length - 1 || isTerminated ? [bytes, Buffer.from('\n')] : [bytes],
      ),
    ),
  )

/** One processor for all runs with the same options: an input that has ended must leave nothing behind. */
const processors = new Map<string, LineProcessor>()

function run(chunks: readonly Buffer[], options: LineProcessorOptions): Buffer {
  const name = JSON.stringify(options)
  const processor = processors.get(name) ?? createLineProcessor(registry, options)
  processors.set(name, processor)
  return Buffer.concat([...chunks.map((chunk) => processor.push(chunk)), processor.end()])
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

test('it gives the same bytes wherever the chunks end', () => {
  fc.assert(
    fc.property(
      input,
      anyOptions,
      fc.array(fc.nat(1000), { maxLength: 6 }),
      fc.integer({ min: 0, max: 2 }),
      (bytes, options, cuts, kind) => {
        const limited = kind === 0 ? { ...options, maxLineBytes: 1024 } : options
        const ends =
          kind === 1 ? [...bytes.keys()] : cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b)
        const chunks = [...ends, bytes.length].map((end, index) =>
          bytes.subarray(index === 0 ? 0 : ends[index - 1], end),
        )

        expect(run(chunks, limited).equals(run([bytes], limited))).toBe(true)
      },
    ),
    { numRuns: 800 },
  )
})

test('it changes nothing when it is done twice', () => {
  fc.assert(
    fc.property(input, jsonOptions, (bytes, options) => {
      const once = run([bytes], options)

      expect(run([once], options).toString('latin1')).toBe(once.toString('latin1'))
    }),
    { numRuns: 1500 },
  )
})

test('it passes on unchanged, byte for byte, every line that is no record', () => {
  fc.assert(
    fc.property(line, anyOptions, (bytes, options) => {
      fc.pre(!bytes.includes(10) && !isRecord(parse(bytes.toString('utf8'))))

      expect(run([bytes], options).equals(bytes)).toBe(true)
    }),
    { numRuns: 800 },
  )
})

test('it keeps every byte of a record before the closing brace, and the rest is valid JSON', () => {
  fc.assert(
    fc.property(line, fc.boolean(), (bytes, ascii) => {
      fc.pre(!bytes.includes(10) && isRecord(parse(bytes.toString('utf8'))))
      const brace = bytes.lastIndexOf('}')
      const out = run([bytes], { output: 'json', ascii })

      expect(out.subarray(0, brace).equals(bytes.subarray(0, brace))).toBe(true)
      expect(out.subarray(out.lastIndexOf('}')).equals(bytes.subarray(brace))).toBe(true)
      expect(isRecord(parse(out.toString('utf8')))).toBe(true)
    }),
    { numRuns: 800 },
  )
})

test('it never changes a field of the application', () => {
  fc.assert(
    fc.property(hostileRecord, jsonOptions, (text, options) => {
      const before = parse(text) as Record<string, unknown>
      const after = parse(run([Buffer.from(text)], options).toString('utf8')) as Record<string, unknown>
      const { markers, messageKey = 'msg' } = options

      for (const key of Object.keys(before)) {
        if (markers === 'message' && key === messageKey && typeof before[key] === 'string') {
          expect(String(after[key]).endsWith(before[key])).toBe(true)
        } else expect(after[key]).toEqual(before[key])
      }
      expect(Object.keys(after).slice(0, Object.keys(before).length)).toEqual(Object.keys(before))
    }),
    { numRuns: 1000 },
  )
})
