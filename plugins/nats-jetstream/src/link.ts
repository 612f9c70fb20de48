import { type JetStreamClient, type JetStreamManager, jetstream } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { ConnectionError } from 'eventsets/bus'
import { closedError, failureOf } from './failures.ts'
import { type Names, namesOf } from './names.ts'
import type { Settings } from './options.ts'
import { ensureStreams, type StreamLimits } from './streams.ts'

/** The server, as long as it can be reached. */
export interface Server {
  readonly connection: NatsConnection
  readonly client: JetStreamClient
  readonly manager: JetStreamManager
  readonly limits: StreamLimits
  /** The most bytes that a message may have. */
  readonly maxPayload: number
}

/** The way to the server, which may be away for a while. */
export interface Link {
  readonly names: Names
  /** Whether the server can be reached at the moment. */
  readonly isReady: boolean
  /** Whether it was lost, and is not back. */
  readonly isAway: boolean
  /** How often it was lost and came back. */
  readonly reconnects: number
  /**
   * Does something with the server, again and again while it is away or its streams are missing. Only for what may be
   * done twice.
   *
   * @param deadlineMs By when, on the clock of `performance`; after `timeoutMs` unless given.
   * @throws what the server answers, or that it has not by then.
   */
  insist<T>(action: (server: Server) => Promise<T>, deadlineMs?: number): Promise<T>
  /** Sends what has been said, unless that takes too long. */
  flush(maxMs: number): Promise<void>
  /** Called when the server has been lost, and when it is back. Gives what ends that. */
  watch(onChange: (isReady: boolean, error?: Error) => void): () => void
  close(): Promise<void>
}

const FIRST_PAUSE_MS = 20
const MAX_PAUSE_MS = 500
/** A request that was lost with its connection is made again after that. */
const TRY_MS = 2000

/** Connects when something is to be done for the first time. */
export function createLink(settings: Settings): Link {
  const { timeoutMs, domain } = settings
  const names = namesOf(settings.stream)
  const tryMs = Math.min(TRY_MS, timeoutMs)
  const watchers = new Set<(isReady: boolean, error?: Error) => void>()
  const closed = createClosing()
  let opening: Promise<Server> | undefined
  let server: Server | undefined
  let making: Promise<unknown> | undefined
  let unfollow = () => {}
  let isLost = false
  let reconnects = 0
  let lastError: Error | undefined

  const open = (): Promise<Server> => {
    opening ??= begin().catch((error) => {
      opening = undefined
      throw error
    })
    return opening
  }
  const begin = async (): Promise<Server> => {
    const connection = settings.connection ?? (await connect(settings))
    if (closed.isClosed) {
      if (!settings.connection) await connection.close()
      throw closedError()
    }
    follow(connection).catch(() => {})
    try {
      const options = { timeout: tryMs, ...(domain === undefined ? {} : { domain }) }
      const client = jetstream(connection, options)
      const manager = await client.jetstreamManager(false)
      const limits = await ensureStreams(manager, names, settings)
      isLost = false
      server = {
        connection,
        client,
        manager,
        limits,
        // Another server, or the same one with another configuration, may allow for something else.
        get maxPayload() {
          return connection.info?.max_payload ?? 2 ** 20
        },
      }
      return server
    } catch (error) {
      unfollow()
      if (!settings.connection) await connection.close().catch(() => {})
      throw error
    }
  }
  const follow = async (connection: NatsConnection) => {
    const news = connection.status()
    // It has no word for that in its types, and would gather news for ever.
    unfollow = () => (news as { readonly stop?: () => void }).stop?.()
    for await (const status of news) {
      if (status.type === 'error') lastError = status.error
      if (server?.connection !== connection) continue
      if (status.type === 'disconnect') tell(false, lastError)
      if (status.type === 'reconnect') {
        reconnects++
        tell(true)
      }
    }
    if (server?.connection === connection && !closed.isClosed) tell(false, new Error('closed connection'))
  }
  const tell = (isReady: boolean, error?: Error) => {
    isLost = !isReady
    for (const onChange of [...watchers]) onChange(isReady, error)
  }
  /** What is sent meanwhile would come in a crowd when the server is back. */
  const untilReady = async (deadlineMs: number) => {
    if (!isLost) return
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer)
        stop()
        settle()
      }
      const timer = startTimer(deadlineMs, () =>
        end(() => reject(lastError ?? new Error('There is no connection.'))),
      )
      const stop = watch((isReady) => isReady && end(resolve))
    })
  }
  const watch = (onChange: (isReady: boolean, error?: Error) => void) => {
    watchers.add(onChange)
    return () => void watchers.delete(onChange)
  }
  /** Many calls may find at once that they are gone. */
  const makeStreams = (): Promise<unknown> => {
    if (!server) return Promise.resolve()
    making ??= ensureStreams(server.manager, names, settings).finally(() => {
      making = undefined
    })
    return making
  }
  const attempt = async <T>(action: (server: Server) => Promise<T>, deadlineMs: number): Promise<T> => {
    let found = await open()
    if (found.connection.isClosed()) {
      if (settings.connection) throw new CloseError()
      // It has been given up: for want of a valid user, for instance. By now there may be one.
      if (server === found) {
        server = undefined
        opening = undefined
      }
      found = await open()
    }
    await untilReady(deadlineMs)
    return await action(found)
  }

  return {
    names,
    get isReady() {
      return server !== undefined && !isLost && !closed.isClosed && !server.connection.isClosed()
    },
    get isAway() {
      return isLost || server?.connection.isClosed() === true
    },
    get reconnects() {
      return reconnects
    },
    async insist(action, deadlineMs = performance.now() + timeoutMs) {
      for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
        if (closed.isClosed) throw closedError()
        try {
          return await closed.orElse(attempt(action, deadlineMs))
        } catch (error) {
          if (closed.isClosed) throw closedError()
          const { kind } = failureOf(error)
          const isPassing = kind === 'away' || kind === 'missing'
          if (!isPassing || performance.now() + pauseMs >= deadlineMs) throw error
          await closed.orElse(pause(pauseMs))
          if (kind === 'missing') await closed.orElse(makeStreams()).catch(() => {})
        }
      }
    },
    async flush(maxMs) {
      if (!server || isLost || server.connection.isClosed()) return
      await Promise.race([server.connection.flush().catch(() => {}), pause(maxMs)])
    },
    watch,
    async close() {
      closed.close()
      if (settings.connection) {
        unfollow()
        return
      }
      const connection = server?.connection ?? (await opening?.catch(() => undefined))?.connection
      await connection?.close().catch(() => {})
    },
  }
}

/** @throws ConnectionError when the client is not installed. */
async function connect({ servers, connectOptions, timeoutMs }: Settings): Promise<NatsConnection> {
  const { connect } = await import('@nats-io/transport-node').catch((cause) => {
    throw new ConnectionError('The package "@nats-io/transport-node" is not installed.', {
      code: 'EVENTSETS_CONNECTION',
      hint: 'npm install @nats-io/transport-node',
      cause,
    })
  })
  return await connect({
    name: 'eventsets',
    timeout: timeoutMs,
    // The server may be away for as long as it likes.
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 100,
    // Nothing else notices a connection that is silently dead.
    pingInterval: 5000,
    maxPingOut: 2,
    ...connectOptions,
    servers: typeof servers === 'string' ? servers : [...(servers ?? [])],
  })
}

/** What the client would say, without loading it for that. */
class CloseError extends Error {
  override readonly name = 'ClosedConnectionError'

  constructor() {
    super('closed connection')
  }
}

/** Lets whoever waits go when the backend closes. */
function createClosing() {
  let isClosed = false
  let close = () => {}
  const closing = new Promise<void>((resolve) => {
    close = resolve
  })
  return {
    get isClosed() {
      return isClosed
    },
    close() {
      isClosed = true
      close()
    },
    async orElse<T>(promise: Promise<T>): Promise<T> {
      if (isClosed) {
        promise.catch(() => {})
        throw closedError()
      }
      return await Promise.race([
        promise,
        closing.then(() => {
          throw closedError()
        }),
      ])
    },
  }
}

/** What setTimeout can wait for; it takes more for nothing at all. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

function startTimer(deadlineMs: number, callback: () => void): NodeJS.Timeout | undefined {
  if (deadlineMs === Number.POSITIVE_INFINITY) return undefined
  return setTimeout(callback, Math.min(MAX_TIMEOUT_MS, Math.max(0, deadlineMs - performance.now())))
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
