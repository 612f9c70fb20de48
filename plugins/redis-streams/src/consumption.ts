import { randomUUID } from 'node:crypto'
import { type Consumer, type Consumption, type DeadLetter, EventError, type Outcome } from 'eventsets/bus'
import { type Connection, type Entry, pause } from './connection.ts'
import { connectionError, failureOf } from './failures.ts'
import type { Settings } from './options.ts'
import { allQueues, compareIds, LEVELS } from './queues.ts'
import { quote } from './safe-text.ts'
import { enterScript, exchangeScript, leaveScript, missingScript, tickScript } from './scripts/consume.ts'
import { Settlements } from './settlements.ts'
import { readBody, unreadableEvent } from './stored-body.ts'
import {
  createPartition,
  type Partition,
  readFields,
  readHandlers,
  readTries,
  type Tries,
  type Work,
} from './work.ts'

/** A consumer at work on Redis Streams. */
export interface RedisConsumption extends Consumption {
  readonly group: string
  /** What it is called on the server; another one when it had been taken for dead. */
  readonly session: string
  /** How many events it has in hand. */
  readonly inHand: number
  /** How many events it has taken over from consumers that had died. */
  readonly claims: number
  /** The streams of which it cannot take more, since too much of them waits behind keys that are busy. */
  readonly stalled: readonly string[]
  /** There may be news, up to this id. */
  wake(newsId: string): void
  report(error: unknown): void
  /** Gives back what is in hand: the backend closes. */
  abandon(deadlineMs: number): Promise<void>
}

export interface ConsumptionSetting {
  readonly connection: Connection
  readonly settings: Settings
  readonly consumer: Consumer
  /** Called when nothing is in hand any more, and nothing will be. */
  readonly onEnd: () => void
}

const FIRST_PAUSE_MS = 50
const MAX_PAUSE_MS = 5000
/** A consumer tells so often in its lease that it lives. */
const BEATS_A_LEASE = 4
const MAX_TICK_MS = 500
/** So much of a partition is held behind keys that are busy: more is not read. */
const MAX_HELD = 10_000
const MAX_HELD_SIZE = 4_000_000
/** Characters of what is in hand at once; one event always may be. */
const MAX_SIZE_IN_HAND = 64_000_000
/** A part of what is read at once may come from each partition. */
const PARTS_A_READ = 4
/** Characters that one answer should have at most, by the size of the events before. */
const MAX_ANSWER_SIZE = 8_000_000
/** So much is taken over from a partition in one call. */
const LOAD_PAGE = 200
/** Every so many calls, those go first that otherwise come last. */
const TURNS = 8
/** With more patterns, or more complicated ones, everything is handed over, and the bus looks who wants it. */
const MAX_PATTERNS = 50
const MAX_DOUBLE_STARS = 2
/** The reason of a dead letter whose processes have died. */
const CRASHED = 'crashed'

type Found = readonly [queue: string, id: string, tries: string, fields: string[] | null]
type Load = readonly [queue: string, cursor: string, isLast: number, entries: readonly Found[]]
type ExchangeReply =
  | readonly ['FENCED' | 'REPEATED']
  | readonly [
      'OK',
      now: number,
      newsId: string,
      epoch: string,
      nextDueMs: number,
      again: readonly Found[],
      fresh: readonly (readonly [queue: string, entries: readonly Entry[]])[],
      loads: readonly Load[],
      hasMore: number,
    ]
type TickReply =
  | readonly ['FENCED']
  | readonly [
      'OK',
      epoch: string,
      share: number,
      mine: readonly string[],
      crashed: readonly number[],
      claims: number,
    ]

/** Events of one key: one of them is at work or waits for its next try, the others come after it. */
interface Chain {
  readonly waiting: Work[]
  partition: Partition | undefined
}

/** A call that may have been made: it is sent again, and does nothing the second time. */
interface Call {
  readonly args: readonly string[]
  readonly settlements: Settlements
}

/** @throws ConnectionError when the server does not answer. */
export async function beginConsumption(setting: ConsumptionSetting): Promise<RedisConsumption> {
  const consumption = new RedisStreamsConsumption(setting)
  await consumption.begin()
  return consumption
}

/**
 * Everything that it tells the server goes through one call after another, so that it knows at every moment what is
 * its own. Whoever has not been heard of for a lease is not a member of its group any more, and the server takes
 * nothing from it: it begins anew under another name.
 */
class RedisStreamsConsumption implements RedisConsumption {
  readonly #connection: Connection
  readonly #settings: Settings
  readonly #consumer: Consumer
  readonly #onEnd: () => void
  readonly #queues: readonly string[]
  readonly #tickMs: number
  readonly #inHand = new Set<Work>()
  readonly #partitions = new Map<string, Partition>()
  readonly #chains = new Map<string, Chain>()
  /** With a key, and to be begun. */
  #ready: Work[] = []
  /** With a key, and waiting for their next try. */
  readonly #trying = new Set<Work>()
  /** In hand, but the server is told before they are begun. */
  readonly #announced = new Set<Work>()
  /** Keys whose handlers are at work. */
  readonly #running = new Set<string>()
  #settlements = new Settlements()
  #session = ''
  /** One that was taken for dead, or has lost its way. */
  #oldSession: string | undefined
  #hasEntered = false
  #call = 0
  #outgoing: Call | undefined
  /** How far the group has come in each stream, should it have to be made again. */
  readonly #positions: Record<string, string> = {}
  #newsId = '0-0'
  #epoch = ''
  /** Handlers at work, those included whose events were taken away. */
  #busy = 0
  #sizeInHand = 0
  #claims = 0
  /** When it was last asked for what the server has counted as a sign of life, on the clock of `performance`. */
  #beatMs = 0
  /** Characters of an event, about. */
  #averageSize = 1000
  #isHungry = true
  #isTickDue = true
  #isReconciling = false
  #isPumping = false
  #isPlanned = false
  #isStopping = false
  #isEnded = false
  #pauseMs = 0
  #lastReportMs = Number.NEGATIVE_INFINITY
  #tickTimer: NodeJS.Timeout | undefined
  #dueTimer: NodeJS.Timeout | undefined
  #pauseTimer: NodeJS.Timeout | undefined
  readonly #onIdle: (() => void)[] = []

  constructor({ connection, settings, consumer, onEnd }: ConsumptionSetting) {
    this.#connection = connection
    this.#settings = settings
    this.#consumer = consumer
    this.#onEnd = onEnd
    this.#queues = allQueues(settings.partitions)
    this.#tickMs = Math.min(MAX_TICK_MS, settings.leaseMs / BEATS_A_LEASE)
  }

  get group(): string {
    return this.#consumer.group
  }

  get session(): string {
    return this.#session
  }

  get inHand(): number {
    return this.#inHand.size
  }

  get claims(): number {
    return this.#claims
  }

  get stalled(): readonly string[] {
    return [...this.#partitions.values()].filter(isFull).map(({ queue }) => queue)
  }

  async begin(): Promise<void> {
    await this.#enter(performance.now() + this.#settings.timeoutMs)
    this.#planTick()
    this.#plan()
  }

  wake(newsId: string): void {
    if (compareIds(newsId, this.#newsId) <= 0) return
    this.#isHungry = true
    this.#plan()
  }

  report(error: unknown): void {
    try {
      this.#consumer.onError(error instanceof Error ? error : new Error(String(error)))
    } catch {
      // Whoever is told of errors and fails at that cannot be told.
    }
  }

  async stop(deadlineMs: number): Promise<void> {
    if (this.#isEnded) return
    const end = new Promise<void>((resolve) => this.#onIdle.push(resolve))
    if (!this.#isStopping) {
      this.#isStopping = true
      clearTimeout(this.#dueTimer)
      this.#giveUp(0)
      this.#isTickDue = true
      this.#plan()
    }
    await atMost(deadlineMs, end)
  }

  async abandon(deadlineMs: number): Promise<void> {
    this.#isStopping = true
    if (this.#isEnded) return
    // What has been handled is still told, if that goes at once.
    const end = performance.now() + deadlineMs
    void this.#pump()
    while (this.#connection.isReady && this.#isPumping && performance.now() < end) await pause(1)
    await this.#leave(end)
  }

  /** At the end of this turn: all that happens in it is told in one call. */
  #plan(): void {
    if (this.#isPlanned || this.#isEnded) return
    this.#isPlanned = true
    setImmediate(() => {
      this.#isPlanned = false
      void this.#pump()
    })
  }

  async #pump(): Promise<void> {
    if (this.#isPumping || this.#isEnded || this.#pauseTimer) return
    this.#isPumping = true
    try {
      while (!this.#isEnded && (await this.#step()));
      this.#pauseMs = 0
    } catch (error) {
      this.#recover(error)
    } finally {
      this.#isPumping = false
    }
  }

  /** Does the most urgent thing; gives whether there was one. */
  async #step(): Promise<boolean> {
    if (!this.#hasEntered) await this.#enter()
    else if (this.#outgoing) await this.#send(this.#outgoing)
    else if (this.#isReconciling) await this.#reconcile()
    else if (this.#isTickDue) await this.#tick()
    else if (this.#isStopping && this.#inHand.size === 0 && this.#settlements.isEmpty) await this.#leave()
    else return await this.#exchange()
    return true
  }

  /** What to do when a call has failed. */
  #recover(error: unknown): void {
    if (this.#isEnded) return
    const { kind } = failureOf(error)
    // Nobody knows how far it has come, so that everything is taken back and begun anew.
    if (kind === 'no-group' || kind === 'wrong') this.#lose()
    // The first of a series is told; it may go on for long.
    if (this.#pauseMs === 0 && performance.now() - this.#lastReportMs > REPORT_PAUSE_MS) {
      this.#lastReportMs = performance.now()
      this.report(connectionError(error))
    }
    this.#pauseMs = Math.min(MAX_PAUSE_MS, Math.max(FIRST_PAUSE_MS, this.#pauseMs * 2))
    this.#pauseTimer = setTimeout(() => {
      this.#pauseTimer = undefined
      this.#plan()
    }, this.#pauseMs)
  }

  async #enter(deadlineMs = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.#isStopping && this.#inHand.size === 0) {
      this.#end()
      return
    }
    const { consumer, newGroups } = this.#settings
    this.#session ||= `${consumer}#${randomUUID().slice(0, 13)}`
    const set = {
      queues: this.#queues,
      positions: Object.keys(this.#positions).length > 0 ? this.#positions : undefined,
      newGroups,
      old: this.#oldSession,
    }
    const args = [this.group, this.#session, JSON.stringify(set)]
    const beatMs = performance.now()
    if (deadlineMs === Number.POSITIVE_INFINITY) await this.#connection.run(enterScript, args)
    else {
      await this.#connection.insist(enterScript, args, deadlineMs).catch((error) => {
        throw connectionError(error, this.#settings.timeoutMs)
      })
    }
    this.#oldSession = undefined
    this.#beatMs = beatMs
    this.#hasEntered = true
    this.#isHungry = true
    this.#isTickDue = true
  }

  /** Everything that is held here belongs to others now, or to nobody yet. */
  #lose(): void {
    this.#oldSession = this.#session
    this.#session = ''
    this.#hasEntered = false
    this.#outgoing = undefined
    this.#isReconciling = false
    this.#settlements = new Settlements()
    for (const work of this.#announced) this.#letGo(work)
    this.#announced.clear()
    for (const work of this.#inHand) work.isLost = true
    this.#inHand.clear()
    for (const partition of this.#partitions.values()) close(partition)
    this.#partitions.clear()
    this.#ready = []
    this.#trying.clear()
    // A key whose handler is still running here stays closed, so that it does not run twice at once.
    for (const [key, chain] of this.#chains) {
      chain.waiting.length = 0
      chain.partition = undefined
      if (!this.#running.has(key)) this.#chains.delete(key)
    }
  }

  #planTick(): void {
    this.#tickTimer = setTimeout(() => {
      this.#isTickDue = true
      // Whatever may have become of a call to wake up: so often it is looked anyway.
      this.#isHungry = true
      this.#planTick()
      this.#plan()
    }, this.#tickMs)
  }

  async #tick(): Promise<void> {
    const { leaseMs, partitions } = this.#settings
    const release = [...this.#partitions.values()].filter(
      ({ state, inHand }) => state === 'leaving' && inHand === 0,
    )
    const set = {
      leaseMs,
      partitions,
      hands: this.#inHand.size,
      release: release.map(({ queue }) => queue),
      isTaking: !this.#isStopping,
    }
    const args = [this.group, this.#session, JSON.stringify(set)]
    const beatMs = performance.now()
    const reply = (await this.#connection.run(tickScript, args)) as TickReply
    this.#isTickDue = false
    this.#beatMs = beatMs
    if (reply[0] === 'FENCED') {
      this.#fence()
      return
    }
    for (const partition of release) this.#drop(partition)
    const [, epoch, share, mine, crashed, claims] = reply
    this.#epoch = epoch
    this.#claims += claims
    if (claims > 0) this.#isHungry = true
    for (const [at, queue] of mine.entries()) {
      if (this.#partitions.has(queue)) continue
      this.#partitions.set(queue, createPartition(queue, crashed[at] === 1))
      this.#isHungry = true
    }
    this.#giveUp(this.#isStopping ? 0 : share)
  }

  /** Those with the least in hand are given up first: others can have them soon. */
  #giveUp(share: number): void {
    const kept = [...this.#partitions.values()].filter(({ state }) => state !== 'leaving')
    const surplus = kept.sort((a, b) => a.inHand - b.inHand).slice(0, Math.max(0, kept.length - share))
    for (const partition of surplus) partition.state = 'leaving'
    if (surplus.length > 0)
      this.#ready = this.#ready.filter(({ partition }) => partition?.state !== 'leaving')
    if (surplus.some(({ inHand }) => inHand === 0)) this.#isTickDue = true
  }

  /** What is held of it stays where it is, on the server: whoever has it next finds it there. */
  #drop(partition: Partition): void {
    close(partition)
    this.#partitions.delete(partition.queue)
    for (const [key, chain] of this.#chains) if (chain.partition === partition) this.#chains.delete(key)
  }

  #fence(): void {
    const hadWork = this.#inHand.size > 0
    this.#lose()
    if (!hadWork) return
    this.report(
      new EventError(
        `A consumer of the group ${quote(this.group)} was not heard of for ${this.#settings.leaseMs} ms, and others have what it had in hand.`,
        {
          code: 'EVENTSETS_CONNECTION',
          hint: 'A handler that blocks the event loop does that, or a server that is away. Raise "leaseMs", or let handlers wait.',
        },
      ),
    )
  }

  /** Gives whether there was something to tell or to ask. */
  async #exchange(): Promise<boolean> {
    const turn = this.#call % TURNS
    if (!this.#isStopping) this.#beginReady(turn % 2)
    const free = this.#free()
    const partitions = [...this.#partitions.values()].filter((partition) => !isFull(partition))
    const loading = partitions.filter(({ state }) => state === 'loading')
    const mayRead = !this.#isStopping && this.#isHungry && free > 0
    if (!mayRead && this.#settlements.isEmpty) return false
    const settlements = this.#settlements
    this.#settlements = new Settlements()
    const hasRoom = mayRead && this.#ready.length < this.#consumer.concurrency
    const reads = hasRoom
      ? partitions.filter(({ state }) => state === 'reading').map(({ queue }) => queue)
      : []
    if (mayRead) this.#isHungry = false
    this.#call++
    const { batch } = this.#settings
    const most = Math.min(batch, Math.ceil(MAX_ANSWER_SIZE / this.#averageSize))
    const { acks, letters, forget, tries, backs, loaded } = settlements
    const set = {
      acks,
      letters,
      forget,
      tries,
      backs,
      loaded,
      free: mayRead ? Math.min(free, most) : 0,
      room: Math.ceil(Math.min(batch / PARTS_A_READ, most / Math.max(1, reads.length))),
      mayTakeSuspect: ![...this.#inHand].some((work) => this.#isSuspect(work)),
      isReversed: turn === TURNS - 1,
      reads,
      loads: hasRoom ? loading.map(({ queue, cursor }) => [queue, cursor]) : [],
      page: Math.ceil(Math.min(LOAD_PAGE, most / Math.max(1, loading.length))),
      patterns: mayRead ? this.#patterns() : undefined,
    }
    this.#outgoing = {
      args: [this.group, this.#session, String(this.#call), JSON.stringify(set)],
      settlements,
    }
    await this.#send(this.#outgoing)
    return true
  }

  /** What somebody listens to, where that is worth telling; undefined where it is everything. */
  #patterns(): readonly string[] | undefined {
    const patterns = this.#consumer.patterns()
    const isSimple = (pattern: string) => pattern.split('**').length <= MAX_DOUBLE_STARS + 1
    if (patterns.length > MAX_PATTERNS || !patterns.every(isSimple)) return undefined
    return patterns.some((pattern) => pattern === '*' || pattern === '**') ? undefined : patterns
  }

  /** How many more may be begun. */
  #free(): number {
    if (this.#sizeInHand > MAX_SIZE_IN_HAND) return 0
    return this.#consumer.concurrency - this.#busy
  }

  async #send(call: Call): Promise<void> {
    const reply = (await this.#connection.run(exchangeScript, call.args)) as ExchangeReply
    if (this.#outgoing !== call) return
    this.#outgoing = undefined
    if (reply[0] === 'FENCED') {
      this.#fence()
      return
    }
    call.settlements.settle()
    if (reply[0] === 'REPEATED') this.#isReconciling = true
    else if (reply[0] === 'OK') this.#receive(reply)
    this.#noteIdle()
  }

  #receive(reply: Extract<ExchangeReply, readonly ['OK', ...unknown[]]>): void {
    const [, now, newsId, epoch, nextDueMs, again, fresh, loads, hasMore] = reply
    this.#newsId = newsId
    if (epoch !== this.#epoch) {
      this.#epoch = epoch
      this.#isTickDue = true
    }
    if (again.length > 0 || fresh.length > 0 || hasMore === 1) this.#isHungry = true
    for (const entry of again) this.#take(entry, now, false)
    for (const [queue, entries] of fresh) {
      const [last] = entries.at(-1) ?? []
      if (last !== undefined) this.#positions[queue] = last
    }
    const read = ([queue, entries]: (typeof fresh)[number]) =>
      entries.map(([id, fields]): Found => [queue, id, '', fields])
    // The most urgent first, as they have been read.
    for (const entry of fresh.filter(([queue]) => isLevel(queue)).flatMap(read)) this.#take(entry, now, false)
    const keyed = fresh.filter(([queue]) => !isLevel(queue)).map(read)
    for (const entry of inOrder(keyed)) this.#take(entry, now, false)
    for (const entry of inOrder(loads.map(([, , , entries]) => entries))) this.#take(entry, now, true)
    for (const [queue, cursor, isLast] of loads) {
      const partition = this.#partitions.get(queue)
      if (partition?.state !== 'loading') continue
      partition.cursor = cursor
      this.#isHungry = true
      if (isLast !== 1) continue
      partition.state = 'reading'
      if (partition.hasCrashed) this.#settlements.noteLoaded(queue)
    }
    clearTimeout(this.#dueTimer)
    if (nextDueMs >= 0 && !this.#isStopping)
      this.#dueTimer = setTimeout(
        () => {
          this.#isHungry = true
          this.#plan()
        },
        Math.min(nextDueMs + 1, MAX_TIMEOUT_MS),
      )
    if (!this.#isStopping) this.#beginReady(0)
  }

  /** Finds what was handed over by an answer that did not arrive. */
  async #reconcile(): Promise<void> {
    const reading = [...this.#partitions.values()].filter(({ state }) => state !== 'loading')
    const known: Record<string, string[]> = {}
    for (const { queue, id } of this.#held()) {
      known[queue] ??= []
      known[queue].push(id)
    }
    const set = { queues: [...LEVELS, ...reading.map(({ queue }) => queue)], known }
    const args = [this.group, this.#session, JSON.stringify(set)]
    const reply = (await this.#connection.run(missingScript, args)) as
      | readonly ['FENCED']
      | readonly ['OK', found: readonly Found[]]
    this.#isReconciling = false
    this.#isHungry = true
    if (reply[0] === 'FENCED') {
      this.#fence()
      return
    }
    const { acks } = this.#settlements
    for (const entry of reply[1]) {
      // It was handled while the question was under way.
      if (acks[entry[0]]?.includes(entry[1])) continue
      this.#take(entry, Number.POSITIVE_INFINITY, false)
    }
  }

  #held(): Work[] {
    const waiting = [...this.#chains.values()].flatMap((chain) => chain.waiting)
    return [...this.#inHand, ...this.#ready, ...waiting, ...this.#trying]
  }

  #take([queue, id, note, list]: Found, now: number, isLoaded: boolean): void {
    const fields = readFields(list ?? [])
    const tries = readTries(note)
    const partition = this.#partitions.get(queue)
    // Whoever has the partition now finds it there.
    if (!partition && !isLevel(queue)) return
    const { event, fault } = readBody(fields.body)
    if (fields.group !== undefined && fields.group !== this.group)
      this.#settlements.acknowledge({ queue, id, hasTries: tries !== undefined })
    else if (!event) this.#giveUpUnreadable(queue, id, fields.body, fault, tries?.attempt ?? 1)
    else {
      this.#averageSize += ((fields.body?.length ?? 0) - this.#averageSize) / SIZES_REMEMBERED
      const work: Work = {
        queue,
        id,
        event,
        body: fields.body ?? '',
        partition,
        attempt: tries?.attempt ?? 1,
        isRedelivered: tries?.isRedelivered ?? false,
        crashes: tries?.crashes ?? 0,
        handlers: tries?.handlers ?? readHandlers(fields.handlers),
        hasTries: tries !== undefined,
        isLost: false,
      }
      if (partition) this.#takeKeyed(work, partition, tries, now, isLoaded)
      else if (this.#isStopping) this.#settlements.giveBack(work, this.#isSuspect(work))
      else if (work.crashes >= this.#settings.maxCrashes) this.#giveUpCrashed(work)
      else this.#begin(work)
    }
  }

  #takeKeyed(
    work: Work,
    partition: Partition,
    tries: Tries | undefined,
    now: number,
    isLoaded: boolean,
  ): void {
    if (partition.state === 'leaving' || this.#isStopping) return
    partition.held++
    partition.size += work.body.length
    const key = chainKey(work)
    const chain = this.#chains.get(key)
    const isFirst = !chain || (chain.partition === undefined && chain.waiting.length === 0)
    const waitMs = tries ? tries.dueMs - now : 0
    // Of each key only the first can have been in hand when its process died.
    const mayHaveBegun =
      isFirst && isLoaded && partition.hasCrashed && waitMs <= 0 && (work.crashes === 0 || tries?.wasBegun)
    if (chain) {
      // Behind a handler that is still at work here, and whose event was taken away.
      if (mayHaveBegun) this.#noteCrash(work)
      chain.partition = partition
      chain.waiting.push(work)
      return
    }
    this.#chains.set(key, { waiting: [], partition })
    if (waitMs > 0) this.#wait(work, waitMs)
    else if (mayHaveBegun) {
      this.#noteCrash(work)
      this.#trying.add(work)
      this.#settlements.whenSettled(() => {
        this.#trying.delete(work)
        this.#makeReady(work)
      })
    } else this.#makeReady(work)
  }

  /** Before it is begun again: should it happen once more, it is known how often. */
  #noteCrash(work: Work): void {
    work.attempt++
    work.crashes++
    work.isRedelivered = true
    this.#settlements.noteCrash(work)
  }

  #makeReady(work: Work): void {
    const { state } = work.partition ?? {}
    if (state === 'gone' || state === 'leaving') return
    if (work.crashes >= this.#settings.maxCrashes) this.#giveUpCrashed(work)
    else this.#ready.push(work)
  }

  /** Holds an event with a key until its next try. */
  #wait(work: Work, waitMs: number): void {
    const { partition } = work
    if (!partition || partition.state === 'gone') return
    this.#trying.add(work)
    const timer = setTimeout(
      () => {
        partition.timers.delete(timer)
        this.#trying.delete(work)
        this.#makeReady(work)
        this.#plan()
        if (!this.#isStopping) this.#beginReady(0)
      },
      Math.min(Math.ceil(waitMs), MAX_TIMEOUT_MS),
    )
    partition.timers.add(timer)
  }

  /** What has seen a process die is handled one at a time: then it is known who is to blame, should it happen again. */
  #isSuspect({ crashes }: Work): boolean {
    return crashes > 0
  }

  /** Begins what there are hands for, and leaves some of them for events without a key. */
  #beginReady(reserved: number): void {
    // After a long sleep it may all be somebody else's: the server is asked first.
    const isOverdue = performance.now() - this.#beatMs > this.#settings.leaseMs
    if (this.#ready.length === 0 || isOverdue) return
    let hasSuspect = [...this.#inHand].some((work) => this.#isSuspect(work))
    const left: Work[] = []
    for (const work of this.#ready) {
      const isSuspect = this.#isSuspect(work)
      if (this.#free() <= reserved || (isSuspect && hasSuspect)) left.push(work)
      else {
        hasSuspect ||= isSuspect
        this.#begin(work)
      }
    }
    this.#ready = left
  }

  #begin(work: Work): void {
    this.#inHand.add(work)
    this.#busy++
    this.#sizeInHand += work.body.length
    if (!work.partition) return void this.#handle(work)
    work.partition.inHand++
    this.#running.add(chainKey(work))
    if (!this.#isSuspect(work)) return void this.#handle(work)
    this.#announced.add(work)
    this.#settlements.noteBegin(work)
    this.#settlements.whenSettled(() => {
      this.#announced.delete(work)
      void this.#handle(work)
    })
    this.#plan()
  }

  async #handle(work: Work): Promise<void> {
    const outcome = await this.#deliver(work)
    this.#letGo(work)
    if (this.#isEnded) return
    if (work.isLost) this.#advance(work)
    else this.#settle(work, outcome)
    this.#plan()
  }

  #letGo(work: Work): void {
    this.#busy--
    this.#sizeInHand -= work.body.length
    if (work.partition) this.#running.delete(chainKey(work))
  }

  async #deliver(work: Work): Promise<Outcome> {
    const { event, attempt, isRedelivered, handlers } = work
    try {
      return await this.#consumer.deliver({ event, attempt, isRedelivered, handlers })
    } catch (error) {
      // An event that the bus itself cannot handle, such as one with a name that is none.
      this.report(error)
      const reason = error instanceof Error ? error.message : String(error)
      return { deadLetters: [this.#letterOf(work, reason, undefined)] }
    }
  }

  /** Notes what has become of it. Until the server knows, it is in hand. */
  #settle(work: Work, { retry, deadLetters }: Outcome): void {
    const settlements = this.#settlements
    for (const letter of deadLetters) settlements.file({ ...letter, group: letter.group ?? this.group })
    if (retry) {
      work.attempt = retry.attempt
      work.handlers = retry.handlers
      work.isRedelivered = false
      settlements.noteRetry(work, retry.delayMs)
    } else settlements.acknowledge(work)
    settlements.whenSettled(() => {
      this.#inHand.delete(work)
      const { partition } = work
      if (partition) partition.inHand--
      if (partition?.state === 'leaving' && partition.inHand === 0) this.#isTickDue = true
      if (!retry) this.#finish(work)
      else if (partition && retry.delayMs > 0) this.#wait(work, retry.delayMs)
      else if (partition) this.#makeReady(work)
      else this.#isHungry = true
    })
  }

  #finish(work: Work): void {
    const { partition } = work
    if (!partition) {
      if (this.#isSuspect(work)) this.#isHungry = true
      return
    }
    partition.held--
    partition.size -= work.body.length
    this.#advance(work)
  }

  /** The key is free: what comes next under it may go. */
  #advance(work: Work): void {
    if (!work.partition) return
    const key = chainKey(work)
    const chain = this.#chains.get(key)
    const next = chain?.waiting.shift()
    if (!next) this.#chains.delete(key)
    else this.#makeReady(next)
    this.#isHungry = true
  }

  #giveUpCrashed(work: Work): void {
    const letter = this.#letterOf(work, CRASHED, this.#onlyHandler(work))
    this.#settlements.fileStored(letter, work)
    this.#settlements.acknowledge(work)
    if (work.partition) this.#settlements.whenSettled(() => this.#finish(work))
    this.#tell(letter, 'the processes that handled it have died.', 'EVENTSETS_CRASHED')
  }

  #giveUpUnreadable(
    queue: string,
    id: string,
    body: string | undefined,
    fault: string,
    attempts: number,
  ): void {
    const time = Date.now()
    const letterId = randomUUID()
    const event = unreadableEvent(body, letterId, Number(id.split('-')[0]))
    const reason = `The stored event ${fault}.`
    const letter = { id: letterId, event, group: this.group, handler: undefined, reason, attempts, time }
    this.#settlements.fileStored(letter, { queue, id, handlers: undefined })
    this.#settlements.acknowledge({ queue, id, hasTries: true })
    this.#tell(letter, reason, 'EVENTSETS_UNREADABLE')
  }

  #letterOf({ event, attempt }: Work, reason: string, handler: string | undefined): DeadLetter {
    return {
      id: randomUUID(),
      event,
      group: this.group,
      handler,
      reason,
      attempts: attempt,
      time: Date.now(),
    }
  }

  #onlyHandler({ handlers }: Work): string | undefined {
    return handlers?.length === 1 ? handlers[0] : undefined
  }

  #tell({ id, event }: DeadLetter, reason: string, code: 'EVENTSETS_CRASHED' | 'EVENTSETS_UNREADABLE'): void {
    const message = `The event ${quote(event.name)} (${quote(event.id)}) was given up: ${reason}`
    this.report(new EventError(message, { code, hint: `It is the dead letter ${id}.` }))
  }

  #noteIdle(): void {
    if (this.#isStopping && this.#inHand.size === 0) this.#plan()
  }

  /** Nothing is in hand, and nothing will be. */
  async #leave(deadlineMs = Number.POSITIVE_INFINITY): Promise<void> {
    const inHand = [...this.#inHand]
      .filter(({ partition }) => partition !== undefined)
      .map(({ queue, id, attempt, crashes, handlers }) => [
        queue,
        id,
        attempt,
        crashes,
        handlers === undefined ? '' : JSON.stringify(handlers),
      ])
    const set = JSON.stringify({ inHand })
    try {
      if (this.#hasEntered)
        await this.#connection.run(leaveScript, [this.group, this.#session, set], deadlineMs)
    } catch {
      // Others will find that it does not live any more.
    }
    this.#end()
  }

  #end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearTimeout(this.#tickTimer)
    clearTimeout(this.#dueTimer)
    clearTimeout(this.#pauseTimer)
    for (const partition of this.#partitions.values()) close(partition)
    for (const resolve of this.#onIdle.splice(0)) resolve()
    this.#onEnd()
  }
}

const REPORT_PAUSE_MS = 200
/** So many events go into the average size. */
const SIZES_REMEMBERED = 20
/** What setTimeout can wait for; it takes more for nothing at all. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

function close(partition: Partition): void {
  partition.state = 'gone'
  for (const timer of partition.timers) clearTimeout(timer)
  partition.timers.clear()
}

/** Nobody is promised an order between keys, but what was published first may as well come first. */
function inOrder(lists: readonly (readonly Found[])[]): readonly Found[] {
  const [only = []] = lists
  return lists.length < 2 ? only : lists.flat().sort(([, a], [, b]) => compareIds(a, b))
}

function isLevel(queue: string): boolean {
  return (LEVELS as readonly string[]).includes(queue)
}

function isFull({ held, size }: Partition): boolean {
  return held >= MAX_HELD || size >= MAX_HELD_SIZE
}

/** Keys are apart by stream: what somebody else has put into another one does not come in between. */
function chainKey({ queue, event }: Work): string {
  return `${queue}/${event.key ?? ''}`
}

async function atMost(ms: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const end = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(Math.max(0, ms), MAX_TIMEOUT_MS))
  })
  await Promise.race([promise, end])
  clearTimeout(timer)
}
