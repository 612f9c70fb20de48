import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reasonOf } from '../discovery/set-file.ts'

/**
 * Hands a folder of its own to `use`, and removes it: afterwards, when `use` throws, and when a signal or
 * `process.exit` ends the process before. Throws what `wordFailure` makes of the reason when there can be no folder.
 */
export async function withTemporaryFolder<T>(
  wordFailure: (reason: string) => Error,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = makeFolder(wordFailure)
  try {
    return await use(folder)
  } finally {
    removeFolder(folder)
    // The event loop alone hands over a signal that came meanwhile; without its listener it would be lost.
    await new Promise((resolve) => setImmediate(resolve))
    if (folders.size === 0) unwatch()
  }
}

/** Those that are in use. */
const folders = new Set<string>()

function makeFolder(wordFailure: (reason: string) => Error): string {
  if (folders.size === 0) watch()
  try {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'eventsets-')))
    folders.add(folder)
    return folder
  } catch (error) {
    if (folders.size === 0) unwatch()
    throw wordFailure(reasonOf(error))
  }
}

function removeFolder(folder: string): void {
  folders.delete(folder)
  rmSync(folder, { recursive: true, force: true })
}

function removeAll(): void {
  for (const folder of folders) removeFolder(folder)
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

function watch(): void {
  process.on('exit', removeAll)
  for (const signal of SIGNALS) process.on(signal, endBySignal)
}

function unwatch(): void {
  process.off('exit', removeAll)
  for (const signal of SIGNALS) process.off(signal, endBySignal)
}

function endBySignal(signal: NodeJS.Signals): void {
  // Where somebody else listens, too, it is theirs to say whether the process ends.
  if (process.listenerCount(signal) > 1) return
  removeAll()
  unwatch()
  process.kill(process.pid, signal)
}
