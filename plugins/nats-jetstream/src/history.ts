import type { JsMsg, Consumer as StreamReader } from '@nats-io/jetstream'
import { NotFoundError } from 'eventsets'
import { compilePattern, type ReplayQuery, type StoredEvent } from 'eventsets/bus'
import { connectionError, quote } from './failures.ts'
import type { Link } from './link.ts'
import { eventSubject, isEventSubject, patternSubject } from './names.ts'
import { readEvent } from './stored-body.ts'

export interface ReadOptions {
  readonly timeoutMs: number
  /** Only messages of this subject, which may have wildcards. */
  readonly subject?: string | undefined
}

/** So many are asked for at once. */
const PAGE = 200
/** The least that the client takes. */
const MIN_EXPIRES_MS = 1000

/**
 * Everything that is in a stream when this begins, in its order. Groups take no notice of it.
 *
 * @throws ConnectionError
 */
export async function* readStream(
  link: Link,
  stream: string,
  { timeoutMs, subject }: ReadOptions,
): AsyncGenerator<JsMsg> {
  let reader: StreamReader | undefined
  try {
    let left: number
    ;({ reader, left } = await link.insist(async ({ client }) => {
      const found = await client.consumers.get(
        stream,
        subject === undefined ? {} : { filter_subjects: subject },
      )
      return { reader: found, left: (await found.info(true)).num_pending }
    }))
    const expires = Math.max(MIN_EXPIRES_MS, timeoutMs)
    // What comes meanwhile is not part of what was asked for; what is deleted meanwhile does not come.
    while (left > 0) {
      const page = await reader.fetch({ max_messages: Math.min(PAGE, left), expires })
      let count = 0
      let isLast = false
      for await (const message of page) {
        count++
        left--
        isLast = message.info.pending === 0
        yield message
      }
      if (isLast) return
      if (count === 0) throw new Error(`Nothing came for ${expires} ms, and ${left} are still to come.`)
    }
  } catch (error) {
    throw connectionError(error, timeoutMs)
  } finally {
    // The server would forget it by itself after a while.
    await reader?.delete().catch(() => {})
  }
}

/** @throws NotFoundError for an event that is not there, ConnectionError. */
export async function* readHistory(
  link: Link,
  timeoutMs: number,
  {
    from = Number.NEGATIVE_INFINITY,
    to = Number.POSITIVE_INFINITY,
    afterId,
    pattern = '*',
    signal,
  }: ReplayQuery,
): AsyncGenerator<StoredEvent> {
  const { names } = link
  const matches = compilePattern(pattern)
  // The event to begin after may have any name.
  const subject = afterId === undefined ? patternSubject(names, pattern) : `${names.log}.event.>`
  let isFound = afterId === undefined
  for await (const message of readStream(link, names.log, { timeoutMs, subject })) {
    if (signal?.aborted) return
    // What cannot be read is told when it is to be handled.
    const event = isEventSubject(names, message.subject) ? readEvent(message.data).value : undefined
    if (!event || eventSubject(names, event.name) !== message.subject) continue
    if (!isFound) {
      isFound = event.id === afterId
      continue
    }
    if (event.time >= from && event.time <= to && matches(event.name)) yield event
  }
  // Everything from the beginning is not what was asked for, and what is missing must not go unnoticed.
  if (!isFound) throw unknownEvent(afterId as string)
}

function unknownEvent(id: string): NotFoundError {
  return new NotFoundError(`The event ${quote(id)} is not in the history, or not any more.`, {
    missing: id,
    nearest: [],
    hint: 'Read the history from its beginning, or keep more of it: the limit of age of the stream.',
  })
}
