// Sends lines through the stream, in memory, with as many sets as asked for, and prints nanoseconds a line.
// Usage: node enrich-lines.mjs <log file> <number of sets>
import { readFileSync } from 'node:fs'
import { eventsetsStream } from 'eventsets/pino'
import { fastestNsPerItem } from './fastest.mjs'
import { registerManySets } from './many-sets.mjs'

const LINES = 4000
const BATCH = 200

const [file, setCount] = process.argv.slice(2)
const lines = readFileSync(file, 'latin1').split('\n', LINES).filter(Boolean)

let bytes = 0
const stream = eventsetsStream({
  registry: registerManySets(Number(setCount)),
  output: 'json',
  destination: {
    write(chunk) {
      bytes += chunk.length
    },
  },
})

const batches = Array.from({ length: Math.ceil(lines.length / BATCH) }, (_, index) =>
  Buffer.from(`${lines.slice(index * BATCH, (index + 1) * BATCH).join('\n')}\n`, 'latin1'),
)
for (const batch of batches) stream.write(batch)
const bytesPerLine = bytes / lines.length
// The scanner is loaded in the background once there is enough to read; an application has such moments all the time.
await new Promise((resolve) => setTimeout(resolve, 300))
const lineNs = fastestNsPerItem(batches, lines.length, (batch) => stream.write(batch))
process.stdout.write(JSON.stringify({ lineNs, bytesPerLine }))
