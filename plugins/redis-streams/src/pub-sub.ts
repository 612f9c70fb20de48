import { randomUUID } from 'node:crypto'
import {
  type BackendHealth,
  type BusBackend,
  ConnectionError,
  type Consumer,
  EventError,
  memoryBackend,
  PublishError,
} from 'eventsets/bus'
import { createConnection } from './connection.ts'
import { closedError, connectionError, failureOf, publishError } from './failures.ts'
import { type Message, readMessage, writeEvents } from './pub-sub-message.ts'
import { type RedisPubSubOptions, resolvePubSubOptions } from './pub-sub-options.ts'
import { fanOutScript } from './scripts/fan-out.ts'
import { atMost } from './timeout.ts'

export interface RedisPubSubHealth extends BackendHealth {
  /** How many events this process has missed since it began to listen, as far as it knows. */
  readonly missed: number
  /** How often this process has lost the server and found it again. */
  readonly reconnects: number
}

export interface RedisPubSubBackend extends BusBackend {
  health(): Promise<RedisPubSubHealth>
}

/** What is told again and again is not told more often. */
const REPORT_PAUSE_MS = 1000
/** What other processes have sent a second time is known by its id. */
const REMEMBERED_IDS = 10_000

/**
 * Tells every process that listens at that moment, once, over a channel of Redis Pub/Sub: for caches that forget and
 * views that are live. Nothing is stored: whoever is away misses it, and a server that restarts loses what is on its way.
 * What has arrived is handled in the memory of each process, with retries and dead letters of its own.
 *
 * Connects when it is used for the first time, and listens from the first consumer on.
 *
 * @throws ValidationError for wrong options.
 */
export function redisPubSub(options: RedisPubSubOptions): RedisPubSubBackend {
  const settings = resolvePubSubOptions(options)
  const { channel, timeoutMs, maxWaiting } = settings
  const memory = memoryBackend({
    maxQueueDepth: maxWaiting,
    overflow: 'error',
    historySize: 0,
    rememberedIds: REMEMBERED_IDS,
  })
  const consumers = new Set<Consumer>()
  const connection = createConnection({ ...settings, stream: channel, blockMs: timeoutMs }, (error) =>
    report(connectionError(error)),
  )
  /** Messages of our own that are on their way back. */
  const echoes = new Map<string, () => void>()
  const onListening = new Set<() => void>()
  let listening: Promise<void> | undefined
  let isListening = false
  /** What keeps us from listening, and does not pass by itself. */
  let refusal: unknown
  /** The number of the last event on the channel. */
  let last: number | undefined
  let missed = 0
  let unreadable = 0
  let lastUnreadableMs = Number.NEGATIVE_INFINITY
  /** How many of those missed have found no room. */
  let unplaced = 0
  let lastFullMs = Number.NEGATIVE_INFINITY
  let isClosed = false

  const report = (error: Error) => {
    for (const consumer of consumers) {
      try {
        consumer.onError(error)
      } catch {
        // Whoever is told of errors and fails at that cannot be told.
      }
    }
  }
  const tell = async (count: number, token: string, body: string, deadlineMs?: number) => {
    await connection.run(fanOutScript, [channel, count, token, body], deadlineMs)
  }
  const onOpen = () => {
    const token = randomUUID()
    echoes.set(token, () => {
      isListening = true
      refusal = undefined
      for (const resolve of onListening) resolve()
    })
    // It says how many events there have been, and comes behind all of them.
    tell(0, token, '[]').catch((error) => {
      if (!isClosed) {
        report(connectionError(error))
        onRefused(error)
      }
    })
  }
  const onRefused = (error: unknown) => {
    if (failureOf(error).kind !== 'wrong') return
    refusal = error
    for (const resolve of onListening) resolve()
  }
  const onLost = () => {
    isListening = false
    // What has not come back by now does not come back.
    for (const resolve of echoes.values()) resolve()
    echoes.clear()
  }
  const onMessage = (text: string) => {
    const message = readMessage(text)
    if (typeof message === 'string') return noteUnreadable(message)
    count(message)
    for (const fault of message.faults) noteUnreadable(fault)
    const { events, token } = message
    if (events.length > 0) {
      memory.publish(events).catch(() => {
        if (!isClosed) noteFull(events.length)
      })
    }
    echoes.get(token)?.()
    echoes.delete(token)
  }
  /** Notices what was missed. */
  const count = ({ number, count }: Message) => {
    const before = last
    last = number
    if (before === undefined || number - count === before) return
    const lost = number - count - before
    missed += Math.max(0, lost)
    report(missedError(channel, lost))
  }
  const noteFull = (lost: number) => {
    missed += lost
    unplaced += lost
    const nowMs = performance.now()
    if (nowMs - lastFullMs < REPORT_PAUSE_MS) return
    lastFullMs = nowMs
    report(fullError(channel, maxWaiting, unplaced))
  }
  const noteUnreadable = (fault: string) => {
    unreadable++
    const nowMs = performance.now()
    if (nowMs - lastUnreadableMs < REPORT_PAUSE_MS) return
    lastUnreadableMs = nowMs
    report(unreadableError(channel, fault, unreadable))
  }
  const listen = async () => {
    listening ??= connection.listen(channel, { onMessage, onOpen, onLost, onRefused }).catch((error) => {
      listening = undefined
      throw error
    })
    await listening
    if (isListening) return
    const deadlineMs = performance.now() + timeoutMs
    // Who is not let in is told so at once, and why.
    await connection.reach(deadlineMs).catch((error) => {
      throw connectionError(error, timeoutMs)
    })
    if (isListening) return
    refusal = undefined
    let resolveListening = () => {}
    const isOn = new Promise<void>((resolve) => {
      resolveListening = resolve
      onListening.add(resolve)
    })
    await atMost(deadlineMs - performance.now(), isOn)
    onListening.delete(resolveListening)
    if (isClosed) throw closedError()
    if (!isListening && refusal !== undefined) throw connectionError(refusal)
    if (!isListening) throw silentError(channel, timeoutMs)
  }

  return {
    name: 'redis-pub-sub',
    features: {
      durable: false,
      ordered: true,
      consumerGroups: true,
      takeover: false,
      replay: false,
      delay: false,
      deduplication: true,
      atomic: true,
    },
    async publish(events) {
      if (isClosed) throw closedError()
      if (events.length === 0) return
      if (events.some(({ deliverAt }) => deliverAt !== undefined)) throw laterError()
      const body = writeEvents(events)
      const token = randomUUID()
      const deadlineMs = performance.now() + timeoutMs
      // Whoever listens has it when this resolves, as with any other backend.
      const echo = isListening ? new Promise<void>((resolve) => echoes.set(token, resolve)) : undefined
      try {
        await tell(events.length, token, body, deadlineMs)
      } catch (error) {
        echoes.delete(token)
        throw publishError(error, timeoutMs)
      }
      if (echo) await atMost(deadlineMs - performance.now(), echo)
      echoes.delete(token)
    },
    async consume(consumer) {
      if (isClosed) throw closedError()
      await listen()
      const consumption = await memory.consume(consumer)
      consumers.add(consumer)
      const { drain } = consumption
      return {
        async stop(deadlineMs) {
          await consumption.stop(deadlineMs)
          consumers.delete(consumer)
        },
        ...(drain && {
          async drain(deadlineMs, onLeft) {
            const lost = await drain.call(consumption, deadlineMs, onLeft)
            consumers.delete(consumer)
            return lost
          },
        }),
      }
    },
    deadLetters: memory.deadLetters,
    async health() {
      const health = await memory.health()
      const more = { missed, reconnects: connection.reconnects }
      if (isClosed || !listening || isListening) return { ...health, ...more }
      const reasons = [...health.reasons, 'The connection to Redis is away: what is published now is missed.']
      return { ...health, ...more, status: 'unhealthy', reasons }
    },
    async close() {
      if (isClosed) return
      isClosed = true
      connection.close()
      onLost()
      for (const resolve of onListening) resolve()
      await memory.close()
    },
  }
}

function missedError(channel: string, lost: number): ConnectionError {
  const some = lost === 1 ? '1 event was missed' : `${lost} events were missed`
  const what = lost > 0 ? some : 'Nobody knows how many events were missed'
  const why = lost > 0 ? '' : ': the server has begun to count anew'
  return new ConnectionError(`${what} on the channel ${JSON.stringify(channel)}${why}.`, {
    code: 'EVENTSETS_CONNECTION',
    hint: 'Pub/Sub keeps nothing for those who are away. Look at the state of things itself again, or use redisStreams().',
  })
}

function silentError(channel: string, afterMs: number): ConnectionError {
  return new ConnectionError(
    `Redis has not answered for ${afterMs} ms, and nobody listens to the channel ${JSON.stringify(channel)}.`,
    { code: 'EVENTSETS_CONNECTION', hint: 'Is the server running, and is the address right?' },
  )
}

function unreadableError(channel: string, fault: string, count: number): EventError {
  return new EventError(
    `A message on the channel ${JSON.stringify(channel)} ${fault}; that makes ${count}.`,
    {
      code: 'EVENTSETS_UNREADABLE',
      hint: 'Somebody else sends there. Choose another name with "channel".',
    },
  )
}

function fullError(channel: string, maxWaiting: number, count: number): PublishError {
  return new PublishError(
    `${maxWaiting === 1 ? '1 event' : `${maxWaiting} events`} of the channel ${JSON.stringify(channel)} wait, and no more are taken; ${count === 1 ? '1 was' : `${count} were`} missed by that.`,
    {
      code: 'EVENTSETS_PUBLISH',
      hint: 'Handlers are slower than publishers. Raise "maxWaiting", or publish less.',
    },
  )
}

function laterError(): PublishError {
  return new PublishError('Redis Pub/Sub keeps nothing, so that no event can be published for later.', {
    code: 'EVENTSETS_PUBLISH',
    hint: 'Use redisStreams(), or publish without "deliverAt".',
  })
}
