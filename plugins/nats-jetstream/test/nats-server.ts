import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { hasCommand } from '../../../test/servers/command.ts'
import { findFreePort } from '../../../test/servers/free-port.ts'

export const hasNatsServer = hasCommand('nats-server', '@eventsets/nats-jetstream')

/** A server of its own, on a free port of this machine. */
export interface NatsServer {
  readonly port: number
  readonly url: string
  /** A connection for what the port of the bus has no method for. It waits while the server is away. */
  readonly admin: NatsConnection
  /** Ends it with SIGKILL. */
  kill(): Promise<void>
  /** Starts it on what it had stored, and resolves when JetStream answers. */
  start(): Promise<void>
  /** Keeps it from doing anything, and lets it go on. */
  pause(): void
  resume(): void
  dispose(): Promise<void>
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
  const folder = mkdtempSync(join(tmpdir(), 'eventsets-nats-'))
  const port = await findFreePort()
  const configuration = join(folder, 'nats.conf')
  const lines = [
    `listen: "127.0.0.1:${port}"`,
    // A bus may publish events of a MiB.
    more.includes('max_payload') ? '' : 'max_payload: 8MB',
    jetStream ? `jetstream { store_dir: ${JSON.stringify(join(folder, 'store'))} }` : '',
    more,
  ]
  writeFileSync(configuration, lines.join('\n'))
  let child: ChildProcess | undefined
  let exit: Promise<unknown> = Promise.resolve()
  let admin: NatsConnection | undefined
  const start = async () => {
    child = spawn('nats-server', ['-c', configuration], { stdio: 'ignore' })
    exit = once(child, 'exit')
    await untilListening(port)
    if (!jetStream) return
    admin ??= await connect({ servers: `127.0.0.1:${port}`, maxReconnectAttempts: -1, reconnectTimeWait: 10 })
    await untilJetStream(admin)
  }
  const kill = async () => {
    child?.kill('SIGKILL')
    await exit
  }
  await start()
  return {
    port,
    url: `nats://127.0.0.1:${port}`,
    admin: admin as unknown as NatsConnection,
    kill,
    start,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async dispose() {
      await admin?.close()
      await kill()
      rmSync(folder, { recursive: true, force: true })
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
