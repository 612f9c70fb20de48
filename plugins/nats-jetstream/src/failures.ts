import { ConnectionError, EventError, PublishError } from 'eventsets/bus'

/** What has gone wrong between us and the server. */
export interface Failure {
  /**
   * `away`: it may well pass by itself. `missing`: a stream or a consumer is not there, or JetStream is not. `full`: the
   * server keeps no more. `wrong`: it will be the same the next time. `denied`: the server does not let us in. `closed`:
   * the connection was closed for good.
   */
  readonly kind: 'away' | 'missing' | 'full' | 'wrong' | 'denied' | 'closed'
  readonly message: string
  readonly hint: string
}

const AWAY = 'Is the server running, and is the address right?'

/** By the number of the error that the server gives. */
const ANSWERS: ReadonlyMap<number, readonly [kind: Failure['kind'], hint: string]> = new Map([
  [10008, ['away', 'The server is not ready yet.']],
  [10009, ['away', 'The cluster has no leader.']],
  [10014, ['missing', 'The consumer of the group was deleted; it is made again.']],
  [10023, ['full', 'The account or the disk of the server has no room left.']],
  [10028, ['full', 'The account or the server has no memory left.']],
  [10047, ['full', 'The disk of the server, or what JetStream may have of it, is full.']],
  [10059, ['missing', 'The stream was deleted; it is made again.']],
  [
    10077,
    ['full', 'The stream is full: raise its limit ("nats stream edit"), or let "maxAgeMs" be shorter.'],
  ],
  [10039, ['wrong', 'JetStream is not enabled for this account.']],
  [10076, ['missing', 'Start the server with JetStream: nats-server -js.']],
  [10054, ['wrong', 'Raise "max_msg_size" of the stream.']],
  [10065, ['wrong', 'Another stream has these subjects. Choose another name with "stream".']],
  [10074, ['wrong', 'The server is no part of a cluster that has so many servers: lower "replicas".']],
])

/** By what the client calls its errors. */
const CLIENT: ReadonlyMap<string, readonly [kind: Failure['kind'], hint: string]> = new Map([
  [
    'ClosedConnectionError',
    ['closed', 'The connection was closed. Connect with "maxReconnectAttempts: -1".'],
  ],
  ['DrainingConnectionError', ['closed', 'The connection is being closed.']],
  ['AuthorizationError', ['denied', 'Check the user and the password, or the credentials.']],
  ['UserAuthenticationExpiredError', ['denied', 'The credentials have expired.']],
  [
    'PermissionViolationError',
    ['wrong', 'The user may not do that: see the README for the subjects it takes.'],
  ],
  ['InvalidArgumentError', ['wrong', 'See its documentation.']],
  ['JetStreamNotEnabled', ['missing', 'Start the server with JetStream: nats-server -js.']],
  ['NoResponders', ['missing', 'Start the server with JetStream: nats-server -js.']],
])

/** What an error of the client or the server means. */
export function failureOf(error: unknown): Failure {
  const message = textOf(error)
  if (!(error instanceof Error)) return { kind: 'away', message, hint: AWAY }
  if (error instanceof EventError) return { kind: 'wrong', message, hint: error.hint ?? '' }
  const { name } = error
  const code = (error as { readonly code?: unknown }).code
  if (typeof code === 'number' && /^(?:JetStreamApi|ConsumerNotFound|StreamNotFound)Error$/.test(name)) {
    const [kind, hint] = ANSWERS.get(code) ?? ['wrong', 'The server says so; see its documentation.']
    return { kind, message: `${message} (${code})`, hint }
  }
  const known = CLIENT.get(name)
  if (known) return { kind: known[0], message, hint: known[1] }
  // A request that nobody answers has its reason as its cause.
  if (error.cause instanceof Error && CLIENT.has(error.cause.name)) return failureOf(error.cause)
  return { kind: 'away', message, hint: AWAY }
}

/** That a message is not there, the server tells in several ways. */
const GONE: readonly unknown[] = [10037, 10043, 10057]

/** Whether an error says that a message is not there, or not any more. */
export function isGone(error: unknown): boolean {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown }
  return name === 'JetStreamApiError' && GONE.includes(code)
}

export function publishError(error: unknown, afterMs: number): EventError {
  if (error instanceof EventError) return error
  const { kind, message, hint } = failureOf(error)
  if (kind !== 'full' && kind !== 'wrong') return connectionError(error, afterMs)
  return new PublishError(`NATS has refused the events: ${message}`, {
    code: 'EVENTSETS_PUBLISH',
    hint,
    cause: error,
  })
}

export function connectionError(error: unknown, afterMs?: number): EventError {
  if (error instanceof EventError) return error
  const { kind, message, hint } = failureOf(error)
  const isLasting = kind === 'wrong' || kind === 'denied' || kind === 'closed'
  const waited = afterMs === undefined || isLasting ? '' : ` for ${afterMs} ms`
  const what = kind === 'away' ? 'NATS has not answered' : 'NATS has refused'
  return new ConnectionError(`${what}${waited}: ${message}`, {
    code: 'EVENTSETS_CONNECTION',
    hint,
    cause: error,
  })
}

export function closedError(): EventError {
  return new EventError('The JetStream backend is closed.', { code: 'EVENTSETS_BUS_CLOSED' })
}

export function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  // Whatever stands in an answer may reach a terminal.
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ').slice(0, 500)
}

/** A text of somebody else's as it stands in a message: short, in quotes, and without anything that acts on a terminal. */
export function quote(text: string): string {
  const short = text.length > 100 ? `${text.slice(0, 100)}…` : text
  return JSON.stringify(short.replace(/[\p{C}\u2028\u2029]/gu, '\ufffd'))
}
