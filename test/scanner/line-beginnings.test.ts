import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRegistry } from '../../src/discovery/process-registry.ts'
import { createLineProcessor, type LineProcessorOptions } from '../../src/pino/line-processor.ts'

// The scanner keeps how a line begins and only compares the next one with it. Beginnings that nearly agree are where
// that could go wrong.

const beginnings = [
  '{"level":30,"time":T,"pid":1,"hostname":"a",',
  '{"level":30,"time":T,"pid":12,"hostname":"a",',
  '{"level":40,"time":T,"pid":1,"hostname":"a",',
  '{"level":30, "time": T ,"pid":1,"hostname":"a", ',
  '{"level":30,"time":T,',
  '{"level":30,"time":T,"pid":1,"hostname":"a"',
  '{"level":30,"time":"T",',
  '{"level":30,"time":T,"time":T,"pid":1,',
  '{"level":30,"time":T,"x":{"a":1},',
  '{"time":T,"level":30,',
  '{"level":3\\u0030,"time":T,',
]
const times = [
  ...['1767600000024', '1767600000999', '0767600000024', '176760000002', '17676000000240'],
  ...['1767600000.24', '17676000e0024', '-767600000024', '176760000002x'],
]
const ends = [
  ...['"res":{"statusCode":200},"msg":"request completed"}', '"msg":"x"}', '}', '"":1,"domain":"user"}'],
  ...['"res":{"statusCode":404}', '"msg":"a","msg":"b"}', '"domain":"user","status":"success"} ', '"a":1}x'],
]

const line = fc
  .tuple(fc.constantFrom(...beginnings), fc.constantFrom(...times), fc.constantFrom(...ends))
  .map(([beginning, time, end]) => beginning.replaceAll('T', time) + end)

const styles: readonly LineProcessorOptions[] = [
  { output: 'json' },
  { output: 'json', minimumLevel: 'warn' },
  { output: 'json', markers: 'message' },
  { output: 'pretty', colorize: false },
]

describe('lines that begin nearly alike', () => {
  it.each(styles)('are written as the long way writes them: %o', (options) => {
    fc.assert(
      fc.property(fc.array(line, { minLength: 10, maxLength: 60 }), (lines) => {
        const input = Buffer.from(`${lines.join('\n')}\n`)
        const [expected, ...written] = (['none', 'js', 'wasm'] as const).map((scanner) =>
          createLineProcessor(createRegistry(), { ...options, scanner })
            .push(input)
            .toString(),
        )

        expect(written).toEqual([expected, expected])
      }),
      { numRuns: 40 },
    )
  })
})
