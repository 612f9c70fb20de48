import type { EventSet } from '../core/event-set.ts'
import { oneLine } from './origin.ts'
import { countGlobs, countSegments } from './set-size.ts'

export interface BudgetLimits {
  /** Of all files that are read. */
  readonly bytes: number
  readonly sets: number
  /** Of the names of fields in all sets; see `countSegments`. */
  readonly segments: number
  /** Of all `when`; see `countGlobs`. */
  readonly globs: number
  readonly milliseconds: number
}

const MIB = 1024 * 1024

/** What one plugin may bring, so that it leaves something to the others. */
export const MOST_OF_PLUGIN: BudgetLimits = {
  bytes: 2 * MIB,
  sets: 200,
  segments: 10_000,
  globs: 4000,
  milliseconds: Number.POSITIVE_INFINITY,
}

/** What all plugins of an application may bring together: it waits for them when it starts, and keeps them in memory. */
export const MOST_OF_PLUGINS: BudgetLimits = {
  bytes: 8 * MIB,
  sets: 2000,
  segments: 25_000,
  globs: 10_000,
  milliseconds: 5000,
}

/** Counts what is read, and says when it is enough. */
export class SetBudget {
  readonly #limits: BudgetLimits
  readonly #whole: SetBudget | undefined
  readonly #begunMs = performance.now()
  #bytes = 0
  #sets = 0
  #segments = 0
  #globs = 0
  readonly #leftOut: string[] = []

  /** @param whole The budget that this one is a part of. */
  constructor(limits: BudgetLimits, whole?: SetBudget) {
    this.#limits = limits
    this.#whole = whole
  }

  get isTimeOver(): boolean {
    return performance.now() - this.#begunMs > this.#limits.milliseconds
  }

  /** Whether another file may be read. One that may not is remembered under its name. */
  hasRoom(name: string): boolean {
    const { bytes, sets } = this.#limits
    const isFull = this.#bytes >= bytes || this.#sets >= sets || this.isTimeOver
    if (isFull) this.leaveOut(name)
    return !isFull && this.#whole?.hasRoom(name) !== false
  }

  /** A file has been read, whatever is in it. */
  countFile(bytes: number): void {
    this.#bytes += bytes
    this.#whole?.countFile(bytes)
  }

  /** Whether a set finds room. One that does not is remembered under its name. */
  takeSet(set: EventSet, name: string): boolean {
    const segments = this.#segments + countSegments(set)
    const globs = this.#globs + countGlobs(set)
    if (segments > this.#limits.segments || globs > this.#limits.globs) {
      this.leaveOut(name)
      return false
    }
    if (this.#whole?.takeSet(set, name) === false) return false
    this.#segments = segments
    this.#globs = globs
    this.#sets++
    return true
  }

  leaveOut(name: string): void {
    this.#leftOut.push(name)
  }

  /** What found no room, as a clause: `left out are sets/b.json and 3 more`. */
  describeLeftOut(): string | undefined {
    if (this.#leftOut.length === 0) return undefined
    const more = this.#leftOut.length - MOST_NAMES
    const names = this.#leftOut.slice(0, MOST_NAMES).map((name) => oneLine(name.slice(0, 100)))
    return `left out ${this.#leftOut.length === 1 ? 'is' : 'are'} ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  }

  /** The limits, for people: `2 MiB, 200 sets, 10000 segments of names, 4000 globs`. */
  describeLimits(): string {
    const { bytes, sets, segments, globs, milliseconds } = this.#limits
    const time = Number.isFinite(milliseconds) ? [`${milliseconds / 1000} seconds`] : []
    const counts = [`${sets} sets`, `${segments} segments of names`, `${globs} globs`]
    return [`${bytes / MIB} MiB`, ...counts, ...time].join(', ')
  }
}

/** A line of a problem is cut at a thousand characters. */
const MOST_NAMES = 8
