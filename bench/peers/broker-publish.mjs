// Publishes events, a hundred in flight, and prints what one takes.
// Usage: node broker-publish.mjs <way> <events> <port> <pid of the server>
import { beginMeasuring } from './broker-events.mjs'
import { WAYS } from './broker-ways.mjs'

const WARM_UP_SHARE = 0.2

const [way, ...numbers] = process.argv.slice(2)
const [events, port, serverPid] = numbers.map(Number)
const warmUp = events * WARM_UP_SHARE
const { prepare, publish } = await WAYS[way](port)
prepare?.(warmUp + events)
await publish(0, warmUp)
const end = beginMeasuring(serverPid)
await publish(warmUp, warmUp + events)
process.stdout.write(JSON.stringify(end(events)))
process.exit()
