import { randomUUID } from 'node:crypto'
import type { ConsumerInfo } from '@nats-io/jetstream'
import { type Consumer, type Consumption, type DeadLetter, EventError, type Outcome } from 'eventsets/bus'
import { putLetters } from './dead-letters.ts'
import { connectionError, failureOf, quote, textOf } from './failures.ts'
import { type Beginning, openGroup } from './groups.ts'
import { type Link, pause, type Server } from './link.ts'
import { Answer, type HandedOut } from './message.ts'
import { durableOf, isAgainSubject, isEventSubject } from './names.ts'
import { dropNote, findNote, fitsNote, type Note, putNote } from './notes.ts'
import type { Settings } from './options.ts'
import { createPulls, type Pulls, type Trouble } from './pulls.ts'
import type { ServerClock } from './server-clock.ts'
import { readAgain, readEvent, unreadableEvent } from './stored-body.ts'
import { isSuspect, type Work, withNote } from './work.ts'

/** A consumer at work on JetStream. */
export interface JetStreamConsumption extends Consumption {
  readonly group: string
  /** How many events it has in hand. */
  readonly inHand: number
  /** How many it has put back for later, and that have not come again. */
  waiting(): number
  /** Gives back what is in hand, if that can be done within so many milliseconds: the backend closes. */
  abandon(maxMs: number): Promise<void>
}

export interface ConsumptionSetting {
  readonly link: Link
  readonly clock: ServerClock
  readonly settings: Settings
  readonly consumer: Consumer
  /** Called when nothing is in hand any more, and nothing will be. */
  readonly onEnd: () => void
}

/** It is told so often that an event is still in hand. */
const BEATS_A_WAIT = 4
const MAX_TICK_MS = 1000
/** Where the group is, should its consumer have to be made again. */
const POSITION_MS = 10_000
const FIRST_PAUSE_MS = 50
const MAX_PAUSE_MS = 2000
/** Longer than that, an event is not put aside at once: what the server can count has an end. */
const MAX_DELAY_MS = 30 * 24 * 60 * 60 * 1000
/** What may have killed processes is handled one at a time; the next one comes again after that. */
const SUSPECT_PAUSE_MS = 100
const STOPPING_PAUSE_MS = 100
/** The reason of a dead letter whose processes have died. */
const CRASHED = 'crashed'
const FLUSH_MS = 1000

/** @throws ConnectionError when the server does not answer. */
export async function beginConsumption(setting: ConsumptionSetting): Promise<JetStreamConsumption> {
  const consumption = new Consuming(setting)
  await consumption.begin()
  return consumption
}

/**
 * Asks for as many events as it has hands for, and for no more: what a process holds that it has not begun, nobody else
 * can begin. Until an event has been handled, the server is told again and again that it is in hand; when that ends, the
 * server hands it to another consumer of the group.
 */
class Consuming implements JetStreamConsumption {
  readonly #link: Link
  readonly #clock: ServerClock
  readonly #settings: Settings
  readonly #consumer: Consumer
  readonly #onEnd: () => void
  readonly #inHand = new Map<number, Work>()
  /** What was put back, by its place in the log, and when it may come again. */
  readonly #putBack = new Map<number, number>()
  #server: Server | undefined
  #pulls: Pulls | undefined
  /** The last one that the group is known to have been handed. */
  #highest = 0
  #position = 1
  /** When the group was made, by the clock of the server. */
  #madeAt = ''
  #positionMs = Number.NEGATIVE_INFINITY
  #tickTimer: NodeJS.Timeout | undefined
  #pauseTimer: NodeJS.Timeout | undefined
  #pauseMs = 0
  #isPausing = false
  #isPlanned = false
  #isRestoring = false
  #isStopping = false
  #isAbandoned = false
  #isEnded = false
  #lastReportMs = Number.NEGATIVE_INFINITY
  readonly #onIdle: (() => void)[] = []
  readonly #unwatch: () => void

  constructor({ link, clock, settings, consumer, onEnd }: ConsumptionSetting) {
    this.#link = link
    this.#clock = clock
    this.#settings = settings
    this.#consumer = consumer
    this.#onEnd = onEnd
    this.#unwatch = link.watch((isReady, error) => this.#linkChanged(isReady, error))
  }

  async begin(): Promise<void> {
    try {
      await this.#open({ from: this.#settings.newGroups })
    } catch (error) {
      this.#unwatch()
      throw connectionError(error, this.#settings.timeoutMs)
    }
    const tickMs = Math.min(MAX_TICK_MS, this.#settings.ackWaitMs / BEATS_A_WAIT)
    this.#tickTimer = setInterval(() => this.#tick(), tickMs)
    this.#plan()
  }

  get group(): string {
    return this.#consumer.group
  }

  get inHand(): number {
    return this.#inHand.size
  }

  waiting(): number {
    const now = performance.now()
    // What has not come by then, another process has.
    for (const [seq, due] of this.#putBack) if (due < now) this.#putBack.delete(seq)
    return this.#putBack.size
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true
    clearTimeout(this.#pauseTimer)
    this.#endWhenIdle()
    if (!this.#isEnded && deadlineMs > 0) await this.#untilIdle(deadlineMs)
    // What was handled must be known to the server before the process ends.
    if (deadlineMs > 0) await this.#link.flush(Math.min(deadlineMs, FLUSH_MS))
  }

  async abandon(maxMs: number): Promise<void> {
    if (this.#isEnded) return
    this.#isStopping = true
    const end = performance.now() + maxMs
    const left = () => end - performance.now()
    if (this.#link.isReady) {
      // As long as the server waits for this process to take something, it would hand it what is given back.
      while (this.#pulls?.asked && left() > 0) await Promise.race([this.#pulls.untilEnd(), pause(left())])
      const given = [...this.#inHand.values()].map((work) => this.#giveBack(work))
      await Promise.race([Promise.all(given), pause(left())])
      this.#endWhenIdle()
      // Those whose handlers have ended are still to be settled.
      const isSettling = [...this.#inHand.values()].some(({ state }) => state === 'ended')
      if (!this.#isEnded && isSettling && left() > 0) await this.#untilIdle(left())
    }
    this.#isAbandoned = true
    this.#end()
  }

  /** Somebody else is to begin with it again: that it was begun here is noted, or it would pass for a crash. */
  async #giveBack(work: Work): Promise<void> {
    if (work.state !== 'begun') return
    work.isLost = true
    try {
      await this.#putNote(work, { ...noteOf(work), attempt: work.attempt + 1, isRedelivered: true })
      this.#answer(work.reply, Answer.again(0))
    } catch {
      // The server finds out by itself that nobody has it.
    }
    this.#inHand.delete(work.seq)
  }

  /** Makes sure that the group is there. */
  async #open(beginning: Beginning, deadlineMs?: number): Promise<void> {
    await this.#link.insist(async (server) => {
      const { ackWaitMs } = this.#settings
      const { info, isNew } = await openGroup(server, this.#link, this.group, ackWaitMs, beginning)
      const { stream_seq: handedOut } = info.delivered
      if (isNew && beginning.from === 'position') {
        this.#tell(madeAgainError(this.group))
        // The stream is a new one, too, and its numbers begin anew.
        if (handedOut + 1 < beginning.position) this.#highest = 0
      }
      this.#highest = Math.max(this.#highest, handedOut)
      // The connection may be another one than before.
      if (this.#server !== server) this.#pulls?.end()
      if (this.#server !== server) this.#pulls = undefined
      this.#server = server
      this.#noteState(info)
      this.#positionMs = performance.now()
    }, deadlineMs)
    const { connection, client } = this.#server as Server
    this.#pulls ??= createPulls({
      connection,
      subject: `${client.apiPrefix}.CONSUMER.MSG.NEXT.${this.#link.names.log}.${durableOf(this.group)}`,
      onMessage: (message) => void this.#take(message),
      onEnd: (trouble) => this.#pullEnded(trouble),
    })
  }

  /** At the end of this turn: several hands may become free in it. */
  #plan(): void {
    if (this.#isPlanned || this.#isStopping) return
    this.#isPlanned = true
    setImmediate(() => {
      this.#isPlanned = false
      this.#pull()
    })
  }

  #pull(): void {
    if (this.#isStopping || this.#isPausing || this.#isRestoring || !this.#link.isReady || !this.#pulls)
      return
    this.#pulls.ask(this.#consumer.concurrency - this.#inHand.size - this.#pulls.asked)
  }

  #pullEnded(trouble: Trouble | undefined): void {
    if (this.#isStopping) {
      this.#endWhenIdle()
      return
    }
    if (!trouble) {
      this.#plan()
      return
    }
    if (trouble.isMissing) void this.#restore()
    else {
      this.#report(new Error(`A request for events was refused: ${textOf(trouble.message)}`))
      this.#pauseThen(() => this.#plan())
    }
  }

  /** What is refused again waits for longer, until something comes. */
  #pauseThen(next: () => void): void {
    if (this.#isPausing) return
    this.#isPausing = true
    this.#pauseMs = Math.min(MAX_PAUSE_MS, Math.max(FIRST_PAUSE_MS, this.#pauseMs * 2))
    this.#pauseTimer = setTimeout(() => {
      this.#isPausing = false
      next()
    }, this.#pauseMs)
  }

  /** The consumer of the group is not there: the server is only just back, or somebody has deleted it. */
  async #restore(): Promise<void> {
    if (this.#isRestoring || this.#isStopping) return
    this.#isRestoring = true
    for (let waitMs = FIRST_PAUSE_MS; !this.#isStopping; waitMs = Math.min(MAX_PAUSE_MS, waitMs * 2)) {
      try {
        await this.#open({ from: 'position', position: this.#position, madeAt: this.#madeAt })
        break
      } catch (error) {
        if (this.#isStopping) break
        this.#report(error)
        await pause(waitMs)
      }
    }
    this.#isRestoring = false
    this.#plan()
  }

  #linkChanged(isReady: boolean, error?: Error): void {
    if (this.#isEnded) return
    // Whatever was on its way is lost, and what was asked for is forgotten.
    this.#pulls?.forget()
    if (!isReady) {
      this.#report(error ?? new Error('The connection was lost.'))
      this.#endWhenIdle()
    } else this.#plan()
  }

  #tick(): void {
    for (const { reply } of this.#inHand.values()) this.#answer(reply, Answer.WORKING)
    this.#pulls?.tick()
    if (this.#server?.connection.isClosed()) void this.#restore()
    if (performance.now() - this.#positionMs > POSITION_MS && this.#link.isReady) void this.#notePosition()
    this.#plan()
  }

  async #notePosition(): Promise<void> {
    this.#positionMs = performance.now()
    // Those that others have are forgotten.
    this.waiting()
    const { names } = this.#link
    try {
      const info = await this.#server?.manager.consumers.info(names.log, durableOf(this.group))
      if (info) this.#noteState(info)
    } catch {
      // Whatever it is, it is told when the next event is asked for.
    }
  }

  /** How far the group has come, should it have to be made again. */
  #noteState({ ack_floor, created }: ConsumerInfo): void {
    this.#position = ack_floor.stream_seq + 1
    this.#madeAt = created
  }

  async #take({ seq, deliveries, reply, subject, body, storedMs }: HandedOut): Promise<void> {
    this.#pauseMs = 0
    this.#putBack.delete(seq)
    const known = this.#inHand.get(seq)
    if (known) {
      // This process was not heard of for so long that the server has handed it out once more: it is in hand already.
      known.reply = reply
      known.deliveries = deliveries
      this.#plan()
      return
    }
    const event = unreadableEvent(body, String(seq), storedMs)
    const work: Work = {
      seq,
      reply,
      deliveries,
      event,
      attempt: 1,
      crashes: 0,
      // What is new comes in order: this was handed out before the server lost count, or the group was made again.
      isRedelivered: seq <= this.#highest && deliveries === 1,
      handlers: undefined,
      note: undefined,
      state: 'read',
      isLost: false,
    }
    this.#highest = Math.max(this.#highest, seq)
    const isTooMuch = this.#inHand.size >= this.#consumer.concurrency
    this.#inHand.set(seq, work)
    try {
      await this.#handle(work, subject, body, isTooMuch)
    } catch (error) {
      // The server hands it out again, since it has not been told what has become of it.
      if (!this.#isAbandoned) this.#report(error)
    }
    this.#inHand.delete(seq)
    this.#endWhenIdle()
    this.#plan()
  }

  async #handle(work: Work, subject: string, body: Uint8Array, isTooMuch: boolean): Promise<void> {
    const fault = this.#read(work, subject, body)
    if (fault === 'other') return this.#answer(work.reply, Answer.ACK)
    if (fault !== undefined)
      return await this.#giveUp(work, `The stored event ${fault}.`, 'EVENTSETS_UNREADABLE')
    if (work.deliveries > 1 || work.isRedelivered) {
      const note = await this.#keep(() => findNote(this.#link, this.group, work.seq, work.event))
      withNote(work, note, this.#settings.maxCrashes)
      if (note?.letters) return await this.#finishOutcome(work, note)
    }
    if (work.crashes >= this.#settings.maxCrashes)
      return await this.#giveUp(work, CRASHED, 'EVENTSETS_CRASHED')
    // Not at once while it is stopping: it would come back here.
    const delayMs = Math.max(await this.#delayOf(work), this.#isStopping ? STOPPING_PAUSE_MS : 0)
    if (this.#isStopping || isTooMuch || delayMs > 0) return await this.#putAside(work, delayMs)
    if (this.#isSuspect(work) && this.#hasSuspectBegun()) return await this.#putAside(work, SUSPECT_PAUSE_MS)
    work.state = 'begun'
    if (this.#isSuspect(work))
      await this.#keep(() => this.#putNote(work, { ...noteOf(work), isTrying: true }))
    const { event, attempt, isRedelivered, handlers } = work
    const outcome = await this.#deliver({ event, attempt, isRedelivered, handlers })
    work.state = 'ended'
    if (!work.isLost) await this.#settle(work, outcome)
  }

  /** Finds the event. Gives why it cannot be read, or `other` when it is for another group. */
  #read(work: Work, subject: string, body: Uint8Array): string | undefined {
    const { names } = this.#link
    if (isAgainSubject(names, subject)) {
      const { value, fault } = readAgain(body)
      if (!value) return fault
      if (value.group !== undefined && value.group !== this.group) return 'other'
      work.event = value.event
      work.handlers = value.handlers
      return undefined
    }
    if (!isEventSubject(names, subject)) return `has the subject ${quote(subject)}`
    const { value, fault } = readEvent(body)
    if (value) work.event = value
    return fault
  }

  /** How long it is still to wait, in milliseconds. */
  async #delayOf({ event: { deliverAt }, note }: Work): Promise<number> {
    // What was tried before is not too early: its first try was not.
    const due = note ? note.dueMs : deliverAt
    if (due === undefined || due <= Date.now() - CLOCKS_DIFFER_MS) return 0
    await this.#keep(() => this.#clock.ask())
    return Math.max(0, due - this.#clock.now())
  }

  #isSuspect({ crashes }: Work): boolean {
    return isSuspect(crashes, this.#settings.maxCrashes)
  }

  #hasSuspectBegun(): boolean {
    return [...this.#inHand.values()].some((work) => work.state !== 'read' && this.#isSuspect(work))
  }

  async #deliver(delivery: Parameters<Consumer['deliver']>[0]): Promise<Outcome> {
    try {
      return await this.#consumer.deliver(delivery)
    } catch (error) {
      // An event that the bus itself cannot handle, such as one with a name that is none.
      const { event, attempt: attempts } = delivery
      this.#tell(error instanceof Error ? error : new Error(textOf(error)))
      const letter = {
        id: randomUUID(),
        event,
        handler: undefined,
        reason: textOf(error),
        attempts,
        time: Date.now(),
      }
      return { deadLetters: [letter] }
    }
  }

  async #settle(work: Work, { retry, deadLetters }: Outcome): Promise<void> {
    if (!retry && deadLetters.length === 0) {
      this.#answer(work.reply, Answer.ACK)
      this.#forgetNote(work)
      return
    }
    const delayMs = retry?.delayMs ?? 0
    const note = (): Note => ({
      ...noteOf(work),
      ...(retry && {
        attempt: retry.attempt,
        handlers: retry.handlers,
        isRedelivered: retry.isRedelivered === true,
      }),
      ...(delayMs > MAX_DELAY_MS && { dueMs: this.#clock.now() + delayMs }),
    })
    if (deadLetters.length > 0) {
      const isDone = retry === undefined
      const letters = deadLetters.map(({ event: _, ...letter }) => letter)
      const outcome: Note = { ...note(), letters, isDone }
      // With this note it has happened, all of it. One that is too large is left out: then the letters may come twice.
      const { maxPayload } = this.#server as Server
      if (fitsNote(outcome, maxPayload)) await this.#keep(() => this.#putNote(work, outcome))
      await this.#keep(() => putLetters(this.#link, deadLetters))
    }
    if (!retry) {
      this.#answer(work.reply, Answer.ACK)
      this.#forgetNote(work)
      return
    }
    await this.#keep(() => this.#putNote(work, note()))
    this.#putOff(work, delayMs)
  }

  /** The process that had it has noted what has become of it, and died before it was all done. */
  async #finishOutcome(
    work: Work,
    { letters = [], isDone, place: _, ...note }: NonNullable<Work['note']>,
  ): Promise<void> {
    const { event } = work
    await this.#keep(() =>
      putLetters(
        this.#link,
        letters.map((letter) => ({ ...letter, event })),
      ),
    )
    if (isDone) {
      this.#answer(work.reply, Answer.ACK)
      this.#forgetNote(work)
      return
    }
    await this.#keep(() => this.#putNote(work, { ...note, deliveries: work.deliveries }))
    this.#putOff(work, 0)
  }

  /** Nobody has begun with it, and nobody will before its time: that is noted, or it would pass for a crash. */
  async #putAside(work: Work, delayMs: number): Promise<void> {
    const dueMs = work.note ? work.note.dueMs : work.event.deliverAt
    await this.#keep(() => this.#putNote(work, { ...noteOf(work), dueMs }))
    this.#putOff(work, delayMs)
  }

  async #putNote(work: Work, note: Note): Promise<void> {
    work.note = await putNote(this.#link, this.group, work.seq, note)
  }

  #putOff({ seq, reply }: Work, wantedMs: number): void {
    const delayMs = Math.min(wantedMs, MAX_DELAY_MS)
    if (delayMs > 0) this.#putBack.set(seq, performance.now() + delayMs)
    this.#answer(reply, Answer.again(delayMs))
  }

  /** It would vanish by itself, later. */
  #forgetNote({ note }: Work): void {
    if (note) dropNote(this.#link, note).catch(() => {})
  }

  async #giveUp(
    work: Work,
    reason: string,
    code: 'EVENTSETS_CRASHED' | 'EVENTSETS_UNREADABLE',
  ): Promise<void> {
    const { event, attempt, handlers } = work
    const letter: DeadLetter = {
      id: randomUUID(),
      event,
      group: this.group,
      handler: handlers?.length === 1 ? handlers[0] : undefined,
      reason,
      attempts: code === 'EVENTSETS_CRASHED' ? work.crashes : attempt,
      time: Date.now(),
    }
    await this.#settle(work, { deadLetters: [letter] })
    const why = code === 'EVENTSETS_CRASHED' ? 'the processes that handled it have died.' : reason
    const message = `The event ${quote(event.name)} (${quote(event.id)}) was given up: ${why}`
    this.#tell(new EventError(message, { code, hint: `It is the dead letter ${quote(letter.id)}.` }))
  }

  /**
   * What the server must be told, or asked, however long that takes: until then the event is in hand, and what is not
   * begun must not pass for something that was.
   */
  async #keep<T>(action: () => Promise<T>): Promise<T> {
    for (let waitMs = FIRST_PAUSE_MS; ; waitMs = Math.min(MAX_PAUSE_MS, waitMs * 2)) {
      try {
        return await action()
      } catch (error) {
        const { kind } = failureOf(error)
        if (this.#isAbandoned || kind === 'closed') throw error
        this.#report(error)
        await pause(waitMs)
      }
    }
  }

  #answer(reply: string, answer: string): void {
    const connection = this.#server?.connection
    if (!connection || this.#isEnded) return
    try {
      connection.publish(reply, answer)
    } catch {
      // The connection is closed, or is being closed. The server finds out by itself, and hands the event out again.
    }
  }

  /** A server that is away is told once a second. */
  #report(error: unknown): void {
    const now = performance.now()
    if (this.#isEnded || now - this.#lastReportMs < 1000) return
    this.#lastReportMs = now
    this.#tell(connectionError(error))
  }

  #tell(error: Error): void {
    try {
      this.#consumer.onError(error)
    } catch {
      // Whoever is told of errors and fails at that cannot be told.
    }
  }

  #isIdle(): boolean {
    return this.#inHand.size === 0 && (this.#pulls?.asked ?? 0) === 0
  }

  #endWhenIdle(): void {
    if (this.#isStopping && this.#isIdle()) this.#end()
  }

  async #untilIdle(deadlineMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.min(deadlineMs, 2 ** 31 - 1))
      this.#onIdle.push(resolve)
    })
    clearTimeout(timer)
  }

  /** Nothing is in hand, and nothing will be; or the backend closes. */
  #end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearInterval(this.#tickTimer)
    clearTimeout(this.#pauseTimer)
    this.#unwatch()
    this.#pulls?.end()
    for (const resolve of this.#onIdle.splice(0)) resolve()
    this.#onEnd()
  }
}

/** What is known of it by now. */
function noteOf({ event, deliveries, attempt, crashes, isRedelivered, handlers }: Work): Note {
  return { eventId: event.id, deliveries, attempt, crashes, isRedelivered, handlers }
}

function madeAgainError(group: string): EventError {
  return new EventError(`The consumer of the group ${quote(group)} was deleted, and is made again.`, {
    code: 'EVENTSETS_CONNECTION',
    hint: 'What had been handed out by then may be handed out once more.',
  })
}

/** Nobody's clock is wrong by more than a day without being told. */
const CLOCKS_DIFFER_MS = 24 * 60 * 60 * 1000
