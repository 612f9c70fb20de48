import { EventError } from './errors.ts'
import { quote } from './quote.ts'

/** Parts of a name between dots, at most. A deeper name is a mistake, or an attack on whatever matches it. */
export const MAX_SEGMENTS = 16
export const MAX_NAME_LENGTH = 256

/** What a segment may be made of: no dots, no stars, no white space, nothing that acts on a terminal. */
const SEGMENT = /^[^\s.*\p{C}]+$/u

/**
 * Checks the name of an event: `order.paid`, 1 to 16 segments of which none is empty.
 *
 * @throws EventError
 */
export function assertEventName(name: unknown): asserts name is string {
  const reason = findEventNameFault(name)
  if (reason === undefined) return
  throw new EventError(`${quoteName(name)} is not the name of an event: ${reason}.`, {
    code: 'EVENTSETS_EVENT_NAME',
    hint: 'Write words joined by dots, such as "order.paid"; stars are for patterns.',
  })
}

/** Why a text is not the name of an event, as a clause. */
export function findEventNameFault(name: unknown): string | undefined {
  return findNameFault(name, SEGMENT)
}

/** Why a text is no name, as a clause; `segment` says what its parts may be. */
export function findNameFault(name: unknown, segment: RegExp): string | undefined {
  if (typeof name !== 'string') return `it is ${name === null ? 'null' : `of type ${typeof name}`}`
  if (name === '') return 'it is empty'
  if (name.length > MAX_NAME_LENGTH) return `it is longer than ${MAX_NAME_LENGTH} characters`
  const segments = name.split('.')
  if (segments.length > MAX_SEGMENTS) return `it has more than ${MAX_SEGMENTS} segments`
  if (segments.includes('')) return 'a segment is empty'
  const wrong = segments.find((part) => !segment.test(part))
  return wrong === undefined
    ? undefined
    : `the segment ${quoteName(wrong)} has a character that it may not have`
}

/** What is no name may be anything, and is shown no longer than that. */
const MOST_SHOWN = 60

/** What is no name, as it stands in a message. */
export function quoteName(name: unknown): string {
  return quote(name, MOST_SHOWN)
}
