import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

/** A server that tests start, and do to what happens to servers. */
export interface ServerProcess {
  /** Where it stores what it stores. */
  readonly folder: string
  /** Starts it on what it had stored. Resolves at once: whether it answers already is for others to find out. */
  start(): void
  /** Ends it with SIGKILL. */
  kill(): Promise<void>
  /** Keeps it from doing anything, and lets it go on. */
  pause(): void
  resume(): void
  /** Kills it, and removes what it had stored. */
  dispose(): Promise<void>
}

export function createServerProcess(
  command: string,
  argumentsFor: (folder: string) => readonly string[],
): ServerProcess {
  const folder = mkdtempSync(join(tmpdir(), `eventsets-${basename(command)}-`))
  let child: ChildProcess | undefined
  let exit: Promise<unknown> = Promise.resolve()
  const kill = async () => {
    child?.kill('SIGKILL')
    await exit
  }
  return {
    folder,
    start() {
      child = spawn(command, argumentsFor(folder), { stdio: 'ignore' })
      exit = once(child, 'exit')
    },
    kill,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async dispose() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
