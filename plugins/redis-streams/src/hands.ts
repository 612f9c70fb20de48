import type { Work } from './work.ts'

/** Characters of what is in hand at once; one event always may be. */
const MAX_SIZE = 64_000_000

/** What a consumer is at work on, and how much more it can take. */
export class Hands {
  readonly #concurrency: number
  readonly #works = new Set<Work>()
  /** In hand, but the server is told before they are begun. */
  readonly #announced = new Set<Work>()
  /** Handlers at work, those included whose events were taken away. */
  #busy = 0
  #size = 0
  #suspects = 0
  /** How many hands are kept free for what was asked for. */
  #promised = 0
  #isSuspectPromised = false

  constructor(concurrency: number) {
    this.#concurrency = concurrency
  }

  /** How many events are in hand. */
  get count(): number {
    return this.#works.size
  }

  /** How many more may be begun. */
  get free(): number {
    return this.#size > MAX_SIZE ? 0 : Math.max(0, this.#concurrency - this.#busy - this.#promised)
  }

  /**
   * Keeps so many hands free, until the next call of this.
   *
   * @param mayBeSuspect Whether one of what comes may have seen a process die.
   */
  promise(count: number, mayBeSuspect = false): void {
    this.#promised = count
    this.#isSuspectPromised = mayBeSuspect
  }

  /** Whether one may be begun that has seen a process die: there is none yet, and none may come. */
  get mayBeginSuspect(): boolean {
    return this.#suspects === 0 && !this.#isSuspectPromised
  }

  all(): Work[] {
    return [...this.#works]
  }

  take(work: Work): void {
    this.#works.add(work)
    this.#busy++
    this.#size += work.body.length
    if (isSuspect(work)) this.#suspects++
  }

  announce(work: Work): void {
    this.#announced.add(work)
  }

  noteAnnounced(work: Work): void {
    this.#announced.delete(work)
  }

  /** Its handlers have ended, or will not begin. Until the server knows, it counts as in hand. */
  noteEnd(work: Work): void {
    this.#busy--
    this.#size -= work.body.length
  }

  /** The server knows what has become of it. */
  release(work: Work): void {
    if (this.#works.delete(work) && isSuspect(work)) this.#suspects--
  }

  /** All of it was taken away. Gives what has not been begun. */
  lose(): Work[] {
    const unbegun = [...this.#announced]
    this.#announced.clear()
    for (const work of this.#works) work.isLost = true
    this.#works.clear()
    this.#suspects = 0
    this.promise(0)
    return unbegun
  }
}

/** What has seen a process die is handled one at a time: then it is known who is to blame, should it happen again. */
export function isSuspect({ crashes }: Work): boolean {
  return crashes > 0
}
