import { afterEach, describe, expect, test, vi } from 'vitest'
import { main, runProgram } from '../cli/run-cli.ts'
import { chunkOf, HEAD } from './differential.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

/** The module as it is where WebAssembly is something else than here. */
async function load(wasm: unknown): Promise<typeof import('../../src/scanner/scanner.ts')> {
  vi.resetModules()
  vi.stubGlobal('WebAssembly', wasm)
  return import('../../src/scanner/scanner.ts')
}

const host = {
  classify: () => 0,
  decide: () => 0,
  passSlowly: (_: number, __: number, out: number) => out,
  flush: () => {},
  describe: () => -1,
  fillSecond: () => 0,
}
const given = (globalThis as unknown as { WebAssembly: Record<string, unknown> }).WebAssembly

class Failing {
  constructor() {
    throw new RangeError('could not allocate memory')
  }
}

describe('the choice', () => {
  test('it takes WebAssembly unless told otherwise', async () => {
    const { chooseScanner } = await load(given)

    expect([undefined, 'wasm', 'js'].map(chooseScanner)).toEqual(['wasm', 'wasm', 'js'])
  })

  test.each([
    ['there is no WebAssembly', undefined],
    ['WebAssembly lacks the instructions', { ...named(given), Module: Failing }],
  ])('it takes JavaScript where %s, even when asked for the other', async (_, wasm) => {
    const { chooseScanner } = await load(wasm)

    expect([undefined, 'wasm', 'js'].map(chooseScanner)).toEqual(['js', 'js', 'js'])
  })

  test.each([
    ['memory', { ...named(given), Memory: Failing }],
    ['an instance', { ...named(given), Instance: Failing }],
  ])('it makes a scanner in JavaScript where WebAssembly cannot have %s', async (_, wasm) => {
    const { createScanner } = await load(wasm)
    const { memory, scanner } = createScanner('wasm', 100_000, host)

    expect(memory.byteLength).toBe(131_072)
    expect(typeof scanner.run).toBe('function')
  })
})

/** The properties of WebAssembly, which cannot be listed. */
function named({ Memory, Module, Instance }: Record<string, unknown>) {
  return { Memory, Module, Instance }
}

test('it places keys by the same hashes in both languages', async () => {
  const { createScanner } = await load(given)
  const both = (['js', 'wasm'] as const).map((kind) => createScanner(kind, 65_536, host))
  const keys = ['', 'a', 'ab', 'abc', 'msg', 'level', 'http.response.status_code', 'é', '🦄', 'x'.repeat(300)]
  for (const [index, key] of keys.entries()) {
    const [js, wasm] = both.map(({ memory, scanner }) => {
      const length = Buffer.from(memory).write(`${key}behind it`, 4096) - 'behind it'.length
      return scanner.hashKey((length << 16) | index, 4096, length)
    })

    expect(js).toBe(wasm)
  }
})

describe('as users run it', () => {
  const lines = [...Array(400).keys()].map((index) => `{${HEAD},"method":"GET","k":${index},"msg":"m"}`)
  const input = chunkOf(lines)
  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    runProgram(process.execPath, [...args, main, '--json'], { input, env })
  const expected = run([]).stdout

  test.each([
    ['JavaScript is asked for', [], { EVENTSETS_SCANNER: 'js' }],
    ['WebAssembly is asked for', [], { EVENTSETS_SCANNER: 'wasm' }],
    ['there is no WebAssembly', ['--jitless'], {}],
    ['there is none, but it is asked for', ['--jitless'], { EVENTSETS_SCANNER: 'wasm' }],
    [
      'there is no memory for WebAssembly',
      [
        '--import',
        'data:text/javascript,WebAssembly.Memory=class{constructor(){throw new RangeError("no")}}',
      ],
      {},
    ],
    [
      'there is no memory at all',
      [
        '--import',
        'data:text/javascript,WebAssembly.Memory=class{constructor(){throw new RangeError("no")}};const A=ArrayBuffer;globalThis.ArrayBuffer=class extends A{constructor(n,...r){if(n>1e6)throw new RangeError("no");super(n,...r)}}',
      ],
      {},
    ],
  ])('it writes the same where %s', (_, args, env) => {
    const { status, stdout, stderr } = run(args, env)

    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.not.stringContaining('Error') })
    expect(stdout).toBe(expected)
    expect(stdout.split('\n')).toHaveLength(lines.length + 1)
  })

  test('it names what it knows when asked for something else, and goes on', () => {
    const { status, stdout, stderr } = run([], { EVENTSETS_SCANNER: 'rust' })

    expect(stderr).toContain('eventsets: EVENTSETS_SCANNER is "rust"; known are "js" and "wasm".')
    expect({ status, stdout }).toEqual({ status: 0, stdout: expected })
  })
})
