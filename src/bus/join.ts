import type { Dispatcher } from './dispatcher.ts'
import { type EmitReport, type HandlerFailure, successOf } from './emit-report.ts'
import type { BusEvent } from './event.ts'
import type { Route, Stop } from './route.ts'

/** Waits for the handlers of an event that have not ended at once, by counting: that is the cheapest way there is. */
export class Join {
  readonly #dispatcher: Dispatcher
  readonly #route: Route
  readonly #event: BusEvent
  #left = 0
  #handlers = 0
  #failures: HandlerFailure[] | undefined
  #resolve: ((report: EmitReport) => void) | undefined

  constructor(dispatcher: Dispatcher, route: Route, event: BusEvent) {
    this.#dispatcher = dispatcher
    this.#route = route
    this.#event = event
  }

  add(stop: Stop, promise: PromiseLike<unknown>, start: number): void {
    this.#left++
    const onDone =
      start === 0
        ? this.#arrive
        : () => {
            stop.statistics.durations.record(performance.now() - start)
            this.#arrive()
          }
    // Something of somebody else's that only looks like a promise may end twice, or throw.
    Promise.resolve(promise).then(onDone, (error) => {
      if (start !== 0) stop.statistics.durations.record(performance.now() - start)
      this.#failures ??= []
      this.#failures.push(this.#dispatcher.fail(stop, this.#event, error, 1))
      this.#arrive()
    })
  }

  wait(failures: HandlerFailure[] | undefined, handlers: number): Promise<EmitReport> {
    this.#handlers = handlers
    if (failures !== undefined) this.#failures = [...failures, ...(this.#failures ?? [])]
    return new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  readonly #arrive = (): void => {
    if (--this.#left > 0) return
    const { statistics } = this.#route
    const failures = this.#failures
    if (failures === undefined) {
      statistics.handled++
      this.#resolve?.(successOf(this.#handlers).report)
    } else {
      statistics.failed++
      this.#resolve?.({ handlers: this.#handlers, failures })
    }
    this.#dispatcher.leave()
  }
}
