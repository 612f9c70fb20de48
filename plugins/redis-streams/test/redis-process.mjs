// What the tests do in processes of their own, so that these can be killed at any moment:
//
//   node --import ../../../scripts/from-clone.mjs redis-process.mjs <role> <options as JSON>
import { redisStreams } from '@eventsets/redis-streams'
import { EventBus } from 'eventsets/bus'
import { play } from '../../../test/bus-backends/child.mjs'
import { rolesOf } from '../../../test/bus-backends/roles.mjs'
import { byKey } from './by-key.mjs'

// A function cannot be given to another process.
const open = (options) =>
  redisStreams(options.streams ? { ...options, stream: byKey(options.streams) } : options)

await play(rolesOf({ EventBus, open }))
