// Kills a consumer that has events in hand, and prints how long it takes until another one has handled all of them, in
// milliseconds.
// Usage: node broker-takeover.mjs <port> <leaseMs>
import { fork } from 'node:child_process'
import { on } from 'node:events'
import { fileURLToPath } from 'node:url'
import { redisStreams } from '@eventsets/redis-streams'
import { storedAt } from './broker-events.mjs'

const EVENTS = 100

const [port, leaseMs] = process.argv.slice(2)
const script = fileURLToPath(new URL('broker-consumer.mjs', import.meta.url))
const children = []
const start = (how) => {
  const child = fork(script, [port, leaseMs, how], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  children.push(child)
  return child
}
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

const backend = redisStreams({ url: `redis://127.0.0.1:${port}` })
const events = Array.from({ length: EVENTS }, (_, index) => storedAt(index, index % 2 === 0))
await backend.publish(events)
const first = start('hold')
const left = new Set()
// Of each key there is one event: all of them can be in hand.
for await (const [{ id }] of on(first, 'message')) if (left.add(id).size === EVENTS) break

const second = start('handle')
const handled = on(second, 'message')
// It is at work when it has done something of its own.
const own = storedAt(EVENTS)
await backend.publish([own])
for await (const [{ id }] of handled) if (id === own.id) break

const killedAt = performance.now()
first.kill('SIGKILL')
for await (const [{ id }] of on(second, 'message')) if (left.delete(id) && left.size === 0) break
process.stdout.write(JSON.stringify({ takeoverMs: performance.now() - killedAt }))
process.exit()
