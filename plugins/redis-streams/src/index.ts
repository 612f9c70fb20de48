export type { RedisClient } from './connection.ts'
export { logStreamDriver } from './log-stream/driver.ts'
export type { RedisStreamsOptions } from './options.ts'
export { type RedisPubSubBackend, type RedisPubSubHealth, redisPubSub } from './pub-sub.ts'
export type { RedisPubSubOptions } from './pub-sub-options.ts'
export {
  type RedisGroup,
  type RedisStreamsBackend,
  type RedisStreamsHealth,
  redisStreams,
} from './redis-streams.ts'
