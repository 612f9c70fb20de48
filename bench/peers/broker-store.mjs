// Has so many events wait on the server, half of them with a key.
// Usage: node broker-store.mjs <events> <port>
import { inBatches, STORED_TOGETHER, storedAt } from './broker-events.mjs'

const [events, port] = process.argv.slice(2).map(Number)
const { redisStreams } = await import('@eventsets/redis-streams')
const backend = redisStreams({ url: `redis://127.0.0.1:${port}` })
await inBatches(0, events, STORED_TOGETHER, (numbers) =>
  backend.publish(numbers.map((index) => storedAt(index, index % 2 === 0))),
)
await backend.close()
process.stdout.write(JSON.stringify({ events }))
