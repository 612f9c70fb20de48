import type { StoredEvent } from 'eventsets/bus'

let events = 0

/** An event that is like no other one. */
export function event(more: Partial<StoredEvent> = {}): StoredEvent {
  const id = `event-${process.pid}-${events++}`
  const said = { source: 'test', time: Date.now(), correlationId: id, priority: 50 }
  return { id, name: 'order.placed', data: { n: events }, ...said, ...more }
}

export function eventsOf(count: number, more: Partial<StoredEvent> = {}): StoredEvent[] {
  return Array.from({ length: count }, () => event(more))
}
