import type { FieldMapping } from '../../core/event-set.ts'
import { formatPath } from '../../core/issue.ts'
import { findLinkIssues, resolveMapping } from '../../core/link.ts'
import { nearestNames } from '../../core/nearest.ts'
import { paymentSet, setExample } from '../example.ts'
import { type Path, parsePath } from '../path.ts'
import { quote } from '../quote.ts'
import { type SetSubject, type Spot, setRule } from '../rule.ts'

/** The parser finds it for mappings of the set itself; it does not know the other sets. */
export const danglingMapping = setRule({
  code: 'dangling-mapping',
  level: 'error',
  title: 'a field mapping leads to a mapping that is not there',
  why: 'No value of the field could ever be looked up, so the set is not loaded.',
  bad: setExample(paymentSet({ fieldMappings: [{ logKey: 'payment.status', mapping: 'stauts' }] })),
  good: setExample(paymentSet()),
  check: (subject) => findOutsideIssues(subject, ({ eventSetName }) => subject.findSet(eventSetName ?? '')),
})

/** Several plugins may belong together, so another set may yet be there when the application runs. */
export const unknownLinkedSet = setRule({
  code: 'unknown-linked-set',
  level: 'warn',
  title: 'a field mapping leads to a set that is not here',
  why: 'A set that links to another one is only loaded where that one is: built in, in the same package, or brought by another plugin, on which yours then depends.',
  bad: setExample(
    paymentSet({
      fieldMappings: [
        { logKey: 'payment.status', mapping: 'status' },
        { logKey: 'payment.gateway', eventSetName: 'gateways', mapping: 'name' },
      ],
    }),
  ),
  good: setExample(
    paymentSet({
      fieldMappings: [
        { logKey: 'payment.status', mapping: 'status' },
        { logKey: 'payment.gateway.code', eventSetName: 'http', mapping: 'status' },
      ],
    }),
  ),
  check: (subject) => findOutsideIssues(subject, ({ eventSetName }) => !subject.findSet(eventSetName ?? '')),
})

/** Links to other sets that lead nowhere. Each is worded alone: to find the nearest names takes its time. */
function findOutsideIssues(
  { set, findSet, setNames }: SetSubject,
  isWanted: (field: FieldMapping) => unknown,
): Spot[] {
  const outward = (set.fieldMappings ?? []).flatMap((field, index) => {
    const isInside = field.eventSetName === undefined || field.eventSetName === set.name
    return isInside || resolveMapping(field, set, findSet) ? [] : [{ field, index }]
  })
  return outward
    .filter(({ field }) => isWanted(field))
    .slice(0, MOST_WORDED)
    .flatMap(({ field, index }) =>
      findLinkIssues({ ...set, fieldMappings: [field] }, findSet, setNames).map(({ path, message }) => {
        const place: Path = ['fieldMappings', index, ...parsePath(path).slice(2)]
        return { path: place, message: `${formatPath(place)}: ${message}` }
      }),
    )
}

/** Nobody is helped by more. */
const MOST_WORDED = 20

export const unusedMapping = setRule({
  code: 'unused-mapping',
  level: 'warn',
  title: 'no field mapping leads to a mapping',
  why: 'Its markers never show. Either a field mapping is missing, or it names another mapping by mistake.',
  bad: setExample(
    paymentSet({
      mappings: [
        { name: 'status', visualMarkers: { paid: '💰', refunded: '💱' } },
        { name: 'method', visualMarkers: { card: '💳', cash: '💵' } },
      ],
    }),
  ),
  good: setExample(
    paymentSet({
      mappings: [
        { name: 'status', visualMarkers: { paid: '💰', refunded: '💱' } },
        { name: 'method', visualMarkers: { card: '💳', cash: '💵' } },
      ],
      fieldMappings: [
        { logKey: 'payment.status', mapping: 'status' },
        { logKey: 'payment.method', mapping: 'method' },
      ],
    }),
  ),
  *check({ set: { mappings = [], fieldMappings = [] }, links, fieldsOf, isUsedOutside }) {
    // Without any field mapping, that is what is missing.
    if (fieldMappings.length === 0) return
    const names = mappings.map(({ name }) => name)
    // A link that leads nowhere is most likely meant for the mapping with the nearest name.
    const dangling = fieldMappings.filter((_, index) => links[index] === undefined).slice(0, 10)
    const meant = new Set(dangling.flatMap(({ mapping = '' }) => nearestNames(mapping, names)))
    for (const [index, mapping] of mappings.entries()) {
      if (fieldsOf(mapping).length > 0 || isUsedOutside(mapping) || meant.has(mapping.name)) continue
      // Of two with one name, that they have one name is what is wrong.
      if (names.indexOf(mapping.name) < index) continue
      yield {
        path: ['mappings', index, 'name'],
        message: `no field mapping leads to the mapping ${quote(mapping.name)}`,
        hint: 'Add a field mapping for the log key that has these values, or remove the mapping.',
      }
    }
  },
})
