import type { EventSet } from '../core/event-set.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { companyCases } from './event-set/company.ts'
import { hostileCase } from './event-set/hostile.ts'
import { lintCase } from './event-set/lint.ts'
import { lookCases } from './event-set/look.ts'
import { fieldCases, mappingCases } from './event-set/reachability.ts'
import { recordCases } from './event-set/records.ts'
import { dataCase, examineInput, validityCase } from './event-set/validity.ts'

export interface EventSetConformanceOptions {
  /** Sets whose mappings this one uses. The built-in ones are there anyway. */
  readonly linkedSets?: readonly EventSet[] | undefined
  /** The set is meant to take the place of the built-in one of its name. */
  readonly override?: boolean | undefined
  /** The set is made in code and may have functions as transformations. A set in a JSON file has none. */
  readonly code?: boolean | undefined
}

/**
 * What an event set must be and do to work for everybody who installs it, as cases with a name and a function.
 *
 * Takes the set as it is: an object, or parsed JSON. Works with any runner of tests:
 *
 * ```js
 * for (const { name, run } of eventSetConformance(set)) test(name, run)
 * ```
 *
 * Of something that is no valid set there are no more cases than tell so.
 */
export function* eventSetConformance(
  set: unknown,
  { linkedSets = [], override = false, code = false }: EventSetConformanceOptions = {},
): Generator<ConformanceCase, void, undefined> {
  const examined = examineInput(set, linkedSets)
  yield validityCase(examined)
  if (!code) yield dataCase(set)
  const { subject } = examined
  if (subject === undefined) return
  yield* mappingCases(subject)
  yield* fieldCases(subject)
  yield* recordCases(subject)
  yield* lookCases(subject)
  yield* companyCases(subject, { override })
  yield hostileCase(subject)
  yield lintCase(subject)
}
