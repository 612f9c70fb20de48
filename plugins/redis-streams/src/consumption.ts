import { type Consumer, type Consumption, EventError } from 'eventsets/bus'
import { type Connection, pause } from './connection.ts'
import {
  type Call,
  type ExchangeReply,
  type Given,
  patternsOf,
  readExchange,
  writeExchange,
} from './exchange.ts'
import { connectionError, failureOf } from './failures.ts'
import { Handling } from './handling.ts'
import { createLoop, type Loop } from './loop.ts'
import { Membership } from './membership.ts'
import type { Settings } from './options.ts'
import { Partitions } from './partitions.ts'
import { compareIds, LEVELS } from './queues.ts'
import { quote } from './safe-text.ts'
import { exchangeScript, missingScript } from './scripts/consume.ts'
import { atMost, MAX_TIMEOUT_MS } from './timeout.ts'
import type { Found } from './work.ts'

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

/** A consumer tells so often in its lease that it lives. */
const BEATS_A_LEASE = 4
const MAX_TICK_MS = 500
/** Errors of the connection are not told more often. */
const REPORT_PAUSE_MS = 200

/** @throws ConnectionError when the server does not answer. */
export async function beginConsumption(setting: ConsumptionSetting): Promise<RedisConsumption> {
  const consumption = new RedisStreamsConsumption(setting)
  await consumption.begin()
  return consumption
}

/**
 * Everything that it tells the server goes through one call after another, so that it knows at every moment what is
 * its own.
 */
class RedisStreamsConsumption implements RedisConsumption {
  readonly #connection: Connection
  readonly #settings: Settings
  readonly #consumer: Consumer
  readonly #onEnd: () => void
  readonly #tickMs: number
  readonly #membership: Membership
  readonly #partitions = new Partitions()
  readonly #handling: Handling
  readonly #loop: Loop
  #call = 0
  #outgoing: Call | undefined
  /** How far the group has come in each stream, should it have to be made again. */
  readonly #positions: Record<string, string> = {}
  #newsId = '0-0'
  #epoch = ''
  #claims = 0
  /** There may be more without a key. */
  #isHungry = true
  /** There may be more with a key. */
  #isKeyedHungry = true
  #isTickDue = true
  #isReconciling = false
  #isStopping = false
  #isEnded = false
  #lastReportMs = Number.NEGATIVE_INFINITY
  #tickTimer: NodeJS.Timeout | undefined
  #dueTimer: NodeJS.Timeout | undefined
  readonly #onIdle: (() => void)[] = []

  constructor({ connection, settings, consumer, onEnd }: ConsumptionSetting) {
    this.#connection = connection
    this.#settings = settings
    this.#consumer = consumer
    this.#onEnd = onEnd
    this.#tickMs = Math.min(MAX_TICK_MS, settings.leaseMs / BEATS_A_LEASE)
    this.#membership = new Membership(connection, settings, consumer.group)
    this.#loop = createLoop({
      step: () => this.#step(),
      onFailure: (error, isFirst) => this.#recover(error, isFirst),
    })
    this.#handling = new Handling({
      consumer,
      maxCrashes: settings.maxCrashes,
      partitions: this.#partitions,
      isOverdue: () => this.#membership.isOverdue,
      onNews: () => this.#loop.plan(),
      onHunger: () => {
        this.#noteHunger()
      },
      onReleased: () => {
        this.#isTickDue = true
      },
      report: (error) => this.report(error),
    })
  }

  get group(): string {
    return this.#consumer.group
  }

  get session(): string {
    return this.#membership.session
  }

  get inHand(): number {
    return this.#handling.hands.count
  }

  get claims(): number {
    return this.#claims
  }

  get stalled(): readonly string[] {
    return this.#partitions.stalled()
  }

  async begin(): Promise<void> {
    await this.#enter(performance.now() + this.#settings.timeoutMs)
    this.#planTick()
    this.#loop.plan()
  }

  wake(newsId: string): void {
    if (compareIds(newsId, this.#newsId) <= 0) return
    this.#noteHunger()
    this.#loop.plan()
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
      this.#beginStop()
      clearTimeout(this.#dueTimer)
      this.#handling.leave(this.#partitions.leaveBeyond(0))
      this.#isTickDue = true
      this.#loop.plan()
    }
    await atMost(deadlineMs, end)
  }

  async abandon(deadlineMs: number): Promise<void> {
    this.#beginStop()
    if (this.#isEnded) return
    // What has been handled is still told, if that goes at once.
    const end = performance.now() + deadlineMs
    this.#loop.run()
    while (this.#connection.isReady && this.#loop.isRunning && performance.now() < end) await pause(1)
    await this.#leave(end)
  }

  #beginStop(): void {
    this.#isStopping = true
    this.#handling.stop()
  }

  /** Does the most urgent thing; gives whether there was one. */
  async #step(): Promise<boolean> {
    if (!this.#membership.hasEntered) await this.#enter()
    else if (this.#outgoing) await this.#send(this.#outgoing)
    else if (this.#isReconciling) await this.#reconcile()
    else if (this.#isTickDue) await this.#tick()
    else if (this.#isStopping && this.inHand === 0 && this.#handling.settlements.isEmpty) await this.#leave()
    else return await this.#exchange()
    return true
  }

  /** What to do when a call has failed. */
  #recover(error: unknown, isFirst: boolean): void {
    const { kind } = failureOf(error)
    // Nobody knows how far it has come, so that everything is taken back and begun anew.
    if (kind === 'no-group' || kind === 'wrong') this.#lose()
    // The first of a series is told; it may go on for long.
    if (!isFirst || performance.now() - this.#lastReportMs <= REPORT_PAUSE_MS) return
    this.#lastReportMs = performance.now()
    this.report(connectionError(error))
  }

  async #enter(deadlineMs?: number): Promise<void> {
    if (this.#isStopping && this.inHand === 0) {
      this.#end()
      return
    }
    await this.#membership.enter(this.#positions, deadlineMs)
    this.#noteHunger()
    this.#isTickDue = true
  }

  #planTick(): void {
    this.#tickTimer = setTimeout(() => {
      this.#isTickDue = true
      // Whatever may have become of a call to wake up: so often it is looked anyway.
      this.#noteHunger()
      this.#planTick()
      this.#loop.plan()
    }, this.#tickMs)
  }

  async #tick(): Promise<void> {
    const released = this.#partitions.released()
    const standing = await this.#membership.beat({
      inHand: this.inHand,
      release: released.map(({ queue }) => queue),
      isTaking: !this.#isStopping,
    })
    this.#isTickDue = false
    if (!standing) {
      this.#fence()
      return
    }
    for (const partition of released) {
      this.#partitions.remove(partition)
      this.#handling.drop(partition)
    }
    const { epoch, share, partitions, claims } = standing
    this.#epoch = epoch
    this.#claims += claims
    if (claims > 0) this.#noteHunger()
    for (const { queue, hasCrashed } of partitions)
      if (this.#partitions.add(queue, hasCrashed)) this.#noteHunger()
    this.#handling.leave(this.#partitions.leaveBeyond(this.#isStopping ? 0 : share))
  }

  /** Everything that is held here belongs to others now, or to nobody yet. */
  #lose(): void {
    this.#membership.lose()
    this.#outgoing = undefined
    this.#isReconciling = false
    this.#handling.lose()
    this.#partitions.clear()
  }

  #fence(): void {
    const hadWork = this.inHand > 0
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

  #noteHunger(): void {
    this.#isHungry = true
    this.#isKeyedHungry = true
  }

  /** Gives whether there was something to tell or to ask. */
  async #exchange(): Promise<boolean> {
    const handling = this.#handling
    const { concurrency } = this.#consumer
    // Now and then a hand is left for events without a key.
    const reserved = this.#call % 2
    const { free } = handling.hands
    const begun = Math.max(0, Math.min(handling.readyCount, free - reserved))
    // With a key, some can be held for the hands that are free next: while they are read, others are handled.
    const hasRoom = handling.readyCount - begun < concurrency && this.#partitions.count > 0
    const asks = this.#isHungry && free > begun
    const asksKeyed = this.#isKeyedHungry && hasRoom
    const mayRead = !this.#isStopping && (asks || asksKeyed)
    if (!mayRead && handling.settlements.isEmpty) {
      handling.beginReady()
      return !handling.settlements.isEmpty
    }
    const number = this.#call++
    if (mayRead && free > begun) this.#isHungry = false
    if (mayRead && hasRoom) this.#isKeyedHungry = false
    const asked = mayRead ? Math.min(free - begun, this.#settings.batch) : 0
    const { mayTakeSuspect } = handling
    handling.hands.promise(asked, mayTakeSuspect && asked > 0)
    const settlements = handling.takeSettlements()
    const wish = writeExchange(
      settlements,
      {
        mayRead,
        free: asked,
        batch: this.#settings.batch,
        averageSize: handling.averageSize,
        reading: mayRead && hasRoom ? this.#partitions.open('reading') : [],
        loading: mayRead && hasRoom ? this.#partitions.open('loading') : [],
        mayTakeSuspect,
        patterns: mayRead ? patternsOf(this.#consumer) : undefined,
      },
      number,
    )
    this.#outgoing = { args: [this.group, this.session, String(this.#call), wish], settlements }
    const sent = this.#send(this.#outgoing)
    // While the server is at it.
    handling.beginReady(reserved)
    await sent
    return true
  }

  async #send(call: Call): Promise<void> {
    const reply = (await this.#connection.run(exchangeScript, call.args)) as ExchangeReply
    if (this.#outgoing !== call) return
    this.#outgoing = undefined
    if (reply[0] === 'FENCED') {
      this.#fence()
      return
    }
    this.#handling.hands.promise(0)
    call.settlements.settle()
    if (reply[0] === 'REPEATED') this.#isReconciling = true
    else if (reply[0] === 'OK') this.#receive(readExchange(reply))
    if (this.#isStopping && this.inHand === 0) this.#loop.plan()
  }

  #receive({ now, newsId, epoch, nextDueMs, found, loaded, loads, positions, hasMore }: Given): void {
    this.#newsId = newsId
    if (epoch !== this.#epoch) {
      this.#epoch = epoch
      this.#isTickDue = true
    }
    if (hasMore) this.#noteHunger()
    for (const [queue, id] of positions) this.#positions[queue] = id
    for (const entry of found) this.#handling.take(entry, now, false)
    for (const entry of loaded) this.#handling.take(entry, now, true)
    for (const { queue, cursor, isLast } of loads) {
      const partition = this.#partitions.get(queue)
      if (partition?.state !== 'loading') continue
      partition.cursor = cursor
      this.#noteHunger()
      if (!isLast) continue
      partition.state = 'reading'
      if (partition.hasCrashed) this.#handling.settlements.noteLoaded(queue)
    }
    this.#planDue(nextDueMs)
  }

  #planDue(nextDueMs: number): void {
    clearTimeout(this.#dueTimer)
    if (nextDueMs < 0 || this.#isStopping) return
    this.#dueTimer = setTimeout(
      () => {
        this.#noteHunger()
        this.#loop.plan()
      },
      Math.min(nextDueMs + 1, MAX_TIMEOUT_MS),
    )
  }

  /** Finds what was handed over by an answer that did not arrive. */
  async #reconcile(): Promise<void> {
    const known: Record<string, string[]> = {}
    for (const { queue, id } of this.#handling.held()) {
      known[queue] ??= []
      known[queue].push(id)
    }
    const queues = [...LEVELS, ...this.#partitions.loaded().map(({ queue }) => queue)]
    const args = [this.group, this.session, JSON.stringify({ queues, known })]
    const reply = (await this.#connection.run(missingScript, args)) as
      | readonly ['FENCED']
      | readonly ['OK', found: readonly Found[]]
    this.#isReconciling = false
    this.#noteHunger()
    if (reply[0] === 'FENCED') {
      this.#fence()
      return
    }
    const { acks } = this.#handling.settlements
    for (const entry of reply[1]) {
      // It was handled while the question was under way.
      if (acks[entry[0]]?.includes(entry[1])) continue
      this.#handling.take(entry, Number.POSITIVE_INFINITY, false)
    }
  }

  /** Nothing is in hand, and nothing will be; or there is no time. */
  async #leave(deadlineMs?: number): Promise<void> {
    await this.#membership.leave(this.#handling.hands.all(), deadlineMs)
    this.#end()
  }

  #end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#loop.end()
    this.#handling.end()
    clearTimeout(this.#tickTimer)
    clearTimeout(this.#dueTimer)
    this.#partitions.clear()
    for (const resolve of this.#onIdle.splice(0)) resolve()
    this.#onEnd()
  }
}
