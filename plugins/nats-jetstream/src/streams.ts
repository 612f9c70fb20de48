import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream'
import { ConnectionError } from 'eventsets/bus'
import type { Names } from './names.ts'
import type { Settings } from './options.ts'

/** What holds for the stream of the events, whoever has made it. */
export interface StreamLimits {
  /** For how long an event is kept, in milliseconds; Infinity for ever. */
  readonly maxAgeMs: number
  readonly maxBytes: number
  readonly dedupWindowMs: number
}

type Config = Partial<StreamConfig> & { readonly name: string }

/**
 * Makes the streams that are missing. Those that are there stay as they are: their settings belong to whoever runs the
 * server.
 *
 * @throws ConnectionError when a stream of that name is for something else.
 */
export async function ensureStreams(
  manager: JetStreamManager,
  names: Names,
  settings: Settings,
): Promise<StreamLimits> {
  const common = { storage: StorageType.File, num_replicas: settings.replicas, allow_direct: true }
  const maxAge = nanos(settings.maxAgeMs)
  const side = (name: string, more: Partial<StreamConfig> = {}): Config => ({
    ...common,
    name,
    subjects: [`${name}.>`],
    max_msgs_per_subject: 1,
    ...more,
  })
  const [log] = await Promise.all([
    ensure(manager, {
      ...common,
      name: names.log,
      subjects: [`${names.log}.>`],
      max_age: maxAge,
      max_bytes: Number.isFinite(settings.maxBytes) ? settings.maxBytes : -1,
      // Nothing makes room for what is new before its time: publishers are told.
      discard: DiscardPolicy.New,
      duplicate_window: nanos(settings.dedupWindowMs),
    }),
    ensure(manager, side(names.notes, { max_age: maxAge })),
    ensure(manager, side(names.dead)),
    ensure(manager, side(names.batches, { max_age: maxAge })),
  ])
  const { max_age, max_bytes, duplicate_window } = log
  return {
    maxAgeMs: max_age > 0 ? max_age / NANOS : Number.POSITIVE_INFINITY,
    maxBytes: max_bytes > 0 ? max_bytes : Number.POSITIVE_INFINITY,
    dedupWindowMs: duplicate_window / NANOS,
  }
}

async function ensure(manager: JetStreamManager, wanted: Config): Promise<StreamConfig> {
  const found = await find(manager, wanted.name)
  // Another process may make it at the same moment, with other settings.
  const config =
    found ??
    (await manager.streams.add(withinAge(wanted)).then(
      (made) => made.config,
      async (error) => {
        const other = await find(manager, wanted.name)
        if (!other) throw error
        return other
      },
    ))
  const isOurs =
    config.retention === RetentionPolicy.Limits && config.subjects?.includes(`${wanted.name}.>`) === true
  if (isOurs) return config
  throw new ConnectionError(
    `The stream ${JSON.stringify(wanted.name)} on the server is for something else.`,
    {
      code: 'EVENTSETS_CONNECTION',
      hint: 'Choose another name with "stream". It is expected to have the subjects "<stream>.>" and the retention "limits".',
    },
  )
}

/** The server remembers no id for longer than it keeps the message. */
function withinAge(config: Config): Config {
  const { max_age = 0, duplicate_window = nanos(120_000) } = config
  return max_age > 0 ? { ...config, duplicate_window: Math.min(max_age, duplicate_window) } : config
}

async function find(manager: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(name)).config
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
      return undefined
    throw error
  }
}

/** NATS counts in nanoseconds. */
const NANOS = 1_000_000

export function nanos(ms: number): number {
  return Math.round(ms * NANOS)
}
