import type { Cluster, Redis } from 'ioredis'
import type { RedisClient } from './connection.ts'
import { evaluate } from './evaluate.ts'
import { isReply } from './failures.ts'
import type { Script } from './scripts/script.ts'

/** What a script has given, and how many replicas have what it has written. */
export interface Replicated {
  readonly reply: unknown
  readonly replicas: number
}

export interface ReplicasWish {
  /** How many replicas are to have it. */
  readonly replicas: number
  /** How long they have for that, in milliseconds. */
  readonly replicaTimeoutMs: number
}

export interface Replication {
  /**
   * Runs a script, and waits until replicas have what it has written: on one and the same connection, since that is
   * what the server counts by. On another one it would answer for what that one has written, which may be nothing.
   *
   * The connection does nothing else meanwhile.
   *
   * @throws what the server answers, or that the connection was lost before it had.
   */
  run(
    client: RedisClient,
    wakeKey: string,
    script: Script,
    args: readonly (string | number)[],
    wish: ReplicasWish,
  ): Promise<Replicated>
}

export function createReplication(): Replication {
  /** Which server of a cluster has had the slot. */
  let owner: Redis | undefined

  /** Tries the servers of a cluster: all but the one that has the slot say that it has moved, and do nothing. */
  const onOwner = async (
    cluster: Cluster,
    key: string,
    runOn: (server: Redis) => Promise<Replicated>,
  ): Promise<Replicated> => {
    let refusal: unknown
    const servers = cluster.nodes('master')
    for (const server of servers.sort((a, b) => Number(b === owner) - Number(a === owner))) {
      try {
        const replicated = await runOn(server)
        owner = server
        return replicated
      } catch (error) {
        if (isReply(error) && !error.message.startsWith('MOVED')) throw error
        refusal = error
      }
    }
    owner = undefined
    // The client knows the cluster as it was: a question of its own makes it look.
    await cluster.exists(key)
    throw refusal ?? new Error('No server of the cluster is known.')
  }

  return {
    async run(client, wakeKey, script, args, { replicas, replicaTimeoutMs }) {
      let isLost = false
      const noteLoss = () => {
        isLost = true
      }
      const runOn = async (server: Redis): Promise<Replicated> => {
        server.once('close', noteLoss)
        try {
          const reply = await evaluate(server, wakeKey, script, args)
          const count = await server.wait(replicas, replicaTimeoutMs)
          // The client asks again by itself when it is connected again, and then nothing has been written there.
          if (isLost) throw new Error('The connection was lost before the replicas had answered.')
          return { reply, replicas: count }
        } finally {
          server.off('close', noteLoss)
        }
      }
      return client.isCluster
        ? await onOwner(client as Cluster, wakeKey, runOn)
        : await runOn(client as Redis)
    },
  }
}
