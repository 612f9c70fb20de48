// Sends the lines of a log file through a transport and waits until the last one is written.
// Usage: node feed-transport.mjs <target> <log file>
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import pino from 'pino'
import { peakRssMb } from './peak-memory.cjs'
import { TARGETS } from './targets.mjs'

const BURST = 500

const [targetName, file] = process.argv.slice(2)
const keepAlive = setInterval(() => {}, 1000)
const lines = readFileSync(file, 'utf8').split(/(?<=\n)/)
const stream = pino.transport(TARGETS[targetName])
await once(stream, 'ready')

const start = process.hrtime.bigint()
const cpuStart = process.cpuUsage()
for (let next = 0; next < lines.length; ) {
  let hasRoom = true
  for (const end = Math.min(next + BURST, lines.length); next < end; next++)
    hasRoom = stream.write(lines[next])
  if (hasRoom) await new Promise(setImmediate)
  else await once(stream, 'drain')
}
stream.end()
await once(stream, 'close')
const wallMs = Number(process.hrtime.bigint() - start) / 1e6
const { user, system } = process.cpuUsage(cpuStart)
clearInterval(keepAlive)
process.stdout.write(JSON.stringify({ wallMs, cpuMs: (user + system) / 1e3, peakRssMb: peakRssMb() }))
