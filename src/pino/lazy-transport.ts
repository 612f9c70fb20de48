import type { Duplex } from 'node:stream'
import type { TransportOptions } from './options.ts'
import { listenForPinoConfig } from './pino-config.ts'
import type { WorkerDestination } from './transport.ts'

/**
 * The pino transport: `pino({ transport: { target: 'eventsets', options } })`.
 *
 * Loaded only when pino calls it, so that importing `eventsets` for its registry costs an application little.
 */
export default async function eventsetsTransport(
  options?: TransportOptions,
): Promise<WorkerDestination | Duplex> {
  // Before anything is awaited: see listenForPinoConfig.
  const config = listenForPinoConfig()
  const { createTransport, findDestination, findSurroundings, loadScanner } = await import('./transport.ts')
  // Before the first lines come: a busy worker has no moment to load anything, and a burst at the start would all take
  // the long way.
  const [found] = await Promise.all([findSurroundings(options), loadScanner()])
  return createTransport(options, config, found, await findDestination(options, found))
}
