import type { IncomingMessage, ServerResponse } from 'node:http'
import { EventsetsError } from '../core/errors.ts'
import { anything, object, optional } from '../core/shape.ts'
import { onAbort } from './abort.ts'
import type { BusBackend, ReplayQuery } from './backend.ts'
import type { Clock } from './clock.ts'
import type { BusEvent } from './event.ts'
import { compileFilter, type Filter } from './filter.ts'
import type { HandlerContext } from './handler-context.ts'
import { refuseMethod } from './http-answer.ts'
import { assertOptions, expected, maybeFunction, maybeMilliseconds, maybeSignal } from './option-shape.ts'
import type { Handler, SubscriptionOptions } from './subscription.ts'

export interface SseOptions<Event extends BusEvent = BusEvent> {
  /** How often a comment is sent, so that nobody on the way takes the connection for dead. 15000 unless given. */
  readonly heartbeatMs?: number | undefined
  /** How long a browser is to wait before it connects again. Its own choice unless given. */
  readonly retryMs?: number | undefined
  /** How many events may wait for a slow client before the answer ends. 1000 unless given. */
  readonly bufferSize?: number | undefined
  /** Only events that it lets through. */
  readonly filter?: Filter<Event> | undefined
  /** What is sent of an event, as JSON. Its data unless given. */
  readonly select?: ((event: Event) => unknown) | undefined
  /** Whether the name is sent too: a browser then listens to each name. Without it all go to `onmessage`. True unless given. */
  readonly isNamed?: boolean | undefined
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
 * @throws ValidationError for wrong options. What is wrong with the request is told to the client.
 */
export async function serveEvents(
  bus: ServedBus,
  request: IncomingMessage,
  response: ServerResponse,
  pattern: string,
  options: SseOptions = {},
): Promise<SseEnd> {
  assertOptions('The options for server-sent events are', optionsShape, options)
  const matches = options.filter === undefined ? () => true : compileFilter(options.filter)
  // The client may go at any moment, and that is no error.
  response.on('error', () => {})
  if (response.destroyed || response.writableEnded) return 'client'
  if (request.method !== 'GET') {
    refuseMethod(response, ['GET'])
    return 'refused'
  }
  const answer = createAnswer(bus, response, options)
  let off = () => {}
  try {
    off = bus.on(pattern, answer.onEvent, options.filter && { name: 'sse', filter: options.filter })
    answer.begin(off)
  } catch (error) {
    off()
    return refuse(response, error)
  }
  const lastEventId = readLastEventId(request) ?? options.lastEventId
  if (lastEventId !== undefined) void answer.catchUp(pattern, lastEventId, matches)
  return await answer.ended
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
  /** Sends what was published after an event. What happens meanwhile waits. Never rejects. */
  catchUp(pattern: string, lastEventId: string, matches: (event: BusEvent) => boolean): Promise<void>
}

function createAnswer(bus: ServedBus, response: ServerResponse, options: SseOptions): Answer {
  const { heartbeatMs = 15_000, retryMs, bufferSize = 1000, signal } = options
  const { clock } = bus
  const over = new AbortController()
  const waiting: Waiting[] = []
  /** Of the events that were sent from the history, the latest ones: they may come from the bus again. */
  const replayed = new Set<string>()
  let isCatchingUp = false
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
      bus.report(error)
    }
  }
  const flush = () => {
    while (waiting.length > 0 && !isCatchingUp && !response.writableNeedDrain)
      writeEvent(waiting.shift() as Waiting)
  }
  const finish = (why: SseEnd) => {
    if (reason !== undefined) return
    reason = why
    cancelHeartbeat()
    for (const forget of forgets) forget()
    over.abort()
    // Nothing will be published any more, so that this is all there is; otherwise the client comes back for it.
    if (why === 'closed' && !isCatchingUp) for (const each of waiting) writeEvent(each)
    waiting.length = 0
    replayed.clear()
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

  return {
    ended,
    onEvent(event: BusEvent, { isPublished }: HandlerContext) {
      if (reason !== undefined || (isPublished && replayed.delete(event.id))) return
      if (!isCatchingUp && waiting.length === 0 && !response.writableNeedDrain)
        return writeEvent({ event, isPublished })
      waiting.push({ event, isPublished })
      if (waiting.length > bufferSize) finish('slow')
    },
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
    async catchUp(pattern, lastEventId, matches) {
      const tellGap = (why: string) => {
        const data = JSON.stringify({ reason: why, lastEventId })
        if (reason === undefined) write(`event: ${SSE_GAP}\ndata: ${data}\n\n`)
      }
      isCatchingUp = true
      try {
        if (!bus.backend.features.replay) return tellGap('The server keeps no events to send again.')
        for await (const event of bus.replay({ pattern, afterId: lastEventId, signal: over.signal })) {
          if (reason !== undefined) return
          if (!letsThrough(matches, event)) continue
          const at = waiting.findIndex((each) => each.isPublished && each.event.id === event.id)
          if (at === -1) remember(replayed, event.id, bufferSize)
          else waiting.splice(at, 1)
          writeEvent({ event, isPublished: true })
          if (response.writableNeedDrain) await drained(response, over.signal)
        }
      } catch (error) {
        const isUnknown = error instanceof EventsetsError && error.code === 'EVENTSETS_NOT_FOUND'
        if (!isUnknown) bus.report(error)
        tellGap(
          isUnknown
            ? 'The event is not known here, or not any more.'
            : 'The events since then could not be read.',
        )
      } finally {
        isCatchingUp = false
        flush()
      }
    },
  }
}

interface Waiting {
  readonly event: BusEvent
  /** An event that was only emitted is in no history: a client cannot come back to it. */
  readonly isPublished: boolean
}

function frameOf(event: BusEvent, isPublished: boolean, { select, isNamed = true }: SseOptions): string {
  const data = select ? toJson(select(event)) : dataOf(event)
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
  const text = toJson(event.data)
  texts.set(event, text)
  return text
}

/** A browser does not show an event without data. */
function toJson(value: unknown): string {
  return JSON.stringify(value) ?? 'null'
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

function remember(ids: Set<string>, id: string, max: number): void {
  ids.add(id)
  if (ids.size > max) ids.delete(ids.values().next().value as string)
}

/** A filter that throws has let nothing through, as everywhere. */
function letsThrough(matches: (event: BusEvent) => boolean, event: BusEvent): boolean {
  try {
    return matches(event)
  } catch {
    return false
  }
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
