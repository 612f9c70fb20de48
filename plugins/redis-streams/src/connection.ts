import { ConnectionError } from 'eventsets/bus'
import type { Cluster, Redis } from 'ioredis'
import { type ClusterListening, listenOnCluster } from './cluster-listening.ts'
import { evaluate } from './evaluate.ts'
import { closedError, failureOf } from './failures.ts'
import { noTlsError } from './no-tls.ts'
import type { Settings } from './options.ts'
import { RECONNECTING } from './reconnecting.ts'
import { createReplication, type ReplicasWish, type Replicated, type Replication } from './replicas.ts'
import type { Script } from './scripts/script.ts'
import { refuseDatabase } from './selection.ts'
import { forgetTimer } from './socket-timer.ts'
import { MAX_TIMEOUT_MS } from './timeout.ts'

/** A client of ioredis, for one server or for a cluster. */
export type RedisClient = Redis | Cluster

/**
 * Two connections to the server: one for what is answered at once, and one that waits. Where publishing waits for
 * replicas, it has one of its own.
 */
export interface Connection {
  /** The key of the stream that tells of news: all others are named after it. */
  readonly wakeKey: string
  readonly isReady: boolean
  /** How often it was lost and came back. */
  readonly reconnects: number
  /** Counts how often another server, or the same one after its end, may have begun to answer. */
  readonly changes: number
  /** Resolves when the server is there. @throws what keeps us from it, at once where that does not pass by itself. */
  reach(deadlineMs: number): Promise<void>
  /**
   * Runs a script when the server is there.
   *
   * @param deadlineMs By when, on the clock of `performance`.
   * @throws what the server answers, or that it has not by then.
   */
  run(script: Script, args: readonly (string | number)[], deadlineMs?: number): Promise<unknown>
  /** The same, again and again while the server refuses for a time. Only for scripts that may run twice. */
  insist(script: Script, args: readonly (string | number)[], deadlineMs: number): Promise<unknown>
  /** Runs a script once, and waits until replicas have what it has written. */
  runOnReplicas(
    script: Script,
    args: readonly (string | number)[],
    wish: ReplicasWish,
    deadlineMs: number,
  ): Promise<Replicated>
  /** A page of a stream. */
  range(queueKey: string, start: string, end: string, count: number, deadlineMs: number): Promise<Entry[]>
  /**
   * Waits until something is added to the streams of news after these ids, each by its key; gives the last ids of those
   * that have some. All of them are in one slot, where there are slots.
   */
  waitForNews(afterIds: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string>>
  /** Listens to a channel, and again after each time that the connection was lost. @throws ConnectionError when ioredis is not installed. */
  listen(channel: string, listener: Listener): Promise<void>
  /** The same connections for the keys of another stream. */
  under(stream: string): Connection
  /** For all streams. */
  close(): void
}

/** Whoever listens to a channel. */
export interface Listener {
  onMessage(text: string): void
  /** From now on, everything arrives. */
  onOpen(): void
  /** From now on, nothing arrives. */
  onLost(): void
  /** The server does not let us listen. It is tried again. */
  onRefused(error: Error): void
}

/** What a connection needs to know. */
export interface ConnectionSettings extends Pick<Settings, 'url' | 'client' | 'blockMs' | 'socketTimeoutMs'> {
  readonly stream: string
}

/** An entry of a stream: its id, and names and values in turn. */
export type Entry = [id: string, fields: string[]]

const FIRST_PAUSE_MS = 20
const MAX_PAUSE_MS = 1000
/** What was owed is there or given up when a connection is closed. */
const DISCONNECT_MS = 100
const MOVED_PAUSE_MS = 50

export function createConnection(settings: ConnectionSettings, onLost: (error: Error) => void): Connection {
  const { blockMs } = settings
  let opening: Promise<Clients> | undefined
  let clients: Clients | undefined
  let isClosed = false
  let isListening = false
  let isReplicating = false
  /** Whether the connection that waits for news has been lost. */
  let isDeaf = false
  let reconnects = 0
  let changes = 0
  let lastError: Error | undefined
  let pingTimer: NodeJS.Timeout | undefined
  let listening: ClusterListening | undefined
  const onChange = new Set<() => void>()

  const open = (): Promise<Clients> => {
    opening ??= createClients(settings).then((opened) => {
      clients = opened
      watch('commands', opened)
      if (isClosed) end()
      return opened
    })
    return opening
  }
  const watch = (role: Role, opened: Clients) => {
    const client = opened[role]
    let wasReady = false
    let isAway = false
    // Each server of a cluster has a connection of its own.
    if (client.isCluster)
      client.on('+node', (node: RedisClient) => {
        node.on('close', () => {
          forgetTimer(node)
          if (role === 'commands') changes++
        })
      })
    client.on('ready', () => {
      if (!isUsable(client)) return
      if (wasReady && role === 'commands') {
        reconnects++
        changes++
      }
      wasReady = true
      isAway = false
      lastError = undefined
      if (role === 'blocking') isDeaf = false
      tellChange()
    })
    client.on('error', (error: Error) => {
      lastError = refuseDatabase(client, error) ?? noTlsError(client, error) ?? error
      tellChange()
    })
    client.on('close', () => {
      forgetTimer(client)
      tellChange()
      if (isClosed || isAway || !wasReady) return
      isAway = true
      if (role === 'blocking') isDeaf = true
      onLost(lastError ?? new Error('Connection is closed.'))
    })
    // It goes on trying by itself.
    client.connect().catch((error: Error) => {
      // What was told before says more than that the connection is closed.
      lastError ??= error
    })
  }
  const tellChange = () => {
    for (const tell of [...onChange]) tell()
  }
  const end = () => {
    listening?.close()
    for (const client of Object.values(clients ?? {})) client.disconnect()
    tellChange()
  }
  const readyNow = (role: Role): RedisClient | undefined => {
    const client = clients?.[role]
    return !isClosed && client && isUsable(client) ? client : undefined
  }
  const readyClient = async (role: Role, deadlineMs: number): Promise<RedisClient> => {
    if (isClosed) throw closedError()
    const client = clients?.[role] ?? (await open())[role]
    if (isUsable(client)) return client
    await new Promise<void>((resolve, reject) => {
      const settle = () => {
        // Whoever has no deadline waits until somebody has seen to it.
        const isBarred = deadlineMs < Number.POSITIVE_INFINITY && failureOf(lastError).kind === 'barred'
        if (!isClosed && !isUsable(client) && !isBarred) return
        clear()
        if (isClosed) reject(closedError())
        else if (isUsable(client)) resolve()
        else reject(lastError)
      }
      const timer = startTimer(deadlineMs, () => {
        clear()
        const error = lastError ?? new Error('There is no connection.')
        reject(noTlsError(client, error) ?? error)
      })
      const clear = () => {
        clearTimeout(timer)
        onChange.delete(settle)
      }
      onChange.add(settle)
      settle()
    })
    return client
  }
  /** What the server says, unless that takes too long. */
  const within = async <T>(promise: Promise<T>, deadlineMs: number): Promise<T> => {
    if (deadlineMs === Number.POSITIVE_INFINITY) return await promise
    let timer: NodeJS.Timeout | undefined
    let giveUp = () => {}
    const late = new Promise<never>((_, reject) => {
      timer = startTimer(deadlineMs, () => reject(lateError(lastError)))
      // A client that is closed while it has no connection never settles what waits for one.
      giveUp = () => {
        if (isClosed) reject(closedError())
      }
      onChange.add(giveUp)
    })
    try {
      return await Promise.race([promise, late])
    } finally {
      clearTimeout(timer)
      onChange.delete(giveUp)
    }
  }
  const run = async (
    wakeKey: string,
    script: Script,
    args: readonly (string | number)[],
    deadlineMs = Number.POSITIVE_INFINITY,
  ) => {
    // At once where that is possible: whoever has asked goes on meanwhile.
    const client = readyNow('commands') ?? (await readyClient('commands', deadlineMs))
    try {
      return await within(evaluate(client, wakeKey, script, args), deadlineMs)
    } catch (error) {
      if (isClosed) throw closedError()
      throw error
    }
  }
  const runOnReplicas = async (
    replication: Replication,
    wakeKey: string,
    script: Script,
    args: readonly (string | number)[],
    wish: ReplicasWish,
    deadlineMs: number,
  ) => {
    if (!isReplicating) {
      isReplicating = true
      watch('replicating', await open())
    }
    const client = await readyClient('replicating', deadlineMs)
    try {
      const running = replication.run(client, wakeKey, script, args, wish)
      return await within(running, deadlineMs + wish.replicaTimeoutMs)
    } catch (error) {
      if (isClosed) throw closedError()
      throw error
    }
  }
  const again = async <T>(deadlineMs: number, attempt: () => Promise<T>): Promise<T> => {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
      try {
        return await attempt()
      } catch (error) {
        const { kind } = failureOf(error)
        const isPassing = kind === 'away' || kind === 'refused'
        if (isClosed || !isPassing || performance.now() + pauseMs >= deadlineMs) throw error
        await pause(pauseMs)
      }
    }
  }

  const waitForNews: Connection['waitForNews'] = async (afterIds) => {
    if (!isListening) {
      // Whoever only publishes does not need it.
      isListening = true
      watch('blocking', await open())
    }
    const client = await readyClient('blocking', Number.POSITIVE_INFINITY)
    const found = await client.xread('BLOCK', blockMs, 'STREAMS', ...afterIds.keys(), ...afterIds.values())
    // The client may have put something before the names.
    return new Map(
      found?.map(([key, entries]) => [key.slice(key.lastIndexOf('{')), entries.at(-1)?.[0] as string]),
    )
  }
  const under = (stream: string): Connection => {
    const prefix = `{${stream}}:`
    const wakeKey = `${prefix}wake`
    const replication = createReplication()
    return {
      wakeKey,
      get isReady() {
        return !isClosed && clients?.commands.status === 'ready' && !isDeaf
      },
      get reconnects() {
        return reconnects
      },
      get changes() {
        return changes
      },
      run: (script, args, deadlineMs) => run(wakeKey, script, args, deadlineMs),
      async reach(deadlineMs) {
        await readyClient('commands', deadlineMs)
      },
      runOnReplicas: (...call) => runOnReplicas(replication, wakeKey, ...call),
      insist: (script, args, deadlineMs) => again(deadlineMs, () => run(wakeKey, script, args, deadlineMs)),
      range(queueKey, start, finish, count, deadlineMs) {
        return again(deadlineMs, async () => {
          const client = await readyClient('commands', deadlineMs)
          return await within(client.xrange(prefix + queueKey, start, finish, 'COUNT', count), deadlineMs)
        })
      },
      waitForNews,
      under,
      async listen(channel, listener) {
        const opened = await open()
        const { blocking, commands } = opened
        if (commands.isCluster) {
          listening = listenOnCluster(commands as Cluster, channel, listener, settings.socketTimeoutMs)
          if (isClosed) listening.close()
          return
        }
        const { onMessage, onOpen, onLost, onRefused } = listener
        blocking.on('message', (_: string, text: string) => onMessage(text))
        blocking.on('ready', () => {
          if (!isUsable(blocking)) return
          // A connection on which nobody listens is of no use.
          blocking.subscribe(channel).then(onOpen, (error: Error) => {
            onRefused(error)
            blocking.disconnect(true)
          })
        })
        blocking.on('close', onLost)
        // Whoever listens owes nothing and is owed nothing: that the connection is dead shows when it does not answer.
        pingTimer = setInterval(() => {
          if (blocking.status === 'ready') blocking.ping().catch(() => {})
        }, settings.socketTimeoutMs / 2)
        watch('blocking', opened)
      },
      close() {
        if (isClosed) return
        isClosed = true
        clearInterval(pingTimer)
        end()
      },
    }
  }
  return under(settings.stream)
}

type Role = 'commands' | 'blocking' | 'replicating'
type Clients = Readonly<Record<Role, RedisClient>>

/** @throws ConnectionError when ioredis is not installed. */
async function createClients({ url, client, socketTimeoutMs }: ConnectionSettings): Promise<Clients> {
  const options = {
    lazyConnect: true,
    // Calls have deadlines of their own; what waits for news, waits.
    maxRetriesPerRequest: null,
    // Nothing else notices a connection that is silently dead.
    socketTimeout: socketTimeoutMs,
    connectTimeout: socketTimeoutMs,
    // It is destroyed then; where there is no connection any more, the timer of ioredis keeps the process until then.
    disconnectTimeout: DISCONNECT_MS,
    ...RECONNECTING,
    enableReadyCheck: true,
    // Whoever listens asks for it again, and then looks what was missed.
    autoResubscribe: false,
    enableOfflineQueue: true,
    autoResendUnfulfilledCommands: true,
    commandTimeout: undefined,
    // From version 6 on, answers may have other shapes.
    replyMapping: 'legacy',
  } satisfies Record<string, unknown>
  const all = (create: () => RedisClient): Clients => ({
    commands: create(),
    blocking: create(),
    replicating: create(),
  })
  if (client) return all(() => copyOf(client, options))
  const { Redis } = await loadClient()
  return all(() => new Redis(url as string, options as object))
}

/** @throws ConnectionError when ioredis is not installed. */
export async function loadClient(): Promise<Pick<typeof import('ioredis'), 'Redis'>> {
  try {
    return await import('ioredis')
  } catch (cause) {
    throw new ConnectionError('The package "ioredis" is not installed.', {
      code: 'EVENTSETS_CONNECTION',
      hint: 'npm install ioredis',
      cause,
    })
  }
}

/** A client may say that it is ready when its connection was destroyed just now. What it is told then waits for the next one. */
function isUsable(client: RedisClient): boolean {
  return client.status === 'ready' && (client.isCluster || !(client as Redis).stream.destroyed)
}

function copyOf(client: RedisClient, options: object): RedisClient {
  if (!client.isCluster) return (client as Redis).duplicate(options)
  const cluster = client as Cluster
  const { lazyConnect, ...redisOptions } = options as { lazyConnect: boolean }
  const clusterOptions = {
    ...cluster.options,
    lazyConnect,
    // While a slot changes hands, servers may disagree for a moment whose it is.
    retryDelayOnMoved: cluster.options.retryDelayOnMoved || MOVED_PAUSE_MS,
    redisOptions: { ...cluster.options.redisOptions, ...redisOptions },
  }
  return cluster.duplicate([], clusterOptions as object)
}

function lateError(cause: Error | undefined): Error {
  return new Error('There was no answer in time.', cause && { cause })
}

function startTimer(deadlineMs: number, callback: () => void): NodeJS.Timeout | undefined {
  if (deadlineMs === Number.POSITIVE_INFINITY) return undefined
  return setTimeout(callback, Math.min(MAX_TIMEOUT_MS, Math.max(0, deadlineMs - performance.now())))
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
