import { createEnricher, type EnricherOptions, type LogRecord } from '../core/enricher.ts'
import { assertRegistry, type EventSetRegistry } from '../core/registry.ts'
import { getRegistry } from '../discovery/process-registry.ts'
import { reportTransformationError } from './report.ts'

export interface FormatterOptions extends EnricherOptions {
  /** Add the fields that the sets know about a value. Default true. */
  readonly metadata?: boolean | undefined
}

/**
 * A function for pino's `formatters.log`: adds the field `markers`, and metadata, to the object of a log call.
 *
 * pino calls it with the object of the call alone, before serializers run: it sees neither the message nor the
 * fields of a child logger. Where these matter, use the transport or the stream.
 */
export function eventsetsFormatter(
  registry: EventSetRegistry = getRegistry(),
  { metadata = true, ...options }: FormatterOptions = {},
): (object: Record<string, unknown>) => Record<string, unknown> {
  assertRegistry(registry, 'eventsetsFormatter')
  const { markersField = 'markers', ascii = false } = options
  const enricher = createEnricher(registry, { onTransformationError: reportTransformationError, ...options })
  return (object) => {
    const enrichment = enricher.enrich(object as LogRecord)
    const added = metadata ? enrichment.metadata : undefined
    if (enrichment.markers.length === 0 && added === undefined) return object
    const markers = enrichment.markers.map(({ marker, text }) => (ascii ? text : marker))
    return {
      ...object,
      ...added,
      ...(Object.hasOwn(object, markersField) ? undefined : { [markersField]: markers }),
    }
  }
}
