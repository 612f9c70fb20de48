import fc from 'fast-check'

const SEGMENTS = ['a', 'b', 'c']

/** Names of few different segments, so that patterns often match. */
export function nameOf(most: number): fc.Arbitrary<string> {
  return fc
    .array(fc.constantFrom(...SEGMENTS), { minLength: 1, maxLength: most })
    .map((parts) => parts.join('.'))
}

export function patternOf(most: number): fc.Arbitrary<string> {
  return fc
    .array(fc.constantFrom(...SEGMENTS, '*', '**'), { minLength: 1, maxLength: most })
    .map((parts) => parts.join('.'))
}

/** The rule as it is written: slow, and plain to see. */
export function isMatch(pattern: string, name: string): boolean {
  return pattern === '*' || matchSegments(pattern.split('.'), name.split('.'))
}

function matchSegments([want, ...wants]: readonly string[], segments: readonly string[]): boolean {
  if (want === undefined) return segments.length === 0
  if (want === '**')
    return (
      matchSegments(wants, segments) ||
      (segments.length > 0 && matchSegments([want, ...wants], segments.slice(1)))
    )
  const [segment, ...rest] = segments
  return segment !== undefined && (want === '*' || want === segment) && matchSegments(wants, rest)
}

/** A subscription of the model. */
interface Listener {
  readonly pattern: string
  readonly handler: number
  readonly priority: number
  readonly once: boolean
}

/** What a bus is to do, as plain as it can be written. */
export class BusModel {
  readonly calls: string[] = []
  /** In the order of registration. */
  readonly #listeners = new Map<number, Listener>()
  #waiting: { readonly name: string; readonly data: number }[] = []
  #count = 0
  #hasGroup = false
  isPaused = false
  isClosed = false

  get size(): number {
    return this.#listeners.size
  }

  on(listener: Listener): number | undefined {
    if (this.isClosed) return undefined
    this.#hasGroup = true
    this.#listeners.set(this.#count, listener)
    return this.#count++
  }

  end(subscription: number): void {
    this.#listeners.delete(subscription)
  }

  off(pattern: string, handler: number): boolean {
    const normal = (each: string) => (each === '*' ? '**' : each)
    const found = [...this.#listeners].findLast(
      ([, listener]) => normal(listener.pattern) === normal(pattern) && listener.handler === handler,
    )
    if (found) this.#listeners.delete(found[0])
    return found !== undefined
  }

  publish(name: string, data: number): void {
    if (this.isClosed || !this.#hasGroup) return
    this.#waiting.push({ name, data })
    this.#work()
  }

  emit(name: string, data: number): void {
    if (!this.isClosed && !this.isPaused) this.#handle(name, data)
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    this.#work()
  }

  /** Nobody will ever handle what waits for a bus that is paused. */
  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    const left = this.#waiting.splice(0).length
    if (left === 0) return
    this.calls.push(`The bus was closed with ${left === 1 ? 'an event' : `${left} events`} not handled.`)
  }

  #work(): void {
    if (this.isPaused || this.isClosed) return
    for (const { name, data } of this.#waiting.splice(0)) this.#handle(name, data)
  }

  #handle(name: string, data: number): void {
    const matching = [...this.#listeners].filter(([, { pattern }]) => isMatch(pattern, name))
    const sorted = matching.sort(([one, a], [other, b]) => b.priority - a.priority || one - other)
    for (const [subscription, { handler, once }] of sorted) {
      this.calls.push(`${handler} ${name} ${data}`)
      if (once) this.#listeners.delete(subscription)
    }
  }
}
