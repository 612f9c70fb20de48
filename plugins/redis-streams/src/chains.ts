import type { Partition } from './partitions.ts'
import type { Work } from './work.ts'

/** Events of one key: one of them is at work or waits for its next try, the others come after it. */
interface Chain {
  readonly waiting: Work[]
  partition: Partition | undefined
}

/** Keeps events of one key one behind another. */
export class Chains {
  readonly #chains = new Map<string, Chain>()
  /** Keys whose handlers are at work. */
  readonly #running = new Set<string>()

  /** Puts an event at the end of its key. Gives whether the key was free, so that its turn has come. */
  join(work: Work, partition: Partition): boolean {
    const key = work.chain
    const chain = this.#chains.get(key)
    if (!chain) {
      this.#chains.set(key, { waiting: [], partition })
      return true
    }
    chain.partition = partition
    chain.waiting.push(work)
    return false
  }

  /** Whether nothing that is still ours comes before it; the key may be busy with what was taken away. */
  isFirst(work: Work): boolean {
    const chain = this.#chains.get(work.chain)
    return !chain || (chain.partition === undefined && chain.waiting.length === 0)
  }

  /** The event is done with: gives the next one of its key. */
  next(work: Work): Work | undefined {
    const key = work.chain
    const next = this.#chains.get(key)?.waiting.shift()
    if (!next) this.#chains.delete(key)
    return next
  }

  noteBegin(work: Work): void {
    this.#running.add(work.chain)
  }

  noteEnd(work: Work): void {
    this.#running.delete(work.chain)
  }

  /** What waits behind another event of its key. */
  waiting(): Work[] {
    return [...this.#chains.values()].flatMap((chain) => chain.waiting)
  }

  forget(partition: Partition): void {
    for (const [key, chain] of this.#chains) if (chain.partition === partition) this.#chains.delete(key)
  }

  /** A key whose handler is still running here stays closed, so that it does not run twice at once. */
  lose(): void {
    for (const [key, chain] of this.#chains) {
      chain.waiting.length = 0
      chain.partition = undefined
      if (!this.#running.has(key)) this.#chains.delete(key)
    }
  }
}

/** Keys are apart by stream: what somebody else has put into another one does not come in between. */
export function chainOf(queue: string, key: string | undefined): string {
  return `${queue}/${key ?? ''}`
}
