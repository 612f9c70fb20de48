import type { Redis, RedisOptions } from 'ioredis'
import { loadClient } from '../connection.ts'
import { closedError, failureOf } from '../failures.ts'
import { noTlsError } from '../no-tls.ts'
import { RECONNECTING } from '../reconnecting.ts'
import { refuseDatabase } from '../selection.ts'
import { forgetTimer } from '../socket-timer.ts'

/** One connection to a server. It comes back by itself. */
export interface Link {
  readonly isReady: boolean
  /**
   * Does something when the server is there. It is not done once more by itself: when the connection is lost meanwhile,
   * nobody knows whether it was done, and it fails.
   *
   * @throws what the server answers; at once, when it will not let us in.
   */
  call<T>(action: (client: Redis) => Promise<T>): Promise<T>
  /** Resolves when the server knows of it, too. */
  end(): Promise<void>
}

export interface LinkListener {
  /** It was lost, or there never was one: once, until it is back. */
  readonly onLost?: (error: Error) => void
  readonly onBack?: () => void
}

/** A server that owes an answer for so long is given up. Much longer than anybody waits at the server. */
const SOCKET_TIMEOUT_MS = 10_000
/** How long the server is given to notice the end. */
const END_MS = 500

export function openLink(serverUrl: string, { onLost, onBack }: LinkListener = {}): Link {
  let opening: Promise<Redis> | undefined
  let opened: Redis | undefined
  let isEnded = false
  let isLost = false
  let refusal: Error | undefined
  let lastError: Error | undefined
  const waiting = new Set<() => void>()
  const tellAll = () => {
    for (const tell of [...waiting]) tell()
  }
  const lose = () => {
    if (isEnded || isLost) return
    isLost = true
    onLost?.(lastError ?? new Error('Connection is closed.'))
  }

  const open = async (): Promise<Redis> => {
    const { Redis: Client } = await loadClient()
    const client = new Client(serverUrl, OPTIONS)
    opened = client
    client.on('ready', () => {
      refusal = undefined
      if (isLost) onBack?.()
      isLost = false
      tellAll()
    })
    client.on('error', (reason: Error) => {
      const error = refuseDatabase(client, reason) ?? noTlsError(client, reason) ?? reason
      lastError = withReason(error)
      if (isFinal(error)) refusal = error
      lose()
      tellAll()
    })
    client.on('close', () => {
      forgetTimer(client)
      lose()
      tellAll()
    })
    if (!isEnded) client.connect().catch(() => {})
    return client
  }
  const readyClient = async (): Promise<Redis> => {
    opening ??= open()
    const client = await opening
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!isEnded && !refusal && client.status !== 'ready') return
        waiting.delete(look)
        if (isEnded) reject(closedError())
        else if (refusal) reject(refusal)
        else resolve()
      }
      waiting.add(look)
      look()
    })
    return client
  }

  return {
    get isReady() {
      return !isEnded && opened?.status === 'ready'
    },
    async call(action) {
      const client = opened?.status === 'ready' && !isEnded ? opened : await readyClient()
      try {
        return await action(client)
      } catch (error) {
        throw isEnded ? closedError() : error
      }
    },
    async end() {
      if (isEnded) return
      isEnded = true
      tellAll()
      if (!opened) return
      const client = opened
      const closed = new Promise<void>((resolve) => {
        if (client.status !== 'ready') resolve()
        client.once('end', resolve)
        setTimeout(resolve, END_MS).unref()
      })
      client.disconnect()
      await closed
    },
  }
}

const OPTIONS: RedisOptions = {
  lazyConnect: true,
  // What was on its way when the connection was lost fails.
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  enableOfflineQueue: false,
  // Nothing else notices a connection that is silently dead.
  socketTimeout: SOCKET_TIMEOUT_MS,
  connectTimeout: SOCKET_TIMEOUT_MS,
  ...RECONNECTING,
}

/** Whether it does not pass by itself, as a wrong password. */
export function isFinal(error: unknown): boolean {
  const { kind } = failureOf(error)
  return kind === 'wrong' || kind === 'barred'
}

/** Of a name with several addresses Node tells one reason each, and none in the message. */
function withReason(error: Error): Error {
  if (error.message !== '') return error
  const { code } = error as NodeJS.ErrnoException
  return new Error(code ?? 'The connection has failed.', { cause: error })
}
