import { type BusBackend, EventBus, type EventBusOptions } from 'eventsets/bus'
import { onTestFinished } from 'vitest'

export interface OpenBus<Backend extends BusBackend = BusBackend> {
  readonly bus: EventBus
  readonly backend: Backend
  readonly errors: Error[]
}

/** A bus that closes with the test. */
export function openBusOn<Backend extends BusBackend>(
  backend: Backend,
  options: EventBusOptions = {},
): OpenBus<Backend> {
  const errors: Error[] = []
  const bus = new EventBus({ backend, onError: (error) => errors.push(error), ...options })
  onTestFinished(() => bus.close({ deadlineMs: 1000 }))
  return { bus, backend, errors }
}
