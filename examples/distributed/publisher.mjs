// Publishes orders, and notes each when the bus has taken it, and not before.
import { appendFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { redisStreams } from '@eventsets/redis-streams'
import { EventBus } from 'eventsets/bus'

const { REDIS_URL = 'redis://localhost:6379', STREAM = 'shop', LEDGER = 'published.ndjson' } = process.env
const count = Number(process.env.EVENTS ?? 20_000)
const customers = Number(process.env.CUSTOMERS ?? 200)

const AT_ONCE = 100
/** So that it takes a while, and workers can die meanwhile. */
const PAUSE_MS = 50

const bus = new EventBus({
  source: 'shop',
  backend: redisStreams({ url: REDIS_URL, stream: STREAM }),
  // Under the same id: an order whose answer was lost on the way is not there twice.
  publishRetry: { maxAttempts: 5 },
})
process.once('disconnect', () => process.exit(1))
// Ctrl-C reaches all processes of a terminal; whoever has started this one ends it.
process.on('SIGINT', () => {})

for (let first = 0; first < count; first += AT_ONCE) {
  const orders = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, index) => {
    const number = first + index
    return {
      name: 'order.placed',
      data: { number },
      // The orders of one customer are handled in this order.
      options: { id: `order-${number}`, key: `customer-${number % customers}` },
    }
  })
  await bus.publishAll(orders)
  const lines = orders.map(({ options }) => `${JSON.stringify({ id: options.id })}\n`)
  appendFileSync(LEDGER, lines.join(''))
  await setTimeout(PAUSE_MS)
}

await bus.close()
process.exit()
