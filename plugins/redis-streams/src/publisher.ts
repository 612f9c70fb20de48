import { PublishError, type StoredEvent } from 'eventsets/bus'
import { type Connection, pause } from './connection.ts'
import { closedError, failureOf, publishError, replicasError } from './failures.ts'
import type { Settings } from './options.ts'
import { sizeOf, type Written, writeEvent, writePublication } from './publication.ts'
import { allQueues } from './queues.ts'
import { publishScript, trimScript } from './scripts/publish.ts'

export interface Publisher {
  /** Adds events, all or none. @throws PublishError, ConnectionError, SerializationError */
  publish(events: readonly StoredEvent[]): Promise<void>
  close(): void
}

/** So many events of several publishers go into one call. */
const EVENTS_A_CALL = 500
/** And so many characters: the server does nothing else meanwhile. */
const SIZE_A_CALL = 4_000_000
/** Marks are set so many events apart at most: by them it is known where the latest so many begin. */
const MAX_STEP = 1000
const FIRST_PAUSE_MS = 20
const MAX_PAUSE_MS = 1000

interface Order {
  readonly events: readonly Written[]
  /** Characters. */
  readonly size: number
  /** What a handler publishes does not wait for room: there will be none before it has ended. */
  readonly isFollowUp: boolean
  readonly since: number
  readonly deadlineMs: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  isSettled: boolean
  /** What the server has last said to it. */
  refusal?: unknown
}

type Reply = readonly ['OK', isTrimDue: number] | readonly ['FULL', count: number]

/**
 * One call at a time, with everything that has been published meanwhile: so the order is kept, also when a call has to
 * be repeated, and many small publishes are as cheap as a few large ones.
 */
export function createPublisher(connection: Connection, settings: Settings): Publisher {
  const { partitions, maxLen, overflow, rememberedIds, timeoutMs, historySize, historyMs } = settings
  const { replicas, replicaTimeoutMs } = settings
  const queues = allQueues(partitions)
  const step = Math.max(1, Math.min(MAX_STEP, Math.ceil(historySize / 10)))
  const marks = Math.ceil(historySize / step)
  /** In the order of publishing. */
  let orders: Order[] = []
  let followUps: Order[] = []
  let isRunning = false
  let isPlanned = false
  let isClosed = false
  /** Whether those that wait for room have found none. */
  let isBlocked = false
  let roomTimer: NodeJS.Timeout | undefined

  /** With everything that is published in the same turn. */
  const plan = () => {
    if (isRunning || isPlanned) return
    isPlanned = true
    queueMicrotask(() => void work())
  }
  const work = async () => {
    isPlanned = false
    if (isRunning) return
    isRunning = true
    let pauseMs = FIRST_PAUSE_MS
    for (let batch = takeBatch(); batch.length > 0; batch = takeBatch()) {
      try {
        await offer(batch)
        pauseMs = FIRST_PAUSE_MS
      } catch (error) {
        if (isClosed) {
          putBack(batch)
          break
        }
        const { kind } = failureOf(error)
        if (kind === 'wrong' && batch.length > 1) {
          // One of them is to blame, and it alone is to fail.
          for (const order of batch) {
            await offer([order]).catch((reason) => {
              if (failureOf(reason).kind === 'wrong') refuse(order, reason)
              else putBack([order])
            })
          }
          continue
        }
        const now = performance.now()
        const isHopeless = kind === 'wrong' || kind === 'barred'
        const isOver = (order: Order) => isHopeless || order.deadlineMs <= now
        for (const order of batch) {
          // What the server has said tells more than that there was no time left to say it again.
          if (kind !== 'away') order.refusal = error
          if (isOver(order)) refuse(order, order.refusal ?? error)
        }
        putBack(batch)
        // Until the connection is back, the next call waits by itself.
        if (connection.isReady) await pause(pauseMs)
        pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)
      }
    }
    isRunning = false
    if (isClosed) refuseAll()
  }
  const takeBatch = (): Order[] => {
    const source = followUps.length > 0 ? followUps : isBlocked ? [] : orders
    let events = 0
    let size = 0
    let count = 0
    for (const order of source) {
      events += order.events.length
      size += order.size
      if (count > 0 && (events > EVENTS_A_CALL || size > SIZE_A_CALL)) break
      count++
    }
    return source.splice(0, count)
  }
  const putBack = (batch: readonly Order[]) => {
    const left = batch.filter(({ isSettled }) => !isSettled)
    if (left[0]?.isFollowUp) followUps = [...left, ...followUps]
    else orders = [...left, ...orders]
  }
  /** Those that come after one that waits for room wait as well: the order is kept. */
  const offer = async (batch: readonly Order[]): Promise<void> => {
    let full = await send(batch)
    if (full === undefined) return
    for (const order of batch) {
      if (batch.length > 1) full = await send([order])
      if (full === undefined) continue
      const isOver = order.isFollowUp || order.deadlineMs <= performance.now()
      if (overflow === 'error' || isOver) refuse(order, fullError(full))
      else {
        putBack(batch)
        waitForRoom()
        return
      }
    }
  }
  /** Gives how many events there are when there is no room. */
  const send = async (batch: readonly Order[]): Promise<number | undefined> => {
    const most = maxLen === Number.POSITIVE_INFINITY ? 0 : maxLen * (batch[0]?.isFollowUp ? 2 : 1)
    const deadlineMs = Math.min(...batch.map((order) => order.deadlineMs))
    const args = writePublication(
      batch.flatMap((order) => order.events),
      { rememberedIds, maxLen: most, step, marks, queues: most > 0 ? queues : [] },
    )
    let { reply, known } = await add(args, deadlineMs)
    if (reply[0] === 'FULL') {
      // What has been handled makes room, before anybody is refused.
      await connection.run(trimScript, [JSON.stringify({ queues, historyMs, marks: 0 })], deadlineMs)
      ;({ reply, known } = await add(args, deadlineMs))
    }
    if (reply[0] === 'FULL') return reply[1]
    for (const order of batch) {
      if (known < replicas) refuse(order, replicasError(known, replicas, replicaTimeoutMs))
      else {
        order.isSettled = true
        order.resolve()
      }
    }
    if (reply[1] === 1) trim()
    return undefined
  }
  /** Gives also how many replicas know of them, where that is asked for. */
  const add = async (
    args: readonly (string | number)[],
    deadlineMs: number,
  ): Promise<{ reply: Reply; known: number }> => {
    if (replicas === 0)
      return { reply: (await connection.run(publishScript, args, deadlineMs)) as Reply, known: 0 }
    const wish = { replicas, replicaTimeoutMs }
    const replicated = await connection.runOnReplicas(publishScript, args, wish, deadlineMs)
    return { reply: replicated.reply as Reply, known: replicated.replicas }
  }
  const waitForRoom = () => {
    if (isBlocked) return
    isBlocked = true
    roomTimer = setTimeout(() => {
      isBlocked = false
      void work()
    }, ROOM_PAUSE_MS)
  }
  const refuseAll = () => {
    for (const order of [...orders.splice(0), ...followUps.splice(0)]) order.reject(closedError())
  }
  const refuse = (order: Order, error: unknown) => {
    order.isSettled = true
    order.reject(publishError(error, Math.round(performance.now() - order.since)))
  }
  /** Nobody waits for it; what stays until the next time does no harm. */
  const trim = () => {
    const deadlineMs = performance.now() + timeoutMs
    connection.run(trimScript, [JSON.stringify({ queues, historyMs, marks })], deadlineMs).catch(() => {})
  }

  return {
    publish(events) {
      if (isClosed) return Promise.reject(closedError())
      let written: Written[]
      try {
        written = events.map((event) => writeEvent(event, partitions))
      } catch (error) {
        return Promise.reject(error)
      }
      if (events.length === 0) return Promise.resolve()
      return new Promise((resolve, reject) => {
        const since = performance.now()
        const isFollowUp = events.some(({ depth = 0 }) => depth > 0)
        const deadlineMs = since + timeoutMs
        const size = written.reduce((sum, event) => sum + sizeOf(event), 0)
        const order: Order = {
          events: written,
          size,
          isFollowUp,
          since,
          deadlineMs,
          resolve,
          reject,
          isSettled: false,
        }
        if (isFollowUp) followUps.push(order)
        else orders.push(order)
        plan()
      })
    },
    close() {
      isClosed = true
      clearTimeout(roomTimer)
      refuseAll()
    },
  }
}

const ROOM_PAUSE_MS = 50

function fullError(count: number): PublishError {
  return new PublishError(`There are ${count} events on the server, and no more are taken.`, {
    code: 'EVENTSETS_PUBLISH',
    hint: 'Handlers are slower than publishers, or a group that nobody serves keeps them: see groups() and removeGroup(name). Or raise "maxLen".',
  })
}
