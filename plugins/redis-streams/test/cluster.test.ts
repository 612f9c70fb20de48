import { Cluster } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import { event, newStream, openBackend, openServer, until, untilIdle, watch } from './harness.ts'
import { hasRedisServer } from './redis-server.ts'

it.runIf(hasRedisServer)('works on a cluster: what belongs together is in one slot', async () => {
  const server = await openServer({
    more: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'],
  })
  await server.admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  await until(async () => String(await server.admin.call('CLUSTER', 'INFO')).includes('cluster_state:ok'))
  const client = new Cluster([{ host: '127.0.0.1', port: server.port }])
  onTestFinished(() => client.disconnect())
  const backend = openBackend({ client, stream: newStream() })
  const { deliveries } = await watch(backend, 'shop', ({ attempt }) =>
    attempt === 1 ? { retry: { handlers: ['x'], delayMs: 1, attempt: 2 } } : undefined,
  )
  const events = Array.from({ length: 50 }, (_, n) => event(n % 2 ? { key: `key-${n}` } : {}))
  await backend.publish(events)

  await until(() => deliveries.length === 100)
  await untilIdle(backend)
  const replayed: string[] = []
  for await (const { id } of backend.replay?.({}) ?? []) replayed.push(id)
  expect(replayed).toEqual(events.map(({ id }) => id))
})
