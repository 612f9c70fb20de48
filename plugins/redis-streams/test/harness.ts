import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RedisStreamsBackend, type RedisStreamsOptions, redisStreams } from '@eventsets/redis-streams'
import {
  type Consumer,
  type Consumption,
  type Delivery,
  EventBus,
  type EventBusOptions,
  type Outcome,
  type StoredEvent,
} from 'eventsets/bus'
import { expect, onTestFinished } from 'vitest'
import { type Process, startProcess } from './processes.ts'
import { type NetworkProxy, startProxy } from './proxy.ts'
import { type RedisServer, type RedisServerOptions, startRedis } from './redis-server.ts'

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

export async function openProxy(server: RedisServer): Promise<NetworkProxy> {
  const proxy = await startProxy(server.port)
  onTestFinished(() => proxy.close())
  return proxy
}

/** A backend that closes with the test. */
export function openBackend(options: RedisStreamsOptions): RedisStreamsBackend {
  const backend = redisStreams({ leaseMs: LEASE_MS, ...options })
  onTestFinished(() => backend.close())
  return backend
}

export interface OpenBus {
  readonly bus: EventBus
  readonly backend: RedisStreamsBackend
  readonly errors: Error[]
}

/** A bus that closes with the test. */
export function openBus(options: RedisStreamsOptions, busOptions: EventBusOptions = {}): OpenBus {
  const backend = openBackend(options)
  const errors: Error[] = []
  const bus = new EventBus({ backend, onError: (error) => errors.push(error), ...busOptions })
  onTestFinished(() => bus.close({ deadlineMs: 1000 }))
  return { bus, backend, errors }
}

/** A process that is killed with the test. */
export function openProcess(role: string, options: object): Process {
  const started = startProcess(role, { leaseMs: LEASE_MS, ...options })
  onTestFinished(started.kill)
  return started
}

/** A folder that is gone after the test. */
export function openFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'eventsets-redis-test-'))
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
  backend: RedisStreamsBackend,
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
export async function foundGroup(backend: RedisStreamsBackend, group: string): Promise<void> {
  const { consumption } = await watch(backend, group)
  await consumption.stop(5000)
}

/** Waits until something is so that nobody tells of: it is looked again and again. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5))
}

export async function untilIdle(backend: RedisStreamsBackend): Promise<void> {
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

export interface Noted {
  readonly id: string
  readonly key: string
  readonly n: number
  readonly attempt: number
  readonly isRedelivered: boolean
}

/** Of each key in the order of publishing, where only the first time counts. */
export function expectInOrder(handled: readonly Noted[]): void {
  const seen = new Set<string>()
  const byKey = new Map<string, number[]>()
  for (const { id, key, n } of handled) {
    if (seen.has(id)) continue
    seen.add(id)
    byKey.set(key, [...(byKey.get(key) ?? []), n])
  }
  for (const [key, numbers] of byKey) {
    const sorted = [...numbers].sort((a, b) => a - b)
    expect({ key, numbers }).toEqual({ key, numbers: sorted })
  }
}

export function idsOf(list: readonly { readonly id: string }[]): Set<string> {
  return new Set(list.map(({ id }) => id))
}

/** A promise that is settled from outside. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}
