import { type Issue, ValidationError } from 'eventsets'
import type { StoredEvent } from 'eventsets/bus'
import type { RedisClient } from './connection.ts'
import { wordGiven } from './given.ts'
import { problemsOfUrl } from './server-url.ts'

export interface RedisStreamsOptions {
  /** Where the server is: `redis://host:6379/0`, `rediss://` for TLS. Or `client`. */
  readonly url?: string | undefined
  /** A client of ioredis, or a Cluster of it. Its settings are taken over; connections of its own are opened. */
  readonly client?: RedisClient | undefined
  /**
   * What the names of all keys begin with, in braces: `{eventsets}:`. One bus each. `eventsets` unless given. Or a
   * function that says of each event to which of `streams` it belongs; it has to say the same each time.
   */
  readonly stream?: string | StreamOf | undefined
  /** All names that the function `stream` may give: consumers read all of them. With a function only. */
  readonly streams?: readonly string[] | undefined
  /**
   * How many streams the events with a key are spread over: so many processes can share those of one group. The same
   * for all processes, and for good. 16 unless given.
   */
  readonly partitions?: number | undefined
  /** What this process is called in the lists of the server. The host and the number of the process unless given. */
  readonly consumer?: string | undefined
  /** What a process had in hand is given to another one when it has not been heard of for so long, in milliseconds. 15000 unless given. */
  readonly leaseMs?: number | undefined
  /** How long the server is asked to wait for news at once, in milliseconds. 5000 unless given. */
  readonly blockMs?: number | undefined
  /** How many events are read at once at most. 250 unless given. */
  readonly batch?: number | undefined
  /** How many events are kept that have been handled, about, the latest ones. 100000 unless given. What waits is always kept. */
  readonly historySize?: number | undefined
  /** For how long events are kept that have been handled, in milliseconds. 7 days unless given. */
  readonly historyMs?: number | undefined
  /** How many events there may be on the server. What has been handled makes room. No limit unless given. */
  readonly maxLen?: number | undefined
  /** What happens to an event that finds no room: `wait` keeps its publisher waiting until `timeoutMs`, `error` rejects it. `wait` unless given. */
  readonly overflow?: 'wait' | 'error' | undefined
  /** How many ids are remembered at least, so that publishing an event again does nothing. 100000 unless given. */
  readonly rememberedIds?: number | undefined
  /** After so many deliveries whose process has died, an event becomes a dead letter with the reason `crashed`. 3 unless given. */
  readonly maxCrashes?: number | undefined
  /** A connection that owes an answer for so long is given up, in milliseconds. Longer than `blockMs`. 10000 unless given. */
  readonly socketTimeoutMs?: number | undefined
  /** How long publishing, and every other call, waits for the server, in milliseconds. 10000 unless given. */
  readonly timeoutMs?: number | undefined
  /**
   * How many replicas must have an event before publishing resolves: it is then still there when one of them takes the
   * place of the server. 0 unless given.
   */
  readonly replicas?: number | undefined
  /** How long replicas have for that, in milliseconds; then publishing rejects. Less than `socketTimeoutMs`. 1000 unless given. */
  readonly replicaTimeoutMs?: number | undefined
  /**
   * Where a group begins that is new: with what is published from `now` on, or at the `beginning` of what is kept. `now`
   * unless given; what was published before there was any group at all waits for the first one.
   */
  readonly newGroups?: 'now' | 'beginning' | undefined
}

/** Says to which stream an event belongs, which is frozen. */
export type StreamOf = (event: Readonly<StoredEvent>) => string

/** All options but those that may be left out, or that say which streams there are. */
export type Settings = {
  readonly [Name in Exclude<keyof RedisStreamsOptions, 'url' | 'client' | 'stream'>]-?: NonNullable<
    RedisStreamsOptions[Name]
  >
} & {
  readonly url: string | undefined
  readonly client: RedisClient | undefined
  /** Undefined where there is only one stream. */
  readonly streamOf: StreamOf | undefined
}

const WEEK_MS = 7 * 24 * 60 * 60 * 1000

/** @throws ValidationError with everything that is wrong. */
export function resolveOptions(options: RedisStreamsOptions, consumer: string): Settings {
  checkOptions('redisStreams', options, RULES, [
    ...timeoutIssues(options ?? {}),
    ...streamIssues(options ?? {}),
  ])
  const { stream = DEFAULT_STREAM, streams, ...others } = options
  // What is given as undefined is not given.
  const given = Object.fromEntries(
    Object.entries(others).filter(([, value]) => value !== undefined),
  ) as Partial<Settings>
  const which =
    typeof stream === 'function'
      ? { streams: [...(streams as readonly string[])], streamOf: stream }
      : { streams: [stream], streamOf: undefined }
  return { ...DEFAULTS, consumer, url: undefined, client: undefined, ...given, ...which }
}

const DEFAULT_STREAM = 'eventsets'

const DEFAULTS = {
  partitions: 16,
  leaseMs: 15_000,
  blockMs: 5000,
  batch: 250,
  historySize: 100_000,
  historyMs: WEEK_MS,
  maxLen: Number.POSITIVE_INFINITY,
  overflow: 'wait',
  rememberedIds: 100_000,
  maxCrashes: 3,
  socketTimeoutMs: 10_000,
  timeoutMs: 10_000,
  replicas: 0,
  replicaTimeoutMs: 1000,
  newGroups: 'now',
} as const

/** What an option has to be, and whether it is. */
export type Rule = readonly [what: string, isRight: (value: unknown) => boolean]

export const wholeFrom = (least: number, most = Number.MAX_SAFE_INTEGER): Rule => [
  most === Number.MAX_SAFE_INTEGER
    ? `a whole number, ${least} or more`
    : `a whole number from ${least} to ${most}`,
  (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
]
export const oneOf = (...words: readonly string[]): Rule => [
  words.map((word) => JSON.stringify(word)).join(' or '),
  (value) => words.includes(value as string),
]
const milliseconds: Rule = ['whole milliseconds, 1 or more', wholeFrom(1)[1]]

/** What a consumer is called. */
export const PLAIN_TEXT: Rule = [
  'a text without control characters, 200 characters at most',
  (value) => typeof value === 'string' && /^[^\p{C}]{1,200}$/u.test(value),
]

/** The name of a stream, or of a channel. */
export const STREAM_NAME: Rule = [
  'a text without braces and control characters, 200 characters at most',
  (value) => typeof value === 'string' && /^[^{}\p{C}]{1,200}$/u.test(value),
]
const A_URL = 'a URL such as "redis://localhost:6379"'
/** Each of them has consumers of its own in every process. */
const MAX_STREAMS = 64

export type Rules<Options> = { readonly [Name in keyof Required<Options>]: Rule }

export const RULES: Rules<RedisStreamsOptions> = {
  // What is wrong with it in particular is said apart.
  url: [A_URL, (value) => typeof value === 'string'],
  client: ['a client of ioredis', isClient],
  stream: [
    `${STREAM_NAME[0]}, or a function`,
    (value) => typeof value === 'function' || STREAM_NAME[1](value),
  ],
  streams: [
    `a list of 1 to ${MAX_STREAMS} different names, each ${STREAM_NAME[0]}`,
    (value) =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.length <= MAX_STREAMS &&
      value.every(STREAM_NAME[1]) &&
      new Set(value).size === value.length,
  ],
  partitions: wholeFrom(1, 256),
  consumer: PLAIN_TEXT,
  leaseMs: ['whole milliseconds, 100 or more', wholeFrom(100)[1]],
  blockMs: milliseconds,
  batch: wholeFrom(1, 5000),
  historySize: wholeFrom(0),
  historyMs: milliseconds,
  maxLen: wholeFrom(1),
  overflow: oneOf('wait', 'error'),
  rememberedIds: wholeFrom(0),
  maxCrashes: wholeFrom(1),
  socketTimeoutMs: milliseconds,
  timeoutMs: milliseconds,
  replicas: wholeFrom(0),
  replicaTimeoutMs: milliseconds,
  newGroups: oneOf('now', 'beginning'),
}

/** @throws ValidationError with everything that is wrong. */
export function checkOptions<Options extends Pick<RedisStreamsOptions, 'url' | 'client'>>(
  name: string,
  options: Options,
  rules: Rules<Options>,
  more: readonly Issue[] = [],
): void {
  const issues: Issue[] = []
  if (options !== undefined && (typeof options !== 'object' || options === null))
    issues.push({ path: '', code: 'type', message: `expected an object, got ${wordGiven(options)}` })
  else {
    issues.push(...placeIssues(options ?? {}, 'channel' in rules ? 'channel' : 'stream'))
    const known = Object.keys(rules)
    for (const [path, value] of Object.entries(options ?? {})) {
      const rule = known.includes(path) ? rules[path as keyof Options] : undefined
      if (!rule) issues.push({ path, code: 'unknown_key', message: adviseOn(path, known) })
      else if (value !== undefined && !rule[1](value))
        issues.push({ path, code: 'format', message: `expected ${rule[0]}, got ${wordGiven(value)}` })
    }
  }
  issues.push(...more)
  if (issues.length > 0)
    throw new ValidationError(`The options of ${name} are`, issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
}

/** Where the server is has to be said, once, and so that the client does not take it for something else. */
function placeIssues(
  { url, client }: Pick<RedisStreamsOptions, 'url' | 'client'>,
  nameOption: string,
): Issue[] {
  const issues: Issue[] = []
  const problems = typeof url === 'string' ? problemsOfUrl(url, nameOption) : []
  if (problems.length > 0)
    issues.push({ path: 'url', code: 'format', message: `expected ${A_URL}: ${problems.join('; ')}` })
  const { db = 0 } = (isClient(client) ? client.options : {}) as { readonly db?: unknown }
  // Of a cluster there is one only.
  if (!Number.isInteger(db))
    issues.push({ path: 'client', code: 'format', message: 'its "db" is no number of a database' })
  if (url === undefined && client === undefined)
    issues.push({ path: '', code: 'missing', message: 'neither "url" nor "client" is given; expected one' })
  if (url !== undefined && client !== undefined)
    issues.push({ path: '', code: 'format', message: 'both "url" and "client" are given; expected one' })
  return issues
}

/** What to say of an option that there is not: `is not a known option; did you mean "leaseMs"?` */
function adviseOn(name: string, known: readonly string[]): string {
  const plain = plainNameOf(name)
  const ofTheBus = OF_THE_BUS.get(plain)
  if (ofTheBus) return `is an option of the bus: new EventBus({ ${ofTheBus}: ..., backend })`
  if (OF_A_POOL.includes(plain)) {
    const limit = known.find((each) => each === 'maxLen' || each === 'maxWaiting')
    return `is not needed, since there is no pool: "concurrency" of the bus says how many events are in hand at once, and "${limit}" how many may wait`
  }
  const meant =
    known.find((each) => plainNameOf(each) === plain) ??
    OTHER_WORDS.get(plain)?.find((each) => known.includes(each)) ??
    known.find((each) => singularOf(plainNameOf(each)) === singularOf(plain))
  return meant === undefined
    ? `is not a known option; known are ${known.join(', ')}`
    : `is not a known option; did you mean ${JSON.stringify(meant)}?`
}

/** What the bus has, and under which names it is looked for here. */
const OF_THE_BUS: ReadonlyMap<string, string> = new Map([
  ['group', 'group'],
  ['concurrency', 'concurrency'],
  ['prefetch', 'concurrency'],
  ['source', 'source'],
  ['retry', 'retry'],
  ['retries', 'retry'],
  ['retrypolicy', 'retry'],
  ['maxretries', 'retry'],
  ['maxattempts', 'retry'],
])

const OF_A_POOL: readonly string[] = ['minsize', 'maxsize', 'poolsize', 'pool', 'maxconnections']

/** What is asked for under other names, such as those of other libraries, and what it is called here. */
const OTHER_WORDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['claimidle', ['leaseMs']],
  ['minidle', ['leaseMs']],
  ['visibilitytimeout', ['leaseMs']],
  ['count', ['batch']],
  ['batchsize', ['batch']],
  ['maxlength', ['maxLen', 'maxWaiting']],
  ['maxlen', ['maxWaiting']],
  ['name', ['consumer', 'channel']],
  ['stream', ['channel']],
  ['streams', ['channel']],
  ['channel', ['stream']],
  ['streamname', ['stream', 'channel']],
  ['queue', ['stream', 'channel']],
  ['queuename', ['stream', 'channel']],
  ['prefix', ['stream', 'channel']],
  ['topic', ['stream', 'channel']],
  ['uri', ['url']],
  ['redisuri', ['url']],
  ['redisurl', ['url']],
  ['host', ['url']],
  ['hostname', ['url']],
  ['port', ['url']],
  ['db', ['url']],
  ['database', ['url']],
  ['user', ['url']],
  ['username', ['url']],
  ['password', ['url']],
  ['tls', ['url']],
  ['redis', ['client']],
  ['connection', ['client']],
])

/** Without what is easily written in another way: `claim_idle` for `claimIdleMs`. */
function plainNameOf(name: string): string {
  return name
    .replace(/[^a-z]/gi, '')
    .toLowerCase()
    .replace(/ms$/, '')
}

/** So that `partition` leads to `partitions`. */
function singularOf(plainName: string): string {
  return plainName.replace(/s$/, '')
}

/** What consumers are to read has to be known before there are events. */
function streamIssues({ stream, streams }: RedisStreamsOptions): Issue[] {
  if (typeof stream === 'function' && streams === undefined) {
    const message = 'expected a list of all names that the function "stream" gives'
    return [{ path: 'streams', code: 'missing', message }]
  }
  if (typeof stream === 'function' || streams === undefined) return []
  const message = 'expected nothing, unless "stream" is a function that chooses one of them'
  return [{ path: 'streams', code: 'format', message }]
}

function timeoutIssues({
  blockMs = DEFAULTS.blockMs,
  socketTimeoutMs = DEFAULTS.socketTimeoutMs,
  replicas = DEFAULTS.replicas,
  replicaTimeoutMs = DEFAULTS.replicaTimeoutMs,
}: RedisStreamsOptions): Issue[] {
  const silences = { blockMs, ...(replicas > 0 && { replicaTimeoutMs }) }
  return Object.entries(silences)
    .filter(([, silenceMs]) => silenceMs >= socketTimeoutMs)
    .map(([name, silenceMs]) => ({
      path: 'socketTimeoutMs',
      code: 'format',
      message: `expected more than "${name}", which is ${silenceMs}: the server may be silent for that long`,
    }))
}

function isClient(value: unknown): value is RedisClient {
  const client = value as Partial<RedisClient> | null
  return typeof client?.duplicate === 'function' && typeof client.evalsha === 'function'
}
