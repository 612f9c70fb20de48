import { createEnricher } from '../../core/enricher.ts'
import type { EventMapping } from '../../core/event-set.ts'
import { type MarkerStyle, prefixMessage } from '../../core/message.ts'
import {
  type ConformanceCase,
  expectNone,
  joinProblems,
  quote,
  type ValueProblem,
} from '../conformance-case.ts'
import { isSameKey, markerOf } from './outcome.ts'
import { registryOf, type Subject, titleOf } from './subject.ts'
import { recordsFor, setField, shownBy, type Trial, tryFields } from './trial.ts'

/** What becomes of whole records: what is added, what is left alone, what happens the second time. */
export function recordCases(subject: Subject): ConformanceCase[] {
  const name = quote(subject.set.name)
  return [
    {
      name: 'finds values in upper and lower case alike',
      run() {
        expectNone(joinProblems(findCaseSensitive(subject)), `Case matters to set ${name}`)
      },
    },
    {
      name: 'shows nothing for fields that are absent or null',
      run() {
        expectNone(findPhantoms(subject), `Set ${name} shows markers for nothing`)
      },
    },
    {
      name: 'adds metadata only with a marker of the same value',
      run() {
        const problems = [...findUnmarkedMetadata(subject), ...joinProblems(findUnaddedMetadata(subject))]
        expectNone(problems, `What set ${name} adds to records is not seen, or never added`)
      },
    },
    {
      name: 'never overwrites a field of the application',
      run() {
        expectNone(joinProblems(findOverwritten(subject)), `Set ${name} overwrites what is in a record`)
      },
    },
    {
      name: 'changes nothing when a record is enriched twice',
      run() {
        expectNone(joinProblems(findChangedTwice(subject)), `Set ${name} marks its own work`)
      },
    },
  ]
}

function findCaseSensitive(subject: Subject): ValueProblem[] {
  return trialsOf(subject).flatMap(({ field, outcome, value, ...place }) => {
    if (typeof value !== 'string') return []
    const lower = value.toLowerCase()
    const spellings = [lower, value.toUpperCase(), (value[0] ?? '').toUpperCase() + lower.slice(1)]
    const missed = spellings.filter((spelt) => {
      // "ß" has no upper case that leads back to it.
      if (spelt.toLowerCase() !== lower) return false
      return ![...recordsFor(field, place, spelt)].some(
        (record) => shownBy(subject, field, subject.enrich(record).markers)?.key === outcome.key,
      )
    })
    const problem = `${titleOf(field)} does not find ${outcome.title} in another case: let its transformation take any`
    return missed.map((spelt) => ({ problem, concerns: quote(spelt) }))
  })
}

function findPhantoms(subject: Subject): string[] {
  const ofEmpty = subject.enrich({}).markers.map(({ marker }) => `An empty record shows ${quote(marker)}.`)
  const ofNull = tryFields(subject).flatMap(({ field, places }) => {
    // It speaks for an absent field beside others of the set, and conditions may be such.
    if (field.field.defaultValue !== undefined) return []
    return places.flatMap((place) =>
      [null, undefined]
        .filter((nothing) =>
          [...recordsFor(field, place, nothing)].some(
            (record) => shownBy(subject, field, subject.enrich(record).markers)?.logKey === place.name,
          ),
        )
        .map((nothing) => `${titleOf(field)} shows a marker for ${quote(place.name)}: ${nothing}.`),
    )
  })
  return [...ofEmpty, ...ofNull]
}

function findUnmarkedMetadata({ set }: Subject): string[] {
  return (set.mappings ?? []).flatMap((mapping) =>
    Object.keys(mapping.metadataFields ?? {})
      .filter((key) => markerOf(key, mapping) === undefined)
      .map(
        (key) =>
          `${quote(key)} of mapping ${quote(mapping.name)} adds fields and has no marker: add one under the same key to visualMarkers.`,
      ),
  )
}

/** Metadata that no record ever gets, since each one that earns it has such a field already. */
function findUnaddedMetadata(subject: Subject): ValueProblem[] {
  const added = new Set<string>()
  const earned = new Map<string, ValueProblem>()
  for (const { field, outcome, record } of trialsOf(subject)) {
    const { metadata = {} } = subject.enrich(record)
    for (const [name, extra] of metadataOf(outcome.key, field.mapping)) {
      const id = JSON.stringify([field.mapping.name, outcome.key, name])
      if (metadata[name] === extra) added.add(id)
      const problem = `${quote(name)} of mapping ${quote(field.mapping.name)} is never added, since records with these values have it already: give it another name`
      earned.set(id, { problem, concerns: quote(outcome.key) })
    }
  }
  return [...earned].filter(([id]) => !added.has(id)).map(([, problem]) => problem)
}

function findOverwritten(subject: Subject): ValueProblem[] {
  const own = 'of the application'
  return trialsOf(subject).flatMap(({ field, outcome, record }) =>
    metadataOf(outcome.key, field.mapping).flatMap(([name]) => {
      if (Object.hasOwn(record, name)) return []
      const taken = { ...record }
      setField(taken, name, own)
      const { metadata = {} } = subject.enrich(taken)
      if (!Object.hasOwn(metadata, name)) return []
      return {
        problem: `${titleOf(field)} overwrites ${quote(name)}`,
        concerns: outcome.title,
      }
    }),
  )
}

function findChangedTwice(subject: Subject): ValueProblem[] {
  const { enrich } = createEnricher(registryOf([...subject.others, subject.set]))
  return trialsOf(subject).flatMap(({ field, outcome, record }) => {
    const once = enrich(record)
    const markers = once.markers.map(({ marker }) => marker)
    const problems: string[] = []
    const withMetadata = { ...record, ...once.metadata }
    const again = enrich(withMetadata)
    const markersAgain = again.markers.map(({ marker }) => marker)
    if (markers.join() !== markersAgain.join() || again.metadata !== undefined) {
      const names = Object.keys(once.metadata ?? {}).map(quote)
      problems.push(
        `The fields that ${titleOf(field)} adds (${names.join(', ')}) have markers or metadata themselves: give them names that are no log keys`,
      )
    }
    for (const style of ['brackets', 'plain'] satisfies MarkerStyle[]) {
      const message = prefixMessage(record['msg'] ?? 'done', markers, style)
      if (markers.length > 0 && enrich({ ...withMetadata, msg: message }).markers.length > 0)
        problems.push(`In the style "${style}", markers of ${titleOf(field)} are put twice`)
    }
    if (enrich({ ...withMetadata, markers }).markers.length > 0)
      problems.push(`The markers of ${titleOf(field)} are put twice`)
    return problems.map((problem) => ({ problem, concerns: outcome.title }))
  })
}

function metadataOf(
  key: string,
  { metadataFields = {} }: EventMapping,
): [string, string | number | boolean][] {
  const found = Object.entries(metadataFields).find(([other]) => isSameKey(key, other))
  return Object.entries(found?.[1] ?? {})
}

/** One spelling is enough: which one it is makes no difference here. */
function trialsOf(subject: Subject): Trial[] {
  return tryFields(subject).flatMap(({ shown }) => shown.filter(({ spelling }) => spelling === 'flat'))
}
