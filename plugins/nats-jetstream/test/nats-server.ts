import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectSocket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type NatsConnection } from '@nats-io/transport-node'

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

/**
 * Whether the command is there. Where it is not, the tests are skipped, and say so; a continuous integration that
 * skipped them would promise what nobody has tried.
 */
export function hasNatsServer(): boolean {
  const { error } = spawnSync('nats-server', ['--version'])
  if (!error) return true
  const message =
    'The command "nats-server" is not installed: nothing of @eventsets/nats-jetstream can be tested.'
  if (process.env['CI']) throw new Error(message)
  console.warn(`\n${message}\n`)
  return false
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
  const port = await findPort()
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

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('There is no free port.')
  return address.port
}
