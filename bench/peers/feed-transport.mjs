// Sends lines through a transport and waits until the last one is written: those of a log file, again from its
// beginning where it has too few.
// Usage: node feed-transport.mjs <transport> <log file> <lines> [destination]
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import pino from 'pino'
import { peakRssMb } from './peak-memory.cjs'
import { transportTo } from './transports.mjs'

const BURST = 500

const [name, file, lineCount, destination] = process.argv.slice(2)
const keepAlive = setInterval(() => {}, 1000)
const lines = readFileSync(file, 'utf8').split(/(?<=\n)/)
const count = Number(lineCount)
const stream = pino.transport(transportTo(name, destination))
await once(stream, 'ready')

const start = process.hrtime.bigint()
const cpuStart = process.cpuUsage()
for (let next = 0; next < count; ) {
  let hasRoom = true
  for (const end = Math.min(next + BURST, count); next < end; next++)
    hasRoom = stream.write(lines[next % lines.length])
  if (hasRoom) await new Promise(setImmediate)
  else await once(stream, 'drain')
}
stream.end()
await once(stream, 'close')
const wallMs = Number(process.hrtime.bigint() - start) / 1e6
const { user, system } = process.cpuUsage(cpuStart)
clearInterval(keepAlive)
process.stdout.write(JSON.stringify({ wallMs, cpuMs: (user + system) / 1e3, peakRssMb: peakRssMb() }))
