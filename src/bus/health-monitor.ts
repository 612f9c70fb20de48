import { object } from '../core/shape.ts'
import { onAbort } from './abort.ts'
import type { Clock } from './clock.ts'
import type { BusHealth, HealthRequest } from './health.ts'
import { assertOptions, maybeFunction, maybeMilliseconds, maybeSignal } from './option-shape.ts'
import { isThenable } from './thenable.ts'

export interface HealthMonitorOptions {
  /** How long to wait from one look to the next, in milliseconds. 60000 unless given. */
  readonly intervalMs?: number | undefined
  /** How long a check may take that has no time of its own, in milliseconds. As everywhere on the bus unless given. */
  readonly timeoutMs?: number | undefined
  /** Called when the status is another one than before. Before the first look a bus is taken for healthy. */
  readonly onChange?: ((health: BusHealth, previous: BusHealth | undefined) => void) | undefined
  /** Called after each look. */
  readonly onCheck?: ((health: BusHealth) => void) | undefined
  /** Ends it. */
  readonly signal?: AbortSignal | undefined
}

export interface HealthMonitor extends Disposable {
  /** What was seen last. */
  readonly latest: BusHealth | undefined
  stop(): void
}

/** What is looked after: an `EventBus`. */
export interface MonitoredBus {
  readonly clock: Clock
  readonly signal: AbortSignal
  health(options?: HealthRequest): Promise<BusHealth>
  report(error: unknown): void
}

/**
 * Looks at once, and then again and again, how a bus is, until it closes or the monitor is stopped. It does not keep
 * the process running.
 *
 * @throws ValidationError for wrong options.
 */
export function startHealthMonitor(bus: MonitoredBus, options: HealthMonitorOptions = {}): HealthMonitor {
  assertOptions('The options of the health monitor are', optionsShape, options)
  const { intervalMs = 60_000, timeoutMs, onChange, onCheck, signal } = options
  let latest: BusHealth | undefined
  let isStopped = false
  let cancel = () => {}

  const stop = () => {
    isStopped = true
    cancel()
    for (const forget of forgets) forget()
  }
  /** Whoever is told may fail at that, at once or later. */
  const tell = (call: () => unknown) => {
    try {
      const told = call()
      if (isThenable(told)) told.then(undefined, (error) => bus.report(error))
    } catch (error) {
      bus.report(error)
    }
  }
  const look = async () => {
    const health = await bus.health({ timeoutMs })
    if (isStopped) return
    const previous = latest
    latest = health
    tell(() => onCheck?.(health))
    if (health.status !== (previous?.status ?? 'healthy')) tell(() => onChange?.(health, previous))
    // One of the two may have stopped it, and on a closed bus nothing changes any more.
    if (!isStopped && !bus.signal.aborted)
      cancel = bus.clock.delay(intervalMs, () => void look(), { isBackground: true })
  }
  const onClosed = async () => {
    // The last news is that it is closed.
    cancel()
    if (!isStopped) await look()
    stop()
  }
  const forgets = [onAbort(bus.signal, () => void onClosed()), ...(signal ? [onAbort(signal, stop)] : [])]
  if (signal?.aborted) stop()
  else void look()
  return {
    get latest() {
      return latest
    },
    stop,
    [Symbol.dispose]: stop,
  }
}

const optionsShape = object({
  intervalMs: maybeMilliseconds,
  timeoutMs: maybeMilliseconds,
  onChange: maybeFunction,
  onCheck: maybeFunction,
  signal: maybeSignal,
})
