// Consumes, and tells its parent of each event when it has begun (`hold`: it never ends) or when it has handled it.
// Usage: node broker-consumer.mjs <port> <leaseMs> <hold|handle>
import { redisStreams } from '@eventsets/redis-streams'
import { EventBus } from 'eventsets/bus'

const [port, leaseMs, how] = process.argv.slice(2)
const backend = redisStreams({ url: `redis://127.0.0.1:${port}`, leaseMs: Number(leaseMs) })
const bus = new EventBus({ backend, source: 'shop', group: 'bench' })
bus.on('order.*', ({ id }) => {
  process.send({ id })
  return how === 'hold' ? new Promise(() => {}) : undefined
})
await bus.start()
process.once('disconnect', () => process.exit())
