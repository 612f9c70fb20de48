import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A process of its own that plays one of the roles of its script. */
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

/** Finds the packages that this repository builds. */
export const fromClone: string = new URL('../../scripts/from-clone.mjs', import.meta.url).href

/** @param preload More modules to load before the script. */
export function startProcess(
  script: URL,
  role: string,
  options: object,
  preload: readonly string[] = [],
): Process {
  const child = fork(fileURLToPath(script), [role, JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [fromClone, ...preload].flatMap((module) => ['--import', module]),
  })
  const firstWith = new Map<string, Readonly<Record<string, unknown>>>()
  const exit = once(child, 'exit')
  child.on('message', (message: Readonly<Record<string, unknown>>) => {
    for (const what of Object.keys(message)) if (!firstWith.has(what)) firstWith.set(what, message)
  })
  return {
    child,
    tell: (message) => void child.send(message),
    async said(what) {
      for (;;) {
        const found = firstWith.get(what)
        if (found) return found
        await Promise.race([
          once(child, 'message'),
          exit.then(([code, signal]) => {
            throw new Error(`The process has ended (${signal ?? code}) and never said "${what}".`)
          }),
        ])
      }
    },
    hasSaid: (what) => firstWith.has(what),
    async kill() {
      child.kill('SIGKILL')
      await exit
    },
    ended: async () => (await exit)[0],
  }
}
