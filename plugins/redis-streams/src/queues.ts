import type { StoredEvent } from 'eventsets/bus'

/** Streams for events without a key, the most urgent first. */
export const LEVELS = ['critical', 'high', 'normal', 'low'] as const

/**
 * The stream that an event belongs to: events of one key are always in the same one, those without a key are apart by
 * how urgent they are. Where there is a key, order goes before urgency.
 */
export function queueOf(
  { key, priority }: Pick<StoredEvent, 'key' | 'priority'>,
  partitions: number,
): string {
  if (key !== undefined) return `k${hash(key) % partitions}`
  if (priority >= 100) return 'critical'
  if (priority >= 75) return 'high'
  return priority >= 50 ? 'normal' : 'low'
}

/** The streams of events with a key. */
export function partitionsOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `k${index}`)
}

export function allQueues(partitions: number): string[] {
  return [...LEVELS, ...partitionsOf(partitions)]
}

/** Whether it is a stream of events without a key. */
export function isLevel(queue: string): boolean {
  return (LEVELS as readonly string[]).includes(queue)
}

/** FNV-1a with 32 bits, over the code units. Every process must come to the same. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  // The low bits alone depend too little on the first characters.
  return (value ^ (value >>> 15)) >>> 0
}

/** Which of two ids of a stream comes first: negative, 0 or positive. */
export function compareIds(a: string, b: string): number {
  const [[aMs, aSeq], [bMs, bSeq]] = [partsOf(a), partsOf(b)]
  return aMs - bMs || aSeq - bSeq
}

/** The two numbers of an id. */
export function partsOf(id: string): readonly [ms: number, seq: number] {
  const dash = id.indexOf('-')
  return dash < 0 ? [Number(id), 0] : [Number(id.slice(0, dash)), Number(id.slice(dash + 1))]
}
