import { compileLookup } from '../../core/lookup.ts'
import { paymentSet, setExample } from '../example.ts'
import { quote } from '../quote.ts'
import { setRule } from '../rule.ts'
import { hasKey } from '../table.ts'

export const defaultWithoutMarker = setRule({
  code: 'default-without-marker',
  level: 'warn',
  title: 'a mapping names a default key that has no marker',
  why: 'Values that are not in the table count as that key, and then nothing shows. A mapping that has nothing to show for them leaves "defaultKey" out.',
  bad: setExample(
    paymentSet({
      mappings: [{ name: 'status', defaultKey: 'other', visualMarkers: { paid: '💰', refunded: '💱' } }],
    }),
  ),
  good: setExample(
    paymentSet({
      mappings: [{ name: 'status', defaultKey: 'other', visualMarkers: { paid: '💰', other: '💳' } }],
    }),
  ),
  *check({ set: { mappings = [] } }) {
    for (const [index, { name, defaultKey, visualMarkers, metadataFields }] of mappings.entries()) {
      if (defaultKey === undefined || hasKey(visualMarkers, defaultKey)) continue
      if (hasKey(metadataFields, defaultKey)) continue
      yield {
        path: ['mappings', index, 'defaultKey'],
        message: `the default key ${quote(defaultKey)} of the mapping ${quote(name)} has no marker`,
        hint: `Add ${quote(defaultKey)} to "visualMarkers", or remove "defaultKey".`,
      }
    }
  },
})

export const overrideWithoutMarker = setRule({
  code: 'override-without-marker',
  level: 'warn',
  title: 'a field mapping names a default key that its mapping does not have',
  why: 'The key in "defaultOverrideKey" goes before the default key of the mapping, but only if the mapping has a marker or metadata for it. Otherwise it has no effect.',
  bad: setExample(
    paymentSet({
      fieldMappings: [{ logKey: 'payment.status', mapping: 'status', defaultOverrideKey: 'unknown' }],
    }),
  ),
  good: setExample(
    paymentSet({
      mappings: [{ name: 'status', visualMarkers: { paid: '💰', refunded: '💱', unknown: '💳' } }],
      fieldMappings: [{ logKey: 'payment.status', mapping: 'status', defaultOverrideKey: 'unknown' }],
    }),
  ),
  *check({ set: { fieldMappings = [] }, links }) {
    for (const [index, { defaultOverrideKey }] of fieldMappings.entries()) {
      const mapping = links[index]
      if (defaultOverrideKey === undefined || mapping === undefined) continue
      if (hasKey(mapping.visualMarkers, defaultOverrideKey)) continue
      if (hasKey(mapping.metadataFields, defaultOverrideKey)) continue
      yield {
        path: ['fieldMappings', index, 'defaultOverrideKey'],
        message: `the mapping ${quote(mapping.name)} has no marker for ${quote(defaultOverrideKey)}`,
        hint: `Add ${quote(defaultOverrideKey)} to its "visualMarkers", or remove "defaultOverrideKey".`,
      }
    }
  },
})

export const defaultValueWithoutMarker = setRule({
  code: 'default-value-without-marker',
  level: 'warn',
  title: 'the value for an absent field has no marker',
  why: 'With "defaultValue" a field that is absent counts as that value. If the mapping shows nothing for it, there is no use in that.',
  bad: setExample(
    paymentSet({
      fieldMappings: [{ logKey: 'payment.status', mapping: 'status', defaultValue: 'none' }],
    }),
  ),
  good: setExample(
    paymentSet({
      fieldMappings: [{ logKey: 'payment.status', mapping: 'status', defaultValue: 'paid' }],
    }),
  ),
  *check({ set: { fieldMappings = [] }, links }) {
    for (const [index, { defaultValue, defaultOverrideKey }] of fieldMappings.entries()) {
      const mapping = links[index]
      if (defaultValue === undefined || mapping === undefined) continue
      const found = compileLookup(mapping, defaultOverrideKey, () => {})(defaultValue)
      if (found?.marker !== undefined || (found?.metadata.length ?? 0) > 0) continue
      yield {
        path: ['fieldMappings', index, 'defaultValue'],
        message: `the mapping ${quote(mapping.name)} shows nothing for the default value ${quote(String(defaultValue))}`,
        hint: 'Give it a marker, or remove "defaultValue".',
      }
    }
  },
})
