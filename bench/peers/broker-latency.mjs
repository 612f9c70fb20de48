// Publishes events at a modest rate, and prints how long it takes from there until a handler has them, in milliseconds.
// Usage: node broker-latency.mjs <way> <port>
import { setTimeout } from 'node:timers/promises'
import { WAYS } from './broker-ways.mjs'

const A_SECOND = 300
const WARM_UP = 300
const EVENTS = 1500

const [way, port] = process.argv.slice(2)
const { publishOne, consume } = await WAYS[way](Number(port))
const publishedAt = []
const tookMs = []
let count = 0
let onAll
const all = new Promise((resolve) => (onAll = resolve))
await consume((index) => {
  tookMs[index] = performance.now() - publishedAt[index]
  count++
  if (count === WARM_UP + EVENTS) onAll()
})
const start = performance.now()
for (let index = 0; index < WARM_UP + EVENTS; index++) {
  await setTimeout(Math.max(0, start + (index * 1000) / A_SECOND - performance.now()))
  publishedAt[index] = performance.now()
  await publishOne(index)
}
await all
const sorted = tookMs.slice(WARM_UP).sort((a, b) => a - b)
const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
process.stdout.write(JSON.stringify({ p50Ms: at(0.5), p99Ms: at(0.99) }))
process.exit()
