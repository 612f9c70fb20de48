// The workers of the example, each a process of its own, and how they die.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */
/** @typedef {ReturnType<typeof startCrew>} Crew */

const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url))

/**
 * @param {object} options
 * @param {number} options.size
 * @param {NodeJS.ProcessEnv} options.environment
 * @param {(error: Error) => void} options.onFailure a worker has ended by itself
 */
export function startCrew({ size, environment, onFailure }) {
  /** @type {Map<ChildProcess, { isReady: boolean }>} */
  const living = new Map()
  /** @type {{ worker: number, time: number }[]} */
  const kills = []

  const start = () => {
    const worker = fork(WORKER, { env: environment, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const state = { isReady: false }
    living.set(worker, state)
    worker.once('message', () => {
      state.isReady = true
    })
    worker.once('exit', (code, signal) => {
      if (living.delete(worker)) onFailure(new Error(`A worker has ended by itself (${signal ?? code}).`))
    })
    return worker
  }
  /** @param {NodeJS.Signals} signal */
  const endAll = async (signal) => {
    const workers = [...living.keys()]
    living.clear()
    for (const worker of workers) worker.kill(signal)
    await Promise.all(workers.map((worker) => hasEnded(worker)))
  }
  const first = Array.from({ length: size }, start)

  return {
    kills,
    /** Resolves when the first of them are all at work. */
    ready: Promise.all(first.map((worker) => once(worker, 'message'))),
    /** Kills one that is at work, whichever it is, and starts another in its place. */
    killOne() {
      const working = [...living].filter(([, { isReady }]) => isReady).map(([worker]) => worker)
      const victim = working[Math.floor(Math.random() * working.length)]
      if (victim?.pid === undefined) return
      living.delete(victim)
      kills.push({ worker: victim.pid, time: Date.now() })
      victim.kill('SIGKILL')
      start()
    },
    /** Each ends what it has in hand. */
    stop: () => endAll('SIGTERM'),
    killAll: () => endAll('SIGKILL'),
  }
}

/** @param {ChildProcess} child */
export async function hasEnded(child) {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
