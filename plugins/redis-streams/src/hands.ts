import type { HandShare } from './hand-pool.ts'
import type { Work } from './work.ts'

/** Characters of what is in hand at once; one event always may be. */
const MAX_SIZE = 64_000_000

/** What a consumer is at work on, and how much more it can take. */
export class Hands {
  readonly #share: HandShare
  readonly #maxCount: number
  readonly #works = new Set<Work>()
  /** In hand, but the server is told before they are begun. */
  readonly #announced = new Set<Work>()
  #size = 0
  #suspects = 0
  /** How many hands are kept free for what was asked for. */
  #promised = 0
  /** How many of those are still to come that hands were kept for. */
  #kept = 0

  /**
   * @param share What it has of the hands: they are busy with handlers at work, those included whose events were taken
   * away.
   * @param maxCount How many may be in hand, those included that have been handled, and the server is still to be told.
   */
  constructor(share: HandShare, maxCount: number) {
    this.#share = share
    this.#maxCount = maxCount
  }

  /** How many events are in hand. */
  get count(): number {
    return this.#works.size
  }

  /** How many more may be begun. */
  get free(): number {
    if (this.#size > MAX_SIZE) return 0
    const room = this.#maxCount - this.#works.size - this.#promised
    return Math.max(0, Math.min(this.#share.free, room))
  }

  /** Whether what has come may be begun: hands were kept for it, and others have not taken them, or there are more. */
  get mayBegin(): boolean {
    return (this.#kept > 0 && !this.#share.isSpent) || this.free > 0
  }

  /**
   * Keeps so many hands free, until the next call of this.
   *
   * @param mayBeSuspect Whether one of what comes may have seen a process die.
   */
  promise(count: number, mayBeSuspect = false): void {
    this.#kept = count === 0 ? this.#promised : 0
    this.#promised = count
    this.#share.promise(count, mayBeSuspect)
  }

  /** Whether one may be begun that has seen a process die: there is none yet, and none may come. */
  get mayBeginSuspect(): boolean {
    return this.#share.mayBeginSuspect
  }

  all(): Work[] {
    return [...this.#works]
  }

  take(work: Work): void {
    this.#works.add(work)
    this.#kept = Math.max(0, this.#kept - 1)
    this.#share.take()
    this.#size += work.body.length
    if (isSuspect(work)) this.#share.noteSuspects(++this.#suspects)
  }

  announce(work: Work): void {
    this.#announced.add(work)
  }

  noteAnnounced(work: Work): void {
    this.#announced.delete(work)
  }

  /** Its handlers have ended, or will not begin. Until the server knows, it counts as in hand. */
  noteEnd(work: Work): void {
    this.#share.giveBack()
    this.#size -= work.body.length
  }

  /** The server knows what has become of it. */
  release(work: Work): void {
    if (this.#works.delete(work) && isSuspect(work)) this.#share.noteSuspects(--this.#suspects)
  }

  /** All of it was taken away. Gives what has not been begun. */
  lose(): Work[] {
    const unbegun = [...this.#announced]
    this.#announced.clear()
    for (const work of this.#works) work.isLost = true
    this.#works.clear()
    this.#suspects = 0
    this.#share.noteSuspects(0)
    this.promise(0)
    return unbegun
  }
}

/** What has seen a process die is handled one at a time: then it is known who is to blame, should it happen again. */
export function isSuspect({ crashes }: Work): boolean {
  return crashes > 0
}
