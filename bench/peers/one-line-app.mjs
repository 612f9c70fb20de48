// An application that logs one line through a transport and ends.
// Prints how long the transport took to become ready, unless "quiet" asks for the application alone.
// Usage: node one-line-app.mjs <transport, or "none"> [quiet]
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import pino from 'pino'
import { transportTo } from './transports.mjs'

const [name, quiet] = process.argv.slice(2)
const start = process.hrtime.bigint()
const stream = name === 'none' ? { write() {} } : pino.transport(transportTo(name))
const log = pino({}, stream)
log.info({ req: { method: 'GET', url: '/' }, res: { statusCode: 200 } }, 'request completed')
if (quiet === undefined) {
  await once(stream, 'ready')
  writeSync(1, JSON.stringify({ readyMs: Number(process.hrtime.bigint() - start) / 1e6 }))
}
