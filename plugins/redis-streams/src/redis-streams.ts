import { hostname } from 'node:os'
import type { BackendHealth, BusBackend, Consumer, Consumption, GroupHealth } from 'eventsets/bus'
import { joinDeadLetters } from './all-dead-letters.ts'
import { type BusStream, openBusStream } from './bus-stream.ts'
import { type Connection, createConnection } from './connection.ts'
import { closedError, connectionError } from './failures.ts'
import { HandPool } from './hand-pool.ts'
import { addStates, type State } from './health.ts'
import { createNews, type News } from './news.ts'
import { type RedisStreamsOptions, resolveOptions, type Settings } from './options.ts'
import { readHistory } from './replay.ts'
import { quote } from './safe-text.ts'
import { streamOf, streamOfAll } from './stream-of.ts'

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
  const { timeoutMs, maxLen } = settings
  const allConsumptions = () => streams.flatMap(({ consumptions }) => [...consumptions])
  const links = openLinks(settings, {
    onLost: (error, names) => {
      for (const { name, consumptions } of streams)
        if (names.includes(name))
          for (const consumption of consumptions) consumption.report(connectionError(error))
    },
    onNews: (wakeKey, newsId) => {
      const stream = streams.find(({ connection }) => connection.wakeKey === wakeKey)
      for (const consumption of stream?.consumptions ?? []) consumption.wake(newsId)
    },
    isWanted: () => !closing && allConsumptions().length > 0,
  })
  const streams: readonly BusStream[] = links.flatMap(({ connections }) =>
    [...connections].map(([name, connection]) => openBusStream(name, connection, settings)),
  )
  const byName = new Map(streams.map((stream) => [stream.name, stream]))
  const first = streams[0] as BusStream
  let known: Counts = { queueDepth: 0, inFlight: 0, lagMs: 0, deadLetters: 0, groups: [] }
  let closing: Promise<void> | undefined

  const reconnects = () => links.reduce((sum, { connection }) => sum + connection.reconnects, 0)
  const claims = () => streams.reduce((sum, stream) => sum + stream.claims, 0)
  const readStates = (waitMs: number) => Promise.all(streams.map((stream) => stream.state(waitMs)))
  /** With what was known before: that nothing waits is not known. */
  const unhealthy = (reason: string): RedisStreamsHealth => ({
    ...known,
    status: 'unhealthy',
    reasons: [reason],
    reconnects: reconnects(),
    claims: claims(),
  })
  const reasonsOf = ({ total }: State, { name, consumptions }: BusStream): string[] => {
    const where = streams.length > 1 ? ` in the stream ${quote(name)}` : ''
    const stalled = [...consumptions].flatMap((consumption) => consumption.stalled)
    return [
      ...(total >= maxLen ? [`${total} events are on the server${where}, and no more are taken.`] : []),
      ...stalled.map((queue) => `Too much waits behind busy keys in the stream ${queue}${where}.`),
    ]
  }

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
      atomic: streams.length === 1,
    },
    async publish(events) {
      if (closing) throw closedError()
      await (byName.get(streamOfAll(events, settings)) as BusStream).publish(events)
    },
    async consume(consumer) {
      const consumption = await consumeAll(streams, consumer)
      for (const { news } of links) news.begin()
      return consumption
    },
    async *replay(query) {
      await Promise.all(streams.map((stream) => stream.open()))
      yield* readHistory(
        streams.map(({ connection }) => connection),
        settings,
        query,
      )
    },
    deadLetters: joinDeadLetters(
      streams.map(({ deadLetters }) => deadLetters),
      ({ event }) => {
        try {
          return byName.get(streamOf(event, settings))?.deadLetters ?? first.deadLetters
        } catch {
          // What has no stream is kept all the same: that may be why it is a dead letter.
          return first.deadLetters
        }
      },
    ),
    async groups() {
      return addStates(await readStates(timeoutMs)).groups
    },
    async removeGroup(name) {
      const removed = await Promise.all(streams.map((stream) => stream.removeGroup(name)))
      return removed.includes(true)
    },
    async health() {
      if (closing) return unhealthy('The Redis Streams backend is closed.')
      if (allConsumptions().length > 0 && links.some(({ connection }) => !connection.isReady))
        return unhealthy('The connection to Redis is away.')
      try {
        const waitMs = Math.min(timeoutMs, HEALTH_MS)
        const states = await readStates(waitMs)
        known = countsOf(states)
        if (streams.length > 1 && known.queueDepth + known.inFlight === 0)
          known = countsBetween(states, await readStates(waitMs))
        const reasons = states.flatMap((state, index) => reasonsOf(state, streams[index] as BusStream))
        return {
          ...known,
          status: reasons.length > 0 ? 'degraded' : 'healthy',
          reasons,
          reconnects: reconnects(),
          claims: claims(),
        }
      } catch (error) {
        return unhealthy(error instanceof Error ? error.message : String(error))
      }
    },
    close() {
      closing ??= (async () => {
        await Promise.all(streams.map((stream) => stream.close(CLOSE_MS)))
        for (const { connection } of links) connection.close()
      })()
      return closing
    },
  }
}

type Counts = Omit<BackendHealth, 'status' | 'reasons'>

/** The connections of some streams. */
interface Link {
  readonly connection: Connection
  /** The same for the keys of each stream, by its name. */
  readonly connections: ReadonlyMap<string, Connection>
  readonly news: News
}

interface LinkSetting {
  readonly onLost: (error: Error, streams: readonly string[]) => void
  readonly onNews: (wakeKey: string, newsId: string) => void
  readonly isWanted: () => boolean
}

/** In a cluster each stream may be on another server: nobody can wait there for news of several at once. */
function openLinks(settings: Settings, { onLost, onNews, isWanted }: LinkSetting): Link[] {
  const { client, streams } = settings
  const bundles = client?.isCluster ? streams.map((name) => [name]) : [streams]
  return bundles.map((names) => {
    const [stream = ''] = names
    const connection = createConnection({ ...settings, stream }, (error) => onLost(error, names))
    const connections = new Map(names.map((name) => [name, connection.under(name)]))
    const wakeKeys = [...connections.values()].map(({ wakeKey }) => wakeKey)
    return { connection, connections, news: createNews(connection, wakeKeys, onNews, isWanted) }
  })
}

/** A consumer in all streams. */
async function consumeAll(streams: readonly BusStream[], consumer: Consumer): Promise<Consumption> {
  const hands = new HandPool(consumer.concurrency)
  const [only] = streams
  if (only && streams.length === 1) return await only.consume(consumer, hands)
  const one = tellingOnce(consumer)
  const begun = await Promise.allSettled(streams.map((stream) => stream.consume(one, hands)))
  const consumptions = begun.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
  const failed = begun.find((each) => each.status === 'rejected')
  if (failed) {
    await Promise.all(consumptions.map((consumption) => consumption.abandon(CLOSE_MS)))
    throw failed.reason
  }
  return {
    async stop(deadlineMs) {
      await Promise.all(consumptions.map((consumption) => consumption.stop(deadlineMs)))
    },
  }
}

/** What happens to all streams at the same time is told by each of them. */
const TOLD_MS = 200

function tellingOnce(consumer: Consumer): Consumer {
  const told = new Map<string, number>()
  return {
    group: consumer.group,
    concurrency: consumer.concurrency,
    patterns: () => consumer.patterns(),
    deliver: (delivery) => consumer.deliver(delivery),
    onError(error) {
      const now = performance.now()
      for (const [message, ms] of told) if (now - ms > TOLD_MS) told.delete(message)
      if (told.has(error.message)) return
      told.set(error.message, now)
      consumer.onError(error)
    },
  }
}

function countsOf(states: readonly State[]): Counts {
  const { deadLetters, groups } = addStates(states)
  return {
    queueDepth: states.reduce(
      (sum, state) =>
        sum + (state.hasBegun ? state.groups.reduce((all, group) => all + group.queueDepth, 0) : state.total),
      0,
    ),
    inFlight: groups.reduce((sum, { inFlight }) => sum + inFlight, 0),
    lagMs: Math.max(0, ...groups.map(({ lagMs }) => lagMs)),
    deadLetters,
    groups: groups.map(({ consumers: _, ...group }) => group),
  }
}

/**
 * The streams are not asked at the same moment: what was handled in one may have gone on in another that had been asked
 * before. Nothing waits only where nothing was added between two looks; what was, has waited.
 */
function countsBetween(before: readonly State[], after: readonly State[]): Counts {
  const counts = countsOf(after)
  const added = addStates(after).added - addStates(before).added
  if (added <= 0 || counts.queueDepth + counts.inFlight > 0) return counts
  const groups = counts.groups.map((group) => ({ ...group, queueDepth: added }))
  return { ...counts, groups, queueDepth: added * Math.max(1, groups.length) }
}
