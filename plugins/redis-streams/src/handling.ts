import type { Consumer, DeadLetter, Outcome } from 'eventsets/bus'
import { Chains, chainOf } from './chains.ts'
import { crashedError, crashedLetter, refusedLetter, unreadableError, unreadableLetter } from './given-up.ts'
import type { HandShare } from './hand-pool.ts'
import { Hands, isSuspect } from './hands.ts'
import type { Partition, Partitions } from './partitions.ts'
import { isLevel } from './queues.ts'
import { Settlements } from './settlements.ts'
import { readBody } from './stored-body.ts'
import { MAX_TIMEOUT_MS } from './timeout.ts'
import { type Found, readFields, readHandlers, readTries, type Tries, type Work } from './work.ts'

export interface HandlingSetting {
  readonly consumer: Consumer
  /** What it has of the hands of the consumer. */
  readonly share: HandShare
  readonly maxCrashes: number
  /** How many events are handled ahead of what the server knows, at most. */
  readonly unsettled: number
  readonly partitions: Partitions
  /** After a long sleep it may all be somebody else's: then nothing is begun before the server was asked. */
  readonly isOverdue: () => boolean
  /** There is something to tell the server. */
  readonly onNews: () => void
  /** There may be more to ask for. */
  readonly onHunger: () => void
  /** A partition can be given back. */
  readonly onReleased: () => void
  readonly report: (error: unknown) => void
}

/** How many events go into the average size. */
const SIZES_REMEMBERED = 20

/** What becomes of the events that a consumer holds: they wait for their turn, are handled, and settled. */
export class Handling {
  readonly hands: Hands
  readonly #setting: HandlingSetting
  readonly #consumer: Consumer
  readonly #chains = new Chains()
  /** With a key, and to be begun. */
  #ready: Work[] = []
  /** With a key, and waiting for their next try, or for the server to note something before. */
  readonly #trying = new Set<Work>()
  #settlements = new Settlements()
  #averageSize = 1000
  /** How many hands are left for events without a key. */
  #reserved = 0
  /** How many events without a key have ended since it was asked how many may be read ahead. */
  #ended = 0
  #isStopping = false
  #isEnded = false

  constructor(setting: HandlingSetting) {
    this.#setting = setting
    this.#consumer = setting.consumer
    this.hands = new Hands(setting.share, setting.consumer.concurrency + setting.unsettled)
  }

  /** How many events are to be begun as soon as there are hands for them. */
  get readyCount(): number {
    return this.#ready.length
  }

  /**
   * How many of them will have one at once.
   *
   * @param reserved How many hands are left for events without a key.
   */
  countBegun(free: number, reserved: number): number {
    const others = this.#readyWithoutKey
    const keyed = Math.min(this.#ready.length - others, Math.max(0, free - reserved))
    return Math.min(free, keyed + others)
  }

  get #readyWithoutKey(): number {
    let count = 0
    for (const { partition } of this.#ready) if (!partition) count++
    return count
  }

  /** Whether what has seen a process die may be asked for: no other one is in hand, and none waits for its turn. */
  get mayTakeSuspect(): boolean {
    return this.hands.mayBeginSuspect && !this.#ready.some(isSuspect)
  }

  /** Characters of an event, about. */
  get averageSize(): number {
    return this.#averageSize
  }

  /** What the server is still to be told. */
  get settlements(): Settlements {
    return this.#settlements
  }

  /** The same, to be told now: what comes later is told another time. */
  takeSettlements(): Settlements {
    const taken = this.#settlements
    this.#settlements = new Settlements()
    return taken
  }

  /** Everything that is held, in whatever state. */
  held(): Work[] {
    return [...this.hands.all(), ...this.#ready, ...this.#chains.waiting(), ...this.#trying]
  }

  /** No more is begun. */
  stop(): void {
    this.#isStopping = true
    // With a key it stays where it is; without one, others are to find it at once.
    for (const work of this.#ready) if (!work.partition) this.#settlements.giveBack(work, isSuspect(work))
    this.#ready = this.#ready.filter(({ partition }) => partition !== undefined)
  }

  end(): void {
    this.#isEnded = true
  }

  /**
   * Takes what the server has handed out.
   *
   * @param now By the clock of the server, in milliseconds since 1970.
   * @param isLoaded Whether it was left by whoever had the partition before.
   */
  take([queue, id, note, list]: Found, now: number, isLoaded: boolean): void {
    const fields = readFields(list ?? [])
    const tries = readTries(note)
    const partition = this.#setting.partitions.get(queue)
    // Whoever has the partition now finds it there.
    if (!partition && !isLevel(queue)) return
    if (fields.group !== undefined && fields.group !== this.#consumer.group) {
      this.#settlements.acknowledge({ queue, id, hasTries: tries !== undefined })
      return
    }
    const { body } = fields
    const { event, fault } = readBody(body)
    if (!event) {
      const letter = unreadableLetter(
        { id, body, fault, attempts: tries?.attempt ?? 1 },
        this.#consumer.group,
      )
      this.#settlements.fileStored(letter, { queue, id, handlers: undefined })
      this.#settlements.acknowledge({ queue, id, hasTries: true })
      this.#setting.report(unreadableError(letter))
      return
    }
    this.#averageSize += ((body?.length ?? 0) - this.#averageSize) / SIZES_REMEMBERED
    const isInherited = isLoaded && partition?.hasCrashed === true
    const work: Work = {
      queue,
      id,
      event,
      body: body ?? '',
      partition,
      chain: partition ? chainOf(queue, event.key) : '',
      isInherited,
      attempt: tries?.attempt ?? 1,
      isRedelivered: tries?.isRedelivered ?? false,
      crashes: tries?.crashes ?? 0,
      handlers: tries?.handlers ?? readHandlers(fields.handlers),
      hasTries: tries !== undefined,
      isLost: false,
    }
    if (partition) this.#takeKeyed(work, partition, tries, now)
    else if (this.#isStopping) this.#settlements.giveBack(work, isSuspect(work))
    else if (this.#hasCrashedTooOften(work)) this.#giveUpCrashed(work)
    else if (this.hands.mayBegin) this.#begin(work)
    else this.#ready.push(work)
  }

  /**
   * How many events without a key may be read before there are hands for them: as many as have ended since the last
   * time, so that whoever is slow keeps nothing from others.
   *
   * @param begun How many of those that wait for a hand will have one.
   */
  takeAhead(most: number, begun: number): number {
    const ended = this.#ended
    this.#ended = 0
    if (ended === 0) return 0
    return Math.max(0, Math.min(most, ended) - Math.max(0, this.#readyWithoutKey - begun))
  }

  /** Begins what there are hands for, and leaves some of them for events without a key. Gives how many have begun. */
  beginReady(reserved = 0): number {
    this.#reserved = reserved
    if (this.#ready.length === 0 || this.#isStopping || this.#setting.isOverdue()) return 0
    const left: Work[] = []
    const count = this.#ready.length
    for (const work of this.#ready) {
      const kept = work.partition ? reserved : 0
      if (this.hands.free <= kept || (isSuspect(work) && !this.hands.mayBeginSuspect)) left.push(work)
      else this.#begin(work)
    }
    this.#ready = left
    return count - left.length
  }

  /** Nothing more of these partitions is begun. */
  leave(partitions: readonly Partition[]): void {
    if (partitions.length === 0) return
    this.#ready = this.#ready.filter(({ partition }) => partition?.state !== 'leaving')
    if (partitions.some(({ inHand }) => inHand === 0)) this.#setting.onReleased()
  }

  /** What is held of a partition stays where it is, on the server: whoever has it next finds it there. */
  drop(partition: Partition): void {
    this.#chains.forget(partition)
    for (const work of this.#trying) if (work.partition === partition) this.#trying.delete(work)
  }

  /** Everything that is held here belongs to others now, or to nobody yet. */
  lose(): void {
    this.#settlements = new Settlements()
    for (const work of this.hands.lose()) this.#noteEnd(work)
    this.#ready = []
    this.#trying.clear()
    this.#chains.lose()
  }

  #takeKeyed(work: Work, partition: Partition, tries: Tries | undefined, now: number): void {
    if (partition.state === 'leaving' || this.#isStopping) return
    partition.held++
    partition.size += work.body.length
    const waitMs = tries ? tries.dueMs - now : 0
    // Of each key the first is to blame until it is known better: those after it may have been in hand as well.
    const mayHaveBegun =
      work.isInherited &&
      waitMs <= 0 &&
      (work.crashes === 0 || tries?.wasBegun === true) &&
      this.#chains.isFirst(work)
    const isNext = this.#chains.join(work, partition)
    if (mayHaveBegun) this.#noteCrash(work)
    // Otherwise behind another one; or behind a handler that is still at work here, and whose event was taken away.
    if (!isNext) return
    if (waitMs > 0) this.#wait(work, waitMs)
    else if (mayHaveBegun) {
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
    if (this.#hasCrashedTooOften(work)) this.#giveUpCrashed(work)
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
        this.#setting.onNews()
        this.beginReady()
      },
      Math.min(Math.ceil(waitMs), MAX_TIMEOUT_MS),
    )
    partition.timers.add(timer)
  }

  #begin(work: Work): void {
    this.hands.take(work)
    if (!work.partition) return void this.#handle(work)
    work.partition.inHand++
    this.#chains.noteBegin(work)
    if (!isSuspect(work)) return void this.#handle(work)
    this.hands.announce(work)
    this.#settlements.noteBegin(work)
    this.#settlements.whenSettled(() => {
      this.hands.noteAnnounced(work)
      void this.#handle(work)
    })
    this.#setting.onNews()
  }

  async #handle(work: Work): Promise<void> {
    const outcome = await this.#deliver(work)
    this.#noteEnd(work)
    if (this.#isEnded) return
    if (work.isLost) this.#advance(work)
    else this.#settle(work, outcome)
    this.#setting.onNews()
  }

  #noteEnd(work: Work): void {
    this.hands.noteEnd(work)
    if (work.partition) this.#chains.noteEnd(work)
    else this.#ended++
  }

  async #deliver(work: Work): Promise<Outcome> {
    const { event, attempt, isRedelivered, handlers } = work
    try {
      return await this.#consumer.deliver({ event, attempt, isRedelivered, handlers })
    } catch (error) {
      // An event that the bus itself cannot handle, such as one with a name that is none.
      this.#setting.report(error)
      const reason = error instanceof Error ? error.message : String(error)
      return { deadLetters: [refusedLetter(work, this.#consumer.group, reason)] }
    }
  }

  /** Notes what has become of it. Until the server knows, it is in hand. */
  #settle(work: Work, { retry, deadLetters }: Outcome): void {
    const settlements = this.#settlements
    for (const letter of deadLetters)
      settlements.file({ ...letter, group: letter.group ?? this.#consumer.group })
    if (retry) {
      work.attempt = retry.attempt
      work.handlers = retry.handlers
      work.isRedelivered = retry.isRedelivered === true
      settlements.noteRetry(work, retry.delayMs)
    } else settlements.acknowledge(work)
    const isAhead = !retry && mayGoAhead(work)
    if (isAhead) this.#advance(work)
    settlements.whenSettled(() => {
      this.hands.release(work)
      const { partition } = work
      if (partition) partition.inHand--
      if (partition?.state === 'leaving' && partition.inHand === 0) this.#setting.onReleased()
      if (!retry) this.#finish(work, isAhead)
      else if (partition && retry.delayMs > 0) this.#wait(work, retry.delayMs)
      else if (partition) this.#makeReady(work)
      else this.#setting.onHunger()
    })
  }

  #finish(work: Work, hasAdvanced = false): void {
    const { partition } = work
    if (!partition) {
      if (isSuspect(work)) this.#setting.onHunger()
      return
    }
    partition.held--
    partition.size -= work.body.length
    if (hasAdvanced) this.#setting.onHunger()
    else this.#advance(work)
  }

  /** The key is free: what comes next under it may go. */
  #advance(work: Work): void {
    if (!work.partition) return
    const next = this.#chains.next(work)
    if (next) this.#makeReady(next)
    // Nobody else waits for this hand: the next of the key goes on with it at once.
    if (this.#ready.length === 1) this.beginReady(this.#reserved)
    this.#setting.onHunger()
  }

  #hasCrashedTooOften({ crashes }: Work): boolean {
    return crashes >= this.#setting.maxCrashes
  }

  #giveUpCrashed(work: Work): void {
    const letter: DeadLetter = crashedLetter(work, this.#consumer.group)
    this.#settlements.fileStored(letter, work)
    this.#settlements.acknowledge(work)
    if (work.partition) this.#settlements.whenSettled(() => this.#finish(work))
    this.#setting.report(crashedError(letter))
  }
}

/**
 * Whether what comes next of its key is begun before the server knows of its end. Where a process has died there is one
 * at a time, so that it is the first one that is to blame, should it happen again.
 */
function mayGoAhead(work: Work): boolean {
  return work.partition !== undefined && !work.isInherited && !isSuspect(work)
}
