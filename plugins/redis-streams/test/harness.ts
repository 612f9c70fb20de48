import { type RedisStreamsBackend, type RedisStreamsOptions, redisStreams } from '@eventsets/redis-streams'
import type { EventBusOptions } from 'eventsets/bus'
import { onTestFinished } from 'vitest'
import { type OpenBus, openBusOn } from '../../../test/bus-backends/open-bus.ts'
import { type Process, startProcess as start } from '../../../test/bus-backends/process.ts'
import { type NetworkProxy, startProxy } from '../../../test/servers/proxy.ts'
import { type RedisServer, type RedisServerOptions, startRedis } from './redis-server.ts'

export { gate } from '../../../test/bus-backends/gate.ts'
export { replayAll } from '../../../test/bus-backends/history.ts'
export { expectInOrder, idsOf, type Noted, readLedger } from '../../../test/bus-backends/ledger.ts'
export { event, eventsOf } from '../../../test/bus-backends/sample-event.ts'
export { openFolder } from '../../../test/bus-backends/temporary-folder.ts'
export { until, untilIdle } from '../../../test/bus-backends/until.ts'
export { foundGroup, handed, type Watcher, watch } from '../../../test/bus-backends/watcher.ts'

/** Long enough for a busy machine, short enough to wait for. */
export const LEASE_MS = 800

let streams = 0

/** The name of a stream that nobody has used. */
export function newStream(): string {
  return `test-${process.pid}-${streams++}`
}

/** A server that ends with the test. */
export async function openServer(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await startRedis(options)
  onTestFinished(() => server.dispose())
  return server
}

export interface RedisProxy extends NetworkProxy {
  readonly url: string
}

export async function openProxy({ port }: RedisServer): Promise<RedisProxy> {
  // What a client asks when it connects is answered, or it would never come to the point.
  const proxy = await startProxy(port, { isSpared: (answer) => answer.includes('redis_version') })
  onTestFinished(() => proxy.close())
  return Object.assign(proxy, { url: `redis://127.0.0.1:${proxy.port}` })
}

/** A backend that closes with the test. */
export function openBackend(options: RedisStreamsOptions): RedisStreamsBackend {
  const backend = redisStreams({ leaseMs: LEASE_MS, ...options })
  onTestFinished(() => backend.close())
  return backend
}

/** A bus that closes with the test. */
export function openBus(
  options: RedisStreamsOptions,
  busOptions?: EventBusOptions,
): OpenBus<RedisStreamsBackend> {
  return openBusOn(openBackend(options), busOptions)
}

/** A process that plays one of the roles in `redis-process.mjs`. */
export function startProcess(role: string, options: object, preload?: readonly string[]): Process {
  return start(new URL('redis-process.mjs', import.meta.url), role, options, preload)
}

/** A process that is killed with the test. */
export function openProcess(role: string, options: object, preload?: readonly string[]): Process {
  const started = startProcess(role, { leaseMs: LEASE_MS, ...options }, preload)
  onTestFinished(started.kill)
  return started
}
