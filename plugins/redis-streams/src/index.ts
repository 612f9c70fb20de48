export type { RedisClient } from './connection.ts'
export type { RedisStreamsOptions } from './options.ts'
export {
  type RedisGroup,
  type RedisStreamsBackend,
  type RedisStreamsHealth,
  redisStreams,
} from './redis-streams.ts'
