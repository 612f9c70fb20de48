import { PublishError, type StoredEvent } from 'eventsets/bus'
import { wordGiven } from './given.ts'
import type { Settings } from './options.ts'
import { quote, toSafeText } from './safe-text.ts'

/**
 * The stream that events belong to which are published together.
 *
 * @throws PublishError when the function of the options gives none, or not the same for all of them.
 */
export function streamOfAll(
  events: readonly StoredEvent[],
  settings: Pick<Settings, 'streams' | 'streamOf'>,
): string {
  const found = new Map<string, StoredEvent>()
  for (const event of events) found.set(streamOf(event, settings), event)
  const [first, second] = found
  if (first && second) throw togetherError(first, second)
  return first?.[0] ?? (settings.streams[0] as string)
}

/** @throws PublishError when the function of the options gives none. */
export function streamOf(
  event: StoredEvent,
  { streams, streamOf: choose }: Pick<Settings, 'streams' | 'streamOf'>,
): string {
  if (!choose) return streams[0] as string
  const name = `the event ${quote(event.name)} (${quote(event.id)})`
  let chosen: unknown
  try {
    chosen = choose(Object.isFrozen(event) ? event : Object.freeze({ ...event }))
  } catch (cause) {
    throw refusal(`The function "stream" has failed for ${name}: ${wordOf(cause)}`, HINT, cause)
  }
  if (streams.includes(chosen as string)) return chosen as string
  // Whatever becomes of it, that it is rejected must not end the process.
  if (isThenable(chosen)) chosen.then(undefined, () => {})
  throw refusal(
    `The function "stream" gave ${wordGiven(chosen)} for ${name}, and "streams" has ${streams.map(quote).join(', ')}.`,
    HINT,
  )
}

const HINT = 'It has to give one of the names in "streams" for every event, at once, and the same each time.'

function togetherError(
  [one, { name }]: readonly [string, StoredEvent],
  [other, { name: otherName }]: readonly [string, StoredEvent],
): PublishError {
  return refusal(
    `Events of several streams cannot be published together, all or none: ${quote(name)} belongs to ${quote(one)}, and ${quote(otherName)} to ${quote(other)}. Nothing was published.`,
    'Publish them one by one, or let the function "stream" keep together what belongs together.',
  )
}

/** Another try would end the same way: a relay goes on without it. */
function refusal(message: string, hint: string, cause?: unknown): PublishError {
  const error = new PublishError(message, { code: 'EVENTSETS_PUBLISH', hint, cause })
  return Object.assign(error, { isRetryable: false })
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}

function wordOf(thrown: unknown): string {
  try {
    return toSafeText((thrown instanceof Error ? thrown.message : String(thrown)).slice(0, 500))
  } catch {
    return `something of the type ${typeof thrown}`
  }
}
