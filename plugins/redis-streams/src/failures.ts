import { ConnectionError, EventError, PublishError } from 'eventsets/bus'
import { toSafeText } from './safe-text.ts'

/** What has gone wrong between us and the server. */
export interface Failure {
  readonly kind: 'away' | 'refused' | 'wrong' | 'no-group'
  readonly message: string
  readonly hint: string
}

/** By how the answer begins. `refused` passes by itself, or when somebody has seen to the server; `wrong` does not. */
const ANSWERS: readonly (readonly [prefix: RegExp, kind: Failure['kind'], hint: string])[] = [
  [/^NOGROUP/, 'no-group', 'The stream or its group was deleted; it is made again.'],
  [
    /^OOM/,
    'refused',
    'The server has no memory left. Give it more, set "maxLen", or see whether a group that nobody serves keeps events: groups().',
  ],
  [/^READONLY/, 'refused', 'It is a replica. Give the address of the primary, or of the sentinels.'],
  [/^LOADING|^MASTERDOWN|^BUSY|^TRYAGAIN|^NOREPLICAS/, 'refused', 'The server is not ready yet.'],
  [
    /^CLUSTERDOWN|^MOVED|^ASK/,
    'refused',
    'The cluster is not whole; or its address was given to a client for one server.',
  ],
  [/^MISCONF/, 'refused', 'The server cannot write to its disk.'],
  [/^NOAUTH|^WRONGPASS|^NOPERM/, 'wrong', 'Check the user and the password, and what the user may do.'],
  [
    /^WRONGTYPE/,
    'wrong',
    'A key with that name belongs to somebody else. Choose another name with "stream".',
  ],
  [
    /unknown command|Unknown Redis command|Unexpected flag/i,
    'wrong',
    'Redis 7.0 or later, or Valkey, is needed.',
  ],
]

/** What an error of the client or the server means. */
export function failureOf(error: unknown): Failure {
  const message = textOf(error)
  // A script tells in front what has happened, and behind it where.
  const plain = message.replace(/^ERR (?=[A-Z]+ )/, '').replace(/ script: [0-9a-f]{40}.*$/s, '')
  for (const [prefix, kind, hint] of ANSWERS) if (prefix.test(plain)) return { kind, message: plain, hint }
  if (isReply(error))
    return { kind: 'wrong', message: plain, hint: 'The server says so; see its documentation.' }
  return { kind: 'away', message: plain, hint: 'Is the server running, and is the address right?' }
}

export function publishError(error: unknown, afterMs: number): PublishError | ConnectionError | EventError {
  if (error instanceof EventError) return error
  const { kind, message, hint } = failureOf(error)
  const waited = kind === 'wrong' ? '' : ` for ${afterMs} ms`
  if (kind === 'away') return connectionError(error, afterMs)
  return new PublishError(`Redis has refused the events${waited}: ${message}`, {
    code: 'EVENTSETS_PUBLISH',
    hint,
    cause: error,
  })
}

export function connectionError(error: unknown, afterMs?: number): EventError {
  if (error instanceof EventError) return error
  const { kind, message, hint } = failureOf(error)
  const waited = afterMs === undefined || kind === 'wrong' ? '' : ` for ${afterMs} ms`
  const what = kind === 'away' ? `Redis has not answered${waited}` : `Redis has refused${waited}`
  return new ConnectionError(`${what}: ${message}`, { code: 'EVENTSETS_CONNECTION', hint, cause: error })
}

export function closedError(): EventError {
  return new EventError('The Redis backend is closed.', { code: 'EVENTSETS_BUS_CLOSED' })
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError'
}

function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  // Whatever stands in an answer may reach a terminal.
  return toSafeText(text.slice(0, 500))
}
