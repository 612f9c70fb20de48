import { Cluster } from 'ioredis'
import { findFreePort } from '../../../test/servers/free-port.ts'
import { until } from './harness.ts'
import { type RedisServer, type RedisServerOptions, startRedis } from './redis-server.ts'

/** A cluster of several servers on this machine: primaries, each with a third of the slots, and perhaps a replica each. */
export interface RedisCluster {
  readonly primaries: readonly RedisServer[]
  /** Of the primary with the same number. */
  readonly replicas: readonly RedisServer[]
  readonly all: readonly RedisServer[]
  /** Where a client begins to look. */
  readonly ports: readonly number[]
  /** A client that is not connected, to be copied. */
  openClient(): Cluster
  /** The slot of a stream, and who has it by the account of a server. */
  slotOf(stream: string, witness?: RedisServer): Promise<number>
  ownerOf(stream: string, witness?: RedisServer): Promise<RedisServer>
  /** Moves a slot, key by key, as the tool of the server does. */
  moveSlot(
    slot: number,
    from: RedisServer,
    to: RedisServer,
    onKey?: (key: string) => Promise<void>,
  ): Promise<void>
  /** Resolves when all servers that run say that everything is served. */
  whole(without?: RedisServer): Promise<void>
  dispose(): Promise<void>
}

export interface RedisClusterOptions extends RedisServerOptions {
  readonly hasReplicas?: boolean | undefined
}

const SLOTS = 16_384
const PRIMARIES = 3
/** After so long without an answer a server is taken for dead, in milliseconds. */
const NODE_TIMEOUT_MS = 1500

export async function startCluster({
  hasReplicas = false,
  more = [],
  ...options
}: RedisClusterOptions = {}): Promise<RedisCluster> {
  const clusterPorts = new Map<RedisServer, number>()
  const startNode = async () => {
    const clusterPort = await findFreePort()
    const server = await startRedis({
      ...options,
      more: [
        ...[
          '--cluster-enabled',
          'yes',
          '--cluster-announce-ip',
          '127.0.0.1',
          '--cluster-port',
          `${clusterPort}`,
        ],
        ...['--cluster-node-timeout', `${NODE_TIMEOUT_MS}`, ...more],
      ],
    })
    clusterPorts.set(server, clusterPort)
    return server
  }
  const primaries = await Promise.all(Array.from({ length: PRIMARIES }, startNode))
  const replicas = hasReplicas ? await Promise.all(primaries.map(startNode)) : []
  const all = [...primaries, ...replicas]
  const whole = async (without?: RedisServer) => {
    for (const server of all)
      if (server !== without) await until(async () => (await stateOf(server)) === 'ok')
  }

  await Promise.all(all.map(({ admin }, at) => admin.call('CLUSTER', 'SET-CONFIG-EPOCH', at + 1)))
  await Promise.all(
    primaries.map(({ admin }, at) => {
      const [first, next] = [at, at + 1].map((part) => Math.ceil((SLOTS * part) / PRIMARIES)) as [
        number,
        number,
      ]
      return admin.call('CLUSTER', 'ADDSLOTSRANGE', first, next - 1)
    }),
  )
  const [first, ...others] = all as [RedisServer, ...RedisServer[]]
  for (const server of others)
    await first.admin.call('CLUSTER', 'MEET', '127.0.0.1', server.port, clusterPorts.get(server) as number)
  await until(async () => {
    const lists = await Promise.all(all.map(({ admin }) => admin.call('CLUSTER', 'NODES')))
    return lists.every((list) => String(list).split('connected').length === all.length + 1)
  })
  for (const [at, replica] of replicas.entries()) {
    const primary = primaries[at] as RedisServer
    await replica.admin.call('CLUSTER', 'REPLICATE', await idOf(primary))
    await until(async () => (await replica.admin.info('replication')).includes('master_link_status:up'))
  }
  await whole()

  const slotOf = async (stream: string, { admin } = first) =>
    Number(await admin.call('CLUSTER', 'KEYSLOT', `{${stream}}:wake`))
  return {
    primaries,
    replicas,
    all,
    ports: primaries.map(({ port }) => port),
    openClient: () =>
      new Cluster(
        primaries.map(({ port }) => ({ host: '127.0.0.1', port })),
        { lazyConnect: true },
      ),
    slotOf,
    async ownerOf(stream, witness = first) {
      const slot = await slotOf(stream, witness)
      const ranges = (await witness.admin.call('CLUSTER', 'SLOTS')) as [number, number, [string, number]][]
      const port = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2][1]
      return all.find((server) => server.port === port) as RedisServer
    },
    async moveSlot(slot, from, to, onKey = async () => {}) {
      const [fromId, toId] = await Promise.all([idOf(from), idOf(to)])
      await to.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId)
      await from.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId)
      for (;;) {
        const [key] = (await from.admin.call('CLUSTER', 'GETKEYSINSLOT', slot, 1)) as string[]
        if (key === undefined) break
        await from.admin.migrate('127.0.0.1', to.port, key, 0, 5000)
        await onKey(key)
      }
      for (const server of [to, from, ...all])
        await server.admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', toId).catch(() => {})
    },
    whole,
    dispose: async () => void (await Promise.all(all.map((server) => server.dispose()))),
  }
}

async function idOf({ admin }: RedisServer): Promise<string> {
  return String(await admin.call('CLUSTER', 'MYID'))
}

async function stateOf({ admin }: RedisServer): Promise<string | undefined> {
  return /cluster_state:(\w+)/.exec(String(await admin.call('CLUSTER', 'INFO')))?.[1]
}
