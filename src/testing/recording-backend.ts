import type { BusBackend } from '../bus/backend.ts'
import type { StoredEvent } from '../bus/event.ts'
import type { EventMap, KnownPattern, MatchingStoredEvent } from '../bus/event-map.ts'
import { type MemoryBackendOptions, memoryBackend } from '../bus/memory-backend.ts'
import { compilePattern } from '../bus/pattern.ts'

/** A memory backend that remembers what was published: the events of its bus, where they are named. */
export interface RecordingBackend<Events extends object = EventMap> extends BusBackend {
  /** What was published, in that order. What was emitted is not among it: no backend gets that. */
  readonly publishedEvents: readonly MatchingStoredEvent<Events, '**'>[]
  /**
   * Whether an event that matches a pattern was published.
   *
   * @throws EventError for a pattern that is none.
   */
  hasPublished<const Pattern extends string>(pattern: KnownPattern<Events, Pattern>): boolean
  /** Forgets what was published so far. */
  clear(): void
}

/**
 * A backend for tests. It does what `memoryBackend` does, and can be asked what was published.
 *
 * `recordingBackend<ShopEvents>()` knows the types of what it remembers. Nothing checks that they are those of the bus.
 */
export function recordingBackend<Events extends object = EventMap>(
  options: MemoryBackendOptions = {},
): RecordingBackend<Events> {
  const memory = memoryBackend(options)
  const publishedEvents: StoredEvent[] = []
  return {
    ...memory,
    name: 'recording',
    // What they are is up to the bus.
    publishedEvents: publishedEvents as unknown as RecordingBackend<Events>['publishedEvents'],
    async publish(events) {
      await memory.publish(events)
      for (const event of events) publishedEvents.push(event)
    },
    hasPublished(pattern) {
      const matches = compilePattern(pattern)
      return publishedEvents.some(({ name }) => matches(name))
    },
    clear() {
      publishedEvents.length = 0
    },
  }
}
