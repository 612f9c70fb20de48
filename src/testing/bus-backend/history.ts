import type { BusBackend, ReplayQuery } from '../../bus/backend.ts'
import type { StoredEvent } from '../../bus/event.ts'
import type { Trial, TrialCase } from './trial.ts'

/** What was published can be read again, and publishing it again is nothing new. */
export const historyCases: readonly TrialCase[] = [
  { name: 'replays what was published, the oldest first', run: replayAll },
  { name: 'replays by time, by pattern, and after an event', run: replaySome },
  { name: 'ends a replay when its signal is aborted, or its reader leaves', run: endReplay },
  { name: 'does not hand over an event again that is published again', run: deduplicate },
]

export async function read(backend: BusBackend, query: ReplayQuery = {}): Promise<StoredEvent[]> {
  const events: StoredEvent[] = []
  for await (const event of backend.replay?.(query) ?? []) events.push(event)
  return events
}

async function replayAll(trial: Trial): Promise<void> {
  if (!trial.features.replay) return
  const events = trial.events(250 * trial.scale)
  for (let at = 0; at < events.length; at += 50) await trial.publish(events.slice(at, at + 50))
  const found = await read(trial.backend)
  trial.expect(found.length === events.length, `It replays ${found.length} of ${events.length} events.`)
  const isOrdered = found.every(({ id }, index) => id === events[index]?.id)
  trial.expect(isOrdered, 'It replays events in another order than they were published in.')
}

async function replaySome(trial: Trial): Promise<void> {
  if (!trial.features.replay) return
  const [one, two] = [trial.name('a.one'), trial.name('a.two')]
  const events = [one, two, one, two, one].map((name, index) =>
    trial.event(name, { n: index }, { time: 1_000_000 + index * 1000 }),
  )
  await trial.publish(events)
  const expect = async (query: ReplayQuery, wanted: readonly number[], what: string) => {
    const found = (await read(trial.backend, query)).map(({ data }) => (data as { n: number }).n)
    trial.expect(String(found) === String(wanted), `Replay ${what} gives the events ${found}, not ${wanted}.`)
  }
  await expect({ from: 1_002_000 }, [2, 3, 4], 'from a time, which counts,')
  await expect({ to: 1_002_000 }, [0, 1, 2], 'to a time, which counts,')
  await expect({ from: 1_001_000, to: 1_003_000 }, [1, 2, 3], 'between two times')
  await expect({ pattern: one }, [0, 2, 4], 'of a name')
  await expect({ pattern: two.replace('.a.', '.*.') }, [1, 3], 'of a pattern')
  await expect({ afterId: events[2]?.id }, [3, 4], 'after an event')
  await expect({ afterId: events[4]?.id }, [], 'after the last event')
  await expect({ afterId: events[0]?.id, pattern: one, to: 1_003_000 }, [2], 'by all of them')
  const isRefused = await read(trial.backend, { afterId: 'no-such-event' }).then(
    () => false,
    () => true,
  )
  trial.expect(
    isRefused,
    'Replay after an event that it does not know gives events, and nobody knows which are missing.',
  )
}

async function endReplay(trial: Trial): Promise<void> {
  if (!trial.features.replay) return
  await trial.publish(trial.events(100))
  const controller = new AbortController()
  let count = 0
  for await (const _ of trial.backend.replay?.({ signal: controller.signal }) ?? []) {
    count++
    if (count === 3) controller.abort()
  }
  trial.expect(count < 100, 'A replay whose signal was aborted went on to the end.')
  for await (const _ of trial.backend.replay?.({}) ?? []) break
  const again = await read(trial.backend)
  trial.expect(again.length === 100, 'After a reader has left, the next one does not find everything.')
}

async function deduplicate(trial: Trial): Promise<void> {
  if (!trial.features.deduplication) return
  const consumer = await trial.consume()
  const [waiting, handled, together] = trial.events(3) as [StoredEvent, StoredEvent, StoredEvent]
  await trial.backend.publish([handled])
  await trial.untilHandled([consumer], [handled])
  await trial.backend.publish([handled])
  await trial.publish([together, together])
  await Promise.all(Array.from({ length: 5 }, () => trial.backend.publish([waiting])))
  const last = trial.events(3)
  await trial.publish(last)
  await trial.untilHandled([consumer], [waiting, handled, together, ...last])
  await trial.untilIdle()
  trial.expectOnce([consumer], [waiting, handled, together, ...last])
  if (!trial.features.replay) return
  const { length } = await read(trial.backend)
  trial.expect(length === 6, `It replays ${length} events, and 6 different ones were published.`)
}
