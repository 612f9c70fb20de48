export {
  type JetStreamBackend,
  type JetStreamGroup,
  type JetStreamHealth,
  jetStream,
} from './jet-stream.ts'
export type { JetStreamOptions } from './options.ts'
