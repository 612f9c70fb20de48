import { Redis } from 'ioredis'
import { hasCommand } from '../../../test/servers/command.ts'
import { findFreePort } from '../../../test/servers/free-port.ts'
import { createServerProcess, type ServerProcess } from '../../../test/servers/server-process.ts'

/** Another server than the one that is installed, such as a newer one or Valkey. */
export const redisServerCommand = process.env['EVENTSETS_REDIS_SERVER'] ?? 'redis-server'

export const hasRedisServer = hasCommand(redisServerCommand, '@eventsets/redis-streams')

/** A server of its own, on a free port of this machine. */
export interface RedisServer extends Omit<ServerProcess, 'folder' | 'start'> {
  readonly port: number
  readonly url: string
  /** A client for what the port of the bus has no method for. It waits while the server is away. */
  readonly admin: Redis
  /** Starts it on what it had stored, and resolves when it answers. */
  start(): Promise<void>
}

export interface RedisServerOptions {
  /** How often it writes to its disk; not at all unless given. */
  readonly appendFsync?: 'always' | 'everysec' | 'no' | undefined
  /** Whether it goes on when its files may not become larger, as if its disk was full. */
  readonly outlivesFileLimit?: boolean | undefined
  readonly more?: readonly string[] | undefined
}

export async function startRedis({
  appendFsync,
  outlivesFileLimit = false,
  more = [],
}: RedisServerOptions = {}): Promise<RedisServer> {
  const port = await findFreePort()
  const storing = appendFsync ? ['--appendonly', 'yes', '--appendfsync', appendFsync] : []
  const [command, ...words] = outlivesFileLimit
    ? ['sh', '-c', 'trap "" XFSZ; exec "$0" "$@"', redisServerCommand]
    : [redisServerCommand]
  const server = createServerProcess(command, (folder) => [
    ...words,
    ...['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
    ...['--repl-diskless-sync-delay', '0'],
    ...storing,
    ...more,
  ])
  const admin = new Redis(port, '127.0.0.1', {
    maxRetriesPerRequest: null,
    retryStrategy: () => 10,
    lazyConnect: true,
  })
  admin.on('error', () => {})
  const start = async () => {
    server.start()
    if (admin.status === 'wait') admin.connect().catch(() => {})
    await admin.ping()
  }
  await start()
  return {
    ...server,
    port,
    url: `redis://127.0.0.1:${port}`,
    admin,
    start,
    async dispose() {
      admin.disconnect()
      await server.dispose()
    },
  }
}
