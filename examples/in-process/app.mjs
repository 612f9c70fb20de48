// In process: no worker, and a set that is registered while the service runs shows on the very next line.
import { createRegistry, defineEventSet } from 'eventsets'
import { eventsetsStream } from 'eventsets/pino'
import pino from 'pino'

const registry = createRegistry()
const log = pino(eventsetsStream({ registry, ignore: 'pid,hostname', singleLine: true }))

log.info(
  { payment: { status: 'completed', amount: 30 } },
  'paid, before anybody has said what that looks like',
)

registry.registerEventSet(
  defineEventSet({
    name: 'payment',
    mappings: [{ name: 'status', visualMarkers: { completed: '💰', failed: '💸' } }],
    fieldMappings: [{ logKey: 'payment.status', mapping: 'status' }],
  }),
)

log.info({ payment: { status: 'completed', amount: 30 } }, 'paid')
log.warn({ payment: { status: 'failed', amount: 8 } }, 'the card was declined')
