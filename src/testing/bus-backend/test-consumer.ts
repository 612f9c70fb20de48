import type { BusBackend, Consumer, Consumption, Delivery, Outcome } from '../../bus/backend.ts'

export interface ConsumeOptions {
  /** One that nobody has had unless given. */
  readonly group?: string | undefined
  /** 10 unless given. */
  readonly concurrency?: number | undefined
  /** Every event of the case unless given. */
  readonly patterns?: readonly string[] | undefined
  /** What is done about a delivery: nothing unless given. What it gives is the outcome; nothing is success. */
  readonly handle?: ((delivery: Delivery, consumer: TestConsumer) => unknown) | undefined
  /** The backend under test unless given. */
  readonly on?: BusBackend | undefined
}

interface Settings extends ConsumeOptions {
  readonly group: string
  readonly onChange: () => void
  /** Whether an event is of this case. */
  readonly isOwn: (name: string) => boolean
}

/** A consumer that remembers what it was handed. */
export class TestConsumer implements Consumer {
  readonly group: string
  readonly concurrency: number
  /** What it was handed, in that order. */
  readonly deliveries: Delivery[] = []
  readonly errors: Error[] = []
  /** How many deliveries it had in hand at once, at most. */
  mostInHand = 0
  inHand = 0
  readonly #settings: Settings
  readonly #handledIds: string[] = []
  #consumption: Consumption | undefined

  constructor(settings: Settings) {
    this.#settings = settings
    this.group = settings.group
    this.concurrency = settings.concurrency ?? 10
  }

  /** The ids of the events it has ended with, and which are not to be tried again. */
  get handledIds(): readonly string[] {
    return this.#handledIds
  }

  async begin(backend: BusBackend): Promise<void> {
    this.#consumption = await backend.consume(this)
  }

  patterns(): readonly string[] {
    return this.#settings.patterns ?? ['*']
  }

  async deliver(delivery: Delivery): Promise<Outcome> {
    if (!this.#settings.isOwn(delivery.event.name)) return { deadLetters: [] }
    this.deliveries.push(delivery)
    this.inHand++
    this.mostInHand = Math.max(this.mostInHand, this.inHand)
    this.#settings.onChange()
    const outcome = (await this.#settings.handle?.(delivery, this)) as Partial<Outcome> | undefined
    const { retry, deadLetters = [] } = outcome ?? {}
    this.inHand--
    if (!retry) this.#handledIds.push(delivery.event.id)
    this.#settings.onChange()
    return { retry, deadLetters }
  }

  onError(error: Error): void {
    this.errors.push(error)
    this.#settings.onChange()
  }

  get consumption(): Consumption {
    if (!this.#consumption) throw new Error('It has not begun.')
    return this.#consumption
  }

  async stop(deadlineMs = 10_000): Promise<void> {
    await this.#consumption?.stop(deadlineMs)
  }
}

/** A promise that is settled from outside. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}
