import type { IncomingMessage, ServerResponse } from 'node:http'
import { types } from 'node:util'
import { EventsetsError } from '../core/errors.ts'
import { anything, object, optional } from '../core/shape.ts'
import { onAbort } from './abort.ts'
import type { BusBackend, ReplayQuery } from './backend.ts'
import type { Clock } from './clock.ts'
import { EventError, HandlerError, reasonOf } from './errors.ts'
import type { BusEvent } from './event.ts'
import { compileFilter, type Filter } from './filter.ts'
import type { HandlerContext } from './handler-context.ts'
import { refuseMethod } from './http-answer.ts'
import {
  assertOptions,
  expected,
  maybeFunction,
  maybeMilliseconds,
  maybeSignal,
  maybeWholeNumber,
} from './option-shape.ts'
import { quote, writeOut } from './quote.ts'
import { assertSerializable } from './serializable.ts'
import type { Handler, SubscriptionOptions } from './subscription.ts'
import { isThenable } from './thenable.ts'

export interface SseOptions<Event extends BusEvent = BusEvent> {
  /** How often a comment is sent, so that nobody on the way takes the connection for dead. 15000 unless given. */
  readonly heartbeatMs?: number | undefined
  /** How long a browser is to wait before it connects again. Its own choice unless given. */
  readonly retryMs?: number | undefined
  /** How many events may wait for a slow client before the answer ends. 1000 unless given. */
  readonly bufferSize?: number | undefined
  /** Only events that it lets through. */
  readonly filter?: Filter<Event> | undefined
  /** What is sent of an event, as JSON: plain data, given at once. Its data unless given. */
  readonly select?: ((event: Event) => unknown) | undefined
  /** Whether the name is sent too: a browser then listens to each name. Without it all go to `onmessage`. True unless given. */
  readonly isNamed?: boolean | undefined
  /** As that of a handler: a client above others gets an event before they are called, and does not wait for their retries. `Priority.NORMAL` unless given. */
  readonly priority?: number | undefined
  /** The id of the event after which to begin, when the client does not say so itself. */
  readonly lastEventId?: string | undefined
  /** Ends the answer. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Why an answer has ended: the `client` has gone, or was too `slow`; the bus has `closed`; the signal was `aborted`; or
 * the request was `refused` from the beginning.
 */
export type SseEnd = 'client' | 'slow' | 'closed' | 'aborted' | 'refused'

/** The name of what is sent when events are missing: `{ reason, lastEventId }`. */
export const SSE_GAP = 'eventsets.gap'
/** The name of what is sent at the end, unless the client has ended it: `{ reason }`. */
export const SSE_END = 'eventsets.end'

/** What of a bus is needed. */
export interface ServedBus {
  readonly backend: BusBackend
  readonly clock: Clock
  readonly signal: AbortSignal
  on(pattern: string, handler: Handler, options?: SubscriptionOptions): () => void
  replay(query: ReplayQuery): AsyncIterable<BusEvent>
  report(error: unknown): void
}

/**
 * Answers a request with the events of a pattern, as `EventSource` of browsers reads them.
 *
 * @throws ValidationError for wrong options, EventError for a response that has begun. What is wrong with the request is
 * told to the client.
 */
export async function serveEvents(
  bus: ServedBus,
  request: IncomingMessage,
  response: ServerResponse,
  pattern: string,
  options: SseOptions = {},
): Promise<SseEnd> {
  assertOptions('The options for server-sent events are', optionsShape, options)
  const filter = options.filter === undefined ? undefined : createFilter(bus, options.filter)
  // The client may go at any moment, and that is no error.
  response.on('error', () => {})
  if (response.destroyed || response.writableEnded) return 'client'
  if (response.headersSent) {
    throw new EventError('Server-sent events cannot be sent on a response whose headers have been sent.', {
      code: 'EVENTSETS_INVALID_OPTIONS',
      hint: 'Set headers with setHeader(), and write nothing before.',
    })
  }
  if (request.method !== 'GET') {
    refuseMethod(response, ['GET'])
    return 'refused'
  }
  const answer = createAnswer(bus, response, options)
  let off = () => {}
  try {
    const { priority } = options
    const isPlain = filter === undefined && priority === undefined
    off = bus.on(pattern, answer.onEvent, isPlain ? undefined : { name: 'sse', filter, priority })
    answer.begin(off)
  } catch (error) {
    off()
    return refuse(response, error)
  }
  const lastEventId = readLastEventId(request) ?? options.lastEventId
  if (lastEventId !== undefined) answer.catchUp(pattern, lastEventId, filter ?? (() => true))
  return await answer.ended
}

/** A filter that does not fail: what it cannot say of an event of one client is no reason to take that for not handled. */
function createFilter(bus: ServedBus, filter: Filter): (event: BusEvent) => boolean {
  const matches = compileFilter(filter)
  /** The first time is told: it may be the same with each event. */
  let hasFailed = false
  return (event) => {
    try {
      return matches(event)
    } catch (error) {
      if (!hasFailed) bus.report(toSendingError(error, event))
      hasFailed = true
      return false
    }
  }
}

const maybeTrueOrFalse = optional(expected('true or false', (value) => value === true || value === false))
const atLeastOne = optional(
  expected('a whole number of at least 1', (value) => Number.isInteger(value) && (value as number) >= 1),
)

const optionsShape = object({
  heartbeatMs: maybeMilliseconds,
  retryMs: atLeastOne,
  bufferSize: atLeastOne,
  // Has a check of its own.
  filter: optional(anything()),
  select: maybeFunction,
  isNamed: maybeTrueOrFalse,
  priority: maybeWholeNumber,
  lastEventId: optional(expected('the id of an event', (value) => typeof value === 'string')),
  signal: maybeSignal,
})

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // A compressor waits for more before it lets anything through, and so do some proxies.
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/** A client that has been told the end, and does not take it, is left after so long. */
const END_GRACE_MS = 5000

interface Answer {
  /** Resolves when there is nothing more to be done. */
  readonly ended: Promise<SseEnd>
  readonly onEvent: Handler
  /** Sends the headers. `off` ends the subscription. */
  begin(off: () => void): void
  /** Sends what was published after an event. What happens meanwhile waits. */
  catchUp(pattern: string, lastEventId: string, letsThrough: (event: BusEvent) => boolean): void
}

function createAnswer(bus: ServedBus, response: ServerResponse, options: SseOptions): Answer {
  const { heartbeatMs = 15_000, retryMs, bufferSize = 1000, signal } = options
  const { clock } = bus
  const over = new AbortController()
  /** What has come and is not sent, by its id if it was published: then the history may have it, too. */
  const waiting = new Map<string | BusEvent, Waiting>()
  /** What was sent from the history, and may still come from the bus. */
  const sent = createSentEvents(bufferSize)
  let isReading = false
  /** Whether something that has come has found no room, and so is to be read from the history. */
  let hasMore = false
  let readOn = () => {}
  let reason: SseEnd | undefined
  let cancelHeartbeat = () => {}
  let forgets: readonly (() => void)[] = []
  let unmovedBytes = 0
  let resolveEnded: (reason: SseEnd) => void = () => {}
  const ended = new Promise<SseEnd>((resolve) => {
    resolveEnded = resolve
  })

  const write = (text: string) => void response.write(text)
  const writeEvent = ({ event, isPublished }: Waiting) => {
    try {
      write(frameOf(event, isPublished, options))
    } catch (error) {
      // One client cannot be shown one event: no reason to take the event for not handled.
      bus.report(toSendingError(error, event))
    }
  }
  const flush = () => {
    for (const [key, each] of waiting) {
      if (isReading || response.writableNeedDrain) return
      waiting.delete(key)
      writeEvent(each)
    }
  }
  const enqueue = (each: Waiting) => {
    const key = each.isPublished ? each.event.id : each.event
    if (waiting.size < bufferSize || waiting.has(key)) waiting.set(key, each)
    else if (isReading && each.isPublished) hasMore = true
    else finish('slow')
  }
  const finish = (why: SseEnd) => {
    if (reason !== undefined) return
    reason = why
    cancelHeartbeat()
    for (const forget of forgets) forget()
    over.abort()
    // Nothing will be published any more, so that this is all there is; otherwise the client comes back for it.
    if (why === 'closed' && !isReading) for (const each of waiting.values()) writeEvent(each)
    waiting.clear()
    sent.clear()
    if (why === 'client') return resolveEnded(why)
    response.end(`event: ${SSE_END}\ndata: ${JSON.stringify({ reason: why })}\n\n`)
    const cancelGrace = clock.delay(END_GRACE_MS, () => response.destroy(), { isBackground: true })
    response.once('close', () => {
      cancelGrace()
      resolveEnded(why)
    })
  }
  const onClosed = () => finish('closed')
  const onAborted = () => finish('aborted')
  const beat = () => {
    cancelHeartbeat = clock.delay(heartbeatMs, beat)
    const { writableLength, writableNeedDrain } = response
    if (!writableNeedDrain) {
      unmovedBytes = 0
      write(':\n\n')
    } else if (writableLength === unmovedBytes) finish('slow')
    // What waits now must have become less, or something else, when the next one is due.
    else unmovedBytes = writableLength
  }

  /** Metrics and lists of handlers have its name. */
  const sse = (event: BusEvent, { isPublished }: HandlerContext) => {
    if (reason !== undefined || (isPublished && sent.take(event.id))) return
    const isDoubtful = isPublished && sent.isAhead
    if (!isReading && !isDoubtful && waiting.size === 0 && !response.writableNeedDrain)
      return writeEvent({ event, isPublished })
    enqueue({ event, isPublished })
    if (isDoubtful && !isReading) readOn()
  }

  return {
    ended,
    onEvent: sse,
    begin(off) {
      response.writeHead(200, HEADERS)
      response.flushHeaders()
      response.socket?.setNoDelay(true)
      response.on('drain', flush)
      response.once('close', () => finish('client'))
      if (retryMs !== undefined) write(`retry: ${retryMs}\n\n`)
      cancelHeartbeat = clock.delay(heartbeatMs, beat)
      forgets = [off, onAbort(bus.signal, onClosed), ...(signal ? [onAbort(signal, onAborted)] : [])]
      if (bus.signal.aborted) onClosed()
      else if (signal?.aborted) onAborted()
    },
    catchUp(pattern, lastEventId, letsThrough) {
      let afterId = lastEventId
      const tellGap = (why: string) => {
        const data = JSON.stringify({ reason: why, lastEventId: afterId })
        if (reason === undefined) write(`event: ${SSE_GAP}\ndata: ${data}\n\n`)
      }
      const read = async () => {
        for await (const event of bus.replay({ pattern, afterId, signal: over.signal })) {
          if (reason !== undefined) return
          afterId = event.id
          // What was published for later comes when its time has come.
          if ((event.deliverAt ?? 0) > clock.now() || !letsThrough(event)) continue
          if (waiting.delete(event.id)) sent.meet()
          else sent.add(event.id)
          writeEvent({ event, isPublished: true })
          if (response.writableNeedDrain) await drained(response, over.signal)
        }
      }
      const tellFailure = (error: unknown) => {
        const isUnknown = error instanceof EventsetsError && error.code === 'EVENTSETS_NOT_FOUND'
        if (!isUnknown) bus.report(error)
        // From the first event on that was read all others have come, if there was room for them.
        const isComplete = isUnknown && afterId !== lastEventId && !hasMore
        if (isUnknown && !isComplete) tellGap('The event is not known here, or not any more.')
        else if (!isComplete) tellGap('The events since then could not be read.')
        sent.settle()
      }
      readOn = async () => {
        isReading = true
        try {
          // Until nothing has come of which the history could have more.
          do {
            hasMore = false
            const early = publishedOf(waiting)
            await read()
            // They were in the history before that began: where they are not behind `afterId`, they have been sent.
            if (sent.hasForgotten) for (const id of early) waiting.delete(id)
          } while (
            reason === undefined &&
            (hasMore || (sent.hasForgotten && publishedOf(waiting).length > 0))
          )
          if (!sent.isAhead) sent.settle()
        } catch (error) {
          tellFailure(error)
        }
        // In the same turn: what comes in between would be taken for new.
        isReading = false
        flush()
      }
      if (bus.backend.features.replay) readOn()
      else tellGap('The server keeps no events to send again.')
    },
  }
}

/** The ids of events that were sent from the history, the latest of them. */
interface SentEvents {
  /** Whether there were more than are kept. */
  readonly hasForgotten: boolean
  /** Whether the bus may still have to hand out events that were sent and are forgotten. */
  readonly isAhead: boolean
  add(id: string): void
  /** Gives whether it was there, and forgets it: it comes once. */
  take(id: string): boolean
  /** Notes that the next event of the history has come from the bus before: what is before it has come, too. */
  meet(): void
  /** Notes that what comes from the bus now has not been sent, unless it is kept here. */
  settle(): void
  clear(): void
}

function createSentEvents(max: number): SentEvents {
  const ids = new Set<string>()
  let hasForgotten = false
  /** How many were sent since history and bus have last been at the same place. */
  let ahead = 0
  return {
    get hasForgotten() {
      return hasForgotten
    },
    get isAhead() {
      return hasForgotten && ahead > max
    },
    add(id) {
      ids.add(id)
      ahead++
      if (ids.size <= max) return
      ids.delete(ids.values().next().value as string)
      hasForgotten = true
    },
    take: (id) => ids.delete(id),
    meet() {
      ahead = 0
    },
    settle() {
      hasForgotten = false
    },
    clear: () => ids.clear(),
  }
}

function publishedOf(waiting: ReadonlyMap<string | BusEvent, Waiting>): string[] {
  return [...waiting.values()].flatMap(({ event, isPublished }) => (isPublished ? event.id : []))
}

interface Waiting {
  readonly event: BusEvent
  /** An event that was only emitted is in no history: a client cannot come back to it. */
  readonly isPublished: boolean
}

function frameOf(event: BusEvent, isPublished: boolean, { select, isNamed = true }: SseOptions): string {
  const data = select ? selectedOf(event, select) : dataOf(event)
  const id = isPublished ? `id: ${encodeId(event.id)}\n` : ''
  const name = isNamed ? `event: ${oneLine(event.name)}\n` : ''
  // JSON has no line breaks outside of texts, and none in them.
  return `${id}${name}data: ${data}\n\n`
}

/** The same event goes to many clients. */
const texts = new WeakMap<BusEvent, string>()

function dataOf(event: BusEvent): string {
  const known = texts.get(event)
  if (known !== undefined) return known
  const text = toJson(event.data, event)
  texts.set(event, text)
  return text
}

function selectedOf(event: BusEvent, select: (event: BusEvent) => unknown): string {
  const selected = select(event)
  if (!isThenable(selected)) return toJson(selected, event)
  Promise.resolve(selected).catch(() => {})
  throw new EventError('The "select" of server-sent events has given a promise.', {
    code: 'EVENTSETS_INVALID_OPTIONS',
    hint: 'It is synchronous: what takes time belongs into a handler, which publishes an event of its own.',
  })
}

/**
 * A browser does not show an event without data.
 *
 * @throws SerializationError for what JSON cannot hold: what was emitted has not been looked at before.
 */
function toJson(value: unknown, { name }: BusEvent): string {
  assertSerializable(value, name, Number.POSITIVE_INFINITY)
  return JSON.stringify(value) ?? 'null'
}

function toSendingError(error: unknown, { name }: BusEvent): EventsetsError {
  if (types.isNativeError(error) && error instanceof EventsetsError) return error
  const reason = writeOut(reasonOf(error))
  return new HandlerError(`The event ${quote(name)} could not be sent to a client: ${reason}`, {
    handler: 'sse',
    eventName: name,
    attempts: 1,
    cause: error,
  })
}

/** An id may be anything; in a line, and in the header that it comes back in, it cannot. */
function encodeId(id: string): string {
  return id.replace(/[^!-$&-~]+/g, (odd) => encodeURIComponent(Buffer.from(odd).toString()))
}

function oneLine(text: string): string {
  return text.replace(/[\r\n\0]/g, ' ')
}

function readLastEventId({ headers }: IncomingMessage): string | undefined {
  const given = headers['last-event-id']
  if (typeof given !== 'string' || given === '') return undefined
  try {
    return decodeURIComponent(given)
  } catch {
    // None of ours. It is as unknown as it stands.
    return given
  }
}

function refuse(response: ServerResponse, error: unknown): SseEnd {
  if (!(error instanceof EventsetsError)) throw error
  const { code, message, hint } = error
  const body = JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }) } })
  response.writeHead(code === 'EVENTSETS_BUS_CLOSED' ? 503 : 400, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  })
  response.end(`${body}\n`)
  return 'refused'
}

/** Waits until the client has taken what was written, or nobody waits for that any more. */
function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      response.off('drain', end)
      signal.removeEventListener('abort', end)
      resolve()
    }
    response.once('drain', end)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })
}
