import { existsSync, statSync } from 'node:fs'
import type { ServerProcess } from '../servers/server-process.ts'
import { until } from './until.ts'

/**
 * Kills a server, starts it again on what it had stored, and waits until somebody notes something in a ledger. Gives how
 * long that took since its start, in milliseconds.
 */
export async function killAndRestart(
  server: { start(): Promise<void> } & Pick<ServerProcess, 'kill'>,
  ledger: string,
): Promise<number> {
  await server.kill()
  const size = sizeOf(ledger)
  const begun = performance.now()
  await server.start()
  await until(() => sizeOf(ledger) > size)
  return performance.now() - begun
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0
}
