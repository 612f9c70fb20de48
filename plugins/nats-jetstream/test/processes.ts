import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A process of its own that does one of the things in `nats-process.mjs`. */
export interface Process {
  readonly child: ChildProcess
  tell(message: object): void
  /** Resolves with the first message that has this, whether it has come already or not. */
  said(what: string): Promise<Readonly<Record<string, unknown>>>
  hasSaid(what: string): boolean
  /** Ends it with SIGKILL, and resolves when it has ended. */
  kill(): Promise<void>
  /** Resolves when it has ended by itself. */
  ended(): Promise<number | null>
}

const script = fileURLToPath(new URL('nats-process.mjs', import.meta.url))
const hook = new URL('resolve-eventsets.mjs', import.meta.url).href

export function startProcess(role: string, options: object): Process {
  const child = fork(script, [role, JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: ['--import', hook],
  })
  const messages: Record<string, unknown>[] = []
  const exit = once(child, 'exit')
  child.on('message', (message) => messages.push(message as Record<string, unknown>))
  return {
    child,
    tell: (message) => void child.send(message),
    async said(what) {
      for (;;) {
        const found = messages.find((message) => what in message)
        if (found) return found
        await Promise.race([
          once(child, 'message'),
          exit.then(([code, signal]) => {
            throw new Error(`The process has ended (${signal ?? code}) and never said "${what}".`)
          }),
        ])
      }
    },
    hasSaid: (what) => messages.some((message) => what in message),
    async kill() {
      child.kill('SIGKILL')
      await exit
    },
    ended: async () => (await exit)[0],
  }
}

/** The lines that a process has written for sure. */
export function readLedger<T = Record<string, unknown>>(path: string): T[] {
  if (!existsSync(path)) return []
  // Whoever was killed while writing has left a part of a line.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line))
}
