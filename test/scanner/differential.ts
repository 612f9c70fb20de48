import { expect } from 'vitest'
import type { EventSet } from '../../src/core/event-set.ts'
import { EventSetRegistry } from '../../src/core/registry.ts'
import { createRegistry } from '../../src/discovery/process-registry.ts'
import {
  createLineProcessor,
  type LineProcessor,
  type LineProcessorOptions,
} from '../../src/pino/line-processor.ts'

export const KINDS = ['js', 'wasm'] as const

/** The built-in sets and those given, or only those given. */
export function registryOf(sets: readonly EventSet[] = [], withBuiltIn = true): EventSetRegistry {
  const registry = withBuiltIn ? createRegistry() : new EventSetRegistry()
  for (const set of sets) registry.registerEventSet(set)
  return registry
}

/** What happens to a processor: a chunk comes, into its room or not, or something is changed. */
export type Step = Buffer | { readonly room: Buffer } | ((p: LineProcessor, r: EventSetRegistry) => void)

export interface Scenario {
  readonly options?: LineProcessorOptions | undefined
  /** Makes the registry; each way through gets its own, since steps may change it. */
  readonly registry?: (() => EventSetRegistry) | undefined
  readonly steps: readonly Step[]
}

/** Everything that a processor makes of the steps, and of the end of its input. */
export function play(
  { options = {}, registry = registryOf, steps }: Scenario,
  scanner: 'js' | 'wasm' | 'none',
): Buffer {
  const registered = registry()
  const processor = createLineProcessor(registered, { colorize: false, ...options, scanner })
  const out: Buffer[] = []
  for (const step of steps) {
    if (typeof step === 'function') step(processor, registered)
    else if (Buffer.isBuffer(step)) out.push(processor.push(step))
    else passThroughRoom(processor, step.room, (bytes) => out.push(Buffer.from(bytes)))
  }
  return Buffer.concat([...out, processor.end()])
}

function passThroughRoom(processor: LineProcessor, chunk: Buffer, write: (bytes: Buffer) => void): void {
  for (let at = 0; at < chunk.length; ) {
    const room = processor.room()
    const bytes = chunk.copy(room, 0, at)
    processor.takeFrom(room, bytes, write)
    at += bytes
  }
}

/** Expects both scanners to write, byte for byte, what the plain way writes. Gives what that is. */
export function expectSame(scenario: Scenario): string {
  const expected = play(scenario, 'none')
  for (const kind of KINDS) {
    const got = play(scenario, kind)
    if (!got.equals(expected)) expect(excerpt(got, expected), kind).toBe(excerpt(expected, got))
  }
  return expected.toString('utf8')
}

/** The part that differs: a whole log would hide it. */
function excerpt(bytes: Buffer, other: Buffer): string {
  let at = 0
  while (at < bytes.length && bytes[at] === other[at]) at++
  return `at ${at} of ${bytes.length}: ${JSON.stringify(bytes.subarray(Math.max(0, at - 200), at + 200).toString('latin1'))}`
}

/** Lines as one chunk. Byte strings where they hold something else than ASCII. */
export function chunkOf(lines: readonly string[], encoding: 'utf8' | 'latin1' = 'utf8'): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(''), encoding)
}

/** What a logger writes before the members that a test is about. */
export const HEAD = '"level":30,"time":1767600000000,"pid":4242,"hostname":"web-1"'
