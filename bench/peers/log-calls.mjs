// What a log call costs the thread that makes it, while the worker falls behind as it may.
// Usage: node log-calls.mjs <transport, or "none"> <calls>
import { once } from 'node:events'
import pino from 'pino'
import { flushed, logInBursts, mainThreadNs } from './log-load.mjs'
import { peakRssMb } from './peak-memory.cjs'
import { transportTo } from './transports.mjs'

const WARM_UP_CALLS = 20_000

const [name, callCount] = process.argv.slice(2)
// Without this the process may end while the worker still has lines to write.
const keepAlive = setInterval(() => {}, 1000)

const stream = name === 'none' ? undefined : pino.transport(transportTo(name))
if (stream) await once(stream, 'ready')
const log = pino({}, stream ?? { write() {} })

await logInBursts(log, WARM_UP_CALLS)
if (stream) await flushed(stream)

const cpuStart = mainThreadNs()
const wallStart = process.hrtime.bigint()
await logInBursts(log, Number(callCount))
const cpuNs = mainThreadNs() - cpuStart
const wallNs = Number(process.hrtime.bigint() - wallStart)

const drainStart = process.hrtime.bigint()
if (stream) {
  stream.end()
  await once(stream, 'close')
}
clearInterval(keepAlive)
const report = {
  cpuUsPerCall: cpuNs / callCount / 1e3,
  wallUsPerCall: wallNs / callCount / 1e3,
  backlogMs: Number(process.hrtime.bigint() - drainStart) / 1e6,
  peakRssMb: peakRssMb(),
}
process.stdout.write(JSON.stringify(report))
