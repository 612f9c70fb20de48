import { hostname } from 'node:os'
import { ValidationError } from 'eventsets'
import type { BackendHealth, BusBackend, GroupHealth } from 'eventsets/bus'
import { createConnection } from './connection.ts'
import { beginConsumption, type RedisConsumption } from './consumption.ts'
import { createDeadLetters } from './dead-letters.ts'
import { closedError, connectionError } from './failures.ts'
import { readState } from './health.ts'
import { createNews } from './news.ts'
import { type RedisStreamsOptions, resolveOptions } from './options.ts'
import { createPublisher } from './publisher.ts'
import { allQueues } from './queues.ts'
import { readHistory } from './replay.ts'
import { openScript } from './scripts/publish.ts'
import { removeGroupScript } from './scripts/state.ts'

/** A group of consumers, for people and programs that look. */
export interface RedisGroup extends GroupHealth {
  /** How many consumers are at work. */
  readonly consumers: number
}

export interface RedisStreamsHealth extends BackendHealth {
  /** How often this process has lost the server and found it again. */
  readonly reconnects: number
  /** How many events this process has taken over from consumers that had died. */
  readonly claims: number
}

export interface RedisStreamsBackend extends BusBackend {
  health(): Promise<RedisStreamsHealth>
  /** The groups there are, those without a consumer included. */
  groups(): Promise<RedisGroup[]>
  /** Forgets a group, and what waits for it. What nobody will ever handle would be kept for it for ever. Gives whether there was one. */
  removeGroup(name: string): Promise<boolean>
}

/** Whoever asks how it is does not want to wait until it is better. */
const HEALTH_MS = 1000
/** What is in hand is given back as the end, if the server answers within that. */
const CLOSE_MS = 900

/**
 * Keeps events in streams of a Redis server, 7.0 or later: what was published is handled at least once by one consumer
 * of each group, on whichever machine, and in order where there is a key.
 *
 * Connects when it is used for the first time.
 *
 * @throws ValidationError for wrong options.
 */
export function redisStreams(options: RedisStreamsOptions): RedisStreamsBackend {
  const settings = resolveOptions(options, `${hostname()}-${process.pid}`)
  const { partitions, timeoutMs } = settings
  const queues = allQueues(partitions)
  const consumptions = new Set<RedisConsumption>()
  const connection = createConnection(settings, (error) => {
    for (const consumption of consumptions) consumption.report(connectionError(error))
  })
  const publisher = createPublisher(connection, settings)
  const news = createNews(
    connection,
    (newsId) => {
      for (const consumption of consumptions) consumption.wake(newsId)
    },
    () => !closing && consumptions.size > 0,
  )
  let pastClaims = 0
  let known: Counts = { queueDepth: 0, inFlight: 0, lagMs: 0, deadLetters: 0, groups: [] }
  let opening: Promise<void> | undefined
  let closing: Promise<void> | undefined

  /** Makes sure that all processes spread keys in the same way. */
  const open = (): Promise<void> => {
    if (closing) return Promise.reject(closedError())
    opening ??= begin().catch((error) => {
      opening = undefined
      throw error
    })
    return opening
  }
  const begin = async () => {
    const deadlineMs = performance.now() + timeoutMs
    const noted = await connection.insist(openScript, [partitions], deadlineMs).catch((error) => {
      throw connectionError(error, timeoutMs)
    })
    if (noted !== partitions) throw otherPartitions(settings.stream, Number(noted))
  }
  const locals = () => new Map([...consumptions].map(({ session, inHand }) => [session, inHand]))
  const state = async (waitMs: number) => {
    await open()
    try {
      return await readState(connection, queues, locals, performance.now() + waitMs)
    } catch (error) {
      throw connectionError(error, waitMs)
    }
  }
  const claims = () => [...consumptions].reduce((sum, consumption) => sum + consumption.claims, pastClaims)
  /** With what was known before: that nothing waits is not known. */
  const unhealthy = (reason: string): RedisStreamsHealth => ({
    ...known,
    status: 'unhealthy',
    reasons: [reason],
    reconnects: connection.reconnects,
    claims: claims(),
  })

  return {
    name: 'redis-streams',
    features: {
      durable: true,
      ordered: true,
      consumerGroups: true,
      takeover: true,
      replay: true,
      delay: true,
      deduplication: true,
    },
    async publish(events) {
      await open()
      await publisher.publish(events)
    },
    async consume(consumer) {
      await open()
      const consumption: RedisConsumption = await beginConsumption({
        connection,
        settings,
        consumer,
        onEnd: () => {
          if (consumptions.delete(consumption)) pastClaims += consumption.claims
        },
      })
      if (closing) {
        await consumption.abandon(0)
        throw closedError()
      }
      consumptions.add(consumption)
      news.begin()
      return consumption
    },
    async *replay(query) {
      await open()
      yield* readHistory(connection, settings, query)
    },
    deadLetters: createDeadLetters(connection, settings, open),
    async groups() {
      return (await state(timeoutMs)).groups
    },
    async removeGroup(name) {
      await open()
      const args = [name, JSON.stringify(queues)]
      const removed = await connection
        .insist(removeGroupScript, args, performance.now() + timeoutMs)
        .catch((error) => {
          throw connectionError(error, timeoutMs)
        })
      return removed === 1
    },
    async health() {
      if (closing) return unhealthy('The Redis Streams backend is closed.')
      if (opening && !connection.isReady && consumptions.size > 0)
        return unhealthy('The connection to Redis is away.')
      try {
        const { total, hasBegun, deadLetters, groups } = await state(Math.min(timeoutMs, HEALTH_MS))
        const stalled = [...consumptions].flatMap((consumption) => consumption.stalled)
        const { maxLen } = settings
        const reasons = [
          ...(total >= maxLen ? [`${total} events are on the server, and no more are taken.`] : []),
          ...stalled.map((queue) => `Too much waits behind busy keys in the stream ${queue}.`),
        ]
        known = {
          queueDepth: hasBegun ? groups.reduce((sum, { queueDepth }) => sum + queueDepth, 0) : total,
          inFlight: groups.reduce((sum, { inFlight }) => sum + inFlight, 0),
          lagMs: Math.max(0, ...groups.map(({ lagMs }) => lagMs)),
          deadLetters,
          groups: groups.map(({ consumers: _, ...group }) => group),
        }
        return {
          ...known,
          status: reasons.length > 0 ? 'degraded' : 'healthy',
          reasons,
          reconnects: connection.reconnects,
          claims: claims(),
        }
      } catch (error) {
        return unhealthy(error instanceof Error ? error.message : String(error))
      }
    },
    close() {
      closing ??= (async () => {
        publisher.close()
        await Promise.all([...consumptions].map((consumption) => consumption.abandon(CLOSE_MS)))
        connection.close()
      })()
      return closing
    },
  }
}

type Counts = Omit<BackendHealth, 'status' | 'reasons'>

function otherPartitions(stream: string, known: number): ValidationError {
  const message = `is ${known} on the server: events of one key would come to different places`
  return new ValidationError(
    `The options of redisStreams for ${JSON.stringify(stream)} are`,
    [{ path: 'partitions', code: 'format', message }],
    {
      code: 'EVENTSETS_INVALID_OPTIONS',
      hint: 'Give the same number in all processes, or another "stream".',
    },
  )
}
