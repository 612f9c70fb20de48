import type { StoredEvent } from '../../bus/event.ts'
import { type ConsumeOptions, gate } from './test-consumer.ts'
import type { Trial, TrialCase } from './trial.ts'

/** Events of one key come one after another. Only of a backend that says so. */
export const orderCases: readonly TrialCase[] = [
  { name: 'hands over events of one key one after another', run: (trial) => keepOrder(trial, () => false) },
  {
    name: 'keeps the order of a key when events are tried again',
    run: (trial) => keepOrder(trial, (n) => n % 7 === 3),
  },
  { name: 'keeps the order of a key while consumers come and go', run: rebalance },
  { name: 'lets no key wait for another', run: isolateKeys },
]

export async function keepOrder(trial: Trial, failsFirst: (n: number) => boolean): Promise<void> {
  if (!trial.features.ordered) return
  const group = trial.group()
  const watch = new KeyWatch()
  const consumers = []
  for (let number = 0; number < 4; number++)
    consumers.push(await trial.consume({ group, handle: watch.handler(failsFirst) }))
  const events = keyedEvents(trial, 16, 20 * trial.scale)
  for (let at = 0; at < events.length; at += 10) await trial.publish(events.slice(at, at + 10))
  await trial.untilHandled(consumers, events)
  watch.tell(trial)
}

async function rebalance(trial: Trial): Promise<void> {
  if (!trial.features.ordered) return
  const group = trial.group()
  const watch = new KeyWatch()
  const handle = watch.handler((n) => n % 11 === 5)
  const all = [await trial.consume({ group, handle })]
  let present = [...all]
  const events = keyedEvents(trial, 10, 30 * trial.scale)
  const step = Math.ceil(events.length / 6)
  for (const [index, count] of [1, 3, 5, 4, 2, 1].entries()) {
    while (present.length < count) {
      const consumer = await trial.consume({ group, handle })
      all.push(consumer)
      present.push(consumer)
    }
    const leaving = present.slice(count)
    present = present.slice(0, count)
    const part = events.slice(index * step, (index + 1) * step)
    await Promise.all([trial.publish(part), ...leaving.map((consumer) => consumer.stop())])
  }
  await trial.untilHandled(all, events)
  watch.tell(trial)
}

async function isolateKeys(trial: Trial): Promise<void> {
  if (!trial.features.ordered) return
  const end = gate()
  const name = trial.name()
  const stuck = trial.events(5, name, { key: 'stuck' })
  const free = trial.events(20, name, { key: 'free' })
  const consumer = await trial.consume({
    handle: ({ event }) => (event.key === 'stuck' ? end.opened : undefined),
  })
  await trial.publish([...stuck, ...free])
  await trial.untilHandled([consumer], free)
  const begun = consumer.deliveries.filter(({ event }) => event.key === 'stuck').length
  trial.expect(begun === 1, `${begun} events of one key were handed over at once.`)
  end.open()
  await trial.untilHandled([consumer], stuck)
}

/** Events of several keys in turn; each has its place in its key. */
function keyedEvents(trial: Trial, keys: number, each: number): StoredEvent[] {
  const name = trial.name()
  return Array.from({ length: keys * each }, (_, index) =>
    trial.event(name, { n: Math.floor(index / keys) }, { key: `key-${index % keys}` }),
  )
}

/** Watches what happens under each key. */
class KeyWatch {
  readonly #last = new Map<string, number>()
  readonly #busy = new Set<string>()
  readonly #problems = new Set<string>()

  handler(failsFirst: (n: number) => boolean): ConsumeOptions['handle'] {
    return async ({ event, attempt, isRedelivered }) => {
      const key = String(event.key)
      const { n } = event.data as { n: number }
      if (this.#busy.has(key)) this.#problems.add('Two events of one key were in hand at once.')
      this.#busy.add(key)
      await new Promise((resolve) => setImmediate(resolve))
      this.#busy.delete(key)
      if (failsFirst(n) && attempt === 1)
        return { retry: { handlers: ['moody'], delayMs: n % 3, attempt: 2 } }
      const last = this.#last.get(key) ?? -1
      // What is handed over again after a consumer has gone may have been handled before.
      if (n !== last + 1 && !(isRedelivered && n <= last))
        this.#problems.add(`Event ${n} of a key was handled after event ${last}.`)
      this.#last.set(key, Math.max(n, last))
      return undefined
    }
  }

  tell(trial: Trial): void {
    for (const problem of [...this.#problems].slice(0, 5)) trial.expect(false, problem)
  }
}
