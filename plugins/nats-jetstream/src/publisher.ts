import { PublishError, type StoredEvent } from 'eventsets/bus'
import { createBatches } from './batches.ts'
import { publishError, quote } from './failures.ts'
import type { Link, Server } from './link.ts'
import { eventSubject, token } from './names.ts'
import type { Settings } from './options.ts'
import type { ServerClock } from './server-clock.ts'
import { writeBody } from './stored-body.ts'

/** An event as it is published. */
export interface Entry {
  readonly event: StoredEvent
  /** JSON. */
  readonly body: string
}

/** How far events have come. */
export interface Progress {
  readonly stored: number
  /** Why not all of them are stored. */
  readonly failure?: { readonly error: unknown } | undefined
}

export interface Publisher {
  /** @throws PublishError, ConnectionError, SerializationError */
  publish(events: readonly StoredEvent[]): Promise<void>
  /** Goes on with what others have left: call it now and then. */
  tick(): Promise<void>
}

/** So many are under way at once; their order stays as it is. */
const IN_FLIGHT = 256
/** A dead letter holds the event, and why. There must be room for that. */
const LETTER_BYTES = 65_536

export function createPublisher(link: Link, clock: ServerClock, { timeoutMs }: Settings): Publisher {
  const { names } = link
  const publishAll = async (entries: readonly Entry[], deadlineMs: number): Promise<Progress> => {
    let stored = 0
    for (let at = 0; at < entries.length; at += IN_FLIGHT) {
      // Each again and again by itself: the server knows the id of one that it has already.
      const sent = entries
        .slice(at, at + IN_FLIGHT)
        .map(({ event, body }) =>
          link.insist(
            ({ client }) => client.publish(eventSubject(names, event.name), body, { msgID: token(event.id) }),
            deadlineMs,
          ),
        )
      const results = await Promise.allSettled(sent)
      const failed = results.filter((result) => result.status === 'rejected')
      stored += results.length - failed.length
      if (failed[0]) return { stored, failure: { error: failed[0].reason } }
    }
    return { stored }
  }
  const batches = createBatches(link, publishAll)
  const check = async (entries: readonly Entry[], deadlineMs: number): Promise<void> => {
    const server = await link.insist(async (found) => found, deadlineMs)
    for (const { event, body } of entries) assertSize(event, body, server)
    const isLate = entries.some(({ event }) => event.deliverAt !== undefined)
    if (!isLate || !Number.isFinite(server.limits.maxAgeMs)) return
    await clock.ask()
    const lastMs = clock.now() + server.limits.maxAgeMs
    for (const { event } of entries) if ((event.deliverAt ?? 0) >= lastMs) throw tooLateError(event, server)
  }

  return {
    async publish(events) {
      if (events.length === 0) return
      const deadlineMs = performance.now() + timeoutMs
      const entries = events.map((event) => ({ event, body: writeBody(event) }))
      try {
        await check(entries, deadlineMs)
        if (entries.length > 1) await batches.publish(entries, deadlineMs)
        else {
          const { failure } = await publishAll(entries, deadlineMs)
          if (failure) throw failure.error
        }
      } catch (error) {
        throw publishError(error, timeoutMs)
      }
    },
    tick: batches.recover,
  }
}

function assertSize({ name }: StoredEvent, body: string, { maxPayload }: Server): void {
  const bytes = Buffer.byteLength(body)
  if (bytes <= maxPayload - LETTER_BYTES) return
  throw new PublishError(
    `The event ${quote(name)} has ${bytes} bytes, and the server takes ${Math.max(0, maxPayload - LETTER_BYTES)}.`,
    {
      code: 'EVENTSETS_DATA_TOO_LARGE',
      hint: `Keep what is large elsewhere and publish where it is, or raise "max_payload" of the server: ${LETTER_BYTES} bytes of it are for what is said about an event.`,
    },
  )
}

function tooLateError({ name }: StoredEvent, { limits }: Server): PublishError {
  return new PublishError(
    `The event ${quote(name)} is to be delivered later than it is kept, which is ${limits.maxAgeMs} ms.`,
    {
      code: 'EVENTSETS_PUBLISH',
      hint: 'Raise the limit of age of the stream ("nats stream edit --max-age"), or publish it later.',
    },
  )
}
