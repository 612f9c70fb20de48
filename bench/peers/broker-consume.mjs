// Consumes events that wait on the server, with a handler that only counts, and prints what one takes.
// Usage: node broker-consume.mjs <way> <events> <port> <pid of the server>
import { beginMeasuring } from './broker-events.mjs'
import { WAYS } from './broker-ways.mjs'

const WARM_UP_SHARE = 0.2

const [way, ...numbers] = process.argv.slice(2)
const [events, port, serverPid] = numbers.map(Number)
const warmUp = events * WARM_UP_SHARE
const { store, consume } = await WAYS[way](port)
await store(warmUp + events)

let count = 0
let end
const took = new Promise((resolve) => {
  consume(() => {
    count++
    if (count === warmUp) end = beginMeasuring(serverPid)
    else if (count === warmUp + events) resolve(end(events))
  })
})
process.stdout.write(JSON.stringify(await took))
process.exit()
