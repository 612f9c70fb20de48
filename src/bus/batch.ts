import { ValidationError } from '../core/errors.ts'
import type { Issue } from '../core/issue.ts'
import { isPlainObject } from '../core/shape.ts'
import type { Clock } from './clock.ts'
import type { BusEvent } from './event.ts'
import { wordGiven } from './given.ts'
import { createSubscription } from './subscription.ts'
import { takeAtOnce } from './thenable.ts'

export interface BatchOptions<Event extends BusEvent = BusEvent> {
  /** A batch of so many events is handled at once. It never has more than the bus handles at once (`concurrency`). */
  readonly maxSize: number
  /** A batch is handled so long after its first event, in milliseconds. 1000 unless given. */
  readonly maxWaitMs?: number | undefined
  /** Batches of their own for what this gives for an event, such as `(event) => event.data.host`. It answers at once: where it throws or gives a promise, the event has failed. */
  readonly by?: ((event: Event) => unknown) | undefined
}

/** Gathers events into batches. Each event is handled when its batch is: a failing batch fails all its events. */
export interface Batcher {
  /** Takes an event; resolves or rejects as its batch does. */
  add(event: BusEvent): Promise<void>
  /** Handles what has been gathered. */
  flush(): Promise<void>
  /** From now on a batch does not wait any longer than for what comes in the same turn. */
  drain(): void
}

/**
 * Checks the options of a batch, and those of its handler with them.
 *
 * @throws ValidationError with everything that is wrong with them.
 */
export function assertBatchOptions(options: unknown, handler: unknown): void {
  const issues = isPlainObject(options)
    ? [...findBatchIssues(options), ...findHandlerIssues(options)]
    : [issueOf('', `expected an object with "maxSize", got ${wordGiven(options)}`)]
  if (typeof handler !== 'function')
    issues.push(issueOf('handler', `expected a function, got ${wordGiven(handler)}`))
  if (issues.length > 0)
    throw new ValidationError('The options of a batch are', issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
}

function findBatchIssues({ maxSize, maxWaitMs = 1000, by }: { readonly [name: string]: unknown }): Issue[] {
  const issues: Issue[] = []
  if (!Number.isInteger(maxSize) || (maxSize as number) < 1)
    issues.push(issueOf('maxSize', `expected a whole number of at least 1, got ${wordGiven(maxSize)}`))
  if (!(Number.isFinite(maxWaitMs) && (maxWaitMs as number) >= 0))
    issues.push(issueOf('maxWaitMs', `expected milliseconds, 0 or more, got ${wordGiven(maxWaitMs)}`))
  if (by !== undefined && typeof by !== 'function')
    issues.push(issueOf('by', `expected a function, got ${wordGiven(by)}`))
  return issues
}

/** What is wrong with the options that every handler has; an unknown one is told with all there are. */
function findHandlerIssues(options: { readonly [name: string]: unknown }): readonly Issue[] {
  const { maxSize: _, maxWaitMs: __, by: ___, ...rest } = options
  try {
    createSubscription(() => {}, rest, {}, BATCH_OPTIONS)
    return []
  } catch (error) {
    if (error instanceof ValidationError) return error.issues
    throw error
  }
}

const BATCH_OPTIONS = ['maxSize', 'maxWaitMs', 'by']

function issueOf(path: string, message: string): Issue {
  return { path, code: path === '' || path === 'handler' ? 'type' : 'format', message }
}

/** @param mostAtOnce How many events there can be in hand: a larger batch would never be full. */
export function createBatcher(
  { maxSize, maxWaitMs = 1000, by = () => undefined }: BatchOptions,
  handle: (events: readonly BusEvent[]) => unknown,
  clock: Clock,
  mostAtOnce: number,
): Batcher {
  const fullSize = Math.min(maxSize, mostAtOnce)
  const open = new Map<unknown, Batch>()
  let isDraining = false
  const close = (key: unknown, batch: Batch) => {
    if (open.get(key) === batch) open.delete(key)
    batch.cancel()
    // A handler that throws at once is a failure like any other.
    new Promise((resolve) => resolve(handle(batch.events))).then(() => batch.resolve(), batch.reject)
  }
  const begin = (key: unknown): Batch => {
    let resolve: () => void = () => {}
    let reject: (error: unknown) => void = () => {}
    const done = new Promise<void>((onDone, onFailure) => {
      resolve = onDone
      reject = onFailure
    })
    const batch: Batch = { events: [], done, resolve, reject, cancel: () => {} }
    batch.cancel = isDraining
      ? soon(() => close(key, batch))
      : clock.delay(maxWaitMs, () => close(key, batch))
    open.set(key, batch)
    return batch
  }
  return {
    add(event) {
      const key = takeAtOnce(by(event as never), '"by" of a batch')
      const batch = open.get(key) ?? begin(key)
      batch.events.push(event)
      if (batch.events.length >= fullSize) close(key, batch)
      return batch.done
    },
    async flush() {
      const batches = [...open]
      for (const [key, batch] of batches) close(key, batch)
      await Promise.allSettled(batches.map(([, { done }]) => done))
    },
    drain() {
      isDraining = true
      for (const [key, batch] of [...open]) close(key, batch)
    },
  }
}

function soon(callback: () => void): () => void {
  const immediate = setImmediate(callback)
  return () => clearImmediate(immediate)
}

interface Batch {
  readonly events: BusEvent[]
  readonly done: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  cancel: () => void
}
