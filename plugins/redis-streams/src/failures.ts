import { ConnectionError, EventError, PublishError } from 'eventsets/bus'
import { NO_ANSWER_IN_TLS, NO_TLS } from './no-tls.ts'
import { toSafeText } from './safe-text.ts'

/** What has gone wrong between us and the server. */
export interface Failure {
  readonly kind: 'away' | 'barred' | 'refused' | 'wrong' | 'no-group'
  readonly message: string
  readonly hint: string
}

const NO_TLS_HINT =
  "The server does not speak TLS, or the address is another one's: without TLS it is at redis://."

/**
 * By how the answer begins. `refused` passes by itself, or when somebody has seen to the server; `wrong` does not.
 * `barred` is who does not get as far as to ask for anything.
 */
const ANSWERS: readonly (readonly [prefix: RegExp, kind: Failure['kind'], hint: string])[] = [
  [/^NOGROUP/, 'no-group', 'The stream or its group was deleted; it is made again.'],
  [
    /^OOM/,
    'refused',
    'The server has no memory left. Give it more, set "maxLen", or see whether a group that nobody serves keeps events: groups().',
  ],
  [/^READONLY/, 'refused', 'It is a replica. Give the address of the primary, or of the sentinels.'],
  [/^LOADING|^MASTERDOWN|^BUSY/, 'refused', 'The server is not ready yet.'],
  [
    /^NOREPLICAS/,
    'refused',
    'Fewer replicas follow the server than its "min-replicas-to-write" says. See what has become of them.',
  ],
  [
    /^TRYAGAIN/,
    'refused',
    'A slot of the cluster is on its way to another server. It goes on when it has arrived.',
  ],
  [/^CLUSTERDOWN/, 'refused', 'The cluster is not whole: see which of its servers are away.'],
  [
    /^MOVED|^ASK/,
    'refused',
    'The server is one of a cluster, and a "url" is for one server: give a Cluster of ioredis as "client".',
  ],
  [/^MISCONF/, 'refused', 'The server cannot write to its disk.'],
  [/^NOAUTH|^WRONGPASS/, 'barred', 'Check the user and the password.'],
  [
    /^Database \S+ cannot be used: NOPERM/,
    'barred',
    'The user must be allowed the command "select", or the database be 0.',
  ],
  [
    /^Database \S+ cannot be used: /,
    'barred',
    'Name one that the server has, in the "url" or as "db" of the "client": 0 to 15 unless it is set up otherwise, in a cluster 0 only.',
  ],
  [new RegExp(`^${NO_TLS}`), 'barred', NO_TLS_HINT],
  [new RegExp(`^${NO_ANSWER_IN_TLS}`), 'away', NO_TLS_HINT],
  [
    /^NOPERM|ACL failure|user executing the script can't run/,
    'wrong',
    'The user may not do that. The README of @eventsets/redis-streams says what it must be allowed to do.',
  ],
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
  const plain = message
    .replace(/^Ready check failed: /, '')
    .replace(/^Too many Cluster redirections\. Last error: (ReplyError: )?/, '')
    .replace(/^ERR (?=[A-Z]+ )/, '')
    .replace(/ script: [0-9a-f]{40}.*$/s, '')
  for (const [prefix, kind, hint] of ANSWERS) if (prefix.test(plain)) return { kind, message: plain, hint }
  if (isDistrust(error)) return { kind: 'barred', message: plain, hint: DISTRUST_HINT }
  if (isReply(error))
    return { kind: 'wrong', message: plain, hint: 'The server says so; see its documentation.' }
  return { kind: 'away', message: plain, hint: isUnknownName(error) ? NAME_HINT : AWAY_HINT }
}

export function publishError(error: unknown, afterMs: number): PublishError | ConnectionError | EventError {
  if (error instanceof EventError) return error
  const { kind, message, hint } = failureOf(error)
  const waited = kind === 'wrong' ? '' : ` for ${afterMs} ms`
  if (kind === 'away' || kind === 'barred') return connectionError(error, afterMs)
  return new PublishError(`Redis has refused the events${waited}: ${message}`, {
    code: 'EVENTSETS_PUBLISH',
    hint,
    cause: withoutCommand(error),
  })
}

export function connectionError(error: unknown, afterMs?: number): EventError {
  if (error instanceof EventError) return error
  const { kind, message, hint } = failureOf(error)
  const waited = afterMs === undefined || kind === 'wrong' ? '' : ` for ${afterMs} ms`
  const what =
    kind === 'away'
      ? `Redis has not answered${waited}`
      : kind === 'barred'
        ? 'There is no way to Redis'
        : `Redis has refused${waited}`
  return new ConnectionError(`${what}: ${message}`, {
    code: 'EVENTSETS_CONNECTION',
    hint,
    cause: withoutCommand(error),
  })
}

/** What was published is on the server, but too few replicas have said that they have it as well. */
export function replicasError(replicas: number, wanted: number, afterMs: number): PublishError {
  const have = replicas === 1 ? '1 replica has' : `${replicas} replicas have`
  return new PublishError(
    `Redis has the events, but only ${have} confirmed them within ${afterMs} ms, and "replicas" is ${wanted}.`,
    {
      code: 'EVENTSETS_NOT_REPLICATED',
      hint: 'They are lost if the server fails now, and handled otherwise. Publish them again with the same ids: nothing is stored twice.',
    },
  )
}

export function closedError(): EventError {
  return new EventError('The Redis backend is closed.', { code: 'EVENTSETS_BUS_CLOSED' })
}

/** Whether the server has said it, and not the client. */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}

/** The client notes the whole command at an error: a password, or a script and all events. Nobody is to read that in a log. */
function withoutCommand(error: unknown): unknown {
  for (let each = error; each instanceof Error; each = each.cause) if ('command' in each) delete each.command
  return error
}

/** The certificate of the server is not trusted, or it does not speak TLS. */
function isDistrust(error: unknown): boolean {
  const code = String((error as { readonly code?: unknown } | undefined)?.code)
  return /CERT|^UNABLE_TO_|SELF_SIGNED|^ERR_SSL|^ERR_TLS/.test(code)
}

/** The system says that there is no such name. It may be there later, as where services start together. */
function isUnknownName(error: unknown): boolean {
  return (error as { readonly code?: unknown } | undefined)?.code === 'ENOTFOUND'
}

const NAME_HINT = 'No address is known for that name. Check the host.'

const AWAY_HINT =
  'Is the server running, and is the address right? One that speaks TLS is at rediss://, another one at redis://.'

const DISTRUST_HINT =
  'Name the authority of the certificate in NODE_EXTRA_CA_CERTS, or give a "client" with "tls"; and see whether the server speaks TLS at that address.'

function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  // Whatever stands in an answer may reach a terminal.
  return toSafeText(text.slice(0, 500))
}
