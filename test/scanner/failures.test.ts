import { afterEach, describe, expect, test, vi } from 'vitest'
import type { EventSet } from '../../src/core/event-set.ts'
import { createLineProcessor, type LineProcessorOptions, loadScanner } from '../../src/pino/line-processor.ts'
import * as scanners from '../../src/scanner/scanner.ts'
import { chunkOf, expectSame, HEAD, KINDS, play, registryOf } from './differential.ts'

// What the tests have loaded before this file knows nothing of its mocks.
vi.hoisted(() => vi.resetModules())
vi.mock('../../src/scanner/scanner.ts', { spy: true })
vi.mock('../../src/pino/report.ts', () => ({ reportOnStderr() {}, reportTransformationError() {} }))
afterEach(() => {
  vi.resetAllMocks()
})

await loadScanner()

const createScanner = scanners.createScanner
const numbers = (count: number) => [...Array(count).keys()]
const lines = numbers(3000).map((index) => `{${HEAD},"method":"GET","k":"value ${index}","msg":"m ${index}"}`)
const OPTIONS: readonly LineProcessorOptions[] = [
  { output: 'json' },
  { output: 'pretty' },
  { singleLine: true },
]

/** Lets all scanners that are made from now on have another host, or another `run`. */
async function change(
  alter: (made: ReturnType<typeof createScanner>, host: scanners.ScannerHost) => scanners.Scanner,
  alterHost: (host: scanners.ScannerHost) => scanners.ScannerHost = (host) => host,
) {
  const { createScanner: create } = await vi.importActual<typeof import('../../src/scanner/scanner.ts')>(
    '../../src/scanner/scanner.ts',
  )
  vi.mocked(createScanner).mockImplementation((kind, bytes, host) => {
    const altered = alterHost(host)
    const made = create(kind, bytes, altered)
    return { memory: made.memory, scanner: alter(made, altered) }
  })
}

test.each(KINDS)(
  'it ends no process and loses no line when %s fails in the middle of a chunk',
  async (scanner) => {
    await change(({ memory, scanner: actual }, host) => ({
      ...actual,
      run(start, end) {
        // All but the last lines, of which a part has been handed out already.
        const newline = Buffer.from(memory).lastIndexOf(10, start + Math.floor((end - start) * 0.7))
        const out = actual.run(start, newline + 1)
        const output = new Int32Array(memory)[(1024 + 72) / 4] as number
        host.flush(output, output + Math.floor((out - output) / 2))
        throw new Error('unreachable')
      },
    }))

    for (const options of OPTIONS) {
      const steps = [chunkOf(lines), chunkOf(lines.slice(0, 5))]
      expect(play({ options, steps }, scanner).equals(play({ options, steps }, 'none'))).toBe(true)
    }
    expect(createScanner).toHaveBeenCalled()
  },
)

test.each(['classify', 'decide', 'describe', 'fillSecond'] as const)(
  'it takes a line the long way when nothing can be found out about it: %s',
  async (name) => {
    let failures = 0
    await change(
      ({ scanner }) => scanner,
      (host) => {
        const ask = host[name] as (...parameters: number[]) => number
        return {
          ...host,
          [name]: (...parameters: number[]) =>
            ++failures % 2 === 0 ? (name === 'describe' ? -1 : 0) : ask(...parameters),
        }
      },
    )

    for (const options of OPTIONS)
      expectSame({
        options,
        steps: [chunkOf([...lines.slice(0, 200), `{${HEAD},"time2":1e5,"k":1e5,"msg":"\\u00e9"}`])],
      })
    expect(failures).toBeGreaterThan(0)
  },
)

test.each(KINDS)('it lets nothing of a renderer or an enricher out that fails, by %s', (scanner) => {
  // What sets ask of values is code of other people.
  const hostile: EventSet = {
    name: 'hostile',
    mappings: [
      {
        name: 'any',
        visualMarkers: { default: '🦄' },
        transformations: {
          '*': () => {
            throw new Error('always')
          },
        },
      },
    ],
    fieldMappings: [{ logKey: 'method', mapping: 'any' }],
  }
  for (const options of OPTIONS) {
    const scenario = { options, registry: () => registryOf([hostile]), steps: [chunkOf(lines)] }
    expect(play(scenario, scanner).equals(play(scenario, 'none'))).toBe(true)
  }
})

test('it goes the long way where no scanner can be made', () => {
  vi.mocked(createScanner).mockImplementation(() => {
    throw new RangeError('Array buffer allocation failed')
  })

  for (const options of OPTIONS) expectSame({ options, steps: [chunkOf(lines)] })
  expect(createScanner).toHaveBeenCalled()
})

describe('a write that throws', () => {
  test.each([...KINDS, 'none'] as const)(
    'it is let through, and later lines are written whole, by %s',
    (scanner) => {
      const processor = createLineProcessor(registryOf(), { output: 'json', scanner })
      const broken = () => {
        throw new Error('broken pipe')
      }
      // More than a scanner takes at once, and the beginning of a line.
      const much = Buffer.concat([chunkOf(lines), chunkOf(lines), Buffer.from('{"k":1')])
      expect(() => processor.pass(much, broken)).toThrow('broken pipe')

      const written: string[] = []
      processor.pass(Buffer.from('2}\n{"k":3}\n'), (bytes) => written.push(bytes.toString()))
      expect(written.join('')).toBe('{"k":12}\n{"k":3}\n')

      const room = processor.room()
      const bytes = room.write('{"k":4}\n{"k":')
      expect(() => processor.takeFrom(room, bytes, broken)).toThrow('broken pipe')
      expect(processor.push(Buffer.from('5}\n')).toString()).toBe('{"k":5}\n')
    },
  )

  test.each(KINDS)('it costs no bytes but those that could not be written, by %s', (scanner) => {
    const processor = createLineProcessor(registryOf(), { output: 'json', scanner })
    const written: Buffer[] = []
    let calls = 0
    const write = (bytes: Buffer) => {
      if (++calls === 2) throw new Error('once')
      written.push(Buffer.from(bytes))
    }
    const much = Buffer.concat([chunkOf(lines), chunkOf(lines)])
    expect(() => processor.pass(much, write)).toThrow('once')

    expect(calls).toBeGreaterThan(2)
    expect(Buffer.concat(written).toString()).toContain(`"m ${lines.length - 1}"`)
  })
})
