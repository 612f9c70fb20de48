// The log of the shop: pino, with the markers of eventsets, and behind the message what the audit log says of an event.
import { eventsetsStream } from 'eventsets/pino'
import pino from 'pino'

export function createLog() {
  const messageFormat =
    '{msg}{if data.id} {data.id}{end}{if reason}: {reason}{end}{if correlationId} ({correlationId}){end}'
  return pino({ base: null }, eventsetsStream({ hideObject: true, messageFormat }))
}
