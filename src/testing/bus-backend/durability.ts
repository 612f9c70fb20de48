import { isDeepStrictEqual } from 'node:util'
import type { BusBackend, Delivery } from '../../bus/backend.ts'
import type { StoredEvent } from '../../bus/event.ts'
import { giveUp } from './dead-letters.ts'
import { read } from './history.ts'
import { gate } from './test-consumer.ts'
import { fail, type Trial, type TrialCase } from './trial.ts'

/** What is stored survives its process. Only of a backend that says so. */
export const durabilityCases: readonly TrialCase[] = [
  { name: 'has what was not handled after it was opened again', run: survive },
  { name: 'has what is to be tried again after it was opened again', run: surviveRetry },
  { name: 'has dead letters and history after it was opened again', run: surviveLetters },
  { name: 'hands to another what a process held that was killed', run: takeOver },
  { name: 'hands back what is in hand when it is closed, and blames it for nothing', run: handBack },
  { name: 'gives up what kills those who handle it, and nothing beside it', run: spareNeighbours },
  { name: 'takes all or none of what a publisher was at that was killed', run: surviveKilledPublisher },
  { name: 'loses nothing when its server is restarted', run: surviveRestart },
]

async function survive(trial: Trial): Promise<void> {
  if (!trial.features.durable) return
  const { features } = trial
  const group = await trial.foundGroup()
  const name = trial.name()
  const events = Array.from({ length: 200 }, (_, n) => trial.event(name, { n }, { key: `key-${n % 4}` }))
  await trial.publish(events)
  const deliverAt = Date.now() + 30
  const later = trial.event(name, { n: 'later' }, { deliverAt })
  if (features.delay) await trial.backend.publish([later])
  let cameAt = 0
  // On a slow machine it may come to the first one already.
  const handle = ({ event }: Delivery) => {
    if (event.id === later.id) cameAt = Date.now()
  }
  const first = await trial.consume({ group, concurrency: 1, handle })
  await trial.untilHandled([first], events.slice(0, 1))
  await first.stop()
  await trial.backend.close()

  const backend = await trial.reopen('durable')
  if (features.deduplication) await trial.publish(events.slice(0, 20), backend)
  const second = await trial.consume({ on: backend, group, handle })
  const all = features.delay ? [...events, later] : events
  await trial.untilHandled([first, second], all)
  await trial.untilIdle(backend)
  trial.expectOnce([first, second], all)
  if (features.delay)
    trial.expect(
      cameAt >= deliverAt - 2,
      `What was published for later came ${deliverAt - cameAt} ms too early.`,
    )
  if (features.ordered)
    trial.expect(isInOrder([...first.deliveries, ...second.deliveries]), 'The order of a key is lost.')
}

function isInOrder(deliveries: readonly { readonly event: StoredEvent }[]): boolean {
  const last = new Map<string, number>()
  return deliveries.every(({ event: { key, data } }) => {
    const { n } = data as { n: unknown }
    if (key === undefined || typeof n !== 'number') return true
    const isNext = n > (last.get(key) ?? -1)
    last.set(key, n)
    return isNext
  })
}

async function surviveRetry(trial: Trial): Promise<void> {
  if (!trial.features.durable) return
  const first = await trial.consume({
    handle: ({ attempt }) => ({ retry: { handlers: ['stock', 'mail'], delayMs: 20, attempt: attempt + 1 } }),
  })
  const events = trial.events(5)
  await trial.publish(events)
  await trial.until(
    () => first.deliveries.length >= 12,
    () => `${first.deliveries.length} of 12 deliveries of failing events have come`,
  )
  await first.stop()
  await trial.backend.close()
  const tries = new Map<string, number>()
  for (const { event, attempt } of first.deliveries)
    tries.set(event.id, Math.max(attempt, tries.get(event.id) ?? 0))

  const backend = await trial.reopen('durable')
  const second = await trial.consume({ on: backend, group: first.group })
  await trial.untilHandled([second], events)
  for (const { event, attempt, handlers } of second.deliveries) {
    const expected = (tries.get(event.id) ?? 0) + 1
    trial.expect(attempt === expected, `Attempt ${expected} comes as ${attempt} after it was opened again.`)
    trial.expect(
      String(handlers) === 'stock,mail',
      `It was for stock and mail, and comes for ${handlers ?? 'all'}.`,
    )
  }
}

async function surviveLetters(trial: Trial): Promise<void> {
  if (!trial.features.durable) return
  const events = trial.events(5)
  const { consumer } = await giveUp(trial, events)
  const letters = await trial.backend.deadLetters.list()
  await consumer.stop()
  await trial.backend.close()

  const backend = await trial.reopen('durable')
  trial.expect(
    isDeepStrictEqual(await backend.deadLetters.list(), letters),
    'The dead letters are not those that there were.',
  )
  if (trial.features.replay)
    trial.expect(
      (await read(backend)).length === 5,
      'It does not replay what was published before it was opened again.',
    )
  const next = await trial.consume({ on: backend, group: consumer.group })
  await backend.deadLetters.replay(letters.map(({ id }) => id))
  await trial.untilHandled([next], events)
}

async function takeOver(trial: Trial): Promise<void> {
  if (!trial.features.takeover) return
  const { startVictim } = trial.subject
  if (!startVictim) throw fail('It says that it has "takeover", so what make() gives needs "startVictim".')
  const group = await trial.foundGroup()
  const events = trial.events(20)
  const victim = await startVictim(group)
  await trial.publish(events)
  await trial.within(victim.holds(1), 'Handing an event to another process')
  await victim.kill()
  const consumer = await trial.consume({ group })
  await trial.untilHandled([consumer], events)
  const again = consumer.deliveries.filter(({ isRedelivered }) => isRedelivered)
  trial.expect(
    again.length === 1,
    `${again.length} deliveries say that they are repetitions, and the process held one.`,
  )
  for (const { attempt } of again)
    trial.expect(attempt === 2, `What was handed over a second time comes as attempt ${attempt}.`)
}

/** So often is more than a process may die over an event, wherever somebody counts that. */
const CLOSES = 5

async function handBack(trial: Trial): Promise<void> {
  if (!trial.features.durable) return
  const group = await trial.foundGroup()
  const events = trial.events(3)
  await trial.publish(events)
  let { backend } = trial
  for (let number = 0; number < CLOSES; number++) {
    const end = gate()
    const consumer = await trial.consume({ on: backend, group, handle: () => end.opened })
    await trial.until(
      () => consumer.inHand === events.length,
      () =>
        `after ${number} times, ${consumer.inHand} of ${events.length} events have been handed over again`,
    )
    await trial.within(backend.close(), 'close() while deliveries are in hand')
    end.open()
    backend = await trial.reopen('durable')
  }
  const last = await trial.consume({ on: backend, group })
  await trial.untilHandled([last], events)
  await trial.untilIdle(backend)
  const { length } = await backend.deadLetters.list()
  trial.expect(
    length === 0,
    `There are ${length} dead letters, and it was only closed while they were in hand.`,
  )
}

/** So many processes are enough for it to be given up. */
const MORTALS = 10

async function spareNeighbours(trial: Trial): Promise<void> {
  const { startMortal } = trial.subject
  if (!startMortal) return
  const group = await trial.foundGroup()
  const lethal = trial.event(trial.name('lethal'), {}, { key: 'lethal' })
  const name = trial.name()
  const innocent = Array.from({ length: 20 }, (_, n) =>
    trial.event(name, { n }, n % 2 ? { key: `key-${n}` } : {}),
  )
  await trial.publish([...innocent.slice(0, 5), lethal, ...innocent.slice(5)])
  const { deadLetters } = trial.backend
  let isGivenUp = false
  for (let number = 0; number < MORTALS && !isGivenUp; number++) {
    const mortal = await startMortal(group, lethal.name)
    let isDead = false
    void mortal.died().then(() => {
      isDead = true
    })
    await trial.untilSo(
      async () => {
        isGivenUp = (await deadLetters.list()).some(({ event }) => event.id === lethal.id)
        return isDead || isGivenUp
      },
      () => 'an event that kills whoever handles it was neither handed over nor given up',
    )
    // Whoever is killed with something in hand has that to blame.
    if (!isDead) await trial.untilIdle()
    await mortal.kill()
  }
  trial.expect(isGivenUp, `${MORTALS} processes have died over an event, and it was not given up.`)
  await trial.consume({ group })
  await trial.untilIdle()
  const others = (await deadLetters.list()).filter(({ event }) => event.id !== lethal.id)
  trial.expect(
    others.length === 0,
    `${others.length} events were given up that were in hand beside the one that killed.`,
  )
}

async function surviveKilledPublisher(trial: Trial): Promise<void> {
  const { startPublisher } = trial.subject
  if (!startPublisher) return
  const [name, size] = [trial.name(), 200]
  const consumer = await trial.consume()
  const publisher = await startPublisher(name, size)
  await trial.within(publisher.published(2), 'Publishing in another process')
  await publisher.kill()
  const counts = () => {
    const byBatch = new Map<number, Set<number>>()
    for (const { event } of consumer.deliveries) {
      const { batch, n } = event.data as { readonly batch: number; readonly n: number }
      byBatch.set(batch, (byBatch.get(batch) ?? new Set()).add(n))
    }
    return [...byBatch.values()].map((numbers) => numbers.size)
  }
  await trial.untilIdle()
  const isWhole = (count: number) => count === size
  // It may be somebody else who brings to its end what was begun.
  await trial.until(
    () => counts().length >= 2 && counts().every(isWhole),
    () =>
      `${counts().find((count) => !isWhole(count)) ?? 0} of ${size} events were taken that were published together`,
  )
}

/** Events are published while it is away, too: what was accepted must arrive. */
async function surviveRestart(trial: Trial): Promise<void> {
  const { restart } = trial.subject
  if (!restart) return
  const consumer = await trial.consume()
  const events = trial.events(300 * trial.scale)
  const accepted: StoredEvent[] = []
  const publishing = publishAll(trial.backend, events, accepted)
  await restart()
  await publishing
  await trial.untilHandled([consumer], accepted)
  trial.expect(accepted.length > 0, 'Nothing could be published.')
}

async function publishAll(
  backend: BusBackend,
  events: readonly StoredEvent[],
  accepted: StoredEvent[],
): Promise<void> {
  for (const event of events) {
    try {
      await backend.publish([event])
      accepted.push(event)
    } catch {
      // It says that it has not taken the event: nobody has been promised anything.
    }
  }
}
