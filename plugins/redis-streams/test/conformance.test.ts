import { redisStreams } from '@eventsets/redis-streams'
import { busBackendConformance } from 'eventsets/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { startProcess } from './processes.ts'
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
      startVictim: async (group: string) => {
        const victim = startProcess('hold', { ...options, group })
        await victim.said('ready')
        return {
          holds: async (held: number) => void (await victim.said(`holds ${held}`)),
          kill: victim.kill,
        }
      },
      restart: async () => {
        await server.kill()
        await server.start()
      },
      poison: async () => {
        const bodies = [
          '{"id":',
          'null',
          '{"name":7}',
          Buffer.from([0x7b, 0x22, 0xff, 0x00, 0x22]),
          '\u001b[2J',
        ]
        for (const body of bodies)
          for (const queue of ['normal', 'critical', 'k0'])
            await server.admin.xadd(`{${options.stream}}:log:${queue}`, '*', 'e', body)
        await server.admin.xadd(`{${options.stream}}:log:normal`, '*', 'what', 'else')
      },
    }
  }
  for (const { name, run } of busBackendConformance(make)) it(name, run)
})
