// The least that takes lines from one stream to another, as a member of a group: what is done with a line is left out.
// Usage: node broker-loop.mjs <port>
import { Redis } from 'ioredis'

/** As many as the worker reads unless it is told otherwise. */
const COUNT = 500

const client = new Redis(Number(process.argv[2]))
for (;;) {
  const found = await client.xreadgroup(
    ...['GROUP', 'enrich', 'me', 'COUNT', COUNT, 'BLOCK', 1000, 'STREAMS', 'logs', '>'],
  )
  if (found === null) continue
  const [[, entries]] = found
  const pipeline = client.pipeline()
  for (const [, [, line]] of entries) pipeline.xadd('out', '*', 'line', line)
  pipeline.xack('logs', 'enrich', ...entries.map(([id]) => id))
  for (const [error] of await pipeline.exec()) if (error) throw error
}
