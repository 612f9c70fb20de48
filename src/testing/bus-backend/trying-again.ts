import type { Delivery, RetryOrder } from '../../bus/backend.ts'
import type { StoredEvent } from '../../bus/event.ts'
import type { TestConsumer } from './test-consumer.ts'
import type { Trial, TrialCase } from './trial.ts'

/** What has failed comes back, when it was asked for. */
export const tryingAgainCases: readonly TrialCase[] = [
  { name: 'hands over again what is to be tried again, as the outcome says', run: tryAgain },
  {
    name: 'does not hand over again before the delay is over, and does the rest meanwhile',
    run: waitForRetry,
  },
  { name: 'never gives up by itself', run: tryOften },
  { name: 'loses nothing when consumers fail, and leave', run: failAndLeave },
  { name: 'hands over what is published for later, and not before', run: deliverLater },
]

export async function tryAgain(trial: Trial): Promise<void> {
  const orders: readonly RetryOrder[] = [
    { handlers: ['mail', 'stock'], delayMs: 5, attempt: 2, isRedelivered: true },
    { handlers: ['stock'], delayMs: 0, attempt: 3 },
    // Those that have waited begin with their first failure.
    { handlers: ['later'], delayMs: 0, attempt: 2 },
  ]
  const consumer = await trial.consume({
    handle: (_, { deliveries }) => {
      const retry = orders[deliveries.length - 1]
      return retry ? { retry } : undefined
    },
  })
  const events = trial.events(1)
  await trial.publish(events)
  await trial.untilHandled([consumer], events)
  const expected = [{ handlers: undefined, attempt: 1, isRedelivered: false }, ...orders]
  for (const [index, { handlers, attempt, isRedelivered = false }] of expected.entries()) {
    const delivery = consumer.deliveries[index]
    trial.expect(
      delivery?.attempt === attempt,
      `Delivery ${index + 1} has the attempt ${delivery?.attempt}, and ${attempt} was asked for.`,
    )
    trial.expect(
      delivery?.isRedelivered === isRedelivered,
      `Delivery ${index + 1} has isRedelivered ${delivery?.isRedelivered}, and ${isRedelivered} was asked for.`,
    )
    trial.expect(
      String(delivery?.handlers) === String(handlers),
      `Delivery ${index + 1} is for ${delivery?.handlers ?? 'all handlers'}, and ${handlers ?? 'all handlers'} was asked for.`,
    )
    trial.expect(delivery?.event.id === events[0]?.id, `Delivery ${index + 1} is of another event.`)
  }
  trial.expect(
    consumer.deliveries.length === 4,
    `There were ${consumer.deliveries.length} deliveries, not 4.`,
  )
}

/** Clocks and timers may differ by that, in milliseconds. */
const TOLERANCE_MS = 2

async function waitForRetry(trial: Trial): Promise<void> {
  const delayMs = 60
  let failedAt = 0
  let cameBackAt = 0
  const [late, ...others] = trial.events(20) as [StoredEvent, ...StoredEvent[]]
  const consumer = await trial.consume({
    handle: ({ event, attempt }) => {
      if (event.id !== late.id) return undefined
      if (attempt === 1) failedAt = performance.now()
      else cameBackAt = performance.now()
      return attempt === 1 ? { retry: { handlers: ['slow'], delayMs, attempt: 2 } } : undefined
    },
  })
  await trial.backend.publish([late])
  await trial.until(
    () => failedAt > 0,
    () => 'the event has not been handed over',
  )
  await trial.publish(others)
  await trial.untilHandled([consumer], [late, ...others])
  trial.expect(
    cameBackAt - failedAt >= delayMs - TOLERANCE_MS,
    `It was handed over again after ${Math.round(cameBackAt - failedAt)} ms, and ${delayMs} ms were asked for.`,
  )
  const order = consumer.deliveries.map(({ event, attempt }) => (event.id === late.id ? attempt : 0))
  trial.expect(
    order.indexOf(0) < order.indexOf(2),
    'Events that were ready have waited for one that was not.',
  )
}

async function tryOften(trial: Trial): Promise<void> {
  const times = 30
  const consumer = await trial.consume({
    handle: ({ attempt }) =>
      attempt < times ? { retry: { handlers: ['stubborn'], delayMs: 0, attempt: attempt + 1 } } : undefined,
  })
  const events = trial.events(1)
  await trial.publish(events)
  await trial.untilHandled([consumer], events)
  const { length } = consumer.deliveries.filter(({ isRedelivered }) => !isRedelivered)
  trial.expect(length === times, `It was handed over ${length} times, and ${times} were asked for.`)
}

async function failAndLeave(trial: Trial): Promise<void> {
  const group = await trial.foundGroup()
  const events = trial.events(50 * trial.scale)
  await trial.publish(events)
  const failing: TestConsumer[] = []
  for (let number = 0; number < 3; number++) {
    const consumer = await trial.consume({
      group,
      handle: ({ attempt }) => ({ retry: { handlers: ['broken'], delayMs: 0, attempt: attempt + 1 } }),
    })
    failing.push(consumer)
    await trial.until(
      () => consumer.deliveries.length >= 100,
      () => `only ${consumer.deliveries.length} of 100 deliveries of failing events have come`,
    )
    await consumer.stop()
  }
  const last = await trial.consume({ group })
  await trial.untilHandled([last], events)
  const letters = await trial.backend.deadLetters.list()
  trial.expect(letters.length === 0, 'There are dead letters, and nobody has given anything up.')
}

async function deliverLater(trial: Trial): Promise<void> {
  const deliverAt = Date.now() + 60
  const [now] = trial.events(1) as [StoredEvent]
  const late = trial.event(now.name, {}, { deliverAt })
  const later = trial.event(now.name, {}, { deliverAt: deliverAt + 30 })
  const past = trial.event(now.name, {}, { deliverAt: Date.now() - 1000 })
  const times = new Map<string, number>()
  const consumer = await trial.consume({
    handle: ({ event }: Delivery) => void times.set(event.id, Date.now()),
  })
  if (!trial.features.delay) {
    const isRefused = await trial.backend.publish([late]).then(
      () => false,
      () => true,
    )
    trial.expect(isRefused, 'It does not say that it has "delay", and takes an event for later all the same.')
    return
  }
  await trial.backend.publish([late])
  await trial.publish([later, now])
  await trial.backend.publish([past])
  // On a slow disk they may all have become ready while they were being published.
  const isInTime = Date.now() < deliverAt
  await trial.untilHandled([consumer], [late, later, past, now])
  for (const [event, time] of [
    [late, deliverAt],
    [later, deliverAt + 30],
  ] as const) {
    const earlyMs = time - (times.get(event.id) ?? 0)
    trial.expect(
      earlyMs <= TOLERANCE_MS,
      `An event that was published for later came ${earlyMs} ms too early.`,
    )
  }
  const last = consumer.deliveries.slice(-2).map(({ event }) => event.id)
  trial.expect(
    !isInTime || String(last) === String([late.id, later.id]),
    'Events that were ready have waited for one that was not.',
  )
  trial.expectOnce([consumer], [late, later, past, now])
}
