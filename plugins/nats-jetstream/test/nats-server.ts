import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { join } from 'node:path'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { hasCommand } from '../../../test/servers/command.ts'
import { findFreePort } from '../../../test/servers/free-port.ts'
import { createServerProcess, type ServerProcess } from '../../../test/servers/server-process.ts'

export const hasNatsServer = hasCommand('nats-server', '@eventsets/nats-jetstream')

/** A server of its own, on a free port of this machine. */
export interface NatsServer extends Omit<ServerProcess, 'folder' | 'start'> {
  readonly port: number
  readonly url: string
  /** A connection for what the port of the bus has no method for. It waits while the server is away. */
  readonly admin: NatsConnection
  /** Starts it on what it had stored, and resolves when JetStream answers. */
  start(): Promise<void>
}

export interface NatsServerOptions {
  /** Lines of its configuration. */
  readonly more?: string | undefined
  /** Whether it has JetStream; it has unless given. */
  readonly jetStream?: boolean | undefined
}

export async function startNats({
  more = '',
  jetStream = true,
}: NatsServerOptions = {}): Promise<NatsServer> {
  const port = await findFreePort()
  const server = createServerProcess('nats-server', (folder) => ['-c', join(folder, 'nats.conf')])
  const lines = [
    `listen: "127.0.0.1:${port}"`,
    // A bus may publish events of a MiB.
    more.includes('max_payload') ? '' : 'max_payload: 8MB',
    jetStream ? `jetstream { store_dir: ${JSON.stringify(join(server.folder, 'store'))} }` : '',
    more,
  ]
  writeFileSync(join(server.folder, 'nats.conf'), lines.join('\n'))
  let admin: NatsConnection | undefined
  const start = async () => {
    server.start()
    await untilListening(port)
    if (!jetStream) return
    admin ??= await connect({ servers: `127.0.0.1:${port}`, maxReconnectAttempts: -1, reconnectTimeWait: 10 })
    await untilJetStream(admin)
  }
  await start()
  return {
    ...server,
    port,
    url: `nats://127.0.0.1:${port}`,
    admin: admin as unknown as NatsConnection,
    start,
    async dispose() {
      await admin?.close()
      await server.dispose()
    },
  }
}

/** Each attempt waits for its answer. */
async function untilListening(port: number): Promise<void> {
  for (;;) {
    const socket = connectSocket(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5))
    } finally {
      socket.destroy()
    }
  }
}

async function untilJetStream(admin: NatsConnection): Promise<void> {
  for (;;) {
    try {
      await admin.request('$JS.API.INFO', '', { timeout: 200 })
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}
