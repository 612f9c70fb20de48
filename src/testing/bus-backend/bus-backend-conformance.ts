import type { ConformanceCase } from '../conformance-case.ts'
import { closingCases } from './closing.ts'
import { deadLetterCases } from './dead-letters.ts'
import { deliveryCases } from './delivery.ts'
import { durabilityCases } from './durability.ts'
import { historyCases } from './history.ts'
import { orderCases } from './order.ts'
import { stateCases } from './state.ts'
import type { BusBackendConformanceOptions, MakeBackend } from './subject.ts'
import { togetherCases } from './together.ts'
import { runTrial } from './trial.ts'
import { tryingAgainCases } from './trying-again.ts'

/**
 * What a backend of the bus must do, as cases with a name and a function. Works with any runner of tests:
 *
 * ```js
 * for (const { name, run } of busBackendConformance(() => memoryBackend())) test(name, run)
 * ```
 *
 * Each case makes a backend of its own. What a backend does not say that it has (`features`) is not asked of it, except
 * that it says so honestly.
 */
export function busBackendConformance(
  make: MakeBackend,
  options?: BusBackendConformanceOptions,
): ConformanceCase[]
/** @param name What the names of the cases begin with. */
export function busBackendConformance(
  name: string,
  make: MakeBackend,
  options?: BusBackendConformanceOptions,
): ConformanceCase[]
export function busBackendConformance(
  first: string | MakeBackend,
  second?: MakeBackend | BusBackendConformanceOptions,
  third?: BusBackendConformanceOptions,
): ConformanceCase[] {
  const isNamed = typeof first === 'string'
  const make = (isNamed ? second : first) as MakeBackend
  const options = ((isNamed ? third : second) ?? {}) as BusBackendConformanceOptions
  const prefix = isNamed ? `${first} ` : ''
  return CASES.map(({ name, run }) => ({
    name: `${prefix}${name}`,
    run: () => runTrial(make, options, run),
  }))
}

const CASES = [
  ...stateCases,
  ...deliveryCases,
  ...tryingAgainCases,
  ...orderCases,
  ...deadLetterCases,
  ...historyCases,
  ...closingCases,
  ...durabilityCases,
  ...togetherCases,
]
