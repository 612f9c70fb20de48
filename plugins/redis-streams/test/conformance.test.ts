import { redisStreams } from '@eventsets/redis-streams'
import { busBackendConformance } from 'eventsets/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { poisonBodies } from '../../../test/bus-backends/poison-bodies.ts'
import { victimsOf } from '../../../test/bus-backends/victim.ts'
import { startProcess } from './harness.ts'
import { hasRedisServer, type RedisServer, startRedis } from './redis-server.ts'

/** A process that dies is missed soon, and nobody is missed who is only slow. */
const LEASE_MS = 1500

let server: RedisServer
let count = 0
beforeAll(async () => {
  server = await startRedis({ appendFsync: 'everysec' })
})
afterAll(() => server.dispose())

describe.runIf(hasRedisServer)('redisStreams', () => {
  const make = () => {
    const options = { url: server.url, stream: `case-${count++}`, leaseMs: LEASE_MS }
    return {
      backend: redisStreams(options),
      reopen: () => redisStreams(options),
      ...victimsOf((role, order) => startProcess(role, { ...options, ...order })),
      restart: async () => {
        await server.kill()
        await server.start()
      },
      poison: async () => {
        for (const body of poisonBodies)
          for (const queue of ['normal', 'critical', 'k0'])
            await server.admin.xadd(`{${options.stream}}:log:${queue}`, '*', 'e', body)
        await server.admin.xadd(`{${options.stream}}:log:normal`, '*', 'what', 'else')
      },
    }
  }
  for (const { name, run } of busBackendConformance(make, { timeoutMs: 45_000 })) it(name, run)
})
