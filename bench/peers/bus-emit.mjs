// Emits events, and prints what one costs: time of the processor, collecting garbage included.
// Usage: node bus-emit.mjs <emitter> <scene>
import { EMITTERS } from './bus-emitters.mjs'

/** `emits`: so many are measured together, enough for garbage to be collected in each batch. */
const SCENES = {
  'one listener': { names: 1, listeners: 1, emits: 480_000 },
  'twelve names': { names: 12, listeners: 1, emits: 480_000 },
  'kept by the listener': { names: 1, listeners: 1, emits: 480_000, isKept: true },
  'ten listeners': { names: 1, listeners: 10, emits: 96_000 },
  'one async listener': { names: 1, listeners: 1, emits: 24_000, isAsync: true },
  'ten async listeners': { names: 1, listeners: 10, emits: 6000, isAsync: true },
}
const WARM_UP_BATCHES = 4
const BATCHES = 10

const [emitterName, sceneName] = process.argv.slice(2)
const scene = SCENES[sceneName]
const { emitter, wrapping } = await EMITTERS[emitterName]()

let sum = 0
const kept = new Array(64)

/** Of several kinds, as an application has them: what is always the same function could be built into the loop. */
const ofData = [
  (data) => {
    sum += data.id
  },
  ({ id }) => {
    sum += id
  },
  function count(data) {
    if (data.id > 0) sum += 1
  },
]
const ofEvents = [
  (event) => {
    sum += event.data.id
  },
  ({ data: { id } }) => {
    sum += id
  },
  function count(event) {
    if (event.data.id > 0) sum += 1
  },
]
const waiting = wrapping
  ? async (event) => {
      sum += event.data.id
    }
  : async (data) => {
      sum += data.id
    }
const keeping = (given) => {
  sum += 1
  kept[sum & 63] = given
}

function listenerAt(index) {
  if (scene.isAsync) return (given) => waiting(given)
  if (scene.isKept) return keeping
  const kinds = wrapping ? ofEvents : ofData
  const listener = kinds[index % kinds.length]
  // An own function for each: an emitter may keep the same one once.
  return index < kinds.length ? listener : (given) => listener(given)
}

/** All add one, and are of several shapes. */
const data = [
  { id: 1, email: 'ada@example.com' },
  { id: 1, total: 4200, lines: [] },
  { customer: { name: 'Ada' }, id: 1 },
]
const names = Array.from({ length: scene.names }, (_, index) => `order.${'abcdefghijkl'[index]}.placed`)
for (const [nameIndex, name] of names.entries())
  for (let index = 0; index < scene.listeners; index++) emitter.on(name, listenerAt(nameIndex + index))

const emitAll = scene.isAsync
  ? async () => {
      for (let index = 0; index < scene.emits; index++)
        await emitter.emit(names[index % names.length], data[(index % names.length) % data.length])
    }
  : () => {
      for (let index = 0; index < scene.emits; index++)
        emitter.emit(names[index % names.length], data[(index % names.length) % data.length])
    }

const costs = []
for (let batch = 0; batch < WARM_UP_BATCHES + BATCHES; batch++) {
  const before = sum
  const start = process.cpuUsage()
  await emitAll()
  const { user, system } = process.cpuUsage(start)
  if (sum - before !== scene.emits * scene.listeners) throw new Error('Not every listener was called.')
  if (batch >= WARM_UP_BATCHES) costs.push(((user + system) * 1000) / scene.emits)
}
process.stdout.write(JSON.stringify({ cpuNs: Math.min(...costs) }))
