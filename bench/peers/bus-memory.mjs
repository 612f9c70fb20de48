// Subscribes many listeners, and prints how much memory one takes, in bytes: once they are there, and once each has
// been called.
// Usage: node --expose-gc bus-memory.mjs <emitter> <names>
import { EMITTERS } from './bus-emitters.mjs'

const LISTENERS = 100_000

const [emitterName, names] = process.argv.slice(2)
const { emitter } = await EMITTERS[emitterName]()

// What they are subscribed with is the application's: it is there before.
let calls = 0
const listeners = Array.from({ length: LISTENERS }, () => () => {
  calls++
})
const nameAt = Array.from({ length: Number(names) }, (_, index) => `order.${index}.placed`)

// Code that has not run yet takes memory when it does.
emitter.on('warm.up', listeners[0])
await emitter.emit('warm.up', {})
emitter.off('warm.up', listeners[0])
calls = 0

const before = await heapBytes()
for (let index = 0; index < LISTENERS; index++) emitter.on(nameAt[index % nameAt.length], listeners[index])
const subscribed = await heapBytes()
for (const name of nameAt) await emitter.emit(name, {})
if (calls !== LISTENERS) throw new Error(`${calls} of ${LISTENERS} listeners were called.`)
const called = await heapBytes()
// Whatever is not used any more would be collected.
globalThis.inUse = [emitter, listeners, nameAt]
process.stdout.write(
  JSON.stringify({
    subscribedBytes: (subscribed - before) / LISTENERS,
    calledBytes: (called - before) / LISTENERS,
  }),
)

/** What is left when nothing more can be collected. */
async function heapBytes() {
  let bytes = Number.POSITIVE_INFINITY
  for (let last = 0; last !== bytes; ) {
    last = bytes
    // An emitter may have something left to do.
    await new Promise((resolve) => setImmediate(resolve))
    globalThis.gc()
    bytes = Math.min(last, process.memoryUsage().heapUsed)
  }
  return bytes
}
