import type { DeadLetter } from 'eventsets/bus'
import type { Work } from './work.ts'

/** What the server is still to be told, all in one call. */
export class Settlements {
  /** By stream. */
  readonly acks: Record<string, string[]> = {}
  readonly letters: (readonly string[])[] = []
  readonly forget: string[] = []
  readonly tries: unknown[] = []
  readonly backs: (readonly [queue: string, id: string, isSuspect: 0 | 1])[] = []
  readonly loaded: string[] = []
  /** Called when it is done. */
  readonly #settled: (() => void)[] = []
  #count = 0

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** It has been handled. */
  acknowledge(work: Pick<Work, 'queue' | 'id' | 'hasTries'>): void {
    this.#count++
    const ids = this.acks[work.queue] ?? []
    ids.push(work.id)
    this.acks[work.queue] = ids
    if (work.hasTries) this.forget.push(`${work.queue}/${work.id}`)
  }

  /** It is to be tried again; without a key by whoever is first. */
  noteRetry(work: Work, delayMs: number): void {
    this.#noteTries(work, work.isRedelivered ? 1 : 0, Math.ceil(delayMs), work.partition === undefined)
  }

  /** It has seen a process die, and may have been the reason. */
  noteCrash(work: Work): void {
    this.#noteTries(work, 1, 0, false)
  }

  /** It is about to be begun, and should the process die, it is to blame. */
  noteBegin(work: Work): void {
    this.#noteTries(work, 2, 0, false)
  }

  #noteTries(work: Work, redelivered: 0 | 1 | 2, delayMs: number, isWaiting: boolean): void {
    this.#count++
    work.hasTries = true
    const { queue, id, attempt, crashes, handlers } = work
    const list = handlers === undefined ? '' : JSON.stringify(handlers)
    this.tries.push([queue, id, attempt, redelivered, crashes, delayMs, list, isWaiting ? 1 : 0])
  }

  /** Nobody has begun with it, and nobody here will. */
  giveBack({ queue, id }: Work, isSuspect: boolean): void {
    this.#count++
    this.backs.push([queue, id, isSuspect ? 1 : 0])
  }

  file({ event, ...letter }: DeadLetter): void {
    this.#count++
    this.letters.push([letter.id, JSON.stringify(letter), JSON.stringify(event)])
  }

  /** The same with the event as it is stored, whatever that is. */
  fileStored(
    { event: _, ...letter }: DeadLetter,
    { queue, id, handlers }: Pick<Work, 'queue' | 'id' | 'handlers'>,
  ): void {
    this.#count++
    this.letters.push([letter.id, JSON.stringify({ ...letter, handlers }), '', queue, id])
  }

  /** What was left of a partition has been taken over, and noted. */
  noteLoaded(queue: string): void {
    this.#count++
    this.loaded.push(queue)
  }

  whenSettled(callback: () => void): void {
    this.#settled.push(callback)
  }

  settle(): void {
    for (const callback of this.#settled.splice(0)) callback()
  }
}
