import { NotFoundError, ValidationError } from '../core/errors.ts'
import type { Issue } from '../core/issue.ts'
import { didYouMean } from '../core/nearest.ts'
import { isPlainObject } from '../core/shape.ts'
import type {
  BackendHealth,
  BusBackend,
  Consumer,
  Consumption,
  DeadLetter,
  DeadLetterStore,
  Delivery,
  ReplayQuery,
} from './backend.ts'
import { type Clock, createSystemClock } from './clock.ts'
import { EventError, PublishError } from './errors.ts'
import type { StoredEvent } from './event.ts'
import { compilePattern } from './pattern.ts'
import { createQueue, type Queue } from './queue.ts'
import { quote } from './quote.ts'

export interface MemoryBackendOptions {
  /** How many events are kept for `replay`, the latest ones. 10000 unless given. */
  readonly historySize?: number | undefined
  /** How many events may wait for their handlers. 100000 unless given. */
  readonly maxQueueDepth?: number | undefined
  /**
   * What happens to an event that finds the queue full: `wait` keeps its publisher waiting, `error` rejects it with
   * `PublishError`. `wait` unless given. What a handler publishes does not wait, since there is no room before it has
   * ended; it is rejected when the queue is twice as long as it may be.
   */
  readonly overflow?: 'wait' | 'error' | undefined
  /**
   * How long a publisher waits for room, in milliseconds, before it is rejected: handlers that publish on the bus
   * itself may wait for the room that only their own end would make. 30000 unless given.
   */
  readonly maxWaitMs?: number | undefined
  /** How many ids are remembered, so that publishing an event again does nothing. 10000 unless given. */
  readonly rememberedIds?: number | undefined
  /** How many dead letters are kept, the latest ones. 10000 unless given. */
  readonly maxDeadLetters?: number | undefined
  readonly clock?: Clock | undefined
}

/**
 * Keeps events in the memory of this process: what is waiting when it ends is lost. It is what the other backends are
 * compared to, and enough where an event is not worth a disk.
 */
export function memoryBackend(options: MemoryBackendOptions = {}): BusBackend {
  const settings = resolveOptions(options)
  const { clock } = settings
  const groups = new Map<string, Group>()
  const history: StoredEvent[] = []
  const remembered = new Set<string>()
  const rememberedInOrder = createQueue<string>()
  const letters = new Map<string, DeadLetter>()
  const waiting = createQueue<WaitingPublish>()
  let lostLetters = 0
  let isClosed = false

  const depth = () => [...groups.values()].reduce((sum, group) => sum + group.depth, 0)
  // More at once than there is room for at all must not wait for ever.
  const hasRoom = (count: number, most = settings.maxQueueDepth) => {
    const waitingEvents = depth()
    return waitingEvents === 0 || waitingEvents + count <= most
  }
  const take = (events: readonly StoredEvent[]) => {
    const fresh = events.filter(({ id }) => remember(id))
    // One by one: a call cannot have as many arguments as there may be events.
    for (const event of fresh) history.push(event)
    if (history.length > settings.historySize * 2) history.splice(0, history.length - settings.historySize)
    for (const group of groups.values()) for (const event of fresh) group.add({ event }, event.deliverAt)
  }
  /** Takes what has waited longest, as far as there is room. */
  const makeRoom = () => {
    for (let first = waiting.peek(); first && hasRoom(first.events.length); first = waiting.peek()) {
      waiting.shift()
      take(first.events)
      first.resolve()
    }
  }
  const waitForRoom = (events: readonly StoredEvent[]) =>
    new Promise<void>((resolve, reject) => {
      const cancel = clock.delay(settings.maxWaitMs, () => {
        publish.isOver = true
        // All wait equally long: those before it are over, too.
        while (waiting.peek()?.isOver) waiting.shift()
        reject(fullError(depth(), settings.maxWaitMs))
      })
      const publish: WaitingPublish = {
        events,
        isOver: false,
        resolve: () => {
          cancel()
          resolve()
        },
        reject: (error) => {
          cancel()
          reject(error)
        },
      }
      waiting.push(publish)
    })
  const refuseWaiting = (message: string) => {
    for (let first = waiting.shift(); first; first = waiting.shift()) first.reject(closedError(message))
  }
  const keepLetters = (added: readonly DeadLetter[]) => {
    for (const letter of added) letters.set(letter.id, letter)
    let pushedOut = 0
    for (const id of letters.keys()) {
      if (letters.size <= settings.maxDeadLetters) break
      letters.delete(id)
      pushedOut++
    }
    // Whoever keeps none has not lost any.
    if (pushedOut > 0 && settings.maxDeadLetters > 0) tellLostLetters(pushedOut)
  }
  /** The first is told, and then each so many. */
  const tellLostLetters = (count: number) => {
    const before = lostLetters
    lostLetters += count
    const isDue = before === 0 || Math.floor(before / LOST_A_REPORT) < Math.floor(lostLetters / LOST_A_REPORT)
    if (!isDue) return
    const error = new EventError(tellLetters(lostLetters), {
      code: 'EVENTSETS_DEAD_LETTERS_FULL',
      hint: 'Replay or drop dead letters, or raise "maxDeadLetters" of the memory backend.',
    })
    for (const group of groups.values()) group.tell(error)
  }
  const remember = (id: string): boolean => {
    if (remembered.has(id)) return false
    if (settings.rememberedIds === 0) return true
    remembered.add(id)
    rememberedInOrder.push(id)
    // Not the first one of the set: to find that takes longer with each one that was deleted before it.
    if (rememberedInOrder.size > settings.rememberedIds)
      remembered.delete(rememberedInOrder.shift() as string)
    return true
  }
  const groupOf = (name: string): Group => {
    const known = groups.get(name)
    if (known) return known
    const leave = () => {
      groups.delete(name)
      if (groups.size > 0) makeRoom()
      else refuseWaiting('Nobody takes events any more: the bus that they were for has closed.')
    }
    const group = createGroup({ clock, keepLetters, onProgress: makeRoom, leave })
    groups.set(name, group)
    return group
  }

  const deadLetters: DeadLetterStore = {
    async list({ limit = Number.POSITIVE_INFINITY, pattern = '*' } = {}) {
      const matches = compilePattern(pattern)
      return [...letters.values()].filter(({ event }) => matches(event.name)).slice(0, limit)
    },
    async get(id) {
      return letters.get(id)
    },
    async add(added) {
      keepLetters(added)
    },
    async replay(ids) {
      const found = [...new Set(ids)].flatMap((id) => letters.get(id) ?? [])
      // What nobody could get stays where it is.
      const replayed = found.filter(({ group }) =>
        group === undefined ? groups.size > 0 : groups.has(group),
      )
      for (const { id, event, group, handler } of replayed) {
        letters.delete(id)
        const handlers = handler === undefined ? undefined : [handler]
        for (const each of group === undefined ? groups.values() : [groupOf(group)])
          each.add({ event, handlers })
      }
      return replayed.length
    },
    async drop(id) {
      return letters.delete(id)
    },
  }

  return {
    name: 'memory',
    features: {
      durable: false,
      ordered: true,
      consumerGroups: true,
      takeover: false,
      replay: true,
      delay: true,
      deduplication: true,
      atomic: true,
    },
    async publish(events) {
      if (isClosed) throw closedError()
      const isFollowUp = events.some(({ depth = 0 }) => depth > 0)
      const most = isFollowUp ? settings.maxQueueDepth * 2 : settings.maxQueueDepth
      const isFree = groups.size === 0 || (hasRoom(events.length, most) && (isFollowUp || waiting.size === 0))
      if (isFree) return take(events)
      if (settings.overflow === 'error' || isFollowUp) throw fullError(depth())
      await waitForRoom(events)
    },
    async consume(consumer) {
      if (isClosed) throw closedError()
      return groupOf(consumer.group).consume(consumer)
    },
    async *replay({
      from = Number.NEGATIVE_INFINITY,
      to = Number.POSITIVE_INFINITY,
      afterId,
      pattern = '*',
      signal,
    }: ReplayQuery) {
      const matches = compilePattern(pattern)
      // What is published while somebody reads is not part of what they asked for.
      const kept = history.slice(-settings.historySize)
      const start = afterId === undefined ? 0 : kept.findIndex(({ id }) => id === afterId) + 1
      // Everything from the beginning is not what was asked for, and what is missing must not go unnoticed.
      if (afterId !== undefined && start === 0) throw unknownEvent(afterId)
      for (const event of kept.slice(start)) {
        if (signal?.aborted) return
        if (event.time >= from && event.time <= to && matches(event.name)) yield event
      }
    },
    deadLetters,
    async health(): Promise<BackendHealth> {
      const all = [...groups].map(([name, group]) => ({
        name,
        queueDepth: group.depth,
        inFlight: group.inFlight,
        lagMs: group.lagMs(),
      }))
      const queueDepth = depth()
      const isFull = queueDepth >= settings.maxQueueDepth
      const isLosing = lostLetters > 0 && letters.size >= settings.maxDeadLetters
      return {
        status: isClosed ? 'unhealthy' : isFull || isLosing ? 'degraded' : 'healthy',
        reasons: [
          ...(isClosed ? ['The backend is closed.'] : []),
          ...(isFull ? [tellFull(queueDepth)] : []),
          ...(isLosing ? [tellLetters(lostLetters)] : []),
        ],
        queueDepth,
        inFlight: all.reduce((sum, group) => sum + group.inFlight, 0),
        lagMs: Math.max(0, ...all.map(({ lagMs }) => lagMs)),
        deadLetters: letters.size,
        groups: all,
      }
    },
    async close() {
      isClosed = true
      refuseWaiting(CLOSED)
      for (const group of groups.values()) group.close()
    },
  }
}

/** Events whose publisher waits until there is room for them. */
interface WaitingPublish {
  readonly events: readonly StoredEvent[]
  /** It has waited as long as it may. */
  isOver: boolean
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const CLOSED = 'The memory backend is closed.'

function closedError(message = CLOSED): PublishError {
  return new PublishError(message, { code: 'EVENTSETS_BUS_CLOSED' })
}

/** So many letters that are pushed out are told at once. */
const LOST_A_REPORT = 1000

function tellLetters(lost: number): string {
  return `No more dead letters are kept: ${lost === 1 ? 'the oldest one has' : `the ${lost} oldest have`} made room for others.`
}

function tellFull(depth: number): string {
  return `${depth === 1 ? 'An event is' : `${depth} events are`} waiting, and no more are taken.`
}

function fullError(depth: number, waitedMs?: number): PublishError {
  const waited = waitedMs === undefined ? '' : ` There was no room for ${waitedMs} ms.`
  return new PublishError(`${tellFull(depth)}${waited}`, {
    code: 'EVENTSETS_PUBLISH',
    hint: 'Handlers are slower than publishers. Publish less, or raise "maxQueueDepth" of the memory backend. Handlers publish through their context, which does not wait for room.',
  })
}

function unknownEvent(id: string): NotFoundError {
  return new NotFoundError(`The event ${quote(id)} is not in the history, or not any more.`, {
    missing: id,
    nearest: [],
    hint: 'Read the history from its beginning, or keep more of it: the option "historySize" of the memory backend.',
  })
}

interface Work {
  readonly event: StoredEvent
  readonly handlers?: readonly string[] | undefined
}

interface QueuedWork extends Work {
  readonly attempt: number
  readonly isRedelivered?: boolean | undefined
  readonly since: number
}

interface GroupSetting {
  readonly clock: Clock
  readonly keepLetters: (letters: readonly DeadLetter[]) => void
  /** Called when something has left the queue. */
  readonly onProgress: () => void
  /** Called when the group is given up. */
  readonly leave: () => void
}

interface Group {
  readonly depth: number
  readonly inFlight: number
  lagMs(): number
  add(work: Work, deliverAt?: number): void
  /** Tells those who consume. */
  tell(error: Error): void
  consume(consumer: Consumer): Consumption
  close(): void
}

/** So many events are handed out in one turn of the event loop. Without a limit, handlers that publish would stop it. */
const MAX_A_TURN = 256

/** What one group of consumers has still to handle. */
function createGroup({ clock, keepLetters, onProgress, leave }: GroupSetting): Group {
  /** Ready to be handed out, by the priority of the event, the highest first. None of the queues is empty. */
  const ready: { readonly priority: number; readonly queue: Queue<QueuedWork> }[] = []
  /** For each key with something in hand or waiting for its next try: what comes after it. */
  const behind = new Map<string, Queue<QueuedWork>>()
  const workers: Worker[] = []
  /** What waits for its time, and when that is. */
  const timers = new Map<() => void, number>()
  let readyCount = 0
  let behindCount = 0
  let inFlight = 0
  let handedOut = 0
  let nextWorker = 0
  let isScheduled = false
  let isClosed = false
  const onSettled: (() => void)[] = []

  const schedule = () => {
    if (isScheduled || workers.length === 0 || readyCount === 0) return
    isScheduled = true
    const run = () => {
      isScheduled = false
      pump()
    }
    // Not at once: a publisher must not run somebody else's handlers.
    if (handedOut < MAX_A_TURN) return queueMicrotask(run)
    setImmediate(() => {
      handedOut = 0
      run()
    })
  }
  const settle = () => {
    for (const settled of onSettled.splice(0)) settled()
  }
  const makeReady = (work: QueuedWork) => {
    const { priority } = work.event
    let at = ready.findIndex((each) => each.priority <= priority)
    if (at === -1) at = ready.length
    if (ready[at]?.priority !== priority) ready.splice(at, 0, { priority, queue: createQueue() })
    ready[at]?.queue.push(work)
    readyCount++
    schedule()
  }
  const enqueue = (work: QueuedWork) => {
    const { key } = work.event
    if (key === undefined) return makeReady(work)
    const queue = behind.get(key)
    if (queue) {
      queue.push(work)
      behindCount++
      return
    }
    behind.set(key, createQueue())
    makeReady(work)
  }
  /** The key is free: what comes next under it may go. */
  const release = ({ event: { key } }: QueuedWork) => {
    if (key === undefined) return
    const work = behind.get(key)?.shift()
    if (!work) {
      behind.delete(key)
      return
    }
    behindCount--
    makeReady(work)
  }
  const later = (delayMs: number, action: () => void) => {
    if (isClosed) return
    const end = () => {
      timers.delete(cancel)
      action()
      settle()
    }
    const cancel = clock.delay(delayMs, end)
    timers.set(cancel, clock.now() + delayMs)
  }
  const takeReady = (): QueuedWork | undefined => {
    const [first] = ready
    const work = first?.queue.shift()
    if (first?.queue.size === 0) ready.shift()
    if (work) readyCount--
    return work
  }
  /** One with a hand free, each in turn. */
  const findFree = (): Worker | undefined => {
    for (let tries = 0; tries < workers.length; tries++) {
      const worker = workers[nextWorker++ % workers.length] as Worker
      if (worker.hands < worker.consumer.concurrency) return worker
    }
    return undefined
  }
  const removeWorker = (worker: Worker) => {
    const index = workers.indexOf(worker)
    if (index !== -1) workers.splice(index, 1)
  }
  const pump = () => {
    while (readyCount > 0 && handedOut < MAX_A_TURN) {
      const worker = findFree()
      const work = worker && takeReady()
      if (!work) return
      handedOut++
      void handOut(worker, work)
    }
    schedule()
  }
  const handOut = async (worker: Worker, work: QueuedWork) => {
    const { event, attempt, isRedelivered = false, handlers } = work
    worker.hands++
    inFlight++
    const delivery: Delivery = { event, attempt, isRedelivered, handlers }
    const { retry, deadLetters } = await worker.consumer.deliver(delivery)
    inFlight--
    worker.hands--
    if (deadLetters.length > 0) keepLetters(deadLetters)
    if (retry) {
      const { attempt, isRedelivered, handlers } = retry
      const again: QueuedWork = { ...work, attempt, isRedelivered, handlers }
      later(retry.delayMs, () => makeReady(again))
    } else release(work)
    onProgress()
    settle()
    schedule()
  }
  /** Waits until something is so, or the time is over. */
  const waitUntil = async (isSo: () => boolean, deadlineMs: number) => {
    let isOver = deadlineMs <= 0
    const cancel = isOver
      ? () => {}
      : clock.delay(deadlineMs, () => {
          isOver = true
          settle()
        })
    while (!isOver && !isClosed && !isSo()) await new Promise<void>((resolve) => onSettled.push(resolve))
    cancel()
  }
  const close = () => {
    isClosed = true
    workers.length = 0
    settle()
    for (const cancel of timers.keys()) cancel()
    timers.clear()
  }

  return {
    get depth() {
      return readyCount + behindCount + timers.size
    },
    get inFlight() {
      return inFlight
    },
    lagMs() {
      const now = clock.now()
      let since = now
      for (const { queue } of ready) since = Math.min(since, queue.peek()?.since ?? now)
      for (const queue of behind.values()) since = Math.min(since, queue.peek()?.since ?? now)
      return now - since
    },
    add(work, deliverAt) {
      const now = clock.now()
      const queued: QueuedWork = { ...work, attempt: 1, since: deliverAt ?? now }
      if (deliverAt !== undefined && deliverAt > now) later(deliverAt - now, () => enqueue(queued))
      else enqueue(queued)
    },
    tell(error) {
      try {
        for (const { consumer } of [...workers]) consumer.onError(error)
      } catch {
        // Whoever is told of errors and fails at that cannot be told.
      }
    },
    consume(consumer) {
      const worker: Worker = { consumer, hands: 0 }
      workers.push(worker)
      schedule()
      const stop = async (deadlineMs: number) => {
        removeWorker(worker)
        await waitUntil(() => worker.hands === 0, deadlineMs)
      }
      return {
        stop,
        async drain(deadlineMs, onLeft) {
          const end = clock.now() + deadlineMs
          const isLast = () => workers.length === 1 && workers[0] === worker
          const isDue = () => [...timers.values()].some((time) => time <= end)
          await waitUntil(() => !isLast() || (readyCount === 0 && inFlight === 0 && !isDue()), deadlineMs)
          if (!isLast()) {
            await stop(end - clock.now())
            return 0
          }
          const left = readyCount + behindCount + timers.size
          close()
          leave()
          // What is published in between would be taken, and lost.
          onLeft?.()
          return left
        },
      }
    },
    close,
  }
}

interface Worker {
  readonly consumer: Consumer
  /** How many deliveries it has in hand. */
  hands: number
}

function resolveOptions(options: MemoryBackendOptions) {
  const subject = 'The options of the memory backend are'
  if (!isPlainObject(options as unknown)) {
    const issue = { path: '', code: 'type', message: 'expected an object' } as const
    throw new ValidationError(subject, [issue], { code: 'EVENTSETS_INVALID_OPTIONS' })
  }
  const {
    historySize = 10_000,
    maxQueueDepth = 100_000,
    overflow = 'wait',
    rememberedIds = 10_000,
    maxDeadLetters = 10_000,
    maxWaitMs = 30_000,
    clock = createSystemClock(),
  } = options
  const counts = { historySize, maxQueueDepth, rememberedIds, maxDeadLetters }
  const issues: Issue[] = Object.entries(counts)
    .map(([path, count]) => ({ path, count, least: path === 'maxQueueDepth' ? 1 : 0 }))
    .filter(({ count, least }) => !Number.isInteger(count) || count < least)
    .map(({ path, least }) => ({
      path,
      code: 'format',
      message: `expected a whole number, ${least} or more`,
    }))
  const known = [...Object.keys(counts), 'overflow', 'maxWaitMs', 'clock']
  for (const key of Object.keys(options)) {
    const message = `is not a known option${didYouMean(key, known) || `; known are ${known.join(', ')}`}`
    if (!known.includes(key)) issues.push({ path: key, code: 'unknown_key', message })
  }
  if (overflow !== 'wait' && overflow !== 'error')
    issues.push({ path: 'overflow', code: 'format', message: 'expected "wait" or "error"' })
  if (!(Number.isFinite(maxWaitMs) && maxWaitMs >= 0))
    issues.push({ path: 'maxWaitMs', code: 'format', message: 'expected milliseconds, 0 or more' })
  const isClock = typeof clock?.now === 'function' && typeof clock.delay === 'function'
  if (!isClock)
    issues.push({ path: 'clock', code: 'type', message: 'expected a clock with "now" and "delay"' })
  if (issues.length > 0) throw new ValidationError(subject, issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
  return { ...counts, overflow, maxWaitMs, clock }
}
