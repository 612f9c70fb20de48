import type { RedisClient } from './connection.ts'
import { checkOptions, RULES, type Rules, STREAM_NAME } from './options.ts'

export interface RedisPubSubOptions {
  /** Where the server is: `redis://host:6379/0`, `rediss://` for TLS. Or `client`. */
  readonly url?: string | undefined
  /** A client of ioredis, or a Cluster of it. Its settings are taken over; connections of its own are opened. */
  readonly client?: RedisClient | undefined
  /** The channel that all of them share. `eventsets` unless given. */
  readonly channel?: string | undefined
  /** How many events may wait in this process for their handlers; what comes beyond that is missed. 100000 unless given. */
  readonly maxWaiting?: number | undefined
  /** A connection that owes an answer for so long is given up, in milliseconds. 10000 unless given. */
  readonly socketTimeoutMs?: number | undefined
  /** How long publishing waits for the server, in milliseconds. 10000 unless given. */
  readonly timeoutMs?: number | undefined
}

export type PubSubSettings = {
  readonly [Name in Exclude<keyof RedisPubSubOptions, 'url' | 'client'>]-?: NonNullable<
    RedisPubSubOptions[Name]
  >
} & { readonly url: string | undefined; readonly client: RedisClient | undefined }

const DEFAULTS = {
  channel: 'eventsets',
  maxWaiting: 100_000,
  socketTimeoutMs: 10_000,
  timeoutMs: 10_000,
} as const

/** @throws ValidationError with everything that is wrong. */
export function resolvePubSubOptions(options: RedisPubSubOptions): PubSubSettings {
  checkOptions('redisPubSub', options, PUB_SUB_RULES)
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<PubSubSettings>
  return { ...DEFAULTS, url: undefined, client: undefined, ...given }
}

const PUB_SUB_RULES: Rules<RedisPubSubOptions> = {
  url: RULES.url,
  client: RULES.client,
  channel: STREAM_NAME,
  maxWaiting: RULES.maxLen,
  socketTimeoutMs: RULES.socketTimeoutMs,
  timeoutMs: RULES.timeoutMs,
}
