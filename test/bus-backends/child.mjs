// What the processes have in common that the tests start and kill: each plays a role, and tells its parent by messages
// what it has done.
//
//   node --import scripts/from-clone.mjs <script> <role> <options as JSON>
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Plays the role that this process was started for. It ends with its parent. */
export async function play(roles) {
  const [role, json] = process.argv.slice(2)
  process.on('unhandledRejection', (error) => {
    console.error(error)
    process.exit(70)
  })
  process.on('disconnect', () => process.exit(0))
  process.on('message', (message) => {
    for (const [what, value] of Object.entries(message)) hear(what, value)
  })
  await roles[role](JSON.parse(json))
}

export function tell(message) {
  process.send(message)
}

/** Those who wait for the parent to say something, and what it has said before somebody waited for it. */
const waiting = new Map()
const said = new Map()

/** Waits until the parent says this, and gives what it says of it. Whoever else waits for it hears the same. */
export function heard(what) {
  const before = said.get(what)
  if (before?.length > 0) return Promise.resolve(before.shift())
  return new Promise((resolve) => waiting.set(what, [...(waiting.get(what) ?? []), resolve]))
}

function hear(what, value) {
  if (what === 'memory') tell({ [value]: usedBytes() })
  const listeners = waiting.get(what)
  waiting.delete(what)
  for (const listen of listeners ?? []) listen(value)
  if (listeners) return
  if (!said.has(what)) said.set(what, [])
  said.get(what).push(value)
}

/** As if somebody had killed it from outside: nothing more is done. */
export function die() {
  process.kill(process.pid, 'SIGKILL')
  for (;;);
}

/** Without what is garbage. */
function usedBytes() {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
