/** Whoever takes of the hands. */
export interface HandUser {
  /** Whether it could do with one more at once. */
  wants(): boolean
  /** Others have left some. */
  onFree(): void
}

/** A promise that was not kept for so long keeps the others from nothing: the server of that stream may be away. */
const PROMISE_MS = 1000

/**
 * The hands of a consumer, for all streams that it reads: so many events are handled at once, whichever they are from.
 * Who wants more than others leave has as many as they have, and what does not go into equal parts goes round.
 */
export class HandPool {
  readonly #count: number
  /** Whoever has taken last is last. */
  readonly #shares: HandShare[] = []
  #isTelling = false

  constructor(count: number) {
    this.#count = count
  }

  join(user: HandUser): HandShare {
    const share = new HandShare(this, user)
    this.#shares.push(share)
    return share
  }

  /** Whether there is only one who takes of them. */
  get isUndivided(): boolean {
    return this.#shares.length === 1
  }

  /** How many are neither busy nor promised. */
  get free(): number {
    let free = this.#count
    for (const { used } of this.#shares) free -= used
    return free
  }

  /** How many of them one may take, and leave the others theirs. */
  freeFor(share: HandShare): number {
    let { free } = this
    if (this.isUndivided || free <= 0) return Math.max(0, free)
    const wanting = this.#shares.filter((each) => each === share || each.user.wants())
    const part = Math.floor(this.#count / wanting.length)
    const rest = this.#count % wanting.length
    for (const [turn, each] of wanting.entries())
      if (each !== share) free -= Math.max(0, part + (turn < rest ? 1 : 0) - each.used)
    return Math.max(0, free)
  }

  get hasSuspect(): boolean {
    return this.#shares.some((share) => share.hasSuspect)
  }

  noteTaken(share: HandShare): void {
    if (this.#shares.at(-1) === share) return
    this.#shares.splice(this.#shares.indexOf(share), 1)
    this.#shares.push(share)
  }

  /** At the end of this turn, so that what becomes free together is shared out together. */
  noteFree(): void {
    if (this.isUndivided || this.#isTelling) return
    this.#isTelling = true
    setImmediate(() => {
      this.#isTelling = false
      for (const { user } of [...this.#shares]) if (user.wants()) user.onFree()
    })
  }
}

/** What one stream has of the hands. */
export class HandShare {
  readonly user: HandUser
  readonly #pool: HandPool
  #busy = 0
  #promised = 0
  #promisedMs = 0
  #suspects = 0
  #isSuspectPromised = false

  constructor(pool: HandPool, user: HandUser) {
    this.#pool = pool
    this.user = user
  }

  /** How many it has, those included that are kept for what it has asked for. */
  get used(): number {
    return this.#busy + (this.#isPromiseGood ? this.#promised : 0)
  }

  /** How many more it may take. */
  get free(): number {
    return this.#pool.freeFor(this)
  }

  /** Whether others have taken what was kept for it, so that what comes has to wait. */
  get isSpent(): boolean {
    return !this.#pool.isUndivided && this.#pool.free <= 0
  }

  /** Whether it has one in hand that has seen a process die, or is about to. */
  get hasSuspect(): boolean {
    return this.#suspects > 0 || (this.#isSuspectPromised && this.#isPromiseGood)
  }

  /** Whether one may be begun that has seen a process die: there is none yet, and none may come. */
  get mayBeginSuspect(): boolean {
    return !this.#pool.hasSuspect
  }

  take(): void {
    this.#busy++
    this.#pool.noteTaken(this)
  }

  giveBack(): void {
    this.#busy--
    this.#pool.noteFree()
  }

  promise(count: number, mayBeSuspect: boolean): void {
    if (this.#promised > count) this.#pool.noteFree()
    this.#promised = count
    this.#isSuspectPromised = mayBeSuspect
    if (count === 0) return
    this.#promisedMs = performance.now()
    this.#pool.noteTaken(this)
  }

  noteSuspects(count: number): void {
    if (count < this.#suspects) this.#pool.noteFree()
    this.#suspects = count
  }

  get #isPromiseGood(): boolean {
    return this.#pool.isUndivided || performance.now() - this.#promisedMs < PROMISE_MS
  }
}
