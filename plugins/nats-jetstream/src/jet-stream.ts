import type { BackendHealth, BusBackend, GroupHealth } from 'eventsets/bus'
import { beginConsumption, type JetStreamConsumption } from './consumption.ts'
import { createDeadLetters } from './dead-letters.ts'
import { closedError, connectionError, textOf } from './failures.ts'
import { listGroups, removeGroup } from './groups.ts'
import { readState } from './health.ts'
import { readHistory } from './history.ts'
import { createLink, pause, type Server } from './link.ts'
import { type JetStreamOptions, resolveOptions } from './options.ts'
import { createPublisher } from './publisher.ts'
import { createServerClock } from './server-clock.ts'

/** A group of consumers, for people and programs that look. */
export interface JetStreamGroup extends GroupHealth {
  /** What its durable consumer is called on the server. */
  readonly durable: string
}

export interface JetStreamHealth extends BackendHealth {
  /** How often this process has lost the server and found it again. */
  readonly reconnects: number
}

export interface JetStreamBackend extends BusBackend {
  health(): Promise<JetStreamHealth>
  /** The groups there are, those without a consumer included. */
  groups(): Promise<JetStreamGroup[]>
  /** Forgets a group, and what waits for it. A consumer at work makes it again. Gives whether there was one. */
  removeGroup(name: string): Promise<boolean>
}

/** What is in hand is given back as the end, if the server answers within that. */
const CLOSE_MS = 900
/** How often to look for what other processes have left. */
const MAX_ROUND_MS = 30_000
/** A group that has been behind for so much of the age that events may reach will soon lose some. */
const WORRYING_AGE = 0.8
const WORRYING_BYTES = 0.9

/**
 * Keeps events in a stream of NATS JetStream, 2.9 or later: what was published is handled at least once by one consumer
 * of each group, on whichever machine. There is no order: what is tried again comes after what was published later.
 *
 * Connects when it is used for the first time.
 *
 * @throws ValidationError for wrong options.
 */
export function jetStream(options: JetStreamOptions): JetStreamBackend {
  const settings = resolveOptions(options)
  const { timeoutMs, ackWaitMs } = settings
  const link = createLink(settings)
  const clock = createServerClock(link)
  const publisher = createPublisher(link, clock, settings)
  const consumptions = new Set<JetStreamConsumption>()
  let rounds: NodeJS.Timeout | undefined
  let closing: Promise<void> | undefined

  const begin = () => {
    if (closing) throw closedError()
    // What was published together and did not come to its end is gone on with before its ids are forgotten.
    const roundMs = Math.min(
      MAX_ROUND_MS,
      Math.max(1000, ackWaitMs),
      Math.max(100, settings.dedupWindowMs / 4),
    )
    rounds ??= setInterval(() => {
      if (link.isReady) publisher.tick().catch(() => {})
    }, roundMs).unref()
  }
  const insist = async <T>(action: (server: Server) => Promise<T>): Promise<T> => {
    if (closing) throw closedError()
    try {
      return await link.insist(action)
    } catch (error) {
      throw connectionError(error, timeoutMs)
    }
  }
  const ofGroup = (group: string) => [...consumptions].filter((consumption) => consumption.group === group)
  const state = () => {
    const waiting = (group: string) => ofGroup(group).reduce((sum, each) => sum + each.waiting(), 0)
    return insist((server) => readState(server, link, waiting, clock.now()))
  }
  const inHand = () => [...consumptions].reduce((sum, each) => sum + each.inHand, 0)
  const unhealthy = (reason: string): JetStreamHealth => ({
    status: 'unhealthy',
    reasons: [reason],
    queueDepth: 0,
    inFlight: inHand(),
    lagMs: 0,
    deadLetters: 0,
    groups: [],
    reconnects: link.reconnects,
  })

  return {
    name: 'nats-jetstream',
    features: {
      durable: true,
      ordered: false,
      consumerGroups: true,
      takeover: true,
      replay: true,
      delay: true,
      deduplication: true,
      atomic: true,
    },
    async publish(events) {
      begin()
      await publisher.publish(events)
    },
    async consume(consumer) {
      begin()
      const consumption: JetStreamConsumption = await beginConsumption({
        link,
        clock,
        settings,
        consumer,
        onEnd: () => void consumptions.delete(consumption),
      })
      if (closing) {
        await consumption.abandon(0)
        throw closedError()
      }
      consumptions.add(consumption)
      return consumption
    },
    async *replay(query) {
      begin()
      yield* readHistory(link, timeoutMs, query)
    },
    deadLetters: createDeadLetters(link, timeoutMs),
    async groups() {
      const [{ groups }, infos] = await Promise.all([state(), insist((server) => listGroups(server, link))])
      return groups.map((group) => ({ ...group, durable: infos.get(group.name)?.name ?? '' }))
    },
    async removeGroup(name) {
      return await insist((server) => removeGroup(server, link, name))
    },
    async health() {
      if (closing) return unhealthy('The JetStream backend is closed.')
      // Whoever asks how it is does not want to wait until it is better.
      if (link.isAway) return unhealthy('The connection to NATS is away.')
      try {
        const { maxAgeMs, maxBytes } = await insist(async ({ limits }) => limits)
        const { groups, deadLetters, total, bytes } = await state()
        const reasons = [
          ...(bytes >= maxBytes * WORRYING_BYTES
            ? [`${bytes} of ${maxBytes} bytes are taken, and with all of them no more events are.`]
            : []),
          ...groups
            .filter(({ lagMs }) => lagMs >= maxAgeMs * WORRYING_AGE)
            .map(
              ({ name, lagMs }) =>
                `The group ${textOf(name)} is ${lagMs} ms behind, and events are deleted after ${maxAgeMs} ms.`,
            ),
        ]
        return {
          status: reasons.length > 0 ? 'degraded' : 'healthy',
          reasons,
          // What was published before there was any group waits for the first one.
          queueDepth:
            groups.length === 0 ? total : groups.reduce((sum, { queueDepth }) => sum + queueDepth, 0),
          inFlight: groups.reduce((sum, { inFlight }) => sum + inFlight, 0),
          lagMs: Math.max(0, ...groups.map(({ lagMs }) => lagMs)),
          deadLetters,
          groups,
          reconnects: link.reconnects,
        }
      } catch (error) {
        return unhealthy(error instanceof Error ? error.message : String(error))
      }
    },
    close() {
      closing ??= (async () => {
        clearInterval(rounds)
        await Promise.all([...consumptions].map((consumption) => consumption.abandon(CLOSE_MS)))
        await link.flush(CLOSE_MS)
        await Promise.race([link.close(), pause(CLOSE_MS)])
      })()
      return closing
    },
  }
}
