import { NotFoundError } from 'eventsets'
import { compilePattern, type ReplayQuery, type StoredEvent } from 'eventsets/bus'
import type { Connection, Entry } from './connection.ts'
import { connectionError } from './failures.ts'
import type { Settings } from './options.ts'
import { allQueues, compareIds, partsOf } from './queues.ts'
import { quote } from './safe-text.ts'
import { readBody } from './stored-body.ts'
import { readFields } from './work.ts'

/** So many are read from a stream in one call. */
const PAGE = 100

/** An event as it was published. */
interface Published {
  readonly event: StoredEvent
  /** When it was stored, by the clock of the server, in milliseconds since 1970. */
  readonly storedMs: number
}

/**
 * Reads all streams at once. What is in one of them comes in the order of publishing; several of them have no order but
 * that of time. Groups take no notice of it.
 *
 * @throws NotFoundError for an event that is not there, ConnectionError.
 */
export async function* readHistory(
  connections: readonly Connection[],
  settings: Settings,
  {
    from = Number.NEGATIVE_INFINITY,
    to = Number.POSITIVE_INFINITY,
    afterId,
    pattern = '*',
    signal,
  }: ReplayQuery,
): AsyncGenerator<StoredEvent> {
  const matches = compilePattern(pattern)
  let isFound = afterId === undefined
  for await (const { event } of merge(connections.map((connection) => readStream(connection, settings)))) {
    if (!isFound) {
      isFound = event.id === afterId
      continue
    }
    if (signal?.aborted) return
    if (event.time >= from && event.time <= to && matches(event.name)) yield event
  }
  // Everything from the beginning is not what was asked for, and what is missing must not go unnoticed.
  if (!isFound) throw unknownEvent(afterId as string)
}

/** Of what comes next of each, always the oldest. */
async function* merge(streams: readonly AsyncGenerator<Published>[]): AsyncGenerator<Published> {
  const heads = await Promise.all(
    streams.map(async (stream) => ({ stream, next: (await stream.next()).value as Published | undefined })),
  )
  for (;;) {
    let oldest: (typeof heads)[number] | undefined
    for (const head of heads)
      if (head.next && (!oldest?.next || isOlder(head.next, oldest.next))) oldest = head
    if (!oldest?.next) return
    yield oldest.next
    oldest.next = (await oldest.stream.next()).value
  }
}

function isOlder(one: Published, other: Published): boolean {
  return one.storedMs === other.storedMs ? one.event.time < other.event.time : one.storedMs < other.storedMs
}

/** Reads a stream in the order of its ids: that is the order of publishing, since every id is given once. */
async function* readStream(
  connection: Connection,
  { partitions, timeoutMs }: Settings,
): AsyncGenerator<Published, undefined> {
  const read = async (key: string, start: string, end: string, count: number) => {
    try {
      return await connection.range(key, start, end, count, performance.now() + timeoutMs)
    } catch (error) {
      throw connectionError(error, timeoutMs)
    }
  }
  // What is published while somebody reads is not part of what they asked for.
  const [last] = await read('wake', '-', '+', 1)
  const sources: Source[] = allQueues(partitions).map((queue) => ({ queue, page: [], at: 0, start: '-' }))
  const fill = async (source: Source) => {
    if (source.at < source.page.length || source.start === undefined || !last) return
    source.page = await read(`log:${source.queue}`, source.start, last[0], PAGE)
    source.at = 0
    source.start = source.page.length < PAGE ? undefined : `(${source.page.at(-1)?.[0]}`
  }
  await Promise.all(sources.map(fill))
  for (let next = earliest(sources); next; next = earliest(sources)) {
    const [id, list] = next.page[next.at++] as Entry
    await fill(next)
    const { body, isReplayed } = readFields(list)
    // What cannot be read is told when it is to be handled.
    const event = isReplayed ? undefined : readBody(body).event
    if (event) yield { event, storedMs: partsOf(id)[0] }
  }
  return undefined
}

interface Source {
  readonly queue: string
  page: Entry[]
  at: number
  /** Where the next page begins; undefined when there is none. */
  start: string | undefined
}

function earliest(sources: readonly Source[]): Source | undefined {
  let found: Source | undefined
  let id = ''
  for (const source of sources) {
    const [next] = source.page[source.at] ?? []
    if (next === undefined || (found && compareIds(next, id) >= 0)) continue
    found = source
    id = next
  }
  return found
}

function unknownEvent(id: string): NotFoundError {
  return new NotFoundError(`The event ${quote(id)} is not in the history, or not any more.`, {
    missing: id,
    nearest: [],
    hint: 'Read the history from its beginning, or keep more of it: the options "historySize" and "historyMs" of redisStreams.',
  })
}
