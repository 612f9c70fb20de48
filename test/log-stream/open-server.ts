import { onTestFinished } from 'vitest'
import {
  type RedisServer,
  type RedisServerOptions,
  startRedis,
} from '../../plugins/redis-streams/test/redis-server.ts'
import { type NetworkProxy, startProxy } from '../servers/proxy.ts'

/** A server that ends with the test. */
export async function openServer(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await startRedis(options)
  onTestFinished(() => server.dispose())
  return server
}

/** Something between a logger and the server, which is gone after the test. */
export async function openProxy(server: RedisServer): Promise<NetworkProxy & { readonly url: string }> {
  // What a client asks when it connects is answered, or it would never come to the point.
  const proxy = await startProxy(server.port, { isSpared: (answer) => answer.includes('redis_version') })
  onTestFinished(() => proxy.close())
  return Object.assign(proxy, { url: `redis://127.0.0.1:${proxy.port}` })
}
