// What a log call costs the thread that makes it.
// Usage: node log-calls.mjs <target, or "none"> <calls>
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import pino from 'pino'
import { peakRssMb } from './peak-memory.cjs'
import { TARGETS } from './targets.mjs'

const BURST = 50
const WARM_UP_CALLS = 20_000

const [targetName, callCount] = process.argv.slice(2)
// Without this the process may end while the worker still has lines to write.
const keepAlive = setInterval(() => {}, 1000)

const stream = targetName === 'none' ? undefined : pino.transport(TARGETS[targetName])
if (stream) await once(stream, 'ready')
const log = pino({}, stream ?? { write() {} })

await logInBursts(WARM_UP_CALLS)
if (stream) await new Promise((resolve) => stream.flush(resolve))

const cpuStart = mainThreadNs()
const wallStart = process.hrtime.bigint()
await logInBursts(Number(callCount))
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

/** As a server logs: some calls, then the event loop turns. */
function logInBursts(calls) {
  return new Promise((resolve) => {
    let done = 0
    const burst = () => {
      for (const end = Math.min(done + BURST, calls); done < end; done++) logOnce(done)
      if (done < calls) setImmediate(burst)
      else resolve()
    }
    burst()
  })
}

function logOnce(index) {
  const fields = {
    reqId: `req-${index}`,
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'url.path': '/api/v1/orders',
    'db.system.name': 'postgresql',
    'db.operation.name': 'SELECT',
    userId: index,
    tenant: 'acme',
    durationMs: 12.5,
  }
  log.info(fields, 'request completed')
}

/** The time the main thread has been on a core. Elsewhere than on Linux: the wall time. */
function mainThreadNs() {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0])
  } catch {
    return Number(process.hrtime.bigint())
  }
}
