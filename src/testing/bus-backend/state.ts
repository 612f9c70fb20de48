import type { BackendFeatures } from '../../bus/backend.ts'
import { giveUp } from './dead-letters.ts'
import { gate } from './test-consumer.ts'
import type { Trial, TrialCase } from './trial.ts'

/** What a backend says of itself. */
export const stateCases: readonly TrialCase[] = [
  { name: 'says what it is called and what it can', run: introduce },
  { name: 'says how it is', run: tellHealth },
]

const FEATURES: readonly (keyof BackendFeatures)[] = [
  'durable',
  'ordered',
  'consumerGroups',
  'takeover',
  'replay',
  'delay',
  'deduplication',
  'atomic',
]

async function introduce(trial: Trial): Promise<void> {
  const { backend, features } = trial
  trial.expect(typeof backend.name === 'string' && backend.name !== '', 'It has no name.')
  for (const feature of FEATURES)
    trial.expect(typeof features[feature] === 'boolean', `It does not say whether it has "${feature}".`)
  for (const feature of Object.keys(features))
    trial.expect(FEATURES.includes(feature as keyof BackendFeatures), `There is no feature "${feature}".`)
  const hasReplay = typeof backend.replay === 'function'
  trial.expect(
    hasReplay === features.replay,
    `It says that "replay" is ${features.replay}, and ${hasReplay ? 'has' : 'has not'} the method.`,
  )
  trial.expect(!features.takeover || features.durable, 'It says that it has "takeover", and is not durable.')
}

async function tellHealth(trial: Trial): Promise<void> {
  const { backend } = trial
  const empty = await backend.health()
  trial.expect(empty.status === 'healthy', `It is ${empty.status} before anything has happened.`)
  trial.expect(empty.reasons.length === 0, 'It is healthy, and has reasons why not.')
  const end = gate()
  const consumer = await trial.consume({ concurrency: 2, handle: () => end.opened })
  await trial.publish(trial.events(10))
  await trial.until(
    () => consumer.inHand === 2,
    () => `${consumer.inHand} of 2 hands are full`,
  )
  const busy = await backend.health()
  trial.expect(busy.inFlight === 2, `It says that ${busy.inFlight} events are in hand, and there are 2.`)
  trial.expect(busy.queueDepth === 8, `It says that ${busy.queueDepth} events wait, and there are 8.`)
  trial.expect(busy.lagMs >= 0, `It says that the oldest event has waited ${busy.lagMs} ms.`)
  const group = busy.groups.find(({ name }) => name === consumer.group)
  trial.expect(group !== undefined, 'It says nothing of the group that is at work.')
  trial.expect(
    group?.inFlight === 2 && group.queueDepth === 8 && group.lagMs >= 0,
    `It says of the group that ${group?.inFlight} events are in hand and ${group?.queueDepth} wait, and there are 2 and 8.`,
  )
  end.open()
  await trial.untilIdle()
  await giveUp(trial, trial.events(3))
  const after = await backend.health()
  trial.expect(
    after.deadLetters === 3,
    `It says that there are ${after.deadLetters} dead letters, and there are 3.`,
  )
  trial.expect(
    after.lagMs === 0,
    `Nothing waits, and it says that the oldest event has waited ${after.lagMs} ms.`,
  )
}
