// As redis-process.mjs, on a cluster: the option `ports` says where its servers are.
import { redisStreams } from '@eventsets/redis-streams'
import { EventBus } from 'eventsets/bus'
import { Cluster } from 'ioredis'
import { play } from '../../../test/bus-backends/child.mjs'
import { rolesOf } from '../../../test/bus-backends/roles.mjs'

const open = ({ ports, ...options }) => {
  const servers = ports.map((port) => ({ host: '127.0.0.1', port }))
  return redisStreams({ ...options, client: new Cluster(servers, { lazyConnect: true }) })
}

await play(rolesOf({ EventBus, open }))
