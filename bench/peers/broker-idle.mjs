// Consumes with handlers that do not come to an end, and prints how much memory the process has while it waits, in MB
// of a million bytes, and how many events wait for its group.
// Usage: node broker-idle.mjs <port>
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { redisStreams } from '@eventsets/redis-streams'
import { EventBus } from 'eventsets/bus'

/** A lease and more: it has told the server several times that it lives, and has taken all that it takes. */
const IDLE_MS = 10_000
const CONCURRENCY = 100

const [port] = process.argv.slice(2)
const backend = redisStreams({ url: `redis://127.0.0.1:${port}` })
const bus = new EventBus({ backend, concurrency: CONCURRENCY, source: 'shop', group: 'bench' })
let begun = 0
const isFull = new Promise((resolve) => {
  bus.on('order.*', () => {
    begun++
    if (begun === CONCURRENCY) resolve()
    return new Promise(() => {})
  })
})
await bus.start()
await isFull
await setTimeout(IDLE_MS)
const { queueDepth, inFlight } = await backend.health()
process.stdout.write(
  JSON.stringify({ rssMb: process.memoryUsage.rss() / 1e6, peakMb: peakBytes() / 1e6, queueDepth, inFlight }),
)
process.exit()

/** The kernel's own count of the most; elsewhere than on Linux what Node tells. */
function peakBytes() {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
  } catch {
    return process.resourceUsage().maxRSS * 1024
  }
}
