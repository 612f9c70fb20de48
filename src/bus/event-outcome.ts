/** What the name of an event says has been done, in the words of the built-in set `system`. */
export interface EventOutcome {
  /** The part of the system: the first segment. */
  readonly domain: string
  /** What it does: `create` for `user.created`. Undefined where the name says only how it went, as `payment.failed`. */
  readonly action: string | undefined
  /** How it went: `success`, `failure`, `started`, `denied` ... */
  readonly status: string
}

/**
 * Reads the name of an event: `user.created` is the domain `user`, the action `create` and the status `success`;
 * `action.deploy.failure` the domain `action`, the action `deploy` and the status `failure`.
 *
 * Events are facts in the past tense, so that one that says nothing else has succeeded. A word that is not known stays
 * as it is.
 */
export function readOutcome(name: string): EventOutcome {
  const [domain = '', ...rest] = name.split('.').map(toWord)
  const last = rest.at(-1) ?? domain
  const status = STATUS.get(last)
  // `server.start` is an action, `action.deploy.start` is how an action stands.
  const isStatus = status !== undefined && (rest.length !== 1 || !ACTIONS.has(last))
  const action = isStatus ? rest.at(-2) : rest.at(-1)
  return {
    domain,
    action: action === undefined ? undefined : (ACTIONS.get(action) ?? action),
    status: isStatus ? status : 'success',
  }
}

/** `error` where something has gone wrong, `warn` where it was not let happen, otherwise `info`. */
export function levelOf(status: string): 'info' | 'warn' | 'error' {
  if (FAILED.has(status)) return 'error'
  return REFUSED.has(status) ? 'warn' : 'info'
}

/** `timedOut` and `timed-out` as `timed_out`. */
function toWord(segment: string): string {
  return segment
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase()
}

const FAILED: ReadonlySet<string> = new Set(['failure', 'error', 'timeout'])
const REFUSED: ReadonlySet<string> = new Set(['denied', 'unauthorized', 'invalid', 'cancelled', 'warning'])

/** Words in names of events, by the status of the set `system` that they mean. */
const STATUS = invert({
  success: ['success', 'succeeded', 'ok', 'allowed'],
  failure: ['failure', 'failed', 'crashed', 'aborted'],
  error: ['error', 'errored'],
  timeout: ['timeout', 'timed_out', 'timedout'],
  warning: ['warning'],
  denied: ['denied', 'rejected', 'refused', 'blocked', 'forbidden'],
  unauthorized: ['unauthorized'],
  invalid: ['invalid'],
  cancelled: ['cancelled', 'canceled'],
  notfound: ['not_found', 'notfound'],
  attempted: ['attempt', 'attempted'],
  started: ['start', 'started'],
  running: ['running', 'ongoing'],
  pending: ['pending', 'requested', 'queued'],
  retry: ['retry', 'retried', 'retrying'],
  skipped: ['skip', 'skipped'],
  completed: ['complete', 'completed', 'finished', 'done', 'ended'],
  cached: ['cached'],
  idle: ['idle'],
  ready: ['ready'],
  active: ['active'],
})

/** Words in names of events, by the action of the set `system` that they mean. */
const ACTIONS = invert({
  init: ['init', 'initialized', 'initialised'],
  start: ['start', 'started'],
  stop: ['stop', 'stopped'],
  connect: ['connect', 'connected'],
  disconnect: ['disconnect', 'disconnected'],
  listen: ['listen', 'listening'],
  send: ['send', 'sent'],
  receive: ['receive', 'received'],
  read: ['read'],
  write: ['write', 'written', 'saved', 'stored'],
  process: ['process', 'processed'],
  validate: ['validate', 'validated', 'verified'],
  execute: ['execute', 'executed'],
  query: ['query', 'queried'],
  update: ['update', 'updated', 'changed', 'modified', 'configured'],
  delete: ['delete', 'deleted', 'removed'],
  login: ['login', 'logged_in'],
  logout: ['logout', 'logged_out'],
  auth: ['auth', 'authenticated', 'authorized'],
  encrypt: ['encrypt', 'encrypted'],
  decrypt: ['decrypt', 'decrypted'],
  parse: ['parse', 'parsed'],
  transmit: ['transmit', 'transmitted'],
  build: ['build', 'built'],
  schedule: ['schedule', 'scheduled'],
  emit: ['emit', 'emitted', 'published'],
  load: ['load', 'loaded'],
  observe: ['observe', 'observed'],
  request: ['request', 'requested'],
  interrupt: ['interrupt', 'interrupted'],
  register: ['register', 'registered'],
  create: ['create', 'created', 'added'],
})

function invert(table: { readonly [meaning: string]: readonly string[] }): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(table).flatMap(([meaning, words]) => words.map((word) => [word, meaning] as const)),
  )
}
