// Emits or publishes events of which each matches one of many patterns, and prints what one costs: time of the processor,
// handling and collecting garbage included.
// Usage: node bus-patterns.mjs <emit|publish> <patterns> <repeated|new>
import { EventBus } from 'eventsets/bus'

const EVENTS = { emit: { repeated: 200_000, new: 20_000 }, publish: { repeated: 10_000, new: 10_000 } }
const WARM_UP_BATCHES = 2
const BATCHES = 6
/** So many are published before the first of them is waited for. */
const TOGETHER = 100

const [way, patterns, names] = process.argv.slice(2)
const events = EVENTS[way][names]
const bus = new EventBus()
let sum = 0
for (let index = 0; index < Number(patterns); index++)
  bus.on(`tenant${index}.order.*`, ({ data }) => {
    sum += data.id
  })

const data = { id: 1, email: 'ada@example.com' }
const WAYS = {
  async emit(named) {
    for (const name of named) await bus.emit(name, data)
  },
  async publish(named) {
    for (let at = 0; at < named.length; at += TOGETHER)
      await Promise.all(named.slice(at, at + TOGETHER).map((name) => bus.publish(name, data)))
    await bus.idle()
  },
}

let made = 0
const costs = []
for (let batch = 0; batch < WARM_UP_BATCHES + BATCHES; batch++) {
  const named = Array.from({ length: events }, () =>
    names === 'new' ? `tenant7.order.n${made++}` : 'tenant7.order.paid',
  )
  const before = sum
  const start = process.cpuUsage()
  await WAYS[way](named)
  const { user, system } = process.cpuUsage(start)
  if (sum - before !== events) throw new Error(`${sum - before} of ${events} events were handled.`)
  if (batch >= WARM_UP_BATCHES) costs.push(((user + system) * 1000) / events)
}
process.stdout.write(JSON.stringify({ cpuNs: Math.min(...costs) }))
await bus.close()
