import { AssertionError } from 'node:assert'
import { randomUUID } from 'node:crypto'
import type { BackendFeatures, BusBackend } from '../../bus/backend.ts'
import type { StoredEvent } from '../../bus/event.ts'
import { expectNone } from '../conformance-case.ts'
import type { BackendUnderTest, BusBackendConformanceOptions, MakeBackend } from './subject.ts'
import { type ConsumeOptions, TestConsumer } from './test-consumer.ts'

/** One case at work: a backend, and what a case needs to try it. */
export class Trial {
  readonly subject: BackendUnderTest
  readonly scale: number
  /** What the names of its events begin with. */
  readonly #prefix = `t${randomUUID().slice(0, 8)}`
  readonly #timeoutMs: number
  readonly #backends: BusBackend[]
  readonly #watchers = new Set<() => void>()
  readonly #problems: string[] = []

  constructor(subject: BackendUnderTest, { timeoutMs = 15_000, scale = 1 }: BusBackendConformanceOptions) {
    this.subject = subject
    this.scale = scale
    this.#timeoutMs = timeoutMs
    this.#backends = [subject.backend]
  }

  get backend(): BusBackend {
    return this.subject.backend
  }

  get features(): BackendFeatures {
    return this.backend.features
  }

  get timeoutMs(): number {
    return this.#timeoutMs
  }

  /** Another case on the same backend: neither sees the events of the other. */
  fork(): Trial {
    return new Trial(this.subject, { timeoutMs: this.#timeoutMs, scale: this.scale })
  }

  /** A name that nobody has had: `t5f0c1a2b.91d3e0ff.event`. */
  name(last = 'event'): string {
    return `${this.#prefix}.${randomUUID().slice(0, 8)}.${last}`
  }

  group(): string {
    return `group-${randomUUID().slice(0, 8)}`
  }

  event(name: string, data: unknown = {}, options: Partial<StoredEvent> = {}): StoredEvent {
    const id = randomUUID()
    return {
      id,
      name,
      data,
      source: 'conformance',
      time: Date.now(),
      correlationId: id,
      priority: 50,
      ...options,
    }
  }

  /** Events whose data are their numbers, from 0. */
  events(count: number, name = this.name(), options: Partial<StoredEvent> = {}): StoredEvent[] {
    return Array.from({ length: count }, (_, n) => this.event(name, { n }, options))
  }

  /** Publishes events together; where some have to be published one by one, those of a key in their order. */
  async publish(events: readonly StoredEvent[], backend = this.backend): Promise<void> {
    if (backend.features.atomic) return await backend.publish(events)
    const byKey = new Map<string | undefined, StoredEvent[]>()
    for (const event of events) byKey.set(event.key, [...(byKey.get(event.key) ?? []), event])
    const oneByOne = async (list: readonly StoredEvent[]) => {
      for (const event of list) await backend.publish([event])
    }
    await Promise.all([...byKey.values()].map(oneByOne))
  }

  async consume(options: ConsumeOptions = {}): Promise<TestConsumer> {
    const { group = this.group(), on: backend = this.backend } = options
    const consumer = new TestConsumer({
      patterns: [`${this.#prefix}.**`],
      ...options,
      group,
      onChange: this.#changed,
      isOwn: (name) => name.startsWith(`${this.#prefix}.`),
    })
    await consumer.begin(backend)
    return consumer
  }

  /** A group that exists, so that events are kept for it, without anybody who consumes. */
  async foundGroup(backend = this.backend): Promise<string> {
    const consumer = await this.consume({ on: backend })
    await consumer.stop()
    return consumer.group
  }

  /** What a process would see that opens the backend now. */
  async reopen(feature: keyof BackendFeatures): Promise<BusBackend> {
    const { reopen } = this.subject
    if (!reopen) throw fail(`It says that it has "${feature}", so what make() gives needs "reopen".`)
    const backend = await reopen()
    this.#backends.push(backend)
    return backend
  }

  /** Waits until something is so, without looking more often than something happens. */
  async until(isSo: () => boolean, describe: () => string): Promise<void> {
    if (isSo()) return
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer)
        this.#watchers.delete(look)
        settle()
      }
      const look = () => {
        if (isSo()) end(resolve)
      }
      const timer = setTimeout(
        () => end(() => reject(fail(`After ${this.#timeoutMs} ms ${describe()}.`))),
        this.#timeoutMs,
      )
      this.#watchers.add(look)
    })
  }

  /** The same where nobody tells that something has happened: it is looked again and again. */
  async untilSo(isSo: () => Promise<boolean>, describe: () => string): Promise<void> {
    const end = performance.now() + this.#timeoutMs
    while (!(await isSo())) {
      if (performance.now() > end) throw fail(`After ${this.#timeoutMs} ms ${describe()}.`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** Waits until consumers have been handed these events, and have ended with them. */
  async untilHandled(consumers: readonly TestConsumer[], events: readonly StoredEvent[]): Promise<void> {
    const left = new Set(events.map(({ id }) => id))
    const seen = consumers.map(() => 0)
    const isDone = () => {
      // What was looked at once is not looked at again: there may be thousands.
      for (const [index, { handledIds }] of consumers.entries())
        for (; (seen[index] as number) < handledIds.length; seen[index] = (seen[index] as number) + 1)
          left.delete(handledIds[seen[index] as number] as string)
      return left.size === 0
    }
    await this.until(isDone, () => `${left.size} of ${events.length} events have not been handed over`)
  }

  /** Waits until the backend says that nothing waits and nothing is in hand. */
  async untilIdle(backend = this.backend): Promise<void> {
    const end = performance.now() + this.#timeoutMs
    for (;;) {
      const { queueDepth, inFlight } = await backend.health()
      if (queueDepth === 0 && inFlight === 0) return
      if (performance.now() > end)
        throw fail(
          `After ${this.#timeoutMs} ms health() says that ${queueDepth} events wait and ${inFlight} are in hand.`,
        )
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  /** Waits for what must come to an end. */
  async within<T>(promise: Promise<T>, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const over = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(fail(`${what} has not ended after ${this.#timeoutMs} ms.`)),
        this.#timeoutMs,
      )
    })
    try {
      return await Promise.race([promise, over])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Notes what is wrong; the case goes on, so that all of it can be told. */
  expect(isRight: boolean, problem: string): void {
    if (!isRight) this.#problems.push(problem)
  }

  /** Each of the events has been handed to these consumers once. What says of itself that it is a repetition does not count. */
  expectOnce(consumers: readonly TestConsumer[], events: readonly StoredEvent[]): void {
    const counts = new Map<string, number>()
    for (const consumer of consumers) {
      for (const { event, attempt, isRedelivered } of consumer.deliveries)
        if (attempt === 1 && !isRedelivered) counts.set(event.id, (counts.get(event.id) ?? 0) + 1)
    }
    const known = new Set(events.map(({ id }) => id))
    const missing = events.filter(({ id }) => !counts.has(id)).length
    const doubled = events.filter(({ id }) => (counts.get(id) ?? 0) > 1).length
    const strangers = [...counts.keys()].filter((id) => !known.has(id)).length
    this.expect(missing === 0, `${missing} of ${events.length} events were not handed over.`)
    this.expect(doubled === 0, `${doubled} of ${events.length} events were handed over more than once.`)
    this.expect(strangers === 0, `${strangers} events were handed over that were not for this group.`)
  }

  /** What was noted is told with the rest. */
  add({ problems }: Trial): void {
    this.#problems.push(...problems)
  }

  get problems(): readonly string[] {
    return this.#problems
  }

  /** @throws AssertionError with everything that was noted. */
  end(): void {
    expectNone(this.#problems, `The backend "${this.backend.name}"`)
  }

  async close(): Promise<void> {
    await Promise.all(this.#backends.map((backend) => backend.close().catch(() => {})))
    await this.subject.dispose?.()
  }

  readonly #changed = (): void => {
    for (const look of [...this.#watchers]) look()
  }
}

export function fail(message: string): AssertionError {
  return new AssertionError({ message, stackStartFn: fail })
}

export interface TrialCase {
  readonly name: string
  readonly run: (trial: Trial) => Promise<void>
}

/** Makes a backend, tries it, and puts everything away. A rejection that nobody handles is a failure too. */
export async function runTrial(
  make: MakeBackend,
  options: BusBackendConformanceOptions,
  run: TrialCase['run'],
): Promise<void> {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', note)
  try {
    const made = await make()
    const trial = new Trial('backend' in made ? made : { backend: made }, options)
    try {
      await run(trial).catch((error) => {
        // What was noted before it came to its end may well be the reason.
        if (trial.problems.length === 0 || !(error instanceof AssertionError)) throw error
        trial.expect(false, error.message)
      })
      await new Promise((resolve) => setImmediate(resolve))
      for (const reason of unhandled)
        trial.expect(false, `A rejection that nobody handles: ${String(reason)}.`)
      trial.end()
    } finally {
      await trial.close()
    }
  } finally {
    process.off('unhandledRejection', note)
  }
}
