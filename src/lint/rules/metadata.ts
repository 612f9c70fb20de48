import { paymentSet, setExample } from '../example.ts'
import { quote } from '../quote.ts'
import { neighbourRule, setRule } from '../rule.ts'
import { hasKey } from '../table.ts'

function statusSet(metadataFields: object): object {
  return paymentSet({
    mappings: [{ name: 'status', visualMarkers: { paid: '💰', refunded: '💱' }, metadataFields }],
  })
}

export const metadataWithoutMarker = setRule({
  code: 'metadata-without-marker',
  level: 'warn',
  title: 'a value has metadata but no marker',
  why: 'It means something to whoever searches the logs, and shows nothing to whoever reads them: a success has to show as a success. Where the mapping has a marker for unknown values, it even shows that one.',
  bad: setExample(statusSet({ payd: { 'payment.final': true } })),
  good: setExample(statusSet({ paid: { 'payment.final': true } })),
  *check({ set: { mappings = [] } }) {
    for (const [index, { name, metadataFields = {}, visualMarkers }] of mappings.entries()) {
      for (const key of Object.keys(metadataFields)) {
        if (hasKey(visualMarkers, key)) continue
        yield {
          path: ['mappings', index, 'metadataFields', key],
          at: 'key',
          message: `${quote(key)} of the mapping ${quote(name)} has metadata but no marker`,
          hint: `Add ${quote(key)} to "visualMarkers".`,
        }
      }
    }
  },
})

export const metadataCollision = neighbourRule({
  code: 'metadata-collision',
  level: 'warn',
  title: 'metadata has the name of a field that applications log',
  why: 'Where a record has the field, the metadata is left out; where it has not, its value looks as if the application had logged it. A log key of an event set is such a field too: whatever reads the log next takes the metadata for a value.',
  bad: setExample(statusSet({ paid: { status: 'final' } })),
  good: setExample(statusSet({ paid: { 'payment.final': true } })),
  *check({ own, others }) {
    if (!own.isOwn) return
    const { mappings = [] } = own.set
    const sets = [own, ...others]
    for (const [index, { metadataFields = {} }] of mappings.entries()) {
      for (const [key, fields] of Object.entries(metadataFields)) {
        for (const name of Object.keys(fields)) {
          const owner = sets.find(({ claims }) => claims.has(name))
          if (owner === undefined && !LOGGED.has(name)) continue
          const reader = owner === own ? 'this set' : `the set ${quote(owner?.set.name ?? '')}`
          yield {
            path: ['mappings', index, 'metadataFields', key, name],
            at: 'key',
            message:
              owner === undefined
                ? `the metadata ${quote(name)} collides with a field that applications log`
                : `the metadata ${quote(name)} collides with a log key of ${reader}`,
            hint: `Begin its name with what the set is about, such as ${quote(`${own.set.name}.${name.replaceAll('.', '_')}`)}.`,
          }
        }
      }
    }
  },
})

/** What pino, pino-http, fastify, their tracing and the collectors behind them write at the top of a record. */
const LOGGED: ReadonlySet<string> = new Set(
  `level time pid hostname name msg v err req res responseTime reqId markers
  message error errors stack code type status statusCode method url path host ip port query params body headers
  id requestId correlationId traceId spanId trace_id span_id trace_flags traceparent userId user session tenant
  timestamp @timestamp severity service serviceContext component module context event action category tag tags
  labels app env environment version duration latency elapsed count size data payload result reason state`.split(
    /\s+/,
  ),
)
