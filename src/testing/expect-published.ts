import { AssertionError } from 'node:assert'
import { inspect } from 'node:util'
import type { BusBackend } from '../bus/backend.ts'
import type { StoredEvent } from '../bus/event.ts'
import type { EventsOf, KnownPattern, MatchingStoredEvent } from '../bus/event-map.ts'
import { compilePattern } from '../bus/pattern.ts'
import { EventsetsError } from '../core/errors.ts'
import { didYouMean } from '../core/nearest.ts'
import { toSafeText } from '../pretty/safe-text.ts'
import { listSome } from './conformance-case.ts'
import type { RecordingBackend } from './recording-backend.ts'

/** A bus, as far as it matters here. */
interface HasBackend {
  readonly backend: BusBackend
}

/**
 * Gives the first event that matches a pattern, and data where some are given. They may be a part of what was published:
 * each key that is there must be there with that value. A function is asked whether the data are right.
 *
 * @param target A bus with a `recordingBackend`, or that backend.
 * @throws AssertionError whose message tells what was published instead; EventError for a pattern that is none.
 */
export function expectPublished<Target extends HasBackend | BusBackend, const Pattern extends string>(
  target: Target,
  pattern: KnownPattern<EventsIn<Target>, Pattern>,
  data?: ExpectedData<MatchingStoredEvent<EventsIn<Target>, Pattern>['data']>,
): MatchingStoredEvent<EventsIn<Target>, Pattern> {
  const { publishedEvents } = recordingOf(target)
  const matches = compilePattern(pattern)
  const named = publishedEvents.filter(({ name }) => matches(name))
  const found = named.find((event) => isExpected(data, event.data))
  // A recording knows its events by what it was told of them only.
  if (found) return found as never
  const message = named.length === 0 ? tellNames(pattern, publishedEvents) : tellData(pattern, data, named)
  throw new AssertionError({
    message: toSafeText(message),
    actual: named.length === 1 ? named[0]?.data : named.map((event) => event.data),
    expected: data,
    operator: 'expectPublished',
    stackStartFn: expectPublished,
  })
}

/** The events of a bus, or those that a backend was told of. */
type EventsIn<Target> = Target extends RecordingBackend<infer Events> ? Events : EventsOf<Target>

/** What is asked of data: a part of them, or a function that says whether they are right. */
type ExpectedData<Data> = PartOf<Data> | ((data: Data) => boolean)

/** Objects with some of their keys; of lists every item. */
type PartOf<Value> = Value extends Date
  ? Value
  : Value extends readonly unknown[]
    ? { readonly [Index in keyof Value]: PartOf<Value[Index]> }
    : Value extends object
      ? { readonly [Key in keyof Value]?: PartOf<Value[Key]> }
      : Value

function recordingOf(target: HasBackend | BusBackend): RecordingBackend {
  const backend = 'backend' in target ? target.backend : target
  if ('publishedEvents' in backend) return backend as RecordingBackend
  throw new EventsetsError(`The backend ${inspect(backend.name)} does not remember what was published.`, {
    code: 'EVENTSETS_INVALID_OPTIONS',
    hint: 'Test with new EventBus({ backend: recordingBackend() }).',
  })
}

function isExpected(expected: unknown, data: unknown): boolean {
  if (typeof expected === 'function') return expected(data) === true
  return expected === undefined || isPart(expected, data)
}

function tellNames(pattern: string, events: readonly StoredEvent[]): string {
  if (events.length === 0)
    return `No event "${pattern}" was published: nothing was. (What is emitted does not count.)`
  const counts = new Map<string, number>()
  for (const { name } of events) counts.set(name, (counts.get(name) ?? 0) + 1)
  const names = [...counts].map(([name, count]) => (count === 1 ? `"${name}"` : `"${name}" (${count} times)`))
  const nearest = didYouMean(pattern, counts.keys())
  return `No event "${pattern}" was published. What was: ${listSome(names)}${nearest || '.'}`
}

/** Data that differ, one a line. */
function tellData(pattern: string, data: unknown, events: readonly StoredEvent[]): string {
  const show = (value: unknown) => inspect(value, { depth: 6, breakLength: Number.POSITIVE_INFINITY })
  const wanted = typeof data === 'function' ? 'data that the function accepts' : show(data)
  const shown = events.slice(0, 5).map((event) => `\n  "${event.name}" has ${show(event.data)}`)
  const rest = events.length > 5 ? `\n  and ${events.length - 5} more` : ''
  return `No event "${pattern}" was published with ${wanted}:${shown.join('')}${rest}`
}

/** Whether everything in `part` is in `whole`. Lists are compared as a whole, item by item. */
function isPart(part: unknown, whole: unknown): boolean {
  if (Object.is(part, whole)) return true
  if (typeof part !== 'object' || typeof whole !== 'object' || part === null || whole === null) return false
  if (part instanceof Date || whole instanceof Date) return JSON.stringify(part) === JSON.stringify(whole)
  if (Array.isArray(part) || Array.isArray(whole)) {
    if (!Array.isArray(part) || !Array.isArray(whole) || part.length !== whole.length) return false
    return part.every((item, index) => isPart(item, whole[index]))
  }
  return Object.entries(part).every(
    ([key, value]) => Object.hasOwn(whole, key) && isPart(value, (whole as Record<string, unknown>)[key]),
  )
}
