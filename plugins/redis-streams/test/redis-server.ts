import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { hasCommand } from '../../../test/servers/command.ts'
import { findFreePort } from '../../../test/servers/free-port.ts'

export const hasRedisServer = hasCommand('redis-server', '@eventsets/redis-streams')

/** A server of its own, on a free port of this machine. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** A client for what the port of the bus has no method for. It waits while the server is away. */
  readonly admin: Redis
  /** Ends it with SIGKILL. */
  kill(): Promise<void>
  /** Starts it on what it had stored. */
  start(): Promise<void>
  /** Keeps it from doing anything, and lets it go on. */
  pause(): void
  resume(): void
  dispose(): Promise<void>
}

export interface RedisServerOptions {
  /** How often it writes to its disk; not at all unless given. */
  readonly appendFsync?: 'always' | 'everysec' | undefined
  readonly more?: readonly string[] | undefined
}

export async function startRedis({ appendFsync, more = [] }: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'eventsets-redis-'))
  const port = await findFreePort()
  const storing = appendFsync ? ['--appendonly', 'yes', '--appendfsync', appendFsync] : []
  const args = [
    '--port',
    `${port}`,
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    ...storing,
    ...more,
  ]
  const admin = new Redis(port, '127.0.0.1', {
    maxRetriesPerRequest: null,
    retryStrategy: () => 10,
    lazyConnect: true,
  })
  admin.on('error', () => {})
  let child: ChildProcess | undefined
  let exit: Promise<unknown> = Promise.resolve()
  const start = async () => {
    child = spawn('redis-server', args, { stdio: ['ignore', 'ignore', 'inherit'] })
    exit = once(child, 'exit')
    if (admin.status === 'wait') admin.connect().catch(() => {})
    await admin.ping()
  }
  const kill = async () => {
    child?.kill('SIGKILL')
    await exit
  }
  await start()
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    admin,
    kill,
    start,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async dispose() {
      admin.disconnect()
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
