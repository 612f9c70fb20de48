import { NotFoundError } from 'eventsets'
import { compilePattern, type ReplayQuery, type StoredEvent } from 'eventsets/bus'
import type { Connection, Entry } from './connection.ts'
import { connectionError } from './failures.ts'
import type { Settings } from './options.ts'
import { allQueues, compareIds } from './queues.ts'
import { quote } from './safe-text.ts'
import { readBody } from './stored-body.ts'
import { readFields } from './work.ts'

/** So many are read from a stream in one call. */
const PAGE = 100

/**
 * Reads all streams at once, in the order of their ids: that is the order of publishing, since every id is given once.
 * Groups take no notice of it.
 *
 * @throws NotFoundError for an event that is not there, ConnectionError.
 */
export async function* readHistory(
  connection: Connection,
  { partitions, timeoutMs }: Settings,
  {
    from = Number.NEGATIVE_INFINITY,
    to = Number.POSITIVE_INFINITY,
    afterId,
    pattern = '*',
    signal,
  }: ReplayQuery,
): AsyncGenerator<StoredEvent> {
  const matches = compilePattern(pattern)
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
  let isFound = afterId === undefined
  for (let next = earliest(sources); next; next = earliest(sources)) {
    const [, list] = next.page[next.at++] as Entry
    await fill(next)
    const { body, isReplayed } = readFields(list)
    // What cannot be read is told when it is to be handled.
    const event = isReplayed ? undefined : readBody(body).event
    if (!event) continue
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
