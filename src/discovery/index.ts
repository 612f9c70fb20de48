export { builtInSets } from './built-in-sets.ts'
export type { ConfiguredOptions } from './configuration.ts'
export {
  type DiscoveredSet,
  type DiscoverOptions,
  type Discovery,
  discoverEventSets,
} from './discover.ts'
export { createRegistry, getRegistry } from './process-registry.ts'
