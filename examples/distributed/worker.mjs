// One of any number of workers, on any number of machines: copy this file, and put your work in the place of its own.
// It may be killed at any moment.
import { appendFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { redisStreams } from '@eventsets/redis-streams'
import { EventBus } from 'eventsets/bus'

const { REDIS_URL = 'redis://localhost:6379', STREAM = 'shop', LEDGER = 'orders.ndjson' } = process.env

/** @type {EventBus<{ 'order.placed': { number: number } }>} */
const bus = new EventBus({
  source: 'shop',
  // All that have this name share the events. A service with another name gets every event as well.
  group: 'orders',
  // So many orders at once, each of another customer: the customer is the key.
  concurrency: 20,
  retry: { maxAttempts: 5 },
  backend: redisStreams({
    url: REDIS_URL,
    stream: STREAM,
    // Whoever is silent for so long is taken for dead. In this example nobody wants to wait for 15 seconds.
    leaseMs: 1500,
    // An event that has seen so many processes die is given up. Here they die for no fault of any event.
    maxCrashes: 20,
  }),
  onError: (error) => console.error(error.message),
})

bus.on('order.placed', async function handleOrder(event) {
  note('begun', event)
  // Stands for what takes time: a query, a request.
  await setTimeout(Math.random() * 30)
  note('handled', event)
})

await bus.start()
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, stop)
process.once('disconnect', stop)
// For whoever has started this process and waits until it works, as process managers do.
process.send?.('ready')

/** Ends what is in hand, and leaves the rest to others. */
async function stop() {
  await bus.close()
  process.exit()
}

/**
 * What a worker does has to bear being done twice: after a crash nobody knows how far it had come. Here each time is
 * noted, to be counted afterwards. What was written stays when the process is killed.
 *
 * @param {'begun' | 'handled'} what
 * @param {import('eventsets/bus').BusEvent<'order.placed', { number: number }>} event
 */
function note(what, { id, key, data: { number } }) {
  const line = { what, id, key, number, worker: process.pid, time: Date.now() }
  appendFileSync(LEDGER, `${JSON.stringify(line)}\n`)
}
