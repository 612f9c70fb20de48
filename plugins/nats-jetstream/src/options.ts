import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node'
import { type Issue, ValidationError } from 'eventsets'

export interface JetStreamOptions {
  /** Where the servers are: `nats://host:4222`, or several. Or `connection`. */
  readonly servers?: string | readonly string[] | undefined
  /** What else `connect` of @nats-io/transport-node takes, with `servers`: users, TLS, times. */
  readonly connectOptions?: Omit<NodeConnectionOptions, 'servers'> | undefined
  /** A connection of the application's own. It stays open when the backend closes. */
  readonly connection?: NatsConnection | undefined
  /** The JetStream domain, where the server is a leaf node. */
  readonly domain?: string | undefined
  /** What the stream of the events is called; three more are called `<stream>-notes`, `-dead` and `-batches`. `eventsets` unless given. */
  readonly stream?: string | undefined
  /** For how long an event is kept, handled or not, in milliseconds. 7 days unless given, when the stream is made. */
  readonly maxAgeMs?: number | undefined
  /** How many bytes of events are kept: with more, publishing is rejected. No limit unless given, when the stream is made. */
  readonly maxBytes?: number | undefined
  /** How many servers keep each event. 1 unless given, when the streams are made. */
  readonly replicas?: number | undefined
  /** For how long ids are remembered, so that publishing an event again does nothing, in milliseconds. 120000 unless given, when the stream is made. */
  readonly dedupWindowMs?: number | undefined
  /** What a process had in hand is given to another one when it has not been heard of for so long, in milliseconds. 30000 unless given. */
  readonly ackWaitMs?: number | undefined
  /** After so many deliveries whose process has died, an event becomes a dead letter with the reason `crashed`. 3 unless given. */
  readonly maxCrashes?: number | undefined
  /** How long publishing, and every other call, waits for the server, in milliseconds. 10000 unless given. */
  readonly timeoutMs?: number | undefined
  /**
   * Where a group begins that is new: with what is published from `now` on, or at the `beginning` of what is kept. `now`
   * unless given; what was published before there was any group at all waits for the first one.
   */
  readonly newGroups?: 'now' | 'beginning' | undefined
}

type Optional = 'servers' | 'connectOptions' | 'connection' | 'domain'

export type Settings = {
  readonly [Name in Exclude<keyof JetStreamOptions, Optional>]-?: NonNullable<JetStreamOptions[Name]>
} & Pick<JetStreamOptions, Optional>

/** @throws ValidationError with everything that is wrong. */
export function resolveOptions(options: JetStreamOptions): Settings {
  const issues = findIssues(options)
  if (issues.length > 0)
    throw new ValidationError('The options of jetStream are', issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
  // What is given as undefined is not given.
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<Settings>
  const { maxAgeMs = DEFAULTS.maxAgeMs } = given
  // The server remembers no id longer than its event.
  return { ...DEFAULTS, dedupWindowMs: Math.min(DEFAULTS.dedupWindowMs, maxAgeMs), ...given }
}

const DEFAULTS = {
  stream: 'eventsets',
  maxAgeMs: 7 * 24 * 60 * 60 * 1000,
  maxBytes: Number.POSITIVE_INFINITY,
  replicas: 1,
  dedupWindowMs: 120_000,
  ackWaitMs: 30_000,
  maxCrashes: 3,
  timeoutMs: 10_000,
  newGroups: 'now',
} as const

/** NATS counts in nanoseconds, and has 63 bits for them. */
const MAX_MS = 9_000_000_000_000

type Rule = readonly [what: string, isRight: (value: unknown) => boolean]

const wholeFrom = (least: number, most: number): Rule[1] => {
  return (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most
}
const milliseconds = (least: number): Rule => [
  `whole milliseconds, ${least} or more`,
  wholeFrom(least, MAX_MS),
]

const RULES: { readonly [Name in keyof Required<JetStreamOptions>]: Rule } = {
  servers: ['an address such as "nats://localhost:4222", or "tls://", or a list of them', isServers],
  connectOptions: ['an object', (value) => typeof value === 'object' && value !== null],
  connection: ['a connection of @nats-io/transport-node', isConnection],
  domain: ['a word', (value) => typeof value === 'string' && /^[\w-]+$/.test(value)],
  stream: [
    'letters, digits, "_" and "-", 100 at most',
    (value) => typeof value === 'string' && /^[\w-]{1,100}$/.test(value),
  ],
  maxAgeMs: milliseconds(1000),
  maxBytes: ['a whole number, 1 or more', wholeFrom(1, Number.MAX_SAFE_INTEGER)],
  replicas: ['a whole number from 1 to 5', wholeFrom(1, 5)],
  dedupWindowMs: milliseconds(100),
  ackWaitMs: milliseconds(200),
  maxCrashes: ['a whole number, 1 or more', wholeFrom(1, Number.MAX_SAFE_INTEGER)],
  timeoutMs: milliseconds(1),
  newGroups: ['"now" or "beginning"', (value) => value === 'now' || value === 'beginning'],
}

function findIssues(options: JetStreamOptions): Issue[] {
  if (typeof options !== 'object' || options === null)
    return [{ path: '', code: 'type', message: 'expected an object' }]
  const issues: Issue[] = []
  const known = Object.keys(RULES)
  for (const [path, value] of Object.entries(options)) {
    const rule = known.includes(path) ? RULES[path as keyof JetStreamOptions] : undefined
    if (!rule)
      issues.push({
        path,
        code: 'unknown_key',
        message: adviseOn(path, known),
      })
    else if (value !== undefined && !rule[1](value))
      issues.push({ path, code: 'format', message: `expected ${rule[0]}` })
  }
  const { servers, connection, connectOptions, maxAgeMs = DEFAULTS.maxAgeMs, dedupWindowMs } = options
  if ((servers === undefined) === (connection === undefined))
    issues.push({ path: '', code: 'missing', message: 'expected either "servers" or "connection"' })
  if (connection !== undefined && connectOptions !== undefined)
    issues.push({ path: 'connectOptions', code: 'format', message: 'expected none with "connection"' })
  if (dedupWindowMs !== undefined && dedupWindowMs > maxAgeMs)
    issues.push({
      path: 'dedupWindowMs',
      code: 'format',
      message: `expected no more than "maxAgeMs", which is ${maxAgeMs}`,
    })
  return issues
}

/** What to say of an option that there is not: `is not a known option; did you mean "servers"?` */
function adviseOn(name: string, known: readonly string[]): string {
  const plain = plainNameOf(name)
  if (OF_THE_BUS.includes(plain)) return `is an option of the bus: new EventBus({ ${plain}: ..., backend })`
  if (plain === 'block') return 'is not needed: the server hands out events as soon as there are some'
  const meant = known.find((each) => plainNameOf(each) === plain) ?? OTHER_WORDS.get(plain)
  return meant === undefined
    ? `is not a known option; known are ${known.join(', ')}`
    : `is not a known option; did you mean ${JSON.stringify(meant)}?`
}

/** Without what people add or leave out: `lease_ms`, `leaseMS` and `lease` are one. */
function plainNameOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/[_-]/g, '')
    .replace(/(?<=.)ms$/, '')
}

const OF_THE_BUS: readonly string[] = ['group', 'concurrency', 'retry', 'source']

/** What is asked for under other names, such as those of other backends, and what it is called here. */
const OTHER_WORDS: ReadonlyMap<string, keyof JetStreamOptions> = new Map([
  ['url', 'servers'],
  ['uri', 'servers'],
  ['server', 'servers'],
  ['host', 'servers'],
  ['client', 'connection'],
  ['lease', 'ackWaitMs'],
  ['claimidle', 'ackWaitMs'],
  ['visibilitytimeout', 'ackWaitMs'],
  ['history', 'maxAgeMs'],
  ['dedup', 'dedupWindowMs'],
  ['duplicatewindow', 'dedupWindowMs'],
  ['streamname', 'stream'],
])

function isServers(value: unknown): boolean {
  const list = Array.isArray(value) ? value : [value]
  return list.length > 0 && list.every(isAddress)
}

/** With a scheme of NATS or none: whoever gives the URL of another server would wait for it in vain. */
function isAddress(value: unknown): boolean {
  return typeof value === 'string' && /^(?:(?:nats|tls):\/\/)?[^\s/]+\/?$/i.test(value)
}

function isConnection(value: unknown): boolean {
  const connection = value as Partial<NatsConnection> | null
  return typeof connection?.request === 'function' && typeof connection.status === 'function'
}
