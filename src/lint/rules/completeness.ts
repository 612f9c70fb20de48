import { paymentSet, setExample } from '../example.ts'
import { quote } from '../quote.ts'
import { plainRule, setRule } from '../rule.ts'

/** The parser finds it. */
export const duplicateMappingName = plainRule({
  code: 'duplicate-mapping-name',
  level: 'error',
  title: 'two mappings of a set have one name',
  why: 'Field mappings name the mapping they lead to, so only the first could be meant. The set is not loaded.',
  bad: setExample(
    paymentSet({
      mappings: [
        { name: 'status', visualMarkers: { paid: '💰' } },
        { name: 'status', visualMarkers: { refunded: '💱' } },
      ],
    }),
  ),
  good: setExample(paymentSet()),
})

export const emptySet = setRule({
  code: 'empty-set',
  level: 'warn',
  title: 'a set has no field mappings',
  why: 'Mappings alone are tables that nobody looks anything up in: a field mapping says which log key of a record they are for.',
  bad: setExample(paymentSet({ fieldMappings: [] })),
  good: setExample(paymentSet()),
  *check({ set: { mappings = [], fieldMappings = [] }, isUsedOutside }) {
    if (fieldMappings.length > 0 || mappings.some(isUsedOutside)) return
    yield {
      path: ['fieldMappings'],
      message: 'the set has no field mappings, so it shows nothing',
      hint: 'Add { "logKey": …, "mapping": … } to "fieldMappings".',
    }
  },
})

export const mappingWithoutMarkers = setRule({
  code: 'mapping-without-markers',
  level: 'warn',
  title: 'a mapping has no markers',
  why: 'Its fields belong to the set all the same, so no other set is asked about them, and nothing shows.',
  bad: setExample(paymentSet({ mappings: [{ name: 'status', visualMarkers: {} }] })),
  good: setExample(paymentSet()),
  *check({ set: { mappings = [] } }) {
    for (const [
      index,
      { name, visualMarkers = {}, metadataFields = {}, ranges = {} },
    ] of mappings.entries()) {
      // What has a value or a range without a marker is told so in particular.
      if ([visualMarkers, metadataFields, ranges].some((table) => Object.keys(table).length > 0)) continue
      yield {
        path: ['mappings', index],
        message: `the mapping ${quote(name)} has no markers`,
        hint: 'Add "visualMarkers", or remove the mapping.',
      }
    }
  },
})

export const missingDescription = setRule({
  code: 'missing-description',
  level: 'info',
  title: 'a set has no description',
  why: '`eventsets list` and `eventsets show` have nothing to say about it but its name.',
  bad: setExample(paymentSet({ description: undefined })),
  good: setExample(paymentSet()),
  *check({ set: { description = '' } }) {
    if (description.trim() !== '') return
    yield {
      path: ['description'],
      message: 'the set has no description',
      hint: 'Say in a few words what it is about, in "description".',
    }
  },
})

export const missingSchema = setRule({
  code: 'missing-schema',
  level: 'info',
  title: 'a set file does not name its schema',
  why: 'With it, editors complete the keys of a set and underline what is wrong while it is written.',
  bad: setExample(paymentSet({ $schema: undefined })),
  good: setExample(paymentSet()),
  *check({ set: { $schema }, isFile }) {
    if (!isFile || $schema !== undefined) return
    yield {
      path: ['$schema'],
      message: 'the file does not name its schema',
      hint: 'Begin it with "$schema": "https://unpkg.com/eventsets/schema.json".',
    }
  },
})
