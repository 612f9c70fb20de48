import { ValidationError } from 'eventsets'
import type { Consumer, DeadLetterStore, StoredEvent } from 'eventsets/bus'
import type { Connection } from './connection.ts'
import { beginConsumption, type RedisConsumption } from './consumption.ts'
import { createDeadLetters } from './dead-letters.ts'
import { closedError, connectionError } from './failures.ts'
import type { HandPool } from './hand-pool.ts'
import { readState, type State } from './health.ts'
import type { Settings } from './options.ts'
import { createPublisher } from './publisher.ts'
import { allQueues } from './queues.ts'
import { openScript } from './scripts/publish.ts'
import { removeGroupScript } from './scripts/state.ts'

/** A stream by its name in the options. On the server, each is a whole bus: with partitions, ids, groups and letters of its own. */
export interface BusStream {
  readonly name: string
  readonly connection: Connection
  readonly consumptions: ReadonlySet<RedisConsumption>
  /** How many events were taken over from consumers that had died. */
  readonly claims: number
  readonly deadLetters: DeadLetterStore
  /** Makes sure that all processes spread keys in the same way. */
  open(): Promise<void>
  publish(events: readonly StoredEvent[]): Promise<void>
  consume(consumer: Consumer, hands: HandPool): Promise<RedisConsumption>
  state(waitMs: number): Promise<State>
  removeGroup(group: string): Promise<boolean>
  /** Gives back what is in hand, as long as there is time. The connection stays open. */
  close(deadlineMs: number): Promise<void>
}

export function openBusStream(name: string, connection: Connection, settings: Settings): BusStream {
  const { partitions, timeoutMs } = settings
  const queues = allQueues(partitions)
  const publisher = createPublisher(connection, settings)
  const consumptions = new Set<RedisConsumption>()
  let pastClaims = 0
  let opening: Promise<void> | undefined
  let isClosing = false

  const open = (): Promise<void> => {
    if (isClosing) return Promise.reject(closedError())
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
    if (noted !== partitions) throw otherPartitions(name, Number(noted), partitions)
  }
  const locals = () => new Map([...consumptions].map(({ session, inHand }) => [session, inHand]))

  return {
    name,
    connection,
    consumptions,
    get claims() {
      return [...consumptions].reduce((sum, consumption) => sum + consumption.claims, pastClaims)
    },
    deadLetters: createDeadLetters(connection, settings, open),
    open,
    async publish(events) {
      await open()
      await publisher.publish(events)
    },
    async consume(consumer, hands) {
      await open()
      const consumption: RedisConsumption = await beginConsumption({
        connection,
        settings,
        consumer,
        hands,
        onEnd: () => {
          if (consumptions.delete(consumption)) pastClaims += consumption.claims
        },
      })
      if (isClosing) {
        await consumption.abandon(0)
        throw closedError()
      }
      consumptions.add(consumption)
      return consumption
    },
    async state(waitMs) {
      await open()
      try {
        return await readState(connection, queues, locals, performance.now() + waitMs)
      } catch (error) {
        throw connectionError(error, waitMs)
      }
    },
    async removeGroup(group) {
      await open()
      const args = [group, JSON.stringify(queues)]
      const removed = await connection
        .insist(removeGroupScript, args, performance.now() + timeoutMs)
        .catch((error) => {
          throw connectionError(error, timeoutMs)
        })
      return removed === 1
    },
    async close(deadlineMs) {
      isClosing = true
      publisher.close()
      await Promise.all([...consumptions].map((consumption) => consumption.abandon(deadlineMs)))
    },
  }
}

function otherPartitions(stream: string, known: number, given: number): ValidationError {
  const message = `is ${known} on the server, got ${given}: events of one key would come to different places`
  return new ValidationError(
    `The options of redisStreams for ${JSON.stringify(stream)} are`,
    [{ path: 'partitions', code: 'format', message }],
    {
      code: 'EVENTSETS_INVALID_OPTIONS',
      hint: 'Give the same number in all processes, or another "stream".',
    },
  )
}
