import { type Issue, ValidationError } from 'eventsets'
import type { RedisClient } from './connection.ts'

export interface RedisStreamsOptions {
  /** Where the server is: `redis://host:6379/0`, `rediss://` for TLS. Or `client`. */
  readonly url?: string | undefined
  /** A client of ioredis, or a Cluster of it. Its settings are taken over; connections of its own are opened. */
  readonly client?: RedisClient | undefined
  /** What the names of all keys begin with, in braces: `{eventsets}:`. One bus each. `eventsets` unless given. */
  readonly stream?: string | undefined
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
  /** How many events are read at once at most. 100 unless given. */
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
   * Where a group begins that is new: with what is published from `now` on, or at the `beginning` of what is kept. `now`
   * unless given; what was published before there was any group at all waits for the first one.
   */
  readonly newGroups?: 'now' | 'beginning' | undefined
}

export type Settings = {
  readonly [Name in Exclude<keyof RedisStreamsOptions, 'url' | 'client'>]-?: NonNullable<
    RedisStreamsOptions[Name]
  >
} & { readonly url: string | undefined; readonly client: RedisClient | undefined }

const WEEK_MS = 7 * 24 * 60 * 60 * 1000

/** @throws ValidationError with everything that is wrong. */
export function resolveOptions(options: RedisStreamsOptions, consumer: string): Settings {
  checkOptions('redisStreams', options, RULES, timeoutIssues(options ?? {}))
  // What is given as undefined is not given.
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<Settings>
  return { ...DEFAULTS, consumer, url: undefined, client: undefined, ...given }
}

const DEFAULTS = {
  stream: 'eventsets',
  partitions: 16,
  leaseMs: 15_000,
  blockMs: 5000,
  batch: 100,
  historySize: 100_000,
  historyMs: WEEK_MS,
  maxLen: Number.POSITIVE_INFINITY,
  overflow: 'wait',
  rememberedIds: 100_000,
  maxCrashes: 3,
  socketTimeoutMs: 10_000,
  timeoutMs: 10_000,
  newGroups: 'now',
} as const

type Rule = readonly [what: string, isRight: (value: unknown) => boolean]

const wholeFrom = (least: number, most = Number.MAX_SAFE_INTEGER): Rule => [
  most === Number.MAX_SAFE_INTEGER
    ? `a whole number, ${least} or more`
    : `a whole number from ${least} to ${most}`,
  (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
]
const oneOf = (...words: readonly string[]): Rule => [
  words.map((word) => JSON.stringify(word)).join(' or '),
  (value) => words.includes(value as string),
]
const milliseconds: Rule = ['whole milliseconds, 1 or more', wholeFrom(1)[1]]

export type Rules<Options> = { readonly [Name in keyof Required<Options>]: Rule }

export const RULES: Rules<RedisStreamsOptions> = {
  url: ['a URL such as "redis://localhost:6379"', isRedisUrl],
  client: ['a client of ioredis', isClient],
  stream: [
    'a text without braces and control characters, 200 characters at most',
    (value) => typeof value === 'string' && /^[^{}\p{C}]{1,200}$/u.test(value),
  ],
  partitions: wholeFrom(1, 256),
  consumer: [
    'a text without control characters, 200 characters at most',
    (value) => typeof value === 'string' && /^[^\p{C}]{1,200}$/u.test(value),
  ],
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
  const known = Object.keys(rules)
  for (const [path, value] of Object.entries(options ?? {})) {
    const rule = known.includes(path) ? rules[path as keyof Options] : undefined
    if (!rule)
      issues.push({
        path,
        code: 'unknown_key',
        message: `is not a known option; known are ${known.join(', ')}`,
      })
    else if (value !== undefined && !rule[1](value))
      issues.push({ path, code: 'format', message: `expected ${rule[0]}` })
  }
  const { url, client } = options ?? {}
  if ((url === undefined) === (client === undefined))
    issues.push({ path: '', code: 'missing', message: 'expected either "url" or "client"' })
  issues.push(...more)
  if (issues.length > 0)
    throw new ValidationError(`The options of ${name} are`, issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
}

function timeoutIssues({
  blockMs = DEFAULTS.blockMs,
  socketTimeoutMs = DEFAULTS.socketTimeoutMs,
}: RedisStreamsOptions): Issue[] {
  if (socketTimeoutMs > blockMs) return []
  const message = `expected more than "blockMs", which is ${blockMs}: the server may be silent for that long`
  return [{ path: 'socketTimeoutMs', code: 'format', message }]
}

function isRedisUrl(value: unknown): boolean {
  return typeof value === 'string' && /^rediss?:\/\//.test(value) && URL.canParse(value)
}

function isClient(value: unknown): boolean {
  const client = value as Partial<RedisClient> | null
  return typeof client?.duplicate === 'function' && typeof client.evalsha === 'function'
}
