import { builtInSets } from './discovery/built-in-sets.ts'
import { whenRegistryIsMade } from './discovery/process-registry.ts'
import { announceRegistrations } from './pino/registration-channel.ts'

export * from './core/index.ts'
export * from './discovery/index.ts'
export type * from './log-stream/index.ts'
export { default } from './pino/lazy-transport.ts'

// What the application registers in this thread reaches the transports in the workers.
whenRegistryIsMade((registry) => announceRegistrations(registry, builtInSets))
