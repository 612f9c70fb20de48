/** One of the streams of events with a key, as long as this consumer has the lease of it. */
export interface Partition {
  readonly queue: string
  /** `loading`: what was left of it is being taken over. `leaving`: nothing more of it is begun. */
  state: 'loading' | 'reading' | 'leaving' | 'gone'
  /** How far what was left has been taken over. */
  cursor: string
  /** Whether whoever had it before has died with some of it in hand. */
  readonly hasCrashed: boolean
  /** What is held of it here, in any state. */
  held: number
  /** How many of them are being handled. */
  inHand: number
  /** Characters of what is held. */
  size: number
  readonly timers: Set<NodeJS.Timeout>
}

/** So much of a partition is held behind keys that are busy: more is not read. */
const MAX_HELD = 10_000
const MAX_HELD_SIZE = 4_000_000

/** The partitions that a consumer has the leases of. */
export class Partitions {
  readonly #byQueue = new Map<string, Partition>()

  get count(): number {
    return this.#byQueue.size
  }

  /** How many events are held that are not begun, whether their key is free or not. */
  get waiting(): number {
    let waiting = 0
    for (const { held, inHand } of this.#byQueue.values()) waiting += held - inHand
    return waiting
  }

  get(queue: string): Partition | undefined {
    return this.#byQueue.get(queue)
  }

  /** Gives whether it is a new one. */
  add(queue: string, hasCrashed: boolean): boolean {
    if (this.#byQueue.has(queue)) return false
    this.#byQueue.set(queue, createPartition(queue, hasCrashed))
    return true
  }

  /** Those in a state of which more can be held. */
  open(state: 'loading' | 'reading'): Partition[] {
    return this.#all().filter((partition) => partition.state === state && !isFull(partition))
  }

  /** All but those that are still being taken over. */
  loaded(): Partition[] {
    return this.#all().filter(({ state }) => state !== 'loading')
  }

  /** The streams of those of which no more can be held. */
  stalled(): string[] {
    return this.#all()
      .filter(isFull)
      .map(({ queue }) => queue)
  }

  /** Those that can be given back: nothing of them is being handled any more. */
  released(): Partition[] {
    return this.#all().filter(({ state, inHand }) => state === 'leaving' && inHand === 0)
  }

  /** Leaves those beyond a number, first those with the least in hand: others can have them soon. Gives which. */
  leaveBeyond(share: number): Partition[] {
    const kept = this.#all().filter(({ state }) => state !== 'leaving')
    const surplus = kept.sort((a, b) => a.inHand - b.inHand).slice(0, Math.max(0, kept.length - share))
    for (const partition of surplus) partition.state = 'leaving'
    return surplus
  }

  remove(partition: Partition): void {
    close(partition)
    this.#byQueue.delete(partition.queue)
  }

  clear(): void {
    for (const partition of this.#byQueue.values()) close(partition)
    this.#byQueue.clear()
  }

  #all(): Partition[] {
    return [...this.#byQueue.values()]
  }
}

function createPartition(queue: string, hasCrashed: boolean): Partition {
  return { queue, state: 'loading', cursor: '', hasCrashed, held: 0, inHand: 0, size: 0, timers: new Set() }
}

function close(partition: Partition): void {
  partition.state = 'gone'
  for (const timer of partition.timers) clearTimeout(timer)
  partition.timers.clear()
}

function isFull({ held, size }: Partition): boolean {
  return held >= MAX_HELD || size >= MAX_HELD_SIZE
}
