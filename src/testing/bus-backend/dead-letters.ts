import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { BusBackend, DeadLetter, Outcome } from '../../bus/backend.ts'
import type { StoredEvent } from '../../bus/event.ts'
import type { TestConsumer } from './test-consumer.ts'
import type { Trial, TrialCase } from './trial.ts'

/** What is given up is kept, and can be handed over again. */
export const deadLetterCases: readonly TrialCase[] = [
  { name: 'keeps what is given up, with all that was said about it', run: keepLetters },
  { name: 'keeps what is given up while the rest is tried again', run: keepBoth },
  { name: 'lists dead letters, the oldest first, by pattern and not more than asked for', run: listLetters },
  { name: 'drops dead letters', run: dropLetters },
  { name: 'hands a dead letter that is replayed to its handler, and to no other group', run: replayLetters },
  { name: 'keeps and replays letters that no delivery has led to', run: addLetters },
]

export function letterOf(event: StoredEvent, more: Partial<DeadLetter> = {}): DeadLetter {
  const time = 1_700_000_000_000
  return { id: randomUUID(), event, handler: 'mail', reason: 'no route', attempts: 3, time, ...more }
}

/** A consumer that gives up everything it is handed for the first time. */
export async function giveUp(
  trial: Trial,
  events: readonly StoredEvent[],
  backend: BusBackend = trial.backend,
): Promise<{ readonly consumer: TestConsumer; readonly letters: readonly DeadLetter[] }> {
  const letters: DeadLetter[] = []
  const consumer = await trial.consume({
    on: backend,
    concurrency: 1,
    handle: ({ event, handlers }, { group }): Partial<Outcome> => {
      if (handlers !== undefined) return {}
      const letter = letterOf(event, { group, handler: `handler of ${letters.length}`, time: letters.length })
      letters.push(letter)
      return { deadLetters: [letter] }
    },
  })
  for (const event of events) {
    await backend.publish([event])
    await trial.untilHandled([consumer], [event])
  }
  await trial.untilIdle(backend)
  return { consumer, letters }
}

async function keepLetters(trial: Trial): Promise<void> {
  const event = trial.event(trial.name(), { deep: ['ä', null] }, { key: 'k', priority: 75, depth: 2 })
  const { letters } = await giveUp(trial, [event])
  const [kept] = await trial.backend.deadLetters.list()
  const [letter] = letters
  for (const key of Object.keys(letter ?? {}) as (keyof DeadLetter)[])
    trial.expect(isDeepStrictEqual(kept?.[key], letter?.[key]), `It does not keep "${key}" of a dead letter.`)
  const found = letter && (await trial.backend.deadLetters.get(letter.id))
  trial.expect(isDeepStrictEqual(found, kept), 'get() gives something else than list().')
  const { deadLetters } = await trial.backend.health()
  trial.expect(
    deadLetters === 1,
    `health() says that there are ${deadLetters} dead letters, and there is one.`,
  )
}

async function keepBoth(trial: Trial): Promise<void> {
  const consumer = await trial.consume({
    handle: ({ event, attempt }) =>
      attempt === 1
        ? { retry: { handlers: ['stock'], delayMs: 0, attempt: 2 }, deadLetters: [letterOf(event)] }
        : undefined,
  })
  const events = trial.events(1)
  await trial.publish(events)
  await trial.untilHandled([consumer], events)
  await trial.untilIdle()
  const { length } = await trial.backend.deadLetters.list()
  trial.expect(length === 1, `There are ${length} dead letters, and one was given.`)
  const [, again] = consumer.deliveries
  trial.expect(String(again?.handlers) === 'stock', 'What was to be tried again was not.')
}

async function listLetters(trial: Trial): Promise<void> {
  const [one, two] = [trial.name('one'), trial.name('two')]
  const events = [one, two, one, two, one].map((name) => trial.event(name))
  await giveUp(trial, events)
  const ids = async (query?: Parameters<BusBackend['deadLetters']['list']>[0]) =>
    (await trial.backend.deadLetters.list(query)).map(({ event }) =>
      events.findIndex(({ id }) => id === event.id),
    )
  const expect = (found: readonly number[], wanted: readonly number[], what: string) =>
    trial.expect(String(found) === String(wanted), `${what} gives the letters ${found}, not ${wanted}.`)
  expect(await ids(), [0, 1, 2, 3, 4], 'list()')
  expect(await ids({ limit: 2 }), [0, 1], 'list({ limit: 2 })')
  expect(await ids({ pattern: one }), [0, 2, 4], 'list({ pattern }) with a name')
  expect(await ids({ pattern: two.replace(/^[^.]+/, '*'), limit: 1 }), [1], 'list({ pattern, limit: 1 })')
  expect(await ids({ pattern: trial.name() }), [], 'list({ pattern }) with another name')
}

async function dropLetters(trial: Trial): Promise<void> {
  const { deadLetters } = trial.backend
  const { letters } = await giveUp(trial, trial.events(2))
  const [first, second] = letters as [DeadLetter, DeadLetter]
  trial.expect((await deadLetters.drop(first.id)) === true, 'drop() does not say that there was a letter.')
  trial.expect(
    (await deadLetters.drop(first.id)) === false,
    'drop() says that there was a letter, after it was dropped.',
  )
  trial.expect((await deadLetters.get(first.id)) === undefined, 'A letter that was dropped is still there.')
  const left = (await deadLetters.list()).map(({ id }) => id)
  trial.expect(String(left) === second.id, 'drop() has dropped another letter.')
}

async function replayLetters(trial: Trial): Promise<void> {
  const { deadLetters } = trial.backend
  const events = trial.events(3)
  const other = await trial.consume()
  const { consumer, letters } = await giveUp(trial, events)
  await trial.untilHandled([other], events)
  const ids = letters.slice(0, 2).map(({ id }) => id)
  const count = await deadLetters.replay([...ids, ids[0] as string, randomUUID()])
  trial.expect(count === 2, `replay() of two letters says that there were ${count}.`)
  await trial.until(
    () => consumer.deliveries.filter(({ handlers }) => handlers).length >= 2,
    () => 'letters that were replayed have not been handed over',
  )
  await trial.untilIdle()
  const again = consumer.deliveries.slice(3)
  trial.expect(again.length === 2, `Two letters that were replayed were handed over ${again.length} times.`)
  for (const { event, handlers, attempt } of again) {
    const letter = letters.find((each) => each.event.id === event.id)
    trial.expect(
      String(handlers) === letter?.handler,
      `A letter of ${letter?.handler} was handed to ${handlers ?? 'all handlers'}.`,
    )
    trial.expect(attempt === 1, `A letter that is replayed begins with attempt ${attempt}.`)
    trial.expect(isDeepStrictEqual(event, letter?.event), 'Its event is not what it was.')
  }
  const left = (await deadLetters.list()).map(({ id }) => id)
  trial.expect(
    String(left) === letters[2]?.id,
    'Letters that were replayed are still there, or another one is not.',
  )
  trial.expect(other.deliveries.length === 3, 'A letter was handed to another group.')
}

async function addLetters(trial: Trial): Promise<void> {
  const { deadLetters } = trial.backend
  const [mine, other] = [await trial.consume(), await trial.consume()]
  const [forOne, forAll] = trial.events(2) as [StoredEvent, StoredEvent]
  await deadLetters.add([
    letterOf(forOne, { group: mine.group, handler: 'mail' }),
    letterOf(forAll, { handler: undefined }),
  ])
  const letters = await deadLetters.list()
  trial.expect(letters.length === 2, `There are ${letters.length} letters after two were added.`)
  const count = await deadLetters.replay(letters.map(({ id }) => id))
  trial.expect(count === 2, `replay() of two letters says that there were ${count}.`)
  await trial.untilHandled([mine], [forOne, forAll])
  if (trial.features.consumerGroups) await trial.untilHandled([other], [forAll])
  await trial.untilIdle()
  trial.expect(
    other.deliveries.every(({ event }) => event.id === forAll.id),
    'A letter was handed to another group.',
  )
  const toAll = mine.deliveries.find(({ event }) => event.id === forAll.id)
  trial.expect(toAll?.handlers === undefined, 'A letter without a handler was not handed to all of them.')
}
