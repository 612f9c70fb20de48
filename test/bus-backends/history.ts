import type { BusBackend, StoredEvent } from 'eventsets/bus'

/** What the backend still has of what was published, as replay gives it. */
export async function replayAll(backend: BusBackend, pattern = '*'): Promise<StoredEvent[]> {
  const found: StoredEvent[] = []
  for await (const each of backend.replay?.({ pattern }) ?? []) found.push(each)
  return found
}
