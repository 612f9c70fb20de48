import type { Cluster, Redis } from 'ioredis'
import type { Listener } from './connection.ts'
import { forgetTimer } from './socket-timer.ts'

/** A channel that is listened to on one server of a cluster: each of them passes on what another one is told. */
export interface ClusterListening {
  close(): void
}

const PAUSE_MS = 100

/**
 * Listens on a connection of its own, and on another server when that one is lost. The cluster client of ioredis can do
 * so as well, but does not say when it has lost a server, and never notices one that is dead without a word.
 *
 * @param socketTimeoutMs A server that does not answer for so long is given up.
 */
export function listenOnCluster(
  cluster: Cluster,
  channel: string,
  { onMessage, onOpen, onLost, onRefused }: Listener,
  socketTimeoutMs: number,
): ClusterListening {
  let ear: Redis | undefined
  let isClosed = false
  let pauseTimer: NodeJS.Timeout | undefined

  const listen = () => {
    const servers = cluster.nodes()
    const server = servers[Math.floor(Math.random() * servers.length)]
    if (!server) return rest()
    const connection = server.duplicate({
      retryStrategy: () => null,
      readOnly: false,
      autoResubscribe: false,
    })
    ear = connection
    connection.on('error', () => {})
    connection.on('message', (_: string, text: string) => onMessage(text))
    connection.on('ready', () => {
      connection.subscribe(channel).then(onOpen, (error: Error) => {
        onRefused(error)
        connection.disconnect()
      })
    })
    connection.on('close', () => forgetTimer(connection))
    connection.once('end', () => {
      onLost()
      rest()
    })
    connection.connect().catch(() => {})
  }
  const rest = () => {
    if (!isClosed) pauseTimer = setTimeout(listen, PAUSE_MS)
  }

  // Whoever listens owes nothing and is owed nothing: that the connection is dead shows when it does not answer.
  const pingTimer = setInterval(() => {
    if (ear?.status === 'ready') ear.ping().catch(() => {})
  }, socketTimeoutMs / 2)
  listen()
  return {
    close() {
      isClosed = true
      clearTimeout(pauseTimer)
      clearInterval(pingTimer)
      ear?.disconnect()
    },
  }
}
