// What the processes have in common that the tests start and kill: each plays a role, and tells its parent by messages
// what it has done.
//
//   node --import scripts/from-clone.mjs <script> <role> <options as JSON>
import { once } from 'node:events'
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
  process.on('message', ({ memory }) => {
    if (memory) tell({ [memory]: usedBytes() })
  })
  await roles[role](JSON.parse(json))
}

export function tell(message) {
  process.send(message)
}

/** Waits until the parent says this, and gives what it says of it. */
export async function heard(what) {
  for (;;) {
    const [message] = await once(process, 'message')
    if (what in message) return message[what]
  }
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
