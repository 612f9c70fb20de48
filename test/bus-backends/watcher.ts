import type { BusBackend, Consumer, Consumption, Delivery, Outcome } from 'eventsets/bus'
import { idsOf } from './ledger.ts'

/** A consumer that remembers what it was handed. */
export interface Watcher {
  readonly deliveries: Delivery[]
  readonly errors: Error[]
  readonly consumption: Consumption
}

export async function watch(
  backend: BusBackend,
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

/** The ids of what a consumer was handed, whether once or more often. */
export function handed({ deliveries }: Watcher): Set<string> {
  return idsOf(deliveries.map(({ event }) => event))
}

/** A group that is there before anybody publishes. */
export async function foundGroup(backend: BusBackend, group: string): Promise<void> {
  const { consumption } = await watch(backend, group)
  await consumption.stop(5000)
}
