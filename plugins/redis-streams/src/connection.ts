import { ConnectionError } from 'eventsets/bus'
import type { Cluster, Redis, RedisOptions } from 'ioredis'
import { closedError, failureOf } from './failures.ts'
import type { Settings } from './options.ts'
import type { Script } from './scripts/script.ts'
import { MAX_TIMEOUT_MS } from './timeout.ts'

/** A client of ioredis, for one server or for a cluster. */
export type RedisClient = Redis | Cluster

/** Two connections to the server: one for what is answered at once, and one that waits. */
export interface Connection {
  /** The key of the stream that tells of news: all others are named after it. */
  readonly wakeKey: string
  readonly isReady: boolean
  /** How often it was lost and came back. */
  readonly reconnects: number
  /**
   * Runs a script when the server is there.
   *
   * @param deadlineMs By when, on the clock of `performance`.
   * @throws what the server answers, or that it has not by then.
   */
  run(script: Script, args: readonly (string | number)[], deadlineMs?: number): Promise<unknown>
  /** The same, again and again while the server refuses for a time. Only for scripts that may run twice. */
  insist(script: Script, args: readonly (string | number)[], deadlineMs: number): Promise<unknown>
  /** A page of a stream. */
  range(queueKey: string, start: string, end: string, count: number, deadlineMs: number): Promise<Entry[]>
  /** Waits until something is added to the stream of news after an id; gives the last id, if so. */
  waitForNews(afterId: string): Promise<string | undefined>
  /** Listens to a channel, and again after each time that the connection was lost. @throws ConnectionError when ioredis is not installed. */
  listen(channel: string, listener: Listener): Promise<void>
  close(): void
}

/** Whoever listens to a channel. */
export interface Listener {
  onMessage(text: string): void
  /** From now on, everything arrives. */
  onOpen(): void
  /** From now on, nothing arrives. */
  onLost(): void
}

/** What a connection needs to know. */
export type ConnectionSettings = Pick<Settings, 'url' | 'client' | 'stream' | 'blockMs' | 'socketTimeoutMs'>

/** An entry of a stream: its id, and names and values in turn. */
export type Entry = [id: string, fields: string[]]

const FIRST_PAUSE_MS = 20
const MAX_PAUSE_MS = 1000

export function createConnection(settings: ConnectionSettings, onLost: (error: Error) => void): Connection {
  const { stream, blockMs } = settings
  const prefix = `{${stream}}:`
  const wakeKey = `${prefix}wake`
  let opening: Promise<Pair> | undefined
  let pair: Pair | undefined
  let isClosed = false
  let isListening = false
  /** Whether the connection that waits for news has been lost. */
  let isDeaf = false
  let reconnects = 0
  let lastError: Error | undefined
  let pingTimer: NodeJS.Timeout | undefined
  const onChange = new Set<() => void>()

  const open = (): Promise<Pair> => {
    opening ??= openPair(settings).then((opened) => {
      pair = opened
      watch(opened.commands, true)
      if (isClosed) end()
      return opened
    })
    return opening
  }
  const watch = (client: RedisClient, isMain: boolean) => {
    let wasReady = false
    let isAway = false
    // Each server of a cluster has a connection of its own.
    if (client.isCluster)
      client.on('+node', (node: RedisClient) => void node.on('close', () => forgetTimer(node)))
    client.on('ready', () => {
      if (wasReady && isMain) reconnects++
      wasReady = true
      isAway = false
      if (!isMain) isDeaf = false
      tellChange()
    })
    client.on('error', (error: Error) => {
      lastError = error
    })
    client.on('close', () => {
      forgetTimer(client)
      tellChange()
      if (isClosed || isAway || !wasReady) return
      isAway = true
      if (!isMain) isDeaf = true
      onLost(lastError ?? new Error('Connection is closed.'))
    })
    // It goes on trying by itself.
    client.connect().catch((error: Error) => {
      lastError = error
    })
  }
  const tellChange = () => {
    for (const tell of [...onChange]) tell()
  }
  const end = () => {
    for (const client of pair ? [pair.commands, pair.blocking] : []) client.disconnect()
    tellChange()
  }
  const readyNow = (which: keyof Pair): RedisClient | undefined => {
    const client = pair?.[which]
    return !isClosed && client?.status === 'ready' ? client : undefined
  }
  const readyClient = async (which: keyof Pair, deadlineMs: number): Promise<RedisClient> => {
    if (isClosed) throw closedError()
    const client = pair?.[which] ?? (await open())[which]
    if (client.status === 'ready') return client
    await new Promise<void>((resolve, reject) => {
      const settle = () => {
        if (!isClosed && client.status !== 'ready') return
        clear()
        if (isClosed) reject(closedError())
        else resolve()
      }
      const timer = startTimer(deadlineMs, () => {
        clear()
        reject(lastError ?? new Error('There is no connection.'))
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
    const late = new Promise<never>((_, reject) => {
      timer = startTimer(deadlineMs, () => reject(lateError(lastError)))
    })
    try {
      return await Promise.race([promise, late])
    } finally {
      clearTimeout(timer)
    }
  }
  const evaluate = async (client: RedisClient, { sha, text }: Script, args: readonly (string | number)[]) => {
    // The client flattens it. As arguments of a call there could not be as many.
    const list = args as unknown as string
    try {
      return await client.evalsha(sha, 1, wakeKey, list)
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return await client.eval(text, 1, wakeKey, list)
    }
  }
  const run: Connection['run'] = async (script, args, deadlineMs = Number.POSITIVE_INFINITY) => {
    // At once where that is possible: whoever has asked goes on meanwhile.
    const client = readyNow('commands') ?? (await readyClient('commands', deadlineMs))
    try {
      return await within(evaluate(client, script, args), deadlineMs)
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

  return {
    wakeKey,
    get isReady() {
      return !isClosed && pair?.commands.status === 'ready' && !isDeaf
    },
    get reconnects() {
      return reconnects
    },
    run,
    insist: (script, args, deadlineMs) => again(deadlineMs, () => run(script, args, deadlineMs)),
    range(queueKey, start, finish, count, deadlineMs) {
      return again(deadlineMs, async () => {
        const client = await readyClient('commands', deadlineMs)
        return await within(client.xrange(prefix + queueKey, start, finish, 'COUNT', count), deadlineMs)
      })
    },
    async waitForNews(afterId) {
      if (!isListening) {
        // Whoever only publishes does not need it.
        isListening = true
        watch((await open()).blocking, false)
      }
      const client = await readyClient('blocking', Number.POSITIVE_INFINITY)
      const found = await client.xread('BLOCK', blockMs, 'STREAMS', wakeKey, afterId)
      return found?.[0]?.[1].at(-1)?.[0]
    },
    async listen(channel, { onMessage, onOpen, onLost }) {
      const { blocking } = await open()
      blocking.on('message', (_: string, text: string) => onMessage(text))
      blocking.on('ready', () => {
        // A connection on which nobody listens is of no use.
        blocking.subscribe(channel).then(onOpen, () => blocking.disconnect(true))
      })
      blocking.on('close', onLost)
      // Whoever listens owes nothing and is owed nothing: that the connection is dead shows when it does not answer.
      pingTimer = setInterval(() => {
        if (blocking.status === 'ready') blocking.ping().catch(() => {})
      }, settings.socketTimeoutMs / 2)
      watch(blocking, false)
    },
    close() {
      if (isClosed) return
      isClosed = true
      clearInterval(pingTimer)
      end()
    },
  }
}

interface Pair {
  readonly commands: RedisClient
  readonly blocking: RedisClient
}

/** @throws ConnectionError when ioredis is not installed. */
async function openPair({ url, client, socketTimeoutMs }: ConnectionSettings): Promise<Pair> {
  const options = {
    lazyConnect: true,
    // Calls have deadlines of their own; what waits for news, waits.
    maxRetriesPerRequest: null,
    // Nothing else notices a connection that is silently dead.
    socketTimeout: socketTimeoutMs,
    connectTimeout: socketTimeoutMs,
    retryStrategy: (times: number) =>
      Math.min(1000, 25 * 2 ** Math.min(times, 6)) * (0.75 + Math.random() / 4),
    // A primary that has become a replica: the address leads to another one by now.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    enableReadyCheck: true,
    // Whoever listens asks for it again, and then looks what was missed.
    autoResubscribe: false,
    enableOfflineQueue: true,
    autoResendUnfulfilledCommands: true,
    commandTimeout: undefined,
  } satisfies Record<string, unknown>
  if (client) return { commands: copyOf(client, options), blocking: copyOf(client, options) }
  const { Redis } = await import('ioredis').catch((cause) => {
    throw new ConnectionError('The package "ioredis" is not installed.', {
      code: 'EVENTSETS_CONNECTION',
      hint: 'npm install ioredis',
      cause,
    })
  })
  const create = () => new Redis(url as string, options as unknown as RedisOptions)
  return { commands: create(), blocking: create() }
}

function copyOf(client: RedisClient, options: object): RedisClient {
  if (!client.isCluster) return (client as Redis).duplicate(options as RedisOptions)
  const cluster = client as Cluster
  const { lazyConnect, ...redisOptions } = options as { lazyConnect: boolean }
  return cluster.duplicate([], {
    ...cluster.options,
    lazyConnect,
    redisOptions: { ...cluster.options.redisOptions, ...redisOptions },
  })
}

function lateError(cause: Error | undefined): Error {
  return new Error('There was no answer in time.', cause && { cause })
}

/**
 * ioredis 5.11 keeps the timer of `socketTimeout` when a connection is lost that owed an answer, and when it rings, it
 * closes the next one, which owes nothing. There is no public way to it: where it is not what is known here, nothing is
 * touched, and a connection may be opened once more than needed.
 */
function forgetTimer(client: RedisClient): void {
  const timed = client as { socketTimeoutTimer?: unknown }
  if (!isTimer(timed.socketTimeoutTimer)) return
  clearTimeout(timed.socketTimeoutTimer)
  timed.socketTimeoutTimer = undefined
}

function isTimer(value: unknown): value is NodeJS.Timeout {
  return typeof value === 'object' && value !== null && 'hasRef' in value && 'refresh' in value
}

function startTimer(deadlineMs: number, callback: () => void): NodeJS.Timeout | undefined {
  if (deadlineMs === Number.POSITIVE_INFINITY) return undefined
  return setTimeout(callback, Math.min(MAX_TIMEOUT_MS, Math.max(0, deadlineMs - performance.now())))
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
