import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { findFreePort } from '../../../test/servers/free-port.ts'
import { createServerProcess } from '../../../test/servers/server-process.ts'
import { until } from './harness.ts'
import { type RedisServer, redisServerCommand } from './redis-server.ts'

/** Looks after a primary and its replicas, and makes one of these the primary when it is gone. */
export interface RedisSentinel {
  readonly port: number
  /** What it calls the primary. */
  readonly name: string
  /** What a client of ioredis is told to find the primary by it. */
  readonly options: {
    readonly sentinels: { readonly host: string; readonly port: number }[]
    readonly name: string
  }
  /** A client that is not connected, to be copied. */
  openClient(): Redis
  /** Makes a replica the primary, though nothing has happened. */
  failOver(): Promise<void>
  primaryPort(): Promise<number>
  dispose(): Promise<void>
}

const NAME = 'main'
const DOWN_AFTER_MS = 1000

/** Resolves when it knows the replica. */
export async function startSentinel(primary: RedisServer): Promise<RedisSentinel> {
  const port = await findFreePort()
  const process = createServerProcess(redisServerCommand, (folder) => {
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor ${NAME} 127.0.0.1 ${primary.port} 1`,
      `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
      `sentinel failover-timeout ${NAME} 2000`,
    ]
    const path = join(folder, 'sentinel.conf')
    writeFileSync(path, `${lines.join('\n')}\n`)
    return [path, '--sentinel']
  })
  process.start()
  const admin = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null, retryStrategy: () => 10 })
  admin.on('error', () => {})
  // It looks every ten seconds otherwise.
  await admin.call('SENTINEL', 'DEBUG', 'info-period', 1000, 'ping-period', 200, 'publish-period', 200)
  await until(async () => /^master0:.*status=ok.*slaves=1/m.test(await admin.info('sentinel')))
  const options = { sentinels: [{ host: '127.0.0.1', port }], name: NAME }
  return {
    port,
    name: NAME,
    options,
    openClient: () => new Redis({ ...options, lazyConnect: true }),
    async failOver() {
      // It wants to have asked the replica lately.
      await until(() =>
        admin.call('SENTINEL', 'FAILOVER', NAME).then(
          () => true,
          () => false,
        ),
      )
    },
    async primaryPort() {
      const address = (await admin.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)) as [string, string]
      return Number(address[1])
    },
    async dispose() {
      admin.disconnect()
      await process.dispose()
    },
  }
}
