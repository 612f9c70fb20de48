import type { StoredEvent } from '../../bus/event.ts'
import { gate, type TestConsumer } from './test-consumer.ts'
import type { Trial, TrialCase } from './trial.ts'

/** Whoever wants to stop can stop, in every state. */
export const closingCases: readonly TrialCase[] = [
  { name: 'stops a consumer when it has ended with what it has in hand', run: stopAfterHand },
  { name: 'stops a consumer at its deadline, whatever it has in hand', run: stopAtDeadline },
  { name: 'stops a consumer twice without harm', run: stopTwice },
  { name: 'survives consumers that begin and stop at the same time', run: beginAndStop },
  { name: 'drains a group, and tells what is lost', run: drain },
  { name: 'closes twice, and while it is at work', run: close },
  { name: 'takes nothing and serves nobody once it is closed', run: refuseAfterClose },
]

async function stopAfterHand(trial: Trial): Promise<void> {
  const end = gate()
  const consumer = await trial.consume({ concurrency: 2, handle: () => end.opened })
  const events = trial.events(6)
  await trial.publish(events)
  await trial.until(
    () => consumer.inHand === 2,
    () => `${consumer.inHand} of 2 hands are full`,
  )
  let hasStopped = false
  const stopping = consumer.stop(trial.timeoutMs).then(() => {
    hasStopped = true
  })
  await takeTurns()
  trial.expect(!hasStopped, 'stop() has ended while deliveries were in hand, before its deadline.')
  end.open()
  await trial.within(stopping, 'stop()')
  trial.expect(consumer.inHand === 0, 'stop() has ended before what was in hand.')
  trial.expect(
    consumer.deliveries.length === 2,
    `A consumer with 2 hands that was stopped got ${consumer.deliveries.length} events.`,
  )
  const next = await trial.consume({ group: consumer.group })
  await trial.untilHandled([consumer, next], events)
  await trial.untilIdle()
  trial.expectOnce([consumer, next], events)
}

async function takeTurns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function stopAtDeadline(trial: Trial): Promise<void> {
  for (const deadlineMs of [0, 30]) {
    const end = gate()
    const consumer = await trial.consume({ handle: () => end.opened })
    await trial.publish(trial.events(1))
    await trial.until(
      () => consumer.inHand === 1,
      () => 'the event has not been handed over',
    )
    await trial.within(consumer.stop(deadlineMs), `stop(${deadlineMs}) while a delivery never ends`)
    end.open()
  }
}

async function stopTwice(trial: Trial): Promise<void> {
  const consumer = await trial.consume()
  await trial.within(Promise.all([consumer.stop(), consumer.stop()]), 'stop() twice')
  await trial.within(consumer.stop(), 'stop() of a consumer that has stopped')
  const next = await trial.consume({ group: consumer.group })
  const events = trial.events(3)
  await trial.publish(events)
  await trial.untilHandled([next], events)
  trial.expectOnce([next], events)
}

async function beginAndStop(trial: Trial): Promise<void> {
  const group = await trial.foundGroup()
  const events = trial.events(50)
  await trial.publish(events.slice(0, 25))
  const consumers: TestConsumer[] = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const consumer = await trial.consume({ group, handle: takeTurns })
      await consumer.stop()
      return consumer
    }),
  )
  const last = await trial.consume({ group })
  await trial.publish(events.slice(25))
  await trial.untilHandled([...consumers, last], events)
  await trial.untilIdle()
  trial.expectOnce([...consumers, last], events)
}

async function drain(trial: Trial): Promise<void> {
  const consumer = await trial.consume({ concurrency: 1 })
  if (trial.features.durable) {
    trial.expect(
      consumer.consumption.drain === undefined,
      'It says that it is durable, and has drain(), which is for what would be lost.',
    )
    return
  }
  if (!consumer.consumption.drain) return
  const events = trial.events(20)
  await trial.publish(events)
  const lost = await trial.within(consumer.consumption.drain(trial.timeoutMs), 'drain()')
  trial.expect(lost === 0, `drain() says that ${lost} events are lost, and there was time for all.`)
  trial.expectOnce([consumer], events)

  const end = gate()
  const stuck = await trial.consume({ concurrency: 1, handle: () => end.opened })
  await trial.publish(trial.events(5))
  await trial.until(
    () => stuck.inHand === 1,
    () => 'no event has been handed over',
  )
  const left = await trial.within(stuck.consumption.drain?.(20) ?? Promise.resolve(0), 'drain(20)')
  trial.expect(left === 4, `drain() says that ${left} events are lost, and 4 have waited.`)
  end.open()
}

async function close(trial: Trial): Promise<void> {
  const end = gate()
  const consumer = await trial.consume({ concurrency: 1, handle: () => end.opened })
  await trial.publish(trial.events(5))
  await trial.until(
    () => consumer.inHand === 1,
    () => 'no event has been handed over',
  )
  await trial.within(Promise.all([trial.backend.close(), trial.backend.close()]), 'close() twice')
  end.open()
  await takeTurns()
  trial.expect(
    consumer.deliveries.length === 1,
    'A consumer was handed an event by a backend that was closed.',
  )
  await trial.within(trial.backend.close(), 'close() of a backend that is closed')
  await trial.within(consumer.stop(), 'stop() after close()')
}

async function refuseAfterClose(trial: Trial): Promise<void> {
  const [event] = trial.events(1) as [StoredEvent]
  await trial.backend.close()
  const isRefused = async (promise: Promise<unknown>) => {
    try {
      await promise
      return false
    } catch (error) {
      return error instanceof Error
    }
  }
  trial.expect(await isRefused(trial.backend.publish([event])), 'publish() resolves after close().')
  trial.expect(await isRefused(trial.consume({ group: trial.group() })), 'consume() resolves after close().')
}
