import type { Consumer, Consumption, DeadLetter, Outcome } from './backend.ts'
import type { Clock } from './clock.ts'
import { within } from './deadline.ts'
import { EventError, reasonOf } from './errors.ts'
import { createInterest } from './interest.ts'
import { quote, writeOut } from './quote.ts'
import type { Beat, Consumers } from './sqlite-consumers.ts'
import type { Turns } from './sqlite-turns.ts'
import { CRASHED, type Group, type Work, type WorkQueue } from './sqlite-work.ts'
import { createUuid } from './uuid.ts'

export interface ConsumptionSetting {
  readonly turns: Turns
  readonly queue: WorkQueue
  readonly consumers: Consumers
  readonly clock: Clock
  /** The group of the consumer; made if it is not there. To be called in a transaction. */
  readonly openGroup: () => Group
  readonly consumer: Consumer
  readonly leaseMs: number
  /** Called when others of the group may find something to do. */
  readonly wakeOthers: (group: string) => void
  /** Called now and then. */
  readonly onBeat: () => void
  /** Called when nothing is in hand any more, and nothing will be. */
  readonly onEnd: () => void
}

/** A consumer at work on a SQLite database. */
export interface SqliteConsumption extends Consumption {
  /** Looks whether there is something to do; where a group is named, only if it is of that. */
  wake(group?: string): void
  /** Tells the consumer of what goes wrong. */
  report(error: unknown): void
  /** Gives back what is in hand: the backend closes. */
  abandon(): Promise<void>
}

/** A consumer tells so often in its lease that it lives, and is dead when so many of them have been missed. */
const BEATS_A_LEASE = 4
/** Characters of the events that are being handled at once, but one event may always be. */
const MAX_SIZE_AT_WORK = 64_000_000
const FIRST_PAUSE_MS = 100
const MAX_PAUSE_MS = 10_000

export async function beginConsumption(setting: ConsumptionSetting): Promise<SqliteConsumption> {
  const { turns, queue, consumers, clock, openGroup, consumer, leaseMs, wakeOthers, onBeat, onEnd } = setting
  const interest = createInterest(() => consumer.patterns())
  const inHand = new Set<Work>()
  const seen = new Map<number, { beat: number; missed: number }>()
  const enter = () => {
    const group = openGroup()
    return { group, owner: consumers.enter(group.id) }
  }
  const enterAnew = () => {
    consumers.leave(owner)
    return enter()
  }
  let { group, owner } = await turns.write(enter)
  /** Handlers at work. What they have done may still have to be stored. */
  let busy = 0
  let sizeAtWork = 0
  let isStopped = false
  let isEnded = false
  let isAbandoned = false
  /** Whether there will be a transaction at the end of this turn. */
  let isWriting = false
  let isPumping = false
  let isAgain = false
  let pauseMs = 0
  let hasBeatFailed = false
  /** What the clock is to say at the next sign of life, unless it is set. */
  let beatDue = 0
  /** What waits for the end of this turn to be removed. */
  let finished: { readonly works: Work[]; readonly done: Promise<void> } | undefined
  let cancelDue = () => {}
  /** What the timer is for, and what the clock said when it was begun. */
  let awaited: { readonly due: number; readonly since: number } | undefined
  let cancelBeat = () => {}
  let onIdle: (() => void)[] = []

  const report = (error: unknown) => {
    try {
      consumer.onError(error instanceof Error ? error : new Error(reasonOf(error)))
    } catch {
      // Whoever is told of errors and fails at that cannot be told.
    }
  }
  const tell = (letter: DeadLetter) => {
    const { name, id } = letter.event
    const isCrash = letter.reason === CRASHED
    const message = isCrash
      ? `The event ${quote(name)} (${quote(id)}) was given up: the processes that handled it have died.`
      : `The event ${quote(name)} (${quote(id)}) was given up: ${writeOut(letter.reason)}`
    const hint = `It is the dead letter ${quote(letter.id)}.`
    report(new EventError(message, { code: isCrash ? 'EVENTSETS_CRASHED' : 'EVENTSETS_UNREADABLE', hint }))
  }

  const pump = async () => {
    if (isPumping) {
      isAgain = true
      return
    }
    isPumping = true
    try {
      do {
        isAgain = false
        while (await claimSome());
      } while (isAgain)
      pauseMs = 0
    } catch (error) {
      // The first of a series is told; it may go on for long.
      if (pauseMs === 0 && !isStopped) report(error)
      pauseMs = Math.min(MAX_PAUSE_MS, Math.max(FIRST_PAUSE_MS, pauseMs * 2))
      if (!isStopped) planPump(pauseMs)
    } finally {
      isPumping = false
    }
  }
  const cancelPlan = () => {
    cancelDue()
    awaited = undefined
  }
  const planPump = (delayMs: number) => {
    cancelPlan()
    cancelDue = clock.delay(Math.max(0, delayMs), () => void pump())
  }
  const planDue = (due: number) => {
    const now = clock.now()
    // A timer goes on when the clock is set back, and a new one would take longer by that.
    if (awaited?.due === due && now < awaited.since) return
    cancelDue()
    awaited = { due, since: now }
    cancelDue = clock.delay(Math.max(0, due - now), () => void onDue(due))
  }
  const onDue = async (due: number) => {
    awaited = undefined
    try {
      // A timer may come a little early.
      if (clock.now() < due - 1) await turns.write(() => queue.shortenWaits(group, clock.now(), due))
    } catch {
      // Whatever it is, it is told when the next event is looked for.
    }
    void pump()
  }
  /** Gives whether there may be more. */
  const claimSome = async (): Promise<boolean> => {
    const count = consumer.concurrency - busy
    if (isStopped || count <= 0) return false
    const maxSize = MAX_SIZE_AT_WORK - sizeAtWork
    if (maxSize <= 0) return false
    const search = () => {
      const mayTakeSuspect = ![...inHand].some(({ isSuspect }) => isSuspect)
      return { group, count, maxSize, wants: interest(), mayTakeSuspect, now: clock.now() }
    }
    const isFree = isWriting
    isWriting = false
    // Reading needs no lock, but where something is stored anyway it is as cheap to claim at once.
    const due = isFree ? -1 : await turns.read(() => (queue.hasWork(search()) ? -1 : queue.nextDue(group)))
    if (due !== -1) {
      if (isStopped) return false
      if (due === undefined) cancelPlan()
      else planDue(due)
      return false
    }
    const claimed = await turns.write(() => {
      if (isStopped) return undefined
      // Others may have taken this one for dead, and what it takes under its old number would be taken from it.
      const as = consumers.beatOf(owner) === undefined ? enter() : { group, owner }
      return { ...as, ...queue.claim({ ...search(), ...as }) }
    }, 0)
    if (!claimed) return false
    group = claimed.group
    owner = claimed.owner
    for (const letter of claimed.unreadable) tell(letter)
    if (isStopped) {
      await turns.write(() => queue.handBack(claimed.work))
      wakeOthers(group.name)
      return false
    }
    for (const work of claimed.work) void handle(work)
    return isFree || claimed.hasMore || claimed.work.length > 0
  }

  const handle = async (work: Work) => {
    inHand.add(work)
    busy++
    sizeAtWork += work.size
    const outcome = await deliver(work)
    busy--
    sizeAtWork -= work.size
    const kept = keep(work, outcome)
    // What comes next is claimed in the transaction that keeps the outcome.
    isWriting = true
    void pump()
    await kept
    inHand.delete(work)
    const mayBeMore = work.event.key !== undefined || outcome.retry !== undefined || work.isSuspect
    if (mayBeMore) {
      void pump()
      wakeOthers(group.name)
    }
    if (inHand.size > 0) return
    for (const resolve of onIdle.splice(0)) resolve()
    if (isStopped) await end()
  }
  const deliver = async ({ event, attempt, isRedelivered, handlers }: Work): Promise<Outcome> => {
    try {
      return await consumer.deliver({ event, attempt, isRedelivered, handlers })
    } catch (error) {
      // An event that the bus itself cannot handle, such as one with a name that is none.
      const time = clock.now()
      const letter = {
        id: createUuid(time, 0),
        event,
        handler: undefined,
        reason: reasonOf(error),
        attempts: attempt,
        time,
      }
      report(error)
      return { deadLetters: [letter] }
    }
  }
  /** Stores what has become of something, however long that takes: until then it is in hand. */
  const keep = async (work: Work, outcome: Outcome) => {
    for (let waitMs = FIRST_PAUSE_MS; !isAbandoned; waitMs = Math.min(MAX_PAUSE_MS, waitMs * 2)) {
      try {
        // What is not its own any more, somebody else handles, and what they make of it counts.
        if (outcome.retry || outcome.deadLetters.length > 0)
          await turns.write(() => queue.settle(group, work, outcome, clock.now()))
        else await finish(work)
        return
      } catch (error) {
        if (isAbandoned) return
        if (waitMs === FIRST_PAUSE_MS) report(error)
        await new Promise<void>((resolve) => clock.delay(waitMs, resolve))
      }
    }
  }
  /** All that have been handled in one turn are removed together. */
  const finish = (work: Work): Promise<void> => {
    if (!finished) {
      const works: Work[] = []
      const take = () => {
        if (finished?.works === works) finished = undefined
      }
      const removal = () => {
        take()
        queue.finish(works)
      }
      finished = { works, done: turns.write(removal).finally(take) }
    }
    finished.works.push(work)
    return finished.done
  }

  const beat = async () => {
    try {
      const found = await turns.write(() => {
        const as = consumers.beat(owner) ? { group, owner } : enterAnew()
        const now = clock.now()
        // By how much the clock was set back since the last time, the timer tells.
        const isShortened = queue.shortenWaits(as.group, now, Math.max(now, beatDue))
        const others = consumers.others(as.group.id, as.owner)
        return { ...as, isShortened, others, lost: queue.lost(as.group) }
      }, 0)
      // What came while it had no place is found by nobody else.
      if (found.isShortened || found.owner !== owner) void pump()
      group = found.group
      owner = found.owner
      for (const id of [...findDead(found.others), ...found.lost]) await takeOver(id)
      onBeat()
      hasBeatFailed = false
    } catch (error) {
      if (!isEnded && !hasBeatFailed) report(error)
      hasBeatFailed = true
    }
    if (isEnded) return
    beatDue = clock.now() + leaseMs / BEATS_A_LEASE
    cancelBeat = clock.delay(leaseMs / BEATS_A_LEASE, () => void beat())
  }
  /** Those who have not told that they live for as long as a lease; counted in own beats, so that no clock matters. */
  const findDead = (others: readonly Beat[]): number[] => {
    const dead: number[] = []
    for (const id of seen.keys()) if (!others.some((other) => other.id === id)) seen.delete(id)
    for (const { id, beat } of others) {
      const before = seen.get(id)
      if (before?.beat !== beat) seen.set(id, { beat, missed: 0 })
      else if (++before.missed >= BEATS_A_LEASE) dead.push(id)
    }
    return dead
  }
  const takeOver = async (id: number) => {
    const expected = seen.get(id)?.beat
    const taken = await turns.write(() => {
      if (consumers.beatOf(id) !== expected) return undefined
      consumers.leave(id)
      return queue.takeOver(group, id, clock.now())
    })
    seen.delete(id)
    if (!taken) return
    for (const letter of taken.deadly) tell(letter)
    if (taken.count === 0) return
    void pump()
    wakeOthers(group.name)
  }

  /** Nothing is in hand, and nothing will be. */
  const end = async () => {
    if (isEnded) return
    isEnded = true
    cancelBeat()
    try {
      await turns.write(() => consumers.leave(owner))
    } catch {
      // Others will find that it does not live any more.
    }
    onEnd()
  }

  void pump()
  void beat()
  return {
    wake(name) {
      if (name === undefined || name === group.name) void pump()
    },
    report,
    async stop(deadlineMs) {
      isStopped = true
      cancelDue()
      if (inHand.size === 0) {
        await within(deadlineMs, end(), clock)
        return
      }
      if (deadlineMs === 0) return
      await within(deadlineMs, new Promise<void>((resolve) => onIdle.push(resolve)), clock)
    },
    async abandon() {
      isStopped = true
      isAbandoned = true
      isEnded = true
      cancelDue()
      cancelBeat()
      onIdle = []
      try {
        await turns.write(() => {
          queue.release(group, owner)
          consumers.leave(owner)
        })
        wakeOthers(group.name)
      } catch {
        // Others will find that it does not live any more.
      }
    },
  }
}
