import { isDeepStrictEqual } from 'node:util'
import { type AppliedMarker, createEnricher } from '../../core/enricher.ts'
import type { EventSet } from '../../core/event-set.ts'
import { builtInSets } from '../../discovery/built-in-sets.ts'
import {
  type ConformanceCase,
  expectNone,
  joinProblems,
  quote,
  type ValueProblem,
} from '../conformance-case.ts'
import { examine, isBuiltIn, registryOf, type Subject, titleOf } from './subject.ts'
import { shownBy, type Trial, tryFields } from './trial.ts'

export interface CompanyOptions {
  /** Whether the set may have the name of a built-in one, which it then stands for. */
  readonly override: boolean
}

/** How a set gets on with those that every application has. */
export function companyCases(subject: Subject, { override }: CompanyOptions): ConformanceCase[] {
  const name = quote(subject.set.name)
  return [
    {
      name: 'has a name that no built-in set has',
      run() {
        const isTaken = !override && builtInSets.some((builtIn) => builtIn.name === subject.set.name)
        const problem = `${name} is built in: choose another name, or give the option "override" if you mean to replace it.`
        expectNone(isTaken ? [problem] : [], `Set ${name} cannot be registered`)
      },
    },
    {
      name: 'shows its markers beside the built-in sets too',
      run() {
        expectNone(joinProblems(findSilenced(subject)), `Other sets own log keys of set ${name}`)
      },
    },
    {
      name: 'leaves the built-in sets their markers',
      run() {
        expectNone(joinProblems(findTaken(subject)), `Records show less once set ${name} is registered`)
      },
    },
  ]
}

/** Values that the set shows alone, and not in company. */
function findSilenced(subject: Subject): ValueProblem[] {
  const { priority = 0 } = subject.set
  return tryFields(subject).flatMap(({ field, shown }) =>
    shown.flatMap((trial) => {
      const { markers } = subject.enrichBeside(trial.record)
      if (shownBy(subject, field, markers)?.key === trial.outcome.key) return []
      const owner = ownerOf(subject, trial, markers)
      const who = owner ? `set ${quote(owner.name)} (priority ${owner.priority ?? 0})` : 'another set'
      const problem = `${titleOf(field)} does not get ${quote(trial.name)}, which ${who} owns: raise the priority (${priority}) above that, or leave the log key to it`
      return { problem, concerns: trial.outcome.title }
    }),
  )
}

/** The other set that a value belongs to: the one whose marker is there, or else the first that reads the log key. */
function ownerOf(
  { set, others }: Subject,
  { name }: Trial,
  markers: readonly AppliedMarker[],
): EventSet | undefined {
  const reads = ({ fieldMappings = [] }: EventSet) =>
    fieldMappings.some(({ logKey, aliases = [] }) => [logKey, ...aliases].includes(name))
  const shown = markers.find((marker) => marker.set !== set.name && marker.logKey === name)
  const sorted = [...others].sort((one, other) => (other.priority ?? 0) - (one.priority ?? 0))
  return sorted.find((other) => other.name === shown?.set) ?? sorted.find(reads)
}

/** Markers of the built-in sets that are gone: the set owns the value, and has nothing to show for it. */
function findTaken({ set, others, fields }: Subject): ValueProblem[] {
  const without = createEnricher(registryOf(others))
  const beside = createEnricher(registryOf([...others, set]))
  const ownNames = new Set(fields.flatMap(({ names }) => names))
  const trials = others.filter(isBuiltIn).flatMap(trialsOf)
  return trials.flatMap(({ record, name, value }): ValueProblem[] => {
    const before = without.enrich(record)
    const after = beside.enrich(record)
    if (isDeepStrictEqual(before, after)) return []
    const isOwn = Object.keys(record).some((key) => ownNames.has(key))
    if (!isOwn) {
      const problem = 'A record without any field of the set looks different'
      return [{ problem, concerns: `${quote(name)} with ${quote(value)}` }]
    }
    const isReplaced = ({ logKey, key, ...old }: AppliedMarker) =>
      after.markers.some(
        (marker) =>
          marker.logKey === logKey &&
          (marker.set === set.name || (marker.set === old.set && marker.key === key)),
      )
    return before.markers
      .filter((marker) => !isReplaced(marker))
      .map((marker) => ({
        problem: `${quote(marker.logKey)} of set ${quote(marker.set)} is taken, and nothing is shown for it: restrict the field mapping to your own values with "when" or "valueType", or lower the priority (${set.priority ?? 0})`,
        concerns: `${quote(marker.value)} (${marker.marker})`,
      }))
  })
}

const trialsOfBuiltIn = new Map<EventSet, readonly Trial[]>()

/** Records of a built-in set, one for each value at each of its log keys. */
function trialsOf(set: EventSet): readonly Trial[] {
  const known = trialsOfBuiltIn.get(set)
  if (known !== undefined) return known
  const trials = tryFields(examine(set)).flatMap(({ shown }) =>
    shown.filter(({ spelling }) => spelling === 'flat'),
  )
  trialsOfBuiltIn.set(set, trials)
  return trials
}
