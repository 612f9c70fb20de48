import { object, oneOf, optional } from '../core/shape.ts'
import { onAbort } from './abort.ts'
import { EventError } from './errors.ts'
import type { BusEvent } from './event.ts'
import { assertOptions, expected, maybeSignal, maybeWholeNumber } from './option-shape.ts'
import { createQueue } from './queue.ts'

export interface StreamOptions {
  /** Ends the stream at once, as leaving the loop does. */
  readonly signal?: AbortSignal | undefined
  /** How many events may wait for the reader. 1000 unless given. */
  readonly bufferSize?: number | undefined
  /**
   * What happens to an event that finds the buffer full. `drop-oldest` and `drop-newest` leave one out and count it;
   * `error` ends the stream with an error; `wait` keeps the handler, and so the publisher's backend, waiting.
   * `drop-oldest` unless given.
   */
  readonly overflow?: 'drop-oldest' | 'drop-newest' | 'error' | 'wait' | undefined
  /** As that of a handler: a stream above others gets an event before they are called, and does not wait for their retries. `Priority.NORMAL` unless given. */
  readonly priority?: number | undefined
}

/** Events as they come. Leaving the loop ends the subscription. */
export interface EventStream<Event extends BusEvent = BusEvent> extends AsyncIterableIterator<Event> {
  /** How many events were left out because the reader was too slow. */
  readonly dropped: number
  return(): Promise<IteratorResult<Event, undefined>>
  [Symbol.asyncDispose](): Promise<void>
}

type Listen = (handler: (event: BusEvent) => unknown) => () => void

/**
 * `listen` subscribes and gives what ends it; `onDrop` is told of each event that is left out. When `closing` is
 * aborted, no more events come, but what waits can still be read.
 */
export function createStream(
  listen: Listen,
  options: StreamOptions = {},
  onDrop: () => void = () => {},
  closing?: AbortSignal,
): EventStream {
  assertOptions('The options of a stream are', SHAPE, options)
  const { signal, bufferSize = 1000, overflow = 'drop-oldest' } = options
  const buffer = createQueue<BusEvent>()
  const readers: { resolve: (result: IteratorResult<BusEvent>) => void; reject: (error: unknown) => void }[] =
    []
  const writers: { event: BusEvent; resume: () => void }[] = []
  let failure: unknown
  let isEnded = false
  let dropped = 0

  const end = () => {
    if (isEnded) return
    isEnded = true
    stop()
    for (const forget of forgets) forget()
    // Whoever has waited for room has been told that it has been read: that is still to come.
    for (const { event, resume } of writers.splice(0)) {
      buffer.push(event)
      resume()
    }
    for (const { resolve, reject } of readers.splice(0)) {
      if (failure === undefined) resolve({ value: undefined, done: true })
      else reject(failure)
    }
  }
  const discard = () => {
    end()
    buffer.clear()
  }
  const drop = () => {
    dropped++
    onDrop()
  }
  const onEvent = (event: BusEvent): unknown => {
    if (isEnded) return undefined
    const reader = readers.shift()
    if (reader) return reader.resolve({ value: event, done: false })
    if (buffer.size < bufferSize) return void buffer.push(event)
    if (overflow === 'drop-newest') drop()
    else if (overflow === 'drop-oldest') {
      buffer.shift()
      buffer.push(event)
      drop()
    } else if (overflow === 'error') {
      failure = new EventError(
        `${bufferSize === 1 ? '1 event is' : `${bufferSize} events are`} waiting for the reader of a stream.`,
        {
          code: 'EVENTSETS_STREAM_OVERFLOW',
          hint: 'Read faster, raise "bufferSize", or choose another "overflow".',
        },
      )
      end()
    } else return new Promise<void>((resume) => writers.push({ event, resume }))
    return undefined
  }
  const forgets: (() => void)[] = []
  const stop = listen(onEvent)
  if (closing) forgets.push(onAbort(closing, end))
  if (signal?.aborted) discard()
  else if (signal) forgets.push(onAbort(signal, discard))

  return {
    get dropped() {
      return dropped
    },
    next() {
      const event = buffer.shift()
      if (event !== undefined) {
        const writer = writers.shift()
        if (writer) {
          buffer.push(writer.event)
          writer.resume()
        }
        return Promise.resolve({ value: event, done: false })
      }
      if (failure !== undefined) {
        const error = failure
        failure = undefined
        return Promise.reject(error)
      }
      if (isEnded) return Promise.resolve({ value: undefined, done: true })
      return new Promise((resolve, reject) => readers.push({ resolve, reject }))
    },
    async return() {
      discard()
      return { value: undefined, done: true }
    },
    async [Symbol.asyncDispose]() {
      discard()
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

const SHAPE = object({
  signal: maybeSignal,
  bufferSize: optional(
    expected('a whole number of at least 1', (input) => Number.isInteger(input) && (input as number) >= 1),
  ),
  overflow: optional(oneOf('drop-oldest', 'drop-newest', 'error', 'wait')),
  priority: maybeWholeNumber,
})
