import { type ErrorCode, ValidationError } from '../core/errors.ts'
import { object, optional } from '../core/shape.ts'
import type { BusBackend, DeadLetter } from './backend.ts'
import { type Clock, createSystemClock } from './clock.ts'
import { within } from './deadline.ts'
import { EventError, reasonOf, SerializationError } from './errors.ts'
import type { StoredEvent } from './event.ts'
import { assertOptions, expected, maybeFunction, maybeMilliseconds } from './option-shape.ts'
import type { OutboxEntry, RelayedOutbox } from './outbox.ts'
import { quote, writeOut } from './quote.ts'
import { isRetryable } from './retry-advice.ts'
import { readBody, unreadableEvent } from './stored-body.ts'
import { createUuid } from './uuid.ts'
import { warnOf } from './warning.ts'

export interface RelayOptions {
  /** Where events are waiting: `postgresOutbox` or `sqliteOutbox`. */
  // biome-ignore lint/suspicious/noExplicitAny: what its transactions are does not matter here.
  readonly outbox: RelayedOutbox<any>
  /** Where they go: the backend of this bus, or this backend. */
  readonly bus?: { readonly backend: BusBackend } | undefined
  readonly backend?: BusBackend | undefined
  /** How many events are published at once at most. 100 unless given. */
  readonly batchSize?: number | undefined
  /** How often to look for new ones, in milliseconds. 100 unless given. */
  readonly pollMs?: number | undefined
  /** Of several relays one is at work. When it is not heard of for so long, another one begins, in milliseconds. 10000 unless given. */
  readonly leaseMs?: number | undefined
  /** Told of what goes wrong. Without it, Node warns. */
  readonly onError?: ((error: EventError) => void) | undefined
  readonly clock?: Clock | undefined
}

/** How a relay is, as a check of `bus.addHealthCheck` gives it. */
export interface RelayHealth {
  readonly status: 'healthy' | 'degraded'
  readonly reasons: readonly string[]
  readonly details: {
    /** Whether this one is at work, and not another one. */
    readonly isActive: boolean
    /** How many events it has published. */
    readonly published: number
  }
}

/** Publishes what is in an outbox. */
export interface Relay extends AsyncDisposable {
  /** Looks at once: after a commit, say. */
  wake(): void
  health(): RelayHealth
  /** Ends it when what it is publishing is published, but no later than that. 10 seconds unless given. */
  stop(deadlineMs?: number): Promise<void>
}

const FIRST_PAUSE_MS = 100
const MAX_PAUSE_MS = 30_000
/** The right to publish is prolonged so often before it ends. */
const RENEWALS_A_LEASE = 3

/**
 * Publishes what transactions have written to an outbox, in its order, and removes it there after. When the process
 * ends in between, it is published again: with the same id, by which backends that can leave it out.
 *
 * What can never be published, such as an event that cannot be read, becomes a dead letter. Whatever else goes wrong is
 * tried again until it works, and nothing overtakes it.
 *
 * @throws ValidationError for wrong options.
 */
export function startRelay(options: RelayOptions): Relay {
  const { outbox, backend, batchSize, pollMs, leaseMs, clock, report } = resolveOptions(options)
  const name = createUuid(clock.now(), 0)
  let isStopping = false
  let isActive = false
  let published = 0
  let problem: string | undefined
  let isAwake = false
  let endWait = () => {}
  let cancelRenewal = () => {}

  /** Waits, but not when there is something to do. */
  const wait = async (ms: number) => {
    if (isAwake || isStopping) return
    await new Promise<void>((resolve) => {
      const cancel = clock.delay(ms, resolve)
      endWait = () => {
        cancel()
        resolve()
      }
    })
  }
  const renew = () => {
    cancelRenewal = clock.delay(leaseMs / RENEWALS_A_LEASE, () => {
      const renewal = outbox.claim(name, leaseMs).then((isOurs) => {
        isActive = isOurs
      })
      // Whoever works finds out why it does not work.
      renewal.catch(() => {}).finally(() => isActive && !isStopping && renew())
    })
  }
  /** Gives whether there may be more. */
  const step = async (): Promise<boolean> => {
    if (!isActive) {
      isActive = await outbox.claim(name, leaseMs)
      if (!isActive) return false
      cancelRenewal()
      renew()
    }
    const entries = await outbox.read(batchSize)
    if (entries.length === 0) return false
    await publish(entries)
    return true
  }
  const publish = async (entries: readonly OutboxEntry[]) => {
    const found = entries.map((entry) => ({ entry, ...readBody(entry.body) }))
    const sound = found.flatMap(({ entry, event }) => (event ? [{ entry, event }] : []))
    if (sound.length === entries.length) {
      try {
        await backend.publish(sound.map(({ event }) => event))
        await done(entries, sound.length)
        return
      } catch (error) {
        if (!isFinal(error)) throw error
      }
    }
    // One by one, since some of them can never be published.
    for (const { entry, event, fault } of found) {
      if (event) await publishOne(entry, event)
      else {
        const { seq, body } = entry
        const id = `${outbox.name}-${seq}`
        const unreadable = unreadableEvent(body, { id, name: entry.name || 'unreadable', time: clock.now() })
        await giveUp(entry, unreadable, `What is stored ${fault}.`, 'EVENTSETS_UNREADABLE')
      }
    }
  }
  const publishOne = async (entry: OutboxEntry, event: StoredEvent) => {
    try {
      await backend.publish([event])
    } catch (error) {
      if (!isFinal(error)) throw error
      await giveUp(entry, event, reasonOf(error), 'EVENTSETS_PUBLISH')
      return
    }
    await done([entry], 1)
  }
  const giveUp = async (entry: OutboxEntry, event: StoredEvent, reason: string, code: ErrorCode) => {
    // Its own id, so that a second try after a crash makes no second letter.
    const letter: DeadLetter = {
      id: event.id,
      event,
      handler: undefined,
      reason,
      attempts: 1,
      time: clock.now(),
    }
    await backend.deadLetters.add([letter])
    await outbox.remove([entry])
    const message = `An event in the outbox ${quote(outbox.name)} cannot be published: ${writeOut(reason)}`
    report(new EventError(message, { code, hint: `It is the dead letter ${quote(letter.id)}.` }))
  }
  const done = async (entries: readonly OutboxEntry[], count: number) => {
    published += count
    await outbox.remove(entries)
  }

  const work = async () => {
    let pauseMs = 0
    while (!isStopping) {
      isAwake = false
      try {
        const hasMore = await step()
        problem = undefined
        pauseMs = 0
        if (!hasMore) await wait(pollMs)
      } catch (error) {
        // The first of a series is told; it may go on for long.
        if (problem === undefined) report(toEventError(error))
        problem = reasonOf(error)
        pauseMs = Math.min(MAX_PAUSE_MS, Math.max(FIRST_PAUSE_MS, pauseMs * 2))
        await wait(pauseMs)
      }
    }
    cancelRenewal()
    if (isActive) await outbox.release(name).catch(() => {})
    isActive = false
  }
  const working = work()

  const relay: Relay = {
    wake() {
      isAwake = true
      endWait()
    },
    health() {
      const details = { isActive, published }
      return problem === undefined
        ? { status: 'healthy', reasons: [], details }
        : {
            status: 'degraded',
            reasons: [`The outbox ${quote(outbox.name)} waits: ${writeOut(problem)}`],
            details,
          }
    },
    async stop(deadlineMs = 10_000) {
      isStopping = true
      endWait()
      await within(deadlineMs, working, clock)
    },
    [Symbol.asyncDispose]: () => relay.stop(),
  }
  return relay
}

/** Whether another try would end the same way. */
function isFinal(error: unknown): boolean {
  return error instanceof SerializationError || error instanceof ValidationError || !isRetryable(error)
}

function toEventError(error: unknown): EventError {
  if (error instanceof EventError) return error
  return new EventError(`A relay has failed: ${writeOut(reasonOf(error))}`, {
    code: 'EVENTSETS_CONNECTION',
    cause: error,
  })
}

const isBackend = (input: unknown) => typeof (input as BusBackend | null | undefined)?.publish === 'function'

const shape = object({
  outbox: expected(
    'an outbox, such as postgresOutbox()',
    (input) => typeof (input as RelayedOutbox | null | undefined)?.claim === 'function',
  ),
  bus: optional(expected('a bus', (input) => isBackend((input as { backend?: unknown } | null)?.backend))),
  backend: optional(expected('a backend', isBackend)),
  batchSize: optional(
    expected('a whole number of at least 1', (input) => Number.isInteger(input) && (input as number) >= 1),
  ),
  pollMs: maybeMilliseconds,
  leaseMs: maybeMilliseconds,
  onError: maybeFunction,
  clock: optional(expected('a clock', (input) => typeof (input as Clock | null)?.now === 'function')),
})

function resolveOptions(options: RelayOptions) {
  const isOne = (options?.bus === undefined) !== (options?.backend === undefined)
  const message = 'give either "bus" or "backend"'
  assertOptions(
    'The options of a relay are',
    shape,
    options,
    isOne ? [] : [{ path: 'backend', code: 'missing', message }],
  )
  const { outbox, bus, batchSize = 100, pollMs = 100, leaseMs = 10_000, onError, clock } = options
  const report = (error: EventError) => {
    try {
      if (onError) onError(error)
      else warnOf(error)
    } catch {
      // Whoever is told of errors and fails at that cannot be told.
    }
  }
  const backend = (options.backend ?? bus?.backend) as BusBackend
  return { outbox, backend, batchSize, pollMs, leaseMs, report, clock: clock ?? createSystemClock() }
}
