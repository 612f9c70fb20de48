import { type JetStreamBackend, type JetStreamOptions, jetStream } from '@eventsets/nats-jetstream'
import { onTestFinished } from 'vitest'
import { type Process, startProcess as start } from '../../../test/bus-backends/process.ts'
import { type NatsServer, type NatsServerOptions, startNats } from './nats-server.ts'

export { errorOf } from '../../../test/bus-backends/error-of.ts'
export { gate } from '../../../test/bus-backends/gate.ts'
export { replayAll } from '../../../test/bus-backends/history.ts'
export { idsOf, type Noted, readLedger } from '../../../test/bus-backends/ledger.ts'
export { event, eventsOf } from '../../../test/bus-backends/sample-event.ts'
export { openFolder } from '../../../test/bus-backends/temporary-folder.ts'
export { until, untilIdle } from '../../../test/bus-backends/until.ts'
export { foundGroup, handed, type Watcher, watch } from '../../../test/bus-backends/watcher.ts'

/** Long enough for a busy machine, short enough to wait for. */
export const ACK_WAIT_MS = 1000

let streams = 0

/** The name of a stream that nobody has used. */
export function newStream(): string {
  return `test-${process.pid}-${streams++}`
}

/** A server that ends with the test. */
export async function openServer(options?: NatsServerOptions): Promise<NatsServer> {
  const server = await startNats(options)
  onTestFinished(() => server.dispose())
  return server
}

/** A backend that closes with the test. */
export function openBackend(options: JetStreamOptions): JetStreamBackend {
  const backend = jetStream({ ackWaitMs: ACK_WAIT_MS, ...options })
  onTestFinished(() => backend.close())
  return backend
}

/** A process that plays one of the roles in `nats-process.mjs`. */
export function startProcess(role: string, options: object): Process {
  return start(new URL('nats-process.mjs', import.meta.url), role, options)
}

/** A process that is killed with the test. */
export function openProcess(role: string, options: object): Process {
  const started = startProcess(role, { ackWaitMs: ACK_WAIT_MS, ...options })
  onTestFinished(started.kill)
  return started
}
