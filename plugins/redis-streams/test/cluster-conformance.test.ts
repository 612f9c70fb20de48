import { redisStreams } from '@eventsets/redis-streams'
import { busBackendConformance } from 'eventsets/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { poisonBodies } from '../../../test/bus-backends/poison-bodies.ts'
import { startProcess } from '../../../test/bus-backends/process.ts'
import { victimsOf } from '../../../test/bus-backends/victim.ts'
import { newStream } from './harness.ts'
import { type RedisCluster, startCluster } from './redis-cluster.ts'
import { hasRedisServer } from './redis-server.ts'

/** A process that dies is missed soon, and nobody is missed who is only slow. */
const LEASE_MS = 1500

let cluster: RedisCluster
beforeAll(async () => {
  if (hasRedisServer) cluster = await startCluster({ appendFsync: 'everysec' })
})
afterAll(() => cluster?.dispose())

describe.runIf(hasRedisServer)('redisStreams on a cluster', () => {
  const make = () => {
    const said = { stream: newStream(), leaseMs: LEASE_MS }
    const options = { ...said, client: cluster.openClient() }
    return {
      backend: redisStreams(options),
      reopen: () => redisStreams(options),
      ...victimsOf((role, order) => {
        const script = new URL('cluster-process.mjs', import.meta.url)
        return startProcess(script, role, { ...said, ports: cluster.ports, ...order })
      }),
      restart: async () => {
        const server = await cluster.ownerOf(said.stream)
        await server.kill()
        await server.start()
        await cluster.whole()
      },
      poison: async () => {
        const { admin } = await cluster.ownerOf(said.stream)
        for (const body of poisonBodies)
          for (const queue of ['normal', 'critical', 'k0'])
            await admin.xadd(`{${said.stream}}:log:${queue}`, '*', 'e', body)
        await admin.xadd(`{${said.stream}}:log:normal`, '*', 'what', 'else')
      },
    }
  }
  for (const { name, run } of busBackendConformance(make, { timeoutMs: 45_000 })) it(name, run)
})
