import { isDeepStrictEqual } from 'node:util'
import type { StoredEvent } from '../../bus/event.ts'
import { listSome, quote } from '../conformance-case.ts'
import { gate, type TestConsumer } from './test-consumer.ts'
import type { Trial, TrialCase } from './trial.ts'

/** What is published is handed over: all of it, once, as it was. */
export const deliveryCases: readonly TrialCase[] = [
  { name: 'hands over every event once', run: handOverAll },
  { name: 'hands over events as they were published', run: keepWhatIsPublished },
  { name: 'hands over data of a MiB', run: keepLargeData },
  { name: 'takes no events at all without a word', run: takeNothing },
  { name: 'takes all or none of what is published together', run: takeAllOrNone },
  { name: 'hands over what the patterns of a consumer match, and mixes up no names', run: separateNames },
  { name: 'hands a consumer no more than it has hands for, and no less', run: fillHands },
  { name: 'lets all consumers of a group have their share', run: share },
  { name: 'loses nothing between many publishers and many consumers', run: crowd },
  { name: 'gives every group all events', run: serveGroups },
  { name: 'lets no group wait for another', run: isolateGroups },
  { name: 'serves groups whatever they are called', run: serveAnyGroup },
  { name: 'keeps for a group what comes while nobody consumes', run: keepForGroup },
  { name: 'works off a large backlog', run: workOff },
  { name: 'goes on when something is stored that is no event', run: survivePoison },
]

export async function handOverAll(trial: Trial): Promise<void> {
  const consumer = await trial.consume()
  const events = trial.events(100 * trial.scale)
  for (const event of events) await trial.backend.publish([event])
  await trial.untilHandled([consumer], events)
  await trial.untilIdle()
  trial.expectOnce([consumer], events)
  await consumer.stop()
  const count = consumer.deliveries.length
  const next = await trial.consume({ group: consumer.group })
  const more = trial.events(3)
  await trial.publish(more)
  await trial.untilHandled([next], more)
  trial.expect(consumer.deliveries.length === count, 'A consumer that had stopped was handed an event.')
}

/** Data as they are hardest to keep. */
const HOSTILE_DATA: readonly unknown[] = [
  null,
  true,
  '',
  0,
  -0.1,
  1e308,
  Number.MAX_SAFE_INTEGER,
  [],
  {},
  [[[{}]]],
  'a\u0000b\u001f\u007f\u2028\u2029',
  'Zażółć 漢字 🦜 ‏שלום',
  '\ud800 alone',
  `'";--$1?:x\\`,
  { '': 1, 'a.b': 2, toString: 3, constructor: null },
  JSON.parse('{"__proto__":{"admin":true},"id":1}'),
  { nested: { list: [1, 'two', { three: [null, false] }] } },
]

async function keepWhatIsPublished(trial: Trial): Promise<void> {
  const consumer = await trial.consume()
  const name = trial.name()
  const key = 'k\u00fc\u2028 "key"'
  const events = [
    ...HOSTILE_DATA.map((data) => trial.event(name, data)),
    trial.event(name, 'all that can be said', {
      source: 'shop/♥',
      time: 1,
      correlationId: 'c-1',
      causationId: 'c-0',
      key,
      priority: -7,
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      depth: 3,
    }),
    trial.event(name, undefined),
    trial.event(`${trial.name('漢字')}.__proto__.constructor`, 'a name like any other'),
  ]
  await trial.publish(events)
  await trial.untilHandled([consumer], events)
  const received = new Map(consumer.deliveries.map(({ event }) => [event.id, event]))
  for (const event of events) {
    const changed = changedKeys(event, received.get(event.id) ?? ({} as StoredEvent))
    trial.expect(
      changed.length === 0,
      `It changes ${changed.join(', ')} of an event with the data ${quote(JSON.stringify(event.data))}.`,
    )
  }
}

function changedKeys(event: StoredEvent, received: StoredEvent): string[] {
  const keys = new Set([...Object.keys(event), ...Object.keys(received)])
  return [...keys].filter(
    (key) => !isDeepStrictEqual(event[key as keyof StoredEvent], received[key as keyof StoredEvent]),
  )
}

async function keepLargeData(trial: Trial): Promise<void> {
  const consumer = await trial.consume()
  const text = 'ünïcödé '.repeat(2 ** 17)
  const event = trial.event(trial.name(), { text })
  await trial.backend.publish([event])
  await trial.untilHandled([consumer], [event])
  const data = consumer.deliveries[0]?.event.data as { text?: string } | undefined
  trial.expect(data?.text === text, 'The data are not what they were.')
}

async function takeNothing(trial: Trial): Promise<void> {
  const consumer = await trial.consume()
  await trial.backend.publish([])
  const [event] = trial.events(1) as [StoredEvent]
  await trial.backend.publish([event])
  await trial.untilHandled([consumer], [event])
  trial.expectOnce([consumer], [event])
}

/** Whoever cannot keep one of them is to keep none. */
async function takeAllOrNone(trial: Trial): Promise<void> {
  const consumer = await trial.consume()
  const name = trial.name()
  const together = [0, 1n, 2].map((n) => trial.event(name, { n }, { key: `key-${n}` }))
  const isTaken = await trial.backend.publish(together).then(
    () => true,
    () => false,
  )
  const after = trial.events(1)
  await trial.publish(after)
  await trial.untilHandled([consumer], isTaken ? [...together, ...after] : after)
  await trial.untilIdle()
  const ids = new Set(consumer.deliveries.map(({ event }) => event.id))
  const count = together.filter(({ id }) => ids.has(id)).length
  trial.expect(
    count === (isTaken ? together.length : 0),
    `It has ${isTaken ? 'taken' : 'refused'} ${together.length} events that were published together, and handed over ${count} of them.`,
  )
}

export async function separateNames(trial: Trial): Promise<void> {
  const names = Array.from({ length: 20 }, (_, index) => trial.name(`part.${index}`))
  const consumers = await Promise.all(
    names.map((name) => trial.consume({ patterns: [name.replace(/\.part\..*$/, '.**')] })),
  )
  const events = names.map((name) => trial.events(10 * trial.scale, name))
  await Promise.all(
    Array.from({ length: 10 * trial.scale }, (_, n) =>
      Promise.all(events.map((list) => trial.backend.publish([list[n] as StoredEvent]))),
    ),
  )
  for (const [index, consumer] of consumers.entries()) {
    const own = events[index] as StoredEvent[]
    await trial.untilHandled([consumer], own)
    const ofName = consumer.deliveries.filter(({ event }) => event.name === names[index])
    const isRight = ofName.every(({ event }) => isDeepStrictEqual(event.data, findById(own, event.id)?.data))
    trial.expect(isRight, 'An event has the data of another one.')
  }
}

function findById(events: readonly StoredEvent[], id: string): StoredEvent | undefined {
  return events.find((event) => event.id === id)
}

async function fillHands(trial: Trial): Promise<void> {
  for (const concurrency of [1, 3]) {
    const end = gate()
    const consumer = await trial.consume({ concurrency, handle: () => end.opened })
    const events = trial.events(12)
    await trial.publish(events)
    await trial.until(
      () => consumer.mostInHand >= concurrency,
      () => `a consumer with ${concurrency} hands has had ${consumer.mostInHand} deliveries in hand at most`,
    )
    // One that hands over too much has every opportunity.
    for (let turn = 0; turn < 20; turn++) await takeTurn()
    end.open()
    await trial.untilHandled([consumer], events)
    await consumer.stop()
    trial.expect(
      consumer.mostInHand === concurrency,
      `A consumer with ${concurrency} hands was handed ${consumer.mostInHand} events at once: nothing is handled before the promise of deliver() has settled.`,
    )
  }
}

/** Nobody ends before all have something in hand: it takes all of them. */
async function share(trial: Trial): Promise<void> {
  const group = trial.group()
  const allBusy = gate()
  const consumers: TestConsumer[] = []
  for (let number = 0; number < 4; number++)
    consumers.push(await trial.consume({ group, concurrency: 1, handle: () => allBusy.opened }))
  const events = trial.events(4)
  await trial.publish(events)
  const busy = () => consumers.filter(({ inHand }) => inHand > 0).length
  await trial.until(
    () => busy() === 4,
    () => `only ${busy()} of 4 consumers of a group have been handed one of 4 events`,
  )
  allBusy.open()
  await trial.untilHandled(consumers, events)
  trial.expectOnce(consumers, events)
}

export async function crowd(trial: Trial): Promise<void> {
  const group = trial.group()
  const consumers: TestConsumer[] = []
  for (let number = 0; number < 10; number++) consumers.push(await trial.consume({ group, handle: takeTurn }))
  const events = trial.events(1000 * trial.scale)
  const publishers = Array.from({ length: 50 }, async (_, publisher) => {
    for (let n = publisher; n < events.length; n += 50)
      await trial.backend.publish([events[n] as StoredEvent])
  })
  await trial.within(Promise.all(publishers), 'Publishing with 50 publishers')
  await trial.untilHandled(consumers, events)
  await trial.untilIdle()
  trial.expectOnce(consumers, events)
}

async function takeTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

export async function serveGroups(trial: Trial): Promise<void> {
  if (!trial.features.consumerGroups) return
  const consumers = [await trial.consume(), await trial.consume(), await trial.consume()]
  const events = trial.events(50 * trial.scale)
  await trial.publish(events)
  for (const consumer of consumers) {
    await trial.untilHandled([consumer], events)
    trial.expectOnce([consumer], events)
  }
}

async function isolateGroups(trial: Trial): Promise<void> {
  if (!trial.features.consumerGroups) return
  const end = gate()
  const stuck = await trial.consume({ concurrency: 1, handle: () => end.opened })
  const other = await trial.consume()
  const events = trial.events(50)
  await trial.publish(events)
  await trial.untilHandled([other], events)
  trial.expect(stuck.deliveries.length <= 1, 'A consumer with one hand was handed more.')
  end.open()
  await trial.untilHandled([stuck], events)
  trial.expectOnce([stuck], events)
}

/** Names that are hard to keep apart, or to make a key, a subject or a file of. */
const HOSTILE_GROUPS: readonly string[] = [
  'a b',
  'a:b',
  'a.b',
  'a_b',
  '{a}',
  '{a}:b',
  'a/b',
  'a\nb',
  '*',
  '>',
  "a'b",
  'ä🦜',
  '__proto__',
  'x'.repeat(1000),
]

async function serveAnyGroup(trial: Trial): Promise<void> {
  if (!trial.features.consumerGroups) return
  const consumers: TestConsumer[] = []
  for (const group of HOSTILE_GROUPS) consumers.push(await trial.consume({ group }))
  const events = trial.events(3)
  await trial.publish(events)
  for (const consumer of consumers) {
    await trial.untilHandled([consumer], events)
    trial.expectOnce([consumer], events)
  }
  const known = (await trial.backend.health()).groups.map(({ name }) => name)
  const missing = HOSTILE_GROUPS.filter((group) => !known.includes(group))
  trial.expect(missing.length === 0, `health() does not know the groups ${listSome(missing.map(quote))}.`)
  await trial.untilIdle()
}

/** Each consumer takes a part, and leaves. */
async function keepForGroup(trial: Trial): Promise<void> {
  const group = await trial.foundGroup()
  const events = trial.events(200 * trial.scale)
  await trial.publish(events)
  const consumers: TestConsumer[] = []
  for (let part = 0; part < 5; part++) {
    const isLast = part === 4
    const enough = gate()
    const consumer = await trial.consume({
      group,
      concurrency: 5,
      handle: (_, { deliveries }) => {
        if (deliveries.length >= 20) enough.open()
      },
    })
    consumers.push(consumer)
    if (isLast) await trial.untilHandled(consumers, events)
    else await trial.within(enough.opened, 'Handing over the next part')
    await consumer.stop()
  }
  trial.expectOnce(consumers, events)
}

async function workOff(trial: Trial): Promise<void> {
  const group = await trial.foundGroup()
  const events = trial.events(2000 * trial.scale)
  for (let at = 0; at < events.length; at += 100) await trial.publish(events.slice(at, at + 100))
  const { queueDepth } = await trial.backend.health()
  trial.expect(
    queueDepth === events.length,
    `health() says that ${queueDepth} of ${events.length} events wait.`,
  )
  const consumer = await trial.consume({ group })
  await trial.untilHandled([consumer], events)
  await trial.untilIdle()
  trial.expectOnce([consumer], events)
}

/** Whoever can write to the store can write anything. */
async function survivePoison(trial: Trial): Promise<void> {
  const { poison } = trial.subject
  if (!poison) return
  const consumer = await trial.consume()
  const [before, after] = [trial.events(3), trial.events(3)]
  await trial.publish(before)
  await poison()
  await trial.publish(after)
  await trial.untilHandled([consumer], [...before, ...after])
  await trial.untilIdle()
  const { deadLetters } = await trial.backend.health()
  trial.expect(
    consumer.errors.length > 0 || deadLetters > 0,
    'Nobody was told of it: neither onError() nor a dead letter.',
  )
}
