import type { BusBackend } from '../bus/backend.ts'
import type { StoredEvent } from '../bus/event.ts'
import { type MemoryBackendOptions, memoryBackend } from '../bus/memory-backend.ts'
import { compilePattern } from '../bus/pattern.ts'

/** A memory backend that remembers what was published. */
export interface RecordingBackend extends BusBackend {
  /** What was published, in that order. What was emitted is not among it: no backend gets that. */
  readonly publishedEvents: readonly StoredEvent[]
  /**
   * Whether an event that matches a pattern was published.
   *
   * @throws EventError for a pattern that is none.
   */
  hasPublished(pattern: string): boolean
  /** Forgets what was published so far. */
  clear(): void
}

/** A backend for tests. It does what `memoryBackend` does, and can be asked what was published. */
export function recordingBackend(options: MemoryBackendOptions = {}): RecordingBackend {
  const memory = memoryBackend(options)
  const publishedEvents: StoredEvent[] = []
  return {
    ...memory,
    name: 'recording',
    publishedEvents,
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
