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
import type { HandPool } from './hand-pool.ts'
import { Handling } from './handling.ts'
import { createLoop, type Loop } from './loop.ts'
import { Membership } from './membership.ts'
import type { Settings } from './options.ts'
import { Partitions } from './partitions.ts'
import { compareIds, LEVELS } from './queues.ts'
import { quote } from './safe-text.ts'
import { exchangeScript, missingScript } from './scripts/consume.ts'
import { atMost, MAX_TIMEOUT_MS } from './timeout.ts'
import { asRedelivered, type Found } from './work.ts'

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
  /** The hands of the consumer, in all streams that it reads. */
  readonly hands: HandPool
  /** Called when nothing is in hand any more, and nothing will be. */
  readonly onEnd: () => void
}

/** A consumer tells so often in its lease that it lives. */
const BEATS_A_LEASE = 4
const MAX_TICK_MS = 500
/** So many batches with a key are held at most when more are asked for, and may wait for their end to be told. */
const BATCHES_AHEAD = 2
/** For so many turns what can be begun goes before telling what has ended: one call that tells more costs less. */
const MAX_TURNS_LATE = 4
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
  /** How many hands are left for events without a key. */
  #reserved = 0
  #turnsLate = 0
  /** What has come with a key, and is looked at while the server is asked for more. */
  #untaken: readonly Found[] = []
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
  /** Which connection it was that the server's account was last compared on. */
  #changes: number
  /** Whether the server may have forgotten what was told it: another one may have taken its place. */
  #isDoubtful = false
  /** Whether the last step has failed. */
  #isFailing = false
  #isStopping = false
  #isEnded = false
  #lastReportMs = Number.NEGATIVE_INFINITY
  #tickTimer: NodeJS.Timeout | undefined
  #dueTimer: NodeJS.Timeout | undefined
  readonly #onIdle: (() => void)[] = []

  constructor({ connection, settings, consumer, hands, onEnd }: ConsumptionSetting) {
    this.#connection = connection
    this.#settings = settings
    this.#consumer = consumer
    this.#changes = connection.changes
    this.#onEnd = onEnd
    this.#tickMs = Math.min(MAX_TICK_MS, settings.leaseMs / BEATS_A_LEASE)
    this.#membership = new Membership(connection, settings, consumer.group)
    this.#loop = createLoop({
      step: () => this.#step(),
      meanwhile: () => this.#handling.beginReady(this.#reserved),
      onFailure: (error, isFirst) => this.#recover(error, isFirst),
    })
    this.#handling = new Handling({
      consumer,
      share: hands.join({ wants: () => this.#wantsHands, onFree: () => this.#loop.plan() }),
      maxCrashes: settings.maxCrashes,
      unsettled: settings.batch * BATCHES_AHEAD,
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

  /** Whether it could do with a free hand at once: whoever waits for the server takes none. */
  get #wantsHands(): boolean {
    if (this.#isStopping || this.#isEnded || this.#membership.isOverdue) return false
    if (this.#handling.readyCount > 0) return true
    return this.#isHungry && !this.#isFailing && !this.#loop.isRunning
  }

  /** Does the most urgent thing; gives whether there was one. */
  async #step(): Promise<boolean> {
    this.#isFailing = false
    const { hasEntered } = this.#membership
    this.#noteChanges()
    if (this.#isTickDue || this.#isReconciling || this.#isStopping) this.#takeUntaken()
    if (!hasEntered) await this.#enter()
    else if (this.#outgoing) await this.#send(this.#outgoing)
    else if (this.#isReconciling) await this.#reconcile()
    else if (this.#isTickDue) await this.#tick()
    else if (this.#isStopping && this.inHand === 0 && this.#handling.settlements.isEmpty) await this.#leave()
    else return await this.#exchange()
    return true
  }

  /** What to do when a call has failed. */
  #recover(error: unknown, isFirst: boolean): void {
    this.#isFailing = true
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
    this.#untaken = []
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
    const { free } = handling.hands
    // What there are hands for is begun while the server is at it; what is beyond that, before.
    const isBusy = handling.readyCount > free && this.#turnsLate < MAX_TURNS_LATE
    if (isBusy && handling.beginReady(this.#reserved) > 0) {
      this.#turnsLate++
      this.#loop.plan()
      return false
    }
    this.#turnsLate = 0
    // Now and then a hand is left for events without a key.
    this.#reserved = this.#call % 2
    const begun = handling.countBegun(free, this.#reserved)
    // With a key, some can be held for the hands that are free next: while they are read, others are handled.
    const { batch } = this.#settings
    const untaken = this.#untaken.length
    const isShort = handling.readyCount - begun + untaken < this.#consumer.concurrency
    // What waits behind a busy key is held, too: more of that is read only to find keys that are free.
    const hasRoom =
      this.#partitions.count > 0 && (isShort || this.#partitions.waiting + untaken < batch * BATCHES_AHEAD)
    const ahead = this.#isHungry ? handling.takeAhead(batch, begun) : 0
    const asks = this.#isHungry && free + ahead > begun
    const asksKeyed = this.#isKeyedHungry && hasRoom
    const mayRead = !this.#isStopping && (asks || asksKeyed)
    if (!mayRead && handling.settlements.isEmpty) {
      this.#takeUntaken()
      handling.beginReady()
      return !handling.settlements.isEmpty
    }
    const number = this.#call++
    if (mayRead && free + ahead > begun) this.#isHungry = false
    if (mayRead && hasRoom) this.#isKeyedHungry = false
    const asked = mayRead ? Math.min(free - begun, batch) : 0
    const mayTakeSuspect = asked > 0 && handling.mayTakeSuspect
    handling.hands.promise(asked, mayTakeSuspect)
    const settlements = handling.takeSettlements()
    const wish = writeExchange(
      settlements,
      {
        mayRead,
        free: Math.min(asked + ahead, batch),
        batch,
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
    this.#takeUntaken()
    handling.beginReady(this.#reserved)
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

  #receive({ now, newsId, epoch, nextDueMs, found, keyed, loaded, loads, positions, hasMore }: Given): void {
    this.#newsId = newsId
    if (epoch !== this.#epoch) {
      this.#epoch = epoch
      this.#isTickDue = true
    }
    if (hasMore) this.#noteHunger()
    for (const [queue, id] of positions) this.#positions[queue] = id
    for (const entry of found) this.#handling.take(entry, now, false)
    for (const entry of loaded) this.#handling.take(entry, now, true)
    this.#untaken = keyed
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

  #takeUntaken(): void {
    const untaken = this.#untaken
    this.#untaken = []
    // What is read for the first time has no note of when it is due.
    for (const entry of untaken) this.#handling.take(entry, Number.POSITIVE_INFINITY, false)
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

  /** What a server was told that has been replaced meanwhile, its replica may not know. */
  #noteChanges(): void {
    const { changes } = this.#connection
    if (changes === this.#changes) return
    this.#changes = changes
    this.#isReconciling = true
    this.#isDoubtful = true
  }

  /** Finds what was handed over by an answer that did not arrive, and what was told to a server that is gone. */
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
    const isDoubtful = this.#isDoubtful
    this.#isReconciling = false
    this.#isDoubtful = false
    this.#noteHunger()
    if (reply[0] === 'FENCED') {
      this.#fence()
      return
    }
    const { acks } = this.#handling.settlements
    for (const entry of reply[1]) {
      // It was handled while the question was under way.
      if (acks[entry[0]]?.includes(entry[1])) continue
      this.#handling.take(isDoubtful ? asRedelivered(entry) : entry, Number.POSITIVE_INFINITY, false)
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
