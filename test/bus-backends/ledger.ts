import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'vitest'

/** What a process notes of an event that it has published or handled. */
export interface Noted {
  readonly id: string
  readonly key?: string | undefined
  readonly n: number
  readonly attempt: number
  readonly isRedelivered: boolean
}

/** The lines that a process has written for sure. */
export function readLedger<T = Record<string, unknown>>(path: string): T[] {
  if (!existsSync(path)) return []
  // Whoever was killed while writing has left a part of a line.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line))
}

export function idsOf(list: readonly { readonly id: string }[]): Set<string> {
  return new Set(list.map(({ id }) => id))
}

/** Of each key in the order of publishing, where only the first time counts. */
export function expectInOrder(handled: readonly Noted[]): void {
  for (const [key, numbers] of firstTimes(handled)) {
    const sorted = [...numbers].sort((a, b) => a - b)
    expect({ key, numbers }).toEqual({ key, numbers: sorted })
  }
}

/** The first time each event of a key was handled, in the order in which that was. */
export function firstTimes(
  handled: readonly Pick<Noted, 'id' | 'key' | 'n'>[],
): Map<string | undefined, number[]> {
  const seen = new Set<string>()
  const byKey = new Map<string | undefined, number[]>()
  for (const { id, key, n } of handled) {
    if (seen.has(id)) continue
    seen.add(id)
    const numbers = byKey.get(key)
    if (numbers) numbers.push(n)
    else byKey.set(key, [n])
  }
  return byKey
}
