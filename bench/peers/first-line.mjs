// An application that logs one line through a transport. Prints how long it took, from pino.transport(), until the line
// could be read from the named pipe that it is written to, and how much of the processor's time.
// Usage: node first-line.mjs <transport> <named pipe> <folder of the application> <options as JSON> <record as JSON>
import { closeSync, openSync, read } from 'node:fs'
import pino from 'pino'
import { transportTo } from './transports.mjs'

const [name, pipe, folder, options, record] = process.argv.slice(2)
process.chdir(folder)
// Both ends, since one opens only when the other is open.
const fd = openSync(pipe, 'r+')
const { target, options: usual } = transportTo(name, pipe)
const fields = JSON.parse(record)

const cpuStart = process.cpuUsage()
const start = process.hrtime.bigint()
const log = pino({}, pino.transport({ target, options: { ...usual, ...JSON.parse(options) } }))
log.info(fields, 'request completed')
read(fd, Buffer.alloc(64 * 1024), (error, length, buffer) => {
  const firstLineMs = Number(process.hrtime.bigint() - start) / 1e6
  const { user, system } = process.cpuUsage(cpuStart)
  if (error) throw error
  closeSync(fd)
  process.stdout.write(
    JSON.stringify({ firstLineMs, cpuMs: (user + system) / 1e3, text: buffer.toString('utf8', 0, length) }),
  )
})
