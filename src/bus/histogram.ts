/** Steps in which each doubling is counted: a percentile is off by a sixteenth at most. */
const STEPS = 8
/** A microsecond; what is shorter counts as that. */
const LEAST_MS = 0.001
const BUCKETS = 40 * STEPS

/** Durations, counted in buckets that grow with them: percentiles without keeping each one. */
export class Histogram {
  // Made with the first duration: most handlers never have one measured.
  #counts: Uint32Array | undefined
  #count = 0
  #sum = 0
  #max = 0

  get count(): number {
    return this.#count
  }

  /** Milliseconds. */
  get sum(): number {
    return this.#sum
  }

  get max(): number {
    return this.#max
  }

  record(ms: number): void {
    this.#counts ??= new Uint32Array(BUCKETS)
    const bucket = ms <= LEAST_MS ? 0 : Math.min(BUCKETS - 1, Math.round(Math.log2(ms / LEAST_MS) * STEPS))
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#count++
    this.#sum += ms
    if (ms > this.#max) this.#max = ms
  }

  /** Takes in what another one has counted. */
  add(other: Histogram): void {
    if (!other.#counts) return
    this.#counts ??= new Uint32Array(BUCKETS)
    for (const [bucket, count] of other.#counts.entries())
      this.#counts[bucket] = (this.#counts[bucket] as number) + count
    this.#count += other.#count
    this.#sum += other.#sum
    this.#max = Math.max(this.#max, other.#max)
  }

  /** How many durations did not exceed that. A sixteenth more or less is taken for the same. */
  countUpTo(ms: number): number {
    if (!this.#counts) return 0
    let total = 0
    for (const [bucket, count] of this.#counts.entries()) {
      if (LEAST_MS * 2 ** (bucket / STEPS) > ms) break
      total += count
    }
    return total
  }

  /** The duration that so many of a hundred do not exceed, in milliseconds; 0 when there are none. */
  percentile(percent: number): number {
    if (!this.#counts) return 0
    let left = Math.ceil((this.#count * percent) / 100)
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count
      if (left <= 0) return Math.min(LEAST_MS * 2 ** (bucket / STEPS), this.#max)
    }
    return this.#max
  }
}
