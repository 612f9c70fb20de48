import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type JetStreamBackend, type JetStreamOptions, jetStream } from '@eventsets/nats-jetstream'
import type { Consumer, Consumption, Delivery, Outcome, StoredEvent } from 'eventsets/bus'
import { onTestFinished } from 'vitest'
import { type NatsServer, startNats } from './nats-server.ts'
import { type Process, startProcess } from './processes.ts'

/** Long enough for a busy machine, short enough to wait for. */
export const ACK_WAIT_MS = 1000

let streams = 0

/** The name of a stream that nobody has used. */
export function newStream(): string {
  return `test-${process.pid}-${streams++}`
}

/** A server that ends with the test. */
export async function openServer(options?: Parameters<typeof startNats>[0]): Promise<NatsServer> {
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

/** A process that is killed with the test. */
export function openProcess(role: string, options: object): Process {
  const started = startProcess(role, { ackWaitMs: ACK_WAIT_MS, ...options })
  onTestFinished(started.kill)
  return started
}

/** A folder that is gone after the test. */
export function openFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'eventsets-nats-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A consumer that remembers what it was handed. */
export interface Watcher {
  readonly deliveries: Delivery[]
  readonly errors: Error[]
  readonly consumption: Consumption
}

export async function watch(
  backend: JetStreamBackend,
  group: string,
  handle: (delivery: Delivery) => Promise<Partial<Outcome> | undefined> | Partial<Outcome> | undefined = () =>
    undefined,
  more: Partial<Consumer> = {},
): Promise<Watcher> {
  const deliveries: Delivery[] = []
  const errors: Error[] = []
  const consumption = await backend.consume({
    group,
    concurrency: 10,
    patterns: () => ['*'],
    async deliver(delivery) {
      deliveries.push(delivery)
      return { deadLetters: [], ...(await handle(delivery)) }
    },
    onError: (error) => errors.push(error),
    ...more,
  })
  return { deliveries, errors, consumption }
}

/** A group that is there before anybody publishes. */
export async function foundGroup(backend: JetStreamBackend, group: string): Promise<void> {
  const { consumption } = await watch(backend, group)
  await consumption.stop(5000)
}

/** Waits until something is so that nobody tells of: it is looked again and again. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5))
}

export async function untilIdle(backend: JetStreamBackend): Promise<void> {
  await until(async () => {
    const { status, queueDepth, inFlight } = await backend.health()
    return status === 'healthy' && queueDepth === 0 && inFlight === 0
  })
}

let events = 0

export function event(more: Partial<StoredEvent> = {}): StoredEvent {
  const id = `event-${process.pid}-${events++}`
  const said = { source: 'test', time: Date.now(), correlationId: id, priority: 50 }
  return { id, name: 'order.placed', data: { n: events }, ...said, ...more }
}

export function eventsOf(count: number, more: Partial<StoredEvent> = {}): StoredEvent[] {
  return Array.from({ length: count }, () => event(more))
}

/** What was handed to a consumer, whether once or more often. */
export function idsOf(list: readonly { readonly id: string }[]): Set<string> {
  return new Set(list.map(({ id }) => id))
}

export function handed({ deliveries }: Watcher): Set<string> {
  return idsOf(deliveries.map(({ event }) => event))
}

export async function replayAll(backend: JetStreamBackend, pattern = '*'): Promise<StoredEvent[]> {
  const found: StoredEvent[] = []
  for await (const each of backend.replay?.({ pattern }) ?? []) found.push(each)
  return found
}

/** A promise that is settled from outside. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

export async function errorOf(promise: Promise<unknown>): Promise<Error & { code?: string; hint?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('It was to fail, and has not.')
}
