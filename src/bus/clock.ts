/** Where the bus has its time from. Tests give it one that they turn themselves. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /**
   * Calls back after so many milliseconds; the returned function takes that back. Until then the process is kept alive,
   * since somebody waits, unless it is in the background.
   */
  delay(ms: number, callback: () => void, options?: { readonly isBackground?: boolean }): () => void
  /**
   * The time for an event that is only passed on in this process. Several events may share it: to read the clock takes
   * longer than to handle an event. `now` is asked where it is missing.
   */
  moment?(): Moment
}

/** A time that events share, and their places in it. A number of its own for each would have to be allocated for each. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly time: number
  /** The place that the next event takes: ids of one millisecond sort by it. */
  next: number
  /** When the next place is this one, the moment is over. */
  end: number
}

let latest = 0
let places = 0

/** A moment for so many events. */
export function createMoment(time: number, events: number): Moment {
  // Only so many places can be told apart in an id: they begin anew with each millisecond.
  if (time > latest || places + events > PLACES) places = 0
  latest = Math.max(latest, time)
  const next = places
  places += events
  return { time, next, end: places }
}

/** So many events of one turn of the event loop share a moment. */
const EVENTS_A_MOMENT = 64
/** The sequence in a UUID of version 7 has 12 bits. */
const PLACES = 2 ** 12

/** The clock of the system. */
export function createSystemClock(): Clock {
  let moment = createMoment(0, 0)
  let isEndPlanned = false
  const end = () => {
    moment.end = moment.next
    isEndPlanned = false
  }
  return {
    now: Date.now,
    moment() {
      if (moment.next !== moment.end) return moment
      moment = createMoment(Date.now(), EVENTS_A_MOMENT)
      if (!isEndPlanned) {
        isEndPlanned = true
        setImmediate(end).unref()
      }
      return moment
    },
    delay: createTimerWheel(),
  }
}

/** Timers are kept in slots of so many milliseconds. */
const SLOT_MS = 10
/** A longer delay has a timer of its own: its slot would come round too early. */
const LONGEST_MS = 60_000

/**
 * Timers for many short delays that are nearly always taken back, such as the time a handler may take. One timer of
 * the system serves all of a slot, so that beginning and ending a delay is only putting it into a set.
 */
function createTimerWheel(): Clock['delay'] {
  const slots = new Map<number, Slot>()
  return (ms, callback, { isBackground = false } = NO_OPTIONS) => {
    if (ms > LONGEST_MS || isBackground) {
      return startTimer(ms, callback, isBackground)
    }
    // Never early: the slot ends at or after the moment that is asked for.
    const at = Math.ceil((performance.now() + ms) / SLOT_MS)
    const slot = slots.get(at) ?? openSlot(at, slots)
    if (slot.entries.size === 0) slot.timer.ref()
    // A function of its own, since one callback may be in a slot twice.
    const entry = () => callback()
    slot.entries.add(entry)
    return () => {
      // With nothing in it the slot passes unnoticed, and does not keep the process.
      if (slot.entries.delete(entry) && slot.entries.size === 0) slot.timer.unref()
    }
  }
}

const NO_OPTIONS: NonNullable<Parameters<Clock['delay']>[2]> = {}

interface Slot {
  readonly entries: Set<() => void>
  timer: NodeJS.Timeout
}

function openSlot(at: number, slots: Map<number, Slot>): Slot {
  const ring = () => {
    // A timer of the system may come a little early.
    const leftMs = at * SLOT_MS - performance.now()
    if (leftMs > 0 && slot.entries.size > 0) {
      slot.timer = setTimeout(ring, Math.ceil(leftMs))
      return
    }
    slots.delete(at)
    for (const entry of slot.entries) {
      slot.entries.delete(entry)
      entry()
    }
  }
  const slot: Slot = {
    entries: new Set(),
    timer: setTimeout(ring, Math.ceil(at * SLOT_MS - performance.now())),
  }
  slots.set(at, slot)
  return slot
}

/** What setTimeout can wait for; it takes more for nothing at all. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/** A timer of its own, in several parts where it is longer than one can be. */
function startTimer(ms: number, callback: () => void, isBackground: boolean): () => void {
  let left = ms
  let timer: NodeJS.Timeout
  const wait = () => {
    const part = Math.min(left, MAX_TIMEOUT_MS)
    left -= part
    timer = setTimeout(left > 0 ? wait : callback, part)
    if (isBackground) timer.unref()
  }
  wait()
  return () => clearTimeout(timer)
}
